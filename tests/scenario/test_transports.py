# SPDX-License-Identifier: GPL-2.0-or-later
"""Several transports of a kind: by which one somebody is reached (`symmetric_transport`)."""

import pytest
from support.caller import Caller
from support.daemon import free_port
from support.peer import Call, Peer, unique
from support.wire import parameter

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
"""
EXTENSIONS = """\
[default]
exten = wait,1,Answer()
 same = n,Wait(60)
exten = end,1,Answer()
 same = n,Wait(0.3)
 same = n,Hangup()
"""


@pytest.fixture(scope="module")
def record_path(tmp_path_factory):
    return tmp_path_factory.mktemp("record") / "record"


@pytest.fixture(scope="module")
def ports():
    return {"second": free_port(OWN), "third": free_port(OWN)}


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
