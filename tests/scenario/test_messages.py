# SPDX-License-Identifier: GPL-2.0-or-later
"""OPTIONS, extensions that we do not know, and messages that are none (RFC 3261 8.2, 11, 18, 21; RFC 4475)."""

import random
import time

import pytest
from support.peer import Call, unique
from support.wire import Message


def alive(peer):
    peer.waiting.clear()
    request = peer.request("OPTIONS")
    peer.send(request)
    return peer.expect(200, call_id=request.call_id, timeout=5)


# ---- OPTIONS ----


@pytest.mark.parametrize("way", ["udp", "tcp", "udp6", "tcp6"])
def test_options(daemon, way):
    peer = daemon.peer(way[:3], remote=daemon.udp6 if "6" in way else daemon.udp)
    peer.send(peer.request("OPTIONS"))
    answer = peer.expect(200)
    assert {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"} <= set(answer.tokens("allow"))
    assert "application/sdp" in answer.tokens("accept")
    assert answer.has("supported")
    assert answer.to_tag


def test_options_for_an_extension(peer):
    """11.2: the answer is what an INVITE would get: 200 for one that exists, 404 for none."""
    peer.send(peer.request("OPTIONS", "echo"))
    assert peer.expect(200).has("allow")
    peer.send(peer.request("OPTIONS", "nosuch"))
    peer.expect(404)


def test_options_by_two_ways_is_two(peer):
    request = peer.request("OPTIONS")
    peer.send(request)
    first = peer.expect(200)
    peer.send(request)
    again = peer.expect(200, again=True)
    assert again.encode() == first.encode(), "a retransmission gets the same response"


# ---- what is not supported ----


def test_unknown_required_extension(peer):
    """8.2.2.3."""
    refusal = Call(peer, "echo", headers=[("Require", "100rel-not, frobnication")]).refuse_check(420)
    assert {"100rel-not", "frobnication"} <= set(refusal.tokens("unsupported"))


def test_unknown_supported_extension_is_fine(peer):
    call = Call(peer, "echo", headers=[("Supported", "frobnication, x-y"), ("Allow-Events", "stuff")])
    call.establish()
    call.hang_up()


def test_proxy_require_is_not_ours(peer):
    call = Call(peer, "echo", headers=[("Proxy-Require", "frobnication")])
    call.send_invite()
    if call.expect(200, 420).status == 200:
        call.ack()
        call.hang_up()


@pytest.mark.parametrize("method", ["FROBNICATE", "PUBLISH", "SUBSCRIBE", "REGISTER"])
def test_methods_outside_of_a_call(peer, method):
    """8.2.1: 405 with Allow for a method that is known, 501 for one that is not."""
    peer.send(peer.request(method, "echo"))
    refusal = peer.expect(405, 501, 403, 404, 489)
    assert refusal.status != 405 or refusal.has("allow")


def test_refer_and_notify_outside_of_a_call(peer):
    for method in ("REFER", "NOTIFY", "INFO", "PRACK", "UPDATE"):
        peer.send(peer.request(method, "echo", headers=[("Refer-To", "<sip:x@127.0.0.1>"), ("Event", "x")]))
        assert 400 <= peer.expect(403, 405, 481, 489, 501, 400).status < 600


@pytest.mark.parametrize(
    "uri, status", [("http://127.0.0.1/", 416), ("nosuch:scheme", 416)]
)
def test_strange_uri_schemes(peer, uri, status):
    """8.2.2.1."""
    call = Call(peer, "echo")
    call.target = uri
    call.refuse_check(status)


@pytest.mark.parametrize("method", ["OPTIONS", "MESSAGE", "REGISTER", "SUBSCRIBE"])
def test_strange_uri_schemes_of_other_requests(peer, method):
    peer.send(peer.request(method, uri="nosuch:scheme", to_value="<sip:a@127.0.0.1>"))
    peer.expect(416)


def without_hops(message):
    message.headers = [(n, "0" if n == "Max-Forwards" else v) for n, v in message.headers]
    return message


def test_max_forwards_zero(peer):
    """16.3: nothing goes on from here; OPTIONS is answered (11), and so is what belongs to a call."""
    call = Call(peer, "echo")
    call.invite = without_hops(call.build("INVITE", body=call.offer))
    peer.send(call.invite)
    call.expect(483)
    peer.send(without_hops(peer.request("OPTIONS")))
    peer.expect(200)
    call = Call(peer, "echo")
    call.establish()
    peer.send(without_hops(call.build("BYE")))
    call.expect(200)


def test_content_encoding(peer):
    """8.2.3: a body that is encoded in a way that we don't know: 415 with Accept-Encoding."""
    refusal = Call(peer, "echo", headers=[("Content-Encoding", "gzip")]).refuse_check(415)
    assert refusal.has("accept-encoding") or refusal.has("accept")


# ---- malformed ----

GOOD = (
    "OPTIONS sip:{host} SIP/2.0\r\nVia: {via}\r\nMax-Forwards: 70\r\nFrom: <sip:a@b.invalid>;tag=1\r\n"
    "To: <sip:{host}>\r\nCall-ID: {call}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
)


def damaged(peer, old, new, count=1):
    text = GOOD.format(host=f"{peer.remote_host}:{peer.remote[1]}", via=peer.via(), call=unique("m"))
    assert old in text, old
    return text.replace(old, new, count).encode("utf-8", "surrogateescape")


REFUSABLE = {
    "cseq-method": ("CSeq: 1 OPTIONS", "CSeq: 1 INVITE"),
    "cseq-none": ("CSeq: 1 OPTIONS\r\n", ""),
    "cseq-huge": ("CSeq: 1 OPTIONS", "CSeq: 99999999999999999999 OPTIONS"),
    "cseq-text": ("CSeq: 1 OPTIONS", "CSeq: one OPTIONS"),
    "no-from": ("From: <sip:a@b.invalid>;tag=1\r\n", ""),
    "no-to": ("To: <", "Ot: <"),
    "no-call-id": ("Call-ID: ", "X-Call-ID: "),
    "from-broken": ("From: <sip:a@b.invalid>;tag=1", "From: <sip:a@b.invalid;tag=1"),
    "from-quote": ("From: <sip:a@b.invalid>;tag=1", 'From: "open <sip:a@b.invalid>;tag=1'),
    "two-from": ("CSeq", "From: <sip:x@y.invalid>;tag=2\r\nCSeq"),
    "two-call-id": ("CSeq", "Call-ID: another\r\nCSeq"),
    "length-text": ("Content-Length: 0", "Content-Length: none"),
    "length-negative": ("Content-Length: 0", "Content-Length: -1"),
    "length-short": ("Content-Length: 0", "Content-Length: 500"),
    "version": ("SIP/2.0\r\nVia", "SIP/7.0\r\nVia"),
    "uri-blanks": ("OPTIONS sip:", "OPTIONS sip: "),
    "uri-angle": ("OPTIONS sip:", "OPTIONS <sip:"),
    "uri-percent": ("OPTIONS sip:", "OPTIONS sip:%zz@"),
    "forwards-text": ("Max-Forwards: 70", "Max-Forwards: many"),
    "colon-none": ("Max-Forwards: 70", "Max-Forwards 70"),
    "route-hide": ("Max-Forwards", "Record-Route: <sip:x.invalid;hide>\r\nMax-Forwards"),
    "require-many": ("Max-Forwards", "Require: " + ",".join(f"t{n}" for n in range(64)) + "\r\nMax-Forwards"),
    "contact-broken": ("Max-Forwards", "Contact: <\r\nMax-Forwards"),
    "type-long": ("Content-Length: 0", "Content-Type: a/" + "b" * 5000 + "\r\nContent-Length: 0"),
    "vias-many": ("Max-Forwards", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n" * 70 + "Max-Forwards"),
    "name-long": ("Max-Forwards", "X" * 3000 + ": y\r\nMax-Forwards"),
    "value-long": ("Max-Forwards", "X-Y: " + "y" * 20000 + "\r\nMax-Forwards"),
    "utf8-broken": ("To: <", "To: \udcff\udcfe <"),
    "nul": ("To: <", 'To: "a\0b" <'),
    "percent-end": ("To: <sip:", "To: <sip:%"),
}  # fmt: skip

# What RFC 3261 allows to be read over.
FORGIVABLE = ("two-from", "vias-many", "name-long", "value-long", "utf8-broken", "nul", "forwards-text")


@pytest.mark.parametrize("name", REFUSABLE)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_malformed_request(daemon, transport, name):
    """Dropped, or refused with a 4xx or 5xx: never anything else, and the daemon goes on."""
    peer = daemon.peer(transport)
    peer.send(damaged(peer, *REFUSABLE[name]))
    try:
        got = peer.receive(0.25)
    except (ConnectionResetError, AssertionError):
        got = None
    if got is not None:
        assert 400 <= got.status < 600 or (got.status == 200 and name in FORGIVABLE), got
    alive(daemon.peer())


RAW = {
    "empty": b"",
    "blank": b"\r\n\r\n\r\n",
    "one-octet": b"\x00",
    "binary": bytes(range(256)) * 8,
    "stun": b"\x00\x01\x00\x00\x21\x12\xa4\x42" + b"\x00" * 12,
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "start-line": b"OPTIONS sip:x SIP/2.0\r\n\r\n",
    "response": b"SIP/2.0 200 OK\r\n\r\n",
    "response-bad": b"SIP/2.0 2000000000000 OK\r\nVia: SIP/2.0/UDP x\r\nCSeq: 1 INVITE\r\n\r\n",
    "response-alone": (
        b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKnone\r\nFrom: <sip:a@b>;tag=1\r\n"
        b"To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
    ),
    "endless-line": b"OPTIONS " + b"x" * 60000,
    "headers-only": b"Via: SIP/2.0/UDP x\r\n" * 500,
    "lf-only": b"OPTIONS sip:x SIP/2.0\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\n\n",
}  # fmt: skip


@pytest.mark.parametrize("name", RAW)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_no_sip_at_all(daemon, transport, name):
    peer = daemon.peer(transport)
    peer.send(RAW[name])
    try:
        peer.read(0.1)
    except (ConnectionResetError, AssertionError):
        pass
    alive(daemon.peer())


def test_malformed_sdp_and_multipart(daemon, peer):
    bodies = {
        "application/sdp": [b"v=0", b"\0" * 100, b"m=audio\r\n" * 50, b"v=0\r\no=- 1 1 IN IP4 x\r\n" + b"m=audio 1 RTP/AVP " + b"0 " * 900],
        "multipart/mixed;boundary=b": [b"--b--", b"--b--\r\n", b"--b\r\n\r\n--b--", b"--b\r\n", b""],
        "multipart/mixed": [b"--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--"],
        "multipart/mixed;boundary=\"": [b"--\r\n--"],
    }
    for kind, texts in bodies.items():
        for text in texts:
            call = Call(peer, "echo")
            invite = call.build("INVITE", body=text or b" ")
            invite.headers = [(n, kind if n == "Content-Type" else v) for n, v in invite.headers]
            call.invite = invite
            peer.send(invite)
            if '"' in kind:  # a header that cannot be read: the message may be dropped
                peer.so_far()
            else:
                call.expect(400, 415, 488, 606)
    alive(daemon.peer())


def test_damaged_at_random(daemon, peer):
    """Octets of a good INVITE exchanged, dropped, doubled: 400 messages, the same ones on each run."""
    chance = random.Random(4711)
    for _ in range(400):
        call = Call(peer, "busy")
        data = bytearray(call.build("INVITE", body=call.offer).encode())
        for _ in range(chance.randrange(1, 6)):
            at = chance.randrange(len(data))
            kind = chance.randrange(4)
            if kind == 0:
                data[at] = chance.randrange(256)
            elif kind == 1:
                del data[at : at + chance.randrange(1, 20)]
            elif kind == 2:
                data[at:at] = data[at : at + chance.randrange(1, 40)]
            else:
                data[at] = ord(chance.choice("\r\n:;,<>\"@ %\0"))
        peer.socket.sendto(bytes(data), peer.remote)
    end = time.monotonic() + 1
    while time.monotonic() < end and peer.read(0.05) is not None:
        pass
    alive(daemon.peer())
    # calls that the damage left without an ACK end by themselves; end them now
    assert daemon.alive()


def test_connection_that_says_nothing(daemon):
    """Connections that are opened and left, or send half a message, hold nobody up."""
    idle = [daemon.peer("tcp") for _ in range(20)]
    idle[0].send(b"OPTIONS sip:x SIP/2.0\r\nVia:")
    alive(daemon.peer("tcp"))
    alive(daemon.peer())


def test_endless_message_on_a_stream(daemon):
    """A message without an end is not kept in memory for ever: the connection goes, or its octets."""
    before = daemon.resident()
    peer = daemon.peer("tcp")
    try:
        peer.send(b"OPTIONS sip:x SIP/2.0\r\n")
        for _ in range(300):
            peer.send(b"X-Filler: " + b"x" * 10000 + b"\r\n")
    except OSError:
        pass
    alive(daemon.peer())
    assert daemon.resident() < before + 8 * 1024


def test_responses_are_parsed_strictly_by_the_tests():
    """The harness itself: what it must not take."""
    for wrong in (b"SIP/2.0 200 OK\r\n\r\n", b"SIP/2.0 200\r\nVia: x\r\n\r\n"):
        with pytest.raises(AssertionError):
            Message.parse(wrong)
