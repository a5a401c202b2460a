# SPDX-License-Identifier: GPL-2.0-or-later
"""Module diversion: how calls were diverted (RFC 5806), in and out."""

import pytest
from support.party import Called, Caller, party_options
from support.peer import Call

EXTENSIONS = """\
[default]
exten = id,1,Verbose(1,FROM ${REDIRECTING(from-name)}|${REDIRECTING(from-num)}|${REDIRECTING(from-pres)}|${REDIRECTING(reason)}|${REDIRECTING(count)})
 same = n,Verbose(1,ORIG ${REDIRECTING(orig-num)}|${REDIRECTING(orig-reason)}|${REDIRECTING(to-num)})
 same = n,Set(REDIRECTING(from-num)=1234)
 same = n,Set(REDIRECTING(reason)=dnd)
 same = n,Verbose(1,NOW ${REDIRECTING(from-num)}|${REDIRECTING(reason)})
 same = n,Busy()
exten = wait,1,Answer()
 same = n,Wait(60)
"""

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = ulaw

[silent]
type = endpoint
allow = ulaw
send_diversion = no

[trusted]
type = endpoint
allow = ulaw
trust_id_outbound = yes

[domain]
type = endpoint
allow = ulaw
from_domain = sip.example.com
"""


@pytest.fixture(scope="module")
def daemon_options(api_module):
    return party_options(EXTENSIONS, ENDPOINTS, ["diversion", api_module("api_party")])


@pytest.fixture
def caller(daemon):
    caller = Caller(daemon)
    yield caller
    caller.close()


@pytest.mark.parametrize(
    "headers, from_wanted, orig_wanted",
    [
        ([], "||allowed|unknown|0", "|unknown|"),
        (['"Bob" <sip:200@example.invalid>;reason=user-busy'], "Bob|200|allowed|cfb|1", "200|cfb|id"),
        (
            ['<sip:300@h>;reason=no-answer;privacy=full;counter=2, "A" <tel:+4920>;reason=unconditional'],
            "|300|prohib|cfnr|3", "+4920|cfu|id",
        ),
        (["<sip:300@h>;reason=x-own", "<sip:200@h>;reason=follow-me"], "|300|allowed|x-own|2", "200|follow_me|id"),
        (["<<<>>>", "<sip:h>", '"open <sip:1@h>'], "||allowed|unknown|0", "|unknown|"),
        (["<sip:1@h>;reason=;counter=99999999999999999999"], "|1|allowed|unknown|1", "1|unknown|id"),
        ([", ".join(["<sip:1@h>;counter=99"] * 40)], "|1|allowed|unknown|100", "1|unknown|id"),
    ],
)  # fmt: skip
def test_incoming(daemon, headers, from_wanted, orig_wanted):
    mark = len(daemon.log())
    Call(daemon.peer(), "id", headers=[("Diversion", value) for value in headers]).refuse_check(486)
    assert daemon.wait_log(r"FROM ([^()\n]*)$", after=mark).group(1) == from_wanted
    assert daemon.wait_log(r"ORIG ([^()\n]*)$", after=mark).group(1) == orig_wanted
    assert daemon.wait_log(r"NOW ([^()\n]*)$", after=mark).group(1) == "1234|dnd"


@pytest.mark.parametrize(
    "endpoint, redirecting, wanted",
    [
        ("anonymous", "", []),
        ("silent", "Bob|200|0|||0|user-busy||1", []),
        ("anonymous", "Bob|200|0|||0|user-busy||1", ['"Bob" <sip:200@{0}>;reason=user-busy;privacy=off;screen=no']),
        ("domain", "|200|0|||0|||2", ["<sip:200@sip.example.com>;reason=unknown;counter=2;privacy=off;screen=no"]),
        ("anonymous", "|200|0||100|1|user-busy|no-answer|3", [
            "<sip:200@{0}>;reason=user-busy;counter=2;privacy=off;screen=no",
            '"Anonymous" <sip:anonymous@anonymous.invalid>;reason=no-answer;privacy=full;screen=no',
        ]),
        ("trusted", "|200|0||100|1|user-busy|no-answer|3", [
            "<sip:200@{0}>;reason=user-busy;counter=2;privacy=off;screen=no",
            "<sip:100@{0}>;reason=no-answer;privacy=full;screen=no",
        ]),
    ],
)  # fmt: skip
def test_outgoing(daemon, caller, endpoint, redirecting, wanted):
    invite = caller.place(endpoint, "|500|0", redirecting)
    ours = invite.contact_uri.split("@")[-1].removeprefix("sip:").split(";")[0].rsplit(":", 1)[0]
    assert invite.all("Diversion") == [value.format(ours) for value in wanted]
    Called(caller.peer, invite).refuse()


# ---- a redirection of our INVITE ----


def redirected(caller, headers=(), status=302, endpoint="anonymous", redirecting=""):
    """Our INVITE is sent on to another peer; returns the one that it gets."""
    other = caller.daemon.peer()
    invite = caller.place(endpoint, "|500|0", redirecting)
    contact = ("Contact", f"<sip:elsewhere@{other.host}:{other.port}>")
    Called(caller.peer, invite).refuse(status, headers=[contact, *headers])
    return other, invite, other.expect("INVITE")


@pytest.mark.parametrize(
    "status, headers, redirecting, wanted",
    [
        (302, [], "", ["<sip:dialled@{0}>;reason=unconditional;privacy=off;screen=no"]),
        (301, [], "", ["<sip:dialled@{0}>;reason=unknown;privacy=off;screen=no"]),
        (302, [("Diversion", '"Bob" <sip:200@h>;reason=user-busy')], "", ['"Bob" <sip:200@{0}>;reason=user-busy;privacy=off;screen=no']),
        (302, [("Diversion", "<<>>")], "|100|0|||0|no-answer||1", [
            "<sip:dialled@{0}>;reason=unconditional;privacy=off;screen=no",
            "<sip:100@{0}>;reason=no-answer;privacy=off;screen=no",
        ]),
    ],
)  # fmt: skip
def test_redirected(daemon, caller, status, headers, redirecting, wanted):
    """The redirector is named in the next INVITE, once, before those that were there (RFC 5806 4)."""
    other, _, invite = redirected(caller, headers, status, redirecting=redirecting)
    ours = invite.contact_uri.split("@")[-1].removeprefix("sip:").split(";")[0].rsplit(":", 1)[0]
    assert invite.uri.startswith("sip:elsewhere@")
    assert invite.all("Diversion") == [value.format(ours) for value in wanted]
    Called(other, invite).refuse()


def test_redirected_twice(daemon, caller):
    other, _, invite = redirected(caller)
    third = daemon.peer()
    Called(other, invite).refuse(302, headers=[("Contact", f"<sip:third@{third.host}:{third.port}>")])
    last = third.expect("INVITE")
    users = [value.split("@")[0] for value in last.all("Diversion")]
    assert users == ["<sip:elsewhere", "<sip:dialled"]
    Called(third, last).refuse()


def test_redirected_without_diversion(daemon, caller):
    other, _, invite = redirected(caller, endpoint="silent")
    assert not invite.has("Diversion")
    Called(other, invite).refuse()
