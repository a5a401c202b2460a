# SPDX-License-Identifier: GPL-2.0-or-later
"""Transports come, go and change by a reload while calls go on by them."""

import ctypes
import os
import socket
import time
from pathlib import Path

import pytest
from support.daemon import pjsip_conf
from support.peer import Peer
from support.reloading import BRIEF, ENDPOINTS, OLD, a_transport, accept, answers, call_from, check_call, endpoint
from support.reloading import open_descriptors, registration, wait_until
from support.tls import Authority, TlsPeer
from support.wire import audio_sdp


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(extensions=OLD, endpoints=ENDPOINTS)


def test_new_transports(start_daemon):
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS, system=BRIEF)
    sockets = daemon.udp_sockets()
    daemon.write_endpoints(
        ENDPOINTS + a_transport("more", f"{daemon.address}:5070") + a_transport("stream", f"{daemon.address}:5070", "tcp")
    )
    daemon.reload()
    for transport in ("udp", "tcp"):
        call = call_from(daemon.peer(transport, remote=(daemon.address, 5070)), "alice")
        assert f"{daemon.address}:5070" in call.establish().get("contact")
        call.hang_up()
    daemon.write_endpoints(ENDPOINTS)
    said = daemon.reload()
    assert "warning: transport 'more' stays: to take it away needs a restart, or allow_reload = yes" in said
    assert "warning: transport 'stream' stays" in said
    assert answers(daemon, 5070) and answers(daemon, 5070, "tcp")
    daemon.write_endpoints(ENDPOINTS + a_transport("more", f"{daemon.address}:5070", options="allow_reload = yes"))
    daemon.reload()
    daemon.write_endpoints(ENDPOINTS)
    assert "transport 'more' was taken away" in daemon.reload()
    wait_until(lambda: not answers(daemon, 5070))
    wait_until(lambda: daemon.udp_sockets() == sockets, 10)


def test_a_transport_moves(start_daemon):
    """With allow_reload; calls go on by the old socket and connection until they end."""
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS, system=BRIEF)

    def write(port, allow):
        options = f"allow_reload = {allow}"
        daemon.write_endpoints(
            ENDPOINTS + a_transport("u", f"{daemon.address}:{port}", "udp", options)
            + a_transport("t", f"{daemon.address}:{port}", "tcp", options)
        )  # fmt: skip

    write(6000, "no")
    daemon.reload()
    calls = [call_from(daemon.peer(way, remote=(daemon.address, 6000)), "alice") for way in ("udp", "tcp")]
    for call in calls:
        call.establish()
    write(6001, "no")
    said = daemon.reload()
    assert said.count("needs a restart") + said.count("need a restart") == 2, said
    assert answers(daemon, 6000) and not answers(daemon, 6001)
    write(6001, "yes")
    daemon.reload()
    for way in ("udp", "tcp"):
        assert answers(daemon, 6001, way)
        assert not answers(daemon, 6000, way)
        call = call_from(daemon.peer(way, remote=(daemon.address, 6001)), "alice")
        call.establish()
        call.hang_up()
    for call in calls:
        call.send("INVITE", body=audio_sdp(call.peer.port, version=2))
        call.ack(call.expect(200))
        call.hang_up()
    wait_until(lambda: daemon.udp_sockets() == daemon.sockets_at_rest + 1, 15)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((daemon.address, 6000))
    for port in (6002, 6003, 6002, 6003):  # again and again
        write(port, "yes")
        daemon.reload()
        assert answers(daemon, port) and answers(daemon, port, "tcp")


def test_a_transport_is_renamed(daemon):
    """Its socket stays; endpoints find it by its new name."""
    text = (daemon.config / "pjsip.conf").read_text()
    before = open_descriptors(daemon)
    daemon.write("pjsip.conf", text.replace("[udp]", "[datagrams]") + endpoint("carol", "transport = datagrams\nallow = ulaw"))
    assert "needs a restart" not in daemon.reload()
    check_call(daemon, "carol")
    wait_until(lambda: open_descriptors(daemon) <= before + 2)


def test_what_a_nat_is_told(daemon):
    """Options of a transport that need no other socket."""
    options = "external_signaling_address = 192.0.2.7\nlocal_net = 10.0.0.0/8\nallow_reload = yes\ntos = ef"
    daemon.write_endpoints(ENDPOINTS + a_transport("out", f"{daemon.address}:6000", options="allow_reload = yes"))
    daemon.reload()
    daemon.write_endpoints(ENDPOINTS + a_transport("out", f"{daemon.address}:6000", options=options))
    daemon.reload()
    call = call_from(daemon.peer(remote=(daemon.address, 6000)), "alice")
    call.send_invite()
    answer = call.expect(200)
    assert "192.0.2.7" in answer.get("contact")
    call.target = f"sip:echo@{daemon.address}:6000"
    call.ack(answer)
    call.hang_up()


def test_tls(start_daemon, tmp_path):
    """A certificate that was renewed, and another one that is configured, are in use at once; calls go on."""
    authority = Authority(tmp_path)
    first, second, third = (authority.issue(name, "IP:127.0.0.1") for name in ("first", "second", "third"))
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS, system=BRIEF)
    remote = (daemon.address, 5061)

    def write(files, options=""):
        options = f"cert_file = {files[0]}\npriv_key_file = {files[1]}\nallow_reload = yes\n{options}"
        daemon.write_endpoints(ENDPOINTS + a_transport("tls", f"{daemon.address}:5061", "tls", options))

    def name():
        peer = TlsPeer(remote, ca=authority.cert)
        subject = dict(part[0] for part in peer.socket.getpeercert()["subject"])["commonName"]
        peer.close()
        return subject

    write(first)
    daemon.reload()
    assert name() == "first"
    peer = TlsPeer(remote)
    daemon.peers.append(peer)
    call = call_from(peer, "alice")
    call.establish()
    for old, new in zip(first, second):  # the same names, other contents
        Path(old).write_bytes(Path(new).read_bytes())
    daemon.reload()
    assert name() == "second"
    write(third)
    daemon.reload()
    assert name() == "third"
    write((tmp_path / "none", third[1]))
    assert "error: the certificate" in daemon.reload(status=1)
    assert name() == "third"
    daemon.write_endpoints(ENDPOINTS)
    daemon.reload()
    with pytest.raises(ConnectionRefusedError):
        TlsPeer(remote)
    call.send("INVITE", body=audio_sdp(call.peer.port, version=2))
    call.ack(call.expect(200))
    call.hang_up()
    write(first)
    daemon.reload()
    assert name() == "second"




@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("moves", [True, False])
def test_a_registration_whose_transport_goes(start_daemon, named, moves):
    """The old Contact is taken away, with its Call-ID, and another one registered by what there is now, at once."""
    server = Peer(("127.0.0.1", 9))
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS, system=BRIEF)
    server.remote = (daemon.address, 6000)
    daemon.peers.append(server)

    def write(port):
        text = pjsip_conf(daemon, ENDPOINTS, BRIEF)
        if not named:  # that of all which name none moves
            text = text.replace(f"bind = {daemon.address}:5060", f"bind = {daemon.address}:{port}\nallow_reload = yes", 1)
        elif port != 5060:
            text += a_transport("out", f"{daemon.address}:{port}", "udp", "allow_reload = yes")
        option = {"transport": "out"} if named and port != 5060 else {}
        daemon.write("pjsip.conf", text + registration("trunk", server, **option))
        daemon.reload()

    write(6000)
    first = server.expect("REGISTER")
    assert ":6000" in first.get("contact") and ":6000" in first.get("via")
    accept(server, first)
    daemon.wait_log("event=registration name=trunk state=registered")
    now = 6001 if moves else 5060
    write(now)
    both = {}
    for _ in range(2):
        request = server.expect("REGISTER")
        both[request.get("expires")] = request
        server.remote = (daemon.address, int(request.get("via").split(";")[0].split(":")[-1]))
        accept(server, request)
    old, new = both["0"], both["600"]
    assert old.call_id == first.call_id and new.call_id != first.call_id
    assert old.get("contact") == first.get("contact") and f":{now}" in new.get("contact")
    daemon.wait_log("event=registration name=trunk state=ended")
    server.remote = (daemon.address, now)
    daemon.signal()
    last = server.expect("REGISTER")
    accept(server, last)
    assert (last.get("expires"), last.call_id) == ("0", new.call_id)
    assert daemon.wait() == 0


def sockets_of(daemon):
    """The TCP sockets of the daemon, by the address of their peer (None: it listens)."""
    found = {}
    process = os.pidfd_open(daemon.pid)
    libc = ctypes.CDLL(None, use_errno=True)
    for descriptor in list(Path(f"/proc/{daemon.pid}/fd").iterdir()):
        if not os.readlink(descriptor).startswith("socket:"):
            continue
        fd = libc.syscall(438, process, int(descriptor.name), 0)  # pidfd_getfd
        if fd < 0:
            os.close(process)
            pytest.skip(f"no look at another process's sockets: {os.strerror(ctypes.get_errno())}")
        one = socket.socket(fileno=fd)
        if one.type == socket.SOCK_STREAM and one.family == socket.AF_INET:
            try:
                found[one.getpeername()] = one
            except OSError:
                found[None] = one
        else:
            one.close()
    os.close(process)
    return found


def options_of(one):
    return [
        one.getsockopt(socket.IPPROTO_IP, socket.IP_TOS),
        one.getsockopt(socket.SOL_SOCKET, socket.SO_PRIORITY),
        one.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
        *(one.getsockopt(socket.IPPROTO_TCP, name) for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)),
    ]


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_options_of_streams(start_daemon, tmp_path, way):
    """tos, cos and tcp_keepalive of TCP and TLS: what connects from then on has them; connections of TCP at once."""
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS)
    cert, key = Authority(tmp_path).issue("here", "IP:127.0.0.1")
    remote = (daemon.address, 6000)

    def configure(options):
        if way == "tls":
            options += f"\ncert_file = {cert}\npriv_key_file = {key}"
        transport = a_transport("stream", f"{daemon.address}:6000", way, f"allow_reload = yes\n{options}")
        daemon.write_endpoints(ENDPOINTS + transport)
        return daemon.reload()

    def connect():
        peer = Peer(remote, "tcp") if way == "tcp" else TlsPeer(remote)
        daemon.peers.append(peer)
        peer.send(peer.request("OPTIONS", from_value="<sip:alice@127.0.0.1>;tag=1"))
        peer.expect(200)
        return peer

    def options(peer):
        return options_of(sockets_of(daemon)[peer.socket.getsockname()])

    configure("")
    first = connect()
    assert options(first)[:3] == [0, 0, 0]
    call = call_from(first, "alice")
    call.establish()
    said = configure(
        "tos = ef\ncos = 3\ntcp_keepalive_enable = yes\ntcp_keepalive_idle_time = 50\n"
        "tcp_keepalive_interval_time = 7\ntcp_keepalive_probe_count = 4"
    )
    assert "restart" not in said
    new = [0xB8, 3, 1, 50, 7, 4]
    second = connect()
    assert options(second) == new
    assert options(first) == new if way == "tcp" else options(first)[:3] == [0, 0, 0]
    configure("tos = cs3\ncos = 2")
    third = connect()
    assert options(third)[:3] == [0x60, 2, 0]
    assert options(second)[:3] == [0x60, 2, 0] if way == "tcp" else options(second) == new
    configure("")
    assert options(connect())[0] == 0
    call.hang_up()


@pytest.mark.parametrize("way", ["tcp", "tls"])
def test_keep_alive_that_goes(start_daemon, tmp_path, way):
    """keep_alive_interval = 0 with connections that had one: nothing more is sent on them."""
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS)
    cert, key = Authority(tmp_path).issue("here", "IP:127.0.0.1")
    options = f"cert_file = {cert}\npriv_key_file = {key}" if way == "tls" else ""
    transport = a_transport("stream", f"{daemon.address}:6000", way, options)

    def configure(interval):
        daemon.write_endpoints(ENDPOINTS + transport + f"\n[global]\nkeep_alive_interval = {interval}\n")
        daemon.reload()

    def octets(seconds):
        peer.socket.settimeout(0.1)
        end, count = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            try:
                count += len(peer.socket.recv(65536))
            except TimeoutError:
                pass
        return count

    configure(1)
    peer = Peer((daemon.address, 6000), "tcp") if way == "tcp" else TlsPeer((daemon.address, 6000))
    daemon.peers.append(peer)
    peer.send(peer.request("OPTIONS", from_value="<sip:alice@127.0.0.1>;tag=1"))
    peer.expect(200)
    assert octets(2.5) >= 4
    configure(0)
    octets(1.5)  # one may be on its way
    assert octets(2.5) == 0
    peer.socket.settimeout(5)
    peer.buffer = b""
    peer.send(peer.request("OPTIONS", from_value="<sip:alice@127.0.0.1>;tag=1"))
    peer.expect(200)
