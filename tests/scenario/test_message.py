# SPDX-License-Identifier: GPL-2.0-or-later
"""modules/message: texts within a call (RFC 3428)."""

import pytest
from support.peer import Call

EXTENSIONS = """\
[default]
exten = read,1,Answer()
 same = n,ReceiveText(10)
 same = n,Verbose(1,TEXT <${RECEIVETEXTMESSAGE}> ${RECEIVETEXTSTATUS})
 same = n,Echo()

exten = write,1,Answer()
 same = n,SendText(hello, "you" \u00e4\u20ac)
 same = n,Verbose(1,SENT ${SENDTEXTSTATUS})
 same = n,Wait(60)
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS}


def message(call, body, *wanted, kind="text/plain", headers=()):
    request = call.build("MESSAGE", [*([("Content-Type", kind)] if kind else []), *headers])
    request.body = body
    call.peer.send(request)
    return call.expect(*wanted)


@pytest.mark.parametrize(
    "kind", ["text/plain", "Text/Plain;charset=UTF-8", 'text/plain;charset="utf-8"', "text/plain;x=y;charset=us-ascii"]
)
def test_a_text_reaches_the_dialplan(daemon, peer, kind):
    call = Call(peer, "read")
    assert "MESSAGE" in call.establish().tokens("allow")
    before = len(daemon.log())
    answer = message(call, "hi, \u00e4\u20ac\U0001f600 ${EXTEN}\nthere".encode(), 200, kind=kind)
    assert not answer.body  # RFC 3428 7
    daemon.wait_log("TEXT <hi, \u00e4\u20ac\U0001f600 \\$\\{EXTEN\\}.there> SUCCESS".replace(".there", "[^>]*there"), after=before)
    message(call, b"one more", 200)  # nobody waits for it
    call.hang_up()


def test_what_is_not_taken(daemon, peer):
    call = Call(peer, "read")
    call.establish()
    before = len(daemon.log())
    for kind in ("text/html", "application/octet-stream", "text/plain;charset=iso-8859-1"):
        refused = message(call, b"x", 415, kind=kind)
        assert (refused.get("accept"), refused.get("accept-encoding")) == ("text/plain", "identity")
    message(call, b"x", 415, headers=[("Content-Encoding", "gzip")])
    message(call, b"x" * 2049, 413)
    for broken in (b"a\xff", b"a\x00b", b"\xed\xa0\x80"):
        message(call, broken, 400)
    message(call, b"", 200, kind=None)
    assert "TEXT <" not in daemon.log()[before:]
    message(call, b"x" * 2048, 200)
    daemon.wait_log("TEXT <x{2048}> SUCCESS", after=before)
    call.hang_up()


def sent(daemon, peer, headers=()):
    call = Call(peer, "write", headers=headers)
    before = len(daemon.log())
    call.establish()
    return call, lambda status: daemon.wait_log(f"SENT {status}", after=before)


@pytest.mark.parametrize("status, said", [(200, "SUCCESS"), (202, "SUCCESS"), (415, "FAILURE"), (405, "FAILURE")])
def test_the_dialplan_sends_a_text(daemon, peer, status, said):
    call, wait = sent(daemon, peer, [("Allow", "INVITE, ACK, BYE, MESSAGE")])
    request = call.expect("MESSAGE")
    assert request.get("content-type") == "text/plain"
    assert request.body.decode() == "hello, you \u00e4\u20ac"
    assert not request.has("contact")  # RFC 3428 4
    peer.respond(request, status)
    wait(said)
    call.hang_up()


def test_a_peer_that_takes_no_messages_gets_none(daemon, peer):
    call, wait = sent(daemon, peer, [("Allow", "INVITE, ACK, BYE")])
    wait("UNSUPPORTED")
    call.hang_up()


def test_hang_up_while_a_text_is_on_its_way(daemon, peer):
    call, _ = sent(daemon, peer)
    request = call.expect("MESSAGE")
    call.hang_up()
    peer.respond(request, 200)
    daemon.check_no_calls()


def test_without_the_module(start_daemon):
    daemon = start_daemon(EXTENSIONS, modules=["sdp_rtp"])
    peer = daemon.peer()
    call, wait = sent(daemon, peer)
    wait("UNSUPPORTED")
    refused = message(call, b"x", 405)
    assert "MESSAGE" not in refused.tokens("allow")
    call.hang_up()
