# SPDX-License-Identifier: GPL-2.0-or-later
"""We are behind a NAT: what peers outside of local_net are told, and what those within are (UDP, TCP)."""

import pytest
from support.caller import Caller
from support.daemon import free_port
from support.peer import Call, Peer
from support.wire import audio_sdp

INSIDE, OUTSIDE = "127.0.0.1", "127.7.7.7"  # of peers
OWN, NAT, MEDIA = "127.8.8.8", "203.0.113.5", "203.0.113.6"

CONF = """\
[nat](!)
type = transport
local_net = 127.0.0.0/16
external_signaling_address = {nat}
external_media_address = {media}

[nat-udp](nat)
bind = {own}:{port}
external_signaling_port = 5999

[nat-tcp](nat)
protocol = tcp
bind = {own}:{port}

[named](nat)
bind = {own}:{port2}
external_signaling_hostname = pbx.example.test

[anonymous]
type = endpoint
context = default
allow = !all,ulaw

[out]
type = endpoint
transport = nat-udp
allow = !all,ulaw

[media]
type = endpoint
transport = nat-udp
media_address = 127.9.9.9
allow = !all,ulaw
"""


@pytest.fixture(scope="module")
def ports():
    return free_port(OWN), free_port(OWN)


@pytest.fixture(scope="module")
def daemon_options(api_module, record_path, ports):
    modules = "".join(f"load = {module}\n" for module in ("sdp_rtp", api_module("api_outgoing")))
    return {
        "files": {"sipsession.conf": f"[modules]\n{modules}"},
        "env": {"SIPSESSION_API_LOG": str(record_path)},
        "endpoints": CONF.format(nat=NAT, media=MEDIA, own=OWN, port=ports[0], port2=ports[1]),
    }


@pytest.fixture
def peer_at(daemon, ports):
    made = []

    def peer_at(address, transport="udp", port=None):
        made.append(Peer((OWN, port or ports[0]), transport, local=address))
        return made[-1]

    yield peer_at
    for peer in made:
        peer.close()


def addresses(sdp):
    return {line.rsplit(" ", 1)[1] for line in sdp.decode().splitlines() if line[:2] in ("c=", "o=")}


@pytest.mark.parametrize(
    "address, transport, contact, media",
    [
        (INSIDE, "udp", f"{OWN}:{{port}}", OWN),
        (INSIDE, "tcp", f"{OWN}:{{port}};transport=tcp", OWN),
        (OUTSIDE, "udp", f"{NAT}:5999", MEDIA),
        (OUTSIDE, "tcp", f"{NAT}:{{port}};transport=tcp", MEDIA),
    ],
)
def test_a_call_comes_in(peer_at, ports, address, transport, contact, media):
    peer = peer_at(address, transport)
    call = Call(peer, "echo")
    call.send_invite()
    answer = peer.expect(200)
    assert answer.contact_uri == "sip:echo@" + contact.format(port=ports[0])
    assert addresses(answer.body) == {media}
    assert answer.get("Via").startswith(f"SIP/2.0/{transport.upper()} {address}:")  # the peer's own
    call.answer, call.remote = answer, answer.get("To")
    call.target = f"sip:echo@{OWN}:{ports[0]}"  # what the NAT makes of it
    if transport == "udp":  # a new transmission says the same
        again = peer.expect(200, again=True)
        assert (again.contact_uri, again.body) == (answer.contact_uri, answer.body)
    peer.send(call.build("ACK", cseq=call.cseq))
    call.send("BYE")
    peer.expect(200, skip=(100,))


def test_a_host_name(peer_at, ports):
    peer = peer_at(OUTSIDE, port=ports[1])
    call = Call(peer, "busy")
    call.send_invite()
    busy = peer.expect(486)
    peer.send(call.build("ACK", cseq=call.cseq, branch=call.invite.branch))
    assert not busy.has("Contact") or "pbx.example.test" in busy.get("Contact")
    call = Call(peer, "echo")
    call.send_invite()
    answer = peer.expect(200)
    assert answer.contact_uri == f"sip:echo@pbx.example.test:{ports[1]}"
    call.answer, call.remote, call.target = answer, answer.get("To"), peer.uri("echo")
    peer.send(call.build("ACK", cseq=call.cseq))
    call.send("BYE")
    peer.expect(200)


@pytest.mark.parametrize(
    "endpoint, address, host, media",
    [("out", INSIDE, f"{OWN}:{{port}}", OWN), ("out", OUTSIDE, f"{NAT}:5999", MEDIA), ("media", OUTSIDE, f"{NAT}:5999", "127.9.9.9")],
)
def test_a_call_goes_out(daemon, record_path, peer_at, ports, endpoint, address, host, media):
    record_path.unlink(missing_ok=True)
    caller = Caller(daemon, record_path)
    callee = peer_at(address)
    host = host.format(port=ports[0])
    caller.dial(endpoint, f"sip:a@{address}:{callee.port}")
    invite = callee.expect("INVITE")
    assert invite.get("Via").startswith(f"SIP/2.0/UDP {host};")
    assert invite.contact_uri == f"sip:{host}"
    assert addresses(invite.body) == {media}
    callee.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(callee.port))
    ack = callee.expect("ACK")
    assert ack.get("Via").startswith(f"SIP/2.0/UDP {host};")
    caller.hang_up()
    callee.respond(callee.expect("BYE"), 200)
    caller.wait("end 200")
    caller.done()
