# SPDX-License-Identifier: GPL-2.0-or-later
"""How sessions end: in every state, once, in time (RFC 3261 9, 13.3.1.4, 15). T1 is 100 ms here, so 64*T1 is 6.4 s."""

import time

import pytest
from support.drive import finish, respond
from support.peer import Call
from support.wire import audio_sdp


@pytest.fixture(scope="module")
def daemon_options():
    return {"system": "type = system\ntimer_t1 = 100\ntimer_b = 6400\n"}


def open_call(drive, peer, **options):
    call = Call(peer, "open", **options).send_invite()
    drive.wait_event(call, "begin")
    return call


def established(drive, peer, role="called"):
    if role == "called":
        call = Call(peer, "echo", sdp=audio_sdp(41000, version=1))
        call.establish()
    else:
        call = drive.call(peer)
        call.accept(audio_sdp(41000, version=1))
    drive.wait_event(call, "confirmed")
    return call


def ended_once(drive, call, status=None, timeout=10):
    line = drive.wait_event(call, "end ", timeout)
    assert len(drive.events(call, "end ")) == 1
    if status is not None:
        assert line == f"end {status}"


# ---- hang-up in each state ----


@pytest.mark.parametrize(("code", "status"), [(0, 603), (404, 404), (486, 486), (603, 603)])
def test_terminate_what_is_not_answered(drive, other, code, status):
    call = open_call(drive, other)
    drive("terminate", call.call_id, code)
    call.expect(status)
    ended_once(drive, call, status)
    other.expect_nothing(0.4)


def test_terminate_what_rings(drive, other):
    call = open_call(drive, other)
    drive.respond(call, 180)
    call.expect(180)
    drive("terminate", call.call_id, 480)
    call.expect(480)
    ended_once(drive, call, 480)


def test_terminate_before_the_ack(drive, other):
    """RFC 3261 15: no BYE of the callee before the ACK came, or its time is over."""
    call = open_call(drive, other)
    drive.respond(call, 200)
    answer = call.expect(200)
    drive("terminate", call.call_id)
    other.expect_nothing(0.25, skip=(200,))
    call.ack(answer)
    respond(call, call.expect("BYE"), 200)
    ended_once(drive, call)
    other.expect_nothing(0.4)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_terminate_often(drive, other, role):
    call = established(drive, other, role)
    for _ in range(5):
        drive("terminate", call.call_id)
    bye = call.expect("BYE")
    drive("terminate", call.call_id)
    respond(call, bye, 200)
    ended_once(drive, call)
    other.expect_nothing(0.4)


def test_terminate_an_outgoing_call_that_rings(drive, other):
    call = drive.call(other)
    call.reply(180)
    drive.wait_event(call, "early")
    drive("terminate", call.call_id)
    cancel = call.expect("CANCEL")
    assert cancel.uri == call.first.uri and cancel.branch == call.first.branch
    call.respond_to(cancel, 200)
    call.reply(487)
    assert call.expect("ACK").branch == call.first.branch
    ended_once(drive, call)


@pytest.mark.parametrize("refused", [401, 404, 486, 500, 603])
def test_our_bye_is_refused(drive, other, refused):
    """RFC 3261 15.1.1: whatever the answer, the session is over."""
    call = established(drive, other)
    drive("terminate", call.call_id)
    respond(call, call.expect("BYE"), refused)
    ended_once(drive, call)


# ---- silence: every state has a deadline ----


def test_deadlines_of_silence(drive, other):
    """Side by side: no answer to INVITE, to BYE, to CANCEL; no 487 after CANCEL; no ACK. Each ends within 64*T1."""
    invited = drive.call(other)
    byed = established(drive, other)
    drive("terminate", byed.call_id)
    cancelled = drive.call(other)
    cancelled.reply(180)
    drive.wait_event(cancelled, "early")
    drive("terminate", cancelled.call_id)
    stuck = drive.call(other)
    stuck.reply(180)
    drive.wait_event(stuck, "early")
    drive("terminate", stuck.call_id)
    cancel = other.expect("CANCEL", call_id=stuck.call_id, skip=("INVITE",))
    stuck.respond_to(cancel, 200)  # but never a 487
    unacknowledged = open_call(drive, other)
    drive.respond(unacknowledged, 200)
    began = time.monotonic()
    calls = (invited, byed, cancelled, stuck, unacknowledged)
    bye = None
    while time.monotonic() - began < 14 and not all(drive.events(call, "end ") for call in calls):
        message = other.receive(0.2)
        if message is not None and not message.is_response and message.method == "BYE" and message.call_id == unacknowledged.call_id:
            bye = bye or time.monotonic() - began
            respond(unacknowledged, message, 200)
    for call in calls:
        ended_once(drive, call, timeout=0.5)
    assert 5.5 < bye < 8.5, "the 2xx without ACK: BYE after 64*T1 (RFC 3261 13.3.1.4)"
    assert drive.events(invited, "end ") == ["end 408"]


def test_outgoing_call_has_its_own_time(drive, other):
    """timeout_ms: CANCEL, though the peer says that it rings."""
    call = drive.call(other, "timeout=700")
    call.reply(180)
    cancel = call.expect("CANCEL")
    assert 0.65 < cancel.when - call.first.when < 1.5
    call.respond_to(cancel, 200)
    call.reply(487)
    call.expect("ACK")
    ended_once(drive, call)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_2xx_again_until_ack(drive, driven, transport):
    """13.3.1.4: on TCP too, since a proxy behind it may lose it."""
    peer = driven.peer(transport)
    call = open_call(drive, peer)
    drive.respond(call, 200)
    answer = call.expect(200)
    times = [answer.when] + [when for when, m in peer.drain(1.0) if m.status == 200]
    assert len(times) >= 3, peer.ladder()
    call.ack(answer)
    drive.wait_event(call, "confirmed")
    peer.expect_nothing(0.6)
    finish(drive, peer, call)


def test_late_offer_without_ack(drive, other):
    """Our offer in the 2xx is never answered: 2xx again and again, then BYE."""
    call = open_call(drive, other, sdp=None)
    drive.respond(call, 200)
    call.expect(200)
    bye = call.expect("BYE", timeout=9, skip=(200,))
    respond(call, bye, 200)
    ended_once(drive, call)


# ---- the end that waits ----


def test_deferred_end(drive, other):
    """A local hang-up waits until who deferred it is done."""
    call = established(drive, other)
    assert drive("defer-end", call.call_id, 10000) == "0"
    assert drive("defer-end", call.call_id, 10000) == "-1", "it is deferred already"
    drive("terminate", call.call_id)
    other.expect_nothing(0.3)
    assert drive("state", call.call_id) == "confirmed"
    call.send("OPTIONS")
    call.expect(200)
    drive("end-deferral", call.call_id)
    respond(call, call.expect("BYE"), 200)
    ended_once(drive, call)


def test_deferred_end_that_nobody_asked_for(drive, other):
    call = established(drive, other)
    assert drive("defer-end", call.call_id, 10000) == "0"
    drive("end-deferral", call.call_id)
    other.expect_nothing(0.3)
    assert drive("defer-end", call.call_id, 10000) == "0"
    finish(drive, other, call)


def test_deferred_end_is_taken_back(drive, other):
    call = established(drive, other)
    assert drive("cancel-end", call.call_id) == "0"
    assert drive("defer-end", call.call_id, 10000) == "0"
    drive("terminate", call.call_id)
    assert drive("cancel-end", call.call_id) == "1"
    drive("end-deferral", call.call_id)
    other.expect_nothing(0.3)
    assert drive("state", call.call_id) == "confirmed"
    drive("terminate", call.call_id)
    respond(call, call.expect("BYE"), 200)
    ended_once(drive, call)


def test_deferred_end_is_over_in_time(drive, other):
    call = established(drive, other)
    began = time.monotonic()
    assert drive("defer-end", call.call_id, 400) == "0"
    drive("terminate", call.call_id)
    bye = call.expect("BYE")
    assert bye.when - began > 0.39  # timers count milliseconds
    respond(call, bye, 200)
    ended_once(drive, call)


def test_deferral_that_is_over_in_time_ends_nothing(drive, other):
    call = established(drive, other)
    assert drive("defer-end", call.call_id, 150) == "0"
    other.expect_nothing(0.4)
    drive("terminate", call.call_id)
    respond(call, call.expect("BYE"), 200)
    ended_once(drive, call)


@pytest.mark.parametrize("asked", [False, True])
def test_the_peers_bye_does_not_wait(drive, other, asked):
    call = established(drive, other)
    assert drive("defer-end", call.call_id, 10000) == "0"
    if asked:
        drive("terminate", call.call_id)
    call.send("BYE")
    call.expect(200)
    ended_once(drive, call)
    assert drive("end-deferral", call.call_id) == "none"
    other.expect_nothing(0.3)


def test_deferral_needs_an_answered_session(drive, other):
    call = open_call(drive, other)
    assert drive("defer-end", call.call_id, 1000) == "-1"
    drive("terminate", call.call_id, 486)
    call.expect(486)


# ---- what goes with a session ----


def test_cookies_end_with_their_session(drive, other):
    call = established(drive, other)
    assert drive("get-cookie", call.call_id, 0) == "none"
    assert drive("set-cookie", call.call_id, 0, "red") == "0"
    assert drive("set-cookie", call.call_id, 1, "blue") == "0"
    assert drive("set-cookie", call.call_id, 0, "green") == "0"
    assert "cookie destroyed red" in drive.lines(), "what is replaced is destroyed"
    assert (drive("get-cookie", call.call_id, 0), drive("get-cookie", call.call_id, 1)) == ("green", "blue")
    second = established(drive, other)
    assert drive("get-cookie", second.call_id, 0) == "none", "a session's own"
    finish(drive, other, call)
    ended_once(drive, call)
    finish(drive, other, second)
    end = time.monotonic() + 3
    while not {"cookie destroyed green", "cookie destroyed blue"} <= set(drive.lines()):
        assert time.monotonic() < end, drive.lines()
        time.sleep(0.02)
    lines = drive.lines()
    assert lines.index("cookie destroyed green") > lines.index(f"end 200 {call.call_id}"), "after session_end"
    assert lines.count("cookie destroyed green") == 1


METHODS = ["INFO", "OPTIONS", "INVITE", "UPDATE", "MESSAGE", "REFER", "SUBSCRIBE", "NOTIFY", "PRACK", "FROBNICATE"]


@pytest.mark.parametrize("who", ["we", "the peer"])
@pytest.mark.parametrize("method", METHODS)
def test_request_behind_the_end(drive, other, method, who):
    """The dialog stays for its BYE's transaction, and nothing lives in it (12.2.2, 15.1.2)."""
    call = established(drive, other)
    if who == "we":
        drive("terminate", call.call_id)
        respond(call, call.expect("BYE"), 200)
    else:
        finish(drive, other, call)
    ended_once(drive, call)
    call.send(method, body=audio_sdp(41000, version=2) if method in ("INVITE", "UPDATE") else b"")
    call.expect(481)
    other.expect_nothing(0.1)
