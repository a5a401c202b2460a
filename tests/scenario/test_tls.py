# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS: calls in and out, whose certificate is taken, which versions and ciphers, and renewal while a call goes on."""

import os
import select
import socket
import ssl
import subprocess
import time

import pytest
from support import clients, dns
from support.caller import Caller
from support.daemon import free_port
from support.peer import Call
from support.tls import Authority, TlsPeer, TlsServer
from support.wire import audio_sdp

TRANSPORTS = """\
[tls](!)
type = transport
protocol = tls
cert_file = {cert}
priv_key_file = {key}
ca_list_file = {ca}

[tls-plain](tls)
bind = 127.0.0.1:{plain}

[tls-strict](tls)
bind = 127.0.0.1:{strict}
verify_client = yes
require_client_cert = yes
verify_server = yes

[tls-lenient](tls)
bind = 127.0.0.1:{lenient}
verify_client = yes
verify_server = yes
allow_wildcard_certs = yes

[tls-13](tls)
bind = 127.0.0.1:{only13}
method = tlsv1_3

[tls-cipher](tls)
bind = 127.0.0.1:{cipher}
method = tlsv1_2
cipher = ECDHE-ECDSA-AES256-GCM-SHA384

[tls6](tls)
bind = [::1]:{six}

[anonymous]
type = endpoint
context = default
allow = !all,ulaw

[strict]
type = endpoint
transport = tls-strict
allow = !all,ulaw

[wild]
type = endpoint
transport = tls-lenient
allow = !all,ulaw

[plain]
type = endpoint
transport = tls-plain
allow = !all,ulaw
"""
NAMES = ("plain", "strict", "lenient", "only13", "cipher")


class Files:
    """An authority with the daemon's certificate, and another that nobody trusts."""

    def __init__(self, folder):
        self.folder = folder
        self.authority, self.stranger = Authority(folder), Authority(folder, "stranger")
        self.cert, self.key = self.authority.issue("server", "DNS:sip.example.test,IP:127.0.0.1")
        self.ports = {name: free_port("127.0.0.1") for name in NAMES}
        self.ports["six"] = free_port("::1", socket.AF_INET6)

    @property
    def conf(self):
        return TRANSPORTS.format(cert=self.cert, key=self.key, ca=self.authority.cert, **self.ports)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return Files(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def daemon_options(api_module, record_path, names, files):
    modules = "".join(f"load = {module}\n" for module in ("sdp_rtp", api_module("api_outgoing")))
    return {
        "files": {"sipsession.conf": f"[modules]\n{modules}\n[dns]\nservers = 127.0.0.1:{names.port}\n"},
        "env": {"SIPSESSION_API_LOG": str(record_path)},
        "endpoints": files.conf,
    }


@pytest.fixture
def connect(daemon, files):
    """Connects to one of the daemon's transports, trusting the authority."""
    made = []

    def connect(name="plain", **options):
        address = "::1" if name == "six" else "127.0.0.1"
        peer = TlsPeer((address, files.ports[name]), ca=files.authority.cert, **options)
        made.append(peer)
        return peer

    yield connect
    for peer in made:
        peer.close()


@pytest.fixture
def caller(daemon, record_path, names):
    record_path.unlink(missing_ok=True)
    names.records, names.silent, names.lie, names.questions = {}, set(), False, []
    caller = Caller(daemon, record_path)
    yield caller
    caller.done()


@pytest.fixture
def server():
    made = []

    def server(*words, **options):
        made.append(TlsServer(*words, **options))
        return made[-1]

    yield server
    for one in made:
        one.close()


def is_dead(peer):
    """The daemon closes without a word."""
    try:
        peer.send(peer.request("OPTIONS"))
    except (ssl.SSLError, OSError):
        return True
    return peer.receive(5) is None and peer.closed


# ---- calls to us ----


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("where", ["plain", "six"])
def test_a_call_comes_in(connect, files, version, where):
    peer = connect(where, version=version)
    assert peer.socket.version() == ("TLSv1.2" if version == ssl.TLSVersion.TLSv1_2 else "TLSv1.3")
    call = Call(peer, "echo")
    call.send_invite()
    answer = peer.expect(200)
    assert answer.get("Via").startswith("SIP/2.0/TLS ")
    host = "[::1]" if where == "six" else "127.0.0.1"
    assert answer.contact_uri == f"sip:echo@{host}:{files.ports[where]};transport=tls"
    call.answer = answer
    call.remote = answer.get("To")
    call.target = answer.contact_uri
    peer.send(call.build("ACK", cseq=call.cseq))
    call.send("BYE")
    assert peer.expect(200).get("CSeq").endswith(" BYE")


def test_a_sips_call_has_a_sips_contact(connect, files):
    """RFC 3261 12.1.1, RFC 5630 3.1.4."""
    peer = connect()
    target = f"sips:echo@127.0.0.1:{files.ports['plain']}"
    invite = peer.request("INVITE", uri=target, body=audio_sdp(peer.port), headers=[("Content-Type", "application/sdp")])
    invite.headers = [
        (n, f"<sips:peer@127.0.0.1:{peer.port}>" if n == "Contact" else v) for n, v in invite.headers
    ]
    peer.send(invite)
    answer = peer.expect(200)
    assert answer.contact_uri == target
    ack = peer.request("ACK", uri=target, call_id=answer.call_id, from_value=answer.get("From"), to_value=answer.get("To"))
    peer.send(ack)
    bye = peer.request("BYE", uri=target, call_id=answer.call_id, cseq=2, from_value=answer.get("From"), to_value=answer.get("To"))  # fmt: skip
    peer.send(bye)
    assert peer.expect(200).get("CSeq").endswith(" BYE")


def test_a_keep_alive_is_answered(connect):
    """RFC 5626 4.4.1."""
    peer = connect()
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    peer.socket.sendall(b"\r\n\r\n")
    peer.socket.settimeout(5)
    assert peer.socket.recv(100) == b"\r\n"


def test_octets_that_are_no_tls(daemon, connect, files):
    for octets in (b"OPTIONS sip:x SIP/2.0\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\x01" * 300, b""):
        with socket.create_connection(("127.0.0.1", files.ports["plain"])) as plain:
            plain.sendall(octets)
            if octets:
                plain.settimeout(5)
                try:
                    while plain.recv(1000):
                        pass
                except ConnectionError:
                    pass
    peer = connect()
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)


def test_a_handshake_that_does_not_end(start_daemon, tmp_path):
    files = Files(tmp_path)
    start_daemon(endpoints=files.conf, files={"sipsession.conf": "[guard]\nmessage_timeout = 1\n"})
    for octets in (b"", b"\x16\x03\x01\x01\x00"):
        with socket.create_connection(("127.0.0.1", files.ports["plain"])) as plain:
            plain.sendall(octets)
            plain.settimeout(5)
            assert plain.recv(1000) == b""
    time.sleep(1)  # PJSIP frees a TLS socket 0.5 s after its end; a stop before that leaves it to the process's end


def silent_connections(address, count):
    """So many connections that say nothing, whether they are closed or not."""
    return [socket.create_connection(address, timeout=5) for _ in range(count)]


def is_answered(address, ca):
    """Whether a new connection is taken."""
    try:
        peer = TlsPeer(address, ca=ca)
        peer.send(peer.request("OPTIONS"))
        answered = peer.receive() is not None
        peer.close()
        return answered
    except (ssl.SSLError, ConnectionError):
        return False


def check_open(connections, wanted):
    """The server closes all of them but so many."""
    end = time.monotonic() + 10
    while time.monotonic() < end and len(select.select(connections, [], [], 0)[0]) < len(connections) - wanted:
        time.sleep(0.02)
    time.sleep(0.1)  # and no more
    assert len(connections) - len(select.select(connections, [], [], 0)[0]) == wanted


def test_handshakes_count_as_connections(start_daemon, tmp_path):
    """Descriptors are left for calls, whoever opens connections and never begins to talk TLS."""
    files = Files(tmp_path)
    limit = ("prlimit", "--nofile=200:200")
    daemon = start_daemon(endpoints=files.conf, wrap=limit, files={"sipsession.conf": "[guard]\nmessage_timeout = 20\n"})
    silent = silent_connections(("127.0.0.1", files.ports["plain"]), 250)
    check_open(silent, 100)
    call = Call(daemon.peer(), "echo")
    call.establish()
    call.hang_up()
    for connection in silent:
        connection.close()
    peer = TlsPeer(("127.0.0.1", files.ports["plain"]), ca=files.authority.cert)
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    peer.close()
    time.sleep(1)  # as above


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_many_connect_at_once(start_daemon, tmp_path, transport):
    """As phones do whose network is there again: nobody has to send his SYN again a second later."""
    files = Files(tmp_path)
    daemon = start_daemon(endpoints=files.conf, options=[])
    began = time.monotonic()
    connections = silent_connections(daemon.tcp if transport == "tcp" else ("127.0.0.1", files.ports["plain"]), 60)
    assert time.monotonic() - began < 3, "with a queue of five it is more than eight seconds"
    for connection in connections:
        connection.close()
    time.sleep(1)  # as above


def test_handshakes_of_one_address(start_daemon, tmp_path):
    files = Files(tmp_path)
    start_daemon(endpoints=files.conf, files={"sipsession.conf": "[guard]\nmax_connections_per_source = 3\n"})
    address = ("127.0.0.1", files.ports["plain"])
    peer = TlsPeer(address, ca=files.authority.cert)
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    silent = silent_connections(address, 8)
    check_open(silent, 2)
    other = socket.create_connection(address, source_address=("127.0.0.9", 0), timeout=10)
    check_open([other], 1)
    for connection in [*silent, other]:
        connection.close()
    end = time.monotonic() + 10
    while not is_answered(address, files.authority.cert):  # until the server has seen that they are closed
        assert time.monotonic() < end
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    peer.close()
    time.sleep(1)  # as above


# ---- versions and ciphers, as openssl sees them ----


def s_client(files, name, *options):
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{files.ports[name]}", "-CAfile", str(files.authority.cert)]
    done = subprocess.run([*command, "-brief", *options], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def test_versions(daemon, files):
    """RFC 8996: nothing older than TLS 1.2."""
    assert "TLSv1.3" in s_client(files, "plain")
    assert "TLSv1.2" in s_client(files, "plain", "-tls1_2")
    for old in ("-tls1", "-tls1_1"):
        assert "CONNECTION ESTABLISHED" not in s_client(files, "plain", old, "-cipher", "DEFAULT:@SECLEVEL=0")
    assert "CONNECTION ESTABLISHED" not in s_client(files, "only13", "-tls1_2")
    assert "TLSv1.3" in s_client(files, "only13")
    assert "CONNECTION ESTABLISHED" not in s_client(files, "cipher", "-tls1_3")
    assert "Verification: OK" in s_client(files, "plain", "-verify_hostname", "sip.example.test")


def test_ciphers(daemon, files):
    assert "Ciphersuite: ECDHE-ECDSA-AES256-GCM-SHA384" in s_client(files, "cipher")
    assert "CONNECTION ESTABLISHED" not in s_client(files, "cipher", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")
    assert "CONNECTION ESTABLISHED" in s_client(files, "plain", "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")


# ---- certificates of those who connect ----


def test_clients_with_good_certificates(connect, files):
    good = files.authority.issue("good-client")
    for name in ("strict", "lenient", "plain"):
        peer = connect(name, cert=good)
        peer.send(peer.request("OPTIONS"))
        peer.expect(200)


def test_clients_with_bad_certificates(daemon, connect, files):
    bad = [files.stranger.issue("bad-client"), (files.stranger.cert, files.stranger.key)]
    for cert in bad:
        for name in ("strict", "lenient"):
            try:
                assert is_dead(connect(name, cert=cert))
            except (ssl.SSLError, ConnectionError):
                pass
    peer = connect("plain", cert=bad[0])  # nobody looks at it
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    assert "refused: " in daemon.log()


def test_clients_without_a_certificate(connect):
    peer = connect("lenient", version=ssl.TLSVersion.TLSv1_3)
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    try:
        assert is_dead(connect("strict"))
    except (ssl.SSLError, ConnectionError):
        pass


def test_an_old_certificate(connect, files):
    """One that has expired, with the version whose handshake ends before the server looks at it, and the other."""
    old = files.authority.issue("old-client", days=-1)
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        try:
            assert is_dead(connect("strict", cert=old, version=version))
        except (ssl.SSLError, ConnectionError):
            pass


# ---- certificates of those whom we call ----


def take(caller, server, scheme="sip"):
    """Answers the call that comes over TLS, and ends it."""
    peer = server.accept()
    peer.scheme = scheme
    invite = peer.expect("INVITE")
    peer.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(peer.port))
    peer.expect("ACK")
    caller.hang_up()
    peer.respond(peer.expect("BYE"), 200)
    caller.wait("end 200")
    peer.close()
    return invite


def refuse(caller, server):
    """No octet of SIP may get there."""
    try:
        peer = server.accept()
        assert peer.receive(5) is None and peer.closed
        peer.close()
    except (ssl.SSLError, ConnectionError):
        pass
    end = time.monotonic() + 5
    while not any(line.startswith("end ") for line in caller.lines()):
        assert time.monotonic() < end, caller.lines()
        time.sleep(0.01)
    assert "end 200" not in caller.lines()


def test_a_call_goes_out(caller, files, server):
    callee = server(files.authority.issue("callee", "IP:127.0.0.1"))
    caller.dial("strict", f"sip:a@127.0.0.1:{callee.port};transport=tls")
    invite = take(caller, callee)
    assert invite.get("Via").startswith("SIP/2.0/TLS 127.0.0.1:")
    assert invite.contact_uri == f"sip:127.0.0.1:{files.ports['strict']};transport=tls"


def test_a_sips_call_goes_out(caller, files, server):
    callee = server(files.authority.issue("sips-callee", "IP:127.0.0.1"))
    caller.dial("strict", f"sips:a@127.0.0.1:{callee.port}")
    invite = take(caller, callee, "sips")
    assert invite.uri == f"sips:a@127.0.0.1:{callee.port}"
    assert invite.contact_uri == f"sips:127.0.0.1:{files.ports['strict']}"


def test_our_certificate_is_shown_to_servers(caller, files, server):
    callee = server(files.authority.issue("curious", "IP:127.0.0.1"), ca=files.authority.cert, require=True)
    caller.dial("strict", f"sip:a@127.0.0.1:{callee.port};transport=tls")
    take(caller, callee)


NAMED = [
    # of whom, endpoint, taken
    ("DNS:callee.example.test", "strict", True),
    ("DNS:CALLEE.example.test,DNS:other.example.test", "strict", True),
    ("URI:sip:callee.example.test", "strict", True),
    ("DNS:other.example.test", "strict", False),
    ("URI:sip:other.example.test", "strict", False),
    ("DNS:callee.example.test.evil.test", "strict", False),
    ("IP:127.0.0.1", "strict", False),  # RFC 5922 7.1: the name counts, not what DNS made of it
    ("DNS:*.example.test", "strict", False),
    ("DNS:*.example.test", "wild", True),
    ("DNS:*.test", "wild", False),
    # RFC 5922 7.1: DNS names count when there is no `sip:` URI, which is the only scheme that does
    ("URI:sip:other.example.test,DNS:callee.example.test", "strict", False),
    ("URI:sip:callee.example.test,DNS:other.example.test", "strict", True),
    ("URI:sip:a@other.example.test,URI:https://x.test,DNS:callee.example.test", "strict", True),
    ("URI:sips:callee.example.test", "strict", False),
]


@pytest.mark.parametrize("of, endpoint, taken", NAMED)
def test_the_name_of_a_server(caller, names, files, server, of, endpoint, taken):
    names.records = {"callee.example.test": [dns.a("127.0.0.1")]}
    callee = server(files.authority.issue("named", of, cn="nobody"))
    caller.dial(endpoint, f"sip:a@callee.example.test:{callee.port};transport=tls")
    (take if taken else refuse)(caller, callee)


@pytest.mark.parametrize("of", ["URI:sip:other.example.test", "IP:127.0.0.9", "email:a@other.example.test"])
def test_the_common_name_beside_other_names(caller, names, files, server, of):
    """RFC 5922 7.1: it may count only where there is no subjectAltName at all."""
    names.records = {"callee.example.test": [dns.a("127.0.0.1")]}
    callee = server(files.authority.issue("common", of, cn="callee.example.test"))
    caller.dial("strict", f"sip:a@callee.example.test:{callee.port};transport=tls")
    refuse(caller, callee)


def test_servers_that_nobody_vouches_for(start_daemon, daemon_options, names, server, tmp_path):
    """By a daemon of its own: of lines of this kind only a few a second are written."""
    files, record = Files(tmp_path), tmp_path / "record"
    daemon = start_daemon(**{**daemon_options, "endpoints": files.conf, "env": {"SIPSESSION_API_LOG": str(record)}})
    caller = Caller(daemon, record)
    names.records = {"callee.example.test": [dns.a("127.0.0.1")]}
    callee = server(files.stranger.issue("impostor", "DNS:callee.example.test"))
    caller.dial("strict", f"sip:a@callee.example.test:{callee.port};transport=tls")
    refuse(caller, callee)
    caller.done()
    daemon.wait_log("refused: unable to get local issuer certificate")


def test_a_server_whose_certificate_is_old(caller, files, server):
    callee = server(files.authority.issue("old-server", "IP:127.0.0.1", days=-1))
    caller.dial("strict", f"sip:a@127.0.0.1:{callee.port};transport=tls")
    refuse(caller, callee)


def test_without_verify_server_any_will_do(caller, files, server):
    callee = server(files.stranger.issue("whoever", "DNS:other.example.test"))
    caller.dial("plain", f"sip:a@127.0.0.1:{callee.port};transport=tls")
    take(caller, callee)


# ---- renewal ----


def serial(files):
    with TlsContext(files) as connection:
        return connection.getpeercert()["serialNumber"]


def TlsContext(files):
    context = ssl.create_default_context(cafile=files.authority.cert)
    return context.wrap_socket(
        socket.create_connection(("127.0.0.1", files.ports["plain"])), server_hostname="sip.example.test"
    )


def wait_log(daemon, text, count=1, timeout=10):
    end = time.monotonic() + timeout
    while daemon.log().count(text) < count:
        assert time.monotonic() < end, daemon.log()[-3000:]
        time.sleep(0.05)


def test_renewal_drops_no_call(start_daemon, tmp_path):
    """C5: a certificate that is renewed is used from then on, a broken one is not, and calls stay."""
    files = Files(tmp_path)
    daemon = start_daemon(endpoints=files.conf)
    first = serial(files)
    peer = TlsPeer(("127.0.0.1", files.ports["plain"]), ca=files.authority.cert)
    call = Call(peer, "echo")
    call.establish()

    cert, key = files.cert.read_bytes(), files.key.read_bytes()
    files.cert.write_text("nothing")
    wait_log(daemon, "stay out of use", len(files.ports))
    assert serial(files) == first
    files.cert.write_bytes(cert)
    time.sleep(0.01)

    files.authority.issue("server", "DNS:sip.example.test,IP:127.0.0.1")
    wait_log(daemon, "the certificate was loaded anew", len(files.ports))
    assert key != files.key.read_bytes()
    assert serial(files) != first
    call.hang_up()
    peer.close()
    late = TlsPeer(("127.0.0.1", files.ports["plain"]), ca=files.authority.cert)
    late.send(late.request("OPTIONS"))
    late.expect(200)
    late.close()


# ---- wrong configurations ----


def test_check_tells_what_is_wrong(tmp_path):
    files = Files(tmp_path)
    config = tmp_path / "config"
    config.mkdir()

    def check(conf):
        (config / "pjsip.conf").write_text(conf)
        done = subprocess.run([os.environ["SIPSESSION_DAEMON"], "check", "-c", str(config)], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    status, said = check(files.conf)
    assert status == 0, said
    good, files.key = files.key, files.authority.issue("other")[1]
    status, said = check(files.conf)
    assert status != 0 and "key values mismatch" in said
    files.key = tmp_path / "nowhere"
    status, said = check(files.conf)
    assert status != 0 and "No such file" in said
    files.key = good
    status, said = check(files.conf.replace("cipher = ECDHE", "cipher = NULLE"))
    assert status != 0 and "there is no cipher 'NULLE-ECDSA-AES256-GCM-SHA384'" in said
    for old in ("tlsv1", "sslv3"):
        status, said = check(files.conf.replace("method = tlsv1_3", f"method = {old}"))
        assert status != 0 and "expected unspecified, tlsv1_2 or tlsv1_3" in said


def test_an_enciphered_key(start_daemon, tmp_path):
    files = Files(tmp_path)
    files.cert, files.key = files.authority.issue("locked", "IP:127.0.0.1", password="open sesame")
    conf = files.conf.replace("[tls](!)", "[tls](!)\npassword = open sesame")
    start_daemon(endpoints=conf)
    peer = TlsPeer(("127.0.0.1", files.ports["plain"]), ca=files.authority.cert)
    peer.send(peer.request("OPTIONS"))
    peer.expect(200)
    peer.close()


# ---- clients that others wrote ----


@pytest.mark.skipif("PJSUA" not in os.environ, reason="PJSUA is not built")
def test_pjsua_calls(daemon, files, tmp_path):
    options = ["--use-tls", f"--tls-ca-file={files.authority.cert}", "--tls-verify-server", "--no-udp", "--no-tcp"]
    phone = clients.pjsua(tmp_path, f"sip:echo@127.0.0.1:{files.ports['plain']};transport=tls", options=options)
    try:
        phone.wait_for("state changed to CONFIRMED")
        phone.console("h")
        phone.wait_for("is DISCONNECTED")
    finally:
        phone.kill()


def test_a_connection_is_of_one_name(caller, names, files, server):
    """RFC 5922 7.3, RFC 5923 9.2: verified for one host, it is not used for another one at the same address."""
    names.records = {"one.example.test": [dns.a("127.0.0.1")], "two.example.test": [dns.a("127.0.0.1")]}
    callee = server(files.authority.issue("one", "DNS:one.example.test", cn="nobody"))
    caller.dial("strict", f"sip:a@one.example.test:{callee.port};transport=tls")
    peer = callee.accept()
    peer.respond(peer.expect("INVITE"), 486)
    peer.expect("ACK")
    caller.wait("end 486")
    caller.dial("strict", f"sip:a@one.example.test:{callee.port};transport=tls")
    peer.respond(peer.expect("INVITE"), 486)  # the same connection
    peer.expect("ACK")
    caller.record_path.unlink()
    caller.dial("strict", f"sip:a@two.example.test:{callee.port};transport=tls")
    refuse(caller, callee)
    assert peer.receive(0) is None
    peer.close()
