# SPDX-License-Identifier: GPL-2.0-or-later
"""A reload in the middle of things: calls being set up, endpoints and lists that go under a call, files that break."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest
from support import digest
from support.daemon import in_background, pjsip_conf
from support.peer import Peer
from support.reloading import ENDPOINTS, NEW, OLD, PHONE, a_transport, call_from, check_call, endpoint, register, wait_until
from support.tls import Authority, TlsPeer
from support.wire import audio_sdp

EXTENSIONS = OLD + """
[default]
exten = ring,1,Ringing()
 same = n,Wait(1)
 same = n,Answer()
 same = n,Echo()
"""


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(extensions=EXTENSIONS, endpoints=ENDPOINTS)


def with_auth(password, name="alice"):
    return endpoint(name, f"allow = ulaw\nauth = {name}") + (
        f"\n[{name}]\ntype = auth\nusername = {name}\npassword = {password}\n"
    )


# ---- calls being set up ----


@pytest.mark.parametrize("ending", ["answer", "cancel"])
def test_a_call_that_rings(daemon, ending):
    """Its endpoint and its transport's options change, and go, before it is answered."""
    call = call_from(daemon.peer(), "alice", "ring").send_invite()
    call.expect(180)
    daemon.write_endpoints(endpoint("alice", "allow = alaw"))
    daemon.reload()
    daemon.write_endpoints(endpoint("carol"))
    daemon.write("extensions.conf", NEW)
    daemon.reload()
    if ending == "cancel":
        call.cancel()
        answers = [call.expect(200, 487), call.expect(200, 487)]
        assert {answer.status for answer in answers} == {200, 487}
        return
    call.ack(call.expect(200, skip=(100, 180)))
    call.send("INVITE", body=audio_sdp(call.peer.port, version=2))
    call.ack(call.expect(200))
    call.hang_up()


@pytest.mark.parametrize(
    "change, password, status",
    [
        ("password", "first", 401), ("password", "second", 200), ("none", "first", 200), ("gone", "first", 401),
        ("same", "first", 200),
    ],
)  # fmt: skip
def test_between_challenge_and_answer(daemon, change, password, status):
    """What counts is the endpoint when the answer comes; a nonce that was given holds."""
    daemon.write_endpoints(with_auth("first"))
    daemon.reload()
    call = call_from(daemon.peer(), "alice")
    call.send("INVITE", body=call.offer)
    challenge = digest.challenges(call.expect(401))[0]
    other = {
        "password": with_auth("second"), "none": endpoint("alice"), "gone": endpoint("carol"),
        "same": with_auth("first") + endpoint("carol"),
    }  # fmt: skip
    daemon.write_endpoints(other[change])
    daemon.reload()
    call.send("INVITE", [digest.answer(challenge, "INVITE", call.target, "alice", password)], call.offer)
    answer = call.expect(status)
    if status == 200:
        call.ack(answer)
        call.hang_up()


def test_many_ways_at_once(daemon):
    """SIGHUPs, `sipsession reload` from many sides: each is answered, one reload runs at a time."""
    asked = [in_background(daemon.command, "reload") for _ in range(6)]
    for number in range(10):
        daemon.write("next", pjsip_conf(daemon, ENDPOINTS + endpoint(f"x{number}")))
        os.replace(daemon.config / "next", daemon.config / "pjsip.conf")  # as docs/reload.md wants it
        daemon.signal(signal.SIGHUP)
    for ask in asked:
        status, out, problems = ask()
        assert (status, problems) == (0, "") and "Reload done" in out
    daemon.reload()
    check_call(daemon, "x9")


# ---- what goes under a call ----


def test_an_endpoint_that_is_gone(daemon):
    """Its call is changed, asked and ended by whatever request as before."""
    target, peer = daemon.peer(), daemon.peer()
    call = call_from(peer, "alice")
    call.establish()
    daemon.write_endpoints(endpoint("carol"))
    daemon.reload()
    call.send("OPTIONS")
    call.expect(200)
    call.send("UPDATE")
    call.expect(200)
    info = call.build("INFO", [("Content-Type", "application/dtmf-relay")])
    info.body = b"Signal=5\r\nDuration=100\r\n"
    peer.send(info)
    call.expect(200)
    call.send("INVITE", body=audio_sdp(peer.port, version=2, direction="inactive"))
    call.ack(call.expect(200))
    call.send("REFER", [("Refer-To", f"<sip:bob@{target.host}:{target.port}>")])
    call.expect(202)
    invite = target.expect("INVITE")
    target.respond(invite, 486)
    target.expect("ACK")
    for code in (100, 486):
        notify = call.expect("NOTIFY")
        assert notify.body.startswith(f"SIP/2.0 {code} ".encode())
        peer.respond(notify, 200)
    call.hang_up()
    check_call(daemon, "alice", status=401)


def test_an_endpoint_goes_and_comes(daemon):
    """Calls of its former and its new self go on side by side; what each may have is its own."""
    old = call_from(daemon.peer(), "alice")
    old.establish()
    for text in (endpoint("carol"), endpoint("alice", "allow = alaw")):
        daemon.write_endpoints(text)
        daemon.reload()
    new = call_from(daemon.peer(), "alice", sdp=audio_sdp(9000, formats=(8,)))
    new.establish()
    for call, formats in ((old, (0,)), (new, (8,))):
        call.send("INVITE", body=audio_sdp(9000, formats=formats, version=2))
        call.ack(call.expect(200))
        call.hang_up()


@pytest.mark.parametrize("way", ["udp", "tcp"])
def test_lists_and_connections(daemon, way):
    """An access list that is new holds for connections that are there, outside of calls and within; and goes again."""
    peer = daemon.peer(way)
    call = call_from(peer, "alice")
    call.establish()

    def options():
        request = peer.request("OPTIONS", from_value="<sip:alice@127.0.0.1>;tag=x")
        peer.send(request)
        return peer.expect(200, 401, call_id=request.call_id).status

    assert options() == 200
    daemon.write_endpoints(ENDPOINTS + "\n[nobody]\ntype = acl\ndeny = 127.0.0.1/32\n")
    daemon.reload()
    assert options() == 401
    call.send("INVITE", body=audio_sdp(peer.port, version=2))
    call.expect(401)
    call.send("BYE")
    call.expect(401)
    daemon.write_endpoints(endpoint("alice", "allow = ulaw\ndeny = 127.0.0.1/32"))
    daemon.reload()
    assert options() == 401
    call.send("BYE")
    call.expect(401)
    daemon.write_endpoints(endpoint("alice", "allow = ulaw\ndeny = 127.0.0.0/8\npermit = 127.0.0.1/32"))
    daemon.reload()
    assert options() == 200
    call.hang_up()


def test_fewer_connections_than_there_are(daemon):
    """[guard] max_connections below what is there: those stay, no new one; and the same of one source."""
    peers = [daemon.peer("tcp") for _ in range(3)]

    def options(peer):
        peer.send(peer.request("OPTIONS", from_value="<sip:alice@127.0.0.1>;tag=x"))
        return peer.receive(1)

    assert all(options(peer) for peer in peers)
    for limit in ("max_connections", "max_connections_per_source"):
        daemon.write("sipsession.conf", f"[overload]\nmax_delay = 0\n[guard]\n{limit} = 2\n")
        daemon.reload()
        assert all(options(peer) for peer in peers)
        late = daemon.peer("tcp")
        try:
            assert options(late) is None
        except OSError:
            pass
    daemon.write("sipsession.conf", "[overload]\nmax_delay = 0\n")
    daemon.reload()
    assert options(daemon.peer("tcp"))


def test_registrations_while_reloading(start_daemon):
    """Phones register while their AOR and its limits change: each is answered, and who was let in is there."""
    daemon = start_daemon(extensions=OLD, endpoints=PHONE.format(most=50, options=""))
    peers = [daemon.peer() for _ in range(4)]
    stop = []

    def flood(peer):
        count = 0
        while not stop:
            register(peer, f"<sip:p{peer.port}x{count % 5}@127.0.0.1:{peer.port}>")
            count += 1
        return count

    floods = [in_background(flood, peer) for peer in peers]
    for number in range(12):
        daemon.write_endpoints(PHONE.format(most=50 + number % 2, options=f"default_expiration = {600 + number}"))
        daemon.reload()
    stop.append(True)
    counts = [flood() for flood in floods]
    assert min(counts) > 5
    wanted = {f"sip:p{peer.port}x{number}@127.0.0.1:{peer.port}" for peer in peers for number in range(5)}
    assert set(register(peers[0])) == wanted
    daemon.write_endpoints(ENDPOINTS)
    daemon.reload()
    register(peers[0], status=401)
    daemon.write_endpoints(PHONE.format(most=50, options=""))
    daemon.reload()
    assert set(register(peers[0])) == wanted


@pytest.mark.parametrize("change", ["aor", "module"])
def test_registrations_of_before(start_daemon, change):
    """What the store has is there when an AOR comes by a reload, as it would be after a restart; likewise by a module."""
    phone = PHONE.format(most=2, options="")
    without = {"endpoints": ENDPOINTS} if change == "aor" else {"modules": ["sdp_rtp"]}
    daemon = start_daemon(extensions=OLD, endpoints=phone)
    register(daemon.peer(), "<sip:a@127.0.0.1:7001>")
    daemon.stop()
    daemon.endpoints, daemon.modules = without.get("endpoints", phone), without.get("modules")
    daemon.start()
    daemon.write("sipsession.conf", "[overload]\nmax_delay = 0\n")
    daemon.write_endpoints(phone)
    daemon.reload()
    assert register(daemon.peer()) == ["sip:a@127.0.0.1:7001"]
    register(daemon.peer(), "<sip:b@127.0.0.1:7002>")
    daemon.write_endpoints(ENDPOINTS)
    daemon.reload()
    daemon.write_endpoints(phone)
    daemon.reload()
    assert len(register(daemon.peer())) == 2


def test_while_overloaded(start_daemon):
    """What is refused for want of room is let in as soon as there is more, and refused when there is less."""

    def limit(count):
        return f"[overload]\nmax_delay = 0\nmax_sessions = {count}\n"

    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS, files={"sipsession.conf": limit(2)})
    calls = [call_from(daemon.peer(), "alice") for _ in range(5)]
    for call in calls[:2]:
        call.establish()
    for number in (1, 2, 0):
        calls[2].refuse_check(503) if number else calls[2].establish()
        daemon.write("sipsession.conf", limit(number or 3) if number != 2 else limit(3))
        assert "Reload done" in daemon.reload()
    calls[3].refuse_check(503)
    for call in calls[:3]:
        call.hang_up()


# ---- files ----


def refused(daemon, wanted):
    said = daemon.reload(status=1)
    assert wanted in said and "Reload refused, nothing has changed" in said, said
    check_call(daemon, "alice")


def test_files_that_cannot_be_read(daemon):
    """A file that is a folder, one that may not be read, an #include of nothing, of itself, of a folder."""
    call = call_from(daemon.peer(), "alice")
    call.establish()
    path = daemon.config / "pjsip.conf"
    good = path.read_text()
    path.unlink()
    path.mkdir()
    refused(daemon, "pjsip.conf")
    path.rmdir()
    for text, wanted in (
        (good + '\n#include "nowhere.conf"\n', "nowhere.conf"),
        (good + '\n#include "pjsip.conf"\n', "pjsip.conf"),
        (good + '\n#include "."\n', "error"),
        (good + "\n#include\n", "error"),
        (good + "\n[x]\ntype = endpoint\n\0\0\0", "error"),
    ):
        path.write_text(text)
        refused(daemon, wanted)
    path.write_text(good)
    if os.geteuid() != 0:
        path.chmod(0)
        refused(daemon, "pjsip.conf")
        path.chmod(0o644)
    (daemon.config / "more.conf").write_text(endpoint("carol"))
    path.write_text(good + '\n#include "more.conf"\n')
    assert "1 new (carol)" in daemon.reload()
    check_call(daemon, "carol")
    call.hang_up()


def test_the_folder_is_gone(daemon):
    """The old configuration stays in force; when the folder is there again, SIGHUP reads it."""
    aside = daemon.folder / "aside"
    call = call_from(daemon.peer(), "alice")
    call.establish()
    daemon.config.rename(aside)
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("ERROR Reload refused, nothing has changed: ")
    check_call(daemon, "alice")
    shutil.copytree(aside, daemon.config, ignore=shutil.ignore_patterns("*.sock"))
    daemon.write_endpoints(ENDPOINTS + endpoint("carol"))
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("NOTICE Reload done")
    check_call(daemon, "carol")
    call.hang_up()


def test_a_file_that_changes_while_it_is_read(daemon):
    """Whatever is found of it is whole, or refused: never a server without what it had, never one that fails."""
    path = daemon.config / "pjsip.conf"
    base = path.read_text()
    texts = [base + "".join(endpoint(f"{word}{number}") for number in range(2000)) for word in ("one", "two")]
    stop = []

    def scribble():
        while not stop:
            for text in texts:
                path.write_text(text)

    scribbler = in_background(scribble)
    results = []
    for _ in range(12):
        results.append(daemon.command("reload"))
        check_call(daemon, "alice")
    stop.append(True)
    scribbler()
    for status, out, problems in results:
        assert status in (0, 1) and problems == ""
        assert ("Reload done" in out) == (status == 0)
    path.write_text(texts[1])
    daemon.reload()
    check_call(daemon, "two1999")
    check_call(daemon, "one0", status=401)


def test_certificates_that_break(start_daemon, tmp_path):
    """Files of the same names with other contents that are none: refused whole; the old certificate serves on."""
    authority = Authority(tmp_path)
    cert, key = authority.issue("first", "IP:127.0.0.1")
    other_cert, other_key = authority.issue("second", "IP:127.0.0.1")
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS)
    options = f"cert_file = {cert}\npriv_key_file = {key}\nallow_reload = yes"
    transport = a_transport("tls", f"{daemon.address}:5061", "tls", options)
    daemon.write_endpoints(ENDPOINTS + transport)
    daemon.reload()
    peer = TlsPeer((daemon.address, 5061))
    daemon.peers.append(peer)
    call = call_from(peer, "alice")
    call.establish()

    def name():
        one = TlsPeer((daemon.address, 5061), ca=authority.cert)
        subject = dict(part[0] for part in one.socket.getpeercert()["subject"])["commonName"]
        one.close()
        return subject

    good = Path(cert).read_bytes()
    for content in (b"", b"nonsense", good[: len(good) // 2], Path(other_cert).read_bytes()):
        Path(cert).write_bytes(content)
        daemon.write_endpoints(ENDPOINTS + transport + endpoint("carol"))
        said = daemon.reload(status=1)
        assert "cannot be used" in said
        assert name() == "first"
        check_call(daemon, "carol", status=401)
    Path(key).write_bytes(Path(other_key).read_bytes())
    daemon.reload()
    wait_until(lambda: name() == "second")
    check_call(daemon, "carol")
    call.send("INVITE", body=audio_sdp(peer.port, version=2))
    call.ack(call.expect(200))
    call.hang_up()


# ---- stops ----


@pytest.mark.parametrize("delay", [0, 0.001, 0.01, 0.03, 0.1])
def test_a_stop_right_behind(start_daemon, delay):
    """SIGTERM while the files are read, or just put into force; modules and transports change by it."""
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS)
    peer = Peer(daemon.udp)
    call = call_from(peer, "alice")
    call.establish()
    daemon.write_endpoints(
        "".join(endpoint(f"x{number}") for number in range(500)) + a_transport("more", f"{daemon.address}:5070")
    )
    daemon.write("sipsession.conf", "[modules]\nload = sdp_rtp\n[rtp]\nstart = 30000\nend = 31000\n[media]\nthreads = 3\n")
    daemon.signal(signal.SIGHUP)
    time.sleep(delay)
    daemon.signal()
    peer.respond(call.expect("BYE"), 200)
    peer.close()
    assert daemon.wait() == 0
    daemon.stop()
