# SPDX-License-Identifier: GPL-2.0-or-later
"""Fixtures: a daemon for a whole file of tests, daemons for one test, and peers."""

import os
from pathlib import Path

import pytest
from support import dns
from support.caller import Caller
from support.daemon import Daemon
from support.drive import DRIVEN, Drive

# The dialplan that most tests call.
EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = wait,1,Answer()
 same = n,Wait(60)

exten = ring,1,Ringing()
 same = n,Wait(60)

exten = ringanswer,1,Ringing()
 same = n,Wait(0.2)
 same = n,Answer()
 same = n,Echo()

exten = silent,1,Wait(60)

exten = busy,1,Busy()
exten = congestion,1,Congestion()

exten = brief,1,Answer()
 same = n,Wait(0.3)
 same = n,Hangup()

exten = gone,1,Answer()
 same = n,Echo()
exten = h,1,Verbose(1,ENDED ${EXTEN} ${UNIQUEID})
"""


def pytest_configure(config):
    if not os.environ.get("SIPSESSION_DAEMON"):
        raise pytest.UsageError("SIPSESSION_DAEMON must name the daemon: run these tests with ctest, or see docs/testing.md")


@pytest.fixture(scope="session")
def sanitized():
    """Whether the daemon is a build with a sanitizer: it is slower, and its memory says little."""
    return os.environ.get("SIPSESSION_VARIANT", "release") in ("asan", "tsan")


@pytest.fixture(scope="module")
def daemon_options():
    """A file of tests that wants another configuration for its daemon overrides this."""
    return {}


@pytest.fixture(scope="module")
def shared_daemon(tmp_path_factory, daemon_options):
    folder = tmp_path_factory.mktemp("daemon")
    daemon = Daemon(folder, **{"extensions": EXTENSIONS, **daemon_options})
    daemon.start()
    yield daemon
    if daemon.alive():
        daemon.check_at_rest()
    daemon.stop()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Fixtures can ask whether their test failed."""
    report = (yield).get_result()
    if report.failed:
        item.has_failed = True


def has_failed(request):
    return getattr(request.node, "has_failed", False)


@pytest.fixture
def daemon(shared_daemon, request):
    """The daemon of this file of tests. After each test it must be alive and without calls."""
    yield shared_daemon
    for peer in shared_daemon.peers:
        peer.close()
    shared_daemon.peers.clear()
    if has_failed(request):  # the next test gets one without its calls
        shared_daemon.kill()
        shared_daemon.log_path.unlink()
        shared_daemon.start()
        return
    assert shared_daemon.alive(), f"the daemon ended with {shared_daemon.process.returncode}:\n{shared_daemon.log()[-6000:]}"
    if "-d" in shared_daemon.options:
        shared_daemon.check_no_calls()


@pytest.fixture
def start_daemon(tmp_path, request):
    """Starts daemons for one test; each must end well."""
    started = []

    def start(extensions=EXTENSIONS, ready=True, **options):
        daemon = Daemon(tmp_path / f"daemon{len(started)}", extensions, **options)
        started.append(daemon)
        return daemon.start() if ready else daemon.spawn()

    yield start
    try:
        for daemon in started if not has_failed(request) else ():
            daemon.stop()
    finally:
        for daemon in started:
            daemon.kill()


@pytest.fixture
def peer(daemon):
    """A UDP peer."""
    return daemon.peer()


@pytest.fixture(scope="session")
def api_module():
    """The path of a module of tests/api by its name."""
    folder = os.environ.get("SIPSESSION_API_MODULES")
    if not folder:
        pytest.skip("SIPSESSION_API_MODULES does not name the folder of tests/api's modules")

    def path(name):
        found = Path(folder) / f"{name}.so"
        assert found.exists(), f"{found} does not exist"
        return str(found)

    return path


@pytest.fixture(scope="module")
def driven_daemon(tmp_path_factory, api_module, daemon_options):
    """The daemon of a file of tests that says itself what sessions do (support/drive.py)."""
    folder = tmp_path_factory.mktemp("driven")
    record = folder / "record"
    options = {"extensions": DRIVEN, "modules": ["sdp_rtp"], **daemon_options}
    options["modules"] = [*options["modules"], api_module("api_drive")]
    daemon = Daemon(folder, **options, env={"SIPSESSION_API_LOG": str(record)})
    daemon.start()
    daemon.record = record
    yield daemon
    daemon.stop()


@pytest.fixture
def driven(driven_daemon, request):
    """The driven daemon. After each test it is alive, no session lives, and each that began has ended once."""
    yield driven_daemon
    if has_failed(request):
        driven_daemon.kill()
        driven_daemon.peers.clear()
        driven_daemon.log_path.unlink()
        driven_daemon.record.unlink(missing_ok=True)
        driven_daemon.start()
        return
    assert driven_daemon.alive(), f"the daemon ended with {driven_daemon.process.returncode}:\n{driven_daemon.log()[-6000:]}"
    driven_daemon.check_no_calls()
    drive = Drive(driven_daemon, driven_daemon.record)
    left, begun, ended = drive.sessions()
    drive.close()
    for peer in driven_daemon.peers:
        peer.close()
    driven_daemon.peers.clear()
    assert (left, begun - ended) == (0, 0), f"{left} sessions live; {begun} began, {ended} ended"


@pytest.fixture
def drive(driven):
    """Commands to the driven daemon."""
    drive = Drive(driven, driven.record)
    yield drive
    drive.close()


@pytest.fixture
def other(driven):
    """A UDP peer of the driven daemon."""
    return driven.peer()


@pytest.fixture(scope="module")
def record_path(tmp_path_factory):
    """Where a module of tests/api writes down what it was told, for daemons of a file of tests."""
    return tmp_path_factory.mktemp("record") / "record"


@pytest.fixture
def caller(daemon, record_path):
    """Asks the daemon of this file, which has loaded api_outgoing, for calls."""
    record_path.unlink(missing_ok=True)
    caller = Caller(daemon, record_path)
    yield caller
    caller.done()


@pytest.fixture(scope="module")
def names():
    """A name server for this file of tests."""
    server = dns.NameServer({})
    yield server
    server.__exit__()
