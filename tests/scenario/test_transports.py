# SPDX-License-Identifier: GPL-2.0-or-later
"""Several transports of a kind: by which one somebody is reached (`symmetric_transport`); one that is bound to all
addresses; connections that are lost."""

import os
import socket
import subprocess

import pytest
from support.caller import Caller
from support.daemon import free_port
from support.peer import Call, Peer, unique
from support.wire import Message, audio_sdp, parameter

OWN = "127.8.8.9"


def phone(name, options=""):
    return f"""
[{name}]
type = endpoint
context = default
allow = !all,ulaw
aors = {name}
{options}

[{name}]
type = aor
max_contacts = 1
qualify_frequency = 1
"""


CONF = """\
[wide]
type = transport
bind = 0.0.0.0:{wide}

[second]
type = transport
bind = {own}:{second}
symmetric_transport = yes

[third]
type = transport
bind = {own}:{third}

[anonymous]
type = endpoint
context = default
allow = !all,ulaw

[wide]
type = endpoint
transport = wide
allow = !all,ulaw
"""
EXTENSIONS = """\
[default]
exten = wait,1,Answer()
 same = n,Wait(60)
exten = ring,1,Ringing()
 same = n,Wait(0.5)
 same = n,Answer()
 same = n,Wait(60)
exten = end,1,Answer()
 same = n,Wait(0.3)
 same = n,Hangup()
"""


@pytest.fixture(scope="module")
def ports():
    return {"second": free_port(OWN), "third": free_port(OWN), "wide": free_port("0.0.0.0")}


@pytest.fixture(scope="module")
def daemon_options(api_module, record_path, ports):
    modules = ("sdp_rtp", "registrar", "qualify", api_module("api_outgoing"))
    return {
        "extensions": EXTENSIONS,
        "files": {"sipsession.conf": "[modules]\n" + "".join(f"load = {module}\n" for module in modules)},
        "env": {"SIPSESSION_API_LOG": str(record_path)},
        "endpoints": CONF.format(own=OWN, **ports) + phone("alice") + phone("bob") + phone("carol", "transport = third"),
    }


@pytest.fixture
def peer_at(daemon, ports):
    """A peer that hears only what comes from one transport."""
    made = []

    def peer_at(name):
        peer = Peer((OWN, ports[name]), local="127.0.0.1")
        peer.socket.connect(peer.remote)
        made.append(peer)
        return peer

    yield peer_at
    for peer in made:
        peer.close()


def register(peer, name, contact=None, expires=60):
    request = peer.request(
        "REGISTER", from_value=f"<sip:{name}@{OWN}>;tag={unique('t')}", to_value=f"<sip:{name}@{OWN}>",
        headers=[("Expires", str(expires))],
    )  # fmt: skip
    request.headers = [(n, contact or f"<sip:{name}@{peer.host}:{peer.port}>" if n == "Contact" else v) for n, v in request.headers]
    peer.send(request)
    return peer.expect(200, call_id=request.call_id, skip=("OPTIONS",))


def port_of(contact):
    return contact.rsplit(":", 1)[1].rstrip(">")


def test_contact_is_reached_by_the_transport_that_it_registered_over(daemon, record_path, peer_at, ports):
    peer = peer_at("second")
    answer = register(peer, "alice")
    assert parameter(answer.get("contact"), "x-ast-txp") is None  # a matter of ours
    peer.respond(peer.expect("OPTIONS"), 200)
    caller = Caller(daemon, record_path)
    caller.dial("alice", "-")
    invite = peer.expect("INVITE", skip=("OPTIONS",))
    assert port_of(invite.get("contact")) == str(ports["second"])
    assert f":{ports['second']};" in invite.get("via")
    peer.respond(invite, 486)
    peer.expect("ACK", skip=("OPTIONS",))
    register(peer, "alice", expires=0)
    caller.done()


def test_another_transport_is_anybodys(daemon, record_path, peer_at):
    """Without the option it is the first of the kind, which this peer does not hear."""
    peer = peer_at("third")
    register(peer, "bob")
    assert peer.receive(2.5) is None
    register(peer, "bob", expires=0)


def test_transport_of_the_endpoint_comes_first(daemon, record_path, peer_at):
    peer, other = peer_at("second"), peer_at("third")
    register(peer, "carol", f"<sip:carol@{other.host}:{other.port}>")
    other.respond(other.expect("OPTIONS"), 200)
    register(peer, "carol", expires=0, contact=f"<sip:carol@{other.host}:{other.port}>")


def test_call_that_came_in_ends_by_its_transport(daemon, peer_at):
    call = Call(peer_at("second"), "end")
    call.establish()
    call.peer.respond(call.peer.expect("BYE"), 200)


# ---- bound to all addresses ----


@pytest.mark.parametrize("known", [False, True], ids=["never heard of", "asked us before"])
def test_our_address_as_the_peer_sees_it(daemon, record_path, ports, known):
    """RFC 3261 18.1.1: Via names the address that the request leaves from."""
    record_path.unlink(missing_ok=True)
    ours = "127.44.0.1" if known else "127.0.0.1"
    peer = daemon.peer(remote=(ours, ports["wide"]))
    if known:
        peer.send(peer.request("OPTIONS"))
        peer.expect(200)
    caller = Caller(daemon, record_path)
    caller.dial("wide", f"sip:a@127.0.0.1:{peer.port}")
    invite = peer.expect("INVITE")
    assert invite.get("via").startswith(f"SIP/2.0/UDP {ours}:{ports['wide']};rport")
    peer.respond(invite, 486)
    peer.expect("ACK")
    caller.done()


def test_a_datagram_to_all(daemon, ports):
    """What was sent to a broadcast address is answered from one of ours; and so is the peer from then on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as everybody:
        everybody.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        everybody.bind(("127.0.0.1", 0))
        everybody.settimeout(3)
        peer = daemon.peer(remote=("127.0.0.1", ports["wide"]))
        request = peer.request("OPTIONS").encode()
        everybody.sendto(request, ("127.255.255.255", ports["wide"]))
        assert everybody.recv(4000).startswith(b"SIP/2.0 200 ")


@pytest.mark.skipif(os.environ.get("SIPSESSION_TEST_NETWORK") != "own", reason="it takes addresses away")
def test_an_address_of_ours_goes(daemon, record_path, ports):
    """A peer that asked at an address which we have no more is reached from another one."""
    record_path.unlink(missing_ok=True)
    subprocess.run(["ip", "address", "add", "10.99.99.1/32", "dev", "lo"], check=True)
    peer = daemon.peer(remote=("10.99.99.1", ports["wide"]), local="127.0.0.1")
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    subprocess.run(["ip", "address", "del", "10.99.99.1/32", "dev", "lo"], check=True)
    peer.remote = ("127.0.0.1", ports["wide"])
    caller = Caller(daemon, record_path)
    caller.dial("wide", f"sip:a@127.0.0.1:{peer.port}")
    peer.respond(peer.expect("INVITE"), 486)
    peer.expect("ACK")
    caller.wait("end 486")
    caller.done()


# ---- connections that are lost ----


def read_message(connection):
    connection.settimeout(5)
    return Message.parse(connection.recv(65536))


def refuse(connection, invite, line):
    kept = [(n, v) for n, v in invite.headers if n.lower() in ("via", "from", "to", "call-id", "cseq")]
    headers = [(n, f"{v};tag=x") if n.lower() == "to" else (n, v) for n, v in kept]
    connection.sendall(Message(f"SIP/2.0 {line}", headers).encode())


@pytest.mark.parametrize("line", ["", "180 Ringing"])
def test_the_connection_of_our_call_is_lost(daemon, record_path, line):
    """RFC 3261 17.1.4, 8.1.3.1: as if it had been answered with 503; not when its time is over."""
    record_path.unlink(missing_ok=True)
    caller = Caller(daemon, record_path)
    with socket.create_server(("127.0.0.1", 0)) as server:
        caller.dial("anonymous", f"sip:a@127.0.0.1:{server.getsockname()[1]};transport=tcp")
        server.settimeout(5)
        connection, _ = server.accept()
        with connection:
            invite = read_message(connection)
            if line:
                refuse(connection, invite, line)
                caller.wait("early x alive 180")
        caller.wait("end 503", 3)
    caller.done()


def test_the_connection_of_a_call_to_us_is_lost(daemon):
    """RFC 3261 18.2.2: the answer comes by a new one, to where Via says."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        name = f"sip:peer@127.0.0.1:{port};transport=tcp"
        headers = [
            ("Via", f"SIP/2.0/TCP 127.0.0.1:{port};branch=z9hG4bK{unique('b')}"), ("Max-Forwards", "70"),
            ("From", f"<{name}>;tag=f"), ("To", "<sip:ring@example.test>"), ("Call-ID", unique("c")),
            ("CSeq", "1 INVITE"), ("Contact", f"<{name}>"), ("Content-Type", "application/sdp"),
        ]  # fmt: skip
        invite = Message("INVITE sip:ring@example.test SIP/2.0", headers, audio_sdp(port))
        with socket.create_connection(daemon.tcp) as connection:
            connection.sendall(invite.encode())
            assert read_message(connection).status == 180
        server.settimeout(5)
        connection, _ = server.accept()
        with connection:
            answer = read_message(connection)
            assert answer.status == 200
            target = answer.contact_uri
            for number, method in ((1, "ACK"), (2, "BYE")):
                again = [
                    (n, {"Via": v + method, "To": answer.get("to"), "CSeq": f"{number} {method}"}.get(n, v))
                    for n, v in headers if n != "Content-Type"
                ]  # fmt: skip
                connection.sendall(Message(f"{method} {target} SIP/2.0", again).encode())
            assert read_message(connection).status == 200
