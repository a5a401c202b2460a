# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that take the place of another (RFC 3891): the module replaces, and attended transfers (RFC 5589 7)."""

import pytest
from support.peer import Call
from support.rtp import RtpSocket, random_payloads
from support.wire import audio_sdp
from test_refer import ENDPOINTS, Target, Transferor, established

EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = ring,1,Ringing()
 same = n,Wait(60)

exten = brief,1,Answer()
 same = n,Wait(0.2)
 same = n,Hangup()

exten = h,1,Verbose(1,ENDED ${UNIQUEID})
"""

NAMED = """\
[friend]
type = endpoint
context = default
allow = !all,ulaw,alaw
identify_by = username
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": ENDPOINTS + NAMED}


@pytest.fixture
def target(daemon):
    return Target(daemon)


def tag_of(value):
    return value.rpartition(";tag=")[2]


def replaces(call, extra=""):
    """What names a call of the peer's: to-tag is ours, the daemon's (RFC 3891 3)."""
    return f"{call.call_id};to-tag={tag_of(call.remote)};from-tag={tag_of(call.local)}{extra}"


def replacing(peer, value, name="tester", user="whatever", headers=(), sdp=b""):
    call = Call(peer, user, sdp=sdp, headers=[("Replaces", value), *headers], from_value=f"<sip:{name}@{peer.host}>")
    return call


def check_ended(peer, call, code=200):
    bye = call.expect("BYE")
    peer.respond(bye, code)
    return bye


# ---- accepted ----


def test_replaces_a_confirmed_call(daemon, peer):
    old = established(peer)
    other = daemon.peer()
    new = replacing(other, replaces(old), headers=[("Require", "replaces")])
    new.establish()
    bye = check_ended(peer, old)
    assert bye.cseq
    other.expect_nothing(0.2)
    new.hang_up()


def test_the_application_goes_on(daemon, peer):
    """Echo ran for the old peer; it runs for the new one, on the same channel."""
    with RtpSocket() as first, RtpSocket() as second:
        old = Transferor(peer)
        old.offer = audio_sdp(first.port)
        old.establish()
        mark = len(daemon.log())
        new = replacing(daemon.peer(), replaces(old), sdp=audio_sdp(second.port))
        media = new.establish().sdp.audio
        check_ended(peer, old)
        sent = random_payloads(10)
        assert [packet.payload for packet in second.exchange((media.connection, media.port), sent)] == sent
        assert "ENDED" not in daemon.log()[mark:]
        new.hang_up()
        daemon.wait_log("(?<!,)ENDED", after=mark)


def test_without_an_offer(daemon, peer):
    """Our 200 offers, the ACK answers."""
    with RtpSocket() as rtp:
        old = established(peer)
        other = daemon.peer()
        new = replacing(other, replaces(old), sdp=None)
        new.send_invite()
        answer = new.expect(200)
        new.ack(answer, audio_sdp(rtp.port))
        check_ended(peer, old)
        media = answer.sdp.audio
        sent = random_payloads(5)
        assert [packet.payload for packet in rtp.exchange((media.connection, media.port), sent)] == sent
        new.hang_up()


def test_replaced_again_and_again(daemon, peer):
    call = established(peer)
    for _ in range(3):
        new = replacing(peer, replaces(call))
        new.establish()
        check_ended(peer, call)
        call = new
    call.hang_up()


def test_by_another_endpoint(daemon, peer):
    """Who knows a dialog's ids was told them by somebody who takes part in it."""
    old = established(peer)
    new = replacing(daemon.peer(), replaces(old), name="friend")
    new.establish()
    check_ended(peer, old)
    new.hang_up()


def test_a_call_that_we_place(daemon, peer, target):
    """An early dialog of ours, as its UAC: CANCEL for it, and the new call is the referred one."""
    call = established(peer)
    call.refer(f"<{target.uri}>")
    call.expect(202)
    call.notified(100)
    invite = target.ring()
    call.notified(180)
    pickup = f"{invite.call_id};to-tag={invite.from_tag};from-tag={target.tag};early-only"
    other = daemon.peer()
    new = replacing(other, pickup)
    new.establish()
    target.peer.respond(target.peer.expect("CANCEL"), 200)
    target.refuse(487)
    call.notified(200, "terminated")
    call.hang_up()
    other.expect_nothing(0.2)
    new.hang_up()


# ---- refused (RFC 3891 3) ----


def refused(daemon, value, status, **options):
    new = replacing(daemon.peer(), value, **options)
    new.refuse_check(status)


def still_up(call):
    call.send("OPTIONS")
    call.expect(200)
    call.hang_up()


def test_no_match(daemon, peer):
    old = established(peer)
    refused(daemon, "nosuch@nowhere;to-tag=1;from-tag=2", 481)
    refused(daemon, f"{old.call_id};to-tag={tag_of(old.local)};from-tag={tag_of(old.remote)}", 481)  # the wrong way round
    refused(daemon, f"{old.call_id};to-tag={tag_of(old.remote)};from-tag=other", 481)
    still_up(old)


def test_early_only(daemon, peer):
    old = established(peer)
    refused(daemon, replaces(old, ";early-only"), 486)
    still_up(old)


def test_early_dialog_of_the_peer(daemon, peer):
    """An early dialog that we did not begin is not replaced."""
    old = Transferor(peer, "ring")
    old.send_invite()
    old.expect(180)
    refused(daemon, replaces(old), 481)
    old.cancel()
    old.expect(200, 487)
    old.expect(200, 487)


def test_ended(daemon, peer):
    old = established(peer)
    old.hang_up()
    refused(daemon, replaces(old), 603)


def test_ending(daemon, peer):
    old = established(peer, "brief")
    bye = old.expect("BYE")
    refused(daemon, replaces(old), 603)
    peer.respond(bye, 200)


@pytest.mark.parametrize("value", ["", "x", "x;to-tag=1", "x;from-tag=1", "x;to-tag=1;to-tag=2;from-tag=3", "x to-tag=1"])
def test_malformed(daemon, peer, value):
    refused(daemon, value, 400)


def test_two_headers(daemon, peer):
    old = established(peer)
    refused(daemon, replaces(old), 400, headers=[("Replaces", replaces(old))])
    still_up(old)


def test_not_in_an_invite(daemon, peer):
    call = established(peer)
    call.send("OPTIONS", [("Replaces", replaces(call))])
    call.expect(400)
    call.hang_up()


def test_media_that_cannot_be(daemon, peer):
    """The new call fails: the old one goes on."""
    old = established(peer)
    refused(daemon, replaces(old), 488, sdp=audio_sdp(peer.port, formats=(18,)))
    still_up(old)


def test_not_allowed(daemon, peer):
    fixed = established(peer, name="fixed")
    refused(daemon, replaces(fixed), 403)
    still_up(fixed)
    named = established(peer)
    refused(daemon, replaces(named), 403, name="stranger")
    still_up(named)


# ---- attended transfers: the REFER carries it (RFC 5589 7.1) ----


def test_refer_with_replaces(daemon, peer, target):
    call = established(peer)
    value = "abc%40host%3Bto-tag%3D12%3Bfrom-tag%3D34"
    call.refer(f"<{target.uri}?Replaces={value}>")
    call.expect(202)
    call.notified(100)
    invite = target.ring()
    assert invite.get("replaces") == "abc@host;to-tag=12;from-tag=34"
    assert "replaces" in invite.tokens("require")
    assert invite.uri == target.uri
    call.notified(180)
    target.answer()
    call.notified(200, "terminated")
    call.hang_up()
    target.hang_up()


def test_refer_to_another_call_of_ours(daemon, peer):
    """That would join two channels, for which there is no bridge."""
    one, two = established(peer), established(peer)
    value = replaces(two).replace(";", "%3B").replace("=", "%3D").replace("@", "%40")
    one.refer(f"<{peer.uri('echo')}?Replaces={value}>")
    one.expect(603)
    one.hang_up()
    two.hang_up()
