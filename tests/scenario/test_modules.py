# SPDX-License-Identifier: GPL-2.0-or-later
"""Loading modules: order, refusals, what the log says; and `sipsession check`."""

import os
import re
import subprocess

import pytest


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "record"
    return {"SIPSESSION_API_LOG": str(path)}, lambda: path.read_text().splitlines() if path.exists() else []


def test_order_follows_requires(start_daemon, api_module, record):
    env, lines = record
    daemon = start_daemon(modules=[api_module("api_needs"), "sdp_rtp", api_module("api_base")], env=env)
    daemon.stop()
    assert lines() == ["init api_base", "init api_needs", "close api_needs", "close api_base"]


@pytest.mark.parametrize(
    "modules, wanted",
    [
        (["api_needs"], "api_base"),
        (["api_fails"], "told to fail"),
        (["api_wrong_abi"], "api_wrong_abi"),
        (["/there/is/none.so"], "none"),
    ],
)
def test_modules_that_do_not_load(start_daemon, api_module, record, modules, wanted):
    """A module that is asked for and cannot be had is no reason to run without it."""
    env, lines = record
    paths = [name if "/" in name else api_module(name) for name in modules]
    daemon = start_daemon(ready=False, modules=["sdp_rtp", *paths], env=env)
    assert daemon.wait(10) not in (0, 99)
    assert wanted in daemon.log()
    assert not [line for line in lines() if line.startswith("init")]
    assert not re.search(r"Sanitizer|runtime error", daemon.log()), daemon.log()
    daemon.process = None


def check(folder):
    command = [os.environ["SIPSESSION_DAEMON"], "check", "-c", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert not re.search(r"Sanitizer|runtime error", done.stdout + done.stderr), done.stderr
    return done.returncode, done.stdout + done.stderr


def write(folder, pjsip, extensions="[default]\nexten = a,1,Answer()\n", main=None):
    (folder / "pjsip.conf").write_text(pjsip)
    (folder / "extensions.conf").write_text(extensions)
    if main is not None:
        (folder / "sipsession.conf").write_text(main)


GOOD = "[t]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1\n[anonymous]\ntype = endpoint\ncontext = default\nallow = ulaw\n"


def test_check_of_a_good_configuration(tmp_path):
    write(tmp_path, GOOD)
    status, text = check(tmp_path)
    assert status == 0, text


def test_check_of_a_misspelt_option(tmp_path):
    """An error with file, line and the nearest name; exit status tells."""
    write(tmp_path, GOOD + "alow = alaw\n")
    status, text = check(tmp_path)
    assert status not in (0, 99)
    assert re.search(r"pjsip\.conf:9\b", text) and "allow" in text, text


def test_check_of_an_unsupported_option(tmp_path):
    """Known to Asterisk, not supported here: a warning, no error."""
    write(tmp_path, GOOD + "webrtc_not_yet = yes\n".replace("webrtc_not_yet", "moh_passthrough"))
    status, text = check(tmp_path)
    assert status == 0, text
    assert re.search(r"pjsip\.conf:9\b.*moh_passthrough", text), text


@pytest.mark.parametrize(
    "pjsip, extensions",
    [
        (GOOD + "allow = nosuchcodec\n", "[default]\nexten = a,1,Answer()\n"),
        (GOOD, "[default]\nexten = a,1\n"),
        (GOOD.replace("protocol = udp", "protocol = pigeon"), "[default]\nexten = a,1,Answer()\n"),
        (GOOD.replace("bind = 127.0.0.1", "bind = 300.1.1.1"), "[default]\nexten = a,1,Answer()\n"),
        ("[x\ntype = endpoint\n", "[default]\nexten = a,1,Answer()\n"),
        (GOOD + "[y]\nallow = ulaw\n", "[default]\nexten = a,1,Answer()\n"),
    ],
    ids=["codec", "exten", "protocol", "bind", "bracket", "no-type"],
)  # fmt: skip
def test_check_finds(tmp_path, pjsip, extensions):
    write(tmp_path, pjsip, extensions)
    status, text = check(tmp_path)
    assert status not in (0, 99), text
    assert re.search(r"(pjsip|extensions)\.conf:\d+", text), text


def test_check_of_an_unknown_application(tmp_path):
    """A warning: a module may have it."""
    write(tmp_path, GOOD, "[default]\nexten = a,1,NoSuchApplication()\n")
    status, text = check(tmp_path)
    assert status == 0, text
    assert re.search(r"extensions\.conf:2\b.*NoSuchApplication", text), text


def test_check_of_nothing(tmp_path):
    status, text = check(tmp_path)
    assert status not in (0, 99), text


def test_run_refuses_what_check_refuses(start_daemon):
    daemon = start_daemon(ready=False, endpoints="[anonymous]\ntype = endpoint\nnosuch = 1\n")
    assert daemon.wait(10) not in (0, 99)
    assert "nosuch" in daemon.log()
    daemon.process = None
