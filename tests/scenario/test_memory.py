# SPDX-License-Identifier: GPL-2.0-or-later
"""What is kept, and for how long: answers for requests that come again, and what they cost; connections leave nothing.

api_count tells how many octets the heap has. bench/memory and bench/soak measure the same for all kinds.
"""

import re
import time

import pytest
from support.daemon import free_port
from support.peer import Call
from support.phone import Phone, phone
from support.tls import Authority, TlsPeer

EXTENSIONS = "[default]\nexten = echo,1,Answer()\n same = n,Echo()\n"
PHONES = 300
TLS_PORT = free_port("127.0.0.1")
LATER = 2.5  # seconds: what is sent is long gone, what is kept is not


def tls(folder):
    cert, key = Authority(folder).issue("server")
    return f"[tls]\ntype = transport\nprotocol = tls\nbind = 127.0.0.1:{TLS_PORT}\ncert_file = {cert}\npriv_key_file = {key}\n\n"


@pytest.fixture(scope="module")
def daemon_options(api_module, tmp_path_factory):
    anybody = "[anonymous]\ntype = endpoint\ncontext = default\nmessage_context = default\nallow = ulaw\n"
    phones = "".join(phone(f"p{number}", "max_contacts = 1\nremove_existing = yes") for number in range(PHONES))
    return {
        "extensions": EXTENSIONS,
        "endpoints": tls(tmp_path_factory.mktemp("tls")) + anybody + phones,
        "modules": ["sdp_rtp", "registrar", "message", api_module("api_count")],
    }


def heap(peer):
    peer.send(peer.request("COUNT"))
    return int(re.search(r"heap=(\d+)", peer.expect(200).get("x-count")).group(1))


# ---- answers ----


def register(daemon, peer):
    phone = Phone(peer, "p0")
    return phone.build([phone.here()])


def message(daemon, peer):
    return peer.request("MESSAGE", "echo", headers=[("Content-Type", "text/plain")], body=b"hello")


def refused(daemon, peer):
    return peer.request("MESSAGE", "nobody", headers=[("Content-Type", "text/plain")], body=b"hello")


@pytest.mark.parametrize("build", [register, message, refused])
def test_answer_that_comes_again(daemon, peer, build):
    """17.2.2, 8.2.7: octet by octet the one of before."""
    request = build(daemon, peer)
    peer.send(request)
    first = peer.expect(*range(200, 700))
    time.sleep(LATER)
    for _ in range(2):
        peer.send(request)
        assert peer.expect(first.status, again=True).encode() == first.encode()


def test_answers_of_a_call_that_come_again(daemon, peer):
    """13.3.1.4: the 200 comes again by itself until the ACK, for the INVITE after it (RFC 6026), and so does that to BYE."""
    call = Call(peer, "echo").send_invite()
    first = call.expect(200)
    repeated = [call.expect(200, again=True) for _ in range(3)]
    assert {answer.encode() for answer in repeated} == {first.encode()}
    call.ack(first)
    time.sleep(LATER)
    peer.send(call.invite)
    assert call.expect(200, again=True).encode() == first.encode()
    bye = call.build("BYE")
    peer.send(bye)
    last = call.expect(200)
    time.sleep(LATER)
    peer.send(bye)
    assert call.expect(200, again=True).encode() == last.encode()


def test_what_a_transaction_holds(daemon, peer):
    """What each REGISTER holds for 32 s."""
    phones = [Phone(peer, f"p{number}") for number in range(PHONES)]
    for phone in phones:  # the bindings are made here
        phone.register(phone.here())
    time.sleep(LATER)
    before = heap(peer)
    for phone in phones:
        phone.register(phone.here())
    time.sleep(LATER)
    each = (heap(peer) - before) / PHONES
    assert each < 8500, f"{each:.0f} octets for each REGISTER"


# ---- connections ----


def test_tls_connections_leave_nothing(daemon, peer):
    """Also no sessions in OpenSSL's cache, which would take 20,000 of them."""

    def connect():
        tls = TlsPeer(("127.0.0.1", TLS_PORT))
        tls.send(tls.request("OPTIONS", "echo"))
        tls.expect(200)
        tls.close()

    for _ in range(10):
        connect()
    time.sleep(1)
    before = heap(peer)
    for _ in range(100):
        connect()
    time.sleep(1)
    each = (heap(peer) - before) / 100
    assert each < 300, f"{each:.0f} octets of each connection stay"
