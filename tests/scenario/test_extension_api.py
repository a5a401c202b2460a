# SPDX-License-Identifier: GPL-2.0-or-later
"""The page's extensions: method filters, refusals, failures without an answer, coming and going (tests/api)."""

import time
from collections import Counter

import pytest
from support.peer import Call
from support.wire import audio_sdp


@pytest.fixture
def record(tmp_path):
    """The lines that the modules of a test write."""
    path = tmp_path / "record"

    class Record:
        env = {"SIPSESSION_API_LOG": str(path)}

        def lines(self):
            return path.read_text().splitlines() if path.exists() else []

        def of(self, call):
            """The lines of one call, without its Call-ID."""
            return [line.rsplit(" ", 1)[0] for line in self.lines() if line.endswith(" " + call.call_id)]

        def wait(self, line, timeout=10):
            end = time.monotonic() + timeout
            while not any(have.startswith(line) for have in self.lines()):
                assert time.monotonic() < end, f"{line!r} is not in\n" + "\n".join(self.lines())
                time.sleep(0.02)

    return Record()


@pytest.fixture
def with_modules(start_daemon, api_module, record):
    def start(*names, **options):
        modules = ["sdp_rtp", *(api_module(name) for name in names)]
        return start_daemon(modules=modules, env=record.env, **options)

    return start


# ---- which callback sees what ----


def test_method_filters_of_an_incoming_call(with_modules, record):
    daemon = with_modules("api_filters")
    peer = daemon.peer()
    call = Call(peer, "echo")
    answer = call.establish()
    call.send("INFO")
    info = call.expect(405)  # all saw it, nobody took it
    bye = call.hang_up()
    peer.catch_up()
    seen = record.of(call)
    requests = [line for line in seen if "incoming_request" in line]
    assert Counter(requests) == Counter(
        [
            "all incoming_request INVITE 0",
            "invite incoming_request INVITE 0",
            "invite_second incoming_request INVITE 0",
            "all incoming_request ACK 0",
            "ack incoming_request ACK 0",
            "all incoming_request INFO 0",
            "info incoming_request INFO 0",
            "all incoming_request BYE 0",
            "bye incoming_request BYE 0",
        ]
    )
    invites = [line.split()[0] for line in requests if " INVITE " in line]
    assert invites == ["all", "invite", "invite_second"], "in the order of their registration"
    assert answer.all("x-hook") == ["all", "invite", "invite_second"], "each exactly once, in order"
    assert info.all("x-hook") == ["all", "info"]
    assert bye.all("x-hook") == ["all", "bye"]
    for never in ("part", "prefix", "lower", "prack", "own", "update", "refer"):
        assert not [line for line in seen if line.startswith(never + " ")], f"{never} is another method"
    assert not [line for line in seen if "incoming_response" in line or "outgoing_request" in line]
    life = [line.split()[1] for line in seen if line.startswith("life")]
    assert life == ["session_begin", "session_confirmed", "session_end"]
    assert "twice -1" in record.lines(), "registered once is enough"


def test_provisional_and_refusal_have_the_hooks_too(with_modules, record):
    daemon = with_modules("api_filters")
    peer = daemon.peer()
    call = Call(peer, "ring").send_invite()
    ringing = call.expect(180)
    assert ringing.all("x-hook") == ["all", "invite", "invite_second"]
    peer.send(call.invite)
    assert call.expect(180, again=True).encode() == ringing.encode(), "a retransmission is not hooked again"
    call.cancel()
    got = {m.method: m for m in (call.expect(200, 487), call.expect(200, 487))}
    assert got["INVITE"].all("x-hook") == ["all", "invite", "invite_second"]
    refused = Call(peer, "nosuch").refuse_check(404)
    assert refused.all("x-hook") == ["all", "invite", "invite_second"]


def test_session_end_is_told_once_however_it_ends(with_modules, record):
    daemon = with_modules("api_filters")
    peer = daemon.peer()
    ended = []
    for user, status in (("nosuch", 404), ("busy", 486)):
        call = Call(peer, user)
        call.refuse_check(status)
        ended.append((call, str(status)))
    call = Call(peer, "ring").send_invite()
    call.expect(180)
    call.cancel()
    call.expect(200, 487), call.expect(200, 487)
    ended.append((call, "487"))
    call = Call(peer, "brief")
    call.establish()
    peer.respond(call.expect("BYE"), 200)
    ended.append((call, "200"))
    peer.catch_up()
    for call, status in ended:
        lines = [line for line in record.of(call) if line.startswith("life session_end")]
        assert lines == [f"life session_end - {status}"], (call.user, record.of(call))
        assert record.of(call)[0] == "life session_begin - 0" or "life session_begin - 0" in record.of(call)


def test_dialplan_hang_up_is_an_outgoing_request(with_modules, record):
    daemon = with_modules("api_filters")
    peer = daemon.peer()
    call = Call(peer, "brief")
    call.establish()
    bye = call.expect("BYE")
    assert bye.all("x-hook") == ["all", "bye"]
    again = call.expect("BYE", again=True)
    assert again.encode() == bye.encode(), "retransmissions carry what the hook added, once"
    peer.respond(bye, 200)
    peer.catch_up()
    seen = record.of(call)
    assert [line for line in seen if "outgoing_request" in line] == ["all outgoing_request BYE 0", "bye outgoing_request BYE 0"]
    assert [line for line in seen if "incoming_response" in line] == ["all incoming_response BYE 200", "bye incoming_response BYE 200"]


def test_unknown_method_reaches_its_extension(with_modules, record):
    daemon = with_modules("api_filters")
    peer = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    call.send("FROBNICATE")
    call.expect(200, 405, 501)
    assert "own incoming_request FROBNICATE 0" in record.of(call)
    call.hang_up()


# ---- refusing and failing ----


def test_refusal(with_modules, record):
    daemon = with_modules("api_refuse")
    peer = daemon.peer()
    call = Call(peer, "echo", headers=[("X-Refuse", "603")])
    refusal = call.refuse_check(603)
    assert refusal.to_tag
    peer.expect_nothing(0.7)
    assert record.of(call) in ([], ["behind ACK"]), "no later extension sees what was refused"


@pytest.mark.parametrize("how", ["silent", "positive", "provisional"])
def test_failure_without_an_answer(with_modules, record, how):
    """The page: whoever fails must answer. Who does not is found out: 500, and its name in the log."""
    daemon = with_modules("api_refuse")
    peer = daemon.peer()
    call = Call(peer, "echo", headers=[("X-Fail", how)])
    call.refuse_check(500)
    daemon.wait_log(r"the-refuser")
    assert "behind INVITE" not in record.of(call)
    peer.expect_nothing(0.5)
    fine = Call(peer, "echo")
    fine.establish()
    fine.hang_up()
    assert "behind INVITE" in record.of(fine)


def test_failure_in_a_call(with_modules, record):
    """An INFO refused or failed leaves the call as it is; so does a re-INVITE."""
    daemon = with_modules("api_refuse")
    peer = daemon.peer()
    call = Call(peer, "echo", sdp=audio_sdp(41000, version=1))
    call.establish()
    call.send("INFO", headers=[("X-Refuse", "488")])
    call.expect(488)
    call.send("INFO", headers=[("X-Fail", "silent")])
    call.expect(500)
    daemon.wait_log(r"INFO")
    call.send("INVITE", headers=[("X-Refuse", "603")], body=audio_sdp(41000, version=2))
    call.expect(603)
    call.send("INVITE", headers=[("X-Fail", "silent")], body=audio_sdp(41000, version=3))
    call.expect(500)
    call.send("INVITE", body=audio_sdp(41000, version=4))
    call.ack(call.expect(200))
    call.send("OPTIONS")
    call.expect(200)
    call.hang_up()


def test_failure_on_ack(with_modules, record):
    """Nothing answers an ACK: the call goes on, the log names who failed."""
    daemon = with_modules("api_refuse")
    peer = daemon.peer()
    call = Call(peer, "echo").send_invite()
    answer = call.expect(200)
    ack = call.build("ACK", headers=[("X-Fail", "silent")], cseq=1)
    peer.send(ack)
    for _, message in peer.drain(0.8):
        assert message.status not in (500,) and message.method != "ACK", peer.ladder()
    assert answer.to_tag
    call.hang_up()


# ---- coming and going ----


def do(call, what, status=200):
    call.send("INFO", headers=[("X-Do", what)])
    return call.expect(status)


def test_register_and_unregister_with_calls_up(with_modules, record):
    daemon = with_modules("api_control")
    peer = daemon.peer()
    first, second = Call(peer, "echo"), Call(peer, "echo")
    first.establish()
    second.establish()
    assert not do(first, "nothing").has("x-worker")
    do(first, "register")
    assert do(first, "nothing").all("x-worker") == ["1"]
    assert do(second, "nothing").all("x-worker") == ["1"], "sessions that were up before see it too"
    assert not do(second, "unregister").has("x-worker"), "gone within a callback: not even for its own response"
    assert not do(first, "nothing").has("x-worker")
    count = len(record.lines())
    first.hang_up()
    assert not [line for line in record.lines()[count:] if line.startswith("worker")]
    second.hang_up()


def test_unregister_from_its_own_callback(with_modules, record):
    daemon = with_modules("api_control")
    peer = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    do(call, "register")
    do(call, "unregister-self-next")
    do(call, "nothing")
    assert "worker gone" in record.lines()
    count = len(record.lines())
    assert not do(call, "nothing").has("x-worker")
    call.hang_up()
    assert not [line for line in record.lines()[count:] if line.startswith("worker")]


def test_unregister_from_a_task_and_again(with_modules, record):
    daemon = with_modules("api_control")
    peer = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    for _ in range(20):
        do(call, "register")
        do(call, "unregister-later")
    do(call, "nothing")
    record.wait("worker gone")
    call.hang_up()


def test_unregister_while_an_answer_is_awaited(with_modules, record):
    """The worker is gone between our BYE and its 200."""
    daemon = with_modules("api_control")
    peer = daemon.peer()
    keeper, call = Call(peer, "echo"), Call(peer, "brief")
    keeper.establish()
    do(keeper, "register")
    call.establish()
    bye = call.expect("BYE")
    assert bye.all("x-worker") == ["1"]
    do(keeper, "unregister")
    peer.respond(bye, 200)
    keeper.hang_up()


def test_stop_with_extensions_and_calls(with_modules, record):
    """Modules are closed with calls up: their callbacks are still there for the last BYE, and never after."""
    daemon = with_modules("api_filters", "api_control")
    peer = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    do(call, "register")
    daemon.signal()
    bye = call.expect("BYE")
    assert bye.all("x-hook") == ["all", "bye"]
    peer.respond(bye, 200)
    assert daemon.wait(5) == 0
    assert "life session_end - 200" in record.of(call)


# ---- what a module starts by itself ----


def check_versions(before, after):
    """RFC 3264 8: o= stays but for its version, which goes up by one when anything else changed, and only then."""
    assert after.origin_id == before.origin_id
    changed = [line for line in before.lines if line[0] != "o"] != [line for line in after.lines if line[0] != "o"]
    assert after.version - before.version == int(changed)


def test_reinvite_of_a_module(with_modules, record):
    daemon = with_modules("api_control", "api_filters")
    peer = daemon.peer()
    call = Call(peer, "echo", sdp=audio_sdp(41000, version=1))
    first = call.establish()
    call.send("INFO", headers=[("X-Do", "reinvite")])
    got = [call.expect(200, "INVITE") for _ in range(2)]
    invite = next(m for m in got if not m.is_response)
    assert invite.all("x-hook") == ["all", "invite", "invite_second"]
    # We offer all that we have again, of which the answer had named one codec: the version says so (RFC 3264 8).
    assert invite.sdp.origin_id == first.sdp.origin_id
    assert invite.sdp.version == first.sdp.version + (invite.sdp.lines != first.sdp.lines)
    assert invite.sdp.audio.port == first.sdp.audio.port
    assert invite.contact_uri == first.contact_uri
    peer.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(41000, version=1))
    ack = call.expect("ACK")
    assert ack.cseq == invite.cseq
    record.wait("response 200 INVITE")
    # refused: the session stays (14.1)
    call.send("INFO", headers=[("X-Do", "reinvite")])
    got = [call.expect(200, "INVITE") for _ in range(2)]
    invite = next(m for m in got if not m.is_response)
    peer.respond(invite, 488)
    assert call.expect("ACK").cseq == invite.cseq
    # 481 ends it
    call.send("INFO", headers=[("X-Do", "reinvite")])
    got = [call.expect(200, "INVITE") for _ in range(2)]
    invite = next(m for m in got if not m.is_response)
    peer.respond(invite, 481)
    call.expect("ACK")
    bye = peer.receive(1)
    if bye is not None:
        assert bye.method == "BYE"
        peer.respond(bye, 481)


def outgoing(with_modules, record, expect_invite=True):
    """A call that a module places to a peer: (the peer that asked, its call, the peer that is called, the INVITE)."""
    daemon = with_modules("api_control", "api_filters")
    asker, callee = daemon.peer(), daemon.peer()
    call = Call(asker, "wait")
    call.establish()
    call.send("INFO", headers=[("X-Do", f"call sip:callee@127.0.0.1:{callee.port}")])
    call.expect(200)
    invite = callee.expect("INVITE")
    return asker, call, callee, invite


def test_outgoing_call(with_modules, record):
    asker, call, callee, invite = outgoing(with_modules, record)
    assert invite.uri == f"sip:callee@127.0.0.1:{callee.port}"
    assert invite.get("from").startswith('"Test \\"Module\\"" <sip:4711@'), invite.get("from")
    assert invite.to_tag is None and invite.from_tag
    assert invite.sdp.audio.port > 0
    assert invite.all("x-hook") == ["all", "invite", "invite_second"]
    assert {"INVITE", "ACK", "BYE", "CANCEL"} <= set(invite.tokens("allow"))
    again = callee.expect("INVITE", again=True)
    assert again.encode() == invite.encode()
    callee.respond(invite, 180)
    callee.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(callee.port))
    ack = callee.expect("ACK", skip=("INVITE",))
    assert ack.uri == f"sip:peer@127.0.0.1:{callee.port}"
    assert ack.all("x-hook") == ["all", "ack"]
    bye = callee.request(
        "BYE", uri=invite.contact_uri, call_id=invite.call_id, cseq=1,
        from_value=ack.get("to"), to_value=ack.get("from"),
    )  # fmt: skip
    callee.send(bye)
    callee.expect(200)
    call.hang_up()
    lines = [line.rsplit(" ", 1)[0] for line in record.lines() if line.endswith(" " + invite.call_id)]
    assert "invite incoming_response INVITE 180" in lines
    assert "invite incoming_response INVITE 200" in lines
    assert "life session_end - 200" in lines


def test_outgoing_call_is_refused(with_modules, record):
    asker, call, callee, invite = outgoing(with_modules, record)
    callee.respond(invite, 486)
    ack = callee.expect("ACK")
    assert ack.branch == invite.branch
    callee.catch_up()
    call.hang_up()
    assert any(line == f"life session_end - 486 {invite.call_id}" for line in record.lines()), "\n".join(record.lines())


def test_outgoing_call_with_a_bad_answer(with_modules, record):
    """An answer that nothing can be done with: ACK, then BYE (RFC 3261 13.2.2.4)."""
    asker, call, callee, invite = outgoing(with_modules, record)
    callee.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(callee.port, [18]))
    callee.expect("ACK")
    bye = callee.expect("BYE")
    callee.respond(bye, 200)
    call.hang_up()


def test_second_answer_of_a_fork(with_modules, record):
    """Another 2xx with another tag: ACK and BYE for it, the first stays (RFC 3261 13.2.2.4)."""
    asker, call, callee, invite = outgoing(with_modules, record)
    for tag in ("one", "two"):
        callee.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(callee.port), tag=tag)
    acks = {callee.expect("ACK", skip=("BYE",)).to_tag}
    got = [callee.receive(2) for _ in range(2)]
    acks |= {m.to_tag for m in got if m is not None and m.method == "ACK"}
    byes = [m for m in [*got, *(m for _, m in callee.drain(0.3))] if m is not None and m.method == "BYE"]
    assert acks == {"one", "two"}, callee.ladder()
    assert byes and {m.to_tag for m in byes} == {"two"}, callee.ladder()
    callee.respond(byes[0], 200)
    bye = callee.request("BYE", uri=invite.contact_uri, call_id=invite.call_id, from_value=f"{invite.get('to')};tag=one", to_value=invite.get("from"))
    callee.send(bye)
    callee.expect(200, skip=("BYE", "ACK"))
    call.hang_up()


def test_terminate(with_modules, record):
    daemon = with_modules("api_control", "api_filters")
    peer = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    call.send("INFO", headers=[("X-Do", "terminate")])
    got = [call.expect(200, "BYE") for _ in range(2)]
    bye = next(m for m in got if not m.is_response)
    peer.respond(bye, 200)
    peer.expect_nothing(0.6)
    assert [line for line in record.of(call) if "session_end" in line] == ["life session_end - 200"]


def each_task_ran_once(call, record):
    end = time.monotonic() + 30
    while True:
        time.sleep(0.5)
        do(call, "count")
        pushed, ran = (int(field) for field in record.lines()[-1].split()[1:])
        if pushed == ran or time.monotonic() > end:
            break
    time.sleep(0.5)
    do(call, "count")
    assert record.lines()[-1] == f"tasks {pushed} {pushed}"
    assert pushed > 1000


def test_flood_of_tasks_does_not_starve_the_network(with_modules, record):
    daemon = with_modules("api_flood")
    peer = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    do(call, "flood")
    slowest, end = 0.0, time.monotonic() + 1.8
    while time.monotonic() < end:
        start = time.monotonic()
        peer.send(peer.request("OPTIONS"))
        peer.expect(200)
        slowest = max(slowest, time.monotonic() - start)
    assert slowest < 0.5, slowest
    each_task_ran_once(call, record)
    call.hang_up()


def test_network_does_not_starve_tasks(with_modules, record):
    """The reverse: messages as fast as they can be sent, and tasks still run."""
    daemon = with_modules("api_flood")
    peer, flooder = daemon.peer(), daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    request = flooder.request("OPTIONS").encode()
    do(call, "flood")
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        for _ in range(50):
            flooder.socket.sendto(request, flooder.remote)
        time.sleep(0.001)
    for _ in range(60):  # what comes while the socket's buffer is full is lost
        peer.send(peer.request("OPTIONS"))
        if peer.receive(0.5):
            break
    each_task_ran_once(call, record)
    call.hang_up()
