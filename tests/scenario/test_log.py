# SPDX-License-Identifier: GPL-2.0-or-later
"""The log under a flood: strangers do not fill a disk with it, and what is passed over is counted."""

import re
import socket
import time

import pytest
from support import digest
from support.peer import Call, unique
from support.phone import phone

ENDPOINTS = (
    "\n[global]\nunidentified_request_count = 0\n"
    + phone("alice", "max_contacts = 1", "auth = alice")
    + "\n[alice]\ntype = auth\nusername = alice\npassword = secret\n"
    + "\n[bob]\ntype = endpoint\nallow = ulaw\n"
    + "\n[carol]\ntype = endpoint\nallow = ulaw\ndeny = 0.0.0.0/0\n"
)
WINDOW = 50  # requests without an answer


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(endpoints=ENDPOINTS, options=[])


class Flood:
    """Requests as text, many of them, each of which is refused."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.connect(daemon.udp)
        self.socket.settimeout(5)

    def request(self, method, user, target, headers=""):
        name = unique("f")
        host, port = self.socket.getsockname()
        where = f"{host}:{port}"
        return (
            f"{method} {target} SIP/2.0\r\nVia: SIP/2.0/UDP {where};branch=z9hG4bK{name}\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{user}@{host}>;tag={name}\r\nTo: <{target}>\r\nCall-ID: {name}\r\nCSeq: 1 {method}\r\n"
            f"Contact: <sip:{user}@{where}>\r\n{headers}Content-Length: 0\r\n\r\n"
        ).encode()

    def answer(self):
        return int(self.socket.recv(65536)[8:11])

    def send(self, count, status, *what):
        """All of them are answered with this status."""
        under_way = 0
        for number in range(count + WINDOW):
            if number < count:
                self.socket.send(self.request(*what))
                under_way += 1
            if under_way and (under_way >= WINDOW or number >= count):
                assert self.answer() == status
                under_way -= 1


def total(log, what):
    """Lines of a kind that are there, and how many are said to have been passed over."""
    counted = re.findall(rf' NOTICE ... and (\d+) more like "{what}', log)
    return len(re.findall(rf" NOTICE {what}", log)), sum(map(int, counted))


def test_a_flood_of_refused_requests(daemon):
    """20,000 requests of five kinds: some lines a second of each, and each that is not written is counted."""
    target = f"sip:{daemon.address}"
    (challenge,) = digest.challenges(Call(daemon.peer(), "100", from_value="<sip:alice@h>").refuse_check(401))
    wrong = "%s: %s\r\n" % digest.answer(challenge, "OPTIONS", target, "alice", "wrong")
    flood, before, began = Flood(daemon), len(daemon.log()), time.monotonic()
    flood.send(8300, 401, "OPTIONS", "stranger", target)
    flood.send(8000, 403, "REGISTER", "bob", target)
    flood.send(1500, 401, "OPTIONS", "carol", target)
    flood.send(1500, 401, "OPTIONS", "alice", target, wrong)
    peer = daemon.peer()
    for _ in range(700):
        Call(peer, "nowhere", from_value="<sip:bob@h>").refuse_check(404)
    seconds = time.monotonic() - began
    # Nothing comes any more: what is left is told by itself, when its second is over.
    daemon.wait_log(r"more like \"%s: a call to", timeout=10)
    time.sleep(2.1)
    log = daemon.log()[before:]
    assert len(log) < (6 << 10) * (seconds + 2), f"{len(log)} octets in {seconds:.1f} s"
    for kind, sent, most in (
        ("a request of nobody we know", 8300, 1),
        ("registrar: endpoint", 8000, 5),
        ("access: event=", 3000, 20),
        (r"(?:%s|PJSIP/\S+): a call to", 700, 5),
    ):
        written, counted = total(log, kind)
        assert sent <= written + counted <= sent + 5, kind  # others have asked whether the daemon is there
        assert counted > 0 and written <= most * (seconds + 2), kind
