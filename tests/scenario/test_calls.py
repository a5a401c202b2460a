# SPDX-License-Identifier: GPL-2.0-or-later
"""Plain calls as they are on the wire: answer, ring, refuse, cancel, hang up (RFC 3261)."""

import pytest
from support.peer import Call, PeerError
from support.wire import Message


def test_answered_call(peer):
    call = Call(peer, "echo")
    answer = call.establish()
    assert answer.to_tag, "a 2xx has a To tag (RFC 3261 8.2.6.2)"
    assert answer.contact_uri.startswith("sip:"), "a 2xx to INVITE has a Contact (12.1.1)"
    assert {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"} <= set(answer.tokens("allow")), "Allow (13.3.1.4)"
    assert answer.has("supported")
    assert answer.sdp.audio.port > 0
    bye = call.hang_up()
    assert bye.get("cseq") == "2 BYE"
    peer.expect_nothing(0.3)


def test_answer_carries_what_it_must_copy(peer):
    """8.2.6.2: From, Call-ID, CSeq, Via in order and Record-Route come back as they were."""
    call = Call(peer, "echo", headers=[("Record-Route", "<sip:proxy.invalid;lr>"), ("Record-Route", "<sip:edge.invalid;lr>")])
    second = "SIP/2.0/UDP 192.0.2.7:5061;branch=z9hG4bKelsewhere"
    invite = call.build("INVITE", call.headers, call.offer)
    invite.headers.insert(1, ("Via", second))
    call.invite = invite
    peer.send(invite)
    answer = call.expect(200)
    assert answer.all("via")[1] == second
    assert f"rport={peer.port}" in answer.all("via")[0], "rport (RFC 3581 4)"
    assert "received=127.0.0.1" in answer.all("via")[0]
    assert answer.get("from") == invite.get("from")
    assert answer.tokens("record-route") == ["<sip:proxy.invalid;lr>", "<sip:edge.invalid;lr>"]
    call.ack(answer)
    call.hang_up()


def test_compact_forms_and_odd_layout(peer):
    """7.3.1: header names in any case, compact forms, folding and blanks are all the same message."""
    call = Call(peer, "echo")
    text = (
        f"INVITE {call.target} SIP/2.0\r\n"
        f"v:  {peer.via()}\r\n"
        f"mAX-fORWARDS:70\r\n"
        f"f:{call.local}\r\n"
        f"t  : {call.remote}\r\n"
        f"i: {call.call_id}\r\n"
        f"CSeq: 1\r\n\tINVITE\r\n"
        f"m: {peer.contact}\r\n"
        f"c: application/sdp\r\n"
        f"l: {len(call.offer)}\r\n\r\n"
    )
    call.invite = Message.parse(text.encode() + call.offer)
    call.cseq = 1
    peer.send(text.encode() + call.offer)
    call.ack(call.expect(200))
    call.hang_up()


def test_ringing_then_answer(peer):
    call = Call(peer, "ringanswer").send_invite()
    ringing = call.expect(180)
    assert ringing.to_tag and ringing.contact_uri, "a 180 makes an early dialog (12.1.1)"
    assert ringing.sdp is None
    answer = call.expect(200)
    assert answer.to_tag == ringing.to_tag
    call.ack(answer)
    call.hang_up()


def test_trying_has_no_tag(peer):
    call = Call(peer, "silent").send_invite()
    trying = call.expect(100, skip=())
    assert trying.to_tag is None, "a 100 has no To tag here: it makes no dialog (8.2.6.2)"
    call.cancel()
    assert call.expect(200).method == "CANCEL"
    call.expect(487)


@pytest.mark.parametrize("user, status", [("busy", 486), ("congestion", 503), ("nosuch", 404), ("no such", 404)])
def test_refusals(peer, user, status):
    refusal = Call(peer, user.replace(" ", "%20")).refuse_check(status)
    assert refusal.to_tag
    assert refusal.sdp is None
    peer.expect_nothing(0.7)  # the ACK ended the retransmissions (17.2.1)


def test_cancel_before_ringing(peer):
    call = Call(peer, "silent").send_invite()
    call.expect(100, skip=())
    call.cancel()
    cancelled = call.expect(200, 487)
    other = call.expect(200, 487)
    assert {(cancelled.status, cancelled.method), (other.status, other.method)} == {(200, "CANCEL"), (487, "INVITE")}
    peer.expect_nothing(0.7)


def test_cancel_after_ringing(peer):
    call = Call(peer, "ring").send_invite()
    ringing = call.expect(180)
    call.cancel()
    got = [call.expect(200, 487) for _ in range(2)]
    assert {(m.status, m.method) for m in got} == {(200, "CANCEL"), (487, "INVITE")}
    assert {m.to_tag for m in got} == {ringing.to_tag}, "one To tag for both (9.2)"
    peer.expect_nothing(0.7)


def test_cancel_after_answer_changes_nothing(peer):
    call = Call(peer, "echo").send_invite()
    answer = call.expect(200)
    call.cancel()
    assert call.expect(200).method == "CANCEL"  # 9.2: no effect on what has a final response
    call.ack(answer)
    peer.expect_nothing(0.3)
    call.hang_up()


def test_cancel_of_nothing(peer):
    call = Call(peer, "ring")
    call.invite = call.build("INVITE", body=call.offer)
    call.cancel()
    assert call.expect(481).method == "CANCEL"  # 9.2


def test_peer_hangs_up(daemon, peer):
    call = Call(peer, "gone")
    call.establish()
    mark = len(daemon.log())
    call.hang_up()
    daemon.wait_log(r"ENDED h\b", after=mark)  # the h extension ran


def test_dialplan_hangs_up(peer):
    call = Call(peer, "brief")
    answer = call.establish()
    bye = call.expect("BYE")
    assert bye.uri == f"sip:peer@127.0.0.1:{peer.port}", "the remote target is our Contact (12.2.1.1)"
    assert bye.from_tag == answer.to_tag
    assert bye.to_tag == answer.from_tag
    assert bye.get("max-forwards") == "70"
    peer.respond(bye, 200)
    peer.expect_nothing(0.7)


def test_both_hang_up_at_once(peer):
    call = Call(peer, "brief")
    call.establish()
    bye = call.expect("BYE")
    call.send("BYE")
    call.expect(200, 481)
    peer.respond(bye, 481)
    peer.expect_nothing(0.7)


def test_bye_before_answer(peer):
    """15.1.2: a caller may end an early dialog with BYE; the INVITE gets 487."""
    call = Call(peer, "ring").send_invite()
    call.expect(180)
    call.send("BYE")
    got = [call.expect(200, 487) for _ in range(2)]
    assert {(m.status, m.method) for m in got} == {(200, "BYE"), (487, "INVITE")}
    peer.expect_nothing(0.7)


def test_retransmitted_invite_is_one_call(daemon, peer):
    call = Call(peer, "ring").send_invite()
    first = call.expect(180)
    for _ in range(3):
        peer.send(call.invite)
        again = call.expect(180, again=True)
        assert again.to_tag == first.to_tag
    call.cancel()
    call.expect(200, 487)
    call.expect(200, 487)


def test_merged_request(peer):
    """8.2.2.2: the same request by another path is refused with 482."""
    call = Call(peer, "ring").send_invite()
    call.expect(180)
    twin = Message.parse(call.invite.encode())
    twin.headers = [(n, peer.via() if n == "Via" else v) for n, v in twin.headers]
    peer.send(twin)
    merged = call.peer.expect(482, call_id=call.call_id)
    assert merged.method == "INVITE"
    ack = call.build("ACK", cseq=1, branch=twin.branch)
    peer.send(ack)
    call.cancel()
    call.expect(200, 487)
    call.expect(200, 487)


def test_requests_of_no_dialog(peer):
    """12.2.2: a tag that we did not give."""
    for method in ("BYE", "INFO", "UPDATE"):
        request = peer.request(method, "echo", to_value=f"<{peer.uri('echo')}>;tag=never-given")
        peer.send(request)
        assert peer.expect(481).method == method
    stray = peer.request("ACK", "echo", to_value=f"<{peer.uri('echo')}>;tag=never-given")
    peer.send(stray)
    peer.expect_nothing(0.3)  # nothing ever answers an ACK (17)


def test_requests_within_a_call(peer):
    call = Call(peer, "echo")
    call.establish()
    call.send("OPTIONS")
    assert call.expect(200).has("allow")
    for method in ("PUBLISH", "FROBNICATE"):
        call.send(method)
        refused = call.expect(405, 501)  # nobody takes it here (8.2.1, 21.5.2)
        if refused.status == 405:
            assert method not in refused.tokens("allow") and "BYE" in refused.tokens("allow")
    call.hang_up()


def test_old_cseq_is_refused(peer):
    """12.2.2: a request with a lower CSeq than the last is out of order: 500."""
    call = Call(peer, "echo")
    call.establish()
    call.cseq = 10
    call.send("OPTIONS")
    call.expect(200)
    call.cseq = 4
    call.send("OPTIONS")
    call.expect(500)
    call.cseq = 20
    call.hang_up()


def test_many_calls_at_once(daemon, peer):
    calls = [Call(peer, "echo") for _ in range(50)]
    for call in calls:
        call.send_invite()
    ports = set()
    for call in calls:
        answer = call.expect(200)
        call.ack(answer)
        ports.add(answer.sdp.audio.port)
    assert len(ports) == 50, "each call has a port of its own"
    for call in calls:
        call.send("BYE")
    for call in calls:
        call.expect(200)


def test_hang_up_of_one_leaves_the_other(peer):
    first, second = Call(peer, "echo"), Call(peer, "echo")
    first.establish()
    second.establish()
    first.hang_up()
    with pytest.raises(PeerError):
        second.expect("BYE", timeout=0.3)
    second.hang_up()


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_call_over_tcp(daemon, family):
    peer = daemon.peer("tcp", remote=daemon.tcp if family == "v4" else daemon.udp6)
    call = Call(peer, "brief")
    answer = call.establish()
    assert "transport=tcp" in answer.get("contact").lower()
    bye = call.expect("BYE")  # on the connection that is there (18.2.2, RFC 5923)
    assert bye.get("via").startswith("SIP/2.0/TCP")
    peer.respond(bye, 200)
    peer.catch_up()


def test_call_over_ipv6(daemon):
    peer = daemon.peer(remote=daemon.udp6)
    call = Call(peer, "echo")
    answer = call.establish()
    assert "[::1]" in answer.get("contact")
    assert answer.sdp.audio.connection == "::1"
    assert "IN IP6 ::1" in "\n".join(answer.sdp.lines)
    call.hang_up()


def test_connection_lost_in_a_call(daemon):
    """The peer's connection goes while the call is up: it can be ended over a new one."""
    peer = daemon.peer("tcp")
    call = Call(peer, "echo")
    call.establish()
    mark = len(daemon.log())
    peer.close()
    daemon.wait_log("TCP connection closed", after=mark)
    call.peer = daemon.peer("tcp")
    call.hang_up()


def test_many_messages_in_one_segment(daemon):
    """18.3: a stream has no message boundaries but Content-Length."""
    peer = daemon.peer("tcp")
    requests = [peer.request("OPTIONS") for _ in range(5)]
    octets = b"\r\n\r\n".join(request.encode() for request in requests)
    for at in range(0, len(octets), 37):
        peer.send(octets[at : at + 37])
    got = [peer.expect(200) for _ in requests]
    assert [m.call_id for m in got] == [r.call_id for r in requests]
