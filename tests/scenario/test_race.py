# SPDX-License-Identifier: GPL-2.0-or-later
"""The race conditions of RFC 5407, a test for each of its ladders, named after the section. T1 is 100 ms here."""

import time

import pytest
from support.drive import Called, finish, respond
from support.ladder import keep
from support.peer import Call
from support.wire import audio_sdp

ALLOW = [("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, OPTIONS, INFO")]


@pytest.fixture(scope="module")
def daemon_options():
    return {"system": "type = system\ntimer_t1 = 100\ntimer_b = 6400\n"}


def open_call(drive, peer, sdp=b""):
    call = Call(peer, "open", sdp=sdp, headers=ALLOW).send_invite()
    drive.wait_event(call, "begin")
    return call


def established(drive, peer, role="called"):
    if role == "called":
        call = Call(peer, "echo", sdp=audio_sdp(41000, version=1), headers=ALLOW)
        call.establish()
    else:
        call = drive.call(peer)
        call.accept(audio_sdp(41000, version=1), headers=ALLOW)
    drive.wait_event(call, "confirmed")
    return call


def ends(drive, call, peer):
    """It has ended, and nothing more comes of it."""
    drive.wait_event(call, "end")
    peer.expect_nothing(0.45)


def both(first, second):
    return {first.method: first, second.method: second}


# ---- 3.1: receiving in the moratorium state ----


def test_3_1_1_called_retransmission_of_the_initial_invite(drive, other):
    """The 200 is lost, the INVITE comes again: no second call; the 200 comes again, and its ACK is enough."""
    call = open_call(drive, other)
    drive.respond(call, 180)
    call.expect(180)
    drive.respond(call, 200)
    answer = call.expect(200)
    other.send(call.invite)
    again = call.expect(200, again=True)
    assert again.encode() == answer.encode()
    call.ack(answer)
    other.send(call.invite)
    other.expect_nothing(0.5)
    assert drive.events(call, "begin") == ["begin"]
    keep("RFC 5407 3.1.1: the INVITE again, in the moratorium state", "The daemon is called.", other.log)
    finish(drive, other, call)


def test_3_1_1_caller_retransmission_of_the_initial_invite(drive, other):
    """Ours crosses the 180 and the 200: each 200 gets its ACK."""
    call = drive.call(other)
    again = call.expect("INVITE", again=True)
    assert again.encode() == call.first.encode()
    call.reply(180)
    answer = call.reply(200, call.offer)
    ack = call.expect("ACK", skip=("INVITE",))
    other.send(answer)
    assert call.expect("ACK", again=True).encode() == ack.encode()
    finish(drive, other, call)


def test_3_1_2_called_cancel(drive, other):
    """CANCEL crosses the 200: it gets 200 and has no effect; the caller sends ACK and BYE."""
    call = open_call(drive, other)
    drive.respond(call, 180)
    call.expect(180)
    drive.respond(call, 200)
    answer = call.expect(200)
    call.cancel()
    assert call.expect(200).method == "CANCEL"
    call.ack(answer)
    drive.wait_event(call, "confirmed")
    call.send("BYE")
    assert call.expect(200).method == "BYE"
    keep("RFC 5407 3.1.2: CANCEL crosses the 200", "The daemon is called.", other.log)
    ends(drive, call, other)


def test_3_1_2_caller_cancel(drive, other):
    """Our CANCEL crosses the 200: ACK, and BYE since the call is not wanted (RFC 3261 9.1, 15)."""
    call = drive.call(other)
    call.reply(180)
    drive.wait_event(call, "early")
    drive("terminate", call.call_id)
    cancel = call.expect("CANCEL")
    call.reply(200, call.offer)
    call.respond_to(cancel, 200)
    got = both(call.expect("ACK", "BYE"), call.expect("ACK", "BYE"))
    assert set(got) == {"ACK", "BYE"}
    call.respond_to(got["BYE"], 200)
    keep("RFC 5407 3.1.2: our CANCEL crosses the 200", "The daemon calls.", other.log)
    ends(drive, call, other)


def test_3_1_3_called_bye_of_the_early_state(drive, other):
    """The caller's BYE crosses the 200: 200 for the BYE; the 200 of the INVITE gets its ACK; it is over."""
    call = open_call(drive, other)
    drive.respond(call, 180)
    call.learn(call.expect(180))
    drive.respond(call, 200)
    call.send("BYE")
    got = both(call.expect(200), call.expect(200))
    assert set(got) == {"INVITE", "BYE"}
    call.ack(got["INVITE"])
    ends(drive, call, other)


def test_3_1_4_called_reinvite_case_1(drive, other):
    """Offer and answer of the INVITE are complete: a re-INVITE before its ACK gets 200, or 491."""
    call = open_call(drive, other)
    drive.respond(call, 200)
    first = call.expect(200)
    second = call.send("INVITE", body=audio_sdp(other.port, version=2))
    answer = call.expect(200, 491)
    assert answer.cseq == second.cseq
    if answer.status == 200:
        call.ack(answer)
    call.ack(first)
    drive.wait_event(call, "confirmed")
    other.expect_nothing(0.5)
    keep("RFC 5407 3.1.4: re-INVITE in the moratorium state, case 1", "The daemon is called.", other.log)
    finish(drive, other, call)


def test_3_1_5_called_reinvite_case_2(drive, other):
    """Our offer in the 200 has no answer yet: 491."""
    call = open_call(drive, other, sdp=None)
    drive.respond(call, 200)
    first = call.expect(200)
    second = call.send("INVITE", body=audio_sdp(other.port, version=2))
    assert call.expect(491, 500).cseq == second.cseq
    call.ack(first, body=audio_sdp(other.port, version=1))
    drive.wait_event(call, "confirmed")
    call.send("INVITE", body=audio_sdp(other.port, version=2))
    call.ack(call.expect(200))
    keep("RFC 5407 3.1.5: re-INVITE in the moratorium state, case 2", "The daemon is called, and has offered.", other.log)
    finish(drive, other, call)


def test_3_1_6_called_bye_of_the_established_state(drive, other):
    """The ACK is lost, BYE comes: 200, the retransmissions of the INVITE's 200 end; the late ACK changes nothing."""
    call = open_call(drive, other)
    drive.respond(call, 200)
    answer = call.expect(200)
    call.send("BYE")
    assert call.expect(200).method == "BYE"
    call.ack(answer)
    ends(drive, call, other)


# ---- 3.2: receiving in the mortal state ----


@pytest.mark.parametrize("role", ["called", "caller"])
def test_3_2_1_bye_crosses_bye(drive, other, role):
    call = established(drive, other, role)
    drive("terminate", call.call_id)
    bye = call.expect("BYE")
    call.send("BYE")
    call.expect(200, 481)
    respond(call, bye, 200)
    if role == "called":
        keep("RFC 5407 3.2.1: BYE crosses BYE", "The daemon is called.", other.log)
    ends(drive, call, other)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_3_2_2_reinvite_crosses_our_bye(drive, other, role):
    """481: there is no dialog any more (RFC 5057 5.1)."""
    call = established(drive, other, role)
    drive("terminate", call.call_id)
    bye = call.expect("BYE")
    call.send("INVITE", body=audio_sdp(41000, version=2))
    refusal = call.expect(481, 487, 500)
    assert refusal.status == 481
    respond(call, bye, 200)
    if role == "called":
        keep("RFC 5407 3.2.2: re-INVITE crosses BYE", "The daemon hangs up.", other.log)
    ends(drive, call, other)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_3_2_2_our_reinvite_crosses_the_peers_bye(drive, other, role):
    call = established(drive, other, role)
    token, _ = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    call.send("BYE")
    call.expect(200, skip=(100, "CANCEL"))
    respond(call, invite, 481)
    call.expect("ACK", skip=("CANCEL",))
    assert drive.result(call, token) in (0, 481)
    drive.wait_event(call, "end")
    other.expect_nothing(0.3, skip=("CANCEL",))


@pytest.mark.parametrize("role", ["called", "caller"])
def test_3_2_3_answer_of_our_reinvite_after_our_bye(drive, other, role):
    """The 200 of the re-INVITE comes after our BYE left: it gets its ACK all the same."""
    call = established(drive, other, role)
    token, _ = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    drive("terminate", call.call_id)
    bye = call.expect("BYE", "CANCEL")
    respond(call, invite, 200, audio_sdp(41000, version=2))
    if bye.method == "CANCEL":
        respond(call, bye, 200)
    got = call.expect("ACK", "BYE")
    if got.method == "BYE":
        bye, got = got, call.expect("ACK")
    elif bye.method == "CANCEL":
        bye = call.expect("BYE")
    assert got.cseq == invite.cseq
    respond(call, bye, 200)
    assert drive.result(call, token) in (0, 200)
    if role == "called":
        keep("RFC 5407 3.2.3: the 200 of a re-INVITE after BYE", "The daemon hangs up.", other.log)
    ends(drive, call, other)


def test_3_2_4_called_ack_after_our_bye(drive, other):
    """A second ACK, of the 200's retransmission, comes after our BYE: nothing."""
    call = open_call(drive, other)
    drive.respond(call, 200)
    answer = call.expect(200)
    call.expect(200, again=True)
    call.ack(answer)
    drive.wait_event(call, "confirmed")
    drive("terminate", call.call_id)
    bye = call.expect("BYE")
    call.ack(answer)
    other.expect_nothing(0.05, again=True)
    respond(call, bye, 200)
    ends(drive, call, other)


# ---- 3.3: others ----


@pytest.mark.parametrize("role", ["called", "caller"])
def test_3_3_1_reinvite_crosses_reinvite(drive, other, role):
    """491 both ways; each side tries again after its own time (RFC 3261 14.1)."""
    call = established(drive, other, role)
    token, _ = drive.refresh(call, "invite")
    ours = call.expect("INVITE")
    call.send("INVITE", body=audio_sdp(41000, version=2))
    call.expect(491)
    began = time.monotonic()
    respond(call, ours, 491)
    call.expect("ACK")
    if role == "caller":  # the peer is the first: it did not make the Call-ID
        call.send("INVITE", body=audio_sdp(41000, version=2))
        call.ack(call.expect(200))
    again = call.expect("INVITE")
    waited = again.when - began
    assert (2.05 <= waited <= 4.4) if role == "caller" else waited <= 2.4, waited
    respond(call, again, 200, audio_sdp(41000, version=3))
    call.expect("ACK")
    assert drive.result(call, token) == 200
    keep(f"RFC 5407 3.3.1: re-INVITE crosses re-INVITE, the daemon {'calls' if role == 'caller' else 'was called'}", "Both get 491.", other.log)
    finish(drive, other, call)


@pytest.mark.parametrize("ours", ["invite", "update"])
def test_3_3_2_update_crosses_reinvite(drive, other, ours):
    theirs = "UPDATE" if ours == "invite" else "INVITE"
    call = established(drive, other)
    token, _ = drive.refresh(call, ours)
    request = call.expect(ours.upper())
    call.send(theirs, body=audio_sdp(41000, version=2))
    assert call.expect(491).method == theirs
    respond(call, request, 491)
    if ours == "invite":
        call.expect("ACK")
    again = call.expect(ours.upper())
    respond(call, again, 200, audio_sdp(41000, version=3))
    if ours == "invite":
        call.expect("ACK")
    assert drive.result(call, token) == 200
    call.send(theirs, body=audio_sdp(41000, version=4))
    answer = call.expect(200)
    if theirs == "INVITE":
        call.ack(answer)
    keep(f"RFC 5407 3.3.2: the peer's {theirs} crosses our {ours.upper()}", "Both get 491.", other.log)
    finish(drive, other, call)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_3_3_3_refer_crosses_our_bye(drive, other, role):
    """481: the dialog is as good as gone."""
    call = established(drive, other, role)
    drive("terminate", call.call_id)
    bye = call.expect("BYE")
    call.send("REFER", headers=[("Refer-To", "<sip:somebody@127.0.0.1>")])
    assert call.expect(481, 405, 501).status == 481
    respond(call, bye, 200)
    ends(drive, call, other)


# ---- the appendices ----


def test_appendix_a_bye_in_the_early_dialog(drive, other):
    """The caller may send BYE in an early dialog: 200; the INVITE gets 487 (RFC 3261 15.1.2)."""
    call = open_call(drive, other)
    drive.respond(call, 180)
    call.learn(call.expect(180))
    invite = call.invite
    call.send("BYE")
    got = both(other.expect(200, 487, call_id=call.call_id), other.expect(200, 487, call_id=call.call_id))
    assert (got["BYE"].status, got["INVITE"].status) == (200, 487)
    other.send(call.build("ACK", cseq=invite.cseq, branch=invite.branch))
    ends(drive, call, other)


def test_appendix_a_bye_of_the_callee_in_the_early_dialog(drive, other):
    """The callee must not do that (RFC 3261 15): whatever it gets, the daemon and its call are in order."""
    call = drive.call(other)
    call.reply(180)
    drive.wait_event(call, "early")
    call.send("BYE")
    answer = call.expect(200, *range(400, 600), skip=(100, "CANCEL"))
    cancel = next((m for _, way, m in other.log if way == "<-" and m.method == "CANCEL" and not m.is_response), None)
    if cancel is None and answer.status == 200:
        cancel = other.receive(0.3)
    if cancel is not None:
        call.respond_to(cancel, 200)
    call.reply(487)
    call.expect("ACK", skip=("CANCEL",))
    ends(drive, call, other)


def test_appendix_b_bye_overlaps_a_reinvite(drive, other):
    """The peer's BYE comes while its re-INVITE waits: 200 and 487."""
    call = established(drive, other)
    drive("defer", "INVITE")
    call.send("INVITE", body=audio_sdp(41000, version=2))
    drive.wait_event(call, "deferred INVITE 0")
    drive("defer", "none")
    invite = call.invite
    call.send("BYE")
    got = both(other.expect(200, 487, call_id=call.call_id), other.expect(200, 487, call_id=call.call_id))
    assert (got["BYE"].status, got["INVITE"].status) == (200, 487)
    other.send(call.build("ACK", cseq=invite.cseq, branch=invite.branch))
    drive("resume")
    ends(drive, call, other)


def test_appendix_c_cancel_before_and_after_the_final_response(drive, other):
    call = open_call(drive, other)
    call.cancel()  # before any response but 100
    got = both(call.expect(200, 487), call.expect(200, 487))
    assert (got["CANCEL"].status, got["INVITE"].status) == (200, 487)
    ends(drive, call, other)
    call = open_call(drive, other)
    drive.respond(call, 486)
    refusal = other.expect(486, call_id=call.call_id)
    call.cancel()  # crosses the refusal
    assert other.expect(200, 481, call_id=call.call_id).method == "CANCEL"
    call.ack(refusal)
    ends(drive, call, other)
    call = established(drive, other)
    call.cancel()  # of an INVITE that is long over
    assert call.expect(200, 481).method == "CANCEL"
    finish(drive, other, call)


def test_appendix_c_cancel_of_ours_waits_for_a_response(drive, other):
    """RFC 3261 9.1: no CANCEL before a provisional response; then at once."""
    call = drive.call(other)
    drive("terminate", call.call_id)
    other.expect_nothing(0.25, skip=("INVITE",))
    call.reply(100)
    cancel = call.expect("CANCEL", skip=("INVITE",))
    assert cancel.branch == call.first.branch and cancel.cseq == call.first.cseq and cancel.to_tag is None
    call.respond_to(cancel, 200)
    call.reply(487)
    call.expect("ACK")
    ends(drive, call, other)


def test_appendix_c_cancel_of_ours_is_overtaken_by_a_refusal(drive, other):
    call = drive.call(other)
    call.reply(180)
    drive.wait_event(call, "early")
    drive("terminate", call.call_id)
    cancel = call.expect("CANCEL")
    call.reply(486)
    call.expect("ACK")
    call.respond_to(cancel, 481)
    ends(drive, call, other)


@pytest.mark.parametrize("method", ["INFO", "OPTIONS", "UPDATE", "MESSAGE", "NOTIFY", "FROBNICATE", "PRACK"])
def test_appendix_d_requests_in_the_mortal_state(drive, other, method):
    """After our BYE left: 481 for whatever comes."""
    call = established(drive, other)
    drive("terminate", call.call_id)
    bye = call.expect("BYE")
    call.send(method, headers=[("RAck", "1 1 INVITE")] if method == "PRACK" else ())
    refusal = call.expect(*range(200, 700))
    assert refusal.status == 481, other.ladder()
    respond(call, bye, 200)
    ends(drive, call, other)


def test_appendix_e_forking_and_new_tags(drive, other):
    """RFC 3261 13.2.2.4: each tag is an early dialog; the first 2xx wins; a later one gets ACK and BYE."""
    call = drive.call(other)
    call.tag, call.local = "one", f"{call.first.get('to')};tag=one"
    two, three = (Called(other, call.first, tag=tag) for tag in ("two", "three"))
    for branch in (call, two, three):
        branch.reply(180)
    two.reply(200, two.offer)
    assert other.expect("ACK").to_tag == "two"
    three.reply(200, three.offer)
    got = both(other.expect("ACK", "BYE"), other.expect("ACK", "BYE"))
    assert set(got) == {"ACK", "BYE"} and {m.to_tag for m in got.values()} == {"three"}
    three.respond_to(got["BYE"], 200)
    states = [word.rsplit("/", 2) for word in drive("early", call.call_id).split()]
    assert [(tag, state) for tag, state, _ in states] == [("one", "3"), ("two", "2"), ("three", "3")], states
    keep("A fork: three branches, two answers", "RFC 3261 13.2.2.4, RFC 5407 appendix E: the first 2xx wins.", other.log)
    finish(drive, other, two)


def test_appendix_e_first_answer_has_a_new_tag(drive, other):
    """A 2xx of a branch that had no provisional response."""
    call = drive.call(other)
    call.reply(180)
    two = Called(other, call.first, tag="two")
    two.reply(200, two.offer)
    assert other.expect("ACK").to_tag == "two"
    finish(drive, other, two)


def test_stray_responses_of_no_transaction(drive, other):
    """RFC 6026 8.4: dropped, also when they name a call that is up."""
    call = established(drive, other, "caller")
    for status in (180, 200, 486):
        for tag in (call.tag, "another"):
            response = other.respond(call.first, status, tag=tag)
            response.headers = [(n, v.replace("z9hG4bK", "z9hG4bKx") if n == "Via" else v) for n, v in response.headers]
            other.send(response)
    seen = other.so_far()
    assert all(m.method in ("ACK", "BYE") for m in seen), other.ladder()
    for message in seen:
        if message.method == "BYE":
            assert message.to_tag == "another", "a branch that answers too late is ended"
            call.respond_to(message, 200)
    finish(drive, other, call, skip=(100, "ACK", "BYE"))
