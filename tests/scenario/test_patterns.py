# SPDX-License-Identifier: GPL-2.0-or-later
"""Who offers in which message and who answers in which (RFC 3264, RFC 6337 table 1), in both roles; streams that come
and go; hold; answers that break the rules; bodies that are not plain SDP."""

import pytest
from support.drive import Called, check_versions, finish, respond
from support.ladder import keep
from support.peer import Call
from support.rtp import RtpSocket, random_payloads
from support.wire import Sdp, audio_sdp

RELIABLE = [("Require", "100rel")]
SUPPORTED = [("Supported", "100rel")]


def prack(call, response, body=b"", headers=()):
    """PRACK of a reliable response (RFC 3262 7.2); returns its 200."""
    call.learn(response)
    call.send("PRACK", headers=[("RAck", f"{response.get('rseq')} {response.get('cseq')}"), *headers], body=body)
    return call.expect(200)


def check_rtp(rtp, peer, sdp, **options):
    payloads = random_payloads(5)
    rtp.received.clear()
    got = rtp.exchange((peer.remote[0], sdp.audio.port), payloads, after=0.2, **options)
    assert [packet.payload for packet in got] == payloads


def open_call(drive, peer, sdp=b"", headers=SUPPORTED, user="open"):
    """An INVITE that the test answers itself."""
    call = Call(peer, user, sdp=sdp, headers=headers).send_invite()
    drive.wait_event(call, "begin")
    return call


# ---- RFC 6337 table 1, the daemon is called ----


def test_pattern_1_called_offer_in_invite_answer_in_2xx(drive, other):
    call = open_call(drive, other)
    drive.respond(call, 200)
    answer = call.expect(200)
    assert answer.sdp.audio.port
    ack = call.ack(answer)
    assert not ack.body
    finish(drive, other, call)


def test_pattern_2_called_offer_in_2xx_answer_in_ack(drive, other):
    with RtpSocket() as rtp:
        call = open_call(drive, other, sdp=None)
        drive.respond(call, 200)
        offer = call.expect(200)
        assert offer.sdp.audio.direction == "sendrecv"
        call.ack(offer, body=audio_sdp(rtp.port, [0]))
        drive.wait_event(call, "confirmed")
        drive("state", call.call_id) == "confirmed"
        finish(drive, other, call)


def test_pattern_3_called_offer_in_invite_answer_in_reliable_1xx(drive, other):
    """RFC 6337 3.1.1: the answer is in the 183; the 2xx has no SDP, or the very same."""
    call = open_call(drive, other, headers=RELIABLE)
    drive.respond(call, 183)
    progress = call.expect(183)
    assert "100rel" in progress.tokens("require") and int(progress.get("rseq")) > 0
    assert progress.sdp.audio.port
    assert not prack(call, progress).body
    drive.respond(call, 200)
    answer = call.expect(200)
    assert not answer.body or answer.sdp.lines == progress.sdp.lines, "no second answer"
    call.ack(answer)
    keep("The answer in a reliable 183", "RFC 3262 5, RFC 6337 table 1, pattern 3: the 200 has no SDP any more.", other.log)
    finish(drive, other, call)


def test_pattern_4_called_offer_in_reliable_1xx_answer_in_prack(drive, other):
    """RFC 3262 5: the first reliable response to an INVITE without an offer has our offer, a 180 too."""
    for status in (183, 180):
        call = open_call(drive, other, sdp=None, headers=RELIABLE)
        drive.respond(call, status)
        progress = call.expect(status)
        assert progress.sdp.audio.direction == "sendrecv"
        assert not prack(call, progress, body=audio_sdp(41000, [8])).body
        drive.respond(call, 200)
        answer = call.expect(200)
        assert not answer.body, "offer and answer are complete"
        call.ack(answer)
        if status == 183:
            keep("Our offer in a reliable 183, the answer in PRACK", "RFC 3262 5, RFC 6337 table 1, pattern 4.", other.log)
        finish(drive, other, call)


def test_pattern_5_called_offer_in_prack_answer_in_its_2xx(drive, other):
    """RFC 3262 5: a PRACK may offer again; its 2xx answers."""
    call = open_call(drive, other, sdp=audio_sdp(41000, [0, 8], version=1), headers=RELIABLE)
    drive.respond(call, 183)
    progress = call.expect(183)
    acked = prack(call, progress, body=audio_sdp(41000, [8], version=2))
    assert acked.sdp.audio.formats[0] == "8"
    check_versions(progress.sdp, acked.sdp)
    drive.respond(call, 200)
    answer = call.expect(200)
    assert not answer.body
    call.ack(answer)
    keep(
        "A new offer in PRACK",
        "RFC 3262 5, RFC 6337 table 1, pattern 5: the 200 of the PRACK answers, the 200 of the INVITE has no SDP.",
        other.log,
    )
    finish(drive, other, call)


@pytest.mark.parametrize("when", ["early", "confirmed"])
def test_pattern_6_called_update_of_the_peer(drive, other, when):
    call = open_call(drive, other, sdp=audio_sdp(41000, version=1), headers=RELIABLE)
    drive.respond(call, 183)
    before = call.expect(183)
    prack(call, before)
    assert "UPDATE" in before.tokens("allow"), "RFC 3311 5.1"
    if when == "confirmed":
        drive.respond(call, 200)
        call.ack(call.expect(200))
    call.send("UPDATE", body=audio_sdp(41000, version=2, direction="sendonly"))
    answer = call.expect(200)
    assert answer.sdp.audio.direction in ("recvonly", "inactive")
    assert answer.contact_uri, "UPDATE refreshes the target: its 2xx has Contact (RFC 3311 5.2)"
    check_versions(before.sdp, answer.sdp)
    if when == "early":
        drive.respond(call, 200)
        final = call.expect(200)
        assert not final.body
        call.ack(final)
    finish(drive, other, call)


@pytest.mark.parametrize("when", ["early", "confirmed"])
def test_pattern_6_called_update_of_ours(drive, other, when):
    call = open_call(drive, other, sdp=audio_sdp(41000, version=1), headers=[*RELIABLE, ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK")])
    drive.respond(call, 183)
    before = call.expect(183)
    prack(call, before)
    if when == "confirmed":
        drive.respond(call, 200)
        call.ack(call.expect(200))
        drive.wait_event(call, "confirmed")
    token, _ = drive.refresh(call, "update")
    update = call.expect("UPDATE")
    check_versions(before.sdp, update.sdp)
    respond(call, update, 200, audio_sdp(41000, version=2))
    assert drive.result(call, token) == 200
    if when == "early":
        drive.respond(call, 200)
        final = call.expect(200)
        assert not final.body
        call.ack(final)
    finish(drive, other, call)


def test_early_update_before_the_answer_is_refused(drive, other):
    """RFC 3311 5.2: no UPDATE with an offer while the INVITE's offer is not answered: 500 with Retry-After."""
    call = open_call(drive, other, sdp=audio_sdp(41000, version=1), headers=SUPPORTED)
    drive.respond(call, 180)
    call.learn(call.expect(180))
    if other.log[-1][2].has("rseq"):
        prack(call, other.log[-1][2])
    call.send("UPDATE", body=audio_sdp(41000, version=2))
    refusal = call.expect(500, 491)
    assert refusal.status == 491 or 0 <= int(refusal.get("retry-after").split()[0]) <= 10
    drive.respond(call, 200)
    answer = call.expect(200)
    assert answer.sdp.audio.port
    call.ack(answer)
    finish(drive, other, call)


def test_early_offer_of_ours_waits_for_the_answer(drive, other):
    """At most one offer is in flight: a refresh that is asked for while the INVITE is not answered waits."""
    call = open_call(drive, other, sdp=audio_sdp(41000, version=1), headers=())
    token, _ = drive.refresh(call)
    drive.respond(call, 180)
    call.expect(180)
    other.expect_nothing(0.3)
    drive.respond(call, 200)
    call.ack(call.expect(200))
    invite = call.expect("INVITE", "UPDATE")
    respond(call, invite, 200, audio_sdp(41000, version=2))
    if invite.method == "INVITE":
        call.expect("ACK")
    assert drive.result(call, token) == 200
    finish(drive, other, call)


# ---- RFC 6337 table 1, the daemon calls ----


def test_pattern_1_caller_offer_in_invite_answer_in_2xx(drive, other):
    call = drive.call(other)
    assert call.first.sdp.audio.direction == "sendrecv"
    assert "100rel" in call.first.tokens("supported")
    assert {"UPDATE", "PRACK", "INVITE", "ACK", "BYE", "CANCEL"} <= set(call.first.tokens("allow"))
    call.reply(180)
    assert not call.accept().body
    finish(drive, other, call)


def test_pattern_2_caller_offer_in_2xx_answer_in_ack(drive, other):
    call = drive.call(other, "late")
    assert not call.first.body
    ack = call.accept(audio_sdp(41000, [8, 0]))
    assert ack.sdp.audio.port and ack.sdp.audio.formats[0] in ("8", "0")
    finish(drive, other, call)


def test_pattern_3_caller_offer_in_invite_answer_in_reliable_1xx(drive, other):
    call = drive.call(other)
    call.reply(183, audio_sdp(41000, version=1), rseq=7)
    acked = call.expect("PRACK")
    assert acked.get("rack") == f"7 {call.first.get('cseq')}"
    assert not acked.body
    call.respond_to(acked, 200)
    ack = call.accept(b"")
    assert not ack.body
    keep("Outgoing: the answer in a reliable 183", "RFC 6337 table 1, pattern 3, the daemon calls.", other.log)
    finish(drive, other, call)


def test_pattern_4_caller_offer_in_reliable_1xx_answer_in_prack(drive, other):
    call = drive.call(other, "late")
    call.reply(183, audio_sdp(41000, [0, 8], version=1), rseq=1)
    acked = call.expect("PRACK")
    assert acked.sdp.audio.port, "the answer is in the PRACK (RFC 3262 5)"
    assert acked.sdp.audio.formats[0] in ("0", "8")
    call.respond_to(acked, 200)
    ack = call.accept(b"")
    assert not ack.body
    finish(drive, other, call)


def test_pattern_5_caller_offer_in_prack_answer_in_its_2xx(drive, other):
    """A change that waits for the answer of the INVITE goes with the PRACK of that answer."""
    call = drive.call(other)
    token, _ = drive.refresh(call)
    call.reply(183, audio_sdp(41000, [0], version=1), headers=[("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK")], rseq=1)
    acked = call.expect("PRACK")
    check_versions(call.first.sdp, acked.sdp)
    call.respond_to(acked, 200, audio_sdp(41000, [8], version=2))
    assert drive.result(call, token) == 200
    ack = call.accept(b"")
    assert not ack.body
    keep("Outgoing: our new offer in PRACK", "RFC 3262 5, RFC 6337 table 1, pattern 5, the daemon calls.", other.log)
    finish(drive, other, call)


@pytest.mark.parametrize("when", ["early", "confirmed"])
def test_pattern_6_caller_update_of_the_peer(drive, other, when):
    call = drive.call(other)
    first = call.first.sdp
    call.reply(183, audio_sdp(41000, version=1), rseq=1)
    call.respond_to(call.expect("PRACK"), 200)
    if when == "confirmed":
        call.accept(b"")
    call.send("UPDATE", body=audio_sdp(41000, version=2, direction="sendonly"))
    answer = call.expect(200)
    assert answer.sdp.audio.direction in ("recvonly", "inactive")
    check_versions(first, answer.sdp)
    if when == "early":
        call.accept(b"")
    finish(drive, other, call)


@pytest.mark.parametrize("when", ["early", "confirmed"])
def test_pattern_6_caller_update_of_ours(drive, other, when):
    call = drive.call(other)
    call.reply(183, audio_sdp(41000, version=1), headers=[("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK")], rseq=1)
    call.respond_to(call.expect("PRACK"), 200)
    if when == "confirmed":
        call.accept(b"")
    token, _ = drive.refresh(call, "update")
    update = call.expect("UPDATE")
    check_versions(call.first.sdp, update.sdp)
    call.respond_to(update, 200, audio_sdp(41000, version=1))
    assert drive.result(call, token) == 200
    if when == "early":
        call.accept(b"")
    finish(drive, other, call)


def test_unreliable_preview_then_the_answer(drive, other):
    """RFC 3261 13.2.1: SDP in an unreliable 183 is a preview of the answer that the 2xx has."""
    call = drive.call(other)
    call.reply(183, audio_sdp(41000, version=1))
    call.reply(180)
    call.accept(audio_sdp(41000, version=1))
    other.expect_nothing(0.3)
    finish(drive, other, call)


def test_unreliable_183_of_ours_previews_the_answer(drive, other):
    call = open_call(drive, other, headers=())
    drive.respond(call, 183)
    preview = call.expect(183)
    assert not preview.has("rseq")
    drive.respond(call, 200)
    answer = call.expect(200)
    assert answer.sdp.lines == preview.sdp.lines, "the 2xx has the same SDP (RFC 6337 3.1.1)"
    call.ack(answer)
    finish(drive, other, call)


def test_no_offer_in_an_unreliable_provisional(drive, other):
    """RFC 6337 2.2, table 1: an unreliable response cannot offer."""
    call = open_call(drive, other, sdp=None, headers=())
    drive.respond(call, 183)
    assert not call.expect(183, 180).body
    drive.respond(call, 200)
    offer = call.expect(200)
    call.ack(offer, body=audio_sdp(41000))
    finish(drive, other, call)


# ---- streams ----


def reoffer(call, sdp):
    call.send("INVITE", body=sdp)
    answer = call.expect(200)
    call.ack(answer)
    return answer.sdp


def echo_call(peer, sdp):
    call = Call(peer, "echo", sdp=sdp)
    return call, call.establish().sdp


def with_streams(*ports, version=1, port=41000):
    """An offer with one good audio stream, and further ones."""
    extra = tuple(f"m=audio {more} RTP/AVP 0" for more in ports)
    return audio_sdp(port, version=version, extra=extra)


def test_streams_are_removed_and_used_again_by_the_peer(drive, other):
    """RFC 3264 8.1, 8.2: a stream keeps its place; port 0 removes it; the place may be taken again."""
    with RtpSocket() as rtp:
        call, first = echo_call(other, audio_sdp(rtp.port, version=1))
        gone = reoffer(call, audio_sdp(0, version=2, extra=(f"m=audio {rtp.port} RTP/AVP 0",)))
        assert len(gone.media) == 2 and gone.media[0].port == 0
        assert gone.media[1].port, "the second stream is the call's audio now"
        again = reoffer(call, audio_sdp(rtp.port, version=3, extra=("m=audio 0 RTP/AVP 0",)))
        assert len(again.media) == 2 and again.media[0].port and again.media[1].port == 0
        check_rtp(rtp, other, again)
        video = reoffer(call, audio_sdp(rtp.port, version=4, extra=("m=video 42000 RTP/AVP 97", "a=rtpmap:97 H264/90000")))
        assert [m.kind for m in video.media] == ["audio", "video"], "another type may take a dead place"
        assert video.media[1].port == 0 and video.media[0].port
        check_rtp(rtp, other, video)
        assert [s.version for s in (first, gone, again, video)] == sorted({s.version for s in (first, gone, again, video)})
        finish(drive, other, call)


def test_more_streams_than_we_take(drive, other):
    """Each refused one keeps its place with port 0 (RFC 3264 6)."""
    call, sdp = echo_call(other, with_streams(*range(42000, 42014, 2)))
    assert len(sdp.media) == 8
    assert sdp.media[0].port and all(m.port == 0 for m in sdp.media[1:])
    finish(drive, other, call)


def test_all_streams_removed_by_the_peer(drive, other):
    """RFC 3264 8.2: a session without a stream is one, and gets one again."""
    with RtpSocket() as rtp:
        call, _ = echo_call(other, audio_sdp(rtp.port, version=1))
        call.send("INVITE", body=audio_sdp(0, version=2))
        none = call.expect(200, 488)
        if none.status == 200:
            assert none.sdp.media[0].port == 0
            call.ack(none)
        check_rtp(rtp, other, reoffer(call, audio_sdp(rtp.port, version=3)))
        finish(drive, other, call)


def answer_of(offer, ports, version, direction="sendrecv"):
    """An answer to an offer of the daemon's: the streams at these ports."""
    lines = ["v=0", f"o=peer 4711 {version} IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0"]
    for media, port in zip(offer.media, ports):
        lines += [f"m={media.kind} {port} {media.protocol} {media.formats[0]}", f"a={direction}"]
    return ("\r\n".join(lines) + "\r\n").encode()


def answered_refresh(drive, call, ports, version, direction="sendrecv"):
    """The daemon's refresh, answered; returns what it offered."""
    token, _ = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    respond(call, invite, 200, answer_of(invite.sdp, ports, version, direction))
    call.expect("ACK")
    assert drive.result(call, token) == 200
    return invite.sdp


@pytest.mark.parametrize("role", ["called", "caller"])
def test_streams_are_added_and_removed_by_us(drive, other, role):
    if role == "called":
        call, _ = echo_call(other, audio_sdp(41000, version=1))
    else:
        call = drive.call(other)
        call.accept(audio_sdp(41000, version=1))
    drive.wait_event(call, "confirmed")
    assert drive("add", call.call_id, "audio") == "0"
    two = answered_refresh(drive, call, (41000, 42000), 2)
    assert [m.kind for m in two.media] == ["audio", "audio"] and all(m.port for m in two.media)
    assert drive("remove", call.call_id, 1) == "0"
    one = answered_refresh(drive, call, (41000, 0), 3)
    assert len(one.media) == 2 and one.media[0].port and one.media[1].port == 0
    check_versions(two, one)
    assert drive("add", call.call_id, "audio") == "0"
    again = answered_refresh(drive, call, (41000, 0), 4)
    assert len(again.media) == 2 and all(m.port for m in again.media), "the dead place is used again"
    plain = answered_refresh(drive, call, (41000, 0), 5)
    assert plain.media[1].port == 0, "the peer refused it: the wish is gone"
    assert drive("add", call.call_id, "nosuch") == "-1"
    assert drive("remove", call.call_id, 7) == "-1"
    finish(drive, other, call)


def test_add_stream_that_fails_is_forgotten(drive, other):
    call, _ = echo_call(other, audio_sdp(41000, version=1))
    drive.wait_event(call, "confirmed")
    assert drive("add", call.call_id, "audio") == "0"
    token, _ = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    assert len(invite.sdp.media) == 2
    respond(call, invite, 488)
    call.expect("ACK")
    assert drive.result(call, token) == 488
    token, _ = drive.refresh(call, "invite")
    invite = call.expect("INVITE")
    assert len([m for m in invite.sdp.media if m.port]) == 1
    respond(call, invite, 200, answer_of(invite.sdp, (41000, 0), 2))
    call.expect("ACK")
    assert drive.result(call, token) == 200
    finish(drive, other, call)


# ---- hold, and the version of our SDP ----


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_hold_by_the_peer_in_every_form(drive, other, method):
    """RFC 3264 6.1, 8.4, RFC 6337 5.3."""
    forms = [
        ({"direction": "sendonly"}, ("recvonly", "inactive")),
        ({"direction": "inactive"}, ("inactive",)),
        ({"direction": "recvonly"}, ("sendonly",)),
        ({"address": "0.0.0.0"}, ("recvonly", "inactive", "sendrecv")),
        ({"address": "0.0.0.0", "direction": "inactive"}, ("inactive",)),
    ]
    with RtpSocket() as rtp:
        call, before = echo_call(other, audio_sdp(rtp.port, version=1))
        version = 1
        for form, allowed in [pair for form in forms for pair in (form, ({}, ("sendrecv",)))]:
            version += 1
            call.send(method, body=audio_sdp(rtp.port, version=version, **form))
            answer = call.expect(200)
            if method == "INVITE":
                call.ack(answer)
            assert answer.sdp.audio.direction in allowed, form
            assert answer.sdp.audio.port == before.audio.port
            check_versions(before, answer.sdp)
            before = answer.sdp
        check_rtp(rtp, other, before)
        finish(drive, other, call)


@pytest.mark.parametrize("role", ["called", "caller"])
def test_hold_by_us(drive, other, role):
    with RtpSocket() as rtp:
        if role == "called":
            call, before = echo_call(other, audio_sdp(rtp.port, version=1))
        else:
            call = drive.call(other)
            before = call.first.sdp
            call.accept(audio_sdp(rtp.port, version=1))
        drive.wait_event(call, "confirmed")
        steps = [("sendonly", "sendonly", "recvonly"), ("inactive", "inactive", "inactive"), ("none", "sendrecv", "sendrecv")]
        for version, (wish, offered, answered) in enumerate(steps, 2):
            assert drive("hold", call.call_id, wish) == "0"
            request = call.expect("INVITE", "UPDATE")
            assert request.sdp.audio.direction == offered
            check_versions(before, request.sdp)
            before = request.sdp
            respond(call, request, 200, audio_sdp(rtp.port, direction=answered, version=version))
            if request.method == "INVITE":
                call.expect("ACK")
            assert drive("hold", call.call_id, wish) == "0", "that is the wish already"
            other.expect_nothing(0.1)
        if role == "called":
            check_rtp(rtp, other, before)
        finish(drive, other, call)


def test_hold_of_both_sides(drive, other):
    """RFC 6337 5.3: what we offer is our own wish, whatever the peer's is; an answer joins the two."""
    call, before = echo_call(other, audio_sdp(41000, version=1))
    drive.wait_event(call, "confirmed")
    drive("hold", call.call_id, "sendonly")
    invite = call.expect("INVITE", "UPDATE")
    respond(call, invite, 200, audio_sdp(41000, direction="recvonly", version=2))
    if invite.method == "INVITE":
        call.expect("ACK")
    both = reoffer(call, audio_sdp(41000, direction="sendonly", version=3))
    assert both.audio.direction == "inactive", "we do not receive, the peer does not either"
    drive("hold", call.call_id, "none")
    invite = call.expect("INVITE", "UPDATE")
    assert invite.sdp.audio.direction in ("sendrecv", "recvonly")
    respond(call, invite, 200, audio_sdp(41000, direction="sendonly", version=4))
    if invite.method == "INVITE":
        call.expect("ACK")
    back = reoffer(call, audio_sdp(41000, version=5))
    assert back.audio.direction == "sendrecv"
    finish(drive, other, call)


def test_our_version_rises_exactly_when_the_sdp_changes(drive, other):
    """RFC 3264 8, in offers and answers of either side."""
    call, before = echo_call(other, audio_sdp(41000, [0, 8], version=1))
    drive.wait_event(call, "confirmed")
    for version in range(2, 5):  # the same again and again, from us
        offered = answered_refresh(drive, call, (41000,), version)
        check_versions(before, offered)
        before = offered
    for formats, version in (([0], 5), ([0], 6), ([8], 7), ([8, 0], 8), ([8, 0], 8)):
        answer = reoffer(call, audio_sdp(41000, formats, version=version))
        check_versions(before, answer)
        before = answer
    call.send("OPTIONS")  # has no part in the session's SDP
    call.expect(200)
    offered = answered_refresh(drive, call, (41000,), 9)
    check_versions(before, offered)
    finish(drive, other, call)


# ---- answers that break the rules ----

BAD = {
    "too-few": lambda offer: audio_sdp(0).split(b"m=audio")[0],
    "too-many": lambda offer: audio_sdp(41000, extra=("m=audio 42000 RTP/AVP 0",)),
    "other-type": lambda offer: audio_sdp(41000).replace(b"m=audio", b"m=video"),
    "no-codec-of-ours": lambda offer: audio_sdp(41000, [18]),
    "refused": lambda offer: audio_sdp(0),
    "rubbish": lambda offer: b"this is no SDP\r\n",
    "none": lambda offer: None,
    "other-protocol": lambda offer: audio_sdp(41000).replace(b"RTP/AVP", b"RTP/SAVP"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_answer_in_the_2xx_of_a_call(drive, other, kind):
    """RFC 3261 13.2.2.4: ACK, then BYE; nobody else notices."""
    call = drive.call(other)
    call.reply(200, BAD[kind](call.first.sdp))
    call.expect("ACK")
    bye = call.expect("BYE")
    call.respond_to(bye, 200)
    drive.wait_event(call, "end")


@pytest.mark.parametrize("kind", BAD)
def test_bad_answer_to_a_reinvite(drive, other, kind):
    """The exchange ends; the call goes on as it was, or ends with BYE: nothing in between."""
    with RtpSocket() as rtp:
        call, before = echo_call(other, audio_sdp(rtp.port, version=1))
        drive.wait_event(call, "confirmed")
        token, _ = drive.refresh(call, "invite")
        invite = call.expect("INVITE")
        respond(call, invite, 200, BAD[kind](invite.sdp))
        call.expect("ACK")
        message = other.receive(0.5)
        if message is not None:
            assert message.method == "BYE", other.ladder()
            respond(call, message, 200)
        elif kind != "refused":
            check_rtp(rtp, other, before)
            finish(drive, other, call)
        else:
            finish(drive, other, call)
        drive.result(call, token)


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "refused"])
def test_bad_answer_to_an_update(drive, other, kind):
    call = Call(other, "echo", sdp=audio_sdp(41000, version=1), headers=[("Allow", "INVITE, ACK, BYE, UPDATE")])
    call.establish()
    drive.wait_event(call, "confirmed")
    token, _ = drive.refresh(call, "update")
    update = call.expect("UPDATE")
    respond(call, update, 200, BAD[kind](update.sdp))
    message = other.receive(0.3)
    if message is not None:
        assert message.method == "BYE", other.ladder()
        respond(call, message, 200)
    else:
        finish(drive, other, call)
    drive.result(call, token)


@pytest.mark.parametrize("kind", ["too-few", "other-type", "no-codec-of-ours", "rubbish"])
def test_bad_answer_in_a_reliable_provisional(drive, other, kind):
    """The PRACK is owed whatever the answer is; the call cannot be made, the peer is told by CANCEL or BYE."""
    call = drive.call(other)
    call.reply(183, BAD[kind](call.first.sdp), rseq=1)
    got = call.expect("PRACK", "CANCEL", skip=(100,))
    if got.method == "PRACK":
        call.respond_to(got, 200)
        got = other.receive(0.5)
    if got is None:  # it goes on until the answer is final
        call.reply(200)
        call.expect("ACK")
        call.respond_to(call.expect("BYE"), 200)
        return
    call.respond_to(got, 200)
    if got.method == "CANCEL":
        call.reply(487)
        call.expect("ACK", skip=("PRACK",))


def test_rubbish_in_prack(drive, other):
    """It is refused before anybody takes it for a PRACK: the response still waits for a good one."""
    call = open_call(drive, other, sdp=None, headers=RELIABLE)
    drive.respond(call, 183)
    progress = call.expect(183)
    call.learn(progress)
    call.send("PRACK", headers=[("RAck", f"{progress.get('rseq')} {progress.get('cseq')}")], body=b"this is no SDP\r\n")
    call.expect(400, 488)
    prack(call, progress, body=audio_sdp(41000))
    drive.respond(call, 200)
    answer = call.expect(200)
    assert not answer.body
    call.ack(answer)
    finish(drive, other, call)


@pytest.mark.parametrize("kind", ["too-few", "other-type", "no-codec-of-ours"])
def test_bad_answer_in_prack(drive, other, kind):
    call = open_call(drive, other, sdp=None, headers=RELIABLE)
    drive.respond(call, 183)
    progress = call.expect(183)
    call.learn(progress)
    call.send("PRACK", headers=[("RAck", f"{progress.get('rseq')} {progress.get('cseq')}")], body=BAD[kind](None))
    got = [call.expect(200, 400, 415, 488, 500, 580)]
    if got[0].method == "PRACK":
        got.append(other.receive(0.5))
    if got[-1] is None:  # the call is still open: it cannot be answered well
        drive("respond", call.call_id, 200)
        got.append(call.expect(200, 488, 500))
    if got[-1].method == "INVITE" and got[-1].status == 200:
        call.ack(got[-1])
        respond(call, call.expect("BYE"), 200)
    elif got[-1].method == "INVITE":
        call.learn(got[-1])


# ---- offers that cannot be taken, in every message that may have one ----


def test_refused_offer_in_update_keeps_the_session(drive, other):
    """RFC 3311 5.2: 488, and everything is as before."""
    with RtpSocket() as rtp:
        call, before = echo_call(other, audio_sdp(rtp.port, version=1))
        call.send("UPDATE", body=audio_sdp(rtp.port, [18], version=2))
        assert call.expect(488).has("warning")
        check_rtp(rtp, other, before)
        check_versions(before, reoffer(call, audio_sdp(rtp.port, version=3)))
        finish(drive, other, call)


def test_refused_offer_in_prack_keeps_what_was_agreed(drive, other):
    """RFC 3262 5 knows no way to refuse the offer alone; RFC 6337 3.1.2: 488 to the PRACK, the session stays."""
    call = open_call(drive, other, sdp=audio_sdp(41000, version=1), headers=RELIABLE)
    drive.respond(call, 183)
    progress = call.expect(183)
    call.learn(progress)
    rack = [("RAck", f"{progress.get('rseq')} {progress.get('cseq')}")]
    call.send("PRACK", headers=rack, body=audio_sdp(41000, [18], version=2))
    refused = call.expect(488, 200)
    if refused.status == 200:
        assert refused.sdp.audio.port == 0
    drive("respond", call.call_id, 200)
    answer = call.expect(200, timeout=3, skip=(100, 183))
    call.ack(answer)
    finish(drive, other, call)


# ---- bodies (RFC 3261 8.2.3, 20.11, RFC 5621) ----


def typed(call, method, body, kind, headers=()):
    """A request with a body of another type; sent."""
    request = call.build(method, headers, body)
    request.headers = [(n, kind if n == "Content-Type" else v) for n, v in request.headers]
    if method == "INVITE":
        call.invite = request
    call.peer.send(request)
    return request


MULTIPART = (
    b"--edge\r\nContent-Type: text/plain\r\nContent-Disposition: render;handling=optional\r\n\r\nhello\r\n"
    b"--edge\r\nContent-Type: application/sdp\r\nContent-Disposition: session\r\n\r\n%s\r\n--edge--\r\n"
)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_multipart_in_a_session(drive, other, method):
    call, before = echo_call(other, audio_sdp(41000, version=1))
    body = MULTIPART % audio_sdp(41000, direction="sendonly", version=2)
    typed(call, method, body, "multipart/mixed;boundary=edge")
    answer = call.expect(200)
    assert answer.sdp.audio.direction in ("recvonly", "inactive")
    check_versions(before, answer.sdp)
    if method == "INVITE":
        call.ack(answer)
    finish(drive, other, call)


def test_multipart_answers(drive, other):
    """In a 2xx, in the ACK of a late offer, and in PRACK."""
    kind = [("Content-Type", "multipart/mixed;boundary=edge")]
    call = drive.call(other)
    other.respond(call.first, 200, headers=kind, body=MULTIPART % audio_sdp(41000), tag=call.tag)
    call.expect("ACK")
    other.expect_nothing(0.2)
    finish(drive, other, call)
    late = open_call(drive, other, sdp=None)
    drive.respond(late, 200)
    offer = late.expect(200)
    late.answer = offer
    ack = late.build("ACK", body=MULTIPART % audio_sdp(41000), cseq=offer.cseq)
    ack.headers = [(n, kind[0][1] if n == "Content-Type" else v) for n, v in ack.headers]
    other.send(ack)
    drive.wait_event(late, "confirmed")
    other.expect_nothing(0.2)
    finish(drive, other, late)


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_wrong_content_type_in_a_session(drive, other, method):
    """RFC 3261 8.2.3: 415 with Accept; the session stays as it was."""
    call, before = echo_call(other, audio_sdp(41000, version=1))
    typed(call, method, b"<media/>", "application/xml")
    refusal = call.expect(415)
    assert "application/sdp" in refusal.get("accept", "")
    check_versions(before, reoffer(call, audio_sdp(41000, version=2)))
    finish(drive, other, call)


def test_disposition_that_is_required_and_unknown(drive, other):
    """RFC 3261 20.11: handling=required, which is the default, and another disposition than session: 415."""
    for disposition in ("early-session;handling=required", "frobnicate", "icon;handling=required"):
        call = Call(other, "echo", headers=[("Content-Disposition", disposition)])
        call.refuse_check(415)
    call = Call(other, "echo", headers=[("Content-Disposition", "session;handling=required")])
    call.establish()
    finish(drive, other, call)


def test_disposition_that_is_optional_and_unknown(drive, other):
    """RFC 3261 20.11, 8.2.3: what is optional and not understood is as if it was not there: we offer."""
    for disposition, kind in (("render;handling=optional", "text/plain"), ("frobnicate;handling=optional", "application/sdp")):
        call = Call(other, "echo", headers=[("Content-Disposition", disposition)])
        typed(call, "INVITE", b"v=0\r\n" if kind != "text/plain" else b"hello", kind, call.headers)
        offer = call.expect(200)
        assert offer.sdp.audio.port
        call.ack(offer, body=audio_sdp(41000))
        finish(drive, other, call)


def test_body_without_room(drive, other):
    """A multipart of many parts, an SDP as large as a message may be: refused or taken. What is larger than any message
    that we read is dropped. The next call is as ever."""
    for body, kind in (
        (b"--edge\r\nContent-Type: text/plain\r\n\r\nx\r\n" * 150 + b"--edge--\r\n", "multipart/mixed;boundary=edge"),
        (audio_sdp(41000, extra=("a=x-" + "y" * 200,) * 30), "application/sdp"),
        (audio_sdp(41000, extra=("a=x-" + "y" * 6500,)), "application/sdp"),
    ):
        call = Call(other, "echo")
        typed(call, "INVITE", body, kind)
        final = call.expect(200, 400, 413, 415, 488, 513)
        if final.status == 200:
            call.ack(final)
            finish(drive, other, call)
    typed(Call(other, "echo"), "INVITE", audio_sdp(41000, extra=("a=x-" + "y" * 200,) * 200), "application/sdp")
    other.expect_nothing(0.2, skip=(413, 513))
    call, _ = echo_call(other, audio_sdp(41000))
    finish(drive, other, call)


def test_empty_body_with_a_type(drive, other):
    """A Content-Type and no body is no offer."""
    call = Call(other, "echo", sdp=None, headers=[("Content-Type", "application/sdp")])
    call.send_invite()
    offer = call.expect(200)
    assert Sdp.parse(offer.body).audio.port
    call.ack(offer, body=audio_sdp(41000))
    finish(drive, other, call)


def test_fork_each_branch_answers_reliably(drive, other):
    """RFC 6337 3.1.2, RFC 3261 13.2.2.4: each early dialog has an answer of its own; the one that wins counts."""
    call = drive.call(other)
    one, two = call, Called(other, call.first, tag="two")
    one.tag, one.local = "one", f"{call.first.get('to')};tag=one"
    for branch, port in ((one, 41000), (two, 42000)):
        branch.reply(183, audio_sdp(port, session=port), rseq=1)
        acked = other.expect("PRACK")
        assert acked.to_tag == branch.tag
        branch.respond_to(acked, 200)
    ack = two.accept(b"")
    assert ack.to_tag == "two"
    keep("A fork: each branch answers reliably", "RFC 3261 12.1, 13.2.2.4; RFC 6337 3.1.2. The second branch wins.", other.log)
    finish(drive, other, two)
