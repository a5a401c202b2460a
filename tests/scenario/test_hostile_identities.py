# SPDX-License-Identifier: GPL-2.0-or-later
"""Headers of identities that no honest peer sends, to all the modules that read them: each call is answered, in good SIP."""

import random

import pytest
from support.peer import Call
from support.wire import WireError

EXTENSIONS = """\
[default]
exten = id,1,Set(A=${CALLERID(all)}${REDIRECTING(from-all)}${REDIRECTING(reason)}${HISTORYINFO_URI_1}${HISTORYINFO_REASON_2})
 same = n,Set(CONNECTEDLINE(all,i)=${CALLERID(all)})
 same = n,Ringing()
 same = n,Busy()
exten = up,1,Answer()
 same = n,Wait(60)
"""

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = ulaw
trust_id_inbound = yes
trust_id_outbound = yes
send_pai = yes
send_rpid = yes
send_history_info = yes
"""

HEADERS = ["P-Asserted-Identity", "Remote-Party-ID", "Privacy", "Diversion", "History-Info"]

PIECES = [
    '"', "\\", "<", ">", ";", ",", "=", "?", "&", "%", "%00", "%0d%0a", "%C3%A4", "%ff", ":", "@", "sip:", "sips:", "tel:", "a", " ", "\t", "1.1",
    "ä", "\u20ac", "\U0001f600", "index=1", "reason=", "counter=99", "privacy=full", "screen=yes", "mp=1", "Reason=SIP%3Bcause%3D302", "x" * 300,
    "<sip:a@b>", '"A" <sip:a@b>;index=1', "\x01", "\x7f",
]  # fmt: skip


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": ENDPOINTS}


def some_headers(chance):
    headers = [("Supported", "histinfo, from-change")]
    for name in HEADERS:
        for _ in range(chance.choice([0, 1, 1, 2])):
            headers.append((name, "".join(chance.choice(PIECES) for _ in range(chance.randrange(1, 12)))))
    return headers


@pytest.mark.parametrize("seed", range(4))
def test_invites(daemon, seed):
    chance = random.Random(seed)
    peer = daemon.peer()
    for _ in range(60):
        headers = some_headers(chance)
        try:
            Call(peer, "id", headers=headers).refuse_check(486, 400)
        except (AssertionError, WireError):
            print(headers)
            raise


def test_in_a_call(daemon):
    """A message that cannot be read at all may be refused or passed over; the call goes on."""
    chance = random.Random(5)
    call = Call(daemon.peer(), "up", headers=[("Supported", "histinfo, from-change"), ("Allow", "UPDATE")])
    call.establish()
    local = call.local
    for _ in range(100):
        name = "".join(chance.choice(PIECES[8:]) for _ in range(3)).replace('"', "").replace("\\", "").replace("\x01", "")
        call.local = f'"{name}" {local[local.index("<"):]}'
        call.send("UPDATE", headers=some_headers(chance))
        call.expect(200, 400)
    call.local = local
    call.hang_up()
