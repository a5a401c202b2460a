# SPDX-License-Identifier: GPL-2.0-or-later
"""A SIP peer that does exactly what a test says and nothing by itself: no retransmission, no answer, no timer.

Everything that goes by is kept; a test that fails shows the ladder.
"""

import itertools
import select
import socket
import struct
import time

from .wire import Message, audio_sdp

SO_TIMESTAMPNS = 35  # linux/socket.h: each datagram comes with the time at which the system had it

counter = itertools.count(1)


def unique(prefix):
    return f"{prefix}{time.time_ns():x}{next(counter)}"


class PeerError(AssertionError):
    """Not what the test expected went over the wire."""


class Peer:
    """One UDP socket, or one TCP connection, to a daemon."""

    def __init__(self, remote, transport="udp", local=None):
        self.remote, self.transport = remote, transport
        family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
        self.address = local or ("::1" if family == socket.AF_INET6 else "127.0.0.1")
        kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
        self.socket = socket.socket(family, kind)
        self.socket.bind((self.address, 0))
        if transport == "udp":
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        if transport == "tcp":
            self.socket.connect(remote)
        self.port = self.socket.getsockname()[1]
        self.buffer = b""
        self.closed = False
        self.began = self.arrived = time.monotonic()
        self.log = []  # (time, "->" or "<-", Message or octets)
        self.waiting = []  # received, not yet asked for
        self.seen = set()

    def close(self):
        self.socket.close()

    # ---- names ----

    @property
    def host(self):
        return f"[{self.address}]" if ":" in self.address else self.address

    @property
    def remote_host(self):
        return f"[{self.remote[0]}]" if ":" in self.remote[0] else self.remote[0]

    def uri(self, user):
        """The daemon's address for a user."""
        return f"sip:{user}@{self.remote_host}:{self.remote[1]}"

    @property
    def contact(self):
        suffix = ";transport=tcp" if self.transport == "tcp" else ""
        return f"<sip:peer@{self.host}:{self.port}{suffix}>"

    def via(self, branch=None):
        return f"SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch={branch or unique('z9hG4bK')};rport"

    # ---- sending ----

    def send(self, message):
        """Sends a Message, or octets as they are."""
        data = message.encode() if isinstance(message, Message) else message
        self.log.append((time.monotonic() - self.began, "->", message))
        if self.transport == "udp":
            self.socket.sendto(data, self.remote)
        else:
            self.socket.sendall(data)

    def request(self, method, user="", headers=(), body=b"", uri=None, call_id=None, cseq=1, from_value=None, to_value=None):
        """A request outside of any dialog; not sent yet."""
        uri = uri or (self.uri(user) if user else f"sip:{self.remote_host}:{self.remote[1]}")
        base = [
            ("Via", self.via()),
            ("Max-Forwards", "70"),
            ("From", from_value or f"<sip:tester@{self.host}>;tag={unique('t')}"),
            ("To", to_value or f"<{uri}>"),
            ("Call-ID", call_id or unique("c")),
            ("CSeq", f"{cseq} {method}"),
            ("Contact", self.contact),
        ]
        return Message(f"{method} {uri} SIP/2.0", base + list(headers), body)

    def response(self, request, status, reason="Because", headers=(), body=b"", tag="peertag"):
        """An answer to a request of the daemon's; not sent yet."""
        copied = []
        for name, value in request.headers:
            lower = name.lower()
            if lower == "to" and ";tag=" not in value and status > 100:
                value = f"{value};tag={tag}"
            if lower in ("via", "from", "to", "call-id", "cseq", "record-route"):
                copied.append((name, value))
        if request.method in ("INVITE", "UPDATE") and 100 < status < 300:
            copied.append(("Contact", self.contact))
        return Message(f"SIP/2.0 {status} {reason}", copied + list(headers), body)

    def respond(self, *args, **options):
        """Answers a request of the daemon's, as response() has it."""
        response = self.response(*args, **options)
        self.send(response)
        return response

    # ---- receiving ----

    def read(self, timeout):
        """The next datagram or message as octets, or None. Of a datagram, `arrived` says when it came, however late we look."""
        if self.transport == "tcp":
            return self.read_stream(timeout)
        ready, _, _ = select.select([self.socket], [], [], max(timeout, 0))
        if not ready:
            return None
        data, extra, _, _ = self.socket.recvmsg(65536, 256)
        stamps = [struct.unpack("=qq", value[:16]) for _, kind, value in extra if kind == SO_TIMESTAMPNS]
        ago = time.time() - (stamps[0][0] + stamps[0][1] / 1e9) if stamps else 0
        self.arrived = time.monotonic() - max(ago, 0)
        return data

    def read_stream(self, timeout):
        end = time.monotonic() + timeout
        while True:
            while self.buffer.startswith(b"\r\n"):  # keep-alive (RFC 5626 3.5.1)
                self.buffer = self.buffer[2:]
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if mark:
                length = Message.parse_length(head)
                if len(rest) >= length:
                    data = head + mark + rest[:length]
                    self.buffer = rest[length:]
                    return data
            ready, _, _ = select.select([self.socket], [], [], max(end - time.monotonic(), 0))
            if not ready or self.closed:
                return None
            got = self.socket.recv(65536)
            if not got:
                self.closed = True
                return None
            self.buffer += got

    def receive(self, timeout=10.0):
        """The next message, or None. Retransmissions come again, like everything else."""
        if self.waiting:
            return self.waiting.pop(0)
        data = self.read(timeout)
        if data is None:
            return None
        message = Message.parse(data)
        message.again = data in self.seen
        message.when = self.arrived if self.transport == "udp" else time.monotonic()
        self.seen.add(data)
        self.log.append((message.when - self.began, "<-", message))
        return message

    def expect(self, *wanted, timeout=10.0, skip=(100,), call_id=None, again=False):
        """The next message that is one of `wanted` (status codes and methods).

        Skipped: those in `skip`, retransmissions of what was received before (unless `again`), and
        messages of other calls than `call_id`, which stay for whoever waits for them. Anything else
        is an error.
        """
        end = time.monotonic() + timeout
        aside = []
        try:
            while True:
                message = self.receive(max(end - time.monotonic(), 0))
                if message is None:
                    raise PeerError(f"{describe(wanted)} did not come within {timeout} s\n{self.ladder()}")
                if call_id and message.call_id != call_id:
                    aside.append(message)
                    continue
                kind = message.status if message.is_response else message.method
                if kind in wanted and (again or not message.again):
                    return message
                if kind in skip or message.again:
                    continue
                raise PeerError(f"expected {describe(wanted)}, got {message.summary}\n{self.ladder()}\n{message!r}")
        finally:
            self.waiting = aside + self.waiting

    def catch_up(self):
        """All that the daemon had to say so far is here: it was asked something behind that, and has answered.

        No ladder shows that question.
        """
        request = self.request("OPTIONS")
        self.send(request)
        self.log.pop()
        end = time.monotonic() + 10
        aside = []
        try:
            while True:
                message = self.receive(end - time.monotonic())
                if message is None:
                    raise PeerError(f"no answer to OPTIONS\n{self.ladder()}")
                if message.call_id == request.call_id:
                    self.log.pop()
                    return
                aside.append(message)
        finally:
            self.waiting = aside + self.waiting

    def expect_nothing(self, seconds, skip=(), answered=True, again=False):
        """Nothing may come for a while but what `skip` names, and what was under way: our last word may have crossed it.

        answered: the daemon answers this peer, so that it can be asked whether that was all.
        again: retransmissions go on, of what this peer has not answered.
        """
        end = time.monotonic() + seconds
        if answered:
            self.check_wanted(self.so_far(), skip, True)
        self.check_wanted(self.arriving(end), skip, again)
        if answered:
            self.check_wanted(self.so_far(), skip, again)

    def check_wanted(self, messages, skip, again):
        for message in messages:
            kind = message.status if message.is_response else message.method
            if kind not in skip and not (again and message.again):
                raise PeerError(f"expected nothing, got {message.summary}\n{self.ladder()}\n{message!r}")

    def arriving(self, end):
        """What comes until a time."""
        while (message := self.receive(end - time.monotonic())) is not None:
            yield message

    def so_far(self):
        """Takes all messages that the daemon has sent by now (catch_up)."""
        self.catch_up()
        messages, self.waiting = self.waiting, []
        return messages

    def drain(self, seconds):
        """All messages of a time, retransmissions too, each with the time it came."""
        return [(message.when, message) for message in self.arriving(time.monotonic() + seconds)]

    def ladder(self):
        lines = []
        for when, way, message in self.log:
            what = message.summary if isinstance(message, Message) else repr(message[:60])
            lines.append(f"  {when:8.3f} {way} {what}")
        return "\n".join(lines)


def describe(wanted):
    return " or ".join(str(what) for what in wanted)


class Call:
    """A call from a peer to the daemon."""

    def __init__(self, peer, user, sdp=b"", headers=(), from_value=None):
        self.peer, self.user = peer, user
        self.offer = audio_sdp(peer.port, address=peer.address) if sdp == b"" else sdp
        self.call_id = unique("call")
        self.local = from_value or f'"Tester" <sip:tester@{peer.host}>'
        if ";tag=" not in self.local:
            self.local += f";tag={unique('t')}"
        self.remote = f"<{peer.uri(user)}>"
        self.target = peer.uri(user)
        self.cseq = 0
        self.headers = list(headers)
        self.invite = None
        self.answer = None  # the 2xx

    # ---- requests ----

    def build(self, method, headers=(), body=b"", cseq=None, branch=None):
        """A request of this call; not sent yet."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        base = [
            ("Via", self.peer.via(branch)),
            ("Max-Forwards", "70"),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
        ]
        if method in ("INVITE", "UPDATE", "REFER", "SUBSCRIBE"):
            base.append(("Contact", self.peer.contact))
        if body:
            base.append(("Content-Type", "application/sdp"))
        return Message(f"{method} {self.target} SIP/2.0", base + list(headers), body)

    def send_invite(self, headers=()):
        self.invite = self.build("INVITE", [*self.headers, *headers], self.offer or b"")
        self.peer.send(self.invite)
        return self

    def send(self, method, headers=(), body=b""):
        request = self.build(method, headers, body)
        if method == "INVITE":
            self.invite = request
        self.peer.send(request)
        return request

    def cancel(self, headers=()):
        """CANCEL has the branch and CSeq of its INVITE (RFC 3261 9.1)."""
        request = Message(
            f"CANCEL {self.invite.uri} SIP/2.0",
            [(n, v) for n, v in self.invite.headers if n in ("Via", "Max-Forwards", "From", "To", "Call-ID")]
            + [("CSeq", f"{self.invite.cseq} CANCEL"), *headers],
        )
        self.peer.send(request)
        return request

    def ack(self, response=None, body=b""):
        """ACK: of a 2xx in a transaction of its own, else in that of the INVITE (RFC 3261 13.2.2.4, 17.1.1.3)."""
        response = response or self.answer
        if response.status < 300:
            request = self.build("ACK", body=body, cseq=response.cseq)
        else:
            request = self.build("ACK", cseq=response.cseq, branch=self.invite.branch)
            request.start = f"ACK {self.invite.uri} SIP/2.0"
            request.headers = [(n, response.get("to") if n == "To" else v) for n, v in request.headers]
        self.peer.send(request)
        return request

    # ---- what comes ----

    def expect(self, *wanted, timeout=10.0, skip=(100,), again=False):
        message = self.peer.expect(*wanted, timeout=timeout, skip=skip, call_id=self.call_id, again=again)
        if message.is_response and message.method == "INVITE" and message.status > 100:
            self.learn(message)
        return message

    def learn(self, response):
        if response.status < 300:
            self.remote = response.get("to")
            if response.contact_uri:
                self.target = response.contact_uri
        if 200 <= response.status < 300:
            self.answer = response
        elif response.status >= 300:
            self.ack(response)

    def establish(self, timeout=10.0, headers=()):
        """INVITE, whatever provisional, 200, ACK. Returns the 200."""
        self.send_invite(headers)
        answer = self.expect(200, timeout=timeout, skip=(100, 180, 183))
        self.ack(answer)
        return answer

    def hang_up(self):
        """BYE, 200."""
        self.send("BYE")
        return self.expect(200)

    def refuse_check(self, *wanted, timeout=10.0):
        """INVITE, a final refusal, ACK. Returns the refusal."""
        self.send_invite()
        return self.expect(*wanted, timeout=timeout, skip=(100, 180, 183))
