# SPDX-License-Identifier: GPL-2.0-or-later
"""Host names in `match` of type=identify: looked up at the start and again, by a name server of the test's own."""

import time

import pytest
from support import dns
from support.peer import Peer

ENDPOINTS = """\
[ep](!)
type = endpoint
allow = ulaw

[a](ep)
context = a
[b](ep)
context = b
[c](ep)
context = c

[a]
type = identify
endpoint = a
match = host.example.test, later.example.test, 127.0.6.9
[b]
type = identify
endpoint = b
match = service.example.test
[c]
type = identify
endpoint = c
match = plain.example.test
match = 127.0.7.0/24
srv_lookups = no
"""
EXTENSIONS = "".join(f"[{name}]\nexten = {name},1,Hangup(21)\n" for name in "abc")
RECORDS = {
    "host.example.test": [dns.a("127.0.6.1"), dns.a("127.0.6.2"), dns.a("127.0.7.2")],
    "_sip._udp.service.example.test": [dns.srv(1, 1, 5999, "one.example.test")],
    "_sip._tcp.service.example.test": [dns.srv(1, 1, 5999, "two.example.test"), dns.srv(2, 1, 5999, "gone.example.test")],
    "service.example.test": [dns.a("127.0.6.5")],
    "one.example.test": [dns.a("127.0.6.3")],
    "two.example.test": [dns.a("127.0.6.4"), dns.aaaa("::1")],
    "plain.example.test": [dns.a("127.0.6.6"), dns.a("127.0.6.9")],
    "_sip._udp.plain.example.test": [dns.srv(1, 1, 5999, "seven.example.test")],
    "seven.example.test": [dns.a("127.0.6.7")],
}


@pytest.fixture
def names():
    server = dns.NameServer(RECORDS)
    server.ttl = 1
    yield server
    server.__exit__()


@pytest.fixture
def daemon(start_daemon, names):
    return start_daemon(EXTENSIONS, endpoints=ENDPOINTS, files={"sipsession.conf": f"[dns]\nservers = 127.0.0.1:{names.port}\n"})


def whose(daemon, address):
    """The endpoint that a request from an address comes from; None: nobody's."""
    peer = Peer(daemon.udp6 if ":" in address else daemon.udp, local=address)
    for name in "abc":
        peer.send(peer.request("OPTIONS", name))
        status = peer.receive().status
        if status == 200:
            peer.close()
            return name
        assert status in (401, 404)
    peer.close()
    return None


def wait_for(daemon, address, name, timeout):
    end = time.monotonic() + timeout
    while (found := whose(daemon, address)) != name:
        assert time.monotonic() < end, f"{address} is {found}, not {name}"
        time.sleep(0.05)


def test_names(daemon, names):
    daemon.wait_log("identify 'c': plain.example.test is 127.0.6.6")
    for address, name in (("127.0.6.1", "a"), ("127.0.6.2", "a"), ("127.0.6.8", None)):
        assert whose(daemon, address) == name, address
    daemon.wait_log("identify 'a': no address for later.example.test: it matches nobody")
    daemon.wait_log("identify 'b': service.example.test is 127.0.6.4")
    # servers of both services, and not the host itself; of what has srv_lookups = no, only that
    expected = [("127.0.6.3", "b"), ("127.0.6.4", "b"), ("::1", "b"), ("127.0.6.5", None)]
    for address, name in expected + [("127.0.6.6", "c"), ("127.0.6.7", None)]:
        assert whose(daemon, address) == name, address
    # an address in figures comes before a name, and that before networks
    assert whose(daemon, "127.0.6.9") == "a"
    assert (whose(daemon, "127.0.7.1"), whose(daemon, "127.0.7.2")) == ("c", "a")
    assert ("_sip._udp.plain.example.test", dns.SRV) not in names.questions


def test_they_are_looked_up_again(daemon, names):
    wait_for(daemon, "127.0.6.1", "a", 5)
    names.records["host.example.test"] = [dns.a("127.0.6.8")]
    names.records["later.example.test"] = [dns.a("127.0.6.7")]
    wait_for(daemon, "127.0.6.8", "a", 15)
    assert whose(daemon, "127.0.6.1") is None
    wait_for(daemon, "127.0.6.7", "a", 15)
    # a name server that is silent takes nothing away, one that says that there is no such name does
    names.silent.add("host.example.test")
    daemon.wait_log("no address for host.example.test: those of before hold", timeout=20)
    assert whose(daemon, "127.0.6.8") == "a"
    names.silent.clear()
    del names.records["host.example.test"]
    wait_for(daemon, "127.0.6.8", None, 25)


def test_a_silent_name_server_stalls_nothing(start_daemon, names):
    names.silent.update(name for name in RECORDS)
    names.silent.update(f"_sip{kind}.{name}" for kind in ("._udp", "._tcp", "s._tcp") for name in RECORDS)
    began = time.monotonic()
    daemon = start_daemon(EXTENSIONS, endpoints=ENDPOINTS, files={"sipsession.conf": f"[dns]\nservers = 127.0.0.1:{names.port}\n"})
    assert whose(daemon, "127.0.6.9") == "a"
    assert whose(daemon, "127.0.6.1") is None
    assert time.monotonic() - began < 10
    daemon.stop()  # with lookups under way
