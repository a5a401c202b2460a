# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests that an extension suspends and resumes from a task; everything else goes on. T1 is 100 ms here."""

import time

import pytest
from support.drive import DRIVEN, Drive, finish
from support.peer import Call
from support.wire import audio_sdp


@pytest.fixture(scope="module")
def daemon_options():
    return {"system": "type = system\ntimer_t1 = 100\ntimer_b = 6400\n"}


@pytest.fixture
def defer(drive):
    """Suspends the next request of a method; nothing stays suspended after a test."""

    def suspend(call, method, send=None):
        drive("defer", method)
        before = len(drive.events(call, "deferred"))
        sent = send() if send else call.send(method)
        end = time.monotonic() + 3
        while len(drive.events(call, "deferred")) == before:
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.01)
        drive("defer", "none")
        return sent

    yield suspend
    drive("defer", "none")
    while drive("suspended") != "0":
        drive("resume")


def established(drive, peer):
    call = Call(peer, "echo", sdp=audio_sdp(41000, version=1))
    call.establish()
    drive.wait_event(call, "confirmed")
    return call


def test_initial_invite(drive, other, defer):
    """It gets 100, no more; other calls are as ever; then it goes on as if nothing was."""
    call = Call(other, "echo")
    defer(call, "INVITE", call.send_invite)
    assert other.expect(100, skip=(), call_id=call.call_id).status == 100
    second = established(drive, drive.daemon.peer())
    second.send("OPTIONS")
    second.expect(200)
    other.expect_nothing(0.3)
    assert drive("resume") == "0"
    answer = call.expect(200)
    assert answer.sdp.audio.port
    call.ack(answer)
    finish(drive, other, call)
    finish(drive, second.peer, second)


def test_refused_while_it_waits(drive, other, defer):
    call = Call(other, "echo")
    defer(call, "INVITE", call.send_invite)
    assert drive("resume", 486) == "0"
    call.expect(486)
    drive.wait_event(call, "end 486")
    other.expect_nothing(0.5)


@pytest.mark.parametrize("method", ["INFO", "OPTIONS", "MESSAGE", "UPDATE", "INVITE"])
def test_request_in_a_session(drive, other, defer, method):
    """Suspended and resumed, each gets the answer that it would have got at once."""
    call = established(drive, other)
    body = audio_sdp(41000, version=2) if method in ("UPDATE", "INVITE") else b""
    call.send(method, body=body)
    at_once = call.expect(*range(200, 600))
    if method == "INVITE":
        call.ack(at_once)
    defer(call, method, lambda: call.send(method, body=body))
    other.expect_nothing(0.2, skip=(100,))
    call.send("NOTIFY")  # others of the session go on
    call.expect(*range(200, 600))
    assert drive("resume") == "0"
    later = call.expect(at_once.status)
    assert later.method == method
    if method == "INVITE":
        call.ack(later)
    finish(drive, other, call)


def test_answered_by_who_suspended_it(drive, other, defer):
    call = established(drive, other)
    request = defer(call, "INFO")
    assert drive("resume", 299) == "0"
    assert call.expect(299).cseq == request.cseq
    finish(drive, other, call)


def test_retransmissions_are_absorbed(drive, other, defer):
    """RFC 3261 17.2: the transaction sees to them, nobody is shown them again."""
    call = established(drive, other)
    request = defer(call, "INFO")
    drive("defer", "INFO")
    for _ in range(3):
        other.send(request)
    drive("defer", "none")
    other.so_far()
    assert len(drive.events(call, "deferred INFO")) == 1
    assert drive("resume", 200) == "0"
    call.expect(200)
    other.send(request)
    call.expect(200, again=True)
    finish(drive, other, call)


def test_two_at_once(drive, other, defer):
    call = established(drive, other)
    first = defer(call, "INFO")
    second = defer(call, "MESSAGE")
    assert drive("suspended") == "2"
    assert drive("resume", 200) == "0"
    assert call.expect(200).cseq == first.cseq
    assert drive("resume", 202) == "0"
    assert call.expect(202).cseq == second.cseq
    finish(drive, other, call)


def test_cancel_of_an_invite_that_waits(drive, other, defer):
    """CANCEL answers it; the resume that is owed does nothing."""
    call = Call(other, "echo")
    defer(call, "INVITE", call.send_invite)
    call.cancel()
    got = [call.expect(200, 487) for _ in range(2)]
    assert {m.status for m in got} == {200, 487}
    drive.wait_event(call, "end")
    assert drive("resume") == "0"
    other.expect_nothing(0.5)


def test_bye_while_a_request_waits(drive, other, defer):
    """BYE overtakes: it is answered at once, and what waits too (RFC 3261 15.1.2: 487)."""
    call = established(drive, other)
    request = defer(call, "INFO")
    call.send("BYE")
    got = [call.expect(200, *range(400, 600)) for _ in range(2)]
    found = {m.method: m for m in got}
    assert found["BYE"].status == 200
    assert found["INFO"].status >= 400 and found["INFO"].cseq == request.cseq
    assert drive("resume") == "0"
    other.expect_nothing(0.4)


def test_our_end_while_a_request_waits(drive, other, defer):
    call = established(drive, other)
    defer(call, "INFO")
    drive("terminate", call.call_id)
    got = [call.expect("BYE", *range(400, 600)) for _ in range(1)]
    if got[0].method == "BYE":
        other.respond(got[0], 200)
        call.expect(*range(400, 600))
    else:
        other.respond(call.expect("BYE"), 200)
    drive.wait_event(call, "end")
    assert drive("resume", 200) in ("0", "-1"), "it is answered already"
    other.expect_nothing(0.4)


def test_our_end_while_a_reinvite_waits(drive, other, defer):
    """It gets 487 before our BYE (RFC 3261 15.1.2), and is not accepted behind that."""
    call = established(drive, other)
    defer(call, "INVITE", lambda: call.send("INVITE", body=audio_sdp(41000, version=2)))
    drive("terminate", call.call_id)
    call.expect(487)
    bye = call.expect("BYE")
    assert drive("resume") == "0"
    other.expect_nothing(0.1, skip=("BYE",))
    other.respond(bye, 200)
    drive.wait_event(call, "end")
    other.expect_nothing(0.4)


@pytest.mark.parametrize("method", ["BYE", "CANCEL"])
def test_what_cannot_wait(drive, other, defer, method):
    if method == "BYE":
        call = established(drive, other)
        defer(call, "BYE")
        call.expect(200)
    else:
        call = Call(other, "ring").send_invite()
        call.expect(180)
        drive("defer", "CANCEL")
        call.cancel()
        got = [call.expect(200, 487) for _ in range(2)]
        assert {m.status for m in got} == {200, 487}
        drive("defer", "none")
    assert not [line for line in drive.events(call, "deferred") if line.endswith(" 0")]
    drive.wait_event(call, "end")


def test_ack_and_prack_cannot_wait(drive, other, defer):
    call = Call(other, "open", headers=[("Require", "100rel")]).send_invite()
    drive.wait_event(call, "begin")
    drive.respond(call, 180)
    ringing = call.expect(180)
    drive("defer", "PRACK")
    call.send("PRACK", headers=[("RAck", f"{ringing.get('rseq')} {ringing.get('cseq')}")])
    call.expect(200)
    drive("defer", "ACK")
    drive.respond(call, 200)
    call.ack(call.expect(200))
    drive.wait_event(call, "confirmed")
    drive("defer", "none")
    assert not [line for line in drive.events(call, "deferred") if line.endswith(" 0")]
    finish(drive, other, call)


def test_nobody_resumes(drive, other, defer):
    """The transaction's time is kept: 500 after 64*T1 less two seconds; the session stays."""
    call = established(drive, other)
    defer(call, "INFO")
    began = time.monotonic()
    refusal = call.expect(500, timeout=7)
    assert 3.5 < refusal.when - began < 6.2
    assert refusal.method == "INFO"
    assert drive("resume", 200) in ("0", "-1")
    other.expect_nothing(0.3)
    assert drive("state", call.call_id) == "confirmed"
    finish(drive, other, call)


def test_stop_while_requests_wait(start_daemon, api_module, tmp_path):
    """The daemon ends with a suspended INVITE and INFO: no leak, no hang."""
    record = tmp_path / "record"
    daemon = start_daemon(DRIVEN, modules=["sdp_rtp", api_module("api_drive")], env={"SIPSESSION_API_LOG": str(record)})
    drive = Drive(daemon, record)
    peer = daemon.peer()
    call = established(drive, peer)
    drive("defer", "INFO")
    call.send("INFO")
    drive.wait_event(call, "deferred INFO 0")
    drive("defer", "INVITE")
    second = Call(peer, "echo").send_invite()
    drive.wait_event(second, "deferred INVITE 0")
    daemon.signal()
    peer.respond(call.expect("BYE", skip=(100, 500, 487, 481)), 200)
    assert daemon.wait(10) == 0
    drive.close()
