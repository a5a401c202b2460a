# SPDX-License-Identifier: GPL-2.0-or-later
"""Overload: what is new is refused with 503, at once and cheaply; what exists goes on (docs/overload.md)."""

import select
import socket
import threading
import time

import pytest
from support.daemon import in_background
from support.peer import Call, Peer, unique
from support.wire import Message, audio_sdp, parameter

EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()
exten = sos,1,Answer()
 same = n,Echo()
exten = sos.fire,1,Answer()
 same = n,Echo()
exten = 112,1,Answer()
 same = n,Echo()
"""

PHONE = """\
[global]
endpoint_identifier_order = username,anonymous

[anonymous]
type = endpoint
context = default
allow = !all,ulaw

[alice]
type = endpoint
context = default
allow = !all,ulaw
aors = alice

[alice]
type = aor
max_contacts = 5
"""


def overload(**options):
    return {"sipsession.conf": "[overload]\n" + "".join(f"{name} = {value}\n" for name, value in options.items())}


def new_call(daemon, user="echo", local=None, **kwargs):
    peer = Peer(daemon.udp, local=local)
    daemon.peers.append(peer)
    return Call(peer, user, **kwargs)


def refused(daemon, user="echo", local=None, **kwargs):
    """A call that is refused: the 503."""
    answer = new_call(daemon, user, local, **kwargs).refuse_check(503)
    assert 1 <= int(answer.get("retry-after")) <= 5, answer
    return answer


def register(daemon, user, local):
    phone = Peer(daemon.udp, local=local)
    daemon.peers.append(phone)
    value = f"<sip:{user}@{phone.remote_host}>"
    phone.send(
        phone.request("REGISTER", headers=[("Expires", "600")], from_value=value + f";tag={unique('t')}", to_value=value)
    )
    phone.expect(200)
    return phone


# ---- sessions ----


def test_sessions_beyond_the_limit_are_refused(start_daemon):
    """The third of two gets 503 with Retry-After; the two go on; when one has ended the next one comes in."""
    daemon = start_daemon(extensions=EXTENSIONS, files=overload(max_sessions=2))
    first, second = new_call(daemon), new_call(daemon)
    first.establish()
    second.establish()
    answer = refused(daemon)
    assert answer.to_tag and answer.get("server") is None  # written out of the request's text
    first.send("INVITE", body=first.offer)
    first.ack(first.expect(200))
    first.send("OPTIONS")
    first.expect(200)
    first.hang_up()
    third = new_call(daemon)
    third.establish()
    third.hang_up()
    second.hang_up()
    assert daemon.alive()


def test_retransmission_of_what_was_let_in(start_daemon):
    """An INVITE that comes again when the limit is reached is answered by its own transaction."""
    daemon = start_daemon(extensions=EXTENSIONS, files=overload(max_sessions=1))
    call = new_call(daemon)
    call.send_invite()
    answer = call.expect(200)
    call.peer.send(call.invite)
    assert call.expect(200, again=True).to_tag == answer.to_tag
    call.ack(answer)
    refused(daemon)
    call.hang_up()


def test_another_request_comes_again(start_daemon):
    """RFC 3261 17.2.2: a REGISTER that was answered, too: else a client whose 200 was lost would believe the 503."""
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=PHONE, files=overload(max_transactions=5))
    phone, value = daemon.peer(), "<sip:alice@127.0.0.1>"
    requests = [
        phone.request("REGISTER", headers=[("Expires", "600")], from_value=f"{value};tag={unique('t')}", to_value=value)
        for _ in range(8)
    ]
    answers = {}
    for request in requests:
        phone.send(request)
        time.sleep(0.05)  # it looks every 20 ms how many there are
        answers[request.call_id] = phone.expect(200, 503, call_id=request.call_id)
    codes = [answers[request.call_id].status for request in requests]
    assert codes[:5] == [200] * 5 and codes[-1] == 503, codes
    phone.send(requests[0])
    again = phone.expect(200, 503, call_id=requests[0].call_id, again=True)
    assert (again.status, again.to_tag) == (200, answers[again.call_id].to_tag)


def test_refusal_over_tcp(start_daemon):
    """On a connection too, and the messages behind the refused one are read."""
    daemon = start_daemon(extensions=EXTENSIONS, files=overload(max_sessions=1))
    held = new_call(daemon)
    held.establish()
    peer = Peer(daemon.tcp, "tcp")
    daemon.peers.append(peer)
    one, two = Call(peer, "echo"), Call(peer, "echo")
    peer.send(one.build("INVITE", body=one.offer).encode() + two.build("INVITE", body=two.offer).encode())
    for call in (one, two):
        answer = peer.expect(503, call_id=call.call_id)
        assert answer.get("retry-after")
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    held.hang_up()


def test_who_goes_first(start_daemon):
    """Of 20 sessions: strangers get 20, a registered phone the 21st, emergencies the 22nd (a twentieth, a tenth more)."""
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=PHONE, files=overload(max_sessions=20, emergency_numbers="911, 112"))
    register(daemon, "alice", "127.0.0.9")
    calls = [new_call(daemon) for _ in range(20)]
    for call in calls:
        call.establish()
    refused(daemon)
    calls.append(new_call(daemon, local="127.0.0.9", from_value="<sip:alice@127.0.0.9>"))
    calls[-1].establish()
    refused(daemon)
    refused(daemon, local="127.0.0.9", from_value="<sip:alice@127.0.0.9>")
    emergency = new_call(daemon)
    emergency.target = "urn:service:sos.fire"
    emergency.remote = "<urn:service:sos.fire>"
    emergency.establish()
    refused(daemon, "112")  # now there is no room for these either
    emergency.hang_up()
    calls.append(new_call(daemon, "112"))
    calls[-1].establish()
    for call in calls:
        call.hang_up()


@pytest.mark.parametrize("uri", ["urn:service:sos", "URN:service:sos", "urn:service:sos.fire"])
def test_emergency_urn_is_an_extension(start_daemon, uri):
    """RFC 5031: the service is the extension in the dialplan; no service is known there: 404; another URN: 416."""
    daemon = start_daemon(extensions=EXTENSIONS)
    call = new_call(daemon)
    call.target = uri
    call.establish()
    call.hang_up()
    for target, status in (("urn:service:counseling", 404), ("urn:isbn:1", 416)):
        call = new_call(daemon)
        call.target = target
        call.refuse_check(status)


# ---- descriptors ----


def test_descriptors_allow_so_many_sessions(start_daemon):
    """Without max_sessions it is what the process may open that limits them, before there is none left."""
    daemon = start_daemon(extensions=EXTENSIONS, wrap=["prlimit", "--nofile=160:160"], options=[])
    calls, codes = [], []
    for _ in range(60):
        call = new_call(daemon)
        answer = call.refuse_check(200, 503)
        codes.append(answer.status)
        if answer.status == 200:
            call.ack(answer)
            calls.append(call)
    assert 10 < len(calls) < 40 and codes == [200] * len(calls) + [503] * (60 - len(calls)), codes
    assert "Too many open files" not in daemon.log()
    for call in calls:
        call.hang_up()


def test_no_descriptor_for_media(start_daemon):
    """A call whose sockets cannot be opened: 503 with Retry-After, not 488; when others have ended, it comes in."""
    daemon = start_daemon(
        extensions=EXTENSIONS, wrap=["prlimit", "--nofile=90:90"], options=[], files=overload(max_sessions=1000)
    )
    calls = []
    for _ in range(60):
        call = new_call(daemon)
        answer = call.refuse_check(200, 503)
        if answer.status == 503:
            break
        call.ack(answer)
        calls.append(call)
    assert answer.status == 503 and 1 <= int(answer.get("retry-after")) <= 5, answer
    assert answer.get("server") and answer.get("warning") is None
    refused(daemon)
    for call in calls:
        call.hang_up()
    end = time.monotonic() + 10
    while True:  # the media thread gives the sockets back
        again = new_call(daemon)
        answer = again.refuse_check(200, 503)
        if answer.status == 200:
            break
        assert time.monotonic() < end
    again.ack(answer)
    again.hang_up()


# ---- feedback (RFC 7339) ----


def via_of(answer):
    return answer.get("via").split(",")[0]


def with_feedback(call, parameters):
    invite = call.build("INVITE", body=call.offer)
    invite.headers = [(n, v + parameters if n == "Via" else v) for n, v in invite.headers]
    call.invite = invite
    call.peer.send(invite)


@pytest.mark.parametrize("parameters", [';oc;oc-algo="loss"', ';oc;oc-algo="rate,loss"', ";oc"])
def test_feedback_without_overload(daemon, parameters):
    """Every answer says that there is nothing to reduce: oc=0, and a validity of 0."""
    call = new_call(daemon)
    with_feedback(call, parameters)
    answer = call.expect(200)
    via = via_of(answer)
    assert parameter(via, "oc") == "0" and parameter(via, "oc-validity") == "0", via
    assert ';oc-algo="loss"' in via and parameter(via, "oc-seq"), via
    assert via.count("oc-algo") == 1
    call.ack(answer)
    call.hang_up()


@pytest.mark.parametrize("parameters", ["", ';oc;oc-algo="rate"', ";och=1"])
def test_no_feedback_unless_asked_for(daemon, parameters):
    call = new_call(daemon)
    with_feedback(call, parameters)
    answer = call.expect(200)
    assert "oc=" not in answer.get("via") and "oc-seq" not in answer.get("via")
    call.ack(answer)
    call.hang_up()


def test_feedback_in_refusals(start_daemon):
    """With no room at all: oc=100 for 500 ms, in refusals and in answers within calls; oc-seq goes up."""
    daemon = start_daemon(extensions=EXTENSIONS, files=overload(max_sessions=1))
    held = new_call(daemon)
    held.establish()
    sequences = []
    for _ in range(3):
        call = new_call(daemon)
        with_feedback(call, ';oc;oc-algo="loss"')
        via = via_of(call.expect(503))
        assert (parameter(via, "oc"), parameter(via, "oc-validity")) == ("100", "500"), via
        assert ';oc-algo="loss"' in via and via.count("oc-algo") == 1, via
        sequences.append(float(parameter(via, "oc-seq")))
    assert sequences == sorted(set(sequences))
    held.hang_up()


# ---- ten times what it can carry ----


class Flood:
    """INVITEs at a rate from one socket; what is answered with 200 gets ACK and BYE, a refusal its ACK."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind(("127.0.0.1", 0))
        self.address = self.socket.getsockname()
        self.sent, self.good, self.refused, self.ended = {}, {}, {}, 0

    def message(self, method, call_id, cseq, branch, to_tag=""):
        host = f"{self.address[0]}:{self.address[1]}"
        target = f"sip:echo@{self.daemon.address}:{self.daemon.port}"
        body = audio_sdp(9, address="127.0.0.1") if method == "INVITE" else b""
        lines = [
            f"{method} {target} SIP/2.0", f"Via: SIP/2.0/UDP {host};branch=z9hG4bK{branch};rport", "Max-Forwards: 70",
            f"From: <sip:flood@{host}>;tag=f", f"To: <{target}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {call_id}", f"CSeq: {cseq} {method}", f"Contact: <sip:flood@{host}>",
        ]  # fmt: skip
        if body:
            lines.append("Content-Type: application/sdp")
        return ("\r\n".join([*lines, f"Content-Length: {len(body)}"]) + "\r\n\r\n").encode() + body

    def send(self, *args):
        self.socket.sendto(self.message(*args), self.daemon.udp)

    def invite(self):
        call_id = unique("flood")
        self.sent[call_id] = time.monotonic()
        self.send("INVITE", call_id, 1, call_id)

    def take(self):
        answer = Message.parse(self.socket.recv(65536))
        call_id = answer.call_id
        if answer.method == "BYE":
            self.ended += 1
        elif answer.method == "INVITE" and answer.status == 200 and call_id not in self.good:
            self.good[call_id] = time.monotonic()
            self.send("ACK", call_id, 1, call_id + "a", answer.to_tag)
            self.send("BYE", call_id, 2, call_id + "b", answer.to_tag)
        elif answer.method == "INVITE" and answer.status == 503:
            assert answer.get("retry-after"), answer
            self.refused[call_id] = time.monotonic()
            self.send("ACK", call_id, 1, call_id, answer.to_tag)
        else:
            assert answer.status in (100, 200), answer

    def wait(self, seconds):
        if select.select([self.socket], [], [], max(seconds, 0))[0]:
            self.take()

    def run(self, rate, seconds):
        begin = time.monotonic()
        count = 0
        while time.monotonic() - begin < seconds:
            while count < (time.monotonic() - begin) * rate:
                self.invite()
                count += 1
            self.wait(begin + (count + 1) / rate - time.monotonic())
        return count

    def finish(self, seconds):
        """Until all is answered and ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and (
            len(self.good) + len(self.refused) < len(self.sent) or self.ended < len(self.good)
        ):
            self.wait(end - time.monotonic())
        assert len(self.good) + len(self.refused) == len(self.sent), "some got no answer"
        assert self.ended == len(self.good)


def carried(daemon, seconds):
    """Calls a second when no more is offered than can be carried: two at a time."""
    flood, end = Flood(daemon), time.monotonic() + seconds
    while time.monotonic() < end:
        while len(flood.sent) - flood.ended < 2:
            flood.invite()
        flood.wait(0.1)
    flood.finish(10)
    return flood.ended / seconds


def test_ten_times_what_it_can_carry(start_daemon, api_module, sanitized):
    """A call costs 20 ms, so that 50 a second can be carried, fewer on a machine that is busy: 500 are offered.

    All are answered, more than half of what it can carry is carried, a call that exists is answered in time, and
    when the flood ends all that is new comes in at once.
    """
    daemon = start_daemon(
        extensions=EXTENSIONS, modules=["sdp_rtp", api_module("api_slow")], env={"SIPSESSION_API_SLOW": "20"}, options=[],
        max_delay=50,
    )  # fmt: skip
    held = new_call(daemon)
    held.establish()
    before = carried(daemon, 1)
    waits = []
    over = threading.Event()

    def ask():
        while not over.wait(0.3):
            begin = time.monotonic()
            held.send("OPTIONS")
            held.expect(200)
            waits.append(time.monotonic() - begin)

    asking = in_background(ask)
    flood = Flood(daemon)
    seconds = 6
    flood.run(500, seconds)
    flood.finish(10)
    over.set()
    asking(10)
    assert flood.refused, "nothing was refused"
    begin = min(flood.sent.values())
    late = [when for when in flood.good.values() if 1 <= when - begin < seconds]
    goodput = len(late) / (seconds - 1)
    assert sorted(waits)[len(waits) // 2] < 0.4, waits
    log = daemon.log()
    assert "overload: event=begin" in log
    # it is over at once: a trickle is let in
    time.sleep(1)
    after = Flood(daemon)
    after.run(10, 2)
    after.finish(5)
    assert len(after.refused) <= 1, (len(after.good), len(after.refused))
    carries = min(before, carried(daemon, 1))
    assert goodput > min(25, carries * 0.55), f"{goodput:.1f} calls a second of the {carries:.1f} that it can carry"
    assert "overload: event=end" in daemon.log()
    held.hang_up()
    daemon.check_at_rest(40)


def test_a_burst_is_no_overload(start_daemon, api_module):
    """What comes at once and is worked off in a moment is not refused."""
    daemon = start_daemon(
        extensions=EXTENSIONS, modules=["sdp_rtp", api_module("api_slow")], env={"SIPSESSION_API_SLOW": "5"}, options=[],
        max_delay=50,
    )  # fmt: skip
    flood = Flood(daemon)
    for _ in range(30):
        flood.invite()
    flood.finish(10)
    assert not flood.refused
