# SPDX-License-Identifier: GPL-2.0-or-later
"""Modules come and go by a reload, with calls up; all of the reload comes into force or nothing."""

import os
import shutil

import pytest
from support.daemon import in_background
from support.peer import Peer, PeerError
from support.reloading import ENDPOINTS, OLD, PHONE, call_from, check_call, endpoint, open_descriptors, register
from support.rtp import RtpSocket, random_payloads
from support.wire import audio_sdp

# What a call can do without, the one that another one requires last.
OTHERS = [
    "refer", "dtmf_info", "message", "replaces", "reason", "connected_line", "history_info", "diversion", "caller_id",
]  # fmt: skip


@pytest.fixture
def record(tmp_path):
    path = tmp_path / "record"
    return {"SIPSESSION_API_LOG": str(path)}, lambda: path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def start(start_daemon, record):
    def start(modules, **options):
        options = {"extensions": OLD, "endpoints": ENDPOINTS, **options}
        return start_daemon(modules=modules, env=record[0], **options)

    return start


def load(daemon, modules, status=0):
    daemon.write("sipsession.conf", "[overload]\nmax_delay = 0\n[modules]\n" + "".join(f"load = {name}\n" for name in modules))
    return daemon.reload(status)


def allowed(daemon):
    peer = daemon.peer()
    peer.send(peer.request("OPTIONS", from_value="<sip:alice@127.0.0.1>;tag=x"))
    answer = peer.expect(200)
    return set(answer.tokens("allow")), set(answer.tokens("supported"))


def test_come_and_go(start, record, api_module):
    """In the order of `requires`; what they add to our messages comes and goes with them."""
    daemon = start(["sdp_rtp"])
    assert not {"REFER", "INFO", "MESSAGE"} & allowed(daemon)[0]
    assert "module refer was loaded" in load(daemon, ["sdp_rtp", "refer", api_module("api_needs"), api_module("api_base")])
    assert record[1]() == ["init api_base", "init api_needs"]
    assert "REFER" in allowed(daemon)[0] and "norefersub" in allowed(daemon)[1]
    assert "No section has changed" in daemon.reload()
    said = load(daemon, ["sdp_rtp", "dtmf_info", "message"])
    assert "module refer was taken away" in said and "warning" not in said
    assert record[1]()[2:] == ["close api_needs", "close api_base"]
    methods, tags = allowed(daemon)
    assert {"INFO", "MESSAGE"} <= methods and "REFER" not in methods and "norefersub" not in tags
    check_call(daemon, "alice")
    daemon.write("sipsession.conf", "[overload]\nmax_delay = 0\n")
    daemon.reload()  # the defaults
    assert {"INFO", "MESSAGE", "REFER"} <= allowed(daemon)[0]
    check_call(daemon, "alice")


def test_refused_whole(start, record, api_module):
    """What cannot be loaded refuses all of it, and what was loaded for it goes again."""
    base, needs = api_module("api_base"), api_module("api_needs")
    daemon = start(["sdp_rtp", base, needs])
    descriptors = open_descriptors(daemon)
    before = record[1]()
    daemon.write_endpoints(endpoint("carol"))
    kept = ["sdp_rtp", base, needs]
    for modules, wanted in (
        ([*kept, "refer", "nosuch"], "error: module nosuch: "),
        ([*kept, "refer", api_module("api_fails")], "error: module api_fails did not start"),
        ([*kept, "refer", api_module("api_wrong_abi")], "it was built with other headers"),
        ([*kept, "refer", "connected_line"], "error: module connected_line: it requires caller_id, which is not loaded"),
        (["sdp_rtp", "refer", needs], "error: module api_needs: it requires api_base, which is not to be loaded any more"),
    ):
        said = load(daemon, modules, status=1)
        assert wanted in said and "Reload refused, nothing has changed" in said
        assert "REFER" not in allowed(daemon)[0]
        assert record[1]() == before
        check_call(daemon, "carol", status=401)
        check_call(daemon, "alice")
    # the log file is what fails last
    text = (daemon.config / "sipsession.conf").read_text()
    daemon.write("sipsession.conf", text.replace(needs, f"{base}\nload = {needs}") + "[log]\nfile = /nonexistent/log\n")
    assert "error: log file" in daemon.reload(status=1)
    assert "REFER" not in allowed(daemon)[0]
    assert "carol" in load(daemon, [*kept, "refer"])
    check_call(daemon, "carol")
    daemon.check_at_rest()
    assert open_descriptors(daemon) == descriptors


def echo(rtp, sdp, count=10):
    rtp.received.clear()
    payloads = random_payloads(count)
    assert [p.payload for p in rtp.exchange((sdp.audio.connection, sdp.audio.port), payloads)] == payloads


def test_media_of_calls(start):
    """sdp_rtp stays as long as calls have streams of it, and what requires it; then it goes, and comes again."""
    daemon = start(["sdp_rtp", "reason"])
    peer = daemon.peer()
    with RtpSocket() as rtp:
        call = call_from(peer, "alice", sdp=audio_sdp(rtp.port))
        sdp = call.establish().sdp
        for _ in range(2):
            said = load(daemon, ["reason"])
            assert "warning: module sdp_rtp stays: it is in use 1 time; a reload takes it away when it is not" in said
            assert "Reload done" in said
        echo(rtp, sdp)
        call.send("INVITE", body=audio_sdp(rtp.port, version=2))
        call.ack(call.expect(200))
        echo(rtp, sdp)
        call.hang_up()
    said = load(daemon, ["reason"])
    assert "module sdp_rtp was taken away" in said
    check_call(daemon, "alice", status=488)
    load(daemon, ["reason", "sdp_rtp"])
    check_call(daemon, "alice")


def test_timers_of_calls(start, api_module):
    """A peer that counts on our refreshes keeps them: session_timer stays until its calls have ended."""
    timer = api_module("session_timer_fast")
    daemon = start(["sdp_rtp", timer])
    timed = [("Supported", "timer"), ("Session-Expires", "90;refresher=uas"), ("Allow", "INVITE, ACK, BYE, UPDATE")]
    call = call_from(daemon.peer(), "alice", headers=timed)
    assert "refresher=uas" in call.establish().get("session-expires")
    said = load(daemon, ["sdp_rtp"])
    assert "warning: module session_timer stays: it is in use 1 time" in said
    for _ in range(2):  # 1.8 s each
        update = call.expect("UPDATE")
        call.peer.respond(update, 200, headers=[("Session-Expires", "90;refresher=uac"), ("Require", "timer")])
    call.hang_up()
    assert "module session_timer was taken away" in load(daemon, ["sdp_rtp"])
    call = call_from(daemon.peer(), "alice", headers=timed)
    assert not call.establish().has("session-expires")
    call.hang_up()


def test_calls_live_on_without_extensions(start):
    """Every other module goes while a call is up; the call is changed, refuses what nobody knows any more, and ends."""
    daemon = start(["sdp_rtp", *OTHERS])
    peer = daemon.peer()
    with RtpSocket() as rtp:
        call = call_from(peer, "alice", sdp=audio_sdp(rtp.port), headers=[("Supported", "histinfo, from-change, replaces")])
        sdp = call.establish().sdp
        digit = call.build("INFO", [("Content-Type", "application/dtmf-relay")])
        digit.body = b"Signal=1\r\nDuration=100\r\n"
        peer.send(digit)
        call.expect(200)
        for round in range(3):
            said = load(daemon, ["sdp_rtp"])
            assert said.count("was taken away") == len(OTHERS) and "warning" not in said
            echo(rtp, sdp)
            for method in ("INFO", "REFER", "MESSAGE", "NOTIFY"):
                call.send(method, [("Refer-To", "<sip:bob@127.0.0.1>")] if method == "REFER" else [])
                assert call.expect(405, 501, 481, 489).status in (405, 501), method
            call.send("INVITE", body=audio_sdp(rtp.port, version=2 + 2 * round))
            call.ack(call.expect(200))
            load(daemon, ["sdp_rtp", *reversed(OTHERS)])
            echo(rtp, sdp)
            call.send("INFO")
            assert call.expect(200, 415, 469).status not in (405, 501)
            call.send("INVITE", body=audio_sdp(rtp.port, version=3 + 2 * round))
            call.ack(call.expect(200))
        call.hang_up()


def test_a_transfer_under_way(start):
    """Who waits for the outcome of its REFER is told: refer stays until then."""
    daemon = start(["sdp_rtp", "refer"])
    target, peer = daemon.peer(), daemon.peer()
    call = call_from(peer, "alice")
    call.establish()
    call.send("REFER", [("Refer-To", f"<sip:bob@{target.host}:{target.port}>")])
    call.expect(202)
    invite = target.expect("INVITE")
    peer.respond(call.expect("NOTIFY"), 200)
    assert "warning: module refer stays: it is in use" in load(daemon, ["sdp_rtp"])
    target.respond(invite, 486)
    target.expect("ACK")
    notify = call.expect("NOTIFY")
    assert notify.body.startswith(b"SIP/2.0 486 ")
    peer.respond(notify, 200)
    assert "module refer was taken away" in load(daemon, ["sdp_rtp"])
    call.send("REFER", [("Refer-To", f"<sip:bob@{target.host}:{target.port}>")])
    assert call.expect(405, 501)
    call.hang_up()


def test_registrations_outlive_the_registrar(start):
    """What is registered stays when the module goes, and is there when it comes again."""
    daemon = start(["sdp_rtp", "registrar", "qualify"], endpoints=PHONE.format(most=2, options="qualify_frequency = 1"))
    phone = daemon.peer()
    contact = f"sip:phone@127.0.0.1:{phone.port}"
    register(phone, f"<{contact}>")
    phone.respond(phone.expect("OPTIONS"), 200)
    load(daemon, ["sdp_rtp"])
    phone.drain(0.1)
    phone.expect_nothing(1.5)
    register(phone, status=405)
    load(daemon, ["sdp_rtp", "registrar", "qualify"])
    assert register(phone) == [contact]
    phone.respond(phone.expect("OPTIONS"), 200)


def test_another_file(start, api_module, tmp_path):
    """A module that went and comes again is what it was: another file of it needs a restart, and says so."""
    path = tmp_path / "copy.so"
    shutil.copy(api_module("api_base"), path)
    daemon = start(["sdp_rtp", str(path)])
    load(daemon, ["sdp_rtp"])
    assert "warning" not in load(daemon, ["sdp_rtp", str(path)])
    load(daemon, ["sdp_rtp"])
    shutil.copy(api_module("api_base"), tmp_path / "new.so")
    os.replace(tmp_path / "new.so", path)
    assert "warning: module api_base: its file has changed, which needs a restart" in load(daemon, ["sdp_rtp", str(path)])


def test_again_and_again_under_calls(start):
    """Modules go and come while calls begin and end: none fails, nothing is left."""
    daemon = start(["sdp_rtp", *OTHERS, "session_timer", "registrar", "qualify"], options=[])
    descriptors = open_descriptors(daemon)
    stop = []

    def calls():
        count = 0
        while not stop:
            peer = Peer(daemon.udp)
            call = call_from(peer, "alice")
            call.establish()
            call.hang_up()
            peer.close()
            count += 1
        return count

    def come_and_go():
        load(daemon, ["sdp_rtp"])
        load(daemon, ["sdp_rtp", *OTHERS, "session_timer", "registrar", "qualify"])

    placed = in_background(calls)
    try:
        for _ in range(15):
            come_and_go()
    finally:
        stop.append(True)
        try:
            count = placed()
        except PeerError:
            print(daemon.log()[-3000:])
            raise
    assert count > 5
    daemon.check_at_rest(60)  # those of hundreds of calls a second are closed 128 a second
    assert open_descriptors(daemon) == descriptors
    if os.environ.get("SIPSESSION_VARIANT") not in ("asan", "tsan"):
        come_and_go()
        before = daemon.resident()
        for _ in range(15):  # with no calls, whose transactions hold memory for 32 s
            come_and_go()
        assert daemon.resident() <= before * 1.03
