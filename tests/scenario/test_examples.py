# SPDX-License-Identifier: GPL-2.0-or-later
"""What examples/ promises: the extension, the SDP handler, the quick start."""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from support.daemon import DaemonError
from support.peer import Call, Peer
from support.rtp import RtpSocket
from support.wire import audio_sdp

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

COLOURS = """\
[default]
exten = colour,1,Verbose(1,COLOUR ${HELLO_COLOUR}.)
 same = n,Busy()

exten = wait,1,Answer()
 same = n,Wait(60)
"""


# ---- examples/extension ----


@pytest.fixture
def extension(start_daemon, api_module):
    return start_daemon(extensions=COLOURS, modules=["sdp_rtp", api_module("hello"), api_module("api_control")])


def test_extension_declines(extension):
    peer = extension.peer()
    Call(peer, "wait", headers=[("X-No-Thanks", "")]).refuse_check(603)
    Call(peer, "wait", headers=[("x-no-thanks", "whatever")]).refuse_check(603)
    call = Call(peer, "wait", headers=[("X-Thanks", "")])
    call.establish()
    call.hang_up()


def test_extension_stores_a_header_in_a_variable(extension):
    peer = extension.peer()
    Call(peer, "colour", headers=[("X-Colour", "dark blue")]).refuse_check(486)
    extension.wait_log(r"COLOUR dark blue\.$")
    Call(peer, "colour").refuse_check(486)
    extension.wait_log(r"COLOUR \.$")


def test_extension_adds_a_header_to_our_invites(extension):
    asker, callee = extension.peer(), extension.peer()
    call = Call(asker, "wait")
    answer = call.establish()
    assert not answer.has("x-hello")
    call.send("INFO", headers=[("X-Do", f"call sip:callee@127.0.0.1:{callee.port}")])
    call.expect(200)
    invite = callee.expect("INVITE")
    assert invite.all("x-hello") == ["from an extension"]
    callee.respond(invite, 603)
    callee.expect("ACK")
    call.hang_up()


# ---- examples/sdp_handler ----


def test_sdp_handler(start_daemon, api_module):
    """One stream of PCMU is told to go elsewhere; what it leaves alone is the shipped handler's."""
    daemon = start_daemon(modules=["sdp_rtp", api_module("elsewhere")])
    peer = daemon.peer()
    call = Call(peer, "wait", sdp=audio_sdp(41000, [0, 8]))
    sdp = call.establish().sdp
    assert (sdp.audio.connection, sdp.audio.port, sdp.audio.formats) == ("127.0.0.1", 4000, ["0"])
    call.send("INVITE", body=audio_sdp(41000, [0], direction="sendonly", version=2))
    again = call.expect(200)
    call.ack(again)
    assert again.sdp.lines == sdp.lines
    call.hang_up()
    other = Call(peer, "wait", sdp=audio_sdp(41000, [8]))
    assert other.establish().sdp.audio.port != 4000
    other.hang_up()


# ---- examples/quickstart ----


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory):
    """The daemon on the very files of the quick start, on 127.0.0.1 port 5060; in a copy of their folder, since a daemon
    writes its socket beside them, and only one may run on a folder."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", 5060))
        except OSError:
            pytest.skip("port 5060 of 127.0.0.1 is taken, and no network namespace can be made")
    folder = tmp_path_factory.mktemp("quickstart")
    log = folder / "log"
    shutil.copytree(EXAMPLES / "quickstart", folder / "config")
    command = [os.environ["SIPSESSION_DAEMON"], "run", "-c", str(folder / "config"), "-v"]
    if os.environ.get("SIPSESSION_MODULES"):
        command += ["-m", os.environ["SIPSESSION_MODULES"]]
    with open(log, "wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
    peer = Peer(("127.0.0.1", 5060))
    for _ in range(100):
        try:
            peer.send(peer.request("OPTIONS"))
            if peer.receive(0.2):
                break
        except ConnectionRefusedError:
            pass
    yield peer
    peer.close()
    process.terminate()
    status = process.wait(10)
    text = log.read_text(errors="replace")
    if status != 0 or re.search(r"Sanitizer|runtime error|ERROR|WARNING", text):
        raise DaemonError(f"exit status {status}:\n{text}")


def test_quickstart_check():
    command = [os.environ["SIPSESSION_DAEMON"], "check", "-c", str(EXAMPLES / "quickstart")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0 and "0 errors, 0 warnings" in done.stdout + done.stderr, done.stdout + done.stderr


def test_quickstart_call(quickstart):
    """What the README shows: the ladder, and the tone that came back."""
    command = [os.environ["SIPSESSION_DAEMON"], "call", "sip:echo@127.0.0.1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "tone came back" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("user", ["echo", "wait", "600", "602"])
def test_quickstart_answers(quickstart, user):
    call = Call(quickstart, user)
    call.establish()
    call.hang_up()


@pytest.mark.parametrize("user, status", [("busy", 486), ("603", 486), ("congestion", 503), ("604", 503), ("70", 486), ("nosuch", 404)])
def test_quickstart_refuses(quickstart, user, status):
    Call(quickstart, user).refuse_check(status)


def test_quickstart_takes_a_message(quickstart):
    request = quickstart.request("MESSAGE", "note", [("Content-Type", "text/plain")], b"hello")
    quickstart.send(request)
    quickstart.expect(202, call_id=request.call_id)


def test_quickstart_rings(quickstart):
    call = Call(quickstart, "ringing").send_invite()
    call.expect(180)
    call.cancel()
    assert {call.expect(200, 487).status, call.expect(200, 487).status} == {200, 487}


@pytest.mark.parametrize("user", ["hello", "71"])
def test_quickstart_says_hello(quickstart, user):
    with RtpSocket() as rtp:
        call = Call(quickstart, user, sdp=audio_sdp(rtp.port))
        call.establish()
        bye = call.expect("BYE", timeout=15)
        quickstart.respond(bye, 200)
        packets = rtp.collect(0.1)
    assert len(packets) > 25 and len({p.payload for p in packets}) > 10, "something is to be heard"


def test_quickstart_early_media(quickstart):
    with RtpSocket() as rtp:
        call = Call(quickstart, "early", sdp=audio_sdp(rtp.port)).send_invite()
        call.expect(183)
        call.expect(486, timeout=15, skip=(100, 183))
        assert len(rtp.collect(0.1)) > 25
