# SPDX-License-Identifier: GPL-2.0-or-later
"""How the daemon stops: calls end with BYE, callers that wait are refused, exit status 0; a second signal is final."""

import signal
import time

import pytest
from support.daemon import DaemonError
from support.peer import Call


def test_stop_without_calls(start_daemon):
    daemon = start_daemon()
    start = time.monotonic()
    daemon.signal()
    assert daemon.wait(5) == 0
    assert time.monotonic() - start < 3


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_ends_calls(start_daemon, number):
    daemon = start_daemon()
    peer = daemon.peer()
    calls = [Call(peer, "echo") for _ in range(5)] + [Call(peer, "wait")]
    for call in calls:
        call.establish()
    daemon.signal(number)
    for call in calls:
        peer.respond(call.expect("BYE"), 200)
    assert daemon.wait(5) == 0


def test_stop_refuses_who_waits(start_daemon):
    daemon = start_daemon()
    peer = daemon.peer()
    ringing, silent = Call(peer, "ring").send_invite(), Call(peer, "silent").send_invite()
    ringing.expect(180)
    silent.expect(100, skip=())
    daemon.signal()
    assert 400 <= ringing.expect(480, 487, 500, 503, 603).status
    assert 400 <= silent.expect(480, 487, 500, 503, 603).status
    assert daemon.wait(10) == 0


def test_no_new_calls_while_it_stops(start_daemon):
    daemon = start_daemon()
    peer = daemon.peer()
    old = Call(peer, "echo")
    old.establish()
    daemon.signal()
    bye = old.expect("BYE")
    new = Call(peer, "echo").send_invite()
    refusal = new.expect(503)
    assert refusal.to_tag
    peer.respond(bye, 200)
    assert daemon.wait(10) == 0


def test_second_signal_stops_at_once(start_daemon):
    daemon = start_daemon()
    peer = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    daemon.signal()
    call.expect("BYE")  # and no answer
    time.sleep(0.3)
    assert daemon.alive(), "it waits for the answer to its BYE"
    start = time.monotonic()
    daemon.signal()
    assert daemon.wait(5) == 0
    assert time.monotonic() - start < 2


def test_stop_with_a_peer_that_is_gone(start_daemon):
    """A BYE that nobody answers ends with Timer F."""
    daemon = start_daemon(system="type = system\ntimer_t1 = 100\ntimer_b = 6400\n")
    peer = daemon.peer()
    Call(peer, "echo").establish()
    daemon.signal()
    assert daemon.wait(15) == 0


def test_stop_with_an_answer_under_way(start_daemon):
    """The 2xx has gone and its ACK has not come: BYE, with or without it (RFC 3261 15)."""
    daemon = start_daemon(system="type = system\ntimer_t1 = 100\ntimer_b = 6400\n")
    peer = daemon.peer()
    call = Call(peer, "echo").send_invite()
    answer = call.expect(200)
    daemon.signal()
    time.sleep(0.1)
    call.ack(answer)
    bye = call.expect("BYE", skip=(100, 200))
    peer.respond(bye, 200)
    assert daemon.wait(10) == 0


def test_stop_with_connections_up(start_daemon):
    daemon = start_daemon()
    peers = [daemon.peer("tcp") for _ in range(10)]
    call = Call(peers[0], "echo")
    call.establish()
    daemon.signal()
    peers[0].respond(call.expect("BYE"), 200)
    assert daemon.wait(5) == 0


def test_address_in_use(start_daemon, tmp_path):
    """It says what it can't bind, and ends with a failure."""
    first = start_daemon()
    second = start_daemon(ready=False)
    second.kill()
    text = (first.config / "pjsip.conf").read_text()
    (second.config / "pjsip.conf").write_text(text)
    second.configure = lambda: None
    second.spawn()
    assert second.wait(10) not in (0, 99)
    assert str(first.port) in second.log()
    with pytest.raises(DaemonError):
        second.stop()
    second.process = None
