# SPDX-License-Identifier: GPL-2.0-or-later
"""Reliable provisional responses (RFC 3262), in both roles. T1 is 100 ms here, so 64*T1 is 6.4 s."""

import time

import pytest
from support.drive import Called, finish
from support.ladder import keep
from support.peer import Call
from support.wire import audio_sdp

T1 = 0.1
REQUIRE = [("Require", "100rel")]
SUPPORTED = [("Supported", "100rel")]

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw,alaw,g722

[never]
type = endpoint
context = default
allow = !all,ulaw
100rel = no

[must]
type = endpoint
context = default
allow = !all,ulaw
100rel = required

[asked]
type = endpoint
context = default
allow = !all,ulaw
100rel = peer_supported
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"endpoints": ENDPOINTS, "system": "type = system\ntimer_t1 = 100\ntimer_b = 6400\n"}


def caller(drive, peer, endpoint="anonymous", headers=REQUIRE, sdp=b"", user="open"):
    """A call of an endpoint, whose INVITE the test answers."""
    call = Call(peer, user, sdp=sdp, headers=headers, from_value=f"<sip:{endpoint}@127.0.0.1>")
    call.send_invite()
    drive.wait_event(call, "begin")
    return call


def send_prack(call, response, rseq=None, cseq=None, method="INVITE", body=b""):
    """PRACK; with another RAck than the response asks for when the test says so."""
    if response.to_tag:
        call.learn(response)
    rack = f"{int(response.get('rseq')) if rseq is None else rseq} {response.cseq if cseq is None else cseq} {method}"
    return call.send("PRACK", headers=[("RAck", rack)], body=body)


def prack(call, response, **options):
    request = send_prack(call, response, **options)
    answer = call.expect(200)
    assert answer.cseq == request.cseq
    return answer


def answered(drive, call):
    drive.respond(call, 200)
    answer = call.expect(200)
    call.ack(answer)
    return answer


# ---- the daemon is called ----


@pytest.mark.parametrize("status", [180, 183])
def test_required_by_the_peer(drive, other, status):
    """Section 3: Require makes every provisional response but 100 reliable."""
    call = caller(drive, other)
    drive.respond(call, status)
    response = call.expect(status)
    assert "100rel" in response.tokens("require")
    assert 1 <= int(response.get("rseq")) < 2**31, "section 3: the first RSeq is below 2**31"
    assert response.to_tag and response.contact_uri
    prack(call, response)
    answered(drive, call)
    finish(drive, other, call)


def test_100_is_never_reliable(drive, other):
    """Section 3: a 100 is hop by hop."""
    call = caller(drive, other)
    drive("respond", call.call_id, 100)
    got = other.so_far()
    assert all(m.status == 100 and not m.has("rseq") and not m.has("require") for m in got), other.ladder()
    answered(drive, call)
    finish(drive, other, call)


def test_supported_by_the_peer(drive, other):
    """Section 3: with Supported alone it is ours to choose; what is sent reliably is done right, and 183 with it
    where the endpoint says peer_supported."""
    call = caller(drive, other, endpoint="asked", headers=SUPPORTED)
    drive.respond(call, 183)
    response = call.expect(183)
    assert "100rel" in response.tokens("require") and response.has("rseq")
    prack(call, response)
    answered(drive, call)
    finish(drive, other, call)
    call = caller(drive, other, endpoint="asked", headers=())
    drive.respond(call, 183)
    assert not call.expect(183).has("rseq")
    answered(drive, call)
    finish(drive, other, call)


def test_not_supported_by_the_peer(drive, other):
    """Section 3: never reliable when the INVITE had neither."""
    call = caller(drive, other, headers=())
    for status in (180, 183):
        drive.respond(call, status)
        response = call.expect(status)
        assert not response.has("rseq") and "100rel" not in response.tokens("require")
    answered(drive, call)
    finish(drive, other, call)


def test_require_where_it_is_switched_off(driven, other):
    """Section 3, RFC 3261 8.2.2.3: 420 with Unsupported."""
    call = Call(other, "open", headers=REQUIRE, from_value="<sip:never@127.0.0.1>")
    refusal = call.refuse_check(420)
    assert refusal.tokens("unsupported") == ["100rel"]


def test_we_require_it(drive, other):
    """Our own `100rel = required`: 421 with Require for who does not have it (RFC 3261 21.4.15)."""
    call = Call(other, "open", from_value="<sip:must@127.0.0.1>")
    refusal = call.refuse_check(421)
    assert "100rel" in refusal.tokens("require")
    call = caller(drive, other, endpoint="must", headers=SUPPORTED)
    drive.respond(call, 180)
    response = call.expect(180)
    assert "100rel" in response.tokens("require")
    prack(call, response)
    answered(drive, call)
    finish(drive, other, call)


def test_retransmission_until_prack(drive, other):
    """Section 3: the same octets again, first after T1, each time after twice as long; none after the PRACK."""
    call = caller(drive, other)
    drive.respond(call, 183)
    response = call.expect(183)
    times = [response.when] + [when for when, m in other.drain(1.9) if m.status == 183]
    assert all(m.encode() == response.encode() for _, way, m in other.log if way == "<-" and m.status == 183)
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert len(gaps) >= 4, other.ladder()  # 1, 2, 4 and 8 times T1
    assert T1 * 0.7 < gaps[0] < T1 * 1.5 + 0.15, gaps
    for before, after in zip(gaps, gaps[1:]):
        assert 1.5 * before < after < 2.5 * before + 0.1, gaps
    prack(call, response)
    other.expect_nothing(1.7)
    answered(drive, call)
    keep("No PRACK for a while", "RFC 3262 3: the 183 comes again, each time after twice as long (T1 is 100 ms here).", other.log)
    finish(drive, other, call)


def test_no_prack_at_all(drive, other):
    """Section 3: after 64*T1 the INVITE is refused with 5xx. Meanwhile another call is as ever."""
    call = caller(drive, other)
    drive.respond(call, 183)
    begin = time.monotonic()
    call.expect(183)
    second_peer = drive.daemon.peer()
    second = caller(drive, second_peer)
    drive.respond(second, 183)
    prack(second, second.expect(183))
    refusal = call.expect(*range(500, 600), timeout=9, skip=(100, 183))
    assert 5.5 < time.monotonic() - begin < 8
    assert refusal.status // 100 == 5
    answered(drive, second)
    finish(drive, second_peer, second)


def test_duplicate_and_wrong_pracks(drive, other):
    """Section 3: a PRACK that matches no response that waits is 481, and changes nothing."""
    call = caller(drive, other)
    drive.respond(call, 183)
    response = call.expect(183)
    rseq = int(response.get("rseq"))
    for wrong in ({"rseq": rseq + 1}, {"rseq": rseq - 1}, {"cseq": response.cseq + 1}, {"method": "UPDATE"}, {"rseq": 0}):
        send_prack(call, response, **wrong)
        call.expect(481, skip=(100, 183))
    prack(call, response)
    send_prack(call, response)  # another one, of what was acknowledged
    call.expect(481)
    other.expect_nothing(0.3)
    answered(drive, call)
    finish(drive, other, call)


def test_prack_again_gets_the_same_answer(drive, other):
    """A retransmission of the PRACK: its transaction answers (RFC 3261 17.2.2)."""
    call = caller(drive, other)
    drive.respond(call, 183)
    request = send_prack(call, call.expect(183))
    answer = call.expect(200)
    other.send(request)
    assert call.expect(200, again=True).encode() == answer.encode()
    answered(drive, call)
    finish(drive, other, call)


@pytest.mark.parametrize("rack", [None, "", "1", "x y z", "99999999999999999999 1 INVITE", "-1 1 INVITE", "1 1"])
def test_prack_without_a_good_rack(drive, other, rack):
    call = caller(drive, other)
    drive.respond(call, 183)
    response = call.expect(183)
    call.learn(response)
    call.send("PRACK", headers=[] if rack is None else [("RAck", rack)])
    call.expect(400, 481, skip=(100, 183))
    prack(call, response)
    answered(drive, call)
    finish(drive, other, call)


def test_prack_that_nobody_asked_for(drive, other):
    call = caller(drive, other, headers=())
    drive.respond(call, 180)
    call.learn(call.expect(180))
    call.send("PRACK", headers=[("RAck", "1 1 INVITE")])
    call.expect(481, 405)
    answered(drive, call)
    call.send("PRACK", headers=[("RAck", "1 1 INVITE")])
    call.expect(481, 405)
    finish(drive, other, call)


def test_several_in_their_order(drive, other):
    """Section 3: the second waits for the PRACK of the first; RSeq goes up by one."""
    call = caller(drive, other)
    drive.respond(call, 180)
    drive.respond(call, 183)
    first = call.expect(180)
    other.expect_nothing(0.25, skip=(180,))
    prack(call, first)
    second = call.expect(183)
    assert int(second.get("rseq")) == int(first.get("rseq")) + 1
    assert second.to_tag == first.to_tag
    prack(call, second)
    answered(drive, call)
    keep("Two reliable responses", "RFC 3262 3: the second waits for the PRACK of the first.", other.log)
    finish(drive, other, call)


def test_answer_waits_for_the_prack_of_its_sdp(drive, other):
    """Section 3: no 2xx before the PRACK of a reliable response that has SDP."""
    call = caller(drive, other)
    drive.respond(call, 183)
    drive.respond(call, 200)
    progress = call.expect(183)
    assert progress.body
    other.expect_nothing(0.5, skip=(183,))
    send_prack(call, progress)
    got = {m.method: m for m in (call.expect(200, skip=(183,)), call.expect(200, skip=(183,)))}
    assert set(got) == {"PRACK", "INVITE"}
    call.ack(got["INVITE"])
    finish(drive, other, call)


def test_refusal_does_not_wait(drive, other):
    """Section 3: a final refusal may go out while a reliable response waits; its retransmissions end."""
    call = caller(drive, other)
    drive.respond(call, 183)
    progress = call.expect(183)
    drive.respond(call, 486)
    call.expect(486, skip=(183,))
    send_prack(call, progress)
    call.expect(200, 481, skip=(183,))
    other.expect_nothing(0.6)


def test_cancel_while_a_reliable_response_waits(drive, other):
    call = caller(drive, other)
    drive.respond(call, 183)
    call.expect(183)
    call.cancel()
    got = [call.expect(200, 487, skip=(183,)) for _ in range(2)]
    assert {m.status for m in got} == {200, 487}
    other.expect_nothing(0.6)


def test_bye_while_a_reliable_response_waits(drive, other):
    """RFC 3261 15: BYE ends an early dialog; the INVITE gets 487."""
    call = caller(drive, other)
    drive.respond(call, 183)
    call.learn(call.expect(183))
    call.send("BYE")
    got = [call.expect(200, 487, skip=(183,)) for _ in range(2)]
    assert {m.status for m in got} == {200, 487}
    other.expect_nothing(0.6)


def test_dialplan_rings_reliably(drive, other):
    """Ringing() and Progress() of the dialplan, as everybody uses them."""
    for user, status in (("ring", 180), ("progress", 183)):
        call = Call(other, user, headers=REQUIRE).send_invite()
        response = call.expect(status)
        assert response.has("rseq")
        prack(call, response)
        call.cancel()
        got = [call.expect(200, 487) for _ in range(2)]
        assert {m.status for m in got} == {200, 487}


def test_reliable_responses_to_a_reinvite(drive, other):
    """Section 3 holds for every INVITE: a re-INVITE with Require gets 2xx, or what is before it reliably."""
    call = caller(drive, other)
    answered(drive, call)
    call.send("INVITE", headers=REQUIRE, body=audio_sdp(other.port, version=2))
    answer = call.expect(200, skip=(100,))
    call.ack(answer)
    finish(drive, other, call)


# ---- the daemon calls ----


def test_prack_of_each_in_order(drive, other):
    """Section 4: each RSeq once, in order; a PRACK is a request of the dialog: its CSeq goes up."""
    call = drive.call(other)
    last = call.first.cseq
    for rseq, status in ((100, 180), (101, 183), (102, 180)):
        call.reply(status, rseq=rseq)
        acked = call.expect("PRACK")
        assert acked.get("rack") == f"{rseq} {call.first.cseq} INVITE"
        assert acked.cseq == last + 1
        last = acked.cseq
        assert acked.to_tag == call.tag and acked.uri == call.peer.contact[1:-1]
        call.respond_to(acked, 200)
    call.accept()
    finish(drive, other, call)


def test_retransmitted_response_is_not_acknowledged_anew(drive, other):
    """Section 4: a retransmission of a response is dropped, or its PRACK sent again: never a PRACK with a new CSeq."""
    call = drive.call(other)
    reply = call.reply(183, audio_sdp(41000), rseq=5)
    acked = call.expect("PRACK")
    other.send(reply)
    other.send(reply)
    seen = [m for _, m in other.drain(0.25)]
    assert all(m.method == "PRACK" and m.cseq == acked.cseq for m in seen), other.ladder()
    call.respond_to(acked, 200)
    other.send(reply)
    seen = [m for _, m in other.drain(0.4)]
    assert all(m.method == "PRACK" and m.cseq == acked.cseq for m in seen), other.ladder()
    call.accept(b"")
    finish(drive, other, call)


def test_gap_in_rseq_is_ignored(drive, other):
    """Section 4: out of order is not acknowledged; what comes in order later is."""
    call = drive.call(other)
    call.reply(180, rseq=1)
    call.respond_to(call.expect("PRACK"), 200)
    call.reply(183, audio_sdp(41000), rseq=3)
    other.expect_nothing(0.4)
    call.reply(180, rseq=2)
    acked = call.expect("PRACK")
    assert acked.get("rack").startswith("2 ")
    call.respond_to(acked, 200)
    call.reply(183, audio_sdp(41000), rseq=3)
    acked = call.expect("PRACK")
    assert acked.get("rack").startswith("3 ")
    call.respond_to(acked, 200)
    call.accept(b"")
    finish(drive, other, call)


def test_old_rseq_is_ignored(drive, other):
    call = drive.call(other)
    call.reply(180, rseq=9)
    call.respond_to(call.expect("PRACK"), 200)
    call.reply(183, rseq=8)
    other.expect_nothing(0.4)
    call.accept()
    finish(drive, other, call)


def test_branches_have_rseqs_of_their_own(drive, other):
    """Section 4: the RSeq space is the dialog's, and each branch of a fork is one."""
    call = drive.call(other)
    one, two = call, Called(other, call.first, tag="two")
    for branch, rseq in ((one, 500), (two, 7), (one, 501), (two, 8)):
        branch.reply(180, rseq=rseq)
        acked = other.expect("PRACK")
        assert acked.get("rack").startswith(f"{rseq} ") and acked.to_tag == branch.tag
        branch.respond_to(acked, 200)
    two.accept()
    finish(drive, other, two)


def test_prack_is_retransmitted_by_its_transaction(drive, other):
    """Section 4: PRACK is like any request: again after T1, the same octets, until its answer."""
    call = drive.call(other)
    call.reply(183, audio_sdp(41000), rseq=1)
    acked = call.expect("PRACK")
    assert call.expect("PRACK", again=True).encode() == acked.encode()
    call.respond_to(acked, 200)
    other.so_far()
    call.accept(b"")
    finish(drive, other, call)


def test_answer_before_the_pracks_answer(drive, other):
    """Section 3 allows a 2xx of the INVITE before the PRACK when no SDP waits; we take it at any time."""
    call = drive.call(other)
    call.reply(180, rseq=1)
    acked = call.expect("PRACK")
    call.accept(skip=(100, "PRACK"))
    call.respond_to(acked, 200)
    finish(drive, other, call, skip=(100, "PRACK", "ACK"))


def test_refused_prack(drive, other):
    """A refused PRACK is no end of the call: the INVITE's final answer is; 481 says the branch is gone."""
    call = drive.call(other)
    call.reply(180, rseq=1)
    call.respond_to(call.expect("PRACK"), 500)
    other.expect_nothing(0.3, skip=())
    call.reply(486)
    call.expect("ACK")
    drive.wait_event(call, "end 486")


def test_reliable_without_being_allowed(drive, other):
    """Our endpoint with 100rel = no does not say Supported; who sends reliably nonetheless does harm to nobody."""
    call = drive.call(other, "as=never")
    assert "100rel" not in call.first.tokens("supported") and "100rel" not in call.first.tokens("require")
    call.reply(180, rseq=1)
    other.so_far()
    call.accept(skip=(100, "PRACK"))
    finish(drive, other, call, skip=(100, "PRACK"))


def test_invite_requires_it(drive, other):
    call = drive.call(other, "as=must")
    assert "100rel" in call.first.tokens("require")
    call.reply(420, headers=[("Unsupported", "100rel")])
    call.expect("ACK")
    drive.wait_event(call, "end 420")
