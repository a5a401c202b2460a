# SPDX-License-Identifier: GPL-2.0-or-later
"""What no honest peer sends, against a daemon: each entry of docs/pjsip.md that a peer can trigger, and connections.

Each trigger is sent as a datagram and on a connection. The answer is the one that RFC 3261 has for it; after it the
connection is where it was, and the daemon goes on. The names of the cases begin with the entry.
"""

import re
import select
import socket
import time

import pytest
from support.daemon import ANYBODY, Daemon, free_port
from support.peer import Call, unique
from support.wire import Message

HEAD = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 0\r\n"


def alive(daemon):
    """Answers, and its log shows no failed assertion of PJSIP (Daemon.stop looks for those of sanitizers)."""
    peer = daemon.peer()
    request = peer.request("OPTIONS")
    peer.send(request)
    peer.expect(200, call_id=request.call_id)
    assert "Assertion" not in daemon.log()


def answer(daemon, transport, request):
    """The answer to a request, which must leave a connection fit for the next one."""
    peer = daemon.peer(transport)
    peer.send(request)
    got = peer.receive(3)
    if got is not None and got.status == 100:
        got = peer.receive(3)
    if transport == "tcp":
        again = peer.request("OPTIONS")
        peer.send(again)
        peer.expect(200, call_id=again.call_id, skip=(100,))
    alive(daemon)
    return got


@pytest.fixture(params=["udp", "tcp"])
def transport(request):
    return request.param


# ---- headers ----

HEADERS = {
    "A0.2-echoed": (513, [("Record-Route", f"<sip:{'r' * 800}@p{n}.invalid;lr>") for n in range(3)]),
    "A0.2-vias": (513, [("Via", f"SIP/2.0/UDP 192.0.2.{n};branch=z9hG4bK{'b' * 200}") for n in range(12)]),
    "A3-require": (400, [("Require", ",".join(f"tag{n}" for n in range(32)))]),
    "A3-supported": (400, [("Supported", ",".join(f"tag{n}" for n in range(17)))]),
    "A5-content-type": (400, [("Content-Type", "a/" + "b" * 300)]),
    "A5-content-type-parameter": (400, [("Content-Type", "a/b;c=" + "d" * 300)]),
    "A11-escape": (400, [("Contact", "<sip:a%2@b.invalid>")]),
    "A11-escape-at-the-end": (400, [("Route", "<sip:a@b.invalid>;x=%")]),
    "B5-record-route-hide": (400, [("Record-Route", "<sip:p.invalid;lr;hide>")]),
    "B5-route-hide": (400, [("Route", "<sip:p.invalid;hide>")]),
    "C9-fields": (400, [("X-Field", "y")] * 250),
    "twice": (400, [("Call-ID", "another")]),
    "two-lengths": (400, [("Content-Length", "0"), ("l", "1")]),
}


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("method", ["OPTIONS", "INVITE"])
def test_headers(daemon, transport, method, name):
    status, headers = HEADERS[name]
    peer = daemon.peer(transport)
    request = peer.request(method, "echo", headers=headers)
    peer.send(request)
    got = peer.receive(3)
    assert got is not None and got.status == status, got
    assert got.call_id == request.call_id and got.to_tag and not got.has("record-route")
    alive(daemon)
    if transport == "tcp" and name != "two-lengths":
        peer.send(peer.request("OPTIONS"))
        peer.expect(200)


def test_uri_too_long(daemon, transport):
    """RFC 3261 21.4.12."""
    peer = daemon.peer(transport)
    assert answer(daemon, transport, peer.request("INVITE", "e" * 1100)).status == 414


def test_body_too_large(daemon, transport):
    """21.4.11; on a connection the body is passed over, whether it is here already or not."""
    peer = daemon.peer(transport)
    got = answer(daemon, transport, peer.request("INVITE", "echo", body=b"x" * 7100))
    assert got.status == 413 and not got.has("retry-after"), "it would be too large later, too"


def test_message_too_large(daemon):
    """21.5.7: a datagram of which the end is missing."""
    peer = daemon.peer()
    peer.send(peer.request("OPTIONS", body=b"x" * 20000))
    assert peer.expect(513).to_tag
    alive(daemon)


def test_large_body_is_passed_over(daemon):
    """What a refused body holds is no message, and what follows it is one."""
    peer = daemon.peer("tcp")
    trap = peer.request("OPTIONS").encode()
    first = peer.request("INVITE", "echo", body=(b"\r\n\r\n" + trap) * 200)
    last = peer.request("OPTIONS")
    peer.send(first.encode() + last.encode())
    assert peer.expect(413, call_id=first.call_id)
    assert peer.expect(200, call_id=last.call_id)
    peer.expect_nothing(0.2)


def test_enciphered_body(daemon, transport):
    """21.4.29, 23.2."""
    peer = daemon.peer(transport)
    headers = [("Content-Type", "application/pkcs7-mime;smime-type=enveloped-data")]
    assert answer(daemon, transport, peer.request("INVITE", "echo", headers, b"\x30\x80")).status == 493


# ---- bodies ----


def sections(line, count):
    return AUDIO + "".join(line.format(n) for n in range(count))


SDPS = {
    "A0.3-payload-twice": "m=audio 4000 RTP/AVP 0 8 0\r\n",
    "A1-streams": "m=x 0 RTP/AVP 0\r\n" * 16,
    "A1-streams-beyond-the-array": "m=x 0 RTP/AVP 0\r\n" * 40,
    "A2-keys": sections("a=crypto:{0} AES_CM_128_HMAC_SHA1_80 inline:x\r\n", 66),
    "A2-attributes": sections("a=x-{0}\r\n", 80),
    "A6-rtpmap": AUDIO + "a=rtpmap:65535 x/8000\r\n",
    "A6-fmtp": AUDIO + "a=fmtp:4294967200 x\r\n",
    "A6-payload": "m=audio 4000 RTP/AVP 128\r\n",
    "B4-leading-zero": "m=audio 4000 RTP/AVP 00\r\n",
    "B15-formats": "m=audio 4000 RTP/AVP " + " ".join(map(str, range(60))) + "\r\n",
    "C7-clock": AUDIO + "a=rtpmap:0 PCMU/4294975296\r\n",
    "C7-clock-0": AUDIO + "a=rtpmap:0 PCMU/0\r\n",
    "C7-port": "m=audio 69632 RTP/AVP 0\r\n",
    "C7-rtcp": AUDIO + "a=rtcp:65536\r\n",
    "C7-ssrc": AUDIO + "a=ssrc:4294967296 cname:x\r\n",
}


@pytest.mark.parametrize("name", SDPS)
def test_sdp(daemon, transport, name):
    peer = daemon.peer(transport)
    request = peer.request("INVITE", "echo", [("Content-Type", "application/sdp")], (HEAD + SDPS[name]).encode())
    assert answer(daemon, transport, request).status == 488


def test_sdp_without_an_address(daemon, transport):
    """B2: a refused stream, too, has c= of its own or of the session."""
    sdp = HEAD.replace("c=IN IP4 127.0.0.1\r\n", "") + AUDIO + "c=IN IP4 127.0.0.1\r\nm=video 0 RTP/AVP 97\r\n"
    peer = daemon.peer(transport)
    request = peer.request("INVITE", "echo", [("Content-Type", "application/sdp")], sdp.encode())
    assert answer(daemon, transport, request).status == 488


def test_sdp_in_a_call(daemon, transport):
    """A1: a re-INVITE with more streams than there is room for leaves the call as it was."""
    peer = daemon.peer(transport)
    call = Call(peer, "echo")
    call.establish()
    call.send("INVITE", body=(HEAD + "m=x 0 RTP/AVP 0\r\n" * 16).encode())
    call.expect(488)
    call.send("INVITE", body=call.offer)
    call.ack(call.expect(200))
    call.hang_up()
    alive(daemon)


def test_bundle_only(daemon, transport):
    """C6: a stream that would be taken in another's transport (RFC 8843 7.2.1) is refused, not misunderstood."""
    sdp = HEAD + "a=group:BUNDLE a b\r\n" + AUDIO + "a=mid:a\r\n" + "m=audio 0 RTP/AVP 0\r\na=bundle-only\r\na=mid:b\r\n"
    call = Call(daemon.peer(transport), "echo", sdp=sdp.encode())
    call.establish()
    lines = [line for line in call.answer.body.decode().split("\r\n") if line.startswith("m=")]
    assert len(lines) == 2 and lines[0].split()[1] != "0" and lines[1].split()[1] == "0"
    call.hang_up()


def test_octets_behind_the_body(daemon):
    """RFC 3261 18.3: what a datagram has behind Content-Length is passed over, whatever it is."""
    peer = daemon.peer()
    call = Call(peer, "echo", sdp=(HEAD + AUDIO).encode())
    call.invite = call.build("INVITE", body=call.offer)
    peer.send(call.invite.encode() + b"m=x 0 RTP/AVP 0\r\n" * 16)
    call.ack(call.expect(200, skip=(100, 180, 183)))
    assert call.answer.body.decode().count("m=") == 1
    call.hang_up()


MULTIPARTS = {
    "A4-only-the-end": b"--b--",
    "A4-only-the-end-in-lines": b"\r\n--b--\r\n",
    "A4-no-boundary": b"nothing of the kind",
    "A4-part-without-body": b"--b\r\n--b--\r\n",
}


@pytest.mark.parametrize("name", MULTIPARTS)
def test_multipart(daemon, transport, name):
    peer = daemon.peer(transport)
    request = peer.request("INVITE", "echo", [("Content-Type", "multipart/mixed;boundary=b")], MULTIPARTS[name])
    assert answer(daemon, transport, request).status == (415 if "part-without-body" in name else 400)


def test_multipart_with_a_bad_sdp(daemon, transport):
    body = b"--b\r\nContent-Type: application/sdp\r\n\r\n" + (HEAD + SDPS["A2-keys"]).encode() + b"\r\n--b--\r\n"
    peer = daemon.peer(transport)
    request = peer.request("INVITE", "echo", [("Content-Type", "multipart/mixed;boundary=b")], body)
    assert answer(daemon, transport, request).status == 488


EXPLAINED = {
    # status: the request's headers and body; the header of the answer, and what it has
    415: ([("Content-Type", "application/sdp"), ("Content-Encoding", "gzip")], b"x", "Accept-Encoding", "identity"),
    488: ([("Content-Type", "application/sdp")], (HEAD + SDPS["A2-keys"]).encode(), "Warning", '399 .* "Too many keys"'),
    501: ([], b"", "Allow", "INVITE"),
}


@pytest.mark.parametrize("status", EXPLAINED)
def test_a_refusal_explains_itself(daemon, transport, status):
    """RFC 3261 21.4.13, 13.3.1.3 (20.43), 8.2.1; the reason phrase says what is wrong (21.4.1)."""
    headers, body, name, wanted = EXPLAINED[status]
    peer = daemon.peer(transport)
    got = answer(daemon, transport, peer.request("INVITE" if body else "options", "echo", headers, body))
    assert got.status == status and re.search(wanted, got.get(name)), got
    assert not got.has("retry-after"), "it would be refused later, too"


# ---- where a message ends ----

GOOD = (
    "OPTIONS sip:{host} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b.invalid>;tag=1\r\n"
    "To: <sip:{host}>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)

LOST = {
    "no-length": ("Content-Length: 0\r\n", ""),
    "length-text": ("Content-Length: 0", "Content-Length: none"),
    "length-negative": ("Content-Length: 0", "Content-Length: -1"),
    "length-huge": ("Content-Length: 0", "Content-Length: 4294967296"),
    "two-lengths": ("Content-Length: 0", "Content-Length: 0\r\nl: 200"),
    "length-behind-a-cr": ("Max-Forwards: 70", "X: y\rContent-Length: 200"),
    "name-with-a-cr": ("Max-Forwards: 70", "Content\rLength: 200"),
    "bare-lf": ("Max-Forwards: 70\r\n", "Max-Forwards: 70\n"),
    "bare-lf-at-the-end": ("Content-Length: 0\r\n\r\n", "Content-Length: 0\n\r\n"),
}


@pytest.mark.parametrize("name", LOST)
def test_end_in_doubt(daemon, name):
    """RFC 3261 18.3: refused, nothing behind it is read as a message, and the connection is closed."""
    peer = daemon.peer("tcp")
    text = GOOD.format(host=f"{peer.remote_host}:5060", via=peer.via(), call=unique("m"))
    assert LOST[name][0] in text
    hidden = peer.request("OPTIONS")
    peer.send(text.replace(*LOST[name]).encode() + hidden.encode())
    got = peer.receive(3)
    assert got.status == 400 and got.call_id != hidden.call_id
    assert peer.receive(4) is None and peer.closed
    alive(daemon)


def test_message_in_pieces(daemon):
    """Good ones, octet by octet and all at once, and refused ones in between."""
    peer = daemon.peer("tcp")
    requests = [peer.request("OPTIONS") for _ in range(3)]
    bad = peer.request("INVITE", "echo", [("Route", "<sip:p.invalid;hide>")], b"x" * 300)
    peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for octet in requests[0].encode() + bad.encode():
        peer.socket.send(bytes([octet]))
    peer.expect(200, call_id=requests[0].call_id)
    peer.expect(400, call_id=bad.call_id)
    peer.send(requests[1].encode() + bad.encode() + requests[2].encode())
    peer.expect(200, call_id=requests[1].call_id)
    peer.expect(400, call_id=bad.call_id, again=True)
    peer.expect(200, call_id=requests[2].call_id)


def test_message_cut_off(daemon):
    """A message comes in two pieces, cut near its end; between them the daemon has read the first."""
    peer = daemon.peer("tcp")
    for behind in range(1, 6):
        request = peer.request("OPTIONS")
        octets = request.encode()
        peer.socket.sendall(octets[:-behind])
        alive(daemon)
        peer.expect_nothing(0, answered=False)
        peer.socket.sendall(octets[-behind:])
        peer.expect(200, call_id=request.call_id)


def test_responses_are_dropped(daemon, transport):
    """Nobody answers a response."""
    peer = daemon.peer(transport)
    request = peer.request("OPTIONS", headers=[("Record-Route", "<sip:p.invalid;hide>")])
    peer.send(Message("SIP/2.0 200 OK", request.headers))
    peer.expect_nothing(0.2)
    alive(daemon)


def test_ack_is_never_answered(daemon, transport):
    peer = daemon.peer(transport)
    peer.send(peer.request("ACK", "echo", [("Record-Route", "<sip:p.invalid;hide>")]))
    peer.expect_nothing(0.2)
    alive(daemon)


def test_refusal_goes_where_via_wants_it(daemon):
    """18.2.2: without rport, to the port of sent-by."""
    peer, other = daemon.peer(), daemon.peer()
    request = peer.request("OPTIONS", headers=[("Route", "<sip:p.invalid;hide>")])
    request.headers[0] = ("Via", f"SIP/2.0/UDP wrong.invalid:{other.port};branch={unique('z9hG4bK')}")
    peer.send(request)
    assert "received=127.0.0.1" in other.expect(400).get("via")
    peer.expect_nothing(0.1)


# ---- keep-alives (C1, RFC 5626 4.4.1) ----


def octets_before_the_answer(peer):
    """What comes before the answer to OPTIONS, which is asked for behind all that was sent."""
    peer.send(peer.request("OPTIONS"))
    peer.socket.settimeout(10)
    got = b""
    while not re.search(rb"(?s)SIP/2.0 200 .*\r\n\r\n\Z", got):
        got += peer.socket.recv(1000)
    return got.rpartition(b"SIP/2.0 ")[0]


@pytest.mark.parametrize("pieces, wanted", [
    ([b"\r\n\r\n"], 1),
    ([b"\r\n", b"\r\n"], 1),
    ([b"\r", b"\n\r", b"\n"], 1),
    ([b"\r\n\r\n\r\n\r\n"], 2),
    ([b"\r\n\r\n\r\n", b"\r\n"], 2),
    ([b"\r\n"], 0),
])  # fmt: skip
def test_keep_alive(daemon, pieces, wanted):
    peer = daemon.peer("tcp")
    for piece in pieces:
        peer.socket.send(piece)
        time.sleep(0.02)  # so that they come one by one
    assert octets_before_the_answer(peer) == b"\r\n" * wanted


def test_keep_alive_around_messages(daemon):
    """One line end before a message and one behind it are no ping."""
    peer = daemon.peer("tcp")
    peer.socket.send(b"\r\n" + peer.request("OPTIONS").encode() + b"\r\n")
    peer.expect(200)
    peer.socket.send(b"\r\n")
    assert octets_before_the_answer(peer) == b"\r\n"


# ---- connections ----

GUARD = """\
[guard]
max_connections = 30
max_connections_per_source = 20
message_timeout = 1
idle_timeout = 5
"""


@pytest.fixture
def strict(tmp_path):
    """A daemon that allows little."""
    daemon = Daemon(tmp_path / "strict", "[default]\nexten = wait,1,Answer()\n same = n,Wait(60)\n", files={"sipsession.conf": GUARD})
    daemon.start()
    yield daemon
    daemon.stop()


def is_closed(peer, timeout):
    """Whether the daemon closes it within that time."""
    end = time.monotonic() + timeout
    try:
        while select.select([peer.socket], [], [], max(end - time.monotonic(), 0))[0]:
            if not peer.socket.recv(1000):
                return True
    except ConnectionResetError:
        return True
    return False


def opened(daemon, count, local=None):
    """Connections that the daemon keeps, of so many."""
    peers = []
    for _ in range(count):
        peer = daemon.peer("tcp", local=local)
        peer.send(peer.request("OPTIONS"))
        try:
            if peer.receive(2):
                peers.append(peer)
        except ConnectionResetError:
            pass
    return peers


def test_connections_are_limited(strict):
    """D3: of each source, and of all; others and UDP go on; a closed one makes room."""
    first = opened(strict, 25, "127.0.0.1")
    assert len(first) == 20
    assert len(opened(strict, 25, "127.0.0.2")) == 10
    assert opened(strict, 1, "127.0.0.3") == []
    alive(strict)
    mark = len(strict.log())
    first[0].close()
    assert strict.wait_log("TCP connection closed", after=mark)
    end = time.monotonic() + 5
    while not opened(strict, 1, "127.0.0.3"):
        assert time.monotonic() < end


@pytest.mark.parametrize("octets", [b"", b"OPTIONS sip:x SIP/2.0\r\nVia:", "body"])
def test_silent_connection_is_closed(strict, octets):
    """One that says nothing, or not enough, within message_timeout."""
    peer = strict.peer("tcp")
    if octets == "body":
        octets = peer.request("OPTIONS", body=b"x" * 100).encode()[:-1]
    peer.socket.send(octets)
    assert not is_closed(peer, 0.7)
    assert is_closed(peer, 4)


def test_slow_message_is_closed(strict):
    """An octet now and then does not keep a message open."""
    peer = strict.peer("tcp")
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    begun = time.monotonic()
    try:
        for octet in peer.request("OPTIONS").encode():
            peer.socket.send(bytes([octet]))
            if is_closed(peer, 0.1):
                break
    except OSError:
        pass
    assert 0.7 < time.monotonic() - begun < 5


def test_idle_connection_is_closed_unless_kept_alive(strict):
    """idle_timeout counts from the last octet, keep-alives included; a call's connection is not closed for it."""
    idle, kept = opened(strict, 2)
    begun = time.monotonic()
    while not is_closed(idle, 0.5):
        kept.socket.send(b"\r\n\r\n")
        assert time.monotonic() - begun < 12
    assert time.monotonic() - begun > 4
    assert not is_closed(kept, 0.5)
    kept.buffer = b""
    kept.send(kept.request("OPTIONS"))
    kept.expect(200)


def test_endless_headers(daemon):
    """Headers that do not end: 513 is not owed, but the connection goes and no memory is held."""
    peer = daemon.peer("tcp")
    peer.send(b"OPTIONS sip:x SIP/2.0\r\n" + b"X: y\r\n" * 3000)
    assert is_closed(peer, 4)
    alive(daemon)


def test_limits_are_those_of_the_file(tmp_path):
    """The numbers of [guard] are what counts."""
    files = {"sipsession.conf": "[guard]\nmax_streams = 2\nmax_option_tags = 4\nmax_body_size = 300\n"}
    daemon = Daemon(tmp_path / "limits", "[default]\nexten = echo,1,Answer()\n same = n,Echo()\n", files=files)
    daemon.start()
    try:
        peer = daemon.peer()
        for body, status in ((HEAD + AUDIO * 2, 200), (HEAD + AUDIO * 3, 488), ("x" * 301, 413)):
            call = Call(peer, "echo", sdp=body.encode())
            if status == 200:
                call.establish()
                call.hang_up()
            else:
                call.refuse_check(status)
        assert answer(daemon, "udp", peer.request("OPTIONS", headers=[("Supported", "a,b,c,d,e")])).status == 400
    finally:
        daemon.stop()


@pytest.mark.parametrize("switch", ["no", "yes"])
def test_udp_alone_is_warned_of(start_daemon, switch):
    """C14: where large requests are to go by TCP, there should be a TCP transport."""
    port = free_port("127.0.0.1")
    transport = f"[udp]\ntype = transport\nprotocol = udp\nbind = 127.0.0.1:{port}\n"
    switch_option = f"[system]\ntype = system\ndisable_tcp_switch = {switch}\n"
    daemon = start_daemon(files={"pjsip.conf": transport + switch_option + ANYBODY}, ready=False)
    daemon.wait_for_answer(("127.0.0.1", port), time.monotonic() + 30)
    assert ("no TCP transport beside it: requests too large" in daemon.log()) == (switch == "no")
    daemon.sockets_at_rest = daemon.udp_sockets()


def test_the_log_says_why(daemon):
    """At its debug level, with where it came from."""
    peer = daemon.peer()
    before = len(daemon.log())
    peer.send(peer.request("OPTIONS", headers=[("Route", "<sip:p.invalid;hide>")]))
    peer.expect(400)
    found = daemon.wait_log(r"refused a message from (\S+): (.*)", after=before)
    assert found.group(1) == f"127.0.0.1:{peer.port}" and re.search("route", found.group(2))
