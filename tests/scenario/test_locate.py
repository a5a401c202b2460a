# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that are named (RFC 3263), with a name server of the test's own."""

import socket
import time

import pytest
from support import dns
from support.caller import Caller, respond
from support.wire import Message, audio_sdp

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw

[carrier]
type = endpoint
allow = !all,ulaw
"""


@pytest.fixture(scope="module")
def daemon_options(api_module, record_path, names):
    modules = "".join(f"load = {module}\n" for module in ("sdp_rtp", api_module("api_outgoing")))
    return {
        "files": {"sipsession.conf": f"[modules]\n{modules}\n[dns]\nservers = 127.0.0.1:{names.port}\n"},
        "env": {"SIPSESSION_API_LOG": str(record_path)},
        "endpoints": ENDPOINTS,
        "system": "type = system\ntimer_t1 = 100\ntimer_b = 1000\n",
    }


@pytest.fixture
def caller(daemon, record_path, names):
    record_path.unlink(missing_ok=True)
    names.records, names.silent, names.lie, names.questions = {}, set(), False, []
    names.truncated, names.over_tcp = set(), []
    caller = Caller(daemon, record_path)
    yield caller
    caller.done()


@pytest.fixture
def callee(daemon, caller):
    return daemon.peer()


def take(caller, peer):
    """Answers the call that comes to a peer, and ends it."""
    invite = peer.expect("INVITE")
    respond(peer, invite, 200, "t", body=audio_sdp(peer.port))
    peer.expect("ACK")
    caller.hang_up()
    peer.respond(peer.expect("BYE"), 200)
    caller.wait("end 200")
    return invite


def test_a_name_with_a_port_is_an_address(caller, callee, names):
    """RFC 3263 4.2: a port in the URI: addresses only."""
    names.records = {"host.example.test": [dns.a("127.0.0.1")]}
    caller.dial("carrier", f"sip:a@host.example.test:{callee.port}")
    invite = take(caller, callee)
    assert invite.uri == f"sip:a@host.example.test:{callee.port}"
    assert {kind for _, kind in names.questions} <= {dns.A, dns.AAAA}, names.questions


def test_a_name_with_a_transport_is_a_service(caller, callee, names):
    names.records = {
        "_sip._udp.example.test": [dns.srv(1, 1, callee.port, "host.example.test")],
        "host.example.test": [dns.a("127.0.0.1")],
    }
    caller.dial("carrier", "sip:a@example.test;transport=udp")
    take(caller, callee)
    assert ("example.test", dns.NAPTR) not in names.questions


def test_naptr_chooses_the_transport(caller, names):
    """RFC 3263 4.1: NAPTR says TCP before UDP."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        names.records = {
            "example.test": [
                dns.naptr(50, 50, "SIP+D2U", "_sip._udp.example.test"),
                dns.naptr(10, 50, "SIP+D2T", "over-tcp.example.test"),
                dns.naptr(5, 50, "SIPS+D2T", "_sips._tcp.example.test"),
                dns.naptr(1, 50, "E2U+sip", "", "u", "!^.*$!sip:nobody@example.test!"),
            ],
            "over-tcp.example.test": [dns.srv(1, 1, server.getsockname()[1], "host.example.test")],
            "host.example.test": [dns.a("127.0.0.1")],
        }
        caller.dial("carrier", "sip:a@example.test")
        server.settimeout(5)
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            data = connection.recv(65536)
    assert data.startswith(b"INVITE sip:a@example.test SIP/2.0\r\n"), data
    assert b"\r\nVia: SIP/2.0/TCP " in data
    caller.hang_up()
    assert names.questions[0] == ("example.test", dns.NAPTR)


def test_without_naptr_the_services_are_asked_for(caller, callee, names):
    names.records = {
        "example.test": [],
        "_sip._udp.example.test": [dns.srv(1, 1, callee.port, "host.example.test")],
        "host.example.test": [dns.a("127.0.0.1")],
    }
    caller.dial("carrier", "sip:a@example.test")
    take(caller, callee)
    assert names.questions[:2] == [("example.test", dns.NAPTR), ("_sip._udp.example.test", dns.SRV)]


def test_a_service_that_does_not_exist(caller, names):
    """RFC 2782: the target "." says that there is none; NXDOMAIN of the rest ends the call."""
    names.records = {"_sip._udp.example.test": [dns.srv(0, 0, 0, ".")]}
    caller.dial("carrier", "sip:a@example.test;transport=udp")
    caller.wait("end 502")


def test_ipv6_addresses(daemon, caller, names):
    peer = daemon.peer(remote=daemon.udp6)
    names.records = {"six.example.test": [dns.aaaa("::1")]}
    caller.dial("carrier", f"sip:a@six.example.test:{peer.port}")
    take(caller, peer)


def test_priorities(caller, callee, names, daemon):
    """The server of the best priority gets the call, whatever the order of the answer."""
    other = daemon.peer()
    names.records = {
        "_sip._udp.example.test": [
            dns.srv(20, 100, other.port, "b.example.test"),
            dns.srv(10, 1, callee.port, "a.example.test"),
        ],
        "a.example.test": [dns.a("127.0.0.1")],
        "b.example.test": [dns.a("127.0.0.1")],
    }
    caller.dial("carrier", "sip:a@example.test;transport=udp")
    take(caller, callee)
    assert other.receive(0) is None


@pytest.mark.parametrize("how", ["silent", "503"])
def test_the_next_server(caller, callee, names, daemon, how):
    """RFC 3263 4.3: silence and 503 send the INVITE to the next server, as a request of its own."""
    first = daemon.peer()
    names.records = {
        "_sip._udp.example.test": [
            dns.srv(10, 1, first.port, "host.example.test"),
            dns.srv(20, 1, callee.port, "host.example.test"),
        ],
        "host.example.test": [dns.a("127.0.0.1")],
    }
    caller.dial("carrier", "sip:a@example.test;transport=udp")
    invite = first.expect("INVITE")
    if how == "503":
        respond(first, invite, 503, "busy")
        first.expect("ACK")
    again = take(caller, callee)
    assert (again.call_id, again.from_tag, again.body) == (invite.call_id, invite.from_tag, invite.body)
    assert again.branch != invite.branch and again.cseq == invite.cseq + 1
    assert again.all("x-hook") == ["once"]


def test_a_server_that_closes_the_connection(caller, callee, names):
    """RFC 3261 17.1.4, RFC 3263 4.3: that ends the transaction, and the next server gets the INVITE at once."""
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.1", 0)) as second:
        names.records = {
            "_sip._tcp.example.test": [
                dns.srv(10, 1, first.getsockname()[1], "host.example.test"),
                dns.srv(20, 1, second.getsockname()[1], "host.example.test"),
            ],
            "host.example.test": [dns.a("127.0.0.1")],
        }
        caller.dial("carrier", "sip:a@example.test;transport=tcp")
        first.settimeout(5)
        connection, _ = first.accept()
        with connection:
            assert connection.recv(65536).startswith(b"INVITE ")
        second.settimeout(0.5)  # timer_b is 1 s
        connection, _ = second.accept()
        with connection:
            assert connection.recv(65536).startswith(b"INVITE ")
    caller.wait("end 503")


@pytest.fixture
def hole():
    """The port of a server that does not answer to a SYN: its queue is full."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(server.getsockname())
        time.sleep(0.1)
        yield server.getsockname()[1]
        for one in waiting:
            one.close()


def dial_behind(caller, names, hole, timeout):
    """A call over TCP to a dead server, and another one: the INVITE that this one gets."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        names.records = {
            "_sip._tcp.example.test": [
                dns.srv(10, 1, hole, "host.example.test"),
                dns.srv(20, 1, server.getsockname()[1], "host.example.test"),
            ],
            "host.example.test": [dns.a("127.0.0.1")],
        }
        caller.dial("carrier", "sip:a@example.test;transport=tcp")
        server.settimeout(timeout)
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            text = connection.recv(65536)
    caller.hang_up()
    return text


def test_a_server_that_does_not_take_our_connection(caller, names, hole):
    """RFC 3263 4.3: after 64*T1 the INVITE goes to the next one, though the connection still waits to be made; it is the
    same but for CSeq and branch."""
    invite = Message.parse(dial_behind(caller, names, hole, 4))
    assert invite.method == "INVITE" and invite.all("x-hook") == ["once"]
    assert invite.body.startswith(b"v=0") and invite.get("via").count("branch=z9hG4bK") == 1


def test_a_dead_server_makes_way_soon(start_daemon, daemon_options, record_path, names, hole):
    """With PJSIP's times: not after the 32 s of a transaction, nor the two minutes of the system."""
    daemon = start_daemon(**{**daemon_options, "system": ""})
    record_path.unlink(missing_ok=True)
    caller = Caller(daemon, record_path)
    began = time.monotonic()
    assert dial_behind(caller, names, hole, 15).startswith(b"INVITE ")
    assert 2 < time.monotonic() - began < 12
    caller.done()


def test_an_answer_that_is_too_long_for_udp(caller, callee, names):
    """RFC 7766 5: what is truncated is asked for again over TCP."""
    names.records = {
        "_sip._udp.example.test": [dns.srv(1, 1, callee.port, "host.example.test")],
        "host.example.test": [dns.a("127.0.0.1")],
    }
    names.truncated = {"_sip._udp.example.test", "host.example.test"}
    caller.dial("carrier", "sip:a@example.test;transport=udp")
    take(caller, callee)
    assert names.over_tcp == ["_sip._udp.example.test", "host.example.test"]


def test_a_lying_name_server(caller, callee, names):
    """Answers to another question's id are not believed."""
    names.records = {"host.example.test": [dns.a("127.0.0.1")]}
    names.lie = True
    caller.dial("carrier", f"sip:a@host.example.test:{callee.port}")
    take(caller, callee)


def test_a_silent_name_server_stalls_nothing(daemon, caller, names):
    names.silent = {"silent.example.test"}
    caller.dial("carrier", "sip:a@silent.example.test:5060")
    peer = daemon.peer()
    end = time.monotonic() + 1
    slowest = 0
    while time.monotonic() < end:
        began = time.monotonic()
        request = peer.request("OPTIONS")
        peer.send(request)
        peer.expect(200)
        slowest = max(slowest, time.monotonic() - began)
    assert names.questions, "it was asked"
    assert slowest < 0.5, slowest
    caller.wait("end 408")  # the transaction's time is over before the lookup's
    daemon.wait_log("no address for silent.example.test", timeout=20)
    assert daemon.alive


def test_a_lookup_ends(daemon, caller, names):
    """However many records a name server knows whose names it says nothing of: 7 s for each of 16."""
    hosts = [f"h{i}.silent.test" for i in range(16)]
    names.records = {"_sip._udp.endless.test": [dns.srv(i, 1, 5060, host) for i, host in enumerate(hosts)]}
    names.silent = set(hosts)
    caller.dial("carrier", "sip:a@endless.test;transport=udp")
    caller.wait("end 408")
    daemon.wait_log("no address for endless.test", timeout=30)
    asked = len(names.questions)
    time.sleep(2)
    assert len(names.questions) == asked


@pytest.mark.parametrize(
    "answer",
    [
        [(dns.SRV, b"\0\1\0\1\x13\xc4")],  # cut off
        [(dns.SRV, b"\0\1\0\1\x13\xc4\xc0\x0c")],  # its target is itself
        [dns.srv(i, i, 5060, f"h{i}.example.test") for i in range(40)],
        [(dns.SRV, b"\xff" * 60)],
    ],
    ids=["short", "loop", "many", "noise"],
)
def test_odd_answers(daemon, caller, names, answer):
    names.records = {"_sip._udp.example.test": answer}
    caller.dial("carrier", "sip:a@example.test;transport=udp")
    caller.wait("end 502", timeout=15)
    assert daemon.alive
