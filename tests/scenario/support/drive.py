# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/api/api_drive.c does to sessions at a test's word, and the daemon's side as a called or a calling party."""

import itertools
import time

from .peer import Call, Peer, unique
from .wire import audio_sdp

# Extensions that do nothing by themselves: the test says how a call is answered (Drive.respond).
DRIVEN = """\
[default]
exten = open,1,Wait(60)

exten = echo,1,Answer()
 same = n,Echo()

exten = ring,1,Ringing()
 same = n,Wait(60)

exten = progress,1,Progress()
 same = n,Wait(60)

exten = brief,1,Answer()
 same = n,Wait(0.3)
 same = n,Hangup()
"""

SDP_HEADER = [("Content-Type", "application/sdp")]


class Drive:
    """Commands to a daemon that has loaded api_drive; each is a request outside of any dialog."""

    def __init__(self, daemon, record):
        self.daemon, self.record = daemon, record
        self.peer = Peer(daemon.udp)
        self.tokens = itertools.count(1)

    def close(self):
        self.peer.close()

    def __call__(self, *words):
        """Does it; returns what X-Result says."""
        request = self.peer.request("DRIVE", headers=[("X-Do", " ".join(str(word) for word in words))])
        for _ in range(3):
            self.peer.send(request)
            try:
                answer = self.peer.receive(5)
            except ConnectionRefusedError:
                break
            if answer is not None and answer.call_id == request.call_id:
                return answer.get("x-result", "")
            if not self.daemon.alive():
                break
        raise AssertionError(f"no answer to {words}")

    # ---- shorter ----

    def respond(self, call, status):
        assert self("respond", call.call_id, status) == "0", f"could not answer {status}"

    def refresh(self, call, *options):
        """Queues a refresh; returns its token, for result(), and its id."""
        token = next(self.tokens)
        result, number = self("refresh", call.call_id, *options, f"token={token}").split()
        assert result == "0"
        return token, int(number)

    def refuses_refresh(self, call, *options):
        token = next(self.tokens)
        answer = self("refresh", call.call_id, *options, f"token={token}")
        return answer == "none" or answer.startswith("-1")

    def lines(self):
        return self.record.read_text().splitlines() if self.record.exists() else []

    def events(self, call, kind=""):
        """The lines of one call, without its Call-ID."""
        call_id = call if isinstance(call, str) else call.call_id
        lines = [line.rsplit(" ", 1)[0] for line in self.lines() if line.endswith(" " + call_id)]
        return [line for line in lines if line.startswith(kind)]

    def wait_event(self, call, kind, timeout=10):
        end = time.monotonic() + timeout
        while True:
            found = self.events(call, kind)
            if found:
                return found[-1]
            if time.monotonic() > end:
                raise AssertionError(f"no {kind!r} in {self.events(call)}")
            time.sleep(0.02)

    def result(self, call, token, timeout=10):
        """The status with which a refresh ended. It is told exactly once."""
        end = time.monotonic() + timeout
        while True:
            found = [line.split() for line in self.events(call, "refresh result ")]
            found = [words for words in found if words[4] == str(token)]
            if found:
                assert len(found) == 1, f"the outcome was told {len(found)} times"
                return int(found[0][2])
            if time.monotonic() > end:
                raise AssertionError(f"the outcome of refresh {token} was not told: {self.events(call)}")
            time.sleep(0.02)

    def sessions(self):
        """(sessions that live, begin notices, end notices)"""
        return tuple(int(word) for word in self("count").split())

    def call(self, peer, *options, scheme="sip:callee@"):
        """The daemon calls a peer; returns the Called when its INVITE is there."""
        suffix = ";transport=tcp" if peer.transport == "tcp" else ""
        call_id = self("call", f"{scheme}{peer.host}:{peer.port}{suffix}", *options)
        assert call_id not in ("none", "failed", ""), call_id
        return Called(peer, peer.expect("INVITE", call_id=call_id))


class Called(Call):
    """A call from the daemon to a peer: one dialog, with a tag of the peer's own."""

    def __init__(self, peer, invite, tag=None):
        self.peer, self.first = peer, invite
        self.invite = None  # of ours
        self.call_id = invite.call_id
        self.tag = tag or unique("b")
        self.local = f"{invite.get('to')};tag={self.tag}"
        self.remote = invite.get("from")
        self.target = invite.contact_uri
        self.cseq = 100
        self.headers, self.user = [], ""
        self.offer = audio_sdp(peer.port, address=peer.address)
        self.answer = None
        self.rseq = 0
        self.acked = None

    def reply(self, status, sdp=None, headers=(), rseq=None):
        """Answers the INVITE that began the call. `rseq`: reliably, with this RSeq."""
        extra = list(headers)
        if rseq is not None:
            extra += [("Require", "100rel"), ("RSeq", str(rseq))]
        if sdp:
            extra += SDP_HEADER
        return self.peer.respond(self.first, status, headers=extra, body=sdp or b"", tag=self.tag)

    def accept(self, sdp=None, headers=(), skip=(100, "INVITE")):
        """200 with an answer; waits for the ACK."""
        self.reply(200, self.offer if sdp is None else sdp, headers)
        self.acked = self.expect("ACK", skip=skip)
        return self.acked

    def respond_to(self, request, status, sdp=None, headers=()):
        """Answers a later request of the daemon's in this dialog."""
        extra = [*headers, *(SDP_HEADER if sdp else [])]
        return self.peer.respond(request, status, headers=extra, body=sdp or b"", tag=self.tag)


def respond(call, request, status, sdp=None, headers=()):
    """Answers a request of the daemon's within any call."""
    extra = [*headers, *(SDP_HEADER if sdp else [])]
    return call.peer.respond(request, status, headers=extra, body=sdp or b"")


def finish(drive, peer, call, skip=(100,)):
    """Our BYE, its 200, and nothing left of the call."""
    call.send("BYE")
    call.expect(200, skip=skip)


def check_versions(before, after):
    """RFC 3264 8: o= stays but for its version, which goes up by one when anything else changed, and only then."""
    assert after.origin_id == before.origin_id, (before.origin, after.origin)
    changed = [line for line in before.lines if line[0] != "o"] != [line for line in after.lines if line[0] != "o"]
    assert after.version - before.version == int(changed), (before.lines, after.lines)
