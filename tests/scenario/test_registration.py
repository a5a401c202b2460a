# SPDX-License-Identifier: GPL-2.0-or-later
"""Registrations of the daemon with somebody else's registrar (RFC 3261 10.2): a scripted one, and Kamailio."""

import hashlib
import re
import socket
import time

import pytest
from support import dns
from support.kamailio import EDGE, REGISTRAR, Kamailio
from support.peer import Call, Peer

EXTENSIONS = "".join(
    f"""
[{context}]
exten = _.,1,Verbose(1,CONTEXT {context} EXTEN ${{EXTEN}})
 same = n,Busy()
"""
    for context in ("line-one", "line-two", "anybody")
)

ENDPOINTS = """
[one]
type = endpoint
context = line-one
allow = ulaw

[two]
type = endpoint
context = line-two
allow = ulaw

[anonymous]
type = endpoint
context = anybody
allow = ulaw

[login]
type = auth
username = bob
password = secret
"""

SYSTEM = "type = system\ntimer_t1 = 100\ntimer_b = 1000\n"


def section(name, **options):
    lines = {"server_uri": "sip:registrar.invalid", "client_uri": "sip:bob@example.test", "max_random_initial_delay": 0}
    lines.update(options)
    return f"\n[{name}]\ntype = registration\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


@pytest.fixture
def registrar():
    made = []

    def make(transport="udp"):
        made.append(Peer(("127.0.0.1", 9)))
        return made[-1]

    yield make
    for peer in made:
        peer.close()


@pytest.fixture
def start(start_daemon):
    def begin(*sections, registrars=(), **options):
        daemon = start_daemon(
            extensions=EXTENSIONS, endpoints=ENDPOINTS + "".join(sections), system=SYSTEM, **options
        )
        for peer in registrars:
            peer.remote = daemon.udp
        return daemon

    return begin


def accept(peer, request, expires=3600, headers=()):
    contact = request.get("contact")
    peer.respond(request, 200, "OK", [("Contact", f"{contact};expires={expires}"), *headers])


def state_of(daemon, name, state, after=0, timeout=10):
    return daemon.wait_log(rf"event=registration name={name} state={state}[^\n]*", timeout=timeout, after=after).group(0)


def end(daemon, peer, *requests):
    """The daemon stops, and unregisters."""
    daemon.signal()
    gone = [peer.expect("REGISTER") for _ in requests]
    for request in gone:
        assert request.get("expires") == "0"
        peer.respond(request, 200)
    assert daemon.wait() == 0
    return gone


# ---- the life of a registration ----


def test_register_refresh_unregister(start, registrar):
    server = registrar()
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{server.port}", expiration=600), registrars=[server])
    first = server.expect("REGISTER")
    assert first.uri == f"sip:127.0.0.1:{server.port}"
    assert re.fullmatch(r"<sip:bob@example.test>;tag=\S+", first.get("from"))
    assert first.get("to") == "<sip:bob@example.test>"
    assert first.get("contact") == f"<sip:s@{daemon.address}:5060>"
    assert (first.get("expires"), first.get("max-forwards")) == ("600", "70")
    assert not first.has("authorization") and not first.has("supported") and not first.has("route")
    began = time.monotonic()
    accept(server, first, 2)
    state_of(daemon, "trunk", f"registered server=127.0.0.1:{server.port} status=200 expires=2 next=1 retries=0")
    second = server.expect("REGISTER")
    assert 0.7 < second.when - began < 2, "before it expires"
    assert (second.call_id, second.cseq) == (first.call_id, first.cseq + 1)
    assert (second.get("expires"), second.get("contact")) == ("600", first.get("contact"))
    server.respond(second, 200, "OK", [("Expires", "300")])
    daemon.wait_log("expires=300 next=270")
    assert daemon.log().count("NOTICE event=registration name=trunk state=registered") == 1, "a refresh is no news"
    (gone,) = end(daemon, server, first)
    assert (gone.call_id, gone.cseq) == (first.call_id, second.cseq + 1)
    assert gone.get("contact") == first.get("contact")
    assert "event=registration name=trunk state=ended" in daemon.log()


def test_the_binding_is_ours_among_others(start, registrar):
    server = registrar()
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{server.port}"), registrars=[server])
    request = server.expect("REGISTER")
    others = [("Contact", "<sip:s@127.9.9.9>;expires=7"), ("Contact", f"{request.get('contact')};expires=1000")]
    server.respond(request, 200, "OK", [*others, ("Expires", "9")])
    state_of(daemon, "trunk", "registered .* expires=1000 next=940")
    end(daemon, server, request)


def test_several_at_once(start, registrar):
    servers = [registrar() for _ in range(3)]
    daemon = start(
        *(section(f"t{i}", server_uri=f"sip:127.0.0.1:{server.port}", client_uri=f"sip:user{i}@example.test",
                  contact_user=f"in{i}") for i, server in enumerate(servers)),
        registrars=servers,
    )  # fmt: skip
    requests = [server.expect("REGISTER") for server in servers]
    for i, request in enumerate(requests):
        assert request.get("to") == f"<sip:user{i}@example.test>"
        assert request.get("contact").startswith(f"<sip:in{i}@")
    assert len({request.call_id for request in requests}) == 3
    servers[1].respond(requests[1], 403)
    accept(servers[0], requests[0])
    accept(servers[2], requests[2])
    state_of(daemon, "t0", "registered")
    state_of(daemon, "t1", "rejected .* status=403 expires=0 next=0")
    state_of(daemon, "t2", "registered")
    daemon.signal()
    for server in (servers[0], servers[2]):
        server.respond(server.expect("REGISTER"), 200)
    assert daemon.wait() == 0
    servers[1].expect_nothing(0, answered=False)


def test_headers(start, registrar):
    server = registrar()
    daemon = start(
        section("trunk", server_uri="sip:registrar.invalid", outbound_proxy=f"sip:127.0.0.1:{server.port}\\;lr", support_path="yes",
                support_outbound="yes", contact_header_params="reg-id=1\\;q=0.5", user_agent="another", transport="udp"),
        registrars=[server],
    )  # fmt: skip
    request = server.expect("REGISTER")
    assert request.uri == "sip:registrar.invalid"
    assert request.get("route") == f"<sip:127.0.0.1:{server.port};lr>"
    assert request.tokens("supported") == ["path", "outbound"]
    assert request.get("contact") == f"<sip:s@{daemon.address}:5060>;q=0.5;reg-id=1"
    assert request.all("user-agent") == ["another"]
    accept(server, request)
    state_of(daemon, "trunk", "registered")
    end(daemon, server, request)


def test_over_tcp(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{listener.getsockname()[1]}\\;transport=tcp"))
        listener.settimeout(5)
        connection, _ = listener.accept()
        server = Peer.__new__(Peer)
        server.__dict__.update(Peer(daemon.udp).__dict__, transport="tcp", socket=connection)
        request = server.expect("REGISTER")
        assert request.get("contact") == f"<sip:s@{daemon.address}:5060;transport=tcp>"
        accept(server, request)
        state_of(daemon, "trunk", "registered")
        end(daemon, server, request)
        server.close()


def accepted(daemon, listener):
    """The daemon's next connection."""
    listener.settimeout(5)
    connection, _ = listener.accept()
    server = Peer.__new__(Peer)
    server.__dict__.update(Peer(daemon.udp).__dict__, transport="tcp", socket=connection)
    return server


def test_a_connection_that_breaks_is_made_again(start):
    """Calls may have no other way to us (RFC 5626 4.5): the next REGISTER does not wait for the expiry."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{listener.getsockname()[1]}\\;transport=tcp"))
        first = accepted(daemon, listener)
        request = first.expect("REGISTER")
        accept(first, request)
        state_of(daemon, "trunk", "registered")
        first.close()
        second = accepted(daemon, listener)
        again = second.expect("REGISTER")
        assert (again.call_id, again.cseq) == (request.call_id, request.cseq + 1)
        accept(second, again)
        end(daemon, second, again)
        second.close()


def test_over_ipv6(start):
    server = Peer(("::1", 9))
    daemon = start(section("trunk", server_uri=f"sip:[::1]:{server.port}"))
    server.remote = daemon.udp6
    request = server.expect("REGISTER")
    assert request.get("contact") == f"<sip:s@[::1]:{daemon.port6}>"
    accept(server, request)
    state_of(daemon, "trunk", rf"registered server=\[::1\]:{server.port}")
    end(daemon, server, request)
    server.close()


# ---- challenges ----


def fields_of(value):
    return {key.lower(): text.strip('"') for key, text in re.findall(r'(\w+)=("[^"]*"|[^,\s]+)', value)}


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def is_right(request, header, password="secret"):
    f = fields_of(request.get(header))
    secret = md5(f"{f['username']}:{f['realm']}:{password}")
    what = md5(f"REGISTER:{f['uri']}")
    return f["username"] == "bob" and f["response"] == md5(
        f"{secret}:{f['nonce']}:{f['nc']}:{f['cnonce']}:auth:{what}"
    )


@pytest.mark.parametrize("status, ask, answer", [(401, "WWW-Authenticate", "authorization"), (407, "Proxy-Authenticate", "proxy-authorization")])
def test_challenge(start, registrar, status, ask, answer):
    server = registrar()
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{server.port}", outbound_auth="login"), registrars=[server])
    for nonce in ("one", "two"):  # a refresh too
        plain = server.expect("REGISTER")
        server.respond(plain, status, "Who", [(ask, f'Digest realm="r", nonce="{nonce}", qop="auth", algorithm=MD5')])
        request = server.expect("REGISTER")
        assert (request.call_id, request.cseq) == (plain.call_id, plain.cseq + 1)
        assert fields_of(request.get(answer))["nonce"] == nonce
        assert is_right(request, answer)
        accept(server, request, 1)
    state_of(daemon, "trunk", "registered")


@pytest.mark.parametrize("permanent", ["yes", "no"])
def test_wrong_credentials(start, registrar, permanent):
    server = registrar()
    daemon = start(
        section("trunk", server_uri=f"sip:127.0.0.1:{server.port}", outbound_auth="login", retry_interval=1,
                auth_rejection_permanent=permanent),
        registrars=[server],
    )  # fmt: skip
    for _ in range(2):
        server.respond(server.expect("REGISTER"), 401, "No", [("WWW-Authenticate", 'Digest realm="r", nonce="same", qop="auth"')])
    if permanent == "yes":
        state_of(daemon, "trunk", "rejected .* status=401")
        server.expect_nothing(1.5)
    else:
        state_of(daemon, "trunk", "retrying .* status=401 expires=0 next=1 retries=1")
        accept(server, server.expect("REGISTER"))
        state_of(daemon, "trunk", "registered")


def test_nothing_to_answer_a_challenge_with(start, registrar):
    server = registrar()
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{server.port}"), registrars=[server])
    server.respond(server.expect("REGISTER"), 401, "No", [("WWW-Authenticate", 'Digest realm="r", nonce="n"')])
    state_of(daemon, "trunk", "rejected .* status=401")


# ---- refusals ----


def test_interval_too_brief(start, registrar):
    server = registrar()
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{server.port}", expiration=60), registrars=[server])
    first = server.expect("REGISTER")
    server.respond(first, 423, "Brief", [("Min-Expires", "1800")])
    second = server.expect("REGISTER")
    assert (second.get("expires"), second.cseq, second.call_id) == ("1800", first.cseq + 1, first.call_id)
    accept(server, second, 1800)
    state_of(daemon, "trunk", "registered .* expires=1800")


def test_temporary_failures_and_max_retries(start, registrar):
    server = registrar()
    daemon = start(
        section("trunk", server_uri=f"sip:127.0.0.1:{server.port}", retry_interval=1, max_retries=2), registrars=[server]
    )
    for _ in range(3):
        server.respond(server.expect("REGISTER"), 500)
    assert " retries=2" in state_of(daemon, "trunk", "rejected")
    server.expect_nothing(1.5)
    assert daemon.log().count("event=registration name=trunk state=retrying") == 2


@pytest.mark.parametrize(
    "status, options, comes",
    [
        (403, {}, False),
        (403, {"forbidden_retry_interval": 1}, True),
        (403, {"fatal_retry_interval": 1}, True),
        (404, {"forbidden_retry_interval": 1}, False),
        (404, {"fatal_retry_interval": 1}, True),
        (503, {"retry_interval": 0}, False),
    ],
)
def test_permanent_failures(start, registrar, status, options, comes):
    server = registrar()
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{server.port}", **options), registrars=[server])
    server.respond(server.expect("REGISTER"), status)
    state_of(daemon, "trunk", f"{'retrying' if comes else 'rejected'} .* status={status}")
    if comes:
        server.expect("REGISTER")
    else:
        server.expect_nothing(1.2)


def test_nobody_answers(start, registrar):
    """The time-out of the transaction, and a stop that does not wait for such a registrar."""
    server = registrar()
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{server.port}", retry_interval=1), registrars=[server])
    accept(server, server.expect("REGISTER"), 1)
    state_of(daemon, "trunk", "registered")
    state_of(daemon, "trunk", "retrying .* status=408")
    daemon.signal()
    began = time.monotonic()
    assert daemon.wait() == 0
    assert time.monotonic() - began < 8


def test_a_stop_waits_for_no_registrar_for_long(start_daemon, registrar):
    """Nothing answers, neither the registrar nor the name server: 2 s, and nothing is left behind."""
    server = registrar()
    with dns.NameServer({}, silent=["silent.test"]) as names:
        daemon = start_daemon(
            extensions=EXTENSIONS, files=named(names),
            endpoints=ENDPOINTS + section("silent", server_uri=f"sip:127.0.0.1:{server.port}")
            + section("nameless", server_uri="sip:silent.test:5060"),
        )  # fmt: skip
        server.expect("REGISTER")
        daemon.signal()
        began = time.monotonic()
        assert daemon.wait() == 0
        assert 1.5 < time.monotonic() - began < 8


def test_odd_answers(start, registrar):
    """What no registrar should say: the daemon is there, and tries again or not."""
    headers = [
        [("Contact", "*")],
        [("Contact", "<tel:1>;expires=1")],
        [("Contact", "<sip:a@b>;expires=99999999999999999999")],
        [("Expires", "4294967295")],
        [("Contact", "<sip:x@y>;expires=0")],
    ]
    servers = [registrar() for _ in headers]
    daemon = start(
        *(section(f"t{i}", server_uri=f"sip:127.0.0.1:{server.port}") for i, server in enumerate(servers)), registrars=servers
    )
    for server, odd in zip(servers, headers):
        server.respond(server.expect("REGISTER"), 200, "OK", odd)
    state_of(daemon, "t2", "registered .* expires=604800")
    state_of(daemon, "t3", "registered .* expires=3600")
    state_of(daemon, "t4", "retrying")
    assert daemon.alive()


# ---- servers ----


def named(names):
    return {"sipsession.conf": f"[dns]\nservers = 127.0.0.1:{names.port}\n"}


def test_failover_over_srv(start, registrar):
    """A server that is silent, one that is busy, one that works (RFC 3263 4.3); it stays with that one."""
    silent, busy, good = registrar(), registrar(), registrar()
    records = {"_sip._udp.example.test": []}
    for i, server in enumerate((silent, busy, good)):
        records["_sip._udp.example.test"].append(dns.srv(i + 1, 1, server.port, f"s{i}.example.test"))
        records[f"s{i}.example.test"] = [dns.a("127.0.0.1")]
    with dns.NameServer(records) as names:
        daemon = start(
            section("trunk", server_uri="sip:example.test\\;transport=udp"), registrars=[silent, busy, good], files=named(names)
        )
        first = silent.expect("REGISTER")
        second = busy.expect("REGISTER", timeout=5)
        assert second.call_id == first.call_id and second.cseq > first.cseq and second.branch != first.branch
        busy.respond(second, 503)
        request = good.expect("REGISTER")
        silent.drain(0.1)
        accept(good, request, 2)
        assert f"server=127.0.0.1:{good.port}" in state_of(daemon, "trunk", "registered")
        assert " retries=0" in state_of(daemon, "trunk", "registered")
        refresh = good.expect("REGISTER")  # at once, not after another time-out
        silent.expect_nothing(0)
        accept(good, refresh)
        end(daemon, good, refresh)


def test_failover_when_a_connection_is_refused(start, registrar):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        refused = probe.getsockname()[1]
    good = registrar()
    records = {
        "example.test": [
            dns.naptr(1, 1, "SIP+D2T", "_sip._tcp.example.test"),
            dns.naptr(2, 1, "SIP+D2U", "_sip._udp.example.test"),
        ],
        "_sip._tcp.example.test": [
            dns.srv(1, 1, refused, "a.example.test"),
        ],
        "_sip._udp.example.test": [dns.srv(1, 1, good.port, "a.example.test")],
        "a.example.test": [dns.a("127.0.0.1")],
    }
    with socket.create_server(("127.0.0.1", 0)) as listener, dns.NameServer(records) as names:
        records["_sip._tcp.example.test"].append(dns.srv(2, 1, listener.getsockname()[1], "a.example.test"))
        names.records = records
        start(section("trunk", server_uri="sip:example.test"), files=named(names))
        listener.settimeout(5)
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            assert connection.recv(65536).startswith(b"REGISTER sip:example.test SIP/2.0\r\n")


def test_a_name_that_does_not_exist(start):
    with dns.NameServer({}) as names:
        daemon = start(section("trunk", server_uri="sip:nowhere.test", retry_interval=1, max_retries=1), files=named(names))
        state_of(daemon, "trunk", "retrying server=- status=503")
        state_of(daemon, "trunk", "rejected server=- status=503 .* retries=1")


# ---- line ----


def test_line(start, registrar):
    """Calls to the Contact that was registered are of the registration's endpoint, whoever sends them."""
    servers = [registrar(), registrar()]
    daemon = start(
        *(section(name, server_uri=f"sip:127.0.0.1:{server.port}", line="yes", endpoint=name, contact_user="in")
          for name, server in zip(("one", "two"), servers)),
        registrars=servers,
    )  # fmt: skip
    contacts = []
    for server in servers:
        request = server.expect("REGISTER")
        accept(server, request)
        contacts.append(request.contact_uri)
    token = re.fullmatch(r"sip:in@\S+;line=([0-9a-f]{32})", contacts[0]).group(1)
    assert contacts[0] != contacts[1]
    peer = daemon.peer()
    wrong = contacts[0].replace(token, "0" * 32)
    plain = contacts[0].partition(";line=")[0]
    for target, context in (
        (contacts[0], "line-one"),
        (contacts[1], "line-two"),
        (plain, "anybody"),
        (wrong, "anybody"),
        (plain + ";line=", "anybody"),
        (plain + ";line", "anybody"),
        (contacts[0] + "0", "anybody"),
    ):
        mark = len(daemon.log())
        invite = peer.request("INVITE", uri=target)
        peer.send(invite)
        busy = peer.expect(486)
        ack = peer.request("ACK", uri=target, call_id=invite.call_id, from_value=invite.get("from"), to_value=busy.get("to"))
        ack.headers[0] = invite.headers[0]
        peer.send(ack)
        assert daemon.wait_log(r"CONTEXT (\S+)", after=mark).group(1) == context, target
    mark = len(daemon.log())  # a registrar that writes its own URI leaves it in To
    call = Call(peer, "in")
    call.remote = f"<{contacts[1]}>"
    call.refuse_check(486)
    assert daemon.wait_log(r"CONTEXT (\S+)", after=mark).group(1) == "line-two"


# ---- Kamailio ----

# A proxy in front of the registrar: it stays on the way of calls by Path (RFC 3327).
PROXY = EDGE.replace("HOST", "127.0.0.1").replace("    if (is_method(\"INVITE\")) record_route();\n", "")


@pytest.fixture
def kamailio(tmp_path):
    running = []

    def begin(route):
        running.append(Kamailio(tmp_path / f"kamailio{len(running)}", route).start())
        return running[-1].port

    yield begin
    for one in running:
        one.stop()


def call_by(daemon, port):
    """A call to bob by his registrar: where it enters the dialplan, and the INVITE's answer."""
    caller = daemon.peer(remote=("127.0.0.1", port))
    mark = len(daemon.log())
    call = Call(caller, "bob")
    got = call.refuse_check(486, 404, 480)
    return got.status, daemon.wait_log(r"CONTEXT (\S+)", after=mark).group(1) if got.status == 486 else None


def test_kamailio_as_the_registrar(start, kamailio):
    """Challenge, 423, the binding, a call by it, and that it is gone at the end."""
    port = kamailio(REGISTRAR)
    daemon = start(
        section("trunk", server_uri=f"sip:127.0.0.1:{port}", outbound_auth="login", line="yes", endpoint="one", expiration=60)
    )
    state_of(daemon, "trunk", "registered .* expires=(119|120)")
    assert call_by(daemon, port) == (486, "line-one")
    daemon.signal()
    assert daemon.wait() == 0
    assert re.search("event=registration name=trunk state=ended .* status=200", daemon.log())
    peer = Peer(("127.0.0.1", port))
    call = Call(peer, "bob")
    call.refuse_check(404)
    peer.close()


def test_kamailio_as_a_proxy_in_front(start, kamailio):
    """Through an outbound proxy that adds Path; calls come back by it."""
    by_path = '    if ($du == $null) {\n        sl_send_reply("480", "No Path");\n        exit;\n    }\n    t_relay();\n'
    registrar_port = kamailio(REGISTRAR.removesuffix("    t_relay();\n") + by_path)
    port = kamailio(PROXY.replace("PORT", str(registrar_port)))
    daemon = start(
        section("trunk", server_uri=f"sip:127.0.0.1:{registrar_port}", outbound_proxy=f"sip:127.0.0.1:{port}\\;lr", support_path="yes",
                outbound_auth="login", line="yes", endpoint="two", expiration=300)
    )  # fmt: skip
    assert f"server=127.0.0.1:{port} " in state_of(daemon, "trunk", "registered")
    assert call_by(daemon, registrar_port) == (486, "line-two")


def test_kamailio_refuses_wrong_credentials(start, kamailio):
    port = kamailio(REGISTRAR.replace('"secret"', '"another"'))
    daemon = start(section("trunk", server_uri=f"sip:127.0.0.1:{port}", outbound_auth="login"))
    state_of(daemon, "trunk", "rejected .* status=401")
