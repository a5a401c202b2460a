# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that the daemon places, with identities that a test chooses: tests/api/api_party.c."""

import time

from .peer import Call, unique
from .wire import audio_sdp


def party_options(extensions, endpoints, modules):
    """A daemon that has loaded api_party besides what it is to be tested."""
    return {
        "extensions": extensions, "endpoints": endpoints, "modules": ["sdp_rtp", *modules],
        "env": {"SIPSESSION_API_LOG": "record"},
    }  # fmt: skip


class Caller:
    """A call to the daemon that tells it to place others, to `peer`."""

    def __init__(self, daemon, local=None):
        self.daemon = daemon
        self.peer = daemon.peer(local=local)
        self.control = Call(daemon.peer(), "wait")
        self.control.establish()
        self.record = daemon.folder / "record"

    def do(self, what, headers=()):
        self.control.send("INFO", headers=[("X-Do", what), *headers])
        self.control.expect(200)

    def place(self, endpoint, caller="", redirecting="", user="dialled", peer=None):
        """Has a call placed; returns its INVITE."""
        peer = peer or self.peer
        headers = [("X-Endpoint", endpoint)]
        headers += [("X-Caller", caller)] if caller else []
        headers += [("X-Redirecting", redirecting)] if redirecting else []
        self.do(f"call sip:{user}@{peer.host}:{peer.port}", headers)
        return peer.expect("INVITE")

    def lines(self):
        return self.record.read_text().splitlines() if self.record.exists() else []

    def wait(self, line, timeout=10):
        end = time.monotonic() + timeout
        while line not in self.lines():
            assert time.monotonic() < end, f"{line!r} is not in {self.lines()}"
            time.sleep(0.02)

    def close(self):
        self.control.hang_up()


class Called:
    """The other end of a call that the daemon placed: a dialog on its INVITE."""

    def __init__(self, peer, invite):
        self.peer, self.invite = peer, invite
        self.tag = unique("p")
        self.call_id = invite.call_id
        self.cseq = 100

    def ring(self, headers=()):
        self.peer.respond(self.invite, 180, headers=headers, tag=self.tag)

    def answer(self, headers=()):
        """200 with SDP, and its ACK."""
        body = audio_sdp(self.peer.port, address=self.peer.address)
        self.peer.respond(self.invite, 200, headers=[("Content-Type", "application/sdp"), *headers], body=body, tag=self.tag)
        return self.peer.expect("ACK", call_id=self.call_id)

    def refuse(self, status=486, headers=()):
        self.peer.respond(self.invite, status, headers=headers, tag=self.tag)
        return self.peer.expect("ACK", call_id=self.call_id)

    def request(self, method, headers=(), body=b"", from_value=None):
        """A request of this end; sent."""
        self.cseq += 1
        tagged = f"{self.invite.get('to')};tag={self.tag}" if from_value is None else f"{from_value};tag={self.tag}"
        more = [("Content-Type", "application/sdp")] if body else []
        request = self.peer.request(
            method, uri=self.invite.contact_uri, headers=[*more, *headers], body=body, call_id=self.call_id,
            cseq=self.cseq, from_value=tagged, to_value=self.invite.get("from"),
        )  # fmt: skip
        self.peer.send(request)
        return request

    def expect(self, *wanted, **options):
        return self.peer.expect(*wanted, call_id=self.call_id, **options)

    def hang_up(self, **options):
        self.request("BYE", **options)
        return self.expect(200)
