# SPDX-License-Identifier: GPL-2.0-or-later
"""Transfers by REFER (RFC 3515, RFC 3892, RFC 4488, RFC 5589): the module refer in both roles."""

import re
import time

import pytest
from support import clients
from support.peer import Call, PeerError
from support.rtp import RtpSocket, random_payloads
from support.wire import audio_sdp, parameter

EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = wait,1,Answer()
 same = n,Wait(60)

exten = brief,1,Answer()
 same = n,Wait(0.4)
 same = n,Hangup()

exten = ring,1,Ringing()
 same = n,Wait(60)

exten = there,1,Verbose(1,THERE ${BLINDTRANSFER} ${SIPTRANSFER} ${SIPREFERREDBYHDR})
 same = n,Wait(60)

exten = away,1,Answer()
 same = n,Set(TRANSFER_CONTEXT=other)
 same = n,Wait(60)

exten = send,1,Answer()
 same = n,Transfer(sip:carol@example.invalid)
 same = n,Verbose(1,RESULT ${TRANSFERSTATUS} ${TRANSFERSTATUSPROTOCOL})
 same = n,Wait(60)

exten = sendlocal,1,Answer()
 same = n,Transfer(PJSIP/echo)
 same = n,Wait(60)

exten = sendhere,1,Answer()
 same = n,Transfer(echo)
 same = n,Verbose(1,RESULT ${TRANSFERSTATUS} ${TRANSFERSTATUSPROTOCOL})
 same = n,Hangup()

exten = sendquiet,1,Answer()
 same = n,Transfer(sip:carol@example.invalid,n)
 same = n,Verbose(1,RESULT ${TRANSFERSTATUS} ${TRANSFERSTATUSPROTOCOL})
 same = n,Wait(60)

exten = sendbad,1,Answer()
 same = n,Transfer(sip:)
 same = n,Verbose(1,RESULT ${TRANSFERSTATUS} ${TRANSFERSTATUSPROTOCOL})
 same = n,Wait(60)

exten = redirect,1,Ringing()
 same = n,Transfer(<sip:carol@example.invalid\\;transport=tcp>)

exten = h,1,Verbose(1,ENDED ${UNIQUEID} ${TRANSFERSTATUS} ${TRANSFERSTATUSPROTOCOL})

[other]
exten = there,1,Verbose(1,OTHER)
 same = n,Wait(60)
"""

ENDPOINTS = """\
[tester]
type = endpoint
context = default
allow = !all,ulaw,alaw
identify_by = username

[fixed]
type = endpoint
context = default
allow = !all,ulaw,alaw
identify_by = username
allow_transfer = no

[quiet]
type = endpoint
context = default
allow = !all,ulaw,alaw
identify_by = username
refer_blind_progress = no

[anonymous]
type = endpoint
context = default
allow = !all,ulaw,alaw
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": ENDPOINTS, "system": "timer_t1 = 100\ntimer_b = 6400"}


class Transferor(Call):
    """A call that transfers."""

    def __init__(self, peer, user="echo", name="tester"):
        super().__init__(peer, user, from_value=f"<sip:{name}@{peer.host}>")

    def refer(self, target, headers=()):
        return self.send("REFER", [("Refer-To", target), ("Referred-By", f"<sip:tester@{self.peer.host}>"), *headers])

    def transfer(self, target):
        """REFER to a target, which is accepted, and nothing has come of it yet."""
        self.refer(f"<{target.uri}>")
        self.expect(202)
        self.notified(100)

    def notified(self, code=None, state=None, status=200, id=None):
        """The next NOTIFY, answered."""
        notify = self.expect("NOTIFY")
        self.peer.respond(notify, status)
        assert notify.get("content-type").replace(" ", "") == "message/sipfrag;version=2.0"
        assert notify.get("event").split(";")[0] == "refer"
        assert parameter(notify.get("event"), "id") == id
        assert notify.has("contact"), "RFC 6665 8.1.1"
        if code:
            assert notify.body.startswith(f"SIP/2.0 {code} ".encode()), notify.body
        if state:
            assert notify.get("subscription-state").startswith(state), notify.get("subscription-state")
        return notify

    def finish(self):
        self.hang_up()


class Target:
    """Somebody who is called."""

    def __init__(self, daemon):
        self.peer = daemon.peer()
        self.uri = f"sip:bob@{self.peer.host}:{self.peer.port}"
        self.tag = "bob"

    def ring(self):
        self.invite = self.peer.expect("INVITE")
        self.peer.respond(self.invite, 180, "Ringing", tag=self.tag)
        return self.invite

    def answer(self, port=None):
        body = audio_sdp(port or self.peer.port)
        self.peer.respond(
            self.invite, 200, "OK", [("Content-Type", "application/sdp")], body, tag=self.tag
        )
        return self.peer.expect("ACK")

    def refuse(self, code):
        self.peer.respond(self.invite, code, tag=self.tag)
        self.peer.expect("ACK")

    def as_call(self):
        """The dialog as one in which the one who was called sends requests."""
        call = Transferor(self.peer)
        call.local, call.remote = f"{self.invite.get('to')};tag={self.tag}", self.invite.get("from")
        call.call_id, call.target = self.invite.call_id, self.invite.contact_uri
        return call

    def hang_up(self):
        """BYE of the one who was called."""
        return self.as_call().hang_up()


@pytest.fixture
def target(daemon):
    return Target(daemon)


def established(peer, user="echo", name="tester"):
    call = Transferor(peer, user, name)
    call.establish()
    return call


# ---- blind transfers to somebody else ----


def test_blind_transfer(daemon, peer, target):
    call = established(peer)
    call.refer(f"<{target.uri}>")
    accepted = call.expect(202)
    assert accepted.has("contact")
    first = call.notified(100, "active")
    assert int(parameter(first.get("subscription-state"), "expires")) in range(50, 61)
    invite = target.ring()
    assert invite.get("referred-by") == f"<sip:tester@{peer.host}>"
    assert invite.uri == target.uri
    assert "echo@" in invite.get("from"), "we call as whom the peer called"
    assert not invite.has("replaces") and not invite.has("refer-to")
    call.notified(180, "active")
    target.answer()
    last = call.notified(200, "terminated")
    assert parameter(last.get("subscription-state"), "reason") == "noresource"
    call.hang_up()
    target.peer.expect_nothing(0.4)
    assert target.hang_up()


def test_the_application_goes_on_with_the_new_peer(daemon, peer, target):
    """Echo ran for the transferor; now it turns round what comes from the one who was called."""
    with RtpSocket() as old, RtpSocket() as new:
        call = Transferor(peer)
        call.offer = audio_sdp(old.port)
        before = call.establish().sdp.audio
        sent = random_payloads(10)
        assert [packet.payload for packet in old.exchange((before.connection, before.port), sent)] == sent
        call.refer(f"<{target.uri}>")
        call.expect(202)
        call.notified(100)
        target.ring()
        call.notified(180)
        target.answer(new.port)
        call.notified(200)
        after = target.invite.sdp.audio
        sent = random_payloads(10)
        assert [packet.payload for packet in new.exchange((after.connection, after.port), sent)] == sent
        heard = len(old.packets)
        assert len(old.exchange((before.connection, before.port), sent, after=0.2)) == heard, "the old call still has its echo"
    call.hang_up()
    target.hang_up()


def test_refused(daemon, peer, target):
    """The call of the transferor goes on (RFC 5589 6.2)."""
    call = established(peer)
    call.transfer(target)
    target.ring()
    call.notified(180)
    target.refuse(486)
    last = call.notified(486, "terminated")
    assert last.body == b"SIP/2.0 486 Busy Here\r\n"
    call.send("OPTIONS")
    call.expect(200)
    call.hang_up()


def test_the_second_one_has_an_id(daemon, peer, target):
    """RFC 3515 2.4.6: the CSeq of its REFER."""
    call = established(peer)
    for number in range(2):
        refer = call.refer(f"<{target.uri}>")
        call.expect(202)
        identity = str(refer.cseq) if number else None
        call.notified(100, id=identity)
        target.ring()
        call.notified(180, id=identity)
        target.refuse(603)
        call.notified(603, "terminated", id=identity)
    call.hang_up()


def test_two_at_once(daemon, peer, target):
    """There is one party to be transferred."""
    call = established(peer)
    call.transfer(target)
    call.refer("<sip:carol@127.0.0.1:9>")
    call.expect(491)
    target.ring()
    call.notified(180)
    target.answer()
    call.notified(200, "terminated")
    call.refer(f"<{target.uri}>")  # nobody is left here to be transferred
    call.expect(603)
    call.hang_up()
    target.hang_up()


def test_we_end_it_when_the_peer_does_not(daemon, peer, target):
    call = established(peer)
    call.transfer(target)
    target.ring()
    call.notified(180)
    target.answer()
    call.notified(200)
    peer.respond(call.expect("BYE", timeout=8), 200)
    target.hang_up()


def test_bye_at_once(daemon, peer, target):
    """A transferor need not wait (RFC 5589 6.1); its subscription outlives the session (RFC 5057)."""
    call = established(peer)
    call.transfer(target)
    call.hang_up()
    target.ring()
    call.notified(180, "active")
    target.answer()
    call.notified(200, "terminated")
    assert target.hang_up()


def test_bye_at_once_and_refused(daemon, peer, target):
    call = established(peer, "wait")
    call.transfer(target)
    target.ring()
    call.notified(180)
    mark = len(daemon.log())
    call.hang_up()
    call.refer(f"<{target.uri}>")
    call.expect(481)  # after the BYE there is nothing to transfer
    call.send("INFO")
    call.expect(481)
    target.refuse(480)
    call.notified(480, "terminated")
    daemon.wait_log("(?<!,)ENDED", after=mark)


def test_hang_up_of_ours_meanwhile(daemon, peer, target):
    """The dialplan ends: nobody is left to be transferred. The last NOTIFY goes before the BYE."""
    call = established(peer, "brief")
    call.transfer(target)
    target.ring()
    call.notified(180)
    last = call.expect("NOTIFY")
    assert last.body.startswith(b"SIP/2.0 487 ")
    target.peer.respond(target.peer.expect("CANCEL"), 200)
    target.refuse(487)
    with pytest.raises(PeerError):
        call.expect("BYE", timeout=0.3)
    peer.respond(last, 200)
    peer.respond(call.expect("BYE"), 200)


def transferred(call, target):
    """A whole transfer, but for the BYE."""
    call.transfer(target)
    target.ring()
    call.notified(180)
    target.answer()
    call.notified(200, "terminated")


def test_on_and_on(daemon, peer):
    """Who was called transfers in turn, in a session that we began; the channel stays the same."""
    mark = len(daemon.log())
    call = established(peer)
    for _ in range(3):
        target = Target(daemon)
        transferred(call, target)
        call.hang_up()
        call = target.as_call()
    assert "(1,ENDED" not in daemon.log()[mark:]
    call.hang_up()
    daemon.wait_log("(?<!,)ENDED", after=mark)


def test_bye_of_the_one_who_was_called(daemon, peer, target):
    """Before the transferor's BYE."""
    call = established(peer)
    transferred(call, target)
    target.hang_up()
    call.hang_up()


def test_answer_and_bye_cross(daemon, peer, target):
    """The transferor hangs up while the answer comes; the NOTIFY is for a dialog without session."""
    call = established(peer)
    call.transfer(target)
    target.ring()
    call.notified(180)
    target.peer.respond(target.invite, 200, "OK", [("Content-Type", "application/sdp")], audio_sdp(target.peer.port), tag="bob")
    call.send("BYE")
    target.peer.expect("ACK")
    seen = {call.expect(200, "NOTIFY").method for _ in range(2)}
    assert seen == {"BYE", "NOTIFY"}
    target.hang_up()


def test_answer_crosses_our_cancel(daemon, peer, target):
    """The dialplan ended, and then somebody answers: ACK and BYE (RFC 3261 9.1, 15)."""
    call = established(peer, "brief")
    call.transfer(target)
    target.ring()
    call.notified(180)
    cancel = target.peer.expect("CANCEL")
    target.peer.respond(cancel, 200)
    target.answer()
    target.peer.respond(target.peer.expect("BYE"), 200)
    call.notified(487, "terminated")
    peer.respond(call.expect("BYE"), 200)


def test_answered_without_media(daemon, peer, target):
    """An answer that cannot be: ACK, BYE, and the old call goes on with the channel."""
    call = established(peer)
    call.transfer(target)
    target.ring()
    call.notified(180)
    body = audio_sdp(target.peer.port, formats=(18,))
    target.peer.respond(target.invite, 200, "OK", [("Content-Type", "application/sdp")], body, tag="bob")
    target.peer.expect("ACK")
    target.peer.respond(target.peer.expect("BYE"), 200)
    call.notified(488, "terminated")
    call.refer(f"<{peer.uri('there')}>")  # it still has its channel
    call.expect(202)
    call.notified(200, "terminated", id=str(call.cseq))
    call.hang_up()


def test_nobody_there(daemon, peer):
    """The target does not answer at all: 408 in the end, with the timers of a test."""
    call = established(peer)
    silent, mark = daemon.peer(), len(daemon.log())
    call.refer(f"<sip:x@{silent.host}:{silent.port}>")
    call.expect(202)
    call.notified(100)
    silent.expect("INVITE")
    call.hang_up()  # the channel waits for an answer, and has nobody
    daemon.wait_log("(?<!,)ENDED", timeout=15, after=mark)
    assert call.notified(408, "terminated")


def test_many_at_once(daemon):
    """Twenty transfers side by side, each of whose parts comes in any order."""
    calls = []
    for _ in range(20):
        call, target = established(daemon.peer()), Target(daemon)
        call.refer(f"<{target.uri}>")
        call.expect(202)
        calls.append((call, target))
    for call, target in calls:
        call.notified(100)
        target.ring()
    for number, (call, target) in enumerate(reversed(calls)):
        call.notified(180)
        if number % 2:
            call.hang_up()
        target.answer()
    for number, (call, target) in enumerate(reversed(calls)):
        call.notified(200, "terminated")
        if not number % 2:
            call.hang_up()
        target.hang_up()


def half_done(daemon, stage):
    """Goes so far and no further."""
    if stage == "ours":
        call = Transferee(daemon)
        call.referred()
        call.notify(b"SIP/2.0 100 Trying\r\n")
        return
    call, target = established(daemon.peer()), Target(daemon)
    call.refer(f"<{target.uri}>")
    call.expect(202)
    first = call.expect("NOTIFY")  # which nobody answers when that is all
    if stage == "accepted":
        return
    call.peer.respond(first, 200)
    target.ring()
    call.notified(180)
    if stage == "without session":
        call.hang_up()
    if stage == "answered":
        target.answer()
        call.notified(200)


@pytest.mark.parametrize("at_once", [False, True], ids=["patient", "at once"])
@pytest.mark.parametrize("stage", ["accepted", "ringing", "answered", "without session", "ours"])
def test_stop(start_daemon, stage, at_once):
    """SIGTERM in the middle of a transfer: nothing is left, nothing is touched after its end."""
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=ENDPOINTS, system="timer_t1 = 100\ntimer_b = 1000")
    half_done(daemon, stage)
    daemon.signal()
    if at_once:
        time.sleep(0.1)
        daemon.signal()
    assert daemon.wait() == 0


# ---- without a subscription (RFC 4488) ----


def test_no_subscription(daemon, peer, target):
    call = established(peer)
    call.refer(f"<{target.uri}>", [("Refer-Sub", "false"), ("Supported", "norefersub")])
    accepted = call.expect(202)
    assert accepted.get("refer-sub") == "false"
    assert "norefersub" in accepted.tokens("supported")
    target.ring()
    target.answer()
    peer.expect_nothing(0.3)
    call.hang_up()
    target.hang_up()


def test_required_norefersub(daemon, peer, target):
    call = established(peer)
    call.refer(f"<{target.uri}>", [("Refer-Sub", "false"), ("Require", "norefersub")])
    assert call.expect(202).get("refer-sub") == "false"
    target.ring()
    target.refuse(486)
    peer.expect_nothing(0.3)
    call.hang_up()


def test_no_progress(daemon, peer, target):
    """refer_blind_progress=no: 200 at once."""
    call = established(peer, name="quiet")
    call.refer(f"<{target.uri}>")
    call.expect(202)
    call.notified(200, "terminated")
    target.ring()
    target.answer()
    call.hang_up()
    target.hang_up()


# ---- an extension of ours ----


def test_to_an_extension(daemon, peer):
    call = established(peer)
    mark = len(daemon.log())
    call.refer(f"<{peer.uri('there')}>")
    call.expect(202)
    call.notified(200, "terminated")
    found = daemon.wait_log(r"(?<!,)THERE (\S+) (\S+) (\S+)", after=mark)
    assert re.match(r"PJSIP/tester-[0-9a-f]{8}\Z", found[1])
    assert found[2] == "yes" and found[3] == f"<sip:tester@{peer.host}>"
    peer.expect_nothing(0.2)
    call.hang_up()


def test_to_an_extension_of_transfer_context(daemon, peer):
    call = established(peer, "away")
    mark = len(daemon.log())
    call.refer(f"<{peer.uri('there')}>")
    call.expect(202)
    call.notified(200)
    daemon.wait_log("(?<!,)OTHER", after=mark)
    call.hang_up()


def test_to_no_extension(daemon, peer):
    call = established(peer)
    call.refer(f"<{peer.uri('nosuch')}>")
    call.expect(404)
    call.hang_up()


# ---- refusals ----


BAD = [
    ([], 400),
    (["<sip:a@127.0.0.1:9>", "<sip:b@127.0.0.1:9>"], 400),
    (["<sip:a@127.0.0.1:9>, <sip:b@127.0.0.1:9>"], 400),
    (["<tel:+4930123>"], 416),
    (["<http://127.0.0.1/>"], 416),
    (["<sip:a@127.0.0.1:9;method=BYE>"], 603),
    (["<sip:a@127.0.0.1:9?Replaces=x>"], 400),
    (["<sip:a@127.0.0.1:9?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2%0d%0aX:%20y>"], 400),
    (["nonsense"], 400),
]


@pytest.mark.parametrize("values, status", BAD, ids=[f"{status}-{i}" for i, (_, status) in enumerate(BAD)])
def test_bad_refer_to(daemon, peer, values, status):
    call = established(peer)
    call.send("REFER", [("Refer-To", value) for value in values])
    call.expect(status)
    call.hang_up()


def test_an_extension_of_sip_that_nobody_knows(daemon, peer):
    call = established(peer)
    call.refer("<sip:bob@127.0.0.1:9>", [("Require", "nosuch")])
    assert call.expect(420).get("unsupported") == "nosuch"
    call.hang_up()


@pytest.mark.parametrize("headers", [[("Refer-Sub", "maybe")], [("Referred-By", "<sip:x@y>")]])
def test_other_bad_headers(daemon, peer, headers):
    """A second Referred-By, a Refer-Sub that is none."""
    call = established(peer)
    call.refer("<sip:bob@127.0.0.1:9>", headers)
    call.expect(400)
    call.hang_up()


def test_not_allowed(daemon, peer):
    call = established(peer, name="fixed")
    call.refer("<sip:bob@127.0.0.1:9>")
    call.expect(603)
    call.hang_up()


def test_strangers_have_us_call_nobody(daemon, peer):
    call = established(peer, name="stranger")
    call.refer("<sip:bob@127.0.0.1:9>")
    call.expect(603)
    call.hang_up()


def test_early(daemon, peer):
    call = Transferor(peer, "ring")
    call.send_invite()
    call.expect(180)
    call.refer("<sip:bob@127.0.0.1:9>")
    call.expect(491)
    call.cancel()
    call.expect(200, 487)
    call.expect(200, 487)


def test_mortal(daemon, peer):
    """RFC 5407 3.3.3: REFER crosses our BYE."""
    call = established(peer, "brief")
    bye = call.expect("BYE")
    call.refer("<sip:bob@127.0.0.1:9>")
    call.expect(481)
    peer.respond(bye, 200)


# ---- the subscription (RFC 6665) ----


def test_481_ends_the_subscription_alone(daemon, peer, target):
    call = established(peer)
    call.refer(f"<{target.uri}>")
    call.expect(202)
    call.notified(100, status=481)
    target.ring()
    peer.expect_nothing(0.3)  # neither NOTIFY nor BYE
    target.answer()
    peer.expect_nothing(0.2)
    call.hang_up()
    target.hang_up()


def test_subscribe(daemon, peer, target):
    call = established(peer)
    refer = call.refer(f"<{target.uri}>")
    call.expect(202)
    call.notified(100)
    target.ring()
    call.notified(180)
    call.send("SUBSCRIBE", [("Event", "refer"), ("Expires", "120")])
    assert call.expect(200).get("expires") == "120"
    again = call.notified(180, "active")
    assert int(parameter(again.get("subscription-state"), "expires")) in range(110, 121)
    call.send("SUBSCRIBE", [("Event", "refer;id=99999")])
    call.expect(481)
    call.send("SUBSCRIBE", [("Event", "presence")])
    assert call.expect(489).tokens("allow-events") == ["refer"]
    call.send("SUBSCRIBE")
    call.expect(400)
    call.send("SUBSCRIBE", [("Event", f"refer;id={refer.cseq}"), ("Expires", "0")])
    assert call.expect(200).get("expires") == "0"
    assert "timeout" in call.notified(180, "terminated").get("subscription-state")
    target.answer()  # the transfer goes on
    peer.expect_nothing(0.2)
    call.hang_up()
    target.hang_up()


def test_subscription_runs_out(daemon, peer, target):
    call = established(peer)
    call.transfer(target)
    target.ring()
    call.notified(180)
    call.send("SUBSCRIBE", [("Event", "refer"), ("Expires", "1")])
    call.expect(200)
    call.notified(180, "active")
    assert "timeout" in call.notified(180, "terminated").get("subscription-state")
    target.refuse(486)
    call.hang_up()


def test_notify_of_nothing(daemon, peer):
    call = established(peer)
    call.send("NOTIFY", [("Event", "refer"), ("Subscription-State", "active")])
    call.expect(481)
    call.send("NOTIFY", [("Event", "conference"), ("Subscription-State", "active")])
    call.expect(489)
    call.hang_up()


def test_methods_and_tag_are_declared(daemon, peer):
    call = Transferor(peer)
    answer = call.establish()
    assert {"REFER", "NOTIFY", "SUBSCRIBE"} <= set(answer.tokens("allow"))
    assert {"norefersub", "replaces"} <= set(answer.tokens("supported"))
    call.hang_up()


# ---- ours: the application Transfer ----


class Transferee(Call):
    """Somebody who is told to call somebody else."""

    def __init__(self, daemon, user="send"):
        self.daemon, self.mark = daemon, len(daemon.log())
        peer = daemon.peer()
        super().__init__(peer, user, from_value=f"<sip:tester@{peer.host}>")

    def referred(self, status=202, headers=()):
        self.establish(headers=self.headers)
        self.order = self.expect("REFER")
        assert self.order.has("contact")
        self.peer.respond(self.order, status, headers=[("Contact", self.peer.contact), *headers])
        return self.order

    def notify(self, body, state="active;expires=60", event="refer", kind="message/sipfrag;version=2.0", status=200):
        headers = [("Event", event), ("Subscription-State", state), ("Contact", self.peer.contact)]
        request = self.build("NOTIFY", headers + ([("Content-Type", kind)] if body else []), body)
        request.headers = [(n, v) for n, v in request.headers if (n, v) != ("Content-Type", "application/sdp")]
        self.peer.send(request)
        return self.expect(status)

    def result(self, timeout=10):
        return self.daemon.wait_log(r"(?<!,)RESULT (\S+ \S+)", after=self.mark, timeout=timeout)[1]


def test_we_transfer(daemon):
    call = Transferee(daemon)
    refer = call.referred()
    assert refer.get("refer-to") == "<sip:carol@example.invalid>"
    assert refer.get("referred-by").startswith("<sip:send@")
    assert not refer.has("refer-sub")
    call.notify(b"SIP/2.0 100 Trying\r\n")
    call.notify(b"SIP/2.0 180 Ringing\r\n")
    call.notify(b"SIP/2.0 200 OK\r\n", "terminated;reason=noresource")
    assert call.result() == "SUCCESS 200"
    call.notify(b"SIP/2.0 200 OK\r\n", "terminated;reason=noresource", status=481)  # it has ended
    call.hang_up()


def test_we_transfer_in_vain(daemon):
    call = Transferee(daemon)
    refer = call.referred()
    call.notify(b"SIP/2.0 100 Trying\r\n", event=f"refer;id={refer.cseq}")
    call.notify(b"SIP/2.0 486 Busy Here\r\n", "terminated;reason=noresource")
    assert call.result() == "FAILURE 486"
    call.hang_up()


def test_a_notify_that_overtakes_the_202(daemon):
    call = Transferee(daemon)
    call.establish()
    refer = call.expect("REFER")
    call.notify(b"SIP/2.0 100 Trying\r\n")
    call.peer.respond(refer, 202, headers=[("Contact", call.peer.contact)])
    call.notify(b"SIP/2.0 200 OK\r\n", "terminated")
    assert call.result() == "SUCCESS 200"
    call.hang_up()


def test_the_subscription_ends_without_a_result(daemon):
    call = Transferee(daemon)
    call.referred()
    call.notify(b"", "terminated;reason=giveup")
    assert call.result() == "FAILURE 0"
    call.hang_up()


@pytest.mark.parametrize("status, result", [(405, "UNSUPPORTED 405"), (501, "UNSUPPORTED 501"), (603, "FAILURE 603"), (481, "FAILURE 481")])
def test_our_refer_is_refused(daemon, status, result):
    """The call goes on: a 481 to REFER is not about the session (RFC 5057 5.1)."""
    call = Transferee(daemon)
    call.referred(status)
    assert call.result() == result
    call.peer.expect_nothing(0.1)
    call.hang_up()


def test_notifies_that_are_wrong(daemon):
    call = Transferee(daemon)
    call.referred()
    call.notify(b"SIP/2.0 200 OK\r\n", event="refer;id=1", status=481)
    call.notify(b"SIP/2.0 200 OK\r\n", event="", status=400)
    call.notify(b"SIP/2.0 200 OK\r\n", state="", status=400)
    call.notify(b"nonsense", status=400)
    assert call.notify(b"SIP/2.0 200 OK\r\n", kind="text/plain", status=415).get("accept") == "message/sipfrag"
    call.notify(b"", status=400)
    call.notify(b"SIP/2.0 200 OK\r\n", "active")  # no more is said, and the result is there
    assert call.result() == "SUCCESS 200"
    call.notify(b"SIP/2.0 200 OK\r\n", "terminated")
    call.hang_up()


def test_the_transferee_hangs_up(daemon):
    """Its NOTIFY behind the BYE still has a subscription (RFC 5057)."""
    call = Transferee(daemon)
    call.referred()
    call.notify(b"SIP/2.0 100 Trying\r\n")
    call.hang_up()
    call.notify(b"SIP/2.0 200 OK\r\n", "terminated;reason=noresource")


def test_we_transfer_without_a_subscription(daemon):
    call = Transferee(daemon, "sendquiet")
    call.headers = [("Supported", "norefersub")]
    refer = call.referred(headers=[("Refer-Sub", "false")])
    assert refer.get("refer-sub") == "false" and "norefersub" in refer.tokens("supported")
    assert call.result() == "SUCCESS 202"
    call.hang_up()


def test_a_subscription_where_the_peer_knows_nothing_else(daemon):
    call = Transferee(daemon, "sendquiet")
    assert not call.referred().has("refer-sub")
    call.notify(b"SIP/2.0 200 OK\r\n", "terminated")
    assert call.result() == "SUCCESS 200"
    call.hang_up()


def test_we_transfer_to_an_extension_of_ours(daemon):
    call = Transferee(daemon, "sendlocal")
    host, port = daemon.udp
    assert call.referred().get("refer-to") == f"<sip:echo@{host}:{port}>"
    call.hang_up()
    call.notify(b"SIP/2.0 200 OK\r\n", "terminated;reason=noresource")


def test_transfer_to_nowhere(daemon):
    call = Transferee(daemon, "sendbad")
    call.establish()
    assert call.result() == "FAILURE 0"
    call.hang_up()


def test_transfer_before_the_answer(daemon):
    call = Transferee(daemon, "redirect")
    refusal = call.refuse_check(302)
    assert refusal.all("contact") == ["<sip:carol@example.invalid;transport=tcp>"]
    daemon.wait_log(r"(?<!,)ENDED \S+ SUCCESS 302", after=call.mark)


# ---- with PJSUA, which others wrote ----


def pjsua(daemon, folder, user):
    host, port = daemon.udp
    return clients.pjsua(
        folder,
        f"sip:{user}@{host}:{port}",
        options=["--id=sip:tester@127.0.0.1", "--no-tcp", "--add-codec=PCMU", "--dis-codec=speex", "--dis-codec=opus"],
    )


def test_pjsua_transfers_us(daemon, tmp_path, target):
    client = pjsua(daemon, tmp_path, "echo")
    try:
        client.wait_for("state changed to CONFIRMED")
        client.console("x")
        client.console(target.uri)
        target.ring()
        client.wait_for("transfer status=180")
        target.answer()
        client.wait_for("transfer status=200")
        client.wait_for("is DISCONNECTED")  # it hangs up by itself
        client.console("q")
        client.wait(15)
    finally:
        client.kill()
    target.hang_up()


def test_we_transfer_pjsua(daemon, tmp_path):
    """It calls an extension of ours, tells how that goes, and hangs up."""
    mark = len(daemon.log())
    client = pjsua(daemon, tmp_path, "sendhere")
    try:
        daemon.wait_log(r"(?<!,)RESULT SUCCESS 200", after=mark, timeout=10)
        client.wait_for("is being transferred")
        client.console("q")
        client.wait(15)
    finally:
        client.kill()
