# SPDX-License-Identifier: GPL-2.0-or-later
"""Module connected_line: identities that change in a call (RFC 4916), in both roles and both directions."""

import pytest
from support.party import Called, Caller, party_options
from support.peer import Call
from support.wire import audio_sdp

EXTENSIONS = """\
[default]
exten = wait,1,Answer()
 same = n,Wait(60)

exten = change,1,Answer()
 same = n,Wait(0.2)
 same = n,Set(CONNECTEDLINE(name)=Sales)
 same = n,Set(CONNECTEDLINE(num)=100)
 same = n,Wait(${LONG})

exten = quiet,1,Answer()
 same = n,Wait(0.1)
 same = n,Set(CONNECTEDLINE(all,i)="Sales" <100>)
 same = n,Wait(60)

exten = before,1,Set(CONNECTEDLINE(all)="Sales" <100>)
 same = n,Answer()
 same = n,Wait(60)

exten = who,1,Answer()
 same = n(again),Wait(0.05)
 same = n,GotoIf($["${CALLERID(num)}" = "${WAS}"]?again)
 same = n,Set(WAS=${CALLERID(num)})
 same = n,Verbose(1,PEER ${CALLERID(all)} ${CALLERID(pres)})
 same = n,Goto(again)
"""

ENDPOINTS = {
    "plain": "set_var = LONG=1",
    "pai": "send_pai = yes\nset_var = LONG=20",
    "trusted": "trust_id_inbound = yes",
    "deaf": "trust_id_inbound = yes\ntrust_connected_line = no",
    "mute": "set_var = LONG=20\nsend_pai = yes\nsend_connected_line = no",
    "named": "callerid = Desk <77>",
}
ADDRESS = {name: f"127.0.3.{index}" for index, name in enumerate(ENDPOINTS, 1)}

FROM_CHANGE = ("Supported", "from-change")
UPDATE = ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE")
NO_UPDATE = ("Allow", "INVITE, ACK, BYE, CANCEL")


@pytest.fixture(scope="module")
def daemon_options(api_module):
    text = "[anonymous]\ntype = endpoint\ncontext = default\nallow = ulaw\n"
    for name, options in ENDPOINTS.items():
        text += f"[{name}]\ntype = endpoint\ncontext = default\nallow = ulaw\n{options}\n"
        text += f"[{name}-address]\ntype = identify\nendpoint = {name}\nmatch = {ADDRESS[name]}\n"
    return party_options(EXTENSIONS, text, ["caller_id", "connected_line", api_module("api_party")])


@pytest.fixture
def caller(daemon):
    caller = Caller(daemon)
    yield caller
    caller.close()


def call_as(daemon, endpoint, user, headers):
    call = Call(daemon.peer(local=ADDRESS[endpoint]), user, headers=headers)
    call.establish()
    return call


def uri_of(value):
    return value.partition(";tag=")[0]


# ---- we tell the peer: as the called side ----


def test_update_with_pai(daemon):
    """Two changes are one UPDATE, without SDP; From stays what it was."""
    call = call_as(daemon, "pai", "change", [UPDATE])
    update = call.expect("UPDATE")
    assert update.all("P-Asserted-Identity") == [f'"Sales" <sip:100@{daemon.address}>']
    assert uri_of(update.get("from")) == f"<sip:change@{daemon.address}>", "the peer has no from-change"
    assert not update.body
    call.peer.respond(update, 200)
    call.peer.expect_nothing(0.3)
    call.hang_up()


def test_reinvite_with_pai(daemon):
    """Without UPDATE in Allow it is a re-INVITE, with SDP."""
    call = call_as(daemon, "pai", "change", [NO_UPDATE])
    invite = call.expect("INVITE")
    assert invite.all("P-Asserted-Identity") == [f'"Sales" <sip:100@{daemon.address}>']
    assert invite.sdp.origin_id == call.answer.sdp.origin_id
    body = audio_sdp(call.peer.port, address=call.peer.address)
    call.peer.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=body, tag="x")
    call.expect("ACK")
    call.hang_up()


def test_from_changes(daemon):
    """Both sides have from-change: From says who it is, from now on (RFC 4916 4.2)."""
    call = call_as(daemon, "plain", "change", [UPDATE, FROM_CHANGE])
    assert "from-change" in call.answer.tokens("supported")
    update = call.expect("UPDATE")
    assert uri_of(update.get("from")) == f'"Sales" <sip:100@{daemon.address}>'
    assert update.from_tag == call.answer.to_tag
    assert not update.has("P-Asserted-Identity")
    call.peer.respond(update, 200)
    bye = call.expect("BYE", timeout=5)
    assert uri_of(bye.get("from")) == f'"Sales" <sip:100@{daemon.address}>', "also in later requests"
    call.peer.respond(bye, 200)


def test_refused_change(daemon):
    """The peer refuses the UPDATE: we are who we were."""
    call = call_as(daemon, "plain", "change", [UPDATE, FROM_CHANGE])
    update = call.expect("UPDATE")
    call.peer.respond(update, 403)
    bye = call.expect("BYE", timeout=5)
    assert uri_of(bye.get("from")) == f"<sip:change@{daemon.address}>"
    call.peer.respond(bye, 200)


def test_change_again_after_491(daemon):
    """Glare: the UPDATE comes again, with the same identity."""
    call = call_as(daemon, "pai", "change", [UPDATE, FROM_CHANGE])
    update = call.expect("UPDATE")
    call.peer.respond(update, 491)
    again = call.expect("UPDATE", timeout=6)
    assert again.cseq > update.cseq
    assert uri_of(again.get("from")) == uri_of(update.get("from")) == f'"Sales" <sip:100@{daemon.address}>'
    call.peer.respond(again, 200)
    call.hang_up()


def test_told_after_the_answer(daemon):
    """RFC 4916 4.1: who answers cannot say it in From of the response; a request of its own does."""
    call = call_as(daemon, "plain", "before", [UPDATE, FROM_CHANGE])
    update = call.expect("UPDATE")
    assert uri_of(update.get("from")) == f'"Sales" <sip:100@{daemon.address}>'
    call.peer.respond(update, 200)
    call.hang_up()


def test_nothing_to_tell(daemon):
    """No header, no from-change: a request would say nothing. Neither with `i`, nor where it is switched off."""
    for endpoint, user, headers in (
        ("plain", "change", [UPDATE]),
        ("mute", "change", [UPDATE, FROM_CHANGE]),
        ("pai", "quiet", [UPDATE]),
        ("pai", "before", [UPDATE]),
    ):
        call = call_as(daemon, endpoint, user, headers)
        if user == "before":
            assert call.answer.has("P-Asserted-Identity"), "the answer has told it"
        call.peer.expect_nothing(0.5)
        call.hang_up()


# ---- we tell the peer: as the calling side ----


def test_caller_changes(daemon, caller):
    called = Called(caller.peer, caller.place("pai", "Ann|500|0"))
    called.answer(headers=[UPDATE, FROM_CHANGE])
    caller.do("connected Bob|600|0")
    update = called.expect("UPDATE")
    ours = update.get("P-Asserted-Identity").rpartition("@")[2]
    assert uri_of(update.get("from")) == f'"Bob" <sip:600@{ours}'
    caller.peer.respond(update, 200, tag=called.tag)
    caller.do("connected Bob|600|0")  # nothing new
    caller.peer.expect_nothing(0.3)
    caller.do("connected Boss|1|1")
    update = called.expect("UPDATE")
    assert uri_of(update.get("from")) == '"Anonymous" <sip:anonymous@anonymous.invalid>'
    assert not update.has("P-Asserted-Identity")
    caller.peer.respond(update, 200, tag=called.tag)
    caller.do("terminate")
    bye = called.expect("BYE")
    assert "anonymous.invalid" in bye.get("from")
    caller.peer.respond(bye, 200)


def test_caller_changes_while_a_change_is_under_way(daemon, caller):
    """One at a time; the last one counts."""
    called = Called(caller.peer, caller.place("pai", "Ann|500|0"))
    called.answer(headers=[UPDATE])
    caller.do("connected Bob|600|0")
    first = called.expect("UPDATE")
    caller.do("connected Carl|700|0")
    caller.do("connected Dora|800|0")
    caller.peer.respond(first, 200, tag=called.tag)
    second = called.expect("UPDATE")
    assert '"Bob"' in first.get("P-Asserted-Identity") and '"Dora"' in second.get("P-Asserted-Identity")
    caller.peer.respond(second, 200, tag=called.tag)
    caller.peer.expect_nothing(0.3)
    caller.do("terminate")
    caller.peer.respond(called.expect("BYE"), 200)


# ---- the peer tells us ----


def peer_is(daemon, mark, wanted):
    return daemon.wait_log(rf"VERBOSE.*: PEER ({wanted})$", after=mark).group(1)


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_peer_changes_by_pai(daemon, method):
    mark = len(daemon.log())
    call = call_as(daemon, "trusted", "who", [])
    call.send(method, headers=[("P-Asserted-Identity", '"Paula" <sip:300@h>')], body=call.offer if method == "INVITE" else b"")
    answer = call.expect(200)
    if method == "INVITE":
        call.ack(answer)
    peer_is(daemon, mark, r'"Paula" <300> allowed')
    call.send("UPDATE", headers=[("Remote-Party-ID", '"Rita" <sip:400@h>;privacy=full')])
    call.expect(200)
    peer_is(daemon, mark, r'"Rita" <400> prohib')
    call.hang_up()


def test_peer_changes_by_from(daemon):
    """from-change: the new URI is To of our requests, too (RFC 4916 4.4)."""
    call = call_as(daemon, "plain", "change", [UPDATE, FROM_CHANGE])
    tag = call.local.rpartition(";tag=")[2]
    call.local = f'"New" <sip:900@example.invalid>;tag={tag}'
    call.send("UPDATE")
    call.expect(200)
    update = call.expect("UPDATE")
    assert uri_of(update.get("to")) == '"New" <sip:900@example.invalid>'
    assert update.get("to").endswith(tag)
    call.peer.respond(update, 200)
    call.hang_up()


def test_peer_changes_by_from_on_the_channel(daemon):
    mark = len(daemon.log())
    call = call_as(daemon, "plain", "who", [FROM_CHANGE])
    tag = call.local.rpartition(";tag=")[2]
    for number in range(901, 921):
        call.local = f'"New" <sip:{number}@example.invalid>;tag={tag}'
        call.send("UPDATE")
        call.expect(200)
    peer_is(daemon, mark, '"New" <920> allowed')
    call.hang_up()


@pytest.mark.parametrize(
    "endpoint, headers, supported",
    [
        ("plain", [("P-Asserted-Identity", "<sip:300@h>")], []),  # not trusted
        ("deaf", [("P-Asserted-Identity", "<sip:300@h>")], []),
        ("plain", [], []),  # From without from-change
        ("deaf", [], [FROM_CHANGE]),
        ("named", [], [FROM_CHANGE]),  # who it is, is configured
    ],
)
def test_peer_is_not_believed(daemon, endpoint, headers, supported):
    mark = len(daemon.log())
    call = call_as(daemon, endpoint, "who", supported)
    first = peer_is(daemon, mark, "[^()\n]*")
    if not headers:
        tag = call.local.rpartition(";tag=")[2]
        call.local = f'"New" <sip:900@example.invalid>;tag={tag}'
    call.send("UPDATE", headers=headers)
    call.expect(200)
    call.peer.expect_nothing(0.2)
    assert [line for line in daemon.log()[mark:].splitlines() if "VERBOSE" in line and "PEER" in line][-1].endswith(first)
    call.hang_up()


def test_who_answers_our_call(daemon, caller):
    """180 and 200 of a trusted peer, then an UPDATE of its own."""
    caller.peer = daemon.peer(local=ADDRESS["trusted"])
    called = Called(caller.peer, caller.place("trusted", "Ann|500|0"))
    called.ring(headers=[("P-Asserted-Identity", '"Desk" <sip:10@h>')])
    caller.wait("peer Desk|10|0")
    called.answer(headers=[("P-Asserted-Identity", '"Desk" <sip:11@h>'), ("Privacy", "id")])
    caller.wait("peer Desk|11|1")
    called.request("UPDATE", headers=[("P-Asserted-Identity", '"Desk" <sip:12@h>')])
    called.expect(200)
    caller.wait("peer Desk|12|0")
    caller.do("terminate")
    caller.peer.respond(called.expect("BYE"), 200)


@pytest.mark.parametrize("from_value", ['"<>" <sip:%20@h>', "<sip:h>", "<tel:+49>", f'"{"x" * 300}" <sip:{"y" * 300}@h>', "<sip:a@[::1]:5;x=y?z=a>"])
def test_hostile_from(daemon, from_value):
    call = call_as(daemon, "plain", "change", [UPDATE, FROM_CHANGE])
    tag = call.local.rpartition(";tag=")[2]
    call.local = f"{from_value};tag={tag}"
    call.send("UPDATE")
    call.expect(200)
    update = call.expect("UPDATE")
    assert update.get("to").endswith(tag)
    call.peer.respond(update, 200)
    call.hang_up()
