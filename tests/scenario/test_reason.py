# SPDX-License-Identifier: GPL-2.0-or-later
"""modules/reason: Reason headers (RFC 3326, RFC 6432) to causes, and causes to Reason headers."""

import time

import pytest
from support.peer import Call

EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = ring,1,Ringing()
 same = n,Wait(60)

exten = busy,1,Busy()
exten = silent,1,Hangup()
exten = elsewhere,1,Hangup(26)

exten = brief,1,Answer()
 same = n,Wait(0.1)
 same = n,Hangup(41)

exten = h,1,Verbose(1,CAUSE ${HANGUPCAUSE} OF ${UNIQUEID})
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS}


def cause_of(daemon, act):
    """The cause that the dialplan sees after something ended the call."""
    before = len(daemon.log())
    act()
    return int(daemon.wait_log(r"CAUSE (\d+) OF", after=before).group(1))


@pytest.mark.parametrize(
    "headers, cause",
    [
        ([], 16),
        (["Q.850;cause=21"], 21),
        (['Q.850 ; text="busy, very" ; cause = 17'], 17),
        (["SIP;cause=486"], 17),
        (["SIP;cause=200"], 16),
        (['SIP;cause=503;text="a, Q.850;cause=1", Q.850;cause=41'], 41),
        (["SIP;cause=486", "Q.850;cause=34"], 34),
        (["X.Int;reasoncode=0x1", "Q.850;cause=38, Q.850;cause=1"], 38),
        (["Q.850;cause=0"], 16),
        (["Q.850;cause=999999999999"], 16),
        (['Q.850;text="no end;cause=17'], 16),
        ([""], 16),
    ],
)
def test_reason_of_a_bye(daemon, peer, headers, cause):
    call = Call(peer, "echo")
    call.establish()

    def bye():
        call.send("BYE", headers=[("Reason", value) for value in headers])
        call.expect(200)

    assert cause_of(daemon, bye) == cause


@pytest.mark.parametrize(
    "value, cause",
    [('SIP;cause=200;text="Call completed elsewhere"', 26), ("Q.850;cause=102", 102), ("SIP;cause=408", 102), (None, 16)],
)
def test_reason_of_a_cancel(daemon, peer, value, cause):
    call = Call(peer, "ring")
    call.send_invite()
    call.expect(180)

    def cancel():
        call.cancel(headers=[("Reason", value)] if value else [])
        first, second = call.expect(200, 487), call.expect(200, 487)
        ended = first if first.status == 487 else second
        assert not ended.has("reason")  # who cancels knows why

    assert cause_of(daemon, cancel) == cause


@pytest.mark.parametrize("user, status, reason", [("busy", 486, "Q.850;cause=17"), ("silent", 603, "Q.850;cause=16"), ("elsewhere", 404, "Q.850;cause=26")])  # fmt: skip
def test_reason_of_a_refusal(peer, user, status, reason):
    refusal = Call(peer, user).refuse_check(status)
    assert refusal.all("reason") == [reason]


def test_reason_of_our_bye(peer):
    call = Call(peer, "brief")
    call.establish()
    bye = call.expect("BYE")
    assert bye.all("reason") == ["Q.850;cause=41"]
    assert call.expect("BYE", again=True).all("reason") == ["Q.850;cause=41"]
    peer.respond(bye, 200)


def test_nothing_is_refused_with_a_reason_of_nothing(peer):
    """A refusal that no hang-up made has no cause to tell."""
    assert not Call(peer, "echo", sdp=b"nonsense").refuse_check(400, 488).has("reason")
    assert not Call(peer, "nobody").refuse_check(404).has("reason")


def test_without_the_module(start_daemon):
    daemon = start_daemon(EXTENSIONS, modules=["sdp_rtp"])
    peer = daemon.peer()
    assert not Call(peer, "busy").refuse_check(486).has("reason")
    call = Call(peer, "echo")
    call.establish()

    def bye():
        call.send("BYE", headers=[("Reason", "Q.850;cause=21")])
        call.expect(200)

    assert cause_of(daemon, bye) == 16


# ---- calls that we make ----


class Placed:
    """A call that a module made for us to a callee."""

    def __init__(self, start_daemon, api_module, tmp_path):
        self.path = tmp_path / "record"
        self.daemon = start_daemon(
            EXTENSIONS, modules=["sdp_rtp", "reason", api_module("api_reason")], env={"SIPSESSION_API_LOG": str(self.path)}
        )
        self.callee = self.daemon.peer()
        self.control = Call(self.daemon.peer(), "ring")
        self.control.send_invite()
        self.control.expect(180)
        self.do(f"call sip:callee@127.0.0.1:{self.callee.port}")
        self.invite = self.callee.expect("INVITE")

    def do(self, what):
        self.control.send("INFO", headers=[("X-Do", what)])
        self.control.expect(200)

    def cause(self):
        end = time.monotonic() + 5
        while not self.path.exists():
            assert time.monotonic() < end, "the call did not end"
            time.sleep(0.02)
        return self.path.read_text()

    def end(self):
        self.control.cancel()
        self.control.expect(200, 487)
        self.control.expect(200, 487)


@pytest.fixture
def placed(start_daemon, api_module, tmp_path):
    return Placed(start_daemon, api_module, tmp_path)


@pytest.mark.parametrize(
    "status, value, cause", [(480, "Q.850;cause=18, SIP;cause=600", 18), (480, "SIP;cause=486", 17), (486, None, 0)]
)
def test_reason_of_a_refusal_that_we_get(placed, status, value, cause):
    """RFC 6432. Without a reason the status decides, behind the hooks."""
    placed.callee.respond(placed.invite, status, headers=[("Reason", value)] if value else [])
    placed.callee.expect("ACK")
    assert placed.cause() == f"cause {cause}\n"
    placed.end()


def test_a_call_answered_elsewhere(placed):
    """RFC 3326 3.1: the CANCEL says so."""
    placed.callee.respond(placed.invite, 180)
    placed.do("hangup 26")
    cancel = placed.callee.expect("CANCEL")
    assert cancel.all("reason") == ['SIP;cause=200;text="Call completed elsewhere"', "Q.850;cause=26"]
    placed.callee.respond(cancel, 200)
    placed.callee.respond(placed.invite, 487)
    placed.callee.expect("ACK")
    placed.end()


def test_a_session_that_ends_with_a_reason(placed):
    placed.callee.respond(placed.invite, 180)
    placed.do('terminate 408 Too "late"')
    cancel = placed.callee.expect("CANCEL")
    assert cancel.all("reason") == ['SIP;cause=408;text="Too \\"late\\""']
    placed.callee.respond(cancel, 200)
    placed.callee.respond(placed.invite, 487)
    placed.callee.expect("ACK")
    assert placed.cause() == "cause 102\n"
    placed.end()
