# SPDX-License-Identifier: GPL-2.0-or-later
"""OPTIONS: what an INVITE would get (RFC 3261 11.2); and methods that nobody has."""

import pytest
from support.peer import Call, unique

ENDPOINTS = """\
[alice]
type = endpoint
context = calls
allow = ulaw
allow_overlap = yes

[dave]
type = endpoint
context = calls
allow = ulaw
allow_overlap = no

[own]
type = endpoint
context = calls
allow = ulaw
callerid = <555>

[free]
type = endpoint
context = calls
allow = ulaw
auth = secret
allow_unauthenticated_options = yes
[strict]
type = endpoint
context = calls
allow = ulaw
auth = secret
[secret]
type = auth
username = x
password = y
"""

EXTENSIONS = """\
[calls]
exten = echo,1,Answer()
 same = n,Echo()
exten = _9XX,1,Answer()
exten = mine/alice,1,Answer()
exten = number/555,1,Answer()
exten = slow,1,Answer()
 same = n,Wait(3)
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": ENDPOINTS}


def ask(peer, user, *wanted, method="OPTIONS", sender="alice", **options):
    request = peer.request(method, user, from_value=f"<sip:{sender}@{peer.host}>;tag={unique('t')}", **options)
    peer.send(request)
    return peer.expect(*wanted, call_id=request.call_id)


def check_capabilities(answer):
    assert {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS"} <= set(answer.tokens("allow"))
    assert answer.has("supported") and "application/sdp" in answer.get("accept")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_we_can_do(daemon, transport):
    peer = daemon.peer(transport)
    for user in ("", "echo"):  # nobody in particular; an extension that is there
        answer = ask(peer, user, 200)
        check_capabilities(answer)
        assert (answer.get("accept-encoding"), answer.get("accept-language")) == ("identity", "en")
        assert answer.to_tag


@pytest.mark.parametrize(
    "sender, user, status",
    [
        ("alice", "nobody", 404),
        ("alice", "911", 200),
        ("alice", "91", 484),  # a longer one could be
        ("dave", "91", 404),
        ("alice", "mine", 200),
        ("dave", "mine", 404),
        ("own", "number", 200),  # by its callerid
        ("alice", "number", 404),
        ("alice", "x" * 100, 404),
    ],
)
def test_as_an_invite_would_be_answered(peer, sender, user, status):
    ask(peer, user, status, sender=sender)
    call = Call(peer, user, from_value=f"<sip:{sender}@{peer.host}>").send_invite()
    answer = call.expect(status)
    if answer.status == 200:
        call.ack()
        if user == "911" or user in ("mine", "number"):  # its extension ends by itself
            peer.respond(call.expect("BYE"), 200)
        else:
            call.hang_up()


def test_who_may_ask(peer):
    ask(peer, "echo", 401, sender="stranger")
    ask(peer, "echo", 401, sender="strict")
    ask(peer, "echo", 200, sender="free")


def test_what_is_required(peer):
    answer = ask(peer, "echo", 420, headers=[("Require", "tomorrow"), ("Require", "sec-agree")])
    assert answer.tokens("unsupported") == ["tomorrow", "sec-agree"]


def test_the_last_hop(peer):
    """RFC 3261 11.2: Max-Forwards of 0 is for us to answer."""
    request = peer.request("OPTIONS", "echo", from_value=f"<sip:alice@{peer.host}>;tag=x")
    request.headers = [(n, "0" if n == "Max-Forwards" else v) for n, v in request.headers]
    peer.send(request)
    check_capabilities(peer.expect(200))


def test_in_a_call(peer):
    call = Call(peer, "echo", from_value=f"<sip:alice@{peer.host}>")
    call.establish()
    call.send("OPTIONS")
    check_capabilities(call.expect(200))
    call.hang_up()


@pytest.mark.parametrize("method, status", [("SUBSCRIBE", 403), ("PUBLISH", 405), ("FROBNICATE", 501), ("options", 501), ("BYE", 481)])
def test_methods_that_nobody_has(peer, method, status):
    answer = ask(peer, "echo", status, method=method)
    if status in (405, 501):
        assert "OPTIONS" in answer.tokens("allow") and method not in answer.tokens("allow")


def test_without_asking_the_dialplan(start_daemon):
    daemon = start_daemon(EXTENSIONS, endpoints=ENDPOINTS, files={"sipsession.conf": "[dialplan]\noptions_need_extension = no\n"})
    peer = daemon.peer()
    check_capabilities(ask(peer, "nobody", 200))
    ask(peer, "nobody", 401, sender="stranger")


def test_while_it_stops(start_daemon):
    daemon = start_daemon(EXTENSIONS, endpoints=ENDPOINTS)
    peer = daemon.peer()
    call = Call(peer, "slow", from_value=f"<sip:alice@{peer.host}>")
    call.establish()
    daemon.signal()
    bye = call.expect("BYE")  # it has begun
    for method in ("OPTIONS", "MESSAGE"):
        assert ask(peer, "echo", 503, method=method).has("retry-after")
    peer.respond(bye, 200)
    daemon.wait()
