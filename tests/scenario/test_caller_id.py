# SPDX-License-Identifier: GPL-2.0-or-later
"""Module caller_id: who calls and who answers, in P-Asserted-Identity, Remote-Party-ID and Privacy (RFC 3323, RFC 3325)."""

import pytest
from support.party import Called, Caller, party_options
from support.peer import Call

EXTENSIONS = """\
[default]
exten = id,1,Verbose(1,CALLER ${CALLERID(name)}|${CALLERID(num)}|${CALLERID(pres)}|${CALLERID(tag)})
 same = n,Busy()
exten = colp,1,Set(CONNECTEDLINE(all)="Sales" <100>)
 same = n,Set(CONNECTEDLINE(pres)=${PRES})
 same = n,Ringing()
 same = n,Wait(0.05)
 same = n,Answer()
 same = n,Wait(60)
exten = wait,1,Answer()
 same = n,Wait(60)
"""

# name: its options; each has an address of its own
ENDPOINTS = {
    "trusted": "trust_id_inbound = yes\ncallerid_tag = desk",
    "named": 'callerid = "Desk" <77>\ncallerid_tag = desk',
    "namedtrusted": 'callerid = "Desk" <77>\ntrust_id_inbound = yes',
    "setvar": 'callerid = "Desk" <77>\nset_var = CALLERID(name)=Set',
    "pai": "send_pai = yes\nset_var = PRES=allowed",
    "rpid": "send_rpid = yes\nset_var = PRES=allowed_passed_screen",
    "paihidden": "send_pai = yes\nset_var = PRES=prohib",
    "both": "send_pai = yes\nsend_rpid = yes\ntrust_id_outbound = yes\nset_var = PRES=prohib",
    "plain": "set_var = PRES=allowed",
    "plaintrusted": "trust_id_outbound = yes\nset_var = PRES=prohib",
    "domain": "send_pai = yes\nfrom_domain = sip.example.com\nfrom_user = a%20trunk\ncallerid = Trunk <5>",
    "hidden": 'callerid = "Boss" <1>\ncallerid_privacy = prohib_passed_screen\nsend_rpid = yes',
}
ADDRESS = {name: f"127.0.2.{index}" for index, name in enumerate(ENDPOINTS, 1)}


def sections():
    text = "[anonymous]\ntype = endpoint\ncontext = default\nallow = ulaw\n"
    for name, options in ENDPOINTS.items():
        text += f"[{name}]\ntype = endpoint\ncontext = default\nallow = ulaw\n{options}\n"
        text += f"[{name}-address]\ntype = identify\nendpoint = {name}\nmatch = {ADDRESS[name]}\n"
    return text


@pytest.fixture(scope="module")
def daemon_options(api_module):
    return party_options(EXTENSIONS, sections(), ["caller_id", api_module("api_party")])


@pytest.fixture
def caller(daemon):
    caller = Caller(daemon)
    yield caller
    caller.close()


PAI = ("P-Asserted-Identity", '"Paula" <sip:300@example.invalid>')
RPID = ("Remote-Party-ID", '"Rita" <sip:400@example.invalid>;party=calling;privacy=off;screen=yes')

# ---- who calls ----


@pytest.mark.parametrize(
    "endpoint, headers, wanted",
    [
        ("trusted", [PAI], "Paula|300|allowed|desk"),
        ("trusted", [RPID, PAI], "Paula|300|allowed|desk"),
        ("trusted", [RPID], "Rita|400|allowed|desk"),
        ("trusted", [PAI, ("Privacy", "id")], "Paula|300|prohib|desk"),
        ("trusted", [("P-Asserted-Identity", "<<>>, <mailto:x@y>, <tel:+4930>")], "|+4930|allowed|desk"),
        ("trusted", [], "Frieda|200|allowed|desk"),
        ("named", [PAI], "Desk|77|allowed|desk"),
        ("named", [PAI, ("Privacy", "id")], "Desk|77|prohib|desk"),
        ("namedtrusted", [PAI], "Paula|300|allowed|"),
        ("namedtrusted", [("P-Asserted-Identity", "<<>>")], "Desk|77|allowed|"),
        ("namedtrusted", [], "Desk|77|allowed|"),
        ("setvar", [], "Set|77|allowed|"),
        ("plain", [PAI, RPID], "Frieda|200|allowed|"),
    ],
)
def test_who_calls(daemon, endpoint, headers, wanted):
    mark = len(daemon.log())
    peer = daemon.peer(local=ADDRESS[endpoint])
    Call(peer, "id", headers=headers, from_value='"Frieda" <sip:200@127.0.0.1>').refuse_check(486)
    assert daemon.wait_log(r"CALLER ([^()\n]*)$", after=mark).group(1) == wanted


def test_without_the_module(start_daemon):
    """The channel driver knows From."""
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=sections(), modules=["sdp_rtp"])
    Call(daemon.peer(local=ADDRESS["named"]), "id", from_value='"Frieda" <sip:200@127.0.0.1>').refuse_check(486)
    assert daemon.wait_log(r"CALLER ([^()\n]*)$").group(1) == "Frieda|200|allowed|"


# ---- who answers ----


def identity_headers(message):
    return {name: message.all(name) for name in ("P-Asserted-Identity", "Remote-Party-ID", "Privacy") if message.has(name)}


@pytest.mark.parametrize(
    "endpoint, wanted",
    [
        ("pai", {"P-Asserted-Identity": ['"Sales" <sip:100@{0}>']}),
        ("rpid", {"Remote-Party-ID": ['"Sales" <sip:100@{0}>;party=called;privacy=off;screen=yes']}),
        ("paihidden", {}),
        ("both", {
            "P-Asserted-Identity": ['"Sales" <sip:100@{0}>'],
            "Remote-Party-ID": ['"Sales" <sip:100@{0}>;party=called;privacy=full;screen=no'],
            "Privacy": ["id"],
        }),
        ("plain", {}),
        ("plaintrusted", {}),
    ],
)  # fmt: skip
def test_who_answers(daemon, endpoint, wanted):
    wanted = {name: [value.format(daemon.address) for value in values] for name, values in wanted.items()}
    call = Call(daemon.peer(local=ADDRESS[endpoint]), "colp").send_invite()
    assert identity_headers(call.expect(180)) == wanted
    answer = call.expect(200)
    assert identity_headers(answer) == wanted
    call.ack(answer)
    assert identity_headers(call.hang_up()) == {}


# ---- calls that we place ----


@pytest.mark.parametrize(
    "endpoint, caller_is, from_wanted, wanted",
    [
        ("plain", "Ann|500|0", '"Ann" <sip:500@{0}>', {}),
        ("plain", "Ann|500|1", '"Anonymous" <sip:anonymous@anonymous.invalid>', {}),
        ("plaintrusted", "Ann|500|1", '"Ann" <sip:500@{0}>', {"Privacy": ["user;id"]}),
        ("pai", "Ann|500|0", '"Ann" <sip:500@{0}>', {"P-Asserted-Identity": ['"Ann" <sip:500@{0}>']}),
        ("pai", "Ann|500|1", '"Anonymous" <sip:anonymous@anonymous.invalid>', {}),
        ("rpid", "|5 0|0", "<sip:5%200@{0}>", {"Remote-Party-ID": ["<sip:5%200@{0}>;party=calling;privacy=off;screen=no"]}),
        ("both", "Ann|500|1", '"Anonymous" <sip:anonymous@anonymous.invalid>', {
            "P-Asserted-Identity": ['"Ann" <sip:500@{0}>'],
            "Remote-Party-ID": ['"Ann" <sip:500@{0}>;party=calling;privacy=full;screen=no'],
            "Privacy": ["id"],
        }),
        ("domain", "", '"Trunk" <sip:a%20trunk@sip.example.com>', {"P-Asserted-Identity": ['"Trunk" <sip:5@sip.example.com>']}),
        ("domain", "Ann|500|1", '"Anonymous" <sip:a%20trunk@sip.example.com>', {}),
        ("hidden", "", '"Anonymous" <sip:anonymous@anonymous.invalid>', {}),
        ("pai", "", "<sip:anonymous@{0}>", {}),
    ],
)  # fmt: skip
def test_placed_call(daemon, caller, endpoint, caller_is, from_wanted, wanted):
    invite = caller.place(endpoint, caller_is)
    ours = invite.contact_uri.split("@")[-1].removeprefix("sip:").split(";")[0].rsplit(":", 1)[0]
    assert invite.get("from").rpartition(";tag=")[0] == from_wanted.format(ours)
    assert identity_headers(invite) == {name: [v.format(ours) for v in values] for name, values in wanted.items()}
    if "anonymous.invalid" in from_wanted and not wanted:
        head = invite.encode().partition(b"\r\n\r\n")[0].replace(invite.call_id.encode(), b"")
        assert b"Ann" not in head and b"Boss" not in head, "nothing tells who it is"
    Called(caller.peer, invite).refuse()


def test_bye_says_nothing(daemon, caller):
    called = Called(caller.peer, caller.place("pai", "Ann|500|0"))
    called.answer()
    caller.do("terminate")
    bye = called.expect("BYE")
    assert identity_headers(bye) == {}
    caller.peer.respond(bye, 200)
