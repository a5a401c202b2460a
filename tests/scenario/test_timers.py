# SPDX-License-Identifier: GPL-2.0-or-later
"""Silence: lost ACKs, lost BYEs, peers that are gone (RFC 3261 13.3.1.4, 17). T1 is 100 ms here, so 64*T1 is 6.4 s."""

import pytest
from support.peer import Call
from support.rtp import RtpSocket
from support.wire import audio_sdp

T1 = 0.1


@pytest.fixture(scope="module")
def daemon_options():
    return {"system": "type = system\ntimer_t1 = 100\ntimer_b = 6400\n"}


def check_intervals(times, longest):
    """T1, 2*T1, 4*T1 ... up to `longest`, then `longest` each."""
    wanted = T1
    for before, after in zip(times, times[1:]):
        assert wanted * 0.7 < after - before < wanted * 1.5 + 0.15, (wanted, [t - times[0] for t in times])
        wanted = min(wanted * 2, longest)


def test_lost_ack(daemon, peer):
    """13.3.1.4: the 2xx is sent again for 64*T1, then the call is ended with BYE."""
    call = Call(peer, "echo").send_invite()
    first = call.expect(200)
    answers, bye = [first.when], None
    while bye is None:
        message = peer.receive(9)
        assert message is not None, peer.ladder()
        if message.is_response and message.status == 200:
            assert message.encode() == first.encode(), "a retransmission has the same octets"
            answers.append(message.when)
        elif not message.is_response:
            bye = message
    assert bye is not None and bye.method == "BYE", peer.ladder()
    assert 5.5 < bye.when - first.when < 8.5
    assert len(answers) >= 5
    check_intervals(answers[:6], longest=4.0)
    peer.respond(bye, 200)


def test_late_ack_is_enough(daemon, peer):
    call = Call(peer, "echo").send_invite()
    answer = call.expect(200)
    for _ in range(2):
        call.expect(200, again=True)
    call.ack(answer)
    peer.expect_nothing(1.0)
    call.hang_up()


def test_retransmitted_answer_of_a_lost_ack(daemon, peer):
    """The INVITE again after the 2xx, as when the 2xx was lost: the 2xx again, no new call (RFC 6026)."""
    call = Call(peer, "echo").send_invite()
    answer = call.expect(200)
    call.ack(answer)
    peer.so_far()
    peer.send(call.invite)
    peer.expect_nothing(0.3, skip=(200, 100))
    call.hang_up()


def test_lost_ack_of_a_refusal(daemon, peer):
    """17.2.1: a refusal is sent again until Timer H, then it is over."""
    call = Call(peer, "busy").send_invite()
    first = peer.expect(486, call_id=call.call_id)
    times = [first.when] + [when for when, message in peer.drain(8.0) if message.status == 486]
    assert first.to_tag
    assert len(times) >= 5, peer.ladder()
    check_intervals(times[:6], longest=4.0)
    assert times[-1] - times[0] < 6.6
    peer.expect_nothing(0.5)


def test_lost_bye(daemon, peer):
    """17.1.2: BYE is sent again until Timer F; the session ends whatever happens."""
    call = Call(peer, "brief")
    call.establish()
    bye = call.expect("BYE")
    times = [bye.when] + [when for when, message in peer.drain(8.0) if message.method == "BYE"]
    assert bye.call_id == call.call_id
    assert len(times) >= 4
    check_intervals(times[:5], longest=4.0)
    assert times[-1] - times[0] < 6.6


def test_lost_answer_to_a_reinvite(daemon, peer):
    """No ACK for the answer to a re-INVITE: the session ends with BYE too (14.2)."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, version=1))
        call.establish()
        call.send("INVITE", body=audio_sdp(rtp.port, direction="sendonly", version=2))
        call.expect(200)
        bye = call.expect("BYE", timeout=9, skip=(200, 100))
        peer.respond(bye, 200)


def test_peer_answers_bye_late(daemon, peer):
    call = Call(peer, "brief")
    call.establish()
    bye = call.expect("BYE")
    call.expect("BYE", again=True)
    peer.respond(bye, 200)
    peer.expect_nothing(1.0)


def test_cancel_with_lost_ack_of_487(daemon, peer):
    call = Call(peer, "ring").send_invite()
    call.expect(180)
    call.cancel()
    got = [peer.expect(200, 487, call_id=call.call_id) for _ in range(2)]
    assert {m.status for m in got} == {200, 487}
    again = peer.expect(487, call_id=call.call_id, again=True)
    call.ack(again)
    peer.expect_nothing(1.0)
