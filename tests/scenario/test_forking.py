# SPDX-License-Identifier: GPL-2.0-or-later
"""An INVITE of the daemon's that is forked: the branches are peers that answer one INVITE, each with a To tag."""

import time

import pytest
from support.caller import challenge, check_digest, contact, respond
from support.daemon import free_port
from support.drive import Called, Drive
from support.tls import Authority, TlsPeer
from support.wire import Message, audio_sdp

ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw

[carrier]
type = endpoint
allow = !all,ulaw
outbound_auth = carrier

[carrier]
type = auth
username = 4711
password = secret

[tls]
type = transport
protocol = tls
bind = 127.0.0.1:{port}
cert_file = {cert}
priv_key_file = {key}
"""


@pytest.fixture(scope="module")
def tls_port():
    return free_port("127.0.0.1")


@pytest.fixture(scope="module")
def daemon_options(api_module, record_path, tls_port, tmp_path_factory):
    cert, key = Authority(tmp_path_factory.mktemp("certificates")).issue("server", "IP:127.0.0.1")
    return {
        "modules": ["sdp_rtp", api_module("api_outgoing")],
        "env": {"SIPSESSION_API_LOG": str(record_path)},
        "endpoints": ENDPOINTS.format(port=tls_port, cert=cert, key=key),
        "system": "type = system\ntimer_t1 = 100\ntimer_b = 2000\n",
    }


class Forks:
    """A proxy that is not seen, and three phones behind it."""

    def __init__(self, daemon, caller, *words, proxy=None):
        self.caller = caller
        self.proxy = proxy or daemon.peer()
        self.phones = {tag: daemon.peer() for tag in "ABC"}
        caller.dial("carrier", f"sip:x@{self.proxy.host}:{self.proxy.port};transport={self.proxy.transport}", *words)
        self.invite = self.proxy.expect("INVITE")

    def respond(self, status, tag, headers=(), body=b""):
        """The phone's Contact; its way leads by the proxy."""
        self.answer_as(self.phones[tag], tag, status, headers, body)

    def answer_as(self, phone, tag, status=200, headers=(), body=b""):
        copied = []
        for name, value in self.invite.headers:
            if name.lower() == "to":
                value = f"{value};tag={tag}"
            if name.lower() in ("via", "from", "to", "call-id", "cseq"):
                copied.append((name, value))
        if 100 < status < 300:
            copied.append(contact(phone, tag))
        if body:
            copied.append(("Content-Type", "application/sdp"))
        self.proxy.send(Message(f"SIP/2.0 {status} Because", copied + list(headers), body))

    def sdp(self, tag):
        return audio_sdp(self.phones[tag].port)

    def early(self):
        return [line for line in self.caller.lines() if line.startswith("early")]

    def finish(self, tag):
        self.caller.hang_up()
        phone = self.phones[tag]
        bye = phone.expect("BYE")
        assert bye.to_tag == tag
        phone.respond(bye, 200)
        self.caller.wait("end 200")


@pytest.fixture
def forks(daemon, caller):
    return Forks(daemon, caller)


def test_branches_are_told_apart(forks, caller):
    assert "199" in forks.invite.tokens("supported"), "RFC 6228 4"
    forks.respond(180, "A")
    forks.respond(180, "B")
    forks.respond(180, "C")
    forks.respond(199, "A")
    forks.respond(183, "B")
    forks.respond(200, "B", body=forks.sdp("B"))
    ack = forks.phones["B"].expect("ACK")
    assert ack.to_tag == "B"
    caller.wait("confirmed")
    assert forks.early() == [
        "early A alive 180",
        "early B alive 180",
        "early C alive 180",
        "early A gone 199",
        "early B alive 183",
        "early B won 200",
        "early C lost 180",
    ]
    forks.finish("B")


def test_later_answers_get_ack_and_bye(forks, caller):
    """RFC 3261 13.2.2.4: the first 2xx has the session."""
    forks.respond(180, "A")
    forks.respond(180, "B")
    forks.respond(200, "A", body=forks.sdp("A"))
    forks.phones["A"].expect("ACK")
    forks.respond(200, "B", body=forks.sdp("B"))
    b = forks.phones["B"]
    assert b.expect("ACK").to_tag == "B"
    bye = b.expect("BYE")
    assert bye.to_tag == "B" and bye.uri.startswith("sip:B@")
    forks.respond(200, "B", body=forks.sdp("B"))  # the ACK was lost
    assert b.expect("ACK", skip=("BYE",), again=True).to_tag == "B"
    b.respond(bye, 200)
    caller.wait("early B lost 200")
    forks.respond(200, "C", body=forks.sdp("C"))  # never rang
    c = forks.phones["C"]
    c.expect("ACK")
    c.respond(c.expect("BYE"), 200)
    caller.wait("early C lost 200")
    assert not [line for line in caller.lines() if line.startswith("end")], "the session goes on"
    forks.finish("A")


def test_more_answers_than_anybody_has(forks, caller):
    """Each that is ended takes a dialog and a BYE: there are 16 at a time, and more when those are through."""
    forks.respond(200, "A", body=forks.sdp("A"))
    forks.phones["A"].expect("ACK")
    b = forks.phones["B"]
    for number in range(60):
        forks.answer_as(b, f"many{number}")
    ended = {message.to_tag: message for message in b.so_far() if not message.is_response and message.method == "BYE"}
    assert len(ended) == 16
    for bye in ended.values():
        b.respond(bye, 200)
    late = []
    for _ in range(40):  # their transactions end with timer K
        forks.answer_as(b, "late")
        late = [message for _, message in b.drain(0.25) if not message.is_response and message.method == "BYE"]
        if late:
            break
    assert late[0].to_tag == "late"
    b.respond(late[0], 200)
    forks.finish("A")


@pytest.mark.parametrize("method, status", [("BYE", 200), ("INFO", 481), ("INVITE", 481), ("UPDATE", 481), ("OPTIONS", 481)])
def test_requests_of_a_branch_that_lost(forks, caller, method, status):
    """They cross our BYE (RFC 5407 2), which this branch never answers."""
    forks.respond(200, "A", body=forks.sdp("A"))
    forks.phones["A"].expect("ACK")
    b = forks.phones["B"]
    forks.respond(200, "B", body=forks.sdp("B"))
    b.expect("ACK")
    b.expect("BYE")
    invite = forks.invite
    b.send(
        b.request(method, uri=invite.contact_uri, call_id=invite.call_id, from_value=f"{invite.get('to')};tag=B", to_value=invite.get("from"))
    )
    answer = b.expect(status, skip=(100, "BYE"))
    assert answer.method == method
    forks.finish("A")


def test_the_daemon_ends_before_a_branch_that_lost(start_daemon, api_module, tmp_path):
    """Nothing of its dialog is left: a sanitizer's build tells."""
    record = tmp_path / "record"
    daemon = start_daemon(modules=["sdp_rtp", api_module("api_drive")], env={"SIPSESSION_API_LOG": str(record)})
    drive, peer = Drive(daemon, record), daemon.peer()
    called = drive.call(peer)
    called.accept()
    Called(peer, called.first, tag="lost").reply(200)
    peer.expect("ACK")
    peer.expect("BYE")
    called.send("BYE")
    called.expect(200, skip=("BYE",))
    drive.close()


def test_the_end_of_a_losing_branch_is_challenged(forks, caller):
    forks.respond(200, "A", body=forks.sdp("A"))
    forks.phones["A"].expect("ACK")
    forks.respond(200, "B", body=forks.sdp("B"))
    b = forks.phones["B"]
    b.expect("ACK")
    b.respond(b.expect("BYE"), 401, headers=[("WWW-Authenticate", challenge("r", "n1"))])
    bye = b.expect("BYE")
    check_digest(bye, "Authorization", "4711", "secret", "r", "n1")
    b.respond(bye, 200)
    b.expect_nothing(0.3)
    forks.finish("A")


def test_prack_goes_to_its_branch(forks, caller):
    """RFC 3262 4: each branch numbers its responses, and has its own target and route."""
    for number in range(2):
        for tag, phone in forks.phones.items():
            headers = [
                ("Require", "100rel"),
                ("RSeq", str(100 * (1 + "ABC".index(tag)) + number)),
                ("Record-Route", f"<sip:{phone.host}:{phone.port};lr;of={tag}>"),
            ]
            forks.respond(180, tag, headers)
            prack = phone.expect("PRACK")
            assert prack.to_tag == tag and prack.uri.startswith(f"sip:{tag}@")
            assert prack.get("rack") == f"{100 * (1 + 'ABC'.index(tag)) + number} {forks.invite.cseq} INVITE"
            assert f"of={tag}" in prack.get("route")
            phone.respond(prack, 200)
    forks.respond(486, "A")
    forks.proxy.expect("ACK")
    caller.wait("end 486")
    assert forks.early()[-3:] == ["early A gone 180", "early B gone 180", "early C gone 180"]


def test_hung_up_while_branches_ring(forks, caller):
    """One CANCEL for all (RFC 3261 9.1); a branch that answered nevertheless is acknowledged and ended."""
    forks.respond(180, "A")
    forks.respond(180, "B")
    caller.wait("early B alive 180")
    caller.hang_up()
    cancel = forks.proxy.expect("CANCEL")
    forks.proxy.respond(cancel, 200)
    forks.respond(200, "A", body=forks.sdp("A"))
    a = forks.phones["A"]
    a.expect("ACK")
    bye = a.expect("BYE")
    forks.respond(200, "B", body=forks.sdp("B"))
    b = forks.phones["B"]
    b.expect("ACK")
    b.respond(b.expect("BYE"), 200)
    a.respond(bye, 200)
    caller.wait("end 487")


def test_refused_by_all(forks, caller):
    forks.respond(180, "A")
    forks.respond(180, "B")
    forks.respond(603, "B")
    forks.proxy.expect("ACK")
    caller.wait("end 603")
    assert forks.early() == ["early A alive 180", "early B alive 180", "early A gone 180", "early B gone 180"]


@pytest.mark.parametrize("answered", [True, False])
def test_an_answer_without_a_tag(forks, caller, answered):
    """RFC 3261 8.2.6.2 wants one: it makes no dialog, whether another branch has answered or refused."""
    if answered:
        forks.respond(200, "A", body=forks.sdp("A"))
        forks.phones["A"].expect("ACK")
    else:
        forks.respond(486, "B")
        forks.proxy.expect("ACK")
    headers = [(name, value) for name, value in forks.invite.headers if name.lower() in ("via", "from", "to", "call-id", "cseq")]
    forks.proxy.send(Message("SIP/2.0 200 OK", [*headers, contact(forks.phones["C"], "C")]))
    forks.phones["C"].expect_nothing(0.2)
    if answered:
        forks.finish("A")
    else:
        caller.wait("end 486")


@pytest.fixture(params=["udp", "tcp", "tls"])
def forks_over(request, daemon, caller, tls_port):
    """Behind a proxy on each transport."""
    proxy = TlsPeer(("127.0.0.1", tls_port)) if request.param == "tls" else daemon.peer(request.param)
    daemon.peers.append(proxy)
    return Forks(daemon, caller, proxy=proxy)


@pytest.mark.parametrize("tag", ["A", "C"])
def test_answered_after_the_refusal(forks_over, caller, tag):
    """A proxy that does not wait for all branches: ACK and BYE for one that rang (A), or never did (C)."""
    forks = forks_over
    forks.respond(180, "A")
    forks.respond(486, "B")
    assert forks.proxy.expect("ACK").to_tag == "B"
    caller.wait("end 486")
    forks.respond(200, tag, body=forks.sdp(tag))
    phone = forks.phones[tag]
    ack = phone.expect("ACK")
    assert (ack.to_tag, ack.cseq) == (tag, forks.invite.cseq)
    bye = phone.expect("BYE")
    assert (bye.to_tag, bye.cseq) == (tag, forks.invite.cseq + 1) and bye.uri.startswith(f"sip:{tag}@")
    forks.respond(200, tag, body=forks.sdp(tag))  # the ACK was lost
    assert phone.expect("ACK", skip=("BYE",), again=True).to_tag == tag
    phone.respond(bye, 401, headers=[("WWW-Authenticate", challenge("r", "n1"))])
    bye = phone.expect("BYE", skip=("ACK",))
    check_digest(bye, "Authorization", "4711", "secret", "r", "n1")
    phone.respond(bye, 200)
    forks.respond(486, "B")  # the ACK of the refusal was lost, too
    assert forks.proxy.expect("ACK", again=True).to_tag == "B"
    forks.proxy.expect_nothing(0.2)
    phone.expect_nothing(0.2)


def test_answered_after_the_cancel(forks_over, caller):
    """The proxy said 487 for all, and yet one had answered."""
    forks = forks_over
    forks.respond(180, "A")
    caller.wait("early A alive 180")
    caller.hang_up()
    forks.proxy.respond(forks.proxy.expect("CANCEL"), 200)
    forks.respond(487, "B")
    forks.proxy.expect("ACK")
    caller.wait("end 487")
    forks.respond(200, "A", body=forks.sdp("A"))
    phone = forks.phones["A"]
    phone.expect("ACK")
    phone.respond(phone.expect("BYE"), 200)


def test_proxy_goes_after_the_refusal(forks_over, caller, daemon):
    """While the INVITE is remembered its connection breaks: nothing else happens."""
    forks_over.respond(486, "B")
    forks_over.proxy.expect("ACK")
    caller.wait("end 486")
    forks_over.proxy.close()
    daemon.peers.remove(forks_over.proxy)
    forks = Forks(daemon, caller)
    forks.respond(200, "A", body=forks.sdp("A"))
    forks.phones["A"].expect("ACK")
    forks.finish("A")


def test_answers_after_the_refusal_without_end(forks, caller):
    """Of one INVITE no more than 16 are ended at a time; the daemon goes on."""
    forks.respond(486, "B")
    forks.proxy.expect("ACK")
    for number in range(80):
        respond(forks.proxy, forks.invite, 200, f"t{number}")
    tags, end = set(), time.monotonic() + 1.5
    while time.monotonic() < end:
        request = forks.proxy.receive(0.2)
        if request is not None and request.method == "BYE":
            tags.add(request.to_tag)
            forks.proxy.respond(request, 200)
    assert len(tags) == 16


def test_reinvite_answered_after_its_refusal(forks, caller):
    """A peer that refuses a re-INVITE and then accepts it: the refusal stands, and so does the call."""
    forks.respond(200, "A", body=forks.sdp("A"))
    a = forks.phones["A"]
    a.expect("ACK")
    caller.wait("confirmed")
    caller.ask("X-Reinvite")
    reinvite = a.expect("INVITE")
    a.respond(reinvite, 488)
    a.expect("ACK")
    a.respond(reinvite, 200, body=forks.sdp("A"))
    assert a.expect("ACK", again=True).cseq == reinvite.cseq
    a.expect_nothing(0.3)
    forks.finish("A")


def test_media_of_the_branch_that_answers(forks, caller):
    """Early media of one branch, the answer by another with an SDP of its own (RFC 6337 3.1.1)."""
    forks.respond(183, "A", body=forks.sdp("A"))
    forks.respond(183, "B", body=forks.sdp("B"))
    forks.respond(200, "A", body=forks.sdp("A"))
    forks.phones["A"].expect("ACK")
    caller.wait("confirmed")
    forks.finish("A")


def test_answered_at_once(forks, caller):
    """A branch whose first word is its answer."""
    respond(forks.proxy, forks.invite, 200, "new", body=audio_sdp(forks.proxy.port))
    assert forks.proxy.expect("ACK").to_tag == "new"
    caller.hang_up()
    forks.proxy.respond(forks.proxy.expect("BYE"), 200)
    caller.wait("end 200")
    assert forks.early() == ["early new won 200"]
