# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones that keep a flow to us open: RFC 5626 as a registrar has it, and their keep-alives."""

import os
import socket
import struct

import pytest
from support.caller import caller_of_phones, expect_call
from support.clients import pjsua
from support.daemon import free_port
from support.peer import Call
from support.phone import Phone, bindings, phone
from support.tls import Authority
from support.wire import audio_sdp, parameter

EXTENSIONS = "[default]\nexten = wait,1,Answer()\n same = n,Wait(60)\n"
ENDPOINTS = (
    phone("alice", "max_contacts = 3")
    + phone("bob", "max_contacts = 3\nsupport_path = yes")
    + phone("carol", "max_contacts = 3\nqualify_frequency = 1\nqualify_timeout = 2")
    + phone("dave", "max_contacts = 2", "outbound_proxy = sip:127.0.0.1:9\\;lr")
    + "\n[anonymous]\ntype = endpoint\nallow = ulaw\n"
)
TLS = """
[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{port}
cert_file = {cert}
priv_key_file = {key}
"""
SUPPORTED = ("Supported", "outbound, path")
ONE, OTHER = ("<urn:uuid:00000000-0000-1000-8000-00000000000%d>" % number for number in (1, 2))


def flow(uri, reg_id=1, instance=ONE):
    return f'<{uri}>;+sip.instance="{instance}";reg-id={reg_id}'


@pytest.fixture
def caller(tmp_path, api_module):
    """Of a daemon that calls phones where they registered (a URI of "-")."""
    authority, port = Authority(tmp_path), free_port("127.0.0.1")
    cert, key = authority.issue("server", "IP:127.0.0.1")
    tls = TLS.format(cert=cert, key=key, port=port)
    with caller_of_phones(tmp_path, EXTENSIONS, ENDPOINTS + tls, [api_module("api_outgoing")]) as caller:
        caller.daemon.configure = lambda: None
        caller.tls_port, caller.ca = port, authority.cert
        yield caller


# ---- bindings ----


def test_a_phone_is_known_by_its_instance(caller):
    """The same instance and reg-id replace the binding, whatever its URI and Call-ID (RFC 5626 6)."""
    first, again = Phone(caller.daemon, "alice"), Phone(caller.daemon, "alice")
    answer = first.register(flow("sip:alice@10.0.0.1"), headers=[SUPPORTED])
    assert answer.tokens("require") == ["outbound"] and not answer.has("flow-timer")
    (contact,) = answer.all("contact")
    assert parameter(contact, "reg-id") == "1" and f'+sip.instance="{ONE}"' in contact
    assert bindings(again.register(flow("sip:alice@10.0.0.2"), headers=[SUPPORTED])).keys() == {"sip:alice@10.0.0.2"}
    assert len(bindings(again.register(flow("sip:alice@10.0.0.2", 2), headers=[SUPPORTED]))) == 1  # one URI, two flows
    assert len(again.register().all("contact")) == 2
    other = Phone(caller.daemon, "alice")
    assert len(other.register(flow("sip:alice@10.0.0.2", 1, OTHER), headers=[SUPPORTED]).all("contact")) == 3
    left = other.register(flow("sip:elsewhere@10.0.0.9", 1) + ";expires=0", headers=[SUPPORTED]).all("contact")
    assert sorted(parameter(value, "reg-id") for value in left) == ["1", "2"]
    assert sum(ONE in value for value in left) == 1
    other.clear()


def test_without_outbound_a_contact_is_its_uri(caller):
    """Neither a phone that does not say so, nor one without the parameters; and what it has is taken over later."""
    plain = Phone(caller.daemon, "alice")
    for contact, headers in (
        (flow("sip:alice@10.0.0.1"), []),
        ('<sip:alice@10.0.0.1>;+sip.instance="%s"' % ONE, [SUPPORTED]),
        ("<sip:alice@10.0.0.1>;reg-id=1", [SUPPORTED]),
        (flow("sip:alice@10.0.0.1", 0), [SUPPORTED]),
        (flow("sip:alice@10.0.0.1", 2147483648), [SUPPORTED]),
        (flow("sip:alice@10.0.0.1", "x"), [SUPPORTED]),
        ("<sip:alice@10.0.0.1>;+sip.instance=x;reg-id=1", [SUPPORTED]),
        ('<sip:alice@10.0.0.1>;+sip.instance="a\\"b";reg-id=1', [SUPPORTED]),
    ):
        answer = plain.register(contact, headers=headers)
        assert not answer.has("require") and len(answer.all("contact")) == 1, contact
        assert "reg-id" not in answer.get("contact"), contact
    answer = plain.register(flow("sip:alice@10.0.0.1"), headers=[SUPPORTED])
    assert answer.tokens("require") == ["outbound"] and len(answer.all("contact")) == 1
    plain.register(flow("sip:alice@10.0.0.1", 2), headers=[("Require", "outbound")])
    plain.register(flow("sip:a@h", 3), flow("sip:b@h", 4), headers=[SUPPORTED], status=400)
    assert len(plain.register().all("contact")) == 2
    plain.clear()


def test_behind_a_proxy(caller):
    """The proxy next to the phone has to say that it keeps the flow (RFC 5626 6): 439 when it does not."""
    bob = Phone(caller.daemon, "bob")
    edge = caller.daemon.peer()
    near, far = f"<sip:tok;ob@{edge.host}:{edge.port};lr>", f"<sip:tok@{edge.host}:{edge.port};lr;ob>"

    def register(path, name=bob, status=200):
        request = name.build([flow("sip:bob@10.0.0.1")], headers=[SUPPORTED, *([("Path", path)] if path else [])])
        request.headers.insert(1, ("Via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKphone"))
        name.peer.send(request)
        return name.peer.expect(status, call_id=name.call_id)

    register(None, status=439)
    register(near, status=439)
    register(f"{far}, {near}", status=439)
    assert bob.bindings() == {}
    answer = register(f"{near}, {far}")
    assert answer.tokens("require") == ["outbound"] and not answer.has("flow-timer")
    caller.dial("bob", "-")
    assert expect_call(edge).tokens("route") == [near, far]
    bob.clear()
    alice = Phone(caller.daemon, "alice")  # who keeps no Path does not know, and does without
    assert not register(far, alice).has("require")
    alice.clear()


def test_with_an_outbound_proxy_there_is_no_flow(caller):
    dave = Phone(caller.daemon, "dave")
    assert not dave.register(flow("sip:dave@10.0.0.1"), headers=[SUPPORTED]).has("require")
    dave.clear()


# ---- flows ----


def test_a_call_goes_over_the_connection_of_the_registration(caller):
    """Its Contact says nothing that one could connect to; of two flows that are there the dead one is not tried."""
    one, two = (Phone(caller.daemon, "alice", transport="tcp") for _ in range(2))
    answer = one.register(flow("sip:alice@phone.invalid;transport=tcp;ob"), headers=[SUPPORTED])
    assert answer.get("flow-timer") == "3700"
    two.register(flow("sip:alice@phone.invalid;transport=tcp;ob", 2), headers=[SUPPORTED])
    caller.dial("alice", "-")
    assert expect_call(one.peer).uri == "sip:alice@phone.invalid;transport=tcp;ob"
    two.peer.expect_nothing(0.2)
    mark = len(caller.daemon.log())
    one.peer.close()
    caller.daemon.wait_log("TCP connection closed", after=mark)
    caller.dial("alice", "-")
    expect_call(two.peer)
    # a connection from the very place of the dead one is not that flow
    three = Phone(caller.daemon, "alice", transport="tcp")
    three.register(flow("sip:alice@phone.invalid;transport=tcp;ob", 1), headers=[SUPPORTED])
    caller.dial("alice", "-")
    expect_call(three.peer)
    two.clear()


def test_a_call_goes_to_where_the_datagram_came_from(caller):
    alice = Phone(caller.daemon, "alice")
    alice.register(flow("sip:alice@phone.invalid;ob"), headers=[SUPPORTED])
    caller.dial("alice", "-")
    assert expect_call(alice.peer).uri == "sip:alice@phone.invalid;ob"
    alice.clear()


def test_a_flow_that_failed_makes_way_for_the_next(caller):
    """RFC 5626 7: after 430 the same phone is called over another flow; after any other answer it is not."""
    one, two = Phone(caller.daemon, "alice"), Phone(caller.daemon, "alice", transport="tcp")
    one.register(flow("sip:alice@one.invalid;ob") + ";q=0.9", headers=[SUPPORTED])
    two.register(flow("sip:alice@two.invalid;transport=tcp;ob", 2) + ";q=0.8", headers=[SUPPORTED])
    other = Phone(caller.daemon, "alice")
    other.register(flow("sip:alice@other.invalid;ob", 3, OTHER) + ";q=0.7", headers=[SUPPORTED])
    caller.dial("alice", "-")
    first = one.peer.expect("INVITE")
    one.peer.respond(first, 430)
    one.peer.expect("ACK")
    again = two.peer.expect("INVITE")
    assert (again.uri, again.call_id, again.cseq) == ("sip:alice@two.invalid;transport=tcp;ob", first.call_id, first.cseq + 1)
    assert "transport=tcp" in again.get("contact") and "/TCP " in again.get("via") and again.body == first.body
    two.peer.respond(again, 430)  # that was the last one: the other phone is another target
    two.peer.expect("ACK")
    caller.wait("end 430")
    other.peer.expect_nothing(0.2)
    caller.dial("alice", "-")
    invite = one.peer.expect("INVITE")
    one.peer.respond(invite, 486)
    one.peer.expect("ACK")
    caller.wait("end 486")
    two.peer.expect_nothing(0.2)
    one.clear()


def test_a_call_over_the_next_flow_goes_on(caller):
    """What follows the INVITE takes the flow that answered."""
    one, two = Phone(caller.daemon, "alice"), Phone(caller.daemon, "alice", transport="tcp")
    one.register(flow("sip:alice@one.invalid;ob"), headers=[SUPPORTED])
    two.register(flow("sip:alice@two.invalid;transport=tcp;ob", 2), headers=[SUPPORTED])
    caller.dial("alice", "-")
    one.peer.respond(one.peer.expect("INVITE"), 430)
    one.peer.expect("ACK")
    invite = two.peer.expect("INVITE")
    two.peer.respond(invite, 180)
    two.peer.respond(invite, 200, "OK", [("Content-Type", "application/sdp")], body=audio_sdp(two.peer.port))
    assert two.peer.expect("ACK").uri == f"sip:peer@{two.peer.host}:{two.peer.port};transport=tcp"
    caller.wait("confirmed")
    caller.hang_up()
    two.peer.respond(two.peer.expect("BYE"), 200)
    one.peer.expect_nothing(0)
    two.clear()


def test_a_connection_that_breaks_under_a_call(caller):
    one, two = (Phone(caller.daemon, "alice", transport="tcp") for _ in range(2))
    one.register(flow("sip:alice@one.invalid;transport=tcp;ob"), headers=[SUPPORTED])
    two.register(flow("sip:alice@two.invalid;transport=tcp;ob", 2), headers=[SUPPORTED])
    caller.dial("alice", "-")
    one.peer.expect("INVITE")
    one.peer.close()
    expect_call(two.peer)
    caller.wait("end 486")
    two.clear()


def test_the_next_flow_through_another_edge(caller):
    """Its own Path is the way, not that of the flow that failed."""
    bob, edges = Phone(caller.daemon, "bob"), [caller.daemon.peer(), caller.daemon.peer()]
    paths = [f"<sip:tok{index}@{edge.host}:{edge.port};lr;ob>" for index, edge in enumerate(edges)]
    for index, path in enumerate(paths):
        request = bob.build([flow("sip:bob@10.0.0.1", index + 1)], headers=[SUPPORTED, ("Path", path)])
        request.headers.insert(1, ("Via", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKphone"))
        bob.peer.send(request)
        bob.peer.expect(200, call_id=bob.call_id)
    caller.dial("bob", "-")
    first = edges[0].expect("INVITE")
    assert first.tokens("route") == [paths[0]]
    edges[0].respond(first, 430)
    edges[0].expect("ACK")
    again = expect_call(edges[1])
    assert (again.tokens("route"), again.uri) == ([paths[1]], "sip:bob@10.0.0.1")
    bob.clear()


def test_a_redirection_leaves_the_path(caller):
    """RFC 3327 5.4: a Path is the way to the contact that registered with it, not to where that one sends us."""
    bob, edge, elsewhere = (Phone(caller.daemon, "bob"), *(caller.daemon.peer() for _ in range(2)))
    bob.register("<sip:bob@10.0.0.1>", headers=[("Supported", "path"), ("Path", f"<sip:{edge.host}:{edge.port};lr>")])
    caller.dial("bob", "-", "redirections=1")
    invite = edge.expect("INVITE")
    edge.respond(invite, 302, "Moved", [("Contact", f"<sip:bob@{elsewhere.host}:{elsewhere.port}>")])
    edge.expect("ACK")
    assert not expect_call(elsewhere).has("route")
    bob.clear()


def test_silence_on_a_flow(tmp_path, api_module):
    """RFC 5626 7: a 408, which is also what nobody says, may have been the flow's fault."""
    system = "type = system\ntimer_t1 = 100\ntimer_b = 1000\n"
    with caller_of_phones(tmp_path, EXTENSIONS, ENDPOINTS, [api_module("api_outgoing")], system) as caller:
        one, two = Phone(caller.daemon, "alice"), Phone(caller.daemon, "alice")
        one.register(flow("sip:alice@one.invalid;ob"), headers=[SUPPORTED])
        two.register(flow("sip:alice@two.invalid;ob", 2), headers=[SUPPORTED])
        caller.dial("alice", "-")
        one.peer.expect("INVITE")
        expect_call(two.peer)
        caller.wait("end 486")
        one.peer.so_far()
        one.clear()


def test_the_phone_is_asked_over_its_flow(caller):
    carol = Phone(caller.daemon, "carol", transport="tcp")
    carol.register(flow("sip:carol@phone.invalid;transport=tcp;ob"), headers=[SUPPORTED])
    carol.peer.respond(carol.peer.expect("OPTIONS", timeout=5), 200)
    caller.daemon.wait_log("of 'carol' is reachable now")
    carol.peer.close()
    caller.daemon.wait_log("of 'carol' is unreachable now")


def test_what_outlives_a_restart(caller):
    """A flow of UDP does; a connection is gone, and its binding waits for the phone."""
    alice, bob = Phone(caller.daemon, "alice"), Phone(caller.daemon, "bob", transport="tcp")
    alice.register(flow("sip:alice@phone.invalid;ob"), headers=[SUPPORTED])
    bob.register(flow("sip:bob@phone.invalid;transport=tcp;ob"), headers=[SUPPORTED])
    peer = alice.peer
    caller.daemon.peers.remove(peer)
    caller.done()
    caller.daemon.stop()
    caller.daemon.start()
    caller.call = Call(caller.daemon.peer(), "wait")
    caller.call.establish()
    caller.dial("alice", "-")
    expect_call(peer)
    caller.dial("bob", "-")
    caller.wait("dialled -2")
    again = Phone(caller.daemon, "bob", transport="tcp")
    (contact,) = again.register(flow("sip:bob@phone.invalid;transport=tcp;ob"), headers=[SUPPORTED]).all("contact")
    assert parameter(contact, "reg-id") == "1" and ONE in contact
    caller.dial("bob", "-")
    expect_call(again.peer)
    again.clear()
    peer.close()


# ---- keep-alives ----

COOKIE = 0x2112A442


def stun(body=b"", kind=1, cookie=COOKIE, length=None):
    return struct.pack("!HHI", kind, len(body) if length is None else length, cookie) + b"transaction!" + body


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_stun_says_where_the_phone_is(caller, address):
    """RFC 5626 3.5.2: a Binding request on the SIP port, between messages of SIP."""
    daemon = caller.daemon
    peer = daemon.peer(remote=daemon.udp6 if ":" in address else daemon.udp)
    peer.socket.settimeout(5)
    for _ in range(3):
        peer.send(stun())
        answer = peer.socket.recv(2000)
        kind, length, cookie, transaction = struct.unpack("!HHI12s", answer[:20])
        assert (kind, length, cookie, transaction) == (0x0101, len(answer) - 20, COOKIE, b"transaction!")
        what, size, family, port = struct.unpack("!HHHH", answer[20:28])
        mask = struct.pack("!I", COOKIE) + transaction
        found = bytes(a ^ b for a, b in zip(answer[28:], mask))
        assert (what, size, port ^ COOKIE >> 16) == (0x0020, length - 4, peer.port)
        assert socket.inet_ntop(peer.socket.family, found) == address
    peer.send(peer.request("OPTIONS"))
    assert peer.receive().status


def test_stun_that_is_none(caller):
    """No answer to what is malformed, is an answer itself, or has no cookie; and the daemon goes on."""
    peer = caller.daemon.peer()
    for wrong in (
        stun()[:19], stun(length=4), stun(b"\x80\x22\0\5abcd"), stun(kind=0x0101), stun(kind=0x0111), stun(kind=0x0011),
        stun(cookie=0), stun(b"\x80\x22\xff\xff"), b"\0", b"\0\1",
    ):  # fmt: skip
        peer.send(wrong)
    peer.expect_nothing(0.3)
    peer.send(stun(b"\0\3\0\4\0\0\0\0"))  # CHANGE-REQUEST: not here (RFC 5389 7.3.1)
    peer.socket.settimeout(5)
    assert struct.unpack("!H", peer.socket.recv(2000)[:2]) == (0x0111,)


# ---- PJSUA ----


@pytest.mark.skipif(not os.environ.get("PJSUA"), reason="there is no PJSUA")
@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_pjsua_uses_outbound(caller, tmp_path, way):
    """It says so by itself, is called over its connection, and again after it was restarted elsewhere."""
    daemon = caller.daemon
    server = f"{daemon.address}:{daemon.port}" if way == "tcp" else f"127.0.0.1:{caller.tls_port}"
    tls = ["--use-tls", f"--tls-ca-file={caller.ca}", "--tls-verify-server", "--no-tcp"] if way == "tls" else []
    seen = []
    for _ in range(2):
        client = pjsua(
            tmp_path / f"pjsua{len(seen)}",
            options=[f"--id=sip:alice@{daemon.address}", f"--registrar=sip:{server};transport={way}", "--no-udp", *tls,
                     "--reg-timeout=300", "--auto-answer=200"],
        )  # fmt: skip
        try:
            client.wait_for("registration success", timeout=15)
            answer = Phone(daemon, "alice").register()
            (contact,) = answer.all("contact")
            assert parameter(contact, "reg-id") == "1" and "+sip.instance" in contact
            seen.append(contact)
            number = len(seen)
            mark = len(daemon.log())
            caller.dial("alice", "-")
            client.wait_for("state changed to CONFIRMED", timeout=10)
            client.console("h")
            client.wait_for("is DISCONNECTED", timeout=10)
            daemon.wait_log(r"confirmed -> (ending|ended)", after=mark)  # PJSUA says so before its BYE is out
        finally:
            client.kill()
    assert number == 2 and seen[0].partition(">")[0] != seen[1].partition(">")[0]
