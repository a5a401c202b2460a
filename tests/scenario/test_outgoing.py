# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that the daemon makes: challenges, redirections, refusals tried again, CANCEL and time-outs."""

import socket
from types import SimpleNamespace

import pytest
from support.caller import challenge, check_digest, respond
from support.peer import Call
from support.wire import Message, audio_sdp

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw

[carrier]
type = endpoint
allow = !all,ulaw
outbound_auth = carrier,second

[one](!)
type = endpoint
allow = !all,alaw,ulaw
[local_first](one)
outgoing_call_offer_pref = local_first
[remote_first](one)
outgoing_call_offer_pref = remote_first
[local](one)
outgoing_call_offer_pref = local
[remote](one)
outgoing_call_offer_pref = remote

[carrier]
type = auth
auth_type = userpass
username = 4711
password = secret, and long

[second]
type = auth
username = proxyuser
realm = second.example
password_digest = SHA-256:{ha1}

[follower]
type = endpoint
allow = !all,ulaw
redirect_method = uri_pjsip
"""

HA1 = "a5d8ddb9f7e1fe4c4a29bc3c4fb1cd1a3b6bb6f3a5d1aeb1a3ee86b2eaf1d5c4"


@pytest.fixture(scope="module")
def daemon_options(api_module, record_path):
    return {
        "modules": ["sdp_rtp", api_module("api_outgoing")],
        "env": {"SIPSESSION_API_LOG": str(record_path)},
        "endpoints": ENDPOINTS.format(ha1=HA1),
        "system": "type = system\ntimer_t1 = 100\ntimer_b = 2000\n",
    }


@pytest.fixture
def callee(daemon, caller):
    return daemon.peer()


def uri(peer, user="a"):
    return f"sip:{user}@{peer.host}:{peer.port}"


def answer(peer, invite, tag="t"):
    respond(peer, invite, 200, tag, body=audio_sdp(peer.port))
    return peer.expect("ACK")


def finish(caller, peer):
    caller.hang_up()
    peer.respond(peer.expect("BYE"), 200)
    caller.wait("end 200")


def refuse(peer, request, status, *headers):
    respond(peer, request, status, "refusal", headers)
    if request.method == "INVITE":
        peer.expect("ACK")


# ---- challenges ----


def test_challenged_by_two(caller, callee):
    """401 of the server behind 407 of a proxy, then a stale nonce; the answers add up (RFC 3261 22.2, 22.3)."""
    caller.dial("carrier", uri(callee))
    first = callee.expect("INVITE")
    refuse(callee, first, 407, ("Proxy-Authenticate", challenge("proxy", "p1", 'qop="auth"')))
    second = callee.expect("INVITE")
    check_digest(second, "Proxy-Authorization", "4711", "secret, and long", "proxy", "p1")
    refuse(callee, second, 401, ("WWW-Authenticate", challenge("server", "s1")))
    third = callee.expect("INVITE")
    check_digest(third, "Proxy-Authorization", "4711", "secret, and long", "proxy", "p1")
    check_digest(third, "Authorization", "4711", "secret, and long", "server", "s1")
    refuse(callee, third, 401, ("WWW-Authenticate", challenge("server", "s2", "stale=true")))
    fourth = callee.expect("INVITE")
    check_digest(fourth, "Authorization", "4711", "secret, and long", "server", "s2")
    for again in (second, third, fourth):
        assert again.body == first.body and again.call_id == first.call_id
        assert again.from_tag == first.from_tag and again.to_tag is None
        assert again.all("x-hook") == ["once"], "what a hook added is there once"
    assert [m.cseq - first.cseq for m in (second, third, fourth)] == [1, 2, 3]
    assert len({m.branch for m in (first, second, third, fourth)}) == 4
    ack = answer(callee, fourth)
    assert ack.get("authorization") == fourth.get("authorization"), "RFC 3261 13.2.2.4"
    assert ack.get("proxy-authorization") == fourth.get("proxy-authorization")
    caller.hang_up()
    bye = callee.expect("BYE")
    refuse(callee, bye, 401, ("WWW-Authenticate", challenge("server", "s3", 'qop="auth,auth-int"')))
    bye = callee.expect("BYE")
    check_digest(bye, "Authorization", "4711", "secret, and long", "server", "s3")
    callee.respond(bye, 200)
    caller.wait("end 200")
    assert caller.lines().count("request INVITE") == 1
    assert caller.lines().count("request BYE") == 1


def test_requests_within_the_call_are_challenged(caller, callee):
    caller.dial("carrier", uri(callee))
    answer(callee, callee.expect("INVITE"))
    caller.ask("X-Info")
    refuse(callee, callee.expect("INFO"), 407, ("Proxy-Authenticate", challenge("p", "n1")))
    info = callee.expect("INFO")
    check_digest(info, "Proxy-Authorization", "4711", "secret, and long", "p", "n1")
    callee.respond(info, 200)
    caller.wait("info done 200")
    assert not [line for line in caller.lines() if line == "info done 407"], "who waits hears of the end only"
    caller.ask("X-Reinvite")
    reinvite = callee.expect("INVITE")
    refuse(callee, reinvite, 401, ("WWW-Authenticate", challenge("s", "n2", 'qop="auth"')))
    again = callee.expect("INVITE")
    check_digest(again, "Authorization", "4711", "secret, and long", "s", "n2")
    assert again.body == reinvite.body
    answer(callee, again)
    finish(caller, callee)


def test_the_first_algorithm_that_we_have(caller, callee):
    """RFC 8760 2.4; each challenge has its own nonce."""
    caller.dial("carrier", uri(callee))
    refuse(
        callee, callee.expect("INVITE"), 401,
        ("WWW-Authenticate", challenge("r", "n0", "algorithm=SHA-3-1024")),
        ("WWW-Authenticate", challenge("r", "n1", "algorithm=SHA-256", 'qop="auth"')),
        ("WWW-Authenticate", challenge("r", "n2", "algorithm=MD5", 'qop="auth"')),
    )  # fmt: skip
    invite = callee.expect("INVITE")
    assert len(invite.all("authorization")) == 1
    check_digest(invite, "Authorization", "4711", "secret, and long", "r", "n1", "SHA-256")
    answer(callee, invite)
    finish(caller, callee)


def test_another_scheme_beside_digest(caller, callee):
    """RFC 8898 2.1.1: the choice is ours; a scheme that we do not have is passed over, in any place."""
    caller.dial("carrier", uri(callee))
    refuse(
        callee, callee.expect("INVITE"), 401,
        ("WWW-Authenticate", 'Bearer realm="r", authz_server="https://as.invalid"'),
        ("WWW-Authenticate", challenge("r", "n1")),
        ("WWW-Authenticate", "NTLM"),
    )  # fmt: skip
    again = callee.expect("INVITE")
    check_digest(again, "Authorization", "4711", "secret, and long", "r", "n1")
    answer(callee, again)
    finish(caller, callee)


@pytest.mark.parametrize("status, header", [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
def test_another_scheme_alone(caller, callee, status, header):
    """Nothing that we can answer: the refusal is final."""
    caller.dial("carrier", uri(callee))
    refuse(callee, callee.expect("INVITE"), status, (header, 'Bearer realm="r", scope="x"'), (header, "Basic"))
    caller.wait(f"end {status}")
    callee.expect_nothing(0.2)


def test_a_realm_of_its_own(caller, callee):
    """The digest of one realm is not used for another, and only with its algorithm."""
    caller.dial("carrier", uri(callee))
    refuse(
        callee, callee.expect("INVITE"), 401,
        ("WWW-Authenticate", challenge("second.example", "n1", "algorithm=SHA-256")),
    )  # fmt: skip
    invite = callee.expect("INVITE")
    assert 'username="proxyuser"' in invite.get("authorization")
    answer(callee, invite)
    finish(caller, callee)


def test_the_called_side_is_challenged(caller, callee):
    """Credentials are the endpoint's, whoever began the session."""
    call = Call(callee, "brief", from_value=f"<sip:carrier@{callee.host}>")
    call.establish()
    refuse(callee, callee.expect("BYE"), 401, ("WWW-Authenticate", challenge("r", "n1")))
    bye = callee.expect("BYE")
    check_digest(bye, "Authorization", "4711", "secret, and long", "r", "n1")
    callee.respond(bye, 200)


def test_wrong_password(caller, callee):
    caller.dial("carrier", uri(callee))
    refuse(callee, callee.expect("INVITE"), 401, ("WWW-Authenticate", challenge("r", "n1")))
    refuse(callee, callee.expect("INVITE"), 401, ("WWW-Authenticate", challenge("r", "n1")))
    caller.wait("end 401")
    callee.expect_nothing(0.2)


def test_endless_challenges(caller, callee):
    caller.dial("carrier", uri(callee))
    invites = 0
    while "end 401" not in caller.lines():
        invites += 1
        assert invites < 10
        request = callee.expect("INVITE")
        refuse(callee, request, 401, ("WWW-Authenticate", challenge(f"r{invites}", f"n{invites}", "stale=true")))
        callee.catch_up()
    assert invites == 6


def test_realms_without_end(caller, callee):
    """Of as many realms as a message holds, what is known of 8 is kept for the dialog."""
    caller.dial("carrier", uri(callee))
    first = callee.expect("INVITE")
    refuse(callee, first, 401, *[("WWW-Authenticate", challenge(f"r{n}", f"n{n}")) for n in range(12)])
    again = callee.expect("INVITE")
    assert len(again.all("authorization")) == 8
    answer(callee, again)
    finish(caller, callee)


@pytest.mark.parametrize("status, header", [(401, "WWW-Authenticate"), (407, "Proxy-Authenticate")])
@pytest.mark.parametrize("what", ["X-Info", "X-Reinvite"])
def test_challenged_after_the_end(caller, callee, what, status, header):
    """The peer's BYE came first: its challenge of our request is answered by nobody."""
    caller.dial("carrier", uri(callee))
    invite = callee.expect("INVITE")
    answer(callee, invite)
    caller.wait("confirmed")
    caller.ask(what)
    request = callee.expect("INFO", "INVITE")
    copied = {name.lower(): value for name, value in request.headers}
    bye = callee.request("BYE")
    replaced = {"from": copied["to"], "to": copied["from"], "call-id": copied["call-id"], "cseq": "7 BYE"}
    bye.headers = [(name, replaced.get(name.lower(), value)) for name, value in bye.headers]
    bye.start = f"BYE {invite.contact_uri} SIP/2.0"
    callee.send(bye)
    callee.expect(200)
    caller.wait("end 200")
    respond(callee, request, status, "t", [(header, challenge("r", "n1"))])
    if request.method == "INVITE":
        callee.expect("ACK")
    callee.expect_nothing(0.3)


def test_no_credentials(caller, callee):
    caller.dial("follower", uri(callee))
    refuse(callee, callee.expect("INVITE"), 401, ("WWW-Authenticate", challenge("r", "n1")))
    caller.wait("end 401")


# ---- what is offered ----


@pytest.mark.parametrize(
    "pref, offered", [("local_first", ["8"]), ("remote_first", ["8"]), ("local", ["8", "0"]), ("remote", ["8", "0"])]
)
def test_what_is_offered(caller, callee, pref, offered):
    """`outgoing_call_offer_pref`: one codec of `allow`, or all; and in a re-INVITE no other one."""
    caller.dial(pref, uri(callee))
    invite = callee.expect("INVITE")
    events = [f for f in invite.sdp.audio.formats if int(f) > 95]
    assert [f for f in invite.sdp.audio.formats if f not in events] == offered and events
    respond(callee, invite, 200, "t", body=audio_sdp(callee.port, formats=(8,)))
    callee.expect("ACK")
    finish(caller, callee)


def test_an_answer_with_what_was_not_offered(caller, callee):
    caller.dial("local_first", uri(callee))
    invite = callee.expect("INVITE")
    respond(callee, invite, 200, "t", body=audio_sdp(callee.port, formats=(0,)))
    callee.expect("ACK")
    callee.respond(callee.expect("BYE"), 200)  # nobody asked for it
    caller.wait("end 200")


# ---- redirections ----


def test_redirected(caller, callee, daemon):
    """By q, never twice, what cannot be called is passed over; credentials stay with whom they were for."""
    other = daemon.peer()
    caller.dial("follower", uri(callee))
    first = callee.expect("INVITE")
    refuse(
        callee, first, 302,
        ("Contact", f"<tel:+4930>, <sips:x@127.0.0.1>, <{uri(callee, 'b')}>;q=0.2, <{uri(other, 'c')}?X-Bad=1>;q=0.7"),
    )  # fmt: skip
    second = other.expect("INVITE")
    assert second.uri == uri(other, "c")
    assert second.all("x-hook") == ["once"] and second.body == first.body and not second.has("x-bad")
    assert second.get("to") == first.get("to") and second.cseq == first.cseq + 1
    refuse(other, second, 302, ("Contact", f"<{uri(callee)}>"))  # where it has been
    third = callee.expect("INVITE")
    assert third.uri == uri(callee, "b")
    ack = answer(callee, third)
    assert ack.cseq == third.cseq
    finish(caller, callee)
    assert [line for line in caller.lines() if line.startswith("response 3")] == ["response 302 INVITE"] * 2
    assert caller.lines().count("request INVITE") == 1


@pytest.mark.parametrize("status", [305, 380])
def test_no_redirection(caller, callee, daemon, status):
    """RFC 3261 21.3.4, 21.3.5: a proxy to use, other services: no targets of the INVITE."""
    other = daemon.peer()
    caller.dial("follower", uri(callee))
    refuse(callee, callee.expect("INVITE"), status, ("Contact", f"<{uri(other)}?X-Bad=1>"))
    caller.wait(f"end {status}")
    other.expect_nothing(0.2)
    callee.expect_nothing(0.1)


def test_redirected_over_tcp(caller, callee, daemon):
    """The Contact that the new target is given says how it reaches us."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    caller.dial("follower", uri(callee))
    target = f"sip:t@127.0.0.1:{listener.getsockname()[1]};transport=tcp"
    refuse(callee, callee.expect("INVITE"), 302, ("Contact", f"<{target}>"))
    listener.settimeout(5)
    connection, _ = listener.accept()
    connection.settimeout(5)
    text = b""
    while b"\r\n\r\n" not in text or not text.endswith(b"\r\n"):
        text += connection.recv(65536)
    invite = Message.parse(text)
    assert invite.uri == target
    assert "transport=tcp" in invite.get("contact").lower()
    assert invite.get("via").startswith("SIP/2.0/TCP ")
    respond(SimpleNamespace(send=lambda message: connection.sendall(message.encode())), invite, 486, "tcp")
    caller.wait("end 486")
    connection.close()
    listener.close()


def test_redirections_end(caller, callee):
    caller.dial("follower", uri(callee), "redirections=2")
    for number in range(2):
        refuse(callee, callee.expect("INVITE"), 302, ("Contact", f"<{uri(callee, f'n{number}')}>"))
    refuse(callee, callee.expect("INVITE"), 302, ("Contact", f"<{uri(callee, 'last')}>"))
    caller.wait("end 302")
    callee.expect_nothing(0.2)


def test_redirections_are_not_for_everybody(caller, callee):
    caller.dial("carrier", uri(callee))
    refuse(callee, callee.expect("INVITE"), 302, ("Contact", f"<{uri(callee, 'b')}>"))
    caller.wait("end 302")
    callee.expect_nothing(0.2)


def test_next_target_when_one_is_silent(caller, callee, daemon):
    silent = daemon.peer()
    caller.dial("follower", uri(callee))
    refuse(
        callee, callee.expect("INVITE"), 300, ("Contact", f"<{uri(silent)}>, <{uri(callee, 'b')}>;q=0.5")
    )
    silent.expect("INVITE")
    invite = callee.expect("INVITE", timeout=15)
    assert invite.uri == uri(callee, "b")
    refuse(callee, invite, 603)
    caller.wait("end 603")


# ---- tried again by an extension ----


def test_interval_too_small(caller, callee):
    caller.dial("carrier", uri(callee))
    first = callee.expect("INVITE")
    assert first.all("x-interval") == ["90"]
    refuse(callee, first, 422, ("Min-SE", "200"))
    second = callee.expect("INVITE")
    assert second.all("x-interval") == ["200"] and second.all("x-hook") == ["once"]
    assert second.body == first.body and second.cseq == first.cseq + 1
    refuse(callee, second, 401, ("WWW-Authenticate", challenge("r", "n1")))
    third = callee.expect("INVITE")
    assert third.all("x-interval") == ["200"] and third.has("authorization")
    answer(callee, third)
    finish(caller, callee)


def test_tried_again_five_times(caller, callee):
    caller.dial("carrier", uri(callee))
    for _ in range(6):
        refuse(callee, callee.expect("INVITE"), 422, ("Min-SE", "200"))
    caller.wait("end 422")
    callee.expect_nothing(0.2)


# ---- the peer offers (RFC 3261 13.2.1, RFC 6337 2) ----


def test_offer_in_the_answer(caller, callee):
    caller.dial("carrier", uri(callee), "without_offer")
    invite = callee.expect("INVITE")
    assert not invite.body
    respond(callee, invite, 200, "t", body=audio_sdp(callee.port, formats=(0, 8)))
    ack = callee.expect("ACK")
    assert ack.sdp.audio.port and ack.sdp.audio.formats == ["0"]
    finish(caller, callee)


def test_offer_in_a_reliable_response(caller, callee):
    caller.dial("carrier", uri(callee), "without_offer")
    invite = callee.expect("INVITE")
    respond(callee, invite, 183, "t", [("Require", "100rel"), ("RSeq", "1")], audio_sdp(callee.port))
    prack = callee.expect("PRACK")
    assert prack.sdp.audio.formats == ["0"]
    callee.respond(prack, 200)
    respond(callee, invite, 200, "t")
    assert not callee.expect("ACK").body
    finish(caller, callee)


def test_no_offer_in_an_unreliable_response(caller, callee):
    caller.dial("carrier", uri(callee), "without_offer")
    invite = callee.expect("INVITE")
    respond(callee, invite, 183, "t", body=audio_sdp(callee.port))
    respond(callee, invite, 200, "t", body=audio_sdp(callee.port, session=4712))
    assert callee.expect("ACK").sdp.audio.port
    finish(caller, callee)


def test_no_offer_that_we_can_take(caller, callee):
    """The 2xx is acknowledged all the same, and the call ends (RFC 3261 13.2.2.4)."""
    caller.dial("carrier", uri(callee), "without_offer")
    respond(callee, callee.expect("INVITE"), 200, "t", body=audio_sdp(callee.port, formats=(18,)))
    ack = callee.expect("ACK")
    assert ack.sdp.audio.port == 0
    callee.respond(callee.expect("BYE"), 200)
    caller.wait("end 200")


def test_challenged_without_an_offer(caller, callee):
    caller.dial("carrier", uri(callee), "without_offer")
    refuse(callee, callee.expect("INVITE"), 401, ("WWW-Authenticate", challenge("r", "n1")))
    invite = callee.expect("INVITE")
    assert not invite.body
    respond(callee, invite, 200, "t", body=audio_sdp(callee.port))
    ack = callee.expect("ACK")
    assert ack.sdp.audio.port and ack.has("authorization")
    finish(caller, callee)


# ---- CANCEL and time-outs ----


def test_hung_up_before_anything_came(caller, callee):
    """CANCEL waits for a provisional response (RFC 3261 9.1)."""
    caller.dial("carrier", uri(callee))
    invite = callee.expect("INVITE")
    caller.hang_up()
    callee.expect_nothing(0.3, skip=("INVITE",))
    callee.respond(invite, 100)
    cancel = callee.expect("CANCEL")
    assert (cancel.branch, cancel.cseq, cancel.uri) == (invite.branch, invite.cseq, invite.uri)
    callee.respond(cancel, 200)
    refuse(callee, invite, 487)
    caller.wait("end 487")


def test_hung_up_while_it_rings(caller, callee):
    caller.dial("carrier", uri(callee))
    invite = callee.expect("INVITE")
    respond(callee, invite, 180, "t")
    caller.wait("early t alive 180")
    caller.hang_up()
    callee.respond(callee.expect("CANCEL"), 200)
    refuse(callee, invite, 487)
    caller.wait("end 487")
    assert "early t gone 180" in caller.lines()


def test_cancel_crosses_the_answer(caller, callee):
    """RFC 5407 2.1: the 2xx that the CANCEL was too late for gets ACK and BYE."""
    caller.dial("carrier", uri(callee))
    invite = callee.expect("INVITE")
    respond(callee, invite, 180, "t")
    caller.wait("early t alive 180")
    caller.hang_up()
    cancel = callee.expect("CANCEL")
    respond(callee, invite, 200, "t", body=audio_sdp(callee.port))
    callee.respond(cancel, 481)
    callee.expect("ACK")
    callee.respond(callee.expect("BYE"), 200)
    caller.wait("end 487")
    assert "early t won 200" in caller.lines()
    assert len([line for line in caller.lines() if line.startswith("end")]) == 1


def test_no_answer_in_time(caller, callee):
    caller.dial("carrier", uri(callee), "timeout=300")
    invite = callee.expect("INVITE")
    respond(callee, invite, 180, "t")
    callee.respond(callee.expect("CANCEL", timeout=2), 200)
    refuse(callee, invite, 487)
    caller.wait("end 487")


def test_silence(caller, callee):
    caller.dial("carrier", uri(callee))
    callee.expect("INVITE")
    caller.wait("end 408", timeout=15)


def test_nobody_listens(caller):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    caller.dial("carrier", f"sip:x@127.0.0.1:{port};transport=tcp")
    caller.wait("end 503")
    assert len([line for line in caller.lines() if line.startswith("end")]) == 1
