# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose call it is: P-Asserted-Identity, Remote-Party-ID, From, Privacy (RFC 3325, RFC 3323), trusted or not."""

import pytest
from support.peer import Call

ALLOWED, RESTRICTED = "0", "1"

FROM = '"Frieda" <sip:200@127.0.0.1>'
PAI = ("P-Asserted-Identity", '"Paula" <sip:300@example.invalid>')
RPID = ("Remote-Party-ID", '"Rita" <sip:400@example.invalid>;party=calling;privacy=off;screen=yes')


@pytest.fixture(scope="module")
def daemon_options(api_module):
    return {
        "extensions": """\
[default]
exten = id,1,Verbose(1,CALLER ${CALLERID(name)}|${CALLERID(num)})
 same = n,Busy()
""",
        "endpoints": """\
[trusted]
type = endpoint
context = default
allow = ulaw
trust_id_inbound = yes

[trusted-address]
type = identify
endpoint = trusted
match = 127.0.1.1

[anonymous]
type = endpoint
context = default
allow = ulaw
""",
        "modules": ["sdp_rtp", api_module("api_identity")],
    }


def identity(daemon, trusted, headers=(), from_value=FROM):
    peer = daemon.peer(local="127.0.1.1" if trusted else "127.0.0.1")
    call = Call(peer, "id", headers=list(headers), from_value=from_value)
    refusal = call.refuse_check(486)
    values = refusal.all("x-identity")
    assert len(values) == 1
    result, name, number, presentation = values[0].split("|")
    assert result == "0", values
    return name, number, presentation


@pytest.mark.parametrize(
    "trusted, headers, wanted",
    [
        (False, [], ("Frieda", "200", ALLOWED)),
        (True, [], ("Frieda", "200", ALLOWED)),
        (True, [PAI], ("Paula", "300", ALLOWED)),
        (True, [RPID], ("Rita", "400", ALLOWED)),
        (True, [RPID, PAI], ("Paula", "300", ALLOWED)),
        (False, [PAI, RPID], ("Frieda", "200", ALLOWED)),
        (True, [PAI, ("Privacy", "id")], ("Paula", "300", RESTRICTED)),
        (True, [PAI, ("Privacy", "user;id")], ("Paula", "300", RESTRICTED)),
        (True, [PAI, ("Privacy", "full")], ("Paula", "300", RESTRICTED)),
        (True, [PAI, ("Privacy", "none")], ("Paula", "300", ALLOWED)),
        (True, [PAI, ("Privacy", "identity-not")], ("Paula", "300", ALLOWED)),
        (True, [("Remote-Party-ID", "<sip:400@example.invalid>;privacy=full")], ("", "400", RESTRICTED)),
        (True, [("Remote-Party-ID", "<sip:400@example.invalid>;privacy=uri")], ("", "400", RESTRICTED)),
        (True, [("P-Asserted-Identity", "<tel:+4930123456>")], ("", "+4930123456", ALLOWED)),
        (True, [("P-Asserted-Identity", "sip:300@example.invalid")], ("", "300", ALLOWED)),
        (True, [("P-Asserted-Identity", '"A \\"B\\" C" <sip:a%20b@example.invalid>')], ('A "B" C', "a b", ALLOWED)),
        (True, [("P-Asserted-Identity", '"Zoë" <sip:300@example.invalid>')], ("Zoë", "300", ALLOWED)),
    ],
)  # fmt: skip
def test_identity(daemon, trusted, headers, wanted):
    assert identity(daemon, trusted, headers) == wanted


def test_two_asserted_identities(daemon):
    """RFC 3325 9.1: at most a SIP and a tel URI; the first says who it is."""
    both = [("P-Asserted-Identity", '"Paula" <sip:300@example.invalid>, <tel:+4930123456>')]
    assert identity(daemon, True, both) == ("Paula", "300", ALLOWED)


def test_anonymous_from(daemon):
    """RFC 3261 8.1.1.3."""
    name, _, presentation = identity(daemon, False, from_value='"Anonymous" <sip:anonymous@anonymous.invalid>')
    assert presentation == RESTRICTED
    assert name in ("", "Anonymous")


@pytest.mark.parametrize("headers", [
    [("P-Asserted-Identity", "<<<>>>")],
    [("P-Asserted-Identity", "")],
    [("Remote-Party-ID", '"open <sip:1@example.invalid>')],
    [("P-Asserted-Identity", "<sip:@>")],
    [("P-Asserted-Identity", "<mailto:somebody@example.invalid>")],
])  # fmt: skip
def test_identity_that_is_none(daemon, headers):
    """A header that cannot be read is as none."""
    assert identity(daemon, True, headers)[1] in ("200", "")


def test_long_names_are_cut(daemon):
    name, number, _ = identity(daemon, True, [("P-Asserted-Identity", f'"{"ä" * 200}" <sip:{"7" * 300}@example.invalid>')])
    assert 0 < len(name.encode()) < 128 and set(name) == {"ä"}, "cut between characters"
    assert set(number) == {"7"} and len(number) < 128


def test_long_from_is_cut(daemon):
    name, number, _ = identity(daemon, False, from_value=f'"{"ä" * 200}" <sip:{"7" * 300}@example.invalid>')
    assert 0 < len(name.encode()) < 128 and set(name) == {"ä"}
    assert set(number) == {"7"} and len(number) < 128


def test_caller_id_of_the_channel(daemon):
    """The dialplan sees the same: ${CALLERID(name)}, ${CALLERID(num)}."""
    mark = len(daemon.log())
    identity(daemon, True, [PAI])
    assert daemon.wait_log(r"CALLER (\w+\|\w+)", after=mark).group(1) == "Paula|300"


def test_callerid_option(start_daemon):
    """The endpoint's own callerid stands before what the message says."""
    daemon = start_daemon(
        extensions="[default]\nexten = id,1,Verbose(1,CALLER ${CALLERID(name)}|${CALLERID(num)})\n same = n,Busy()\n",
        endpoints='[anonymous]\ntype = endpoint\ncontext = default\nallow = ulaw\ncallerid = "Desk" <77>\n',
    )
    Call(daemon.peer(), "id").refuse_check(486)
    assert daemon.wait_log(r"CALLER (\w+\|\w+)").group(1) == "Desk|77"
