# SPDX-License-Identifier: GPL-2.0-or-later
"""Module history_info: where calls were before (RFC 7044), in, back in responses, and out."""

import pytest
from support.party import Called, Caller, party_options
from support.peer import Call

EXTENSIONS = """\
[default]
exten = id,1,Verbose(1,COUNT ${HISTORYINFO_COUNT}|${HISTORYINFO_URI_1}|${HISTORYINFO_INDEX_1}|${HISTORYINFO_REASON_1}|${HISTORYINFO_PRIVACY_1})
 same = n,Verbose(1,LAST ${HISTORYINFO_URI_2}|${HISTORYINFO_INDEX_2}|${HISTORYINFO_TARGET_2})
 same = n,Ringing()
 same = n,Wait(0.05)
 same = n,Answer()
 same = n,Wait(60)
exten = busy,1,Busy()
exten = wait,1,Answer()
 same = n,Wait(60)
"""

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = ulaw

[history]
type = endpoint
allow = ulaw
send_history_info = yes

[trusted]
type = endpoint
allow = ulaw
send_history_info = yes
trust_id_outbound = yes
"""

SUPPORTED = ("Supported", "100rel, histinfo")
FIRST = "<sip:bob@example.com?Reason=SIP%3Bcause%3D302&Privacy=history>;index=1"


@pytest.fixture(scope="module")
def daemon_options(api_module):
    return party_options(EXTENSIONS, ENDPOINTS, ["history_info", api_module("api_party")])


@pytest.fixture
def caller(daemon):
    caller = Caller(daemon)
    yield caller
    caller.close()


def test_incoming(daemon):
    mark = len(daemon.log())
    peer = daemon.peer()
    own = f"<{peer.uri('id')}>;index=1.1;mp=1"
    call = Call(peer, "id", headers=[SUPPORTED, ("History-Info", FIRST), ("History-Info", own)]).send_invite()
    ringing = call.expect(180)
    answer = call.expect(200)
    call.ack(answer)
    assert ringing.all("History-Info") == answer.all("History-Info") == [f"{FIRST}, {own}"], "it comes back"
    assert "histinfo" in answer.tokens("supported")
    found = daemon.wait_log(r"COUNT (.*[^)\n])$", after=mark).group(1)
    assert found == "2|sip:bob@example.com|1|SIP;cause=302|history"
    assert daemon.wait_log(r"LAST (.*[^)\n])$", after=mark).group(1) == f"{peer.uri('id')}|1.1|mp=1"
    call.send("INVITE", body=call.offer)
    again = call.expect(200)
    call.ack(again)
    assert not again.has("History-Info"), "it is about the first INVITE"
    call.hang_up()


def test_the_last_entry_is_ours(daemon):
    """9.1: whoever was not named as the target adds the entry."""
    peer = daemon.peer()
    refusal = Call(peer, "busy", headers=[SUPPORTED, ("History-Info", FIRST)]).refuse_check(486)
    assert refusal.all("History-Info") == [f"{FIRST}, <{peer.uri('busy')}>;index=1.1"]
    refusal = Call(peer, "busy", headers=[SUPPORTED]).refuse_check(486)
    assert refusal.all("History-Info") == [f"<{peer.uri('busy')}>;index=1"]


def test_not_supported_by_the_peer(daemon):
    refusal = Call(daemon.peer(), "busy", headers=[("History-Info", FIRST)]).refuse_check(486)
    assert not refusal.has("History-Info")


@pytest.mark.parametrize("value", ["<<>>", "<sip:x>;index=", "<sip:x>", '"open <sip:x>;index=1', ", ".join(["<sip:x>;index=1"] * 60),
                                   "<sip:x?Reason=%0d%0a%00>;index=1", f"<sip:{'x' * 900}@h>;index=1"])  # fmt: skip
def test_hostile(daemon, value):
    refusal = Call(daemon.peer(), "busy", headers=[SUPPORTED, ("History-Info", value)]).refuse_check(486)
    assert len(refusal.get("History-Info")) < 1500


@pytest.mark.parametrize(
    "endpoint, redirecting, wanted",
    [
        ("anonymous", "", []),
        ("history", "", ["<{1}>;index=1"]),
        ("history", "Bob|200|0|||0|user-busy||1", ["<sip:200@{0}?Reason=SIP%3Bcause%3D486>;index=1, <{1}>;index=1.1;mp=1"]),
        ("trusted", "|200|0||100|1|||2", ["<sip:100@{0}?Privacy=history>;index=1, <sip:200@{0}>;index=1.1;mp=1, <{1}>;index=1.1.1;mp=1.1"]),
        ("history", "|200|1|||0|||1", ["<sip:anonymous@anonymous.invalid?Privacy=history>;index=1, <{1}>;index=1.1;mp=1"]),
    ],
)  # fmt: skip
def test_outgoing(daemon, caller, endpoint, redirecting, wanted):
    invite = caller.place(endpoint, "|500|0", redirecting)
    ours = invite.contact_uri.split("@")[-1].removeprefix("sip:").split(";")[0].rsplit(":", 1)[0]
    assert invite.all("History-Info") == [value.format(ours, invite.uri) for value in wanted]
    assert "histinfo" in invite.tokens("supported")
    Called(caller.peer, invite).refuse()
