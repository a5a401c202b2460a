# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that others wrote hear themselves: PJSUA, baresip, SIPp; and our own `sipsession call`."""

import os
import re
import subprocess

import pytest
from support import audio, clients


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    narrow, wide = audio.speech_like(8, 8000, seed=5), audio.speech_like(8, 16000, seed=6)
    audio.write_wav(folder / "narrow.wav", narrow, 8000)
    audio.write_wav(folder / "wide.wav", wide, 16000)
    audio.write_wav(folder / "brief.wav", narrow[:8000], 8000)
    return folder, narrow, wide


@pytest.fixture(scope="module")
def daemon_options(sounds):
    return {
        "sounds": sounds[0],
        "extensions": """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = hello,1,Answer()
 same = n,Playback(narrow)
 same = n,Hangup()

exten = early,1,Progress()
 same = n,Playback(brief,noanswer)
 same = n,Busy()

exten = busy,1,Busy()

exten = mute,1,Answer()
 same = n,Wait(30)
"""
    }


def uri(daemon, user, way):
    return {
        "udp": f"sip:{user}@{daemon.address}:{daemon.port}",
        "tcp": f"sip:{user}@{daemon.address}:{daemon.port};transport=tcp",
        "ipv6": f"sip:{user}@[::1]:{daemon.port6}",
    }[way]


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_pjsua_hears_itself(daemon, tmp_path, sounds, way):
    record = tmp_path / "heard.wav"
    client = clients.pjsua(
        tmp_path, uri(daemon, "echo", way), sounds[0] / "narrow.wav", record,
        ["--add-codec=PCMU", "--dis-codec=speex", "--dis-codec=opus", "--dis-codec=g722", "--duration=4",
         *(["--no-tcp"] if way == "udp" else [])],
    )  # fmt: skip
    text = client.hung_up()
    assert "state changed to CONFIRMED" in text and "DISCONNECTED [reason=200" in text
    samples, rate = audio.read_wav(record)
    assert rate == 8000
    heard = audio.share_heard(sounds[1][4000:20000], samples, rate)
    assert heard >= 0.5, f"{heard}\n{client.text()[-2000:]}"


def test_pjsua_hears_itself_in_g722(daemon, tmp_path, sounds):
    record = tmp_path / "heard.wav"
    client = clients.pjsua(
        tmp_path, uri(daemon, "echo", "udp"), sounds[0] / "wide.wav", record,
        ["--no-tcp", "--dis-codec=*", "--add-codec=G722", "--duration=4"], rate=16000,
    )  # fmt: skip
    client.hung_up()
    samples, rate = audio.read_wav(record)
    assert rate == 16000
    heard = audio.share_heard(sounds[2][8000:40000], samples, rate)
    assert heard >= 0.5, f"{heard}\n{client.text()[-2000:]}"


def test_pjsua_hears_a_file(daemon, tmp_path, sounds):
    record = tmp_path / "heard.wav"
    client = clients.pjsua(tmp_path, uri(daemon, "hello", "udp"), None, record, ["--dis-codec=opus", "--dis-codec=speex"])
    client.hung_up(20)  # the daemon hangs up at the file's end
    samples, rate = audio.read_wav(record)
    heard = audio.share_heard(sounds[1], samples, rate)
    assert heard >= 0.5, f"{heard}\n{client.text()[-2000:]}"


def test_pjsua_holds_and_resumes(daemon, tmp_path, sounds):
    client = clients.pjsua(tmp_path, uri(daemon, "echo", "udp"), sounds[0] / "narrow.wav", None, ["--duration=20"])
    try:
        client.wait_for("state changed to CONFIRMED")
        for command, said in (("H", "status is Local hold"), ("v", "status is Active"), ("U", "UPDATE")):
            mark = len(client.text())
            client.console(command)
            client.wait_for(said, after=mark)
        client.console("h")
        client.wait_for("is DISCONNECTED", timeout=15)
        client.console("q")
        client.wait(15)
    finally:
        client.kill()
    assert not re.search(r"SIP/2.0 [3-6]", client.text()), client.text()[-3000:]


def test_pjsua_is_told_busy(daemon, tmp_path):
    client = clients.pjsua(tmp_path, uri(daemon, "busy", "udp"))
    try:
        client.wait_for("is DISCONNECTED [reason=486", timeout=10)
        client.console("q")
        client.wait(15)
    finally:
        client.kill()


@pytest.mark.parametrize("codec, rate", [("g711", 8000), ("g722", 16000)])
def test_baresip_hears_itself(daemon, tmp_path, sounds, codec, rate):
    source, name = (sounds[1], "narrow.wav") if rate == 8000 else (sounds[2], "wide.wav")
    samples, found_rate, text = clients.baresip(
        tmp_path, uri(daemon, "echo", "udp"), sounds[0] / name, codec, rate, seconds=5
    )
    assert "Call established" in text
    assert found_rate == rate
    heard = audio.share_heard(source[rate // 2 : 3 * rate], samples, rate)
    assert heard >= 0.5, f"{heard}\n{text[-2000:]}"


@pytest.mark.parametrize("options", [[], ["-t", "t1"], ["-t", "tn"]], ids=["udp", "tcp", "tcp-each"])
def test_sipp(daemon, tmp_path, options):
    good, bad, errors = clients.sipp(daemon, tmp_path, calls=50, rate=50, options=[*options, "-max_socket", "200"])
    assert (good, bad) == (50, 0), errors


def test_sipp_over_ipv6(daemon, tmp_path):
    good, bad, errors = clients.sipp(daemon, tmp_path, calls=20, rate=50, remote=daemon.udp6)
    assert (good, bad) == (20, 0), errors


@pytest.mark.parametrize("scenario, user", [("early_media", "early"), ("late_offer", "echo"), ("reinvite", "echo"), ("cancel", "early")])
def test_sipp_scenarios(daemon, tmp_path, scenario, user):
    good, bad, errors = clients.sipp(daemon, tmp_path, user=user, scenario=scenario, calls=10, rate=20)
    assert (good, bad) == (10, 0), errors


# ---- sipsession call ----


def call(uri, *options, timeout=30):
    command = [os.environ["SIPSESSION_DAEMON"], "call", *options, uri]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


def test_call_hears_its_tone(daemon):
    done = call(uri(daemon, "echo", "udp"))
    text = done.stdout + done.stderr
    assert done.returncode == 0, text
    for step in ("INVITE", "200", "ACK", "BYE", "tone came back"):
        assert step in text, text
    assert re.search(r"\d+(\.\d+)? ms", text), text
    assert not re.search(r"Sanitizer|runtime error", text), text


def test_call_over_tcp(daemon):
    done = call(uri(daemon, "echo", "tcp"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_call_over_ipv6(daemon):
    done = call(uri(daemon, "echo", "ipv6"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("user, word", [("mute", ""), ("busy", "486"), ("nosuch", "404")])
def test_call_that_does_not_work(daemon, user, word):
    done = call(uri(daemon, user, "udp"))
    text = done.stdout + done.stderr
    assert done.returncode not in (0, 99) and done.returncode > 0, text
    assert word in text
    assert not re.search(r"Sanitizer|runtime error", text), text


def test_call_to_nobody(daemon):
    done = call("sip:echo@127.0.0.1:9", timeout=60)
    assert done.returncode > 0 and done.returncode != 99, done.stdout + done.stderr


def test_call_of_no_uri():
    for wrong in ("", "rubbish", "http://127.0.0.1/", "sip:"):
        done = call(wrong, timeout=10)
        assert done.returncode > 0 and done.returncode != 99, done.stdout + done.stderr
