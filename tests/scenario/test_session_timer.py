# SPDX-License-Identifier: GPL-2.0-or-later
"""Session timers (RFC 4028), called and calling: what is agreed, and what time does.

Time is tested with a build of the module whose seconds have 40 ms (tests/api/CMakeLists.txt), so that
90 of them are 3.6 s: a refresh after 1.8 s, the end after 2.4 s.
"""

import time

import pytest
from support import clients
from support.peer import Call
from support.wire import audio_sdp

FAST = 0.040  # of the module's seconds
REFRESH = 45 * FAST
EXPIRY = 60 * FAST

ENDPOINTS = "".join(
    f"[{name}]\ntype = endpoint\ncontext = default\nallow = ulaw\n{options}\n"
    for name, options in {
        "no": "timers = no",
        "yes": "",
        "required": "timers = required",
        "always": "timers = always\ntimers_sess_expires = 600",
        "strict": "timers_min_se = 300\ntimers_sess_expires = 900",
        "short": "timers_sess_expires = 90",
        "stubborn": "timers = always\ntimers_sess_expires = 90",
    }.items()
)

TIMER = ("Supported", "timer")
UPDATE = ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")
NO_UPDATE = ("Allow", "INVITE, ACK, BYE, CANCEL")
SDP = ("Content-Type", "application/sdp")


@pytest.fixture(scope="module")
def daemon_options(api_module):
    return {"endpoints": ENDPOINTS, "modules": ["sdp_rtp", "reason", "session_timer", api_module("api_control")]}


@pytest.fixture
def fast(start_daemon, api_module):
    """A daemon whose session timers are 25 times as fast."""
    modules = ["sdp_rtp", "reason", api_module("session_timer_fast"), api_module("api_control")]
    return start_daemon(endpoints=ENDPOINTS, modules=modules)


def expires(value, refresher=None):
    return ("Session-Expires", f"{value};refresher={refresher}" if refresher else str(value))


def timer_of(message):
    """(Session-Expires, refresher, whether timer is required); None: no timer."""
    values = message.all("session-expires")
    assert len(values) <= 1, "once"
    assert message.tokens("supported").count("timer") <= 1 and message.tokens("require").count("timer") <= 1
    if not values:
        assert "timer" not in message.tokens("require")
        return None
    seconds, _, parameter = values[0].partition(";")
    return int(seconds), parameter.partition("=")[2] or None, "timer" in message.tokens("require")


def call_as(peer, endpoint, *headers):
    return Call(peer, "echo", headers=headers, from_value=f"<sip:{endpoint}@{peer.host}>")


class Placed:
    """A call of the daemon's to a peer, as the peer has it."""

    def __init__(self, daemon, endpoint):
        asker = call_as(daemon.peer(), endpoint, TIMER)
        asker.establish()
        self.peer = daemon.peer()
        asker.send("INFO", headers=[("X-Do", f"call sip:callee@127.0.0.1:{self.peer.port}")])
        asker.expect(200)
        self.invite = self.peer.expect("INVITE")
        asker.hang_up()
        self.cseq = 0

    def answer(self, *headers):
        self.peer.respond(self.invite, 200, headers=[SDP, *headers], body=audio_sdp(self.peer.port))
        self.ack = self.peer.expect("ACK", skip=("INVITE",))

    def send(self, method, *headers, body=b""):
        self.cseq += 1
        request = self.peer.request(
            method, uri=self.invite.contact_uri, call_id=self.invite.call_id, cseq=self.cseq,
            from_value=self.ack.get("to"), to_value=self.ack.get("from"), headers=headers, body=body,
        )  # fmt: skip
        self.peer.send(request)
        return request

    def end(self):
        self.send("BYE")
        self.peer.expect(200)


# ---- called: RFC 4028 9 ----


@pytest.mark.parametrize("supported, asked, wanted", [
    (False, None, (1200, "uas", False)),
    (True, None, (1200, "uac", True)),
    (True, "uac", (1200, "uac", True)),
    (True, "uas", (1200, "uas", True)),
])  # fmt: skip
def test_table_2(peer, supported, asked, wanted):
    call = call_as(peer, "yes", expires(1200, asked), *([TIMER] if supported else []))
    answer = call.establish()
    assert timer_of(answer) == wanted
    assert "timer" in answer.tokens("supported")
    call.hang_up()


@pytest.mark.parametrize("endpoint, headers, wanted", [
    ("yes", [TIMER, expires(7200)], (1800, "uac", True)),  # made shorter
    ("yes", [TIMER, expires(7200), ("Min-SE", "3600")], (3600, "uac", True)),
    ("yes", [TIMER, ("x", "200;refresher=uas")], (200, "uas", True)),  # the compact form
    ("yes", [("Require", "timer"), expires(200)], (200, "uac", True)),
    ("yes", [TIMER], None),
    ("yes", [], None),
    ("yes", [TIMER, ("Session-Expires", "soon")], None),
    ("yes", [expires(60)], None),  # of a proxy, and not allowed
    ("strict", [expires(200)], (200, "uas", False)),  # who knows no timers would not understand 422
    ("always", [], (600, "uas", False)),
    ("always", [TIMER], (600, "uas", True)),
    ("always", [TIMER, ("Min-SE", "700")], (700, "uas", True)),
    ("required", [TIMER], (1800, "uas", True)),
    ("no", [TIMER, expires(200)], None),
])  # fmt: skip
def test_what_is_agreed(peer, endpoint, headers, wanted):
    call = call_as(peer, endpoint, *headers)
    answer = call.establish()
    assert timer_of(answer) == wanted
    assert ("timer" in answer.tokens("supported")) == (endpoint != "no")
    call.send("OPTIONS")
    assert ("timer" in call.expect(200).tokens("supported")) == (endpoint != "no")
    call.hang_up()


def test_required_of_who_does_not_want(peer):
    """RFC 3261 8.2.2.3."""
    refusal = call_as(peer, "no", ("Require", "timer"), expires(1800)).refuse_check(420)
    assert refusal.tokens("unsupported") == ["timer"]


def test_required_within_a_call(peer):
    """What is refused leaves the call as it was."""
    call = call_as(peer, "no")
    call.establish()
    for method, body in (("UPDATE", b""), ("INVITE", call.offer)):
        call.send(method, [("Require", "timer"), expires(1800)], body)
        assert call.expect(420).tokens("unsupported") == ["timer"]
    call.hang_up()


def test_of_who_must_want(peer):
    """RFC 3261 21.4.16."""
    refusal = call_as(peer, "required", expires(1800)).refuse_check(421)
    assert refusal.tokens("require") == ["timer"]


@pytest.mark.parametrize("endpoint, asked, least", [("yes", 89, 90), ("yes", 1, 90), ("strict", 299, 300)])
def test_too_small(peer, endpoint, asked, least):
    """422 with Min-SE (RFC 4028 6), and then again as 7.4 says."""
    call = call_as(peer, endpoint, TIMER)
    call.send_invite(headers=[expires(asked)])
    refusal = call.expect(422)
    assert refusal.all("min-se") == [str(least)]
    assert not refusal.has("session-expires")
    call.remote = f"<{peer.uri('echo')}>"
    call.send("INVITE", [TIMER, expires(least), ("Min-SE", str(least))], call.offer)
    answer = call.expect(200)
    call.ack(answer)
    assert timer_of(answer) == (least, "uac", True)
    call.hang_up()


def test_refreshes_of_the_peer(peer):
    """The roles stay; a request that says nothing of timers leaves them alone, when its sender knows them."""
    call = call_as(peer, "yes", TIMER, expires(400, "uac"))
    call.establish()
    call.send("UPDATE", [TIMER, expires(400, "uac")])
    assert timer_of(call.expect(200)) == (400, "uac", True)
    call.send("UPDATE", [TIMER, expires(400)])
    assert timer_of(call.expect(200)) == (400, "uac", True)
    call.send("UPDATE", [TIMER])
    assert timer_of(call.expect(200)) == (400, "uac", True)
    call.send("UPDATE", [TIMER, expires(500, "uas")])  # it does not want to any more
    assert timer_of(call.expect(200)) == (500, "uas", True)
    call.send("INVITE", [TIMER, expires(500)], call.offer)
    answer = call.expect(200)
    call.ack(answer)
    assert timer_of(answer) == (500, "uas", True)
    call.send("UPDATE", [TIMER, expires(80)])
    assert call.expect(422).get("min-se") == "90"
    call.send("INVITE", [TIMER, expires(80)], call.offer)
    assert call.expect(422).get("min-se") == "90"
    call.send("UPDATE", [TIMER])  # what was refused changed nothing
    assert timer_of(call.expect(200)) == (500, "uas", True)
    call.send("UPDATE", [])
    assert timer_of(call.expect(200)) is None
    call.hang_up()


def test_update_before_the_answer(peer):
    """Time begins with the 2xx to the INVITE: what an early UPDATE says of it is not answered."""
    call = call_as(peer, "yes", TIMER)
    call.user, call.target = "ringanswer", peer.uri("ringanswer")
    call.remote = f"<{call.target}>"
    call.send_invite(headers=[expires(200, "uas")])
    call.expect(180)
    call.send("UPDATE", [TIMER, expires(60, "uac")])
    early = call.expect(200)
    assert early.method == "UPDATE" and timer_of(early) is None
    answer = call.expect(200)
    call.ack(answer)
    assert timer_of(answer) == (200, "uas", True)
    call.hang_up()


# ---- calling: RFC 4028 7 ----


@pytest.mark.parametrize("endpoint, wanted, min_se", [
    ("no", None, None),
    ("yes", (1800, None, False), None),
    ("strict", (900, None, False), "300"),
    ("always", (600, None, False), None),
])  # fmt: skip
def test_what_we_ask_for(daemon, endpoint, wanted, min_se):
    placed = Placed(daemon, endpoint)
    assert timer_of(placed.invite) == wanted
    assert placed.invite.get("min-se") == min_se
    assert ("timer" in placed.invite.tokens("supported")) == (endpoint != "no")
    placed.answer(*([("Require", "timer"), expires(wanted[0], "uas")] if wanted else []))
    assert "timer" not in placed.ack.tokens("supported"), "in every request but ACK (7.1)"
    placed.end()


def test_we_require_it(daemon):
    placed = Placed(daemon, "required")
    assert timer_of(placed.invite) == (1800, None, True)
    placed.peer.respond(placed.invite, 420, headers=[("Unsupported", "timer")])
    placed.peer.expect("ACK")


def test_422_to_our_invite(daemon):
    """7.3: once more, for as long as the peer wants it; and 7.4: Min-SE is the largest that was heard."""
    placed = Placed(daemon, "yes")
    first = placed.invite
    placed.peer.respond(first, 422, headers=[("Min-SE", "3600")])
    placed.peer.expect("ACK")
    second = placed.invite = placed.peer.expect("INVITE")
    assert (second.call_id, second.from_tag, second.cseq) == (first.call_id, first.from_tag, first.cseq + 1)
    assert timer_of(second) == (3600, None, False)
    assert second.all("min-se") == ["3600"]
    assert second.sdp.lines == first.sdp.lines
    placed.peer.respond(second, 422, headers=[("Min-SE", "4000")])
    placed.peer.expect("ACK")
    third = placed.invite = placed.peer.expect("INVITE")
    assert timer_of(third) == (4000, None, False)
    assert third.all("min-se") == ["4000"]
    placed.answer(("Require", "timer"), expires(4000, "uac"))
    placed.end()


@pytest.mark.parametrize("min_se", [[], [("Min-SE", "90")], [("Min-SE", "much")]])
def test_422_that_helps_nobody(daemon, min_se):
    placed = Placed(daemon, "yes")
    placed.peer.respond(placed.invite, 422, headers=min_se)
    placed.peer.expect("ACK")
    placed.peer.expect_nothing(0.3)


# ---- time ----


# `began` is read before what begins the interval is sent, so that nothing here depends on how fast anybody is: the daemon
# may be late, but never early, and a BYE that comes instead of a refresh is none.


def expect_refresh(peer, began, *wanted):
    """Our refresh, half of the interval after what began it, and before its end."""
    request = peer.expect(*wanted, timeout=10)
    assert request.when - began > REFRESH - 0.05, peer.ladder()
    return request


def expect_end(peer, began, skip=()):
    bye = peer.expect("BYE", timeout=10, skip=skip)
    assert bye.when - began > EXPIRY - 0.05, peer.ladder()
    assert bye.all("reason") == ['SIP;cause=408;text="Session timer expired"']
    assert "timer" in bye.tokens("supported"), "in every request (7.1)"
    peer.respond(bye, 200)


def test_we_refresh_by_update(fast):
    """7.4: UPDATE without an offer where the peer takes it; half of the interval later the next."""
    peer = fast.peer()
    call = call_as(peer, "yes", TIMER, UPDATE, expires(90, "uas"))
    began = time.monotonic()
    call.establish()
    for _ in range(2):
        update = expect_refresh(peer, began, "UPDATE")
        assert timer_of(update) == (90, "uac", False)
        assert not update.body
        began = time.monotonic()
        peer.respond(update, 200, headers=[("Require", "timer"), expires(90, "uac")])
    call.hang_up()


def test_we_refresh_by_reinvite(fast):
    """7.4: else re-INVITE, with the offer that did not change; our role goes over to a peer that takes it."""
    peer = fast.peer()
    call = call_as(peer, "yes", TIMER, NO_UPDATE, expires(90, "uas"))
    began = time.monotonic()
    agreed = call.establish().sdp
    reinvite = expect_refresh(peer, began, "INVITE")
    assert timer_of(reinvite) == (90, "uac", False)
    assert reinvite.sdp.origin == agreed.origin
    began = time.monotonic()
    peer.respond(reinvite, 200, headers=[SDP, TIMER, ("Require", "timer"), expires(90, "uas")], body=call.offer)
    peer.expect("ACK")
    expect_end(peer, began)  # it took over, and did nothing


def test_the_peer_is_silent(fast):
    """10: no refresh came. BYE a third of the interval before its end."""
    peer = fast.peer()
    began = time.monotonic()
    call_as(peer, "yes", TIMER, expires(90, "uac")).establish()
    expect_end(peer, began)
    fast.check_no_calls()


def test_the_peer_refreshes(fast):
    peer = fast.peer()
    call = call_as(peer, "yes", TIMER, expires(90, "uac"))
    call.establish()
    for _ in range(5):  # longer in all than it would live without
        peer.expect_nothing(EXPIRY / 4)
        began = time.monotonic()
        call.send("UPDATE", [TIMER, expires(90, "uac")])
        call.expect(200)
    expect_end(peer, began)


def test_our_refresh_is_not_answered(fast):
    """10: it is the refresher, too, that ends the session."""
    peer = fast.peer()
    began = time.monotonic()
    call_as(peer, "yes", TIMER, UPDATE, expires(90, "uas")).establish()
    expect_refresh(peer, began, "UPDATE")
    expect_end(peer, began, skip=("UPDATE",))
    fast.check_no_calls()


def test_our_refresh_is_refused(fast):
    """A refusal leaves the session as it was; another try may do better."""
    peer = fast.peer()
    call = call_as(peer, "yes", TIMER, UPDATE, expires(90, "uas"))
    began = time.monotonic()
    call.establish()
    update = expect_refresh(peer, began, "UPDATE")
    peer.respond(update, 403)
    update = peer.expect("UPDATE")
    began = time.monotonic()
    peer.respond(update, 200, headers=[("Require", "timer"), expires(90, "uac")])
    update = expect_refresh(peer, began, "UPDATE")
    peer.respond(update, 501)  # then it is no UPDATE
    reinvite = peer.expect("INVITE")
    peer.respond(reinvite, 200, headers=[SDP, ("Require", "timer"), expires(90, "uac")], body=call.offer)
    peer.expect("ACK")
    call.hang_up()


def test_422_to_our_refresh(fast):
    """7.3 and 7.4 in a session."""
    peer = fast.peer()
    call = call_as(peer, "yes", TIMER, UPDATE, expires(90, "uas"))
    began = time.monotonic()
    call.establish()
    update = expect_refresh(peer, began, "UPDATE")
    peer.respond(update, 422, headers=[("Min-SE", "120")])
    update = peer.expect("UPDATE")
    assert timer_of(update) == (120, "uac", False)
    assert update.all("min-se") == ["120"]
    began = time.monotonic()
    peer.respond(update, 200, headers=[("Require", "timer"), expires(120, "uac")])
    update = peer.expect("UPDATE", timeout=10)
    assert 60 * FAST - 0.05 < update.when - began
    assert (timer_of(update), update.get("min-se")) == ((120, "uac", False), "120")
    peer.respond(update, 200)  # without a word: the timer is off (7.2)
    peer.expect_nothing(65 * FAST)
    call.hang_up()


def test_a_peer_without_timers(fast):
    """timers = always: for our own benefit (7.2), by what every peer understands."""
    peer = fast.peer()
    began = time.monotonic()
    call = call_as(peer, "stubborn")
    assert timer_of(call.establish()) == (90, "uas", False)
    for _ in range(2):
        reinvite = expect_refresh(peer, began, "INVITE")
        began = time.monotonic()
        peer.respond(reinvite, 200, headers=[SDP], body=call.offer)
        peer.expect("ACK")
    reinvite = expect_refresh(peer, began, "INVITE")
    peer.respond(reinvite, 481)  # the other way to hear that it is over
    peer.expect("ACK")
    bye = peer.receive(1)
    assert bye is None or bye.method == "BYE"
    if bye:
        peer.respond(bye, 481)


def test_we_refresh_a_call_of_ours(fast):
    placed = Placed(fast, "short")
    assert timer_of(placed.invite) == (90, None, False)
    began = time.monotonic()
    placed.answer(UPDATE, TIMER, ("Require", "timer"), expires(90, "uac"))
    update = expect_refresh(placed.peer, began, "UPDATE")
    assert timer_of(update) == (90, "uac", False)
    assert "timer" in update.tokens("supported")
    placed.peer.respond(update, 200, headers=[("Require", "timer"), expires(90, "uac")])
    placed.end()


def test_the_callee_refreshes_or_not(fast):
    placed = Placed(fast, "short")
    placed.answer(UPDATE, TIMER, ("Require", "timer"), expires(90, "uas"))
    for _ in range(5):
        placed.peer.expect_nothing(EXPIRY / 4)
        began = time.monotonic()
        placed.send("UPDATE", TIMER, expires(90, "uac"))
        assert timer_of(placed.peer.expect(200)) == (90, "uac", True)
    expect_end(placed.peer, began)


def test_a_callee_without_timers(fast):
    for endpoint in ("short", "stubborn"):
        placed = Placed(fast, endpoint)
        began = time.monotonic()
        placed.answer(NO_UPDATE)
        if endpoint == "short":  # its side does not want it: no timer
            placed.peer.expect_nothing(EXPIRY + 0.5)
        else:
            reinvite = expect_refresh(placed.peer, began, "INVITE")
            assert timer_of(reinvite) == (90, "uac", False)
            placed.peer.respond(reinvite, 200, headers=[SDP], body=audio_sdp(placed.peer.port))
            placed.peer.expect("ACK")
        placed.end()


def test_the_module_goes_first(fast):
    """The end of the server, with a refresh under way and a timer running."""
    peer = fast.peer()
    began = time.monotonic()
    call_as(peer, "yes", TIMER, UPDATE, expires(90, "uas")).establish()
    expect_refresh(peer, began, "UPDATE")
    fast.signal()
    bye = peer.expect("BYE", skip=("UPDATE",))
    peer.respond(bye, 200)
    fast.wait()


# ---- with PJSIP's own session timers at the other end ----


def test_pjsua_requires_timers(daemon, tmp_path):
    client = clients.pjsua(
        tmp_path, f"sip:echo@{daemon.address}:{daemon.port}", options=["--id=sip:yes@127.0.0.1", "--no-tcp", "--use-timer=2", "--timer-se=120"]
    )  # fmt: skip
    try:
        client.wait_for("state changed to CONFIRMED")
        client.console("q")
        client.wait(15)
    finally:
        client.kill()
    assert "Session-Expires: 120;refresher=uac" in client.text()
    assert "DISCONNECTED [reason=200" in client.text()


def test_pjsua_takes_our_refreshes(fast, tmp_path):
    port = clients.local_port()
    client = clients.pjsua(tmp_path, options=[f"--local-port={port}", "--no-tcp", "--use-timer=1", "--auto-answer=200"])
    try:
        client.wait_for("Ready: Success")
        asker = call_as(fast.peer(), "short", TIMER)
        asker.establish()
        asker.send("INFO", headers=[("X-Do", f"call sip:pjsua@127.0.0.1:{port}")])
        asker.expect(200)
        asker.hang_up()
        client.wait_for("state changed to CONFIRMED")
        seen = 0
        for _ in range(3):  # each is answered: the next one comes
            client.wait_for("Request msg UPDATE", after=seen)
            seen = client.text().rindex("Request msg UPDATE") + 1
        client.console("h")
        client.wait_for("is DISCONNECTED")
        client.console("q")
        client.wait(15)
    finally:
        client.kill()
    assert "DISCONNECTED [reason=200" in client.text()
    fast.check_no_calls()
