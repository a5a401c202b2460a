# SPDX-License-Identifier: GPL-2.0-or-later
"""
Kamailio around us: an edge proxy in front of our registrar (Path, RFC 3327; outbound, RFC 5626), a registrar over TLS, a
proxy that stays on the way of dialogs, one that forks, and one that dies.
"""

import re
import sqlite3

import pytest
from support import audio, dns
from support.caller import Caller
from support.clients import baresip_registration, pjsua, sipp
from support.daemon import Daemon, free_port
from support.kamailio import EDGE, REGISTRAR, Kamailio
from support.peer import Call
from support.phone import Phone, phone
from support.tls import Authority
from support.wire import audio_sdp

EXTENSIONS = """\
[default]
exten = wait,1,Answer()
 same = n,Wait(60)

exten = brief,1,Answer()
 same = n,Wait(0.3)
 same = n,Hangup()

exten = line,1,Answer()
 same = n,Wait(60)
"""
PHONES = (
    phone("alice", "max_contacts = 5\nsupport_path = yes")
    + phone("heidi", "max_contacts = 20\nsupport_path = yes", "auth = heidi")
    + "\n[heidi]\ntype = auth\nusername = heidi\npassword = secret\n"
    + "\n[login]\ntype = auth\nusername = bob\npassword = secret\n"
    + "\n[anonymous]\ntype = endpoint\nallow = ulaw\n"
)
SYSTEM = "type = system\ntimer_t1 = 100\ntimer_b = 1500\n"


@pytest.fixture
def kamailio(tmp_path):
    running = []

    def begin(route, **options):
        running.append(Kamailio(tmp_path / f"kamailio{len(running)}", route, **options).start())
        return running[-1]

    yield begin
    for one in running:
        one.stop()


@pytest.fixture
def start(tmp_path, api_module):
    """A daemon that calls when it is told to (caller), with further configuration."""
    started = []

    def begin(endpoints="", conf=""):
        record = tmp_path / "record"
        modules = ("sdp_rtp", "registrar", "qualify", api_module("api_outgoing"))
        main = conf + "[modules]\n" + "".join(f"load = {module}\n" for module in modules)
        daemon = Daemon(
            tmp_path / "daemon", EXTENSIONS, PHONES + endpoints, SYSTEM, env={"SIPSESSION_API_LOG": str(record)},
            files={"sipsession.conf": main},
        )  # fmt: skip
        started.append(daemon)
        daemon.start()
        caller = Caller(daemon, record)
        started.append(caller)
        return daemon, caller

    yield begin
    if started:
        daemon, *callers = started
        try:
            if daemon.alive():
                for caller in callers:
                    caller.done()
            daemon.stop()
        finally:
            daemon.kill()


def edge_for(daemon):
    return EDGE.replace("HOST", daemon.address).replace("PORT", str(daemon.port))


class RoutedCall(Call):
    """A call through a proxy that stays on its way: requests have the route set of the 2xx (RFC 3261 12.1.2)."""

    routes = ()

    def learn(self, response):
        super().learn(response)
        if 200 <= response.status < 300:
            self.routes = [("Route", value) for value in reversed(response.tokens("record-route"))]

    def build(self, method, headers=(), body=b"", cseq=None, branch=None):
        return super().build(method, [*self.routes, *headers], body, cseq, branch)


def came_through(message, proxies=1):
    return len(message.all("via")) == proxies + 1


# ---- in front of our registrar ----


def outbound_edge(kamailio, daemon):
    secret = 'modparam("outbound", "flow_token_secret", "of the test itself")\n'
    route = edge_for(daemon).replace("add_path();", 'add_path();\n        append_hf("Supported: path\\r\\n");')
    return kamailio(route, loads=["outbound"], params=secret)


def test_a_phone_registers_through_the_edge_and_is_called_by_it(start, kamailio):
    daemon, caller = start()
    edge = kamailio(edge_for(daemon))
    alice = Phone(daemon.peer(remote=("127.0.0.1", edge.port)), "alice")
    answer = alice.register(alice.here("alice"), headers=[("Supported", "path")])
    assert answer.get("path") == f"<sip:127.0.0.1:{edge.port};lr>" and answer.tokens("supported") == ["path"]
    caller.dial("alice", "-")
    invite = alice.peer.expect("INVITE")
    assert came_through(invite) and not invite.has("route") and invite.has("record-route")
    alice.peer.respond(invite, 200, "OK", [("Content-Type", "application/sdp")], audio_sdp(alice.peer.port))
    ack = alice.peer.expect("ACK")
    assert came_through(ack), "by the route set"
    caller.hang_up()
    bye = alice.peer.expect("BYE")
    assert came_through(bye) and bye.call_id == invite.call_id
    alice.peer.respond(bye, 200)
    alice.register("<sip:alice@127.0.0.1>", headers=[], status=421)  # the edge's Path, and a phone that knows none
    alice.register("*", expires=0, headers=[("Supported", "path")])


def test_outbound_through_the_edge(start, kamailio):
    """Kamailio keeps the flow (`ob`): the call comes over the phone's connection. Without `ob`: 439."""
    daemon, caller = start()
    edge = outbound_edge(kamailio, daemon)
    plain = kamailio(edge_for(daemon))
    contact = '<sip:alice@phone.invalid;transport=tcp;ob>;+sip.instance="<urn:uuid:1>";reg-id=1'
    headers = [("Supported", "outbound, path")]
    other = Phone(daemon.peer(remote=("127.0.0.1", plain.port)), "alice")
    other.register(contact, headers=headers, status=439)
    alice = Phone(daemon.peer("tcp", remote=("127.0.0.1", edge.port)), "alice")
    answer = alice.register(contact, headers=headers)
    assert answer.tokens("require") == ["outbound"] and ";ob" in answer.get("path")
    caller.dial("alice", "-")
    invite = alice.peer.expect("INVITE")
    assert invite.uri == "sip:alice@phone.invalid;transport=tcp;ob"
    alice.peer.respond(invite, 486)
    alice.peer.expect("ACK")
    again = Phone(daemon.peer("tcp", remote=("127.0.0.1", edge.port)), "alice")  # the phone comes from elsewhere
    assert len(again.register(contact, headers=headers).all("contact")) == 1
    caller.dial("alice", "-")
    again.peer.respond(again.peer.expect("INVITE"), 486)
    again.peer.expect("ACK")
    again.register("*", expires=0, headers=headers)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_pjsua_behind_the_edge(start, kamailio, tmp_path, transport):
    daemon, caller = start()
    edge = outbound_edge(kamailio, daemon)  # it says Supported: path for phones that know no Path, as PJSUA over UDP
    client = pjsua(
        tmp_path,
        options=[f"--id=sip:heidi@{daemon.address}", f"--registrar=sip:{daemon.address}", "--realm=*", "--username=heidi",
                 "--password=secret", f"--proxy=sip:127.0.0.1:{edge.port};lr;transport={transport}", "--reg-timeout=300",
                 "--auto-answer=200", *(["--no-tcp"] if transport == "udp" else ["--no-udp"])],
    )  # fmt: skip
    try:
        client.wait_for("registration success", timeout=15)
        caller.dial("heidi", "-")
        client.wait_for("state changed to CONFIRMED")
        mark = len(client.text())
        caller.hang_up()
        client.wait_for("is DISCONNECTED", after=mark)
        assert re.search(rf"Record-Route: <sip:(\S+@)?127.0.0.1:{edge.port}", client.text())
        assert ("Require: outbound" in client.text()) == (transport == "tcp")
        client.console("q")
        client.wait(15)
    finally:
        client.kill()


def test_baresip_behind_the_edge(start, kamailio, tmp_path):
    daemon, caller = start()
    edge = outbound_edge(kamailio, daemon)
    folder = tmp_path / "baresip"
    folder.mkdir()
    audio.write_wav(folder / "sound.wav", audio.speech_like(4, 8000, seed=5), 8000)
    client = baresip_registration(
        folder,
        f'<sip:heidi@{daemon.address}>;regint=600;auth_pass=secret;outbound="sip:127.0.0.1:{edge.port}";sipnat=outbound;answermode=auto',
        folder / "sound.wav",
    )
    try:
        client.wait_for("200 OK", timeout=15)
        caller.dial("heidi", "-")
        client.wait_for("Call established", timeout=10)
        with sqlite3.connect(daemon.config / "sipsession.db") as store:
            (kept,) = store.execute("SELECT value FROM store WHERE kind='contact' AND key='heidi'").fetchone()
        assert "instance: <urn:uuid:" in kept and "reg-id: 1\n" in kept
        caller.hang_up()
        client.wait_for("session closed", timeout=10)
    finally:
        client.kill()


def test_sipp_behind_the_edge(start, kamailio, tmp_path):
    """Ten phones of one user register with digest, and each answer has the Path."""
    daemon, _ = start()
    edge = kamailio(edge_for(daemon))
    good, bad, errors = sipp(
        daemon, tmp_path, user=daemon.address, scenario="register_auth", calls=10, rate=50, remote=("127.0.0.1", edge.port),
        options=["-auth_uri", daemon.address],
    )  # fmt: skip
    assert (good, bad) == (10, 0), errors
    with sqlite3.connect(daemon.config / "sipsession.db") as store:
        (kept,) = store.execute("SELECT value FROM store WHERE kind='contact' AND key='heidi'").fetchone()
    assert kept.count("contact: ") == kept.count(f"path: <sip:127.0.0.1:{edge.port};lr>") == 10


# ---- over TLS ----


def tls_transport(authority, cert, port):
    return f"""
[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{port}
cert_file = {cert[0]}
priv_key_file = {cert[1]}
ca_list_file = {authority.cert}
verify_server = yes
"""


def registration(server_uri, **options):
    lines = {"server_uri": server_uri, "client_uri": "sip:bob@example.test", "contact_user": "line", "outbound_auth": "login",
             "max_random_initial_delay": 0, "retry_interval": 1, **options}  # fmt: skip
    return "\n[trunk]\ntype = registration\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def state_of(daemon, state, **options):
    return daemon.wait_log(rf"event=registration name=trunk state={state}[^\n]*", timeout=10, **options).group(0)


def test_registration_over_tls_and_a_call_by_it(start, kamailio, tmp_path):
    """Digest over TLS with a certificate that is verified; the call comes to Kamailio by UDP and to us by TLS."""
    authority = Authority(tmp_path)
    ours, theirs = authority.issue("ours", "IP:127.0.0.1"), authority.issue("kamailio", "IP:127.0.0.1")
    server = kamailio(REGISTRAR.replace("    t_relay();\n", "    record_route();\n    t_relay();\n"), tls=(*theirs, authority.cert))
    daemon, _ = start(
        tls_transport(authority, ours, free_port("127.0.0.1"))
        + registration(f"sip:127.0.0.1:{server.tls_port}\\;transport=tls", transport="tls")
    )
    assert f"server=127.0.0.1:{server.tls_port} status=200" in state_of(daemon, "registered")
    peer = daemon.peer(remote=("127.0.0.1", server.port))
    call = RoutedCall(peer, "bob")
    answer = call.establish()
    assert len(answer.all("record-route")) == 2 and ";transport=tls" in answer.contact_uri
    call.send("BYE")
    call.expect(200)


def test_registration_over_tls_with_a_certificate_of_nobody(start, kamailio, tmp_path):
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    ours, theirs = authority.issue("ours", "IP:127.0.0.1"), stranger.issue("kamailio", "IP:127.0.0.1")
    server = kamailio(REGISTRAR, tls=(*theirs, stranger.cert))
    daemon, _ = start(
        tls_transport(authority, ours, free_port("127.0.0.1"))
        + registration(f"sip:127.0.0.1:{server.tls_port}\\;transport=tls", transport="tls")
    )
    assert "status=503" in state_of(daemon, "retrying")
    assert "state=registered" not in daemon.log()


# ---- on the way of dialogs ----

# To us for what is addressed to the proxy itself, else where the request says.
STAYING = """\
    loose_route();
    if (is_method("INVITE")) record_route();
    t_relay();
"""
PROXY = """\
    if (!has_totag() && uri == myself) rewritehostport("HOST:PORT");
""" + STAYING


def proxy_for(daemon):
    return PROXY.replace("HOST", daemon.address).replace("PORT", str(daemon.port))


def test_a_call_through_a_proxy_that_stays(start, kamailio):
    """Its requests, and ours, follow the route set."""
    daemon, _ = start()
    proxy = kamailio(proxy_for(daemon))
    peer = daemon.peer(remote=("127.0.0.1", proxy.port))
    call = RoutedCall(peer, "wait")
    answer = call.establish()
    assert answer.get("record-route").startswith(f"<sip:127.0.0.1:{proxy.port};lr")
    call.send("INVITE", body=call.offer)
    call.ack(call.expect(200))
    call.hang_up()
    call = RoutedCall(peer, "brief")
    call.establish()
    bye = call.expect("BYE")
    assert came_through(bye) and not bye.has("route"), "the proxy took its route off"
    peer.respond(bye, 200)


@pytest.mark.parametrize("leg", ["udp", "tcp", "tls"])
def test_our_call_through_a_proxy_that_stays(start, kamailio, tmp_path, leg):
    """Between us and the proxy UDP, TCP or TLS, beyond it UDP: two Record-Routes where the transports differ."""
    authority = Authority(tmp_path)
    ours, theirs = authority.issue("ours", "IP:127.0.0.1"), authority.issue("kamailio", "IP:127.0.0.1")
    proxy = kamailio(STAYING, tls=(*theirs, authority.cert))
    port = proxy.tls_port if leg == "tls" else proxy.port
    daemon, caller = start(
        tls_transport(authority, ours, free_port("127.0.0.1"))
        + f"\n[trunk]\ntype = endpoint\nallow = ulaw\noutbound_proxy = sip:127.0.0.1:{port}\\;lr\\;transport={leg}\n"
    )
    peer = daemon.peer(remote=("127.0.0.1", proxy.port))
    caller.dial("trunk", f"sip:somebody@127.0.0.1:{peer.port}")
    invite = peer.expect("INVITE")
    assert came_through(invite) and not invite.has("route")
    assert len(invite.all("record-route")) == (1 if leg == "udp" else 2)
    assert invite.all("via")[1].startswith(f"SIP/2.0/{leg.upper()} ")
    peer.respond(invite, 200, "OK", [("Content-Type", "application/sdp")], audio_sdp(peer.port))
    assert came_through(peer.expect("ACK"))
    caller.ask("X-Info")
    info = peer.expect("INFO")
    assert came_through(info) and not info.has("route")
    peer.respond(info, 200)
    caller.ask("X-Reinvite")
    again = peer.expect("INVITE")
    assert came_through(again)
    peer.respond(again, 200, "OK", [("Content-Type", "application/sdp")], audio_sdp(peer.port, version=2))
    assert came_through(peer.expect("ACK"))
    caller.hang_up()
    bye = peer.expect("BYE")
    assert came_through(bye)
    peer.respond(bye, 200)


# ---- one that forks ----

FORKING = """\
    if (is_method("REGISTER")) {
        save("location");
        exit;
    }
    loose_route();
    if (is_method("INVITE")) record_route();
    if (is_method("INVITE") && !has_totag()) lookup("location");
    t_relay();
"""


def test_two_phones_ring_and_one_answers(start, kamailio):
    daemon, caller = start()
    proxy = kamailio(FORKING)
    phones = [Phone(daemon.peer(remote=("127.0.0.1", proxy.port)), "callee") for _ in range(2)]
    for one in phones:
        one.register(one.here())
    caller.dial("alice", f"sip:callee@127.0.0.1:{proxy.port}")
    invites = [one.peer.expect("INVITE") for one in phones]
    assert invites[0].call_id == invites[1].call_id and invites[0].branch != invites[1].branch
    for one, invite, tag in zip(phones, invites, ("first", "second")):
        one.peer.respond(invite, 180, tag=tag)
        caller.wait(f"early {tag} alive 180")
    winner, loser = phones[1].peer, phones[0].peer
    winner.respond(invites[1], 200, "OK", [("Content-Type", "application/sdp")], audio_sdp(winner.port), tag="second")
    assert ";tag=second" in winner.expect("ACK").get("to")
    cancel = loser.expect("CANCEL")
    loser.respond(cancel, 200)
    loser.respond(invites[0], 487, tag="first")
    loser.expect("ACK")
    caller.wait("early second won 200")
    caller.wait("early first lost 180")
    caller.hang_up()
    bye = winner.expect("BYE")
    assert ";tag=second" in bye.get("to") and came_through(bye)
    winner.respond(bye, 200)
    loser.expect_nothing(0.2)


# ---- one that dies ----


def two_servers(servers):
    """The first one is preferred."""
    records = {"_sip._udp.example.test": []}
    for i, server in enumerate(servers):
        records["_sip._udp.example.test"].append(dns.srv(i + 1, 1, server.port, f"s{i}.example.test"))
        records[f"s{i}.example.test"] = [dns.a("127.0.0.1")]
    return records


def dns_conf(names):
    return f"[dns]\nservers = 127.0.0.1:{names.port}\n"


def test_the_other_one_takes_over(start, kamailio):
    """Two Kamailios by SRV: a call goes to the second when the first is killed (RFC 3263 4.3)."""
    servers = [kamailio(REGISTRAR), kamailio(REGISTRAR)]
    with dns.NameServer(two_servers(servers)) as names:
        daemon, caller = start(
            registration("sip:example.test\\;transport=udp", expiration=120)
            + "\n[trunk]\ntype = endpoint\nallow = ulaw\noutbound_auth = login\n",
            conf=dns_conf(names),
        )
        assert f"server=127.0.0.1:{servers[0].port} " in state_of(daemon, "registered")
        caller.dial("trunk", "sip:bob@example.test;transport=udp")  # it comes back to us, by the binding
        caller.wait("response 200 INVITE")
        caller.hang_up()
        servers[0].kill()
        caller.dial("trunk", "sip:bob@example.test;transport=udp")
        caller.wait("response 404 INVITE", timeout=10)  # of the second one, where nobody is registered


def test_registration_with_the_one_that_is_left(start, kamailio):
    servers = [kamailio(REGISTRAR), kamailio(REGISTRAR)]
    servers[0].kill()
    with dns.NameServer(two_servers(servers)) as names:
        daemon, _ = start(registration("sip:example.test\\;transport=udp", expiration=120), conf=dns_conf(names))
        assert f"server=127.0.0.1:{servers[1].port} " in state_of(daemon, "registered")
