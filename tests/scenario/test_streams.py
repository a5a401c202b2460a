# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the network cuts a connection's octets makes no difference (RFC 3261 18.3), and a peer that does not read does
no harm. The mixtures are drawn from seeds, which the names of the cases have."""

import contextlib
import os
import random
import re
import select
import socket
import struct
import time

import pytest
from support.daemon import ANYBODY, free_port
from support.peer import Call, Peer
from support.tls import Authority, TlsPeer
from support.wire import Message
from test_guard import alive, is_closed
from test_overload import overload

SIZE = 7999  # max_message_size
BAD_ROUTE = ("Route", "<sip:p.invalid;hide>")
BAD_SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=x 70000 RTP/AVP 0\r\n"
COMPACT = {"Via": "v", "From": "f", "To": "t", "Call-ID": "i", "Contact": "m"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


def with_tls(authority, **options):
    """Options of a Daemon that has TLS besides."""
    cert, key = authority.issue("server", "IP:127.0.0.1")
    bind = f"127.0.0.1:{free_port('127.0.0.1')}"
    tls = f"[tls]\ntype = transport\nprotocol = tls\nbind = {bind}\ncert_file = {cert}\npriv_key_file = {key}\n"
    return {"endpoints": tls + ANYBODY, **options}


@pytest.fixture(scope="module")
def daemon_options(authority):
    return with_tls(authority)


@pytest.fixture(params=["tcp", "tls"])
def connect(request):
    """Connects to a daemon."""

    def connect(daemon):
        if request.param == "tcp":
            return daemon.peer("tcp")
        peer = TlsPeer(("127.0.0.1", int(re.search(r"bind = 127.0.0.1:(\d+)", daemon.endpoints)[1])))
        daemon.peers.append(peer)
        return peer

    connect.transport = request.param
    return connect


# ---- mixtures ----


def body_of(rng, most):
    """Line ends and a message are in it, which must not be taken for such."""
    return ((b"\r\n\r\n" + b"OPTIONS sip:x SIP/2.0\r\nl: 0\r\n\r\n" + b"\r\n" * rng.randrange(5)) * 2000)[: rng.randrange(most)]


def padded(peer, size):
    """A request of so many octets."""
    request = peer.request("OPTIONS", headers=[("X-Padding", "x" * 1200)], body=b"\r\n" * 1000)
    request.body += b"b" * (size - len(request.encode()))
    assert len(request.encode()) == size
    return request


def compact(peer, rng):
    request = peer.request("OPTIONS", body=body_of(rng, 300))
    request.headers = [(COMPACT.get(name, name), value) for name, value in request.headers]
    request.headers.append(("l", str(len(request.body))))
    return request


def line_ends(rng):
    return b"\r\n" * rng.randrange(1, 6)


def response(peer):
    return Message("SIP/2.0 200 OK", peer.request("OPTIONS").headers)


# what it is (invite: under overload): the octets or message, the status of its answer (None: there is none), how often it is counted
KINDS = {
    "good": lambda peer, rng: (peer.request("OPTIONS", body=body_of(rng, 300)), 200, 0),
    "compact": lambda peer, rng: (compact(peer, rng), 200, 0),
    "whole": lambda peer, rng: (padded(peer, SIZE), 200, 0),
    "beyond": lambda peer, rng: (padded(peer, SIZE + 1), 513, 1),
    "refused": lambda peer, rng: (peer.request("OPTIONS", headers=[BAD_ROUTE], body=body_of(rng, 6000)), 400, 1),
    "large": lambda peer, rng: (peer.request("OPTIONS", body=b"\r\n" + body_of(rng, 7001) + b"x" * 7001), 413, 1),
    "misspelt": lambda peer, rng: (peer.request("options"), 501, 1),
    "bad-sdp": lambda peer, rng: (peer.request("INVITE", "x", [("Content-Type", "application/sdp")], BAD_SDP), 488, 1),
    "unparsable": lambda peer, rng: (peer.request("OPTIONS", headers=[("Max-Forwards", "many")], body=body_of(rng, 99)), 400, 1),
    "bad-ack": lambda peer, rng: (peer.request("ACK", "x", [BAD_ROUTE], body_of(rng, 99)), None, 1),
    "response": lambda peer, rng: (response(peer), None, 0),
    "invite": lambda peer, rng: (peer.request("INVITE", "echo", [("Content-Type", "application/sdp")], body_of(rng, 900)), 503, 0),
    "line-ends": lambda peer, rng: (line_ends(rng), None, 0),
}


ANYTIME = [name for name in KINDS if name != "invite"]


def mixture(peer, rng, count, kinds):
    """The octets, where its parts end, the answers as (status, Call-ID), the pongs, how many are counted."""
    octets, ends, answers, pings, counted, line_end_run = b"", [], [], 0, 0, 0
    for _ in range(count):
        message, status, counts = KINDS[rng.choice(kinds)](peer, rng)
        data = message if isinstance(message, bytes) else message.encode()
        if isinstance(message, bytes):
            line_end_run += len(message) // 2
        else:
            pings, line_end_run = pings + line_end_run // 2, 0
            ends.append(len(octets) + data.index(b"\r\n\r\n") + 4)
        octets += data
        ends.append(len(octets))
        counted += counts
        if status:
            answers.append((status, message.call_id))
    return octets, ends, answers, pings + line_end_run // 2, counted


def cut(octets, ends, rng):
    """In pieces; many of the cuts are next to where something ends."""
    at = {rng.randrange(1, len(octets)) for _ in range(20)}
    at |= {end + rng.randrange(-4, 3) for end in ends if rng.random() < 0.7}
    at = sorted(place for place in at if 0 < place < len(octets))
    return [octets[begin:end] for begin, end in zip([0, *at], [*at, len(octets)])]


def received(peer, timeout=5.0):
    """All that comes until there is nothing any more: messages, and how many line ends between them."""
    messages, found = [], 0
    end = time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        while peer.buffer.startswith(b"\r\n"):
            peer.buffer, found = peer.buffer[2:], found + 1
        message = read_message(peer)
        if message:
            messages.append((message.status, message.call_id))
            continue
        peer.socket.settimeout(min(left, 0.5))
        try:
            got = peer.socket.recv(65536)
        except TimeoutError:
            break
        if not got:
            break
        peer.buffer += got
    return messages, found


def read_message(peer):
    head, mark, rest = peer.buffer.partition(b"\r\n\r\n")
    length = Message.parse_length(head) if mark else 0
    if not mark or len(rest) < length:
        return None
    peer.buffer = rest[length:]
    return Message.parse(head + mark + rest[:length])


def send_in_pieces(daemon, peer, pieces):
    """Behind each the daemon has read what was sent, for it has answered a datagram that came later."""
    peer.socket.settimeout(5)
    with contextlib.closing(Peer(daemon.udp)) as witness:
        for piece in pieces:
            peer.socket.sendall(piece)
            request = witness.request("OPTIONS")
            witness.send(request)
            witness.expect(200, call_id=request.call_id)


def check_mixture(daemon, peer, rng, kinds):
    octets, ends, answers, pings, counted = mixture(peer, rng, 25, kinds)
    before = len(daemon.log())
    send_in_pieces(daemon, peer, cut(octets, ends, rng))
    got, line_ends_got = received(peer)
    assert [answer for answer in got if answer[0] != 100] == answers
    assert line_ends_got == pings
    assert len(re.findall(rf"refused a message from 127.0.0.1:{peer.port}:", daemon.log()[before:])) == counted
    alive(daemon)


@pytest.mark.parametrize("seed", range(8))
def test_cut_anywhere(daemon, connect, seed):
    """Good messages, refused ones, some of just the limit's size, and keep-alives: each answer comes once, in order."""
    check_mixture(daemon, connect(daemon), random.Random(seed), [*ANYTIME, "good", "line-ends"])


@pytest.mark.parametrize("seed", range(4))
def test_cut_anywhere_under_overload(start_daemon, authority, connect, seed):
    """A 503 comes once, when all of its request is there, and its body is passed over."""
    daemon = start_daemon(**with_tls(authority, files=overload(max_sessions=1, max_delay=0)))
    held = Call(daemon.peer(), "echo")
    held.establish()
    check_mixture(daemon, connect(daemon), random.Random(seed), ["invite", "invite", "good", "refused", "line-ends"])
    held.hang_up()


@pytest.mark.parametrize("pieces", [1, 2])
def test_headers_too_long(start_daemon, pieces):
    """They are too long whether they are all here or not: 513, and what follows is no message."""
    daemon = start_daemon(files={"sipsession.conf": "[overload]\nmax_delay = 0\n[guard]\nmax_message_size = 1500\n"})
    peer = daemon.peer("tcp")
    request = peer.request("OPTIONS", headers=[("X-Padding", "x" * 1600)])
    octets = request.encode() + peer.request("OPTIONS").encode()
    send_in_pieces(daemon, peer, [octets] if pieces == 1 else [octets[:1600], octets[1600:]])
    assert received(peer) == ([(513, request.call_id)], 0)
    assert is_closed(peer, 4)
    alive(daemon)


LOST = {
    "no-length": lambda text: text.replace(b"Content-Length: 0\r\n", b""),
    "bare-lf": lambda text: text.replace(b"70\r\n", b"70\n"),
    "bare-lf-at-the-end": lambda text: text[:-4] + b"\n\r\n",
    "bare-cr": lambda text: text.replace(b"70\r\n", b"70\r"),
    "bare-cr-at-the-end": lambda text: text[:-2] + b"\rX: y\r\n\r\n",
}


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("seed", range(3))
def test_end_in_doubt_cut_anywhere(daemon, connect, name, seed):
    """A message of which the end is in doubt ends the connection with one 400, and good ones before it are answered."""
    rng, peer = random.Random(seed), connect(daemon)
    good, bad, hidden = (peer.request("OPTIONS") for _ in range(3))
    octets = good.encode() + LOST[name](bad.encode()) + hidden.encode()
    send_in_pieces(daemon, peer, cut(octets, [len(good.encode()), len(octets) - len(hidden.encode())], rng))
    assert received(peer) == ([(200, good.call_id), (400, bad.call_id)], 0)
    assert is_closed(peer, 4)
    alive(daemon)


@pytest.mark.parametrize("seed", range(4))
def test_connection_ends_anywhere(daemon, connect, seed):
    """In the midst of whatever it is, with FIN or with RST: nothing of it stays."""
    rng = random.Random(seed)
    before = files_of(daemon)
    for _ in range(8):
        peer = connect(daemon)
        octets, ends, *_ = mixture(peer, rng, 10, ANYTIME)
        pieces = cut(octets, ends, rng)
        send_in_pieces(daemon, peer, pieces[: rng.randrange(1, len(pieces))])
        if rng.random() < 0.5:
            peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    wait_for_files(daemon, before)
    alive(daemon)


# ---- a connection of ours ----


def test_message_does_not_end_on_our_connection(start_daemon):
    """What comes on it would never be read again: it is given up, and the next request makes another."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        contact = f"sip:fixed@127.0.0.1:{server.getsockname()[1]}\\;transport=tcp"
        aor = f"[fixed]\ntype = aor\ncontact = {contact}\nqualify_frequency = 2\n"
        files = {"sipsession.conf": "[overload]\nmax_delay = 0\n[guard]\nmessage_timeout = 1\n"}
        daemon = start_daemon(endpoints=ANYBODY + aor, files=files)
        server.settimeout(8)
        first, _ = server.accept()
        with first:
            first.settimeout(5)
            assert first.recv(65536).startswith(b"OPTIONS ")
            first.sendall(b"SIP/2.0 200 OK\r\nVia: ")
            second, _ = server.accept()
            second.close()
    assert daemon.wait_log("closing .*: its message does not end")


# ---- keep-alives ----


def pongs(peer, timeout=1.0):
    """The octets that come within that time, and right after the first ones."""
    end, got = time.monotonic() + timeout, b""
    while select.select([peer.socket], [], [], max(end - time.monotonic(), 0))[0]:
        got += peer.socket.recv(1000)
        end = min(end, time.monotonic() + 0.1)
    return got


def test_pongs_are_no_ping(daemon):
    """RFC 5626 4.4.1: the two line ends of a ping come together; a line end now and then answers pings of ours."""
    peer = daemon.peer("tcp")
    for _ in range(2):
        peer.socket.send(b"\r\n")
        assert pongs(peer, 5.5) == b""
    peer.socket.send(b"\r\n\r\n")
    assert pongs(peer) == b"\r\n"


# ---- peers that do not read ----


def unsent(most):
    return {"sipsession.conf": f"[overload]\nmax_delay = 0\n[guard]\nmax_unsent = {most}\n"}


def files_of(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


BRIEF = "type = system\ntimer_b = 1000\ntimer_t1 = 100\n"
WAITS = "messages wait on "
CLOSED = "its peer does not read"


def fill(daemon, peer, text):
    """Sends requests and reads nothing, until the daemon's log has that text: their Call-IDs."""
    sent, end = [], time.monotonic() + 30
    with open(daemon.log_path) as log:
        log.seek(0, os.SEEK_END)
        while text not in log.read():
            assert time.monotonic() < end
            requests = [peer.request("OPTIONS", headers=[BAD_ROUTE]) for _ in range(50)]
            send_in_pieces(daemon, peer, [b"".join(request.encode() for request in requests)])
            sent += [request.call_id for request in requests]
    return sent


def wait_for_files(daemon, count, timeout=8):
    end = time.monotonic() + timeout
    while files_of(daemon) > count:
        assert time.monotonic() < end, "its socket is still there"
        time.sleep(0.05)


def test_peer_reads_late(start_daemon, authority, connect):
    """What waited comes in its order, nothing is lost, and the connection goes on."""
    daemon = start_daemon(**with_tls(authority, files=unsent(100000)))
    peer = connect(daemon)
    sent = fill(daemon, peer, WAITS)
    answers, line_ends_got = received(peer, 30)
    assert answers == [(400, call_id) for call_id in sent] and line_ends_got == 0
    last = peer.request("OPTIONS")
    peer.send(last)
    peer.expect(200, call_id=last.call_id)


def test_peer_does_not_read(start_daemon, authority, connect):
    """What waits for it is limited, or it would have all memory; then its connection is closed: TCP's at once."""
    system = BRIEF if connect.transport == "tls" else ""
    daemon = start_daemon(**with_tls(authority, files=unsent(100), system=system))
    before = files_of(daemon)
    fill(daemon, connect(daemon), CLOSED)
    assert daemon.wait_log(f"closing .*: {CLOSED}")
    alive(daemon)
    wait_for_files(daemon, before)


def test_peer_that_does_not_read_is_given_up(start_daemon, authority, connect):
    """Too few wait to be too many, but for four times timer B nothing is taken."""
    daemon = start_daemon(**with_tls(authority, files=unsent(100000), system=BRIEF))
    before = files_of(daemon)
    fill(daemon, connect(daemon), WAITS)
    wait_for_files(daemon, before)
    assert CLOSED not in daemon.log()
    alive(daemon)


def test_connection_breaks_while_messages_wait(start_daemon, authority, connect):
    """All of them are given up, and nothing of it stays."""
    daemon = start_daemon(**with_tls(authority, files=unsent(100000)))
    before = files_of(daemon)
    peer = connect(daemon)
    fill(daemon, peer, WAITS)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    wait_for_files(daemon, before)
    assert CLOSED not in daemon.log()
    alive(daemon)
