# SPDX-License-Identifier: GPL-2.0-or-later
"""A changed configuration comes into force while calls go on; a broken one is refused whole."""

import os
import re
import signal
import socket
import stat
import time

import pytest
from support import audio, digest, dns
from support.clients import sipp
from support.daemon import REPORTS, Daemon, in_background
from support.peer import Peer
from support.reloading import ENDPOINTS, NEW, OLD, PHONE, a_transport, accept, call_from, check_call, endpoint
from support.reloading import open_descriptors, register, registration, wait_until
from support.rtp import RtpSocket, check_stream, random_payloads
from support.wire import audio_sdp


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(extensions=OLD, endpoints=ENDPOINTS)


# ---- calls go on ----


def test_a_call_goes_on(daemon):
    """Its audio has no gap; it is changed and ended as before, although its endpoint is gone."""
    peer = daemon.peer()
    with RtpSocket() as rtp:
        call = call_from(peer, "alice", sdp=audio_sdp(rtp.port))
        sdp = call.establish().sdp
        daemon.write_endpoints(endpoint("carol"))
        daemon.write("extensions.conf", NEW)

        def reload():
            time.sleep(0.5)
            return daemon.reload()

        said = in_background(reload)
        payloads = random_payloads(75)
        got = rtp.exchange((sdp.audio.connection, sdp.audio.port), payloads)
        assert "Reload done" in said()
        assert [p.payload for p in got] == payloads
        check_stream(got)
        call.send("INVITE", body=audio_sdp(rtp.port, version=2, direction="sendonly"))
        answer = call.expect(200)
        call.ack(answer)
        assert answer.sdp.audio.direction == "recvonly"
        call.send("INVITE", body=audio_sdp(rtp.port, version=3))
        call.ack(call.expect(200))
        rtp.received.clear()
        payloads = random_payloads(10)
        assert [p.payload for p in rtp.exchange((sdp.audio.connection, sdp.audio.port), payloads)] == payloads
        call.hang_up()
    check_call(daemon, "alice", status=401)
    check_call(daemon, "carol")


def test_endpoints(daemon):
    """A new one may call, one that is gone is nobody, a changed one is what it is now for the next call."""
    check_call(daemon, "carol", status=401)
    peer = daemon.peer()
    call = call_from(peer, "alice")
    call.establish()
    daemon.write("extensions.conf", OLD.replace("[old]", "[new]"))
    daemon.write_endpoints(endpoint("alice", "allow = alaw") + endpoint("carol"))
    said = daemon.reload()
    assert "pjsip.conf: endpoint: 1 new (carol), 1 changed (alice), 1 gone (bob)\n" in said
    assert "extensions.conf: context: 1 new (new), 1 gone (old)\n" in said
    check_call(daemon, "carol")
    check_call(daemon, "bob", status=401)
    call.send("INVITE", body=audio_sdp(peer.port, version=2))
    call.ack(call.expect(200))
    call.hang_up()
    check_call(daemon, "alice", status=488)
    daemon.write_endpoints(endpoint("carol", "context = new\nallow = ulaw"))
    daemon.reload()
    check_call(daemon, "carol", target="where", status=486)
    daemon.wait_log("CONTEXT old")
    assert daemon.reload() == "No section has changed\nReload done\n"


def test_dialplan(daemon):
    """A channel that runs goes on in the dialplan in which it began; the next one has the new one."""
    call = call_from(daemon.peer(), "alice", "slow")
    call.establish()
    daemon.write("extensions.conf", NEW)
    daemon.reload()
    before = len(daemon.log())
    check_call(daemon, "alice", "new")
    check_call(daemon, "alice", "old", status=404)
    daemon.wait_log("RAN old", after=before)
    call.expect("BYE")
    call.peer.respond(call.peer.log[-1][2], 200)
    assert "RAN new" not in daemon.log()
    call = call_from(daemon.peer(), "alice", "slow")
    call.establish()
    daemon.wait_log("RAN new")
    call.peer.respond(call.expect("BYE"), 200)


def test_globals_and_sounds(start_daemon, tmp_path):
    """Global variables are what the new file says, or stay; sounds are looked for in the new folder."""
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    audio.write_wav(tmp_path / "two" / "tone.wav", audio.speech_like(0.2, 8000, seed=1), 8000)
    text = """\
[globals]
{globals}
[default]
exten = say,1,Answer()
 same = n,Verbose(1,A=${{A}} B=${{B}})
 same = n,Playback(tone)
 same = n,Verbose(1,PLAYED ${{PLAYBACKSTATUS}})
 same = n,Hangup()
"""

    def say(wanted):
        before = len(daemon.log())
        with RtpSocket() as rtp:
            call = call_from(daemon.peer(), "alice", "say", sdp=audio_sdp(rtp.port))
            call.establish()
            call.peer.respond(call.expect("BYE"), 200)
        for line in wanted:
            daemon.wait_log(line, after=before)

    daemon = start_daemon(
        extensions=text.format(globals="A = 1\nB = 2"), endpoints=ENDPOINTS,
        files={"sipsession.conf": f"[dialplan]\nsounds = {tmp_path}/one\n"},
    )  # fmt: skip
    say(["A=1 B=2", "PLAYED FAILED"])
    daemon.write("extensions.conf", text.format(globals="A = 3"))
    daemon.write("sipsession.conf", f"[dialplan]\nsounds = {tmp_path}/two\n")
    daemon.reload()
    say(["A=3 B=2", "PLAYED SUCCESS"])


def test_in_dialog_credentials(start_daemon):
    """Who may take part in a call that goes on is asked of the endpoint as it is now."""

    def auth(password):
        return endpoint("alice", "allow = ulaw\nauth = alice") + (
            f"\n[alice]\ntype = auth\nusername = alice\npassword = {password}\n"
        )

    daemon = start_daemon(
        extensions=OLD, endpoints=auth("first"), files={"sipsession.conf": "[authentication]\nin_dialog = yes\n"}
    )
    call = call_from(daemon.peer(), "alice")
    call.send("INVITE", body=call.offer)
    challenge = digest.challenges(call.expect(401))[0]
    call.send("INVITE", [digest.answer(challenge, "INVITE", call.target, "alice", "first")], call.offer)
    call.ack(call.expect(200))
    daemon.write_endpoints(auth("second"))
    assert "auth: 1 changed (alice)" in daemon.reload()
    call.send("BYE")
    challenge = digest.challenges(call.expect(401))[0]
    call.send("BYE", [digest.answer(challenge, "BYE", call.target, "alice", "first")])
    challenge = digest.challenges(call.expect(401))[0]
    call.send("BYE", [digest.answer(challenge, "BYE", call.target, "alice", "second")])
    call.expect(200)


def test_access_lists(daemon):
    """A list that is new keeps peers out of calls that go on, too; and lets them in when it goes."""
    call = call_from(daemon.peer(), "alice")
    call.establish()
    daemon.write_endpoints(ENDPOINTS + "\n[nobody]\ntype = acl\ndeny = 127.0.0.1/32\n")
    daemon.reload()
    call.send("BYE")
    call.expect(401)
    check_call(daemon, "alice", status=401)
    daemon.write_endpoints(ENDPOINTS)
    daemon.reload()
    call.hang_up()


def test_identification(daemon):
    """Networks, headers and their order."""
    daemon.write_endpoints(
        endpoint("net", "allow = alaw")
        + endpoint("head", "allow = ulaw\nidentify_by = header")
        + "\n[net]\ntype = identify\nendpoint = net\nmatch = 127.0.0.1\n"
        + "\n[head]\ntype = identify\nendpoint = head\nmatch_header = X-Who: head\n"
    )
    daemon.reload()
    check_call(daemon, "stranger", status=488)  # net, by its address
    call = call_from(daemon.peer(), "stranger", headers=[("X-Who", "head")])
    call.refuse_check(488)  # ip comes before header
    text = (daemon.config / "pjsip.conf").read_text()
    daemon.write("pjsip.conf", text + "\n[global]\nendpoint_identifier_order = header,ip\n")
    daemon.reload()
    call = call_from(daemon.peer(), "stranger", headers=[("X-Who", "head")])
    call.establish()
    call.hang_up()
    check_call(daemon, "stranger", status=488)
    daemon.write_endpoints(ENDPOINTS)
    daemon.reload()
    check_call(daemon, "stranger", status=401)


def test_bans_stay(daemon):
    """Who was banned before is so after, whatever else changes; without bans nobody is."""
    limits = "[access]\nban_failures = 2\nban_period = 60\nban_time = 60\nban_strangers = yes\n"
    daemon.write("sipsession.conf", limits)
    daemon.reload()
    stranger = Peer(daemon.udp, local="127.0.0.9")
    daemon.peers.append(stranger)
    for _ in range(2):
        stranger.send(stranger.request("OPTIONS"))
        stranger.expect(401)
    daemon.write("sipsession.conf", limits.replace("60", "50"))
    daemon.reload()
    stranger.send(stranger.request("OPTIONS"))
    stranger.expect_nothing(0.3, answered=False)
    daemon.write("sipsession.conf", "")
    daemon.reload()
    stranger.send(stranger.request("OPTIONS"))
    stranger.expect(401)


def test_overload_limits(daemon):
    """Sessions that there were before count."""
    calls = [call_from(daemon.peer(), "alice") for _ in range(2)]
    calls[0].establish()
    daemon.write("sipsession.conf", "[overload]\nmax_sessions = 1\n")
    daemon.reload()
    calls[1].refuse_check(503)
    daemon.write("sipsession.conf", "[overload]\nmax_sessions = 2\n")
    daemon.reload()
    call = call_from(daemon.peer(), "alice")
    call.establish()
    call.hang_up()
    calls[0].hang_up()


def test_names_in_identify(start_daemon):
    """What was found of a name holds across a reload, without a gap; new names are looked up."""
    named = "\n[net]\ntype = identify\nendpoint = net\nmatch = {}\n"
    with dns.NameServer({"one.test": [dns.a("127.0.0.1")], "two.test": [dns.a("127.0.0.9")]}) as server:
        daemon = start_daemon(
            extensions=OLD, endpoints=endpoint("net", "allow = alaw") + named.format("one.test"),
            files={"sipsession.conf": f"[dns]\nservers = 127.0.0.1:{server.port}\n"},
        )  # fmt: skip
        daemon.wait_log("one.test is 127.0.0.1")
        server.silent.add("one.test")
        for number in range(3):
            daemon.write_endpoints(endpoint("net", "allow = alaw") + endpoint(f"x{number}") + named.format("one.test"))
            daemon.reload()
            check_call(daemon, "stranger", status=488)
        daemon.write_endpoints(endpoint("net", "allow = alaw") + named.format("two.test"))
        daemon.reload()
        check_call(daemon, "stranger", status=401)
        daemon.wait_log("two.test is 127.0.0.9")
        other = Peer(daemon.udp, local="127.0.0.9")
        daemon.peers.append(other)
        call_from(other, "stranger").refuse_check(488)
        daemon.stop()


def test_global_options(start_daemon):
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS, options=[])
    daemon.write_endpoints(ENDPOINTS + "\n[global]\nuser_agent = other 2\ndefault_realm = other.example\ndebug = yes\n")
    daemon.write("sipsession.conf", "[log]\nlevel = verbose\n[guard]\nmax_body_size = 10\n")
    daemon.reload()
    call = call_from(daemon.peer(), "stranger", sdp=b"")
    call.offer = None
    refusal = call.refuse_check(401)
    assert refusal.get("server") == "other 2"
    assert digest.challenges(refusal)[0]["realm"] == "other.example"
    daemon.wait_log("<--- received")
    check_call(daemon, "alice", status=413)
    daemon.write_endpoints(ENDPOINTS)
    daemon.write("sipsession.conf", "")
    daemon.reload()
    before = len(daemon.log())
    check_call(daemon, "alice")
    assert "<--- received" not in daemon.log()[before:]


def test_norefersub(daemon):
    """Of [global], told by a module."""

    def says(option):
        daemon.write_endpoints(ENDPOINTS + f"\n[global]\nnorefersub = {option}\n")
        daemon.reload()
        peer = daemon.peer()
        peer.send(peer.request("OPTIONS", from_value="<sip:alice@127.0.0.1>;tag=x"))
        return "norefersub" in peer.expect(200).tokens("supported")

    assert [says(option) for option in ("yes", "no", "no", "yes", "yes", "no", "yes")] == [1, 0, 0, 1, 1, 0, 1]


# ---- what is wrong is refused whole ----


def broken_pjsip(daemon, text):
    daemon.write_endpoints(endpoint("carol") + text)


def taken_address(daemon):
    """A socket of another program is where a new transport would be."""
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind((daemon.address, 0))
    daemon.taken = taken
    return f"{daemon.address}:{taken.getsockname()[1]}"


BROKEN = {
    "option": (lambda d: broken_pjsip(d, endpoint("dave", "contxt = x")), "error: endpoint has no option 'contxt'"),
    "value": (lambda d: broken_pjsip(d, endpoint("dave", "allow = nonsense")), "error: wrong value 'nonsense'"),
    "syntax": (lambda d: broken_pjsip(d, "\n[unclosed\n"), "error:"),
    "no transport": (lambda d: d.write("pjsip.conf", endpoint("carol")), "there is no transport"),
    "no file": (lambda d: (d.config / "pjsip.conf").unlink(), "error:"),
    "dialplan": (
        lambda d: (broken_pjsip(d, ""), d.write("extensions.conf", "[default]\nexten = x,1,Awnser()\n")),
        "extensions.conf:2: error: there is no application Awnser, the nearest is Answer",
    ),
    "settings": (
        lambda d: (broken_pjsip(d, ""), d.write("sipsession.conf", "[rtp]\nstart = 7\n")),
        "sipsession.conf:2: error:",
    ),
    "address": (
        lambda d: broken_pjsip(d, a_transport("first", f"{d.address}:0") + a_transport("taken", taken_address(d))),
        "error: res_sip: transport 'taken': cannot bind UDP",
    ),
    "address of tcp": (
        lambda d: broken_pjsip(d, a_transport("far", "192.0.2.1:5060", "tcp")),
        "error: res_sip: transport 'far': cannot bind TCP",
    ),
    "log": (
        lambda d: (broken_pjsip(d, ""), d.write("sipsession.conf", "[log]\nfile = /nonexistent/log\n")),
        "error: log file /nonexistent/log",
    ),
    "dns": (
        lambda d: (broken_pjsip(d, ""), d.write("sipsession.conf", "[dns]\nservers = not-an-address\n")),
        "error: res_sip: [dns] servers: 'not-an-address'",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_one_is_refused_whole(daemon, kind):
    call = call_from(daemon.peer(), "alice")
    call.establish()
    descriptors = open_descriptors(daemon)
    spoil, wanted = BROKEN[kind]
    spoil(daemon)
    said = daemon.reload(status=1)
    assert wanted in said
    assert re.search(r"^Reload refused, nothing has changed: ", said, re.M)
    checked = daemon.command("check")[1].splitlines()[:-1]
    assert said.splitlines()[: len(checked)] == checked, "the lines of `sipsession check`"
    check_call(daemon, "carol", status=401)
    check_call(daemon, "alice")
    check_call(daemon, "bob", "old")
    call.hang_up()
    daemon.check_at_rest()
    assert open_descriptors(daemon) == descriptors - 2, "nothing of it stays open; the call's two are gone"
    if hasattr(daemon, "taken"):
        daemon.taken.close()
    daemon.write_endpoints(endpoint("carol"))
    daemon.write("extensions.conf", OLD)
    daemon.write("sipsession.conf", "")
    daemon.reload()
    check_call(daemon, "carol")


# ---- how it is asked for ----


def test_sighup(daemon):
    daemon.write_endpoints(endpoint("carol"))
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("NOTICE Reload done")
    check_call(daemon, "carol")
    before = len(daemon.log())
    daemon.write_endpoints("nonsense\n")
    daemon.signal(signal.SIGHUP)
    daemon.wait_log("ERROR Reload refused, nothing has changed: ", after=before)
    assert re.search(r"ERROR \S+pjsip.conf:\d+: ", daemon.log()[before:])
    check_call(daemon, "carol")


def test_exit_statuses(daemon, tmp_path):
    status, out, problems = daemon.command("reload", "unwanted")
    assert (status, out) == (2, "") and "Usage: sipsession reload" in problems
    status, out, problems = daemon.command("reload", "-s", str(tmp_path / "none"))
    assert (status, out) == (1, "") and "no server listens there" in problems
    assert daemon.command("reload", "--help")[0] == 0
    daemon.write_endpoints(ENDPOINTS + a_transport("other", f"{daemon.address}:5070"))
    assert "transport 'other': listening on UDP" in daemon.reload()


def control_path(daemon):
    return daemon.config / "sipsession.sock"


def test_the_socket(start_daemon):
    """It is the user's alone; one that was left is replaced, one of another server is not."""
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS)
    mode = os.stat(control_path(daemon)).st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    other = Daemon(daemon.folder, OLD, ENDPOINTS)
    other.log_path = daemon.folder / "other-log"
    other.spawn()
    assert other.wait() == 1
    assert "another server listens there" in other.log()
    assert not REPORTS.search(other.log())
    daemon.write_endpoints(ENDPOINTS)  # the other one had written its own
    daemon.kill()
    assert control_path(daemon).exists()
    daemon.start()
    daemon.reload()
    daemon.stop()
    assert not control_path(daemon).exists()
    control_path(daemon).write_text("precious")
    daemon.spawn()
    assert daemon.wait() == 1
    assert control_path(daemon).read_text() == "precious"
    control_path(daemon).unlink()
    daemon.files = {"sipsession.conf": "[control]\nsocket = else/where\n"}
    (daemon.config / "else").mkdir()
    daemon.start()
    assert (daemon.config / "else/where").exists()
    daemon.write("sipsession.conf", "[nonsense]\n[control]\nsocket = else/where\n")
    assert "unknown section [nonsense]" in daemon.reload(status=1)
    daemon.write("sipsession.conf", "[control]\nsocket = other\n")
    status, out, _ = daemon.command("reload", "-s", str(daemon.config / "else/where"))
    assert status == 0 and "warning: sipsession.conf: [control] socket needs a restart" in out
    daemon.stop()
    daemon.files = {"sipsession.conf": "[control]\nsocket =\n"}
    daemon.start()
    assert daemon.command("reload")[0] == 1
    assert not control_path(daemon).exists()


def test_hostile_clients(daemon):
    """Who sends nonsense, or nothing, keeps nobody from a reload."""

    def connect(text=b""):
        client = socket.socket(socket.AF_UNIX)
        os.chdir(daemon.config)  # paths of such sockets are short
        client.connect(control_path(daemon).name)
        client.sendall(text)
        client.settimeout(20)
        return client

    assert connect(b"dance\n").recv(100) == b"-There is no such request\n=2\n"
    assert connect(b"\x1b[31m\n").recv(100).endswith(b"=2\n")
    assert connect(b"x" * 2000).recv(100).endswith(b"=2\n")
    connect(b"reload\n").close()
    connect(b"rel").close()
    silent = [connect() for _ in range(31)]
    assert "Reload done" in daemon.reload()
    waiting = [connect() for _ in range(8)]  # more than may be at once
    began = time.monotonic()
    assert silent[0].recv(1) == b"", "one that says nothing is sent away"
    assert time.monotonic() - began < 12
    for client in [*silent, *waiting]:
        client.close()
    assert "Reload done" in daemon.reload()


def test_while_stopping(start_daemon):
    """A stop that waits for a call refuses; and a reload that is under way harms no stop."""
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS)
    call = call_from(daemon.peer(), "alice")
    call.establish()
    daemon.signal()
    call.expect("BYE")
    assert "Reload refused, nothing has changed: the server stops" in daemon.reload(status=1)
    daemon.signal(signal.SIGHUP)
    call.peer.respond(call.peer.log[-1][2], 200)
    assert daemon.wait() == 0
    daemon.start()
    for _ in range(20):
        daemon.signal(signal.SIGHUP)
    daemon.signal()
    daemon.stop()
    daemon.start()
    asked = in_background(daemon.command, "reload")
    daemon.signal()
    daemon.signal()
    assert asked()[0] in (0, 1)
    daemon.stop()


# ---- the log ----


def test_log_file(start_daemon):
    """It is opened anew by each reload, also by one that is refused; another file, and another level."""
    daemon = start_daemon(
        extensions=OLD, endpoints=ENDPOINTS, options=[], files={"sipsession.conf": "[log]\nfile = log1\n"}
    )
    log1, log2, old = (daemon.config / name for name in ("log1", "log2", "rotated"))
    assert "is ready" in log1.read_text()
    log1.rename(old)
    daemon.signal(signal.SIGHUP)
    end = time.monotonic() + 5
    while not (log1.exists() and "Reload done" in log1.read_text()):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert "Reload done" not in old.read_text()
    log1.rename(old)
    daemon.write_endpoints("nonsense\n")
    daemon.reload(status=1)
    assert "Reload refused" in log1.read_text()
    daemon.write_endpoints(ENDPOINTS)
    daemon.write("sipsession.conf", "[log]\nfile = log2\nlevel = debug\n")
    daemon.reload()
    assert "Reload done" in log2.read_text()
    check_call(daemon, "alice")
    assert "DEBUG" in log2.read_text() and "DEBUG" not in log1.read_text()
    daemon.write("sipsession.conf", "")
    daemon.reload()
    assert "Reload done" in daemon.log()
    size = log2.stat().st_size
    check_call(daemon, "stranger", status=401)
    assert log2.stat().st_size == size


# ---- phones ----

def test_bindings_stay(start_daemon):
    """What phones have registered stays, also while their AOR is away; what is configured is exchanged."""
    daemon = start_daemon(extensions=OLD, endpoints=PHONE.format(most=1, options=""))
    peer = daemon.peer()
    assert register(peer, "<sip:a@127.0.0.1:7001>") == ["sip:a@127.0.0.1:7001"]
    register(peer, "<sip:b@127.0.0.1:7002>", status=403)
    daemon.write_endpoints(PHONE.format(most=2, options=""))
    daemon.reload()
    assert register(peer) == ["sip:a@127.0.0.1:7001"]
    assert len(register(peer, "<sip:b@127.0.0.1:7002>")) == 2
    daemon.write_endpoints(ENDPOINTS)
    daemon.reload()
    register(peer, status=401)
    fixed, other = daemon.peer(), daemon.peer()
    for configured, idle in ((fixed, other), (other, fixed)):
        options = f"contact = sip:fixed@127.0.0.1:{configured.port}\nqualify_frequency = 1"
        daemon.write_endpoints(PHONE.format(most=2, options=options))
        daemon.reload()
        configured.respond(configured.expect("OPTIONS"), 200)
        for _, request in idle.drain(0.3):
            idle.respond(request, 200)
        idle.expect_nothing(1.3)
    daemon.write_endpoints(PHONE.format(most=2, options=""))
    daemon.reload()
    assert sorted(register(peer)) == ["sip:a@127.0.0.1:7001", "sip:b@127.0.0.1:7002"]


def test_qualify_begins_and_ends(start_daemon):
    """qualify_frequency of an AOR whose contacts are there already."""
    daemon = start_daemon(extensions=OLD, endpoints=PHONE.format(most=1, options=""))
    peer = daemon.peer()
    register(peer, f"<sip:a@127.0.0.1:{peer.port}>")
    for frequency in (1, 0, 1):
        daemon.write_endpoints(PHONE.format(most=1, options=f"qualify_frequency = {frequency}"))
        daemon.reload()
        if frequency:
            peer.respond(peer.expect("OPTIONS"), 200)
        else:
            time.sleep(1.2)  # one may be on its way
            for _, message in peer.drain(0.1):
                peer.respond(message, 200)
            peer.expect_nothing(1.5)


# ---- registrations ----


def test_registrations(start_daemon):
    """One that is as before goes on; a changed one goes on as what it is now; others end and begin."""
    servers = {name: Peer(("127.0.0.1", 9)) for name in ("same", "rules", "user", "gone", "fresh")}
    same, rules, user, gone, fresh = servers.values()
    daemon = start_daemon(
        extensions=OLD,
        endpoints=registration("same", same) + registration("rules", rules) + registration("user", user)
        + registration("gone", gone),
    )  # fmt: skip
    daemon.peers += servers.values()
    first = {}
    for name in ("same", "rules", "user", "gone"):
        servers[name].remote = daemon.udp
        first[name] = servers[name].expect("REGISTER")
        accept(servers[name], first[name])
    fresh.remote = daemon.udp
    for name in first:
        daemon.wait_log(f"event=registration name={name} state=registered")
    daemon.write_endpoints(
        registration("same", same) + registration("rules", rules, expiration=700)
        + registration("user", user, client="eve") + registration("fresh", fresh)
    )  # fmt: skip
    said = daemon.reload()
    assert "registration: 1 new (fresh), 2 changed (rules, user), 1 gone (gone)" in said

    again = rules.expect("REGISTER")
    assert (again.call_id, again.cseq, again.get("expires")) == (first["rules"].call_id, first["rules"].cseq + 1, "700")
    accept(rules, again)

    both = {request.get("to"): request for request in (user.expect("REGISTER"), user.expect("REGISTER"))}
    old, new = both["<sip:bob@example.test>"], both["<sip:eve@example.test>"]
    assert (old.get("expires"), old.call_id) == ("0", first["user"].call_id)
    assert new.get("expires") == "600" and new.call_id != old.call_id
    user.respond(old, 200)
    accept(user, new)

    last = gone.expect("REGISTER")
    assert (last.get("expires"), last.call_id, last.cseq) == ("0", first["gone"].call_id, first["gone"].cseq + 1)
    gone.respond(last, 200)
    accept(fresh, fresh.expect("REGISTER"))
    daemon.wait_log("event=registration name=gone state=ended")
    daemon.wait_log("event=registration name=fresh state=registered")
    same.expect_nothing(0.5)
    for _ in range(3):
        assert daemon.reload() == "No section has changed\nReload done\n"
    for server in servers.values():
        server.expect_nothing(0.2)
    daemon.signal()
    for server, state in ((same, first["same"]), (rules, again), (user, new)):
        request = server.expect("REGISTER")
        assert (request.get("expires"), request.call_id, request.cseq) == ("0", state.call_id, state.cseq + 1)
        server.respond(request, 200)
    fresh.respond(fresh.expect("REGISTER"), 200)
    assert daemon.wait() == 0
    gone.expect_nothing(0, answered=False)


def test_a_registration_that_is_under_way(start_daemon):
    """It changes, and goes, while its REGISTER has no answer yet."""
    server = Peer(("127.0.0.1", 9))
    daemon = start_daemon(extensions=OLD, endpoints=registration("trunk", server))
    server.remote = daemon.udp
    daemon.peers.append(server)
    first = server.expect("REGISTER")
    daemon.write_endpoints(registration("trunk", server, expiration=900))
    daemon.reload()
    server.expect_nothing(0.2, again=True)
    accept(server, first)
    second = server.expect("REGISTER")
    assert (second.get("expires"), second.call_id) == ("900", first.call_id)
    daemon.write_endpoints(ENDPOINTS)
    daemon.reload()
    server.expect_nothing(0.2, again=True)
    accept(server, second)
    third = server.expect("REGISTER")
    assert (third.get("expires"), third.call_id) == ("0", first.call_id)
    for _ in range(3):
        daemon.reload()
    server.respond(third, 200)
    daemon.wait_log("event=registration name=trunk state=ended")


# ---- names ----


def test_name_servers(start_daemon):
    """A lookup that an old server does not answer is asked of the new one; nothing fails for it."""
    server = Peer(("127.0.0.1", 9))
    with dns.NameServer({}, silent=["registrar.test"]) as mute, dns.NameServer(
        {"registrar.test": [dns.a("127.0.0.1")]}
    ) as speaking:
        settings = "[dns]\nservers = 127.0.0.1:{}\n"
        daemon = start_daemon(
            extensions=OLD, endpoints=registration("trunk", server, server_uri=f"sip:registrar.test:{server.port}"),
            files={"sipsession.conf": settings.format(mute.port)},
        )  # fmt: skip
        daemon.peers.append(server)
        server.remote = daemon.udp
        wait_until(lambda: mute.questions)
        daemon.write("sipsession.conf", settings.format(speaking.port))
        daemon.reload()
        accept(server, server.expect("REGISTER", timeout=2))
        daemon.wait_log("event=registration name=trunk state=registered")
        daemon.signal()
        server.respond(server.expect("REGISTER"), 200)
        assert daemon.wait() == 0


def test_what_needs_a_restart(daemon):
    """A warning names it, the rest comes into force, and the next reload warns again."""
    daemon.write_endpoints(endpoint("carol"))
    daemon.write("sipsession.conf", "[store]\nfile = other.db\n")
    for _ in range(2):
        assert "warning: sipsession.conf: [store] file needs a restart: what is in force stays" in daemon.reload()
    check_call(daemon, "carol")


# ---- again and again ----


def test_many_reloads_under_load(start_daemon, tmp_path):
    """Calls at 20 a second while the configuration is exchanged five times a second: none fails."""
    daemon = start_daemon(extensions=OLD, endpoints=endpoint("sipp") + endpoint("alice"), options=[])
    descriptors = open_descriptors(daemon)
    calls = in_background(sipp, daemon, tmp_path, "echo", "uac", 300, 20, ("-d", "1000"), 90)
    end, count = time.monotonic() + 15, 0
    while time.monotonic() < end:
        count += 1
        daemon.write_endpoints(endpoint("sipp", f"allow = {'ulaw,alaw' if count % 2 else 'ulaw'}") + endpoint(f"x{count}"))
        daemon.write("extensions.conf", NEW if count % 2 else OLD)
        daemon.reload()
        time.sleep(0.2)
    good, bad, errors = calls()
    assert (good, bad) == (300, 0), errors[:3000]
    assert count > 20
    daemon.check_at_rest(15)
    assert open_descriptors(daemon) == descriptors


def test_memory(start_daemon, sanitized):
    """200 reloads leave nothing behind."""
    daemon = start_daemon(extensions=OLD, endpoints=ENDPOINTS, options=[])
    sizes = []
    for round in range(4):
        for number in range(50):
            daemon.write_endpoints("".join(endpoint(f"e{round}-{number}-{n}") for n in range(100)))
            daemon.reload()
        sizes.append(daemon.resident())
    if not sanitized:
        assert sizes[3] <= sizes[1] * 1.03, sizes
