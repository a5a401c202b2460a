# SPDX-License-Identifier: GPL-2.0-or-later
"""modules/message: messages outside of calls (RFC 3428)."""

import re
import socket
import time

import pytest
from support import clients
from support.peer import Call, unique
from support.wire import Message

ENDPOINTS = """\
[alice]
type = endpoint
context = calls
message_context = messages
allow = ulaw
aors = alice
redirect_method = uri_pjsip
set_var = GREETING=hello
set_var = CALLERID(tag)=x
[alice]
type = aor
max_contacts = 5

[dave]
type = endpoint
context = calls
message_context = messages
allow = ulaw
aors = dave
[dave]
type = aor
max_contacts = 1

[carol]
type = endpoint
context = carols
allow = ulaw
callerid = "Carol C" <333>
from_user = account
from_domain = trunk.invalid
outbound_auth = carol
follow_redirect_methods = message
trust_id_outbound = yes
[carol]
type = auth
username = carol
password = secret

[bob]
type = endpoint
context = messages
allow = ulaw
auth = bob
[bob]
type = auth
username = bob
password = secret
realm = here

[fixed]
type = endpoint
context = messages
allow = ulaw
transport = udp

[default_outbound_endpoint]
type = endpoint
allow = ulaw
"""

EXTENSIONS = """\
[calls]
exten = call,1,Answer()
 same = n,Set(MESSAGE(body)=from a call)
 same = n,MessageSend(pjsip:alice)
 same = n,Verbose(1,SENT ${MESSAGE_SEND_STATUS})
 same = n,Hangup()
exten = none,1,Answer()
 same = n,MessageSend(pjsip:alice,bob)
 same = n,Verbose(1,SENT ${MESSAGE_SEND_STATUS})
 same = n,Hangup()

[carols]
exten = log,1,Verbose(1,CAROL ${CALLERID(all)} ${MESSAGE(from)})

[messages]
exten = log,1,Verbose(1,GOT <${MESSAGE(body)}> from <${MESSAGE(from)}> to ${MESSAGE(to)} as ${MESSAGE_DATA(Content-Type)}, ${MESSAGE_DATA(x-TEST)}${MESSAGE_DATA(Authorization)} ${GREETING} ${CALLERID(num)} ${CHANNEL(channeltype)} ${CHANNEL(state)})
exten = h,1,Verbose(1,DONE h ${MESSAGE(body)})

exten = only,1,Verbose(1,ANY)
exten = mine/alice,1,Verbose(1,MINE ${MESSAGE(body)})

; where to is what the message says
exten = relay,1,MessageSend(${MESSAGE_DATA(X-To)})
 same = n,Verbose(1,SENT ${MESSAGE_SEND_STATUS} ${MESSAGE_DATA(X-To)})

exten = from,1,MessageSend(${MESSAGE_DATA(X-To)},${MESSAGE_DATA(X-From)},${MESSAGE_DATA(X-Other)})
 same = n,Verbose(1,SENT ${MESSAGE_SEND_STATUS})

exten = fields,1,Set(MESSAGE_DATA(X-One)=1)
 same = n,Set(MESSAGE_DATA(X-Two)=2)
 same = n,Set(MESSAGE_DATA(X-Two)=)
 same = n,Set(MESSAGE_DATA(X-Evil)=${MESSAGE(body)})
 same = n,Set(MESSAGE_DATA(Via)=SIP/2.0/UDP 192.0.2.1)
 same = n,Set(MESSAGE_DATA(X Bad)=1)
 same = n,Set(MESSAGE_DATA(m)=sip:x@192.0.2.1)
 same = n,Set(MESSAGE_DATA(Subject)=${MESSAGE_DATA(Subject)}!)
 same = n,MessageSend(${MESSAGE_DATA(X-To)})
 same = n,Verbose(1,SENT ${MESSAGE_SEND_STATUS})

exten = marked,1,Set(MESSAGE(custom_data)=mark_all_outbound)
 same = n,Set(MESSAGE(body)=other)
 same = n,Set(MESSAGE(from)="An, other" <sip:another@example.com>)
 same = n,Set(MESSAGE_DATA(Content-Type)=text/html\\;charset=utf-8)
 same = n,MessageSend(${MESSAGE_DATA(X-To)})

exten = order,1,Wait(0.${MESSAGE_DATA(X-Wait)})
 same = n,Verbose(1,ORDER ${CALLERID(num)} ${MESSAGE(body)})

exten = slow,1,Wait(4)
 same = n,Verbose(1,SLOW)

exten = late,1,Wait(2.5)
 same = n,Verbose(1,LATE ${MESSAGE(body)})

exten = answer,1,Answer()
 same = n,Playback(nothing)
 same = n,SendText(x)
 same = n,Echo()
 same = n,Verbose(1,ANSWERED ${SENDTEXTSTATUS})
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": ENDPOINTS}


def message(peer, user, body=b"hi", kind="text/plain", headers=(), sender="alice", **options):
    options.setdefault("from_value", f"<sip:{sender}@{peer.host}>;tag={unique('t')}")
    fields = [*([("Content-Type", kind)] if kind else []), *headers]
    request = peer.request("MESSAGE", user, fields, body, **options)
    request.headers = [(name, value) for name, value in request.headers if name != "Contact"]
    return request


def send(peer, user, wanted, *args, **options):
    request = message(peer, user, *args, **options)
    peer.send(request)
    return peer.expect(wanted, call_id=request.call_id)


def received(peer, timeout=10, status=None, headers=()):
    """A MESSAGE of the daemon's, as RFC 3428 4 has it; answered if a status is given."""
    request = peer.expect("MESSAGE", timeout=timeout)
    assert not request.has("contact") and ";tag=" not in request.get("to")
    assert request.get("max-forwards") == "70"
    if status:
        peer.respond(request, status, headers=headers)
    return request


# ---- in ----


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_message_reaches_the_dialplan(daemon, transport):
    peer = daemon.peer(transport)
    before = len(daemon.log())
    answer = send(
        peer, "log", 202, "hi, \u00e4\u20ac\U0001f600 ${EXTEN}".encode(), headers=[("X-Test", "a b")],
        from_value=f'"Al \\"the\\" Ice" <sip:alice@example.com:5070>;tag={unique("t")}',
    )  # fmt: skip
    assert answer.to_tag and not answer.body and not answer.has("contact")
    daemon.wait_log(
        r'GOT <hi, \u00e4\u20ac\U0001f600 \$\{EXTEN\}> from <"Al \\"the\\" Ice" <sip:alice@example.com>> '
        rf"to sip:log@{daemon.address}:5060 as text/plain, a b hello alice Message Up", after=before
    )  # fmt: skip
    daemon.wait_log(r"DONE h hi, ", after=before)


def test_a_retransmission_is_not_a_second_message(daemon, peer):
    before = len(daemon.log())
    request = message(peer, "log", b"only once")
    peer.send(request)
    first = peer.expect(202)
    peer.send(request)
    assert peer.expect(202, again=True).to_tag == first.to_tag
    send(peer, "log", 202, b"the second")
    daemon.wait_log("GOT <the second>", after=before)
    assert daemon.log()[before:].count(": GOT <only once>") == 1


def test_the_same_message_by_another_way(daemon, peer):
    """RFC 3261 8.2.2.2"""
    request = message(peer, "log")
    peer.send(request)
    peer.expect(202)
    request.headers[0] = ("Via", peer.via())
    peer.send(request)
    peer.expect(482)


def test_where_messages_go(daemon, peer):
    before = len(daemon.log())
    send(peer, "nobody", 404)
    send(peer, "call", 404)  # an extension of `context`, and there is a message_context
    send(peer, "mine", 202, b"m")
    daemon.wait_log("MINE m", after=before)
    send(peer, "mine", 404, sender="dave")  # another caller
    send(peer, "log", 202, sender="carol")  # without message_context: context
    daemon.wait_log(r'CAROL "Carol C" <333> "Carol C" <sip:333@127.0.0.1>', after=before)
    send(peer, "", 404)  # no user: extension s
    send(peer, "x" * 200, 404)
    send(peer, "%00", 400)


def test_who_may_send(daemon, peer):
    send(peer, "log", 401, sender="stranger")
    challenge = send(peer, "log", 401, sender="bob")
    assert "realm=\"here\"" in challenge.get("www-authenticate")


@pytest.mark.parametrize(
    "kind, body, status",
    [
        ("text/html", b"<b>x</b>", 202),
        ("text/plain;charset=UTF-8", b"x", 202),
        ('text/plain;charset="us-ascii"', b"x", 202),
        ("text/plain", b"", 202),
        (None, b"", 202),
        ("text/plain", b"x" * 4095, 202),
        ("text/plain", b"x" * 4096, 413),
        ("text/plain;charset=iso-8859-1", b"x", 415),
        ("message/cpim", b"x", 415),
        ("application/octet-stream", b"x", 415),
        ("multipart/mixed;boundary=a", b"--a\r\nContent-Type: text/plain\r\n\r\nx\r\n--a--\r\n", 415),
        ("text/plain", b"a\xff", 400),
        ("text/plain", b"a\x00b", 400),
        ("text/plain", b"\xed\xa0\x80", 400),
        ("text/plain", b"\xc0\x80", 400),
    ],
)
def test_bodies(daemon, kind, body, status):
    peer = daemon.peer("tcp")
    answer = send(peer, "log", status, body, kind=kind)
    assert (answer.get("accept"), answer.get("accept-encoding")) == (
        ("text/plain, text/*", "identity") if status == 415 else (None, None)
    )


@pytest.mark.parametrize(
    "kind, shown",
    [
        ("Text/Plain; charset=UTF-8;format=flowed", "Text/Plain;charset=UTF-8;format=flowed"),
        ('text/plain;charset="utf-8";x', 'text/plain;charset="utf-8";x'),
        ("text/plain;x=" + "y" * 200, "text/plain"),
        ("text/" + "z" * 200, "text/plain"),
    ],
)
def test_the_type_of_a_text(daemon, kind, shown):
    before = len(daemon.log())
    send(daemon.peer("tcp"), "log", 202, b"typed", kind=kind)
    daemon.wait_log(f"GOT <typed> .* as {re.escape(shown)}, ", after=before)


def test_what_is_required(daemon, peer):
    answer = send(peer, "log", 420, headers=[("Require", "sec-agree, tomorrow")])
    assert answer.tokens("unsupported") == ["sec-agree", "tomorrow"]
    send(peer, "log", 415, headers=[("Content-Encoding", "gzip")])
    send(peer, "log", 416, uri="http://example.com/")
    request = message(peer, "log", to_value=f"<{peer.uri('log')}>;tag=x")
    peer.send(request)
    peer.expect(481)


def test_hostile_header_fields(daemon, peer):
    before = len(daemon.log())
    other = daemon.peer()  # whose answers, with the same octets in them, are not read
    for name in (b'"\xff\xfe" ', b'"\\', b'"a\x01b" ', b'"' + b"\xe2\x82" * 400 + b'" '):
        request = message(other, "log", b"hostile")
        other.send(request.encode().replace(b"From: ", b"From: " + name, 1))
    other.send(message(other, "log", b"folded").encode().replace(b"Content-Type", b"X-Test: a\r\n\tb\r\n \x7f c\r\nContent-Type", 1))
    daemon.wait_log("GOT <folded> .*, .*c hello ", after=before)
    assert "\ufffd" not in daemon.log()[before:], "octets that are no text reached the log"


def test_messages_of_one_sender_keep_their_order(daemon, peer):
    before = len(daemon.log())
    for i in range(20):
        wait = "50" if i == 0 else "10" if i % 3 == 0 else "01"
        send(peer, "order", 202, str(i).encode(), headers=[("X-Wait", wait)])
        if i == 0:
            send(peer, "order", 202, b"first", sender="dave", headers=[("X-Wait", "01")])
    daemon.wait_log(": ORDER alice 19", after=before, timeout=10)
    lines = re.findall(r": ORDER (\w+) (\w+)", daemon.log()[before:])
    assert [text for who, text in lines if who == "alice"] == [str(i) for i in range(20)]
    assert lines.index(("dave", "first")) <= 1  # nobody waits for another's


def http_date(when):
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(when))


def test_a_message_that_nobody_wants_to_read_any_more(daemon, peer):
    before = len(daemon.log())
    past = http_date(time.time() - 100)
    send(peer, "log", 202, b"too late", headers=[("Date", past), ("Expires", "90")])
    send(peer, "log", 202, b"in time", headers=[("Date", past), ("Expires", "1000")])
    send(peer, "late", 202, b"1", headers=[("Expires", "30")])
    send(peer, "log", 202, b"waited too long", headers=[("Expires", "1")])
    send(peer, "log", 202, b"for ever", headers=[("Expires", "0")])
    send(peer, "log", 202, b"odd", headers=[("Expires", "99999999999999999999"), ("Date", "Sat, 99 Foo 2010")])
    daemon.wait_log("GOT <odd>", after=before, timeout=10)
    log = daemon.log()[before:]
    assert "GOT <in time>" in log and "LATE 1" in log and "GOT <for ever>" in log
    assert "too late" not in re.sub(r"(?m)^.*DEBUG.*$", "", log) and "GOT <waited too long>" not in log


def test_a_channel_that_cannot_talk(daemon, peer):
    before = len(daemon.log())
    send(peer, "answer", 202)
    daemon.wait_log("ANSWERED UNSUPPORTED", after=before)


# ---- too many ----


ANYBODY = "[anonymous]\ntype=endpoint\ncontext=messages\nallow=ulaw\n"


def test_a_flood_of_one_sender(start_daemon):
    peer = start_daemon(EXTENSIONS, endpoints=ANYBODY).peer()
    answers = []
    for i in range(120):
        request = message(peer, "slow", str(i).encode())
        peer.send(request)
        answers.append(peer.expect(202, 503, call_id=request.call_id))
    assert [answer.status for answer in answers] == [202] * 50 + [503] * 70
    assert answers[-1].get("retry-after") == "5"
    send(peer, "log", 202, sender="dave")  # others still may


def test_a_flood_of_many_senders(start_daemon, sanitized):
    daemon = start_daemon(EXTENSIONS, endpoints=ANYBODY)
    peer = daemon.peer()

    def flood(count, prefix):
        taken = 0
        for i in range(count):
            request = message(peer, "slow", sender=f"{prefix}{i}", body=b"x" * 1000)
            peer.send(request)
            taken += peer.expect(202, 503, call_id=request.call_id).status == 202
        return taken

    began = time.monotonic()
    assert flood(990, "a") == 990
    full = flood(200, "b")
    assert full >= 10
    if time.monotonic() - began < 4:
        assert full == 10
    if not sanitized:
        before = daemon.resident()
        flood(3000, "c")
        assert daemon.resident() - before < 4000
    daemon.wait_matches(": SLOW", 990 + full, timeout=20)
    send(peer, "slow", 202, sender="later")


# ---- out ----


def register(peer, user="alice", q=None, expires=60, count=1):
    contact = f"<sip:{user}@{peer.host}:{peer.port}>" + (f";q={q}" if q else "")
    request = peer.request("REGISTER", from_value=f"<sip:{user}@{peer.host}>;tag={unique('t')}",
                           to_value=f"<sip:{user}@{peer.host}>", headers=[("Expires", str(expires))])  # fmt: skip
    request.headers = [(n, contact if n == "Contact" else v) for n, v in request.headers]
    peer.send(request)
    peer.expect(200)


def uri(peer, user="x"):
    return f"sip:{user}@{peer.host}:{peer.port}"


def to(target):
    return [("X-To", target)]


def test_a_message_is_sent_on(daemon, peer):
    before = len(daemon.log())
    other = daemon.peer()
    text = "two\r\nlines, \u00e4\u20ac \"${EXTEN}\"".encode()
    send(peer, "relay", 202, text, headers=to(f"pjsip:alice/{uri(other)}"),
         from_value=f'"Ali, ce" <sip:alice@elsewhere.invalid>;tag={unique("t")}')  # fmt: skip
    request = received(other, status=200)
    assert request.body == text and request.get("content-type") == "text/plain"
    assert request.uri == uri(other) and request.get("to") == "<sip:x@127.0.0.1>"
    # the sender, at our own host: its domain is not ours to claim
    assert re.match(rf'"Ali, ce" <sip:alice@{re.escape("127.0.0.1")}>;tag=', request.get("from")) or re.match(
        rf'"Ali, ce" <sip:alice@{re.escape(daemon.address)}>;tag=', request.get("from")
    ), request.get("from")
    assert not request.has("x-to")
    daemon.wait_log("SENT SUCCESS", after=before)


@pytest.mark.parametrize("status, said", [(200, "SUCCESS"), (202, "SUCCESS"), (404, "FAILURE"), (302, "FAILURE"), (603, "FAILURE")])
def test_what_comes_of_it(daemon, peer, status, said):
    before = len(daemon.log())
    other = daemon.peer()
    send(peer, "relay", 202, headers=to(f"pjsip:alice/{uri(other)}"))
    received(other, status=status, headers=[("Contact", "<sip:z@192.0.2.1>")] if status == 302 else ())
    daemon.wait_log(f"SENT {said}", after=before)


@pytest.mark.parametrize(
    "target, said",
    [
        ("xmpp:alice", "INVALID_PROTOCOL"),
        ("alice", "INVALID_PROTOCOL"),
        ("", "INVALID_URI"),
        ("pjsip:", "INVALID_URI"),
        ("pjsip:nobody", "INVALID_URI"),
        ("pjsip:nobody/sip:x@127.0.0.1", "INVALID_URI"),
        ("pjsip:alice/", "INVALID_URI"),
        ("pjsip:alice/sip:", "INVALID_URI"),
        ("pjsip:alice/tel:123", "INVALID_URI"),
        ("pjsip:alice/\"x\" <sip:x@127.0.0.1", "INVALID_URI"),
        ("sip:@", "INVALID_URI"),
        ("pjsip:dave", "FAILURE"),  # no contact
        ("pjsip:" + "x" * 3000, "INVALID_URI"),
        ("pjsip:alice/sip:" + "x" * 3000 + "@127.0.0.1", "INVALID_URI"),
    ],
)
def test_destinations_that_are_none(daemon, peer, target, said):
    before = len(daemon.log())
    tcp = daemon.peer("tcp")
    send(tcp, "relay", 202, headers=to(target) if target else ())
    daemon.wait_log(f"SENT {said}", after=before)


@pytest.mark.parametrize("form", ["pjsip:carol/{uri}", 'pjsip:carol/"N, m" <{uri}>', "pjsip:carol/{bare}", "{uri}", "pjsip:{uri}", "pjsip:<{uri}>",
                                  "pjsip:{bare}"])  # fmt: skip
def test_forms_of_destinations(daemon, peer, form):
    other = daemon.peer()
    target = form.format(uri=uri(other), bare=uri(other)[4:])
    send(peer, "relay", 202, headers=to(target))
    request = received(other, status=200)
    assert request.uri == uri(other)
    by_carol = "carol" in form
    assert ("<sip:account@trunk.invalid>" in request.get("from")) == by_carol


def test_from_and_to(daemon, peer):
    other = daemon.peer()

    def ask(user, target, said, **fields):
        before = len(daemon.log())
        headers = [("X-To", target), *((f"X-{name.title()}", value) for name, value in fields.items())]
        send(peer, user, 202, headers=headers)
        request = received(other, status=200) if said == "SUCCESS" else None
        daemon.wait_log(f"SENT {said}", after=before)
        return request

    target = f"pjsip:alice/{uri(other)}"
    request = ask("from", target, "SUCCESS", **{"from": '"B, \\"b" <sip:bob@example.com:5070>'}, other='"You" <sip:you@example.com>')
    assert request.get("from").startswith('"B, \\"b" <sip:bob@example.com>;tag=')
    assert request.get("to") == '"You" <sip:you@example.com>'
    assert ask("from", target, "SUCCESS", **{"from": "1000"}).get("from").startswith("<sip:1000@127.")
    # the endpoint's own options have the last word
    carol = ask("from", f"pjsip:carol/{uri(other)}", "SUCCESS", **{"from": '"B" <sip:bob@example.com>'})
    assert carol.get("from").startswith('"B" <sip:account@trunk.invalid>;tag=')
    for wrong in ("<sip:a@b", "a b", "sip:x@exa mple", '"x', "<http://x>"):
        ask("from", target, "FAILURE", **{"from": wrong})
    ask("from", target, "FAILURE", other="<sip:x")


def test_a_sender_who_hides(daemon, peer):
    """RFC 3323, RFC 3325"""
    other = daemon.peer()
    send(peer, "relay", 202, headers=[*to(f"pjsip:alice/{uri(other)}"), ("Privacy", "id")])
    request = received(other, status=200)
    assert request.get("from").startswith('"Anonymous" <sip:anonymous@anonymous.invalid>;tag=') and not request.has("privacy")
    send(peer, "relay", 202, headers=[*to(f"pjsip:carol/{uri(other)}"), ("Privacy", "id")])
    assert received(other, status=200).get("privacy") == "id"


def test_header_fields(daemon, peer):
    before = len(daemon.log())
    other = daemon.peer()
    send(peer, "fields", 202, b"a\r\nX-Injected: 1\r\n\r\nb", headers=[*to(f"pjsip:alice/{uri(other)}"), ("Subject", "s")])
    request = received(other, status=200)
    assert (request.get("x-one"), request.get("subject")) == ("1", "s!")
    for name in ("x-two", "x-evil", "x-injected", "contact", "x-to"):
        assert not request.has(name)
    assert len(request.all("via")) == 1
    daemon.wait_log("SENT SUCCESS", after=before)


def test_header_fields_that_go_along(daemon, peer):
    other = daemon.peer()
    send(peer, "marked", 202, b"x", headers=[*to(f"pjsip:alice/{uri(other)}"), ("X-Test", "1"), ("Subject", "s"), ("Supported", "path")])
    request = received(other, status=200)
    assert (request.get("x-test"), request.get("subject"), request.body) == ("1", "s", b"other")
    assert request.get("content-type") == "text/html;charset=utf-8"
    assert request.get("from").startswith('"An, other" <sip:another@example.com>;tag=')
    assert len(request.all("from")) == len(request.all("call-id")) == len(request.all("cseq")) == 1


def test_a_challenge_is_answered(daemon, peer):
    before = len(daemon.log())
    other = daemon.peer()
    send(peer, "relay", 202, headers=to(f"pjsip:carol/{uri(other)}"))
    first = received(other, status=401, headers=[("WWW-Authenticate", 'Digest realm="there", nonce="n", algorithm=MD5, qop="auth"')])
    second = received(other, status=200)
    assert 'username="carol"' in second.get("authorization") and second.cseq == first.cseq + 1
    daemon.wait_log("SENT SUCCESS", after=before)


def test_a_redirection_is_followed(daemon, peer):
    """To its contacts by their q, each once; who asks there for a password gets it (RFC 3261 8.1.3.4)."""
    before = len(daemon.log())
    first, best, other = (daemon.peer() for _ in range(3))
    contacts = f"<{uri(other, 'other')}>;q=0.3, <{uri(best, 'best')}>;q=0.8"
    send(peer, "relay", 202, headers=to(f"pjsip:carol/{uri(first)}"))
    asked = received(first, status=302, headers=[("Contact", f"{contacts}, <{uri(first)}>")])
    received(best, status=503, headers=[("Contact", contacts)])
    challenge = [("WWW-Authenticate", 'Digest realm="there", nonce="n", algorithm=MD5, qop="auth"')]
    again = received(other, status=401, headers=challenge)
    assert again.start.split()[1].startswith("sip:other@") and again.get("authorization") is None
    authenticated = received(other, status=200)
    assert 'username="carol"' in authenticated.get("authorization") and authenticated.body == asked.body
    daemon.wait_log("SENT SUCCESS", after=before)
    first.expect_nothing(0.3)


def test_a_redirection_that_is_not_followed(daemon, peer):
    """`redirect_method` is for calls."""
    before = len(daemon.log())
    first, other = daemon.peer(), daemon.peer()
    send(peer, "relay", 202, headers=to(f"pjsip:alice/{uri(first)}"))
    received(first, status=302, headers=[("Contact", f"<{uri(other)}>")])
    daemon.wait_log("SENT FAILURE", after=before)
    other.expect_nothing(0.3)


def test_contacts_one_after_the_other(daemon, peer):
    """The best q first; 503 and 408 lead to the next one, a refusal does not."""
    best, middle, worst = (daemon.peer() for _ in range(3))
    for one, q in ((middle, "0.5"), (worst, "0.1"), (best, "0.9")):
        register(one, q=q)
    before = len(daemon.log())
    send(peer, "relay", 202, headers=to("pjsip:alice@wherever"))
    received(best, status=503)
    received(middle, status=408)
    received(worst, status=200)
    daemon.wait_log("SENT SUCCESS", after=before)
    before = len(daemon.log())
    send(peer, "relay", 202, headers=to("pjsip:alice/alice"))
    received(best, status=486)
    daemon.wait_log("SENT FAILURE", after=before)
    middle.expect_nothing(0.3)
    for one in (best, middle, worst):
        register(one, expires=0)


def test_a_flow_that_failed(daemon, peer):
    """RFC 5626 7: 430 of the proxy before a phone is not the phone's answer."""
    one, two = daemon.peer(), daemon.peer()
    register(one, q="0.9")
    register(two, q="0.5")
    before = len(daemon.log())
    send(peer, "relay", 202, headers=to("pjsip:alice@wherever"))
    received(one, status=430)
    received(two, status=200)
    daemon.wait_log("SENT SUCCESS", after=before)
    for other in (one, two):
        register(other, expires=0)


def test_from_a_call(daemon, peer):
    other = daemon.peer()
    register(other)
    for user, body, sender in (("call", b"from a call", "sip:sipsession@"), ("none", b"", "sip:bob@")):
        before = len(daemon.log())
        call = Call(peer, user, from_value=f"<sip:alice@{peer.host}>")
        call.establish()
        request = received(other, status=200)
        assert request.body == body and sender in request.get("from")
        daemon.wait_log("SENT SUCCESS", after=before)
        peer.respond(call.expect("BYE"), 200)
    register(other, expires=0)


def test_hang_up_while_a_message_is_on_its_way(daemon, peer):
    other = daemon.peer()
    register(other)
    call = Call(peer, "call", from_value=f"<sip:alice@{peer.host}>")
    call.establish()
    request = received(other)
    call.hang_up()
    other.respond(request, 200)
    register(other, expires=0)
    daemon.check_no_calls()


def test_over_ipv6(daemon):
    before = len(daemon.log())
    peer, other = (daemon.peer(remote=daemon.udp6) for _ in range(2))
    send(peer, "relay", 202, b"six", headers=to(f"pjsip:alice/{uri(other)}"))
    request = received(other, status=200)
    assert request.body == b"six" and request.get("from").startswith("<sip:alice@[::1]>;tag=")
    daemon.wait_log("SENT SUCCESS", after=before)
    send(peer, "log", 202, b"6")
    daemon.wait_log(r"GOT <6> from <<sip:alice@\[::1\]>> to sip:log@\[::1\]", after=before)


# ---- long ones (RFC 3428 8) ----


def listen(port):
    server = socket.socket()
    server.bind(("127.0.0.1", port))
    server.listen()
    server.settimeout(5)
    return server


def test_what_is_too_long_for_udp_goes_by_tcp(daemon, peer):
    before = len(daemon.log())
    other = daemon.peer()  # UDP
    with listen(other.port) as server:
        send(peer, "relay", 202, b"x" * 700, headers=to(f"pjsip:alice/{uri(other)}"))
        assert received(other, status=200).get("via").startswith("SIP/2.0/UDP")
        daemon.wait_log("SENT SUCCESS", after=before)
        sender = daemon.peer("tcp")
        send(sender, "relay", 202, b"x" * 1200, headers=to(f"pjsip:alice/{uri(other)}"))
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            data = b""
            while not data.endswith(b"x" * 1200):
                data += connection.recv(65536)
            request = Message.parse(data)
            assert request.get("via").startswith("SIP/2.0/TCP")
            other.expect_nothing(0.2)
            connection.sendall(data[:0] + answer_to(request))
            daemon.wait_log("SENT SUCCESS[^$]*SENT SUCCESS", after=before)


def answer_to(request):
    kept = [(n, v + (";tag=z" if n == "To" else "")) for n, v in request.headers if n.lower() in ("via", "from", "to", "call-id", "cseq")]
    return Message("SIP/2.0 200 OK", kept).encode()


def test_what_is_too_long_and_has_no_tcp(daemon):
    before = len(daemon.log())
    peer = daemon.peer("tcp")
    other = daemon.peer()
    send(peer, "relay", 202, b"x" * 1200, headers=to(f"pjsip:fixed/{uri(other)}"))
    daemon.wait_log("where 1300 are allowed", after=before)
    daemon.wait_log("SENT FAILURE", after=before)
    send(peer, "relay", 202, b"x" * 1200, headers=to(f"pjsip:alice/{uri(other)}"))  # nobody listens
    daemon.wait_log("SENT FAILURE[^$]*SENT FAILURE", after=before, timeout=10)
    other.expect_nothing(0.2)


# ---- clients that others wrote ----


def test_sipp_writes(daemon, tmp_path):
    before = len(daemon.log())
    good, bad, errors = clients.sipp(
        daemon, tmp_path, "log", "message", calls=50, rate=50,
        options=["-au", "bob", "-ap", "secret", "-auth_uri", f"log@{daemon.address}:{daemon.port}"],
    )  # fmt: skip
    assert (good, bad) == (50, 0), errors
    texts = daemon.wait_matches(r": GOT <message number (\d+)>", 50, after=before)
    assert sorted(map(int, texts)) == list(range(1, 51))


def test_sipp_reads(daemon, peer, tmp_path):
    before = len(daemon.log())
    port = clients.local_port()
    command = [clients.program("sipp"), "-sf", str(clients.SCENARIOS / "message_uas.xml"), "-i", "127.0.0.1", "-p", str(port), "-m", "20", "-nostdin"]
    client = clients.Client("sipp", command, tmp_path)
    try:
        for _ in range(20):
            send(peer, "relay", 202, headers=to(f"pjsip:alice/sip:sipp@127.0.0.1:{port}"))
        assert client.wait(20) == 0
    finally:
        client.kill()
    assert len(daemon.wait_matches(": SENT SUCCESS", 20, after=before)) == 20


def test_pjsua_writes_and_reads(daemon, peer, tmp_path):
    before = len(daemon.log())
    client = clients.pjsua(
        tmp_path, None, None, None,
        ["--id=sip:dave@127.0.0.1", f"--registrar=sip:{daemon.address}:{daemon.port}", "--no-tcp"],
    )  # fmt: skip
    try:
        client.wait_for("registration success, status=200")
        for line in ("i", f"sip:log@{daemon.address}:{daemon.port}", "from \u00e4 pjsua"):
            client.console(line)
        daemon.wait_log(": GOT <from \u00e4 pjsua> from <<sip:dave@127.0.0.1>>", after=before)
        send(peer, "relay", 202, b"to pjsua", headers=to("pjsip:dave"))
        client.wait_for("MESSAGE from")
        assert re.search(r"MESSAGE from .*<?sip:alice@.*: to pjsua \(text/plain\)", client.text())
        daemon.wait_log(": SENT SUCCESS", after=before)
        client.console("q")
        client.wait(15)
    finally:
        client.kill()


def test_baresip_writes_and_reads(daemon, peer, tmp_path):
    before = len(daemon.log())
    client = clients.baresip_messages(
        tmp_path, f"<sip:dave@{daemon.address}:{daemon.port}>;regint=60", f'"Log" <sip:log@{daemon.address}:{daemon.port}>',
        ["/message from baresip"],
    )  # fmt: skip
    try:
        daemon.wait_log(": GOT <from baresip> from <.*sip:dave@", after=before, timeout=10)
        client.wait_for("200 OK")
        send(peer, "relay", 202, b"to baresip", headers=to("pjsip:dave"))
        daemon.wait_log(": SENT SUCCESS", after=before)  # without a terminal baresip shows nothing
    finally:
        client.kill()


# ---- the end ----


def test_the_daemon_stops_while_messages_wait(start_daemon):
    daemon = start_daemon(EXTENSIONS, endpoints=ENDPOINTS)
    peer, other = daemon.peer(), daemon.peer()
    for i in range(5):
        send(peer, "slow", 202)
        send(peer, "relay", 202, sender="dave", headers=to(f"pjsip:alice/{uri(other)}"))
    received(other)
    daemon.stop()


def test_without_the_module(start_daemon):
    daemon = start_daemon("[messages]\nexten = log,1,Verbose(1,x)\n", endpoints=ENDPOINTS, modules=["sdp_rtp"])
    peer = daemon.peer()
    refused = send(peer, "log", 405)
    assert "MESSAGE" not in refused.tokens("allow")
