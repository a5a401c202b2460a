# SPDX-License-Identifier: GPL-2.0-or-later
"""Changing a session: the refresh queue on the wire (RFC 3261 14, RFC 3311, RFC 6141). T1 is 100 ms here."""

import time

import pytest
from support.drive import check_versions, finish, respond
from support.ladder import keep
from support.peer import Call
from support.rtp import RtpSocket, random_payloads
from support.wire import audio_sdp

ALLOW = [("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, OPTIONS, INFO")]

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw,alaw,g722

[known]
type = endpoint
context = default
allow = !all,ulaw
outbound_auth = secret

[secret]
type = auth
auth_type = userpass
username = bob
password = builder
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"endpoints": ENDPOINTS, "system": "type = system\ntimer_t1 = 100\ntimer_b = 6400\n"}


def established(drive, peer, role="called", port=41000, endpoint=None):
    """A call that is up, and our last SDP in it."""
    if role == "called":
        options = {"from_value": f"<sip:{endpoint}@127.0.0.1>"} if endpoint else {}
        call = Call(peer, "echo", sdp=audio_sdp(port, version=1), headers=ALLOW, **options)
        sdp = call.establish().sdp
    else:
        call = drive.call(peer, *([f"as={endpoint}"] if endpoint else []))
        sdp = call.first.sdp
        call.accept(audio_sdp(port, version=1), headers=ALLOW)
    drive.wait_event(call, "confirmed")
    return call, sdp


def accept(call, request, version=2, port=41000):
    """Answers the daemon's re-INVITE or UPDATE with 200, and takes its ACK."""
    respond(call, request, 200, audio_sdp(port, version=version))
    if request.method == "INVITE":
        assert call.expect("ACK").cseq == request.cseq


def refuse(call, request, status, headers=()):
    respond(call, request, status, headers=headers)
    if request.method == "INVITE":
        ack = call.expect("ACK")
        assert ack.branch == request.branch, "the ACK of a refusal is in its transaction (17.1.1.3)"


def check_alive(drive, call, peer, rtp=None, sdp=None):
    """The session is as it was: a request is answered, RTP comes back where the call is an echo."""
    call.send("OPTIONS")
    call.expect(200)
    if rtp:
        payloads = random_payloads(4)
        rtp.received.clear()
        got = rtp.exchange((peer.remote[0], sdp.audio.port), payloads, after=0.15)
        assert [p.payload for p in got] == payloads
    assert drive("state", call.call_id) == "confirmed"


def reoffer(call, method, version, **options):
    call.send(method, body=audio_sdp(41000, version=version, **options))
    answer = call.expect(200)
    if method == "INVITE":
        call.ack(answer)
    return answer


# ---- one that goes well ----


@pytest.mark.parametrize("role", ["called", "caller"])
@pytest.mark.parametrize("method", ["invite", "update", "auto"])
def test_refresh(drive, other, role, method):
    call, before = established(drive, other, role)
    token, number = drive.refresh(call, method)
    assert number != 0
    request = call.expect("INVITE", "UPDATE")
    assert request.method == {"invite": "INVITE", "update": "UPDATE"}.get(method, request.method)
    check_versions(before, request.sdp)
    assert request.contact_uri and request.get("max-forwards")
    assert request.method == "UPDATE" or request.tokens("allow"), "RFC 3261 13.2.1, 14.1"
    accept(call, request)
    assert drive.result(call, token) == 200
    events = drive.events(call, "refresh")
    assert [line.split()[1] for line in events] == ["request", "offer", "result"] or sorted(
        line.split()[1] for line in events
    ) == ["offer", "request", "result"], events
    check_alive(drive, call, other)
    finish(drive, other, call)


def test_auto_without_an_offer_is_an_update(drive, other):
    """RFC 3311 5.1: where the peer allows it; it has no SDP and leaves the media alone."""
    call, before = established(drive, other)
    token, _ = drive.refresh(call, "auto", "without-offer")
    update = call.expect("UPDATE")
    assert not update.body
    respond(call, update, 200)
    assert drive.result(call, token) == 200
    check_versions(before, reoffer(call, "INVITE", 2).sdp)
    finish(drive, other, call)


def test_update_is_not_for_who_does_not_allow_it(drive, other):
    call = Call(other, "echo", sdp=audio_sdp(41000, version=1), headers=[("Allow", "INVITE, ACK, BYE, CANCEL")])
    call.establish()
    drive.wait_event(call, "confirmed")
    assert drive("allows", call.call_id, "UPDATE") == "0" and drive("allows", call.call_id, "BYE") == "1"
    token, _ = drive.refresh(call, "update")
    accept(call, call.expect("INVITE"))
    assert drive.result(call, token) == 200
    finish(drive, other, call)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_reinvite_without_sdp_of_ours(drive, other, role):
    """RFC 3261 14.1: it asks the peer for an offer; our answer is in the ACK."""
    call, before = established(drive, other, role)
    token, _ = drive.refresh(call, "invite", "without-offer")
    invite = call.expect("INVITE")
    assert not invite.body
    respond(call, invite, 200, audio_sdp(41000, version=2, direction="sendonly"))
    ack = call.expect("ACK")
    assert ack.sdp.audio.direction in ("recvonly", "inactive")
    check_versions(before, ack.sdp)
    assert drive.result(call, token) == 200
    finish(drive, other, call)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_reinvite_without_sdp_of_the_peer(drive, other, role):
    call, before = established(drive, other, role)
    call.send("INVITE")
    offer = call.expect(200)
    check_versions(before, offer.sdp)
    token, _ = drive.refresh(call, "invite")  # an offer is in flight: it waits
    other.expect_nothing(0.25, skip=(200,))
    call.ack(offer, body=audio_sdp(41000, version=2))
    accept(call, call.expect("INVITE"), version=3)
    assert drive.result(call, token) == 200
    finish(drive, other, call)


def test_give_up_the_offer(drive, other):
    call, _ = established(drive, other)
    token, _ = drive.refresh(call, "invite", "give-up")
    assert drive.result(call, token) == 0
    other.expect_nothing(0.3)
    check_alive(drive, call, other)
    finish(drive, other, call)


def test_send_reinvite_of_the_page(drive, other):
    call, before = established(drive, other)
    assert drive("reinvite", call.call_id) == "0"
    invite = call.expect("INVITE")
    check_versions(before, invite.sdp)
    accept(call, invite)
    finish(drive, other, call)


def test_refresh_of_a_session_that_ends(drive, other):
    call = Call(other, "echo")
    call.establish()
    drive("terminate", call.call_id)
    assert drive.refuses_refresh(call)
    respond(call, call.expect("BYE"), 200)
    drive.wait_event(call, "end")
    assert drive.refuses_refresh(call)


# ---- one at a time ----


@pytest.mark.parametrize("role", ["called", "caller"])
def test_at_most_one_offer_in_flight(drive, other, role):
    """RFC 3264 4, RFC 3261 14.1: the next waits for the end of the one before; in their order."""
    call, _ = established(drive, other, role)
    tokens = [drive.refresh(call, method)[0] for method in ("invite", "update", "invite")]
    for number, method in enumerate(("INVITE", "UPDATE", "INVITE")):
        request = call.expect(method)
        other.expect_nothing(0.08, again=True)
        accept(call, request, version=number + 2)
    assert [drive.result(call, token) for token in tokens] == [200, 200, 200]
    finish(drive, other, call)


def test_ours_waits_for_the_ack_of_the_peers(drive, other):
    """14.1: no new INVITE while one is in progress in either direction."""
    call, _ = established(drive, other)
    call.send("INVITE", body=audio_sdp(41000, version=2))
    answer = call.expect(200)
    token, _ = drive.refresh(call, "invite")
    other.expect_nothing(0.3, skip=(200,))
    call.ack(answer)
    accept(call, call.expect("INVITE"), version=3)
    assert drive.result(call, token) == 200
    finish(drive, other, call)


# ---- glare ----


@pytest.mark.parametrize("role", ["called", "caller"])
@pytest.mark.parametrize("ours", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("theirs", ["INVITE", "UPDATE"])
def test_glare(drive, other, role, ours, theirs):
    """RFC 3261 14.2, RFC 3311 5.2: theirs gets 491 while our offer is in flight; ours goes on."""
    call, before = established(drive, other, role)
    token, _ = drive.refresh(call, ours.lower())
    request = call.expect(ours)
    call.send(theirs, body=audio_sdp(41000, version=2))
    refusal = call.expect(491)
    assert refusal.method == theirs
    accept(call, request, version=1)
    assert drive.result(call, token) == 200
    check_versions(request.sdp, reoffer(call, theirs, 2).sdp)
    if role == "called":
        keep(f"Glare: our {ours} and the peer's {theirs}", "RFC 3261 14.2, RFC 3311 5.2. The peer tries again later.", other.log)
    finish(drive, other, call)


def test_update_without_offer_is_no_glare(drive, other):
    """RFC 3311 5.2 speaks of offers: one without is answered at any time."""
    call, _ = established(drive, other)
    token, _ = drive.refresh(call, "invite")
    request = call.expect("INVITE")
    call.send("UPDATE")
    assert not call.expect(200).body
    accept(call, request)
    assert drive.result(call, token) == 200
    finish(drive, other, call)


def windows(drive, peer, role, method, count=5):
    """Both sides refuse with 491; how long until ours comes again, for several calls at once."""
    calls, gone, waits, tokens = {}, {}, {}, {}
    for _ in range(count):
        call, _ = established(drive, peer, role)
        calls[call.call_id] = call
        tokens[call.call_id] = drive.refresh(call, method.lower())[0]
        request = call.expect(method)
        call.send(method, body=audio_sdp(41000, version=2))
        assert call.expect(491).method == method
        gone[call.call_id] = (time.monotonic(), request)
        refuse(call, request, 491)
    end = time.monotonic() + 5
    while len(waits) < count and time.monotonic() < end:
        request = peer.receive(end - time.monotonic())
        if request is None or request.is_response or request.again:
            continue
        assert request.method == method, peer.ladder()
        began, before = gone[request.call_id]
        waits[request.call_id] = request.when - began
        assert request.cseq > before.cseq and request.branch != before.branch, "it is a new request"
        accept(calls[request.call_id], request)
    for call_id, call in calls.items():
        assert drive.result(call, tokens[call_id]) == 200
        finish(drive, peer, call)
    assert len(waits) == count
    return sorted(waits.values())


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("role", ["called", "caller"])
def test_both_windows_of_491(drive, other, role, method):
    """14.1: who made the Call-ID waits 2.1 to 4 s, the other 0 to 2 s; in units of 10 ms, at random."""
    low, high = (2.1, 4.0) if role == "caller" else (0.0, 2.0)
    waits = windows(drive, other, role, method)
    assert all(low - 0.05 <= wait <= high + 0.4 for wait in waits), waits
    assert max(waits) - min(waits) > 0.02, f"at random: {waits}"
    if method == "INVITE":
        whose = "made the Call-ID: 2.1 to 4.0 s" if role == "caller" else "did not make the Call-ID: 0 to 2.0 s"
        first = next(m.call_id for _, _, m in other.log)
        log = [entry for entry in other.log if entry[2].call_id == first]
        keep(f"491 of both sides, the daemon {'calls' if role == 'caller' else 'was called'}", f"RFC 3261 14.1: it tries again, as one that {whose}.", log)


def test_491_again_and_again_ends(drive, other):
    """The retries are counted: after the last the refresh has failed, and the session is as it was."""
    call, request_sdp = established(drive, other)
    token, _ = drive.refresh(call, "invite")
    count, end = 0, time.monotonic() + 15
    while time.monotonic() < end and not drive.events(call, "refresh result"):
        request = other.receive(0.2)
        if request is not None and request.method == "INVITE" and not request.again:
            count, request_sdp = count + 1, request.sdp
            refuse(call, request, 491)
    assert drive.result(call, token) == 491
    assert 2 <= count <= 6, count
    check_alive(drive, call, other)
    check_versions(request_sdp, reoffer(call, "INVITE", 2).sdp)
    finish(drive, other, call)


def test_ours_waits_while_a_request_of_the_peer_is_open(drive, other):
    """An offer of the peer's that is not answered yet: ours waits until it is."""
    call, _ = established(drive, other)
    drive("defer", "UPDATE")
    call.send("UPDATE", body=audio_sdp(41000, version=2))
    drive.wait_event(call, "deferred UPDATE 0")
    token, _ = drive.refresh(call, "invite")
    other.expect_nothing(0.3, skip=(100,))
    drive("defer", "none")
    assert drive("resume") == "0"
    call.expect(200)
    accept(call, call.expect("INVITE"), version=3)
    assert drive.result(call, token) == 200
    finish(drive, other, call)


# ---- refusals ----


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("status", [403, 415, 486, 488, 503, 603])
def test_refused_refresh_leaves_the_session_as_it_was(drive, other, method, status):
    """14.1: the media, and our SDP's version, are those of before."""
    with RtpSocket() as rtp:
        call, before = established(drive, other, port=rtp.port)
        token, _ = drive.refresh(call, method.lower())
        refuse(call, call.expect(method), status)
        assert drive.result(call, token) == status
        other.expect_nothing(0.1)
        check_alive(drive, call, other, rtp, before)
        again = reoffer(call, "INVITE", 2)
        assert again.sdp.origin_id == before.origin_id and again.sdp.audio.port == before.audio.port
        finish(drive, other, call)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("status", [408, 481])
@pytest.mark.parametrize("role", ["called", "caller"])
def test_408_and_481_end_the_session(drive, other, role, method, status):
    """RFC 3261 12.2.1.2, 14.1; RFC 5057 5.1: the dialog is gone; BYE makes sure of it."""
    call, _ = established(drive, other, role)
    token, _ = drive.refresh(call, method.lower())
    refuse(call, call.expect(method), status)
    bye = call.expect("BYE")
    respond(call, bye, 481)
    assert drive.result(call, token) == status
    drive.wait_event(call, "end")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_silence_ends_the_session(drive, other, method):
    """No answer within 64*T1 is as a 408 (RFC 3261 8.1.3.1, 14.1)."""
    call, _ = established(drive, other)
    token, _ = drive.refresh(call, method.lower())
    call.expect(method)
    bye = call.expect("BYE", timeout=9, skip=(method,))
    respond(call, bye, 200)
    assert drive.result(call, token) in (0, 408)
    drive.wait_event(call, "end")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_500_with_retry_after(drive, other, method):
    """RFC 3261 20.33, RFC 3311 5.3: again, but not before that time."""
    call, _ = established(drive, other)
    token, _ = drive.refresh(call, method.lower())
    refused = call.expect(method)
    began = time.monotonic()
    refuse(call, refused, 500, headers=[("Retry-After", "1")])
    request = call.expect(method)
    assert 0.99 < request.when - began < 3  # timers count milliseconds
    accept(call, request)
    assert drive.result(call, token) == 200
    finish(drive, other, call)


def test_500_without_retry_after_is_final(drive, other):
    call, _ = established(drive, other)
    token, _ = drive.refresh(call, "invite")
    refuse(call, call.expect("INVITE"), 500)
    assert drive.result(call, token) == 500
    check_alive(drive, call, other)
    finish(drive, other, call)


CHALLENGE = 'Digest realm="here", nonce="abc123", algorithm=MD5, qop="auth"'


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("status", [401, 407])
def test_challenge_with_credentials(drive, other, method, status):
    """RFC 3261 22.2, 22.3: the request again, with credentials and a new CSeq; hooks are not asked again."""
    call, _ = established(drive, other, "caller", endpoint="known")
    token, _ = drive.refresh(call, method.lower())
    request = call.expect(method)
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    refuse(call, request, status, headers=[(name, CHALLENGE)])
    again = call.expect(method)
    credentials = again.get("authorization" if status == 401 else "proxy-authorization")
    assert 'username="bob"' in credentials and 'realm="here"' in credentials and "builder" not in credentials
    assert again.cseq == request.cseq + 1 and again.body == request.body
    accept(call, again)
    assert drive.result(call, token) == 200
    finish(drive, other, call, skip=(100,))


@pytest.mark.parametrize("status", [401, 407])
def test_challenge_without_credentials(drive, other, status):
    call, _ = established(drive, other)
    token, _ = drive.refresh(call, "invite")
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    refuse(call, call.expect("INVITE"), status, headers=[(name, CHALLENGE)])
    assert drive.result(call, token) == status
    check_alive(drive, call, other)
    finish(drive, other, call)


# ---- 500 of ours, and what may not overlap ----


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_second_request_while_the_first_is_open(drive, other, method):
    """RFC 3261 14.2, RFC 3311 5.2: 500 with Retry-After of 0 to 10 s, while the one before has no final response."""
    call, _ = established(drive, other)
    drive("defer", method)
    first = call.send(method, body=audio_sdp(41000, version=2))
    drive.wait_event(call, f"deferred {method} 0")
    drive("defer", "none")
    second = call.build(method, body=audio_sdp(41000, version=3))
    other.send(second)
    refusal = other.expect(500, call_id=call.call_id)
    assert refusal.cseq == second.cseq and 0 <= int(refusal.get("retry-after").split()[0]) <= 10
    if method == "INVITE":
        ack = call.build("ACK", cseq=second.cseq, branch=second.branch)
        other.send(ack)
    assert drive("resume") == "0"
    answer = call.expect(200)
    assert answer.cseq == first.cseq
    if method == "INVITE":
        call.ack(answer)
    finish(drive, other, call)


def test_reinvite_before_the_ack_of_the_last(drive, other):
    """RFC 5407 3.1.4: 200, or 491; the session is the better for neither. The ACK of each is taken."""
    call, _ = established(drive, other)
    call.send("INVITE", body=audio_sdp(41000, version=2))
    first = call.expect(200)
    second = call.send("INVITE", body=audio_sdp(41000, version=3))
    answer = call.expect(200, 491, 500)
    assert answer.cseq == second.cseq
    if answer.status == 200:
        call.ack(answer)
    call.ack(first)
    other.expect_nothing(0.6)
    reoffer(call, "INVITE", 4)
    finish(drive, other, call)


def test_old_cseq_is_refused(drive, other):
    """RFC 3261 12.2.2: a request whose CSeq is lower than the last: 500."""
    call, _ = established(drive, other)
    call.cseq = 40
    reoffer(call, "INVITE", 2)
    for method in ("INVITE", "UPDATE"):
        old = call.build(method, body=audio_sdp(41000, version=3), cseq=20)
        other.send(old)
        refusal = other.expect(500, call_id=call.call_id)
        assert refusal.cseq == 20
        if method == "INVITE":
            other.send(call.build("ACK", cseq=20, branch=old.branch))
    reoffer(call, "UPDATE", 3)
    finish(drive, other, call)


# ---- CANCEL ----


@pytest.mark.parametrize("role", ["called", "caller"])
def test_our_cancel_of_a_reinvite(drive, other, role):
    """RFC 3261 9.1: after a provisional response; 487; the session goes on (RFC 6141 4.5)."""
    call, _ = established(drive, other, role)
    token, number = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    respond(call, invite, 100)
    drive("state", call.call_id)
    assert drive("refresh-cancel", call.call_id, number) == "0"
    cancel = call.expect("CANCEL")
    assert cancel.branch == invite.branch and cancel.cseq == invite.cseq
    respond(call, cancel, 200)
    refuse(call, invite, 487)
    assert drive.result(call, token) in (0, 487)
    assert drive("refresh-cancel", call.call_id, number) == "-1"
    check_alive(drive, call, other)
    check_versions(invite.sdp, reoffer(call, "INVITE", 2).sdp)
    finish(drive, other, call)


def test_our_cancel_waits_for_a_provisional_response(drive, other):
    call, _ = established(drive, other)
    token, number = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    assert drive("refresh-cancel", call.call_id, number) == "0"
    other.expect_nothing(0.25, skip=("INVITE",))
    respond(call, invite, 100)
    cancel = call.expect("CANCEL", skip=("INVITE",))
    respond(call, cancel, 200)
    refuse(call, invite, 487)
    assert drive.result(call, token) in (0, 487)
    finish(drive, other, call)


def test_our_cancel_crosses_the_answer(drive, other):
    """RFC 6141 3.5, RFC 3261 9.1: the 2xx counts; the change is in force."""
    call, _ = established(drive, other)
    token, number = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    respond(call, invite, 100)
    drive("state", call.call_id)
    assert drive("refresh-cancel", call.call_id, number) == "0"
    cancel = call.expect("CANCEL")
    respond(call, invite, 200, audio_sdp(41000, version=2))
    respond(call, cancel, 200)
    call.expect("ACK")
    assert drive.result(call, token) == 200
    check_alive(drive, call, other)
    finish(drive, other, call)


def test_cancel_of_one_that_waits(drive, other):
    call, _ = established(drive, other)
    first, _ = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    second, number = drive.refresh(call, "invite")
    assert drive("refresh-cancel", call.call_id, number) == "0"
    assert drive.result(call, second) == 0
    accept(call, invite)
    assert drive.result(call, first) == 200
    other.expect_nothing(0.3)
    finish(drive, other, call)


def test_an_update_under_way_cannot_be_cancelled(drive, other):
    call, _ = established(drive, other)
    token, number = drive.refresh(call, "update")
    update = call.expect("UPDATE")
    assert drive("refresh-cancel", call.call_id, number) == "-1"
    accept(call, update)
    assert drive.result(call, token) == 200
    finish(drive, other, call)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_the_peers_cancel_of_a_reinvite(drive, other, role):
    """RFC 3261 9.2: 200 to the CANCEL, 487 to the re-INVITE, the session as it was."""
    call, before = established(drive, other, role)
    drive("defer", "INVITE")
    call.send("INVITE", body=audio_sdp(41000, version=2, direction="sendonly"))
    drive.wait_event(call, "deferred INVITE 0")
    drive("defer", "none")
    call.cancel()
    got = [call.expect(200, 487) for _ in range(2)]
    assert {(m.method, m.status) for m in got} == {("CANCEL", 200), ("INVITE", 487)}
    assert drive("resume") == "0"
    other.expect_nothing(0.3)
    check_alive(drive, call, other)
    check_versions(before, reoffer(call, "INVITE", 3).sdp)
    finish(drive, other, call)


def test_the_peers_cancel_comes_too_late(drive, other):
    """9.2: after the final response it has no effect."""
    call, _ = established(drive, other)
    call.send("INVITE", body=audio_sdp(41000, version=2))
    answer = call.expect(200)
    call.cancel()
    assert call.expect(200, 481, skip=(100,)).method == "CANCEL"
    call.ack(answer)
    check_alive(drive, call, other)
    finish(drive, other, call)


# ---- BYE while one is under way ----


@pytest.mark.parametrize("role", ["called", "caller"])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_the_peers_bye_while_ours_is_pending(drive, other, role, method):
    """RFC 3261 15, RFC 5407 appendix B: BYE ends it all; the outcome is told once, with 0 or what came."""
    call, _ = established(drive, other, role)
    token, _ = drive.refresh(call, method.lower())
    waiting, _ = drive.refresh(call, "invite")
    request = call.expect(method)
    call.send("BYE")
    call.expect(200)
    respond(call, request, 487 if method == "INVITE" else 481)
    if method == "INVITE":
        call.expect("ACK", skip=("CANCEL",))
    assert drive.result(call, token) in (0, 481, 487)
    assert drive.result(call, waiting) == 0
    drive.wait_event(call, "end")
    other.expect_nothing(0.2, skip=("INVITE", "UPDATE", "CANCEL"))


@pytest.mark.parametrize("role", ["called", "caller"])
def test_our_bye_while_ours_is_pending(drive, other, role):
    """BYE overtakes: it does not wait for the re-INVITE."""
    call, _ = established(drive, other, role)
    token, _ = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    respond(call, invite, 100)
    drive("terminate", call.call_id)
    got = call.expect("BYE", "CANCEL")
    if got.method == "CANCEL":
        respond(call, got, 200)
        got = call.expect("BYE")
    respond(call, got, 200)
    respond(call, invite, 487)
    call.expect("ACK")
    assert drive.result(call, token) in (0, 487)
    drive.wait_event(call, "end")


def test_our_bye_while_the_peers_is_pending(drive, other):
    call, _ = established(drive, other)
    drive("defer", "INVITE")
    call.send("INVITE", body=audio_sdp(41000, version=2))
    drive.wait_event(call, "deferred INVITE 0")
    drive("defer", "none")
    drive("terminate", call.call_id)
    bye, refusal = None, None
    for _ in range(2):
        message = call.expect("BYE", *range(400, 700))
        bye, refusal = (message, refusal) if message.method == "BYE" else (bye, message)
        if bye is not None and refusal is None:
            respond(call, bye, 200)
    assert refusal.status == 487 or refusal.status // 100 in (4, 5, 6)
    if bye is not None and refusal is not None:
        other.so_far()
        respond(call, bye, 200)
    assert drive("resume") == "0"
    drive.wait_event(call, "end")


def test_the_peers_bye_while_the_peers_is_pending(drive, other):
    """RFC 3261 15.1.2: what is pending in the dialog gets 487."""
    call, _ = established(drive, other)
    drive("defer", "INVITE")
    call.send("INVITE", body=audio_sdp(41000, version=2))
    drive.wait_event(call, "deferred INVITE 0")
    drive("defer", "none")
    invite = call.invite
    bye = call.build("BYE")
    other.send(bye)
    got = [other.expect(200, 487, call_id=call.call_id) for _ in range(2)]
    assert {(m.method, m.status) for m in got} == {("BYE", 200), ("INVITE", 487)}
    refusal = next(m for m in got if m.method == "INVITE")
    other.send(call.build("ACK", cseq=invite.cseq, branch=invite.branch))
    assert refusal.to_tag
    assert drive("resume") == "0"
    other.expect_nothing(0.5)


def test_sessions_that_are_kept_changed_many_times(drive, other):
    """A hundred refreshes of either side in one session: our version follows, nothing piles up."""
    call, before = established(drive, other)
    for number in range(100):
        if number % 2:
            after = reoffer(call, "INVITE" if number % 4 == 1 else "UPDATE", number + 2, direction="sendonly" if number % 8 < 4 else "sendrecv").sdp
        else:
            token, _ = drive.refresh(call, "invite" if number % 4 == 0 else "update")
            request = call.expect("INVITE", "UPDATE")
            after = request.sdp
            accept(call, request, version=number + 2)
            assert drive.result(call, token) == 200
        check_versions(before, after)
        before = after
    finish(drive, other, call)


@pytest.mark.parametrize("status", [200, 403, 422, 491, 503])
def test_update_before_anybody_offered(drive, other, status):
    """An INVITE without an offer that rings: an UPDATE without one is possible, and its answer harms nothing."""
    call = drive.call(other, "late")
    call.reply(180, headers=ALLOW)
    drive.wait_event(call, "early")
    token, _ = drive.refresh(call, "update", "without-offer")
    update = call.expect("UPDATE")
    assert not update.body
    call.respond_to(update, status)
    if status == 491:
        call.respond_to(call.expect("UPDATE", timeout=5), 200)
    elif status == 422:
        other.drain(0.3)
    drive("refresh-cancel", call.call_id, 1)
    call.reply(200, audio_sdp(41000))
    call.expect("ACK", skip=(100, "UPDATE"))
    finish(drive, other, call, skip=(100, "UPDATE"))
    assert token


# ---- where requests of ours go ----


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_contact_of_a_refresh_is_the_new_target(drive, driven, other, method):
    """RFC 3261 12.2.2, RFC 6141 4.5: our next request goes there."""
    call, _ = established(drive, other)
    moved = driven.peer()
    request = call.build(method, body=audio_sdp(41000, version=2))
    request.headers = [(n, moved.contact if n == "Contact" else v) for n, v in request.headers]
    call.invite = request
    other.send(request)
    answer = call.expect(200)
    if method == "INVITE":
        call.ack(answer)
        drive.result(call, drive.refresh(call, "invite", "give-up")[0])  # the ACK was seen
    drive("terminate", call.call_id)
    bye = moved.expect("BYE")
    assert bye.uri == moved.contact[1:-1]
    moved.respond(bye, 200)
    drive.wait_event(call, "end")


def test_record_route_when_called(drive, driven, other):
    """RFC 3261 12.1.1: it is copied to the response, and is the route set of our requests."""
    proxy = driven.peer()
    route = f"<sip:127.0.0.1:{proxy.port};lr>"
    call = Call(other, "echo", headers=[("Record-Route", route), ("Record-Route", "<sip:127.0.0.1:9;lr>")])
    answer = call.establish()
    assert answer.tokens("record-route") == [route, "<sip:127.0.0.1:9;lr>"]
    drive.wait_event(call, "confirmed")
    drive("terminate", call.call_id)
    bye = proxy.expect("BYE")
    assert bye.uri == other.contact[1:-1]
    assert bye.tokens("route") == [route, "<sip:127.0.0.1:9;lr>"]
    proxy.respond(bye, 200)
    drive.wait_event(call, "end")
