# SPDX-License-Identifier: GPL-2.0-or-later
"""SDP: codec choice, refusals, late offers, hold and resume (RFC 3264, RFC 3261 13 and 14)."""

import pytest
from support.peer import Call
from support.rtp import RtpSocket, random_payloads
from support.wire import audio_sdp


@pytest.fixture(scope="module")
def daemon_options():
    return {
        "endpoints": """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw,alaw,g722
"""
    }


def offer(formats, **options):
    return audio_sdp(41000, formats, **options)


def answer_to(peer, formats, **options):
    call = Call(peer, "echo", sdp=offer(formats, **options))
    answer = call.establish()
    return call, answer.sdp


def test_the_answer(peer):
    call, sdp = answer_to(peer, [(8, "PCMA/8000"), (0, "PCMU/8000"), (96, "telephone-event/8000")])
    audio = sdp.audio
    assert len(sdp.media) == 1
    assert audio.protocol == "RTP/AVP"
    assert audio.port % 2 == 0
    assert audio.direction == "sendrecv"
    assert audio.connection == peer.remote[0]
    assert set(audio.formats) <= {"8", "0", "96"}, "an answer names what was offered (RFC 3264 6.1)"
    assert audio.rtpmap[int(audio.formats[0])] in ("PCMA/8000", "PCMU/8000")
    assert audio.rtpmap[96] == "telephone-event/8000"
    assert any(value.startswith("96 ") for value in audio.values("fmtp"))
    call.hang_up()


def test_the_peers_order_decides(peer):
    for formats in ([0, 8], [8, 0], [9, 0]):
        call, sdp = answer_to(peer, formats)
        assert sdp.audio.formats[0] == str(formats[0])
        call.hang_up()


def test_codecs_without_rtpmap(peer):
    """Static payload types need no a=rtpmap (RFC 3551 6)."""
    sdp = b"\r\n".join(line for line in offer([8]).split(b"\r\n") if not line.startswith(b"a=rtpmap"))
    call = Call(peer, "echo", sdp=sdp)
    assert call.establish().sdp.audio.formats[0] == "8"
    call.hang_up()


def test_dynamic_number_for_a_static_codec(peer):
    call, sdp = answer_to(peer, [(101, "PCMU/8000"), (100, "telephone-event/8000")])
    assert sdp.audio.rtpmap[101] == "PCMU/8000"
    call.hang_up()


def test_unwanted_streams_are_refused_in_place(peer):
    """RFC 3264 6: as many m= sections as the offer, in its order, a refused one with port 0."""
    extra = ("m=video 42000 RTP/AVP 97", "a=rtpmap:97 H264/90000", "m=audio 43000 RTP/AVP 0", "m=application 44000 udp wb")
    call, sdp = answer_to(peer, [0], extra=extra)
    assert [m.kind for m in sdp.media] == ["audio", "video", "audio", "application"]
    assert sdp.media[0].port > 0
    assert [m.port for m in sdp.media[1:2] + sdp.media[3:]] == [0, 0]
    assert sdp.media[1].protocol == "RTP/AVP" and sdp.media[3].protocol == "udp"
    call.hang_up()


def test_audio_behind_video(peer):
    lines = offer([0]).decode().split("\r\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("m="))
    lines[at:at] = ["m=video 42000 RTP/AVP 97", "a=rtpmap:97 H264/90000"]
    call = Call(peer, "echo", sdp="\r\n".join(lines).encode())
    sdp = call.establish().sdp
    assert [(m.kind, m.port > 0) for m in sdp.media] == [("video", False), ("audio", True)]
    call.hang_up()


@pytest.mark.parametrize(
    "sdp",
    [
        offer([(97, "iLBC/8000")]),
        offer([18]),
        offer([(96, "telephone-event/8000")]),
        offer([0]).replace(b"RTP/AVP", b"RTP/SAVP"),
        offer([0]).replace(b"m=audio", b"m=image"),
        offer([0]).replace(b"m=audio 41000", b"m=audio 0"),
    ],
    ids=["codec", "no-g729", "events-only", "savp", "kind", "port-0"],
)  # fmt: skip
def test_nothing_in_common(peer, sdp):
    """RFC 3261 13.3.1.3: 488 with a Warning."""
    refusal = Call(peer, "echo", sdp=sdp).refuse_check(488)
    warning = refusal.get("warning")
    assert warning, "488 has a Warning (21.4.26)"
    code, agent, text = warning.split(" ", 2)
    assert 300 <= int(code) <= 399 and agent and text.startswith('"') and text.endswith('"'), warning


@pytest.mark.parametrize(
    "sdp",
    [
        b"this is not SDP\r\n",
        offer([0]).replace(b"v=0\r\n", b""),
        offer([0]).replace(b"c=IN IP4 127.0.0.1\r\n", b""),
        offer([0]).replace(b"m=audio 41000 RTP/AVP 0", b"m=audio 41000 RTP/AVP 0 0"),
        offer([0]).replace(b"m=audio 41000", b"m=audio 70000"),
        offer([0]).replace(b"AVP 0", b"AVP 00"),
        offer([0]).replace(b"AVP 0", b"AVP 200"),
        offer([0]) + b"m=audio 42000 RTP/AVP 0\r\n" * 40,
        offer([0]) + b"a=x\r\n" * 200,
    ],
    ids=["text", "no-v", "no-c", "twice", "port", "zero", "payload-type", "many-m", "many-a"],
)  # fmt: skip
def test_bad_sdp(peer, sdp):
    refusal = Call(peer, "echo", sdp=sdp).refuse_check(400, 488, 606)
    assert refusal.to_tag


def test_body_that_is_no_sdp(peer):
    call = Call(peer, "echo")
    invite = call.build("INVITE", body=b"<sdp/>")
    invite.headers = [(n, "application/xml" if n == "Content-Type" else v) for n, v in invite.headers]
    call.invite = invite
    peer.send(invite)
    refusal = call.expect(415)
    assert "application/sdp" in refusal.get("accept", ""), "415 says what is understood (RFC 3261 8.2.3)"


def test_multipart_body(peer):
    """RFC 5621: SDP within multipart/mixed."""
    call = Call(peer, "echo")
    body = (
        b"--edge\r\nContent-Type: application/sdp\r\n\r\n" + call.offer
        + b"\r\n--edge\r\nContent-Type: text/plain\r\nContent-Disposition: render;handling=optional\r\n\r\nhello\r\n--edge--\r\n"
    )  # fmt: skip
    invite = call.build("INVITE", body=body)
    invite.headers = [(n, "multipart/mixed;boundary=edge" if n == "Content-Type" else v) for n, v in invite.headers]
    call.invite = invite
    peer.send(invite)
    answer = call.expect(200)
    assert answer.sdp.audio.port
    call.ack(answer)
    call.hang_up()


# ---- late offer ----


def late_call(peer):
    call = Call(peer, "echo", sdp=None)
    call.send_invite()
    answer = call.expect(200)
    return call, answer


def test_late_offer(peer):
    with RtpSocket() as rtp:
        call, answer = late_call(peer)
        assert [a.split("/")[0] for a in answer.sdp.audio.rtpmap.values()][:3] == ["PCMU", "PCMA", "G722"]
        assert answer.sdp.audio.direction == "sendrecv"
        call.ack(answer, body=audio_sdp(rtp.port, [8]))
        call.send("OPTIONS")  # nothing answers an ACK: behind this one it was seen
        call.expect(200)
        payloads = random_payloads(10)
        got = rtp.exchange((peer.remote[0], answer.sdp.audio.port), payloads, payload_type=8)
        assert [p.payload for p in got] == payloads
        call.hang_up()


@pytest.mark.parametrize("body", [b"", audio_sdp(41000, [18]), b"rubbish\r\n"], ids=["none", "no-codec", "rubbish"])
def test_late_offer_without_a_good_answer(peer, body):
    """The ACK should have had an answer: the call can't go on."""
    call, answer = late_call(peer)
    call.ack(answer, body=body)
    bye = call.expect("BYE")
    peer.respond(bye, 200)


def test_late_offer_refused_stream(peer):
    call, answer = late_call(peer)
    call.ack(answer, body=audio_sdp(0, [0]))
    bye = call.expect("BYE")
    peer.respond(bye, 200)


# ---- re-INVITE of the peer ----


def reinvite(call, sdp):
    call.send("INVITE", body=sdp)
    answer = call.expect(200)
    call.ack(answer)
    return answer.sdp


def test_hold_and_resume(peer):
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, session=1, version=1))
        first = call.establish().sdp
        remote = (peer.remote[0], first.audio.port)
        assert len(rtp.exchange(remote, random_payloads(5))) == 5

        held = reinvite(call, audio_sdp(rtp.port, direction="sendonly", session=1, version=2))
        assert held.audio.direction in ("recvonly", "inactive"), "RFC 3264 6.1"
        rtp.received.clear()
        assert rtp.exchange(remote, random_payloads(5), after=0.2) == [], "nothing is sent to who sends only"

        stopped = reinvite(call, audio_sdp(rtp.port, direction="inactive", session=1, version=3))
        assert stopped.audio.direction == "inactive"

        back = reinvite(call, audio_sdp(rtp.port, session=1, version=4))
        assert back.audio.direction == "sendrecv"
        assert back.audio.port == first.audio.port
        rtp.received.clear()
        payloads = random_payloads(5)
        assert [p.payload for p in rtp.exchange(remote, payloads)] == payloads

        assert {s.origin_id for s in (first, held, stopped, back)} == {first.origin_id}, "o= is ours and stable"
        versions = [s.version for s in (first, held, stopped, back)]
        assert versions == sorted(versions) and len(set(versions)) == 4, "a changed SDP has a new version (RFC 3264 8)"
        call.hang_up()


def test_hold_by_address_zero(peer):
    """RFC 2543's hold, c=0.0.0.0, still in the field (RFC 3264 8.4): nothing is sent there."""
    call = Call(peer, "echo", sdp=audio_sdp(41000, version=1))
    call.establish()
    held = reinvite(call, audio_sdp(41000, address="0.0.0.0", version=2))
    assert held.audio.direction in ("recvonly", "inactive", "sendrecv")
    call.hang_up()


def test_same_offer_same_version(peer):
    call = Call(peer, "echo")
    first = call.establish().sdp
    second = reinvite(call, call.offer)
    assert second.origin == first.origin
    assert second.lines == first.lines
    call.hang_up()


def test_peer_moves_its_rtp(peer):
    with RtpSocket() as before, RtpSocket() as after:
        call = Call(peer, "echo", sdp=audio_sdp(before.port, version=1))
        remote = (peer.remote[0], call.establish().sdp.audio.port)
        assert len(before.exchange(remote, random_payloads(5))) == 5
        reinvite(call, audio_sdp(after.port, version=2))
        payloads = random_payloads(5)
        assert [p.payload for p in after.exchange(remote, payloads)] == payloads
        call.hang_up()


def test_peer_changes_the_codec(peer):
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, [0], version=1))
        remote = (peer.remote[0], call.establish().sdp.audio.port)
        assert len(rtp.exchange(remote, random_payloads(3), payload_type=0)) == 3
        assert reinvite(call, audio_sdp(rtp.port, [8], version=2)).audio.formats[0] == "8"
        rtp.received.clear()
        got = rtp.exchange(remote, random_payloads(3), payload_type=8)
        assert [p.payload_type for p in got] == [8, 8, 8]
        call.hang_up()


def test_refused_reinvite_keeps_the_session(peer):
    """RFC 3261 14.2: what can't be agreed on is refused with 488, and the session goes on as it was."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, version=1))
        first = call.establish().sdp
        call.send("INVITE", body=audio_sdp(rtp.port, [18], version=2))
        assert call.expect(488).has("warning")
        payloads = random_payloads(5)
        got = rtp.exchange((peer.remote[0], first.audio.port), payloads)
        assert [p.payload for p in got] == payloads
        again = reinvite(call, audio_sdp(rtp.port, version=3))
        assert again.audio.port == first.audio.port
        call.hang_up()


def test_reinvite_without_offer(peer):
    """14.2: a re-INVITE without SDP asks us for an offer."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, [0], version=1))
        first = call.establish().sdp
        call.send("INVITE")
        answer = call.expect(200)
        assert answer.sdp.audio.port == first.audio.port
        assert answer.sdp.origin_id == first.origin_id
        call.ack(answer, body=audio_sdp(rtp.port, [0], version=2))
        assert len(rtp.exchange((peer.remote[0], first.audio.port), random_payloads(5))) == 5
        call.hang_up()


@pytest.mark.parametrize(
    "option, offered",
    [("", ["8", "0", "9", "96"]), ("all_codecs_on_empty_reinvite = yes", ["8", "0", "9", "96"]),
     ("all_codecs_on_empty_reinvite = no", ["8", "96"])],
)  # fmt: skip
def test_codecs_on_empty_reinvite(start_daemon, option, offered):
    """What is offered when a re-INVITE asks for an offer; audio goes on, in the codec that it comes to."""
    daemon = start_daemon(endpoints=f"[global]\n{option}\n[anonymous]\ntype=endpoint\ncontext=default\nallow=!all,ulaw,alaw,g722\n")
    formats = [(8, "PCMA/8000"), (96, "telephone-event/8000")]
    with RtpSocket() as rtp:
        call = Call(daemon.peer(), "echo", sdp=audio_sdp(rtp.port, formats, version=1))
        port = call.establish().sdp.audio.port
        for version in (2, 3):
            call.send("INVITE")
            answer = call.expect(200)
            assert answer.sdp.audio.formats == offered
            call.ack(answer, body=audio_sdp(rtp.port, formats, version=version))
        payloads = random_payloads(5)
        got = rtp.exchange((daemon.udp[0], port), payloads, payload_type=8)
        assert [(p.payload_type, p.payload) for p in got] == [(8, payload) for payload in payloads]
        call.hang_up()


def test_all_codecs_in_a_late_offer(start_daemon):
    """`all_codecs_on_empty_reinvite = no` is not about calls that begin so."""
    daemon = start_daemon(
        endpoints="[global]\nall_codecs_on_empty_reinvite=no\n[anonymous]\ntype=endpoint\ncontext=default\nallow=!all,ulaw,alaw\n"
    )
    call, answer = late_call(daemon.peer())
    assert answer.sdp.audio.formats[:2] == ["0", "8"]
    call.ack(answer, body=offer([0]))
    call.hang_up()


def test_offer_in_update(peer):
    """RFC 3311: UPDATE may change a session that is up."""
    call = Call(peer, "echo", sdp=audio_sdp(41000, version=1))
    first = call.establish()
    if "UPDATE" not in first.tokens("allow"):
        call.send("UPDATE", body=audio_sdp(41000, direction="sendonly", version=2))
        assert call.expect(405).has("allow")
    else:
        call.send("UPDATE", body=audio_sdp(41000, direction="sendonly", version=2))
        answer = call.expect(200)
        assert answer.sdp.audio.direction in ("recvonly", "inactive")
        assert answer.sdp.origin_id == first.sdp.origin_id
    call.hang_up()


def test_reinvite_glare_with_pending(peer):
    """14.2: a second INVITE before the first has its final response and ACK gets 491 or 500 with Retry-After."""
    call = Call(peer, "ring").send_invite()
    ringing = call.expect(180)
    call.learn(ringing)
    second = call.build("INVITE", body=call.offer)
    peer.send(second)
    refusal = peer.expect(500, 491, call_id=call.call_id)
    assert refusal.cseq == 2
    assert refusal.status == 491 or refusal.has("retry-after")
    ack = call.build("ACK", cseq=2, branch=second.branch)
    ack.start = f"ACK {second.uri} SIP/2.0"
    peer.send(ack)
    call.cancel()
    call.expect(200, 487)
    call.expect(200, 487)
