# SPDX-License-Identifier: GPL-2.0-or-later
"""REGISTER: who may, what is kept and for how long, what outlives the process (RFC 3261 10, RFC 3327)."""

import os
import random
import re
import signal
import socket
import sqlite3
import struct
import time

import pytest
from support.caller import caller_of_phones, check_digest, expect_call
from support.clients import baresip_registration, sipp
from support.daemon import Daemon
from support.peer import Call, Peer, unique
from support.phone import Phone, bindings, phone
from support.wire import parameter

EXTENSIONS = "[default]\nexten = ring,1,Wait(60)\n"


ENDPOINTS = (
    phone("alice", "max_contacts = 1")
    + phone("bob", "max_contacts = 2\nremove_existing = yes")
    + phone("carol", "max_contacts = 5\nminimum_expiration = 100\ndefault_expiration = 300\nmaximum_expiration = 600")
    + phone("dave", "max_contacts = 1\nsupport_path = yes")
    + phone("erin", "max_contacts = 0")
    + phone("frank", "max_contacts = 5", "rewrite_contact = yes")
    + phone("grace", "max_contacts = 2\nqualify_frequency = 2\nqualify_timeout = 1\nremove_unavailable = yes")
    + phone("ken", "max_contacts = 1", "rewrite_contact = yes")
    + phone("judy", "max_contacts = 1\nqualify_frequency = 60\nqualify_timeout = 1.5")
    + phone("many", "max_contacts = 1000")
    + phone("ivan@Example.test", "max_contacts = 2").replace("[ivan@Example.test]", "[ivan]", 1)
    + phone("heidi", "max_contacts = 1", "auth = heidi")
    + "\n[heidi]\ntype = auth\nusername = heidi\npassword = secret\n"
    + "".join(phone(f"p{number}", "max_contacts = 3") for number in range(40))
    + "\n[none]\ntype = endpoint\nallow = ulaw\n"
    + "\n[fixed]\ntype = endpoint\nallow = ulaw\naors = fixed\n"
    + "\n[fixed]\ntype = aor\ncontact = sip:a@127.0.0.1:9,sip:b@127.0.0.1:9\n"
)


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": ENDPOINTS}


@pytest.fixture
def daemon(shared_daemon):
    return shared_daemon


# ---- what is kept ----


def test_register_and_fetch(daemon):
    phone = Phone(daemon, "alice")
    assert phone.bindings() == {}
    answer = phone.register("<sip:alice@127.0.0.1:7000>;q=0.5", expires=1000)
    assert 998 <= bindings(answer)["sip:alice@127.0.0.1:7000"] <= 1000
    assert parameter(answer.get("contact"), "q") == "0.5"
    assert re.match(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT\Z", answer.get("date"))
    assert 998 <= phone.bindings()["sip:alice@127.0.0.1:7000"] <= 1000
    assert 498 <= bindings(phone.register("<sip:alice@127.0.0.1:7000>", expires=500))["sip:alice@127.0.0.1:7000"] <= 500
    assert bindings(phone.register("<sip:alice@127.0.0.1:7000>;expires=0")) == {}
    assert phone.bindings() == {}


def test_expirations(daemon):
    phone = Phone(daemon, "carol")
    answer = phone.register("<sip:a@h>", expires=99, status=423)
    assert answer.get("min-expires") == "100"
    phone.register("<sip:a@h>;expires=1", expires=500, status=423)
    found = bindings(phone.register("<sip:a@h>", "<sip:b@h>;expires=99999999", "<sip:c@h>;expires=100"))
    assert 298 <= found["sip:a@h"] <= 300 and 598 <= found["sip:b@h"] <= 600 and 98 <= found["sip:c@h"] <= 100
    assert bindings(phone.register("<sip:b@h>;expires=0", "<sip:c@h>;expires=200", "<sip:d@h>", expires=150)).keys() == {
        "sip:a@h", "sip:c@h", "sip:d@h",
    }  # fmt: skip
    phone.register("<sip:e@h>", "<sip:c@h>;expires=3", status=423)  # all or nothing
    assert "sip:e@h" not in phone.bindings()
    assert bindings(phone.clear()) == {}


def test_a_time_that_is_none(daemon):
    """RFC 3261 20.10: it counts as an hour; it does not end the binding."""
    phone = Phone(daemon, "p2")
    phone.register("<sip:a@h>")
    assert 3598 <= bindings(phone.register("<sip:a@h>;expires=abc"))["sip:a@h"] <= 3600
    assert 7198 <= bindings(phone.register("<sip:a@h>;expires=4294967296"))["sip:a@h"] <= 7200
    answer = phone.register("<sip:a@h>", "<sip:b@h>;expires=60", expires=4294967296)  # the header likewise
    found = bindings(answer)
    assert 7198 <= found["sip:a@h"] <= 7200 and 58 <= found["sip:b@h"] <= 60
    phone.clear()


def test_star_is_alone_and_ends_all(daemon):
    phone = Phone(daemon, "carol")
    phone.register("<sip:a@h>", "<sip:b@h>")
    phone.register("*", status=400)
    phone.register("*", expires=10, status=400)
    phone.register("*", "<sip:a@h>", expires=0, status=400)
    assert len(phone.bindings()) == 2
    assert bindings(phone.clear()) == {}


def test_order_of_requests(daemon):
    """An older request of the same Call-ID fails; one of another Call-ID may do anything."""
    phone, other = Phone(daemon, "carol"), Phone(daemon, "carol")
    phone.register("<sip:a@h>", cseq=10)
    phone.register("<sip:a@h>;expires=0", cseq=9, status=500)
    phone.register("<sip:a@h>;expires=0", cseq=10, status=500)
    phone.register("*", expires=0, cseq=3, status=500)
    assert other.bindings().keys() == {"sip:a@h"}
    assert bindings(other.register("<sip:a@h>;expires=0")) == {}


def test_the_same_uri(daemon):
    """RFC 3261 19.1.4: case of the host, escapes and the order of parameters do not make another contact."""
    phone = Phone(daemon, "carol")
    phone.register("<sip:a%62@H.example;transport=udp;x=1>")
    phone.register("<sip:ab@h.EXAMPLE;x=1;transport=udp>")
    assert len(phone.bindings()) == 1
    phone.register("<sip:AB@h.example;x=1;transport=udp>")
    assert len(phone.bindings()) == 2
    phone.clear()


@pytest.mark.parametrize("q, listed", [("0", "0.0"), ("0.05", "0.05"), ("0.125", "0.125"), ("1", "1.0"), ("1.5", None), ("x", None)])
def test_quality(daemon, q, listed):
    phone = Phone(daemon, "carol")
    request = phone.build([f"<sip:a@h>;q={q}"])
    phone.peer.send(request)
    answer = phone.peer.expect(200, 400, call_id=phone.call_id)
    if answer.status == 200:
        assert parameter(answer.get("contact"), "q") == listed
        phone.clear()
    else:
        assert q == "x"


def test_the_same_ipv6_address(daemon):
    """RFC 5954 4.2: however it is written."""
    phone = Phone(daemon, "carol")
    phone.register("<sip:a@[2001:db8::1]:5070>")
    assert len(bindings(phone.register("<sip:a@[2001:DB8:0:0:0:0:0:1]:5070>"))) == 1
    assert len(bindings(phone.register("<sip:a@[2001:db8::2]:5070>"))) == 2
    phone.clear()


def test_more_bindings_than_a_usual_message_holds(daemon):
    """RFC 3261 10.3 step 8: the 200 lists all of them; those that it could not list are refused."""
    phone = Phone(daemon, "many")
    lists = [[f"<sip:{'u' * 450}{number}-{index}@h>" for index in range(4)] for number in range(34)]
    for number, contacts in enumerate(lists[:28]):
        assert len(bindings(phone.register(*contacts))) == 4 * (number + 1)
    for contacts in lists[28:]:
        phone.peer.send(phone.build(contacts))
        answer = phone.peer.expect(200, 403, call_id=phone.call_id)
    assert answer.status == 403
    assert len(phone.bindings()) in range(112, 130)
    assert bindings(phone.clear()) == {}


def test_retransmission_is_absorbed(daemon):
    phone = Phone(daemon, "carol")
    request = phone.build(["<sip:a@h>"])
    phone.peer.send(request)
    phone.peer.expect(200, call_id=phone.call_id)
    phone.peer.send(request)
    phone.peer.expect(200, call_id=phone.call_id, again=True)
    assert len(phone.bindings()) == 1
    phone.clear()


def test_many_at_once_for_one_aor(daemon):
    """Each waits for those before it: nothing is lost and every answer has what was there then."""
    phones = [Phone(daemon, "p39") for _ in range(3)]
    for index, phone in enumerate(phones):
        phone.peer.send(phone.build([f"<sip:c{index}@h>"]))
    counts = sorted(len(bindings(phone.peer.expect(200, call_id=phone.call_id))) for phone in phones)
    assert counts == [1, 2, 3]
    phones[0].clear()


# ---- how many, who ----


def test_too_many(daemon):
    phone = Phone(daemon, "alice")
    phone.register("<sip:a@h>")
    phone.register("<sip:b@h>", status=403)
    assert phone.bindings().keys() == {"sip:a@h"}
    phone.register("<sip:a@h>;expires=0", "<sip:b@h>")  # it makes its own room
    assert phone.bindings().keys() == {"sip:b@h"}
    phone.clear()
    phone.register("<sip:a@h>", "<sip:b@h>", status=403)
    assert phone.bindings() == {}


def test_remove_existing(daemon):
    phone = Phone(daemon, "bob")
    phone.register("<sip:a@h>;expires=900", "<sip:b@h>;expires=800")
    assert phone.register("<sip:c@h>;expires=700") and phone.bindings().keys() == {"sip:a@h", "sip:c@h"}
    phone.register("<sip:d@h>", "<sip:e@h>", "<sip:f@h>", status=403)
    assert phone.bindings().keys() == {"sip:a@h", "sip:c@h"}
    phone.clear()


@pytest.mark.parametrize(
    "name, to, status",
    [("alice", "bob", 403), ("alice", "nobody", 404), ("none", None, 403), ("none", "alice", 403), ("erin", None, 403),
     ("alice", "Alice", 404), ("stranger", "alice", 401)],
)  # fmt: skip
def test_who_may_register_what(daemon, name, to, status):
    answer = Phone(daemon, name).register("<sip:a@h>", to=to, status=status)
    assert not answer.has("contact")


def test_the_case_of_a_host(daemon):
    """To is an AOR with its host in any case, its user in this one (RFC 3261 10.3 step 5, 19.1.4)."""
    phone = Phone(daemon, "ivan")
    for to, status in (("ivan@eXample.TEST", 200), ("Ivan@Example.test", 404)):
        request = phone.build(["<sip:a@h>"])
        request.headers = [(name, f"<sip:{to}>" if name == "To" else value) for name, value in request.headers]
        phone.peer.send(request)
        phone.peer.expect(status, call_id=phone.call_id)


@pytest.mark.parametrize("contact", ["<mailto:a@h>", "<tel:+123>", "<sip:%s@h>" % ("x" * 600)])
def test_contacts_that_cannot_be_called(daemon, contact):
    Phone(daemon, "carol").register(contact, status=400)


def test_require(daemon):
    phone = Phone(daemon, "carol")
    answer = phone.register("<sip:a@h>", headers=[("Require", "path, foo")], status=420)
    assert answer.tokens("unsupported") == ["path", "foo"]
    long = "x" * 300
    answer = phone.register("<sip:a@h>", headers=[("Require", f"{long}, bar")], status=420)
    assert answer.tokens("unsupported") == [long, "bar"]
    assert phone.bindings() == {}


# ---- Path, NAT, TCP ----


def test_path(daemon):
    phone = Phone(daemon, "dave")
    path = [("Path", "<sip:p1.example;lr>,<sip:p2.example;lr>"), ("Path", "<sip:p3.example;lr>")]
    answer = phone.register("<sip:a@h>", headers=path, status=421)
    assert answer.get("require") == "path"
    answer = phone.register("<sip:a@h>", headers=[*path, ("Supported", "outbound, path")])
    assert answer.tokens("path") == ["<sip:p1.example;lr>", "<sip:p2.example;lr>", "<sip:p3.example;lr>"]
    assert len(bindings(answer)) == 1
    phone.register("<sip:a@h>", headers=[("Path", "nonsense"), ("Supported", "path")], status=400)
    phone.clear()
    plain = Phone(daemon, "carol")  # without support_path it is not kept
    assert not plain.register("<sip:a@h>", headers=path).has("path")
    plain.clear()


def test_rewritten_contact(daemon):
    phone = Phone(daemon, "frank")
    assert bindings(phone.register("<sip:frank@10.9.8.7:1234>")).keys() == {phone.here("frank")[1:-1]}
    assert bindings(phone.register("<sip:frank@10.9.8.7:1234>;expires=0")) == {}
    stays = phone.register("<sip:frank@10.9.8.7:1234>", headers=[("Path", "<sip:p;lr>")])
    assert bindings(stays).keys() == {"sip:frank@10.9.8.7:1234"}  # behind a proxy
    phone.clear()


def test_a_rewritten_contact_is_reached_over_its_connection(caller):
    """Nobody can connect to where a connection came from: when it is gone the contact is, and makes room."""
    first = Phone(caller.daemon, "ken", transport="tcp")
    first.register("<sip:ken@10.9.8.7:5060;transport=tcp>")
    caller.dial("ken", "-")
    expect_call(first.peer)
    second = Phone(caller.daemon, "ken", transport="tcp")
    second.register("<sip:ken@10.9.8.7:5060;transport=tcp>", status=403)  # the first one is there
    mark = len(caller.daemon.log())
    first.peer.close()
    caller.daemon.wait_log("TCP connection closed", after=mark)
    caller.dial("ken", "-")
    caller.wait("dialled -2")
    assert len(bindings(second.register("<sip:ken@10.9.8.7:5060;transport=tcp>"))) == 1
    caller.dial("ken", "-")
    expect_call(second.peer)
    second.clear()
    second.register(f"<sip:ken@10.9.8.7:{second.peer.port};transport=tcp>")  # it listens where it calls from
    second.peer.close()
    with sqlite3.connect(caller.daemon.config / "sipsession.db") as store:
        (kept,) = store.execute("SELECT value FROM store WHERE kind='contact' AND key='ken'").fetchone()
    assert "flow:" not in kept


def test_tcp(daemon):
    phone = Phone(daemon, "carol", transport="tcp")
    assert len(bindings(phone.register("<sip:a@h;transport=tcp>"))) == 1
    phone.clear()


# ---- calls to it ----


@pytest.fixture
def caller(tmp_path, api_module):
    """Of a daemon that calls phones where they registered (a URI of "-")."""
    extensions = EXTENSIONS + "exten = wait,1,Answer()\n same = n,Wait(60)\n"
    endpoints = ENDPOINTS + "\n[anonymous]\ntype = endpoint\nallow = ulaw\n"
    with caller_of_phones(tmp_path, extensions, endpoints, [api_module("api_outgoing")]) as caller:
        yield caller


def test_call_to_a_registered_phone(caller):
    phone, other = Phone(caller.daemon, "carol"), Phone(caller.daemon, "carol")
    caller.dial("carol", "-")
    caller.wait("dialled -2")
    phone.register(f"{phone.here()};q=0.2", f"{other.here()};q=0.8")
    caller.dial("carol", "-")
    assert expect_call(other.peer).uri == other.here()[1:-1]  # the higher q
    phone.register(f"{other.here()};expires=0")
    caller.dial("carol", "-")
    assert expect_call(phone.peer).uri == phone.here()[1:-1]


def test_a_contact_without_q_is_the_best(caller):
    """As one with q=1 (RFC 3261 16.6 step 5); q=0 is the worst."""
    phone, other = Phone(caller.daemon, "carol"), Phone(caller.daemon, "carol")
    phone.register(phone.here(), f"{other.here()};q=0.5")
    caller.dial("carol", "-")
    expect_call(phone.peer)
    phone.register(f"{phone.here()};q=0", f"{other.here()};q=0.01")
    caller.dial("carol", "-")
    expect_call(other.peer)
    phone.clear()


def test_a_contact_puts_no_headers_into_our_requests(caller):
    """RFC 3261 19.1.5: what a URI asks for could be any header, and forge our own."""
    phone = Phone(caller.daemon, "carol")
    uri = phone.here()[1:-1]
    answer = phone.register(f"<{uri}?X-Forged=1&P-Asserted-Identity=sip:boss%40h>")
    assert list(bindings(answer)) == [uri]
    caller.dial("carol", "-")
    invite = expect_call(phone.peer)
    assert invite.uri == uri
    assert not invite.has("x-forged") and not invite.has("p-asserted-identity")
    phone.clear()


def test_call_along_the_path(caller):
    phone, proxy = Phone(caller.daemon, "dave"), caller.daemon.peer()
    route = f"<sip:{proxy.host}:{proxy.port};lr;x=1>"
    phone.register("<sip:dave@phone.invalid>", headers=[("Path", f"{route}, <sip:second.invalid;lr>"), ("Supported", "path")])
    caller.dial("dave", "-")
    invite = expect_call(proxy)
    assert invite.uri == "sip:dave@phone.invalid"
    assert invite.tokens("route") == [route, "<sip:second.invalid;lr>"]


# ---- qualify ----


def test_qualify(caller):
    """A phone that does not answer is not called, and makes room (remove_unavailable) for one that does."""
    phone, other = Phone(caller.daemon, "grace"), Phone(caller.daemon, "grace")
    phone.register(phone.here(), other.here())
    for peer in (phone.peer, other.peer):
        options = peer.expect("OPTIONS")
        assert options.has("contact") and "sipsession@" in options.get("from")
        peer.respond(options, 404)  # any answer says that it is there
        caller.daemon.wait_log(rf"Contact sip:here@127.0.0.1:{peer.port} of 'grace' is reachable now \(\d+ us\)")
    options = other.peer.expect("OPTIONS")
    phone.peer.respond(phone.peer.expect("OPTIONS"), 200)
    caller.daemon.wait_log(rf"Contact sip:here@127.0.0.1:{other.peer.port} of 'grace' is unreachable now")
    other.peer.respond(options, 200)  # too late, and the next one comes in time
    caller.dial("grace", "-")
    while True:
        got = phone.peer.expect("INVITE", "OPTIONS")
        phone.peer.respond(got, 486 if got.method == "INVITE" else 200)
        if got.method == "INVITE":
            phone.peer.expect("ACK", skip=("OPTIONS",))
            break
    third = Phone(caller.daemon, "grace")
    third.call_id = unique("third")
    third.peer.send(third.build([third.here()]))
    answer = third.peer.expect(200, call_id=third.call_id)
    assert bindings(answer).keys() == {phone.here()[1:-1], third.here()[1:-1]}


def count_questions(peer, seconds):
    """Answers each OPTIONS of a time; how many there were."""
    end, count = time.monotonic() + seconds, 0
    while (got := peer.receive(end - time.monotonic())) is not None:
        if got.method == "OPTIONS":
            peer.respond(got, 200)
            count += not got.again
    return count


def test_a_phone_that_is_late_is_asked_again(start_daemon):
    """Its binding expired, nobody has taken it away yet, and it registers again."""
    daemon = start_daemon(EXTENSIONS, endpoints=phone("alice", "max_contacts = 1\nminimum_expiration = 1\nqualify_frequency = 1"))
    alice = Phone(daemon, "alice")
    alice.peer.send(alice.build([alice.here()], expires=2))
    count_questions(alice.peer, 4.2)
    assert count_questions(alice.peer, 1.2) == 0
    alice.peer.send(alice.build([alice.here()], expires=60))
    assert count_questions(alice.peer, 2.5) > 0


def test_a_phone_that_comes_back_is_asked_at_once(caller):
    """It did not answer; now it registers, and need not wait for qualify_frequency until it can be called."""
    judy = Phone(caller.daemon, "judy")
    judy.register(judy.here())
    caller.daemon.wait_log("of 'judy' is unreachable now")
    judy.peer.so_far()
    judy.peer.send(judy.build([judy.here()]))
    judy.peer.respond(judy.peer.expect("OPTIONS", skip=(200, "OPTIONS")), 200)
    caller.daemon.wait_log("of 'judy' is reachable now")
    caller.dial("judy", "-")
    expect_call(judy.peer)
    judy.clear()


def test_configured_contacts_are_asked(tmp_path):
    peer = Peer(("127.0.0.1", 9))
    endpoints = phone("trunk", f"qualify_frequency = 60\ncontact = sip:trunk@127.0.0.1:{peer.port}", "from_user = us")
    daemon = Daemon(tmp_path, EXTENSIONS, endpoints)
    daemon.start()
    peer.remote = daemon.udp
    options = peer.expect("OPTIONS")
    assert options.uri == f"sip:trunk@127.0.0.1:{peer.port}" and "<sip:us@" in options.get("from")
    peer.respond(options, 200)
    daemon.wait_log("of 'trunk' is reachable now")
    daemon.stop()
    peer.close()


def asked(start_daemon, options, endpoint="", path=None):
    """A daemon that asks a contact, and the peer that is asked."""
    peer = Peer(("127.0.0.1", 9))
    aor = f"qualify_frequency = 60\ncontact = sip:trunk@127.0.0.1:{peer.port}\n{options}"
    auth = "\n[trunk]\ntype = auth\nusername = us\npassword = secret\n"
    text = "[global]\nmax_initial_qualify_time = 0\n" + phone("trunk", aor, f"outbound_auth = trunk\n{endpoint}") + auth
    daemon = start_daemon(EXTENSIONS, endpoints=text)
    peer.remote = daemon.udp
    return daemon, peer


CHALLENGE = ("WWW-Authenticate", 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5')


def test_challenge_is_an_answer(start_daemon):
    daemon, peer = asked(start_daemon, "")
    peer.respond(peer.expect("OPTIONS"), 401, headers=[CHALLENGE])
    daemon.wait_log("of 'trunk' is reachable now")
    assert peer.receive(0.5) is None
    peer.close()


def test_challenge_is_answered(start_daemon):
    daemon, peer = asked(start_daemon, "authenticate_qualify = yes\nqualify_2xx_only = yes")
    peer.respond(peer.expect("OPTIONS"), 401, headers=[CHALLENGE])
    again = peer.expect("OPTIONS")
    check_digest(again, "authorization", "us", "secret", "r", "n")
    peer.respond(again, 200)
    daemon.wait_log("of 'trunk' is reachable now")
    peer.close()


def test_proxy_of_an_aor(start_daemon):
    proxy = Peer(("127.0.0.1", 9))
    daemon, peer = asked(
        start_daemon, f"outbound_proxy = sip:127.0.0.1:{proxy.port}\\;lr\n", "outbound_proxy = sip:127.0.0.1:9\\;lr"
    )
    proxy.remote = daemon.udp
    options = proxy.expect("OPTIONS")
    assert options.tokens("route") == [f"<sip:127.0.0.1:{proxy.port};lr>"]
    assert options.uri == f"sip:trunk@127.0.0.1:{peer.port}"
    proxy.respond(options, 200)
    daemon.wait_log("of 'trunk' is reachable now")
    peer.close()
    proxy.close()


def test_first_questions_are_spread(start_daemon):
    peer = Peer(("127.0.0.1", 9))
    contacts = ",".join(f"sip:c{number}@127.0.0.1:{peer.port}" for number in range(30))
    text = "[global]\nmax_initial_qualify_time = 6\n" + phone("many", f"qualify_frequency = 60\ncontact = {contacts}")
    daemon = start_daemon(EXTENSIONS, endpoints=text)
    peer.remote = daemon.udp
    times = []
    while len(times) < 30:
        peer.respond(peer.expect("OPTIONS", timeout=7), 200)
        times.append(time.monotonic())
    assert 2 < times[-1] - times[0] < 6.5  # 30 of them by chance within 6 s; all at once without the option
    peer.close()


def test_expired_bindings_leave_the_disk_soon(start_daemon):
    text = "[global]\ncontact_expiration_check_interval = 1\n" + phone("alice", "max_contacts = 1\nminimum_expiration = 1")
    daemon = start_daemon(EXTENSIONS, endpoints=text)
    alice = Phone(daemon, "alice")
    alice.register(f"{alice.here()};expires=1")
    database = sqlite3.connect(daemon.config / "sipsession.db")
    assert database.execute("SELECT count(*) FROM store").fetchone() == (1,)
    end = time.monotonic() + 6
    while database.execute("SELECT count(*) FROM store").fetchone() != (0,):
        assert time.monotonic() < end
        time.sleep(0.1)


# ---- clients that others wrote ----


def test_a_password_is_needed(daemon):
    answer = Phone(daemon, "heidi").register("<sip:a@h>", status=401)
    assert answer.get("www-authenticate").startswith("Digest ")


def test_baresip_registers(daemon, tmp_path):
    client = baresip_registration(tmp_path, f"<sip:carol@{daemon.address}>;regint=600")
    asker = Phone(daemon, "carol")
    try:
        end = time.monotonic() + 15
        while not (found := asker.bindings()):
            assert time.monotonic() < end, client.text()
            time.sleep(0.1)
        assert [550 <= seconds <= 600 for seconds in found.values()] == [True]
    finally:
        client.kill()
    asker.clear()


def test_baresip_registers_with_a_password(daemon, tmp_path):
    client = baresip_registration(tmp_path, f"<sip:heidi@{daemon.address}>;regint=600;auth_pass=secret")
    try:
        client.wait_for("200 OK", timeout=15)
        with sqlite3.connect(daemon.config / "sipsession.db") as store:  # it is there when the phone knows it
            (kept,) = store.execute("SELECT value FROM store WHERE kind='contact' AND key='heidi'").fetchone()
        assert "contact: sip:heidi" in kept and "user-agent: baresip" in kept
    finally:
        client.kill()


def test_sipp_registers(daemon, tmp_path):
    """40 phones at once, one after the other."""
    good, bad, errors = sipp(daemon, tmp_path, user="p", scenario="register", calls=39, rate=200)
    assert (good, bad) == (39, 0), errors
    assert Phone(daemon, "p1").bindings() == {}


# ---- the disk ----


@pytest.fixture
def kept(tmp_path):
    """A daemon that a test may kill; start() again has the same address and files."""
    daemon = Daemon(tmp_path, EXTENSIONS, ENDPOINTS)
    daemon.start()
    daemon.configure = lambda: None
    yield daemon
    daemon.stop()


def test_restart_keeps_bindings(kept):
    phone = Phone(kept, "carol")
    phone.register("<sip:a@h>;q=0.7", "<sip:b@h>;expires=200", headers=[("User-Agent", "Phone/1")])
    gone = Phone(kept, "bob")
    gone.register("<sip:x@h>")
    gone.clear()
    Phone(kept, "dave").register("<sip:d@h>", headers=[("Path", "<sip:p1;lr>"), ("Supported", "path")])
    cseq = phone.cseq
    kept.stop()
    kept.start()
    again = Phone(kept, "carol")
    answer = again.register()
    found = bindings(answer)
    assert found.keys() == {"sip:a@h", "sip:b@h"} and 290 <= found["sip:a@h"] <= 300 and 190 <= found["sip:b@h"] <= 200
    assert parameter(answer.all("contact")[0], "q") == "0.7"
    assert Phone(kept, "bob").bindings() == {}
    assert Phone(kept, "dave").bindings().keys() == {"sip:d@h"}
    again.call_id = phone.call_id  # the order of a Call-ID's requests is known, too
    again.register("<sip:a@h>;expires=0", cseq=cseq, status=500)


class Clock:
    """The clock of a daemon, that a test sets."""

    def __init__(self, folder, library):
        self.path = folder / "clock"
        self.set(0)
        options = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.env = {"LD_PRELOAD": library, "PRELOAD_CLOCK": str(self.path), "ASAN_OPTIONS": options}

    def set(self, seconds):
        with open(self.path, "r+b" if self.path.exists() else "wb") as file:
            file.write(struct.pack("l", seconds))


@pytest.mark.skipif(os.environ.get("SIPSESSION_VARIANT") == "tsan", reason="ThreadSanitizer has a clock of its own")
def test_a_clock_that_is_set_ends_no_binding(tmp_path, api_module):
    """Nor does it make one last for a day; what is on the disk follows, and a phone that asks just then sees nothing of it."""
    clock = Clock(tmp_path, api_module("preload_clock"))
    daemon = Daemon(tmp_path, EXTENSIONS, phone("alice", "max_contacts = 3") + phone("bob", "max_contacts = 3"), env=clock.env)
    daemon.start()
    daemon.configure = lambda: None
    alice, bob = Phone(daemon, "alice"), Phone(daemon, "bob")
    for one in (alice, bob):
        one.register("<sip:a@h>", expires=600)
    for seconds in (-86400, 0, 7200):
        mark = len(daemon.log())
        clock.set(seconds)
        assert 580 <= alice.bindings()["sip:a@h"] <= 600
        daemon.wait_log(r"the clock was set by -?\d+ s", after=mark)
        assert 580 <= bob.bindings()["sip:a@h"] <= 600
    alice.register("<sip:b@h>", expires=300)
    daemon.stop()
    daemon.start()
    found = Phone(daemon, "alice").bindings()
    assert 570 <= found["sip:a@h"] <= 600 and 290 <= found["sip:b@h"] <= 300
    assert 570 <= Phone(daemon, "bob").bindings()["sip:a@h"] <= 600
    clock.set(7200 + 30 * 86400)  # it was wrong when it was read: nothing stays longer than maximum_expiration
    assert Phone(daemon, "bob").bindings()["sip:a@h"] <= 600
    daemon.stop()


def test_an_expired_binding_is_none(tmp_path):
    """It is not listed when its time is over, also when it is over while nobody runs."""
    endpoints = phone("alice", "max_contacts = 3\nminimum_expiration = 1")
    daemon = Daemon(tmp_path, EXTENSIONS, endpoints)
    daemon.start()
    daemon.configure = lambda: None
    Phone(daemon, "alice").register("<sip:a@h>;expires=1", "<sip:b@h>;expires=2", "<sip:c@h>;expires=100")
    began = time.monotonic()
    daemon.stop()
    while time.monotonic() < began + 2.1:
        time.sleep(0.05)
    daemon.start()
    assert Phone(daemon, "alice").bindings().keys() == {"sip:c@h"}
    daemon.stop()


def test_without_a_store_nothing_is_written(tmp_path):
    daemon = Daemon(tmp_path, EXTENSIONS, ENDPOINTS, files={"sipsession.conf": "[store]\nfile =\n"})
    daemon.start()
    phone = Phone(daemon, "alice")
    assert len(bindings(phone.register("<sip:a@h>"))) == 1
    daemon.stop()
    assert not list(tmp_path.rglob("*.db*"))


def test_without_registrations_there_is_no_file(tmp_path):
    daemon = Daemon(tmp_path, EXTENSIONS)
    daemon.start()
    daemon.stop()
    assert not list(tmp_path.rglob("*.db*"))


def test_a_list_that_is_too_long_is_answered(kept):
    """It was kept by somebody who knew no limit: a 500 is an answer, and it can be cleared."""
    phone = Phone(kept, "many")
    phone.register("<sip:a@h>")
    kept.stop()
    text = "".join(f"contact: sip:{'u' * 480}{number}@h\nexpires: 4000000000\ncseq: 1\n" for number in range(200))
    with sqlite3.connect(kept.config / "sipsession.db") as other:
        other.execute("UPDATE store SET value=? WHERE key='many'", (text,))
    kept.start()
    phone = Phone(kept, "many")
    assert not phone.register(status=500).has("contact")
    phone.clear()
    assert phone.bindings() == {}


def test_a_store_that_cannot_be_opened_ends_the_start(tmp_path):
    files = {"sipsession.conf": "[store]\nfile = /nonexistent/x.db\n"}
    daemon = Daemon(tmp_path, EXTENSIONS, ENDPOINTS, files=files)
    daemon.spawn()
    assert daemon.wait() != 0
    assert "/nonexistent/x.db: cannot be opened" in daemon.log() and "[store] file" in daemon.log()


def test_many_bindings_that_end_do_not_keep_phones_out(tmp_path):
    """The expired ones of 6,000 AORs wait for a disk that is busy; a phone waits with them and gets no 503."""
    daemon = Daemon(
        tmp_path, EXTENSIONS, "[global]\ncontact_expiration_check_interval = 1\n" + phone("alice", "max_contacts = 1"), options=[]
    )
    daemon.start()
    daemon.configure = lambda: None
    Phone(daemon, "alice").register("<sip:a@h>")
    daemon.stop()
    database = sqlite3.connect(daemon.config / "sipsession.db", isolation_level=None)
    soon = int(time.time()) + 6
    rows = ((f"gone{number}", f"contact: sip:x{number}@h\nexpires: {soon}\ncseq: 1\n") for number in range(6000))
    database.execute("BEGIN")
    database.executemany("INSERT INTO store VALUES('contact', ?, ?)", rows)
    database.execute("COMMIT")
    daemon.start()
    database.execute("BEGIN EXCLUSIVE")
    time.sleep(max(0, soon + 1.5 - time.time()))
    alice = Phone(daemon, "alice")
    alice.peer.send(alice.build(["<sip:a@h>"]))
    assert alice.peer.receive(0.5) is None
    database.execute("COMMIT")
    assert alice.peer.expect(200, timeout=20, call_id=alice.call_id).get("contact").startswith("<sip:a@h>")
    database.close()
    daemon.stop()


def test_a_file_that_was_removed_is_made_again(kept):
    """What is answered with 200 from then on outlives the process, as before."""
    phone = Phone(kept, "carol")
    phone.register("<sip:a@h>")
    for path in kept.config.glob("sipsession.db*"):
        path.unlink()
    phone.register("<sip:b@h>", "<sip:a@h>")
    kept.wait_log("sipsession.db was removed or replaced")
    kept.stop()
    kept.start()
    assert Phone(kept, "carol").bindings().keys() == {"sip:a@h", "sip:b@h"}


def test_a_store_that_cannot_be_written_gives_500(kept):
    """Who gets a 200 is on the disk, so who is not gets none; and what was there stays."""
    phone = Phone(kept, "carol")
    phone.register("<sip:a@h>")
    with sqlite3.connect(kept.config / "sipsession.db") as other:
        other.execute("ALTER TABLE store RENAME TO away")
    phone.register("<sip:b@h>", status=500)
    assert phone.bindings().keys() == {"sip:a@h"}
    with sqlite3.connect(kept.config / "sipsession.db") as other:
        other.execute("ALTER TABLE away RENAME TO store")
    phone.register("<sip:b@h>")
    assert phone.bindings().keys() == {"sip:a@h", "sip:b@h"}


# ---- kill -9 at any moment ----

REGISTERS = 1000


def send_and_kill(daemon, seed, after):
    """
    1,000 REGISTERs at once, each of its own AOR. The daemon is killed that many seconds after the first one; None:
    when all are answered. Returns the names of those that got a 200, how many were under way, and the time.
    """
    peer = Peer(daemon.udp)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    names = [f"k{number}" for number in range(REGISTERS)]
    requests = [Phone(peer, name).build([f"<sip:{seed}@h>"], expires=600) for name in names]
    owner = {request.call_id: name for request, name in zip(requests, names)}
    answered, sent, began = set(), 0, time.monotonic()

    def take(timeout):
        answer = peer.receive(timeout)
        if answer is not None and answer.status == 200:
            answered.add(owner[answer.call_id])
        return answer

    try:
        while len(answered) < REGISTERS and (after is None or time.monotonic() - began < after):
            if sent < REGISTERS:
                peer.send(requests[sent])
                sent += 1
            if not take(0 if sent < REGISTERS else 0.01) and after is None:
                assert time.monotonic() - began < 30, f"{len(answered)} answers to {REGISTERS} requests"
        took, under_way = time.monotonic() - began, sent - len(answered)
        daemon.signal(signal.SIGKILL)
        while take(0.05) is not None:  # those on their way to us count, too
            pass
    except ConnectionRefusedError:
        pass
    daemon.process.wait()
    peer.close()
    return answered, under_way, took


def check_kept(daemon, seed, answered):
    """Each binding that was answered with 200 is there."""
    peer = Peer(daemon.udp)
    for name in answered:
        assert f"sip:{seed}@h" in Phone(peer, name).bindings(), f"{name} had a 200 and is gone"
    peer.close()


def test_kill_loses_no_binding(tmp_path, sanitized):
    """At a random moment of a time in which all would be answered; SIPSESSION_KILLS says how often."""
    kills = int(os.environ.get("SIPSESSION_KILLS", "3" if sanitized else "50"))
    names = (phone(f"k{number}", "max_contacts = 100") for number in range(REGISTERS))
    daemon = Daemon(tmp_path, EXTENSIONS, "".join(names), options=[])
    daemon.start()
    daemon.configure = lambda: None
    answered, _, whole = send_and_kill(daemon, 0, None)
    assert len(answered) == REGISTERS
    daemon.start()
    check_kept(daemon, 0, answered)
    seen = []
    for seed in range(1, kills + 1):
        answered, under_way, took = send_and_kill(daemon, seed, random.uniform(0, whole))
        seen.append((len(answered), under_way, round(took, 4)))
        daemon.start()
        check_kept(daemon, seed, answered)
    print(f"all 1,000 took {whole:.3f} s; (answered before the kill, under way, seconds): {seen}")
    assert any(0 < count < REGISTERS for count, _, _ in seen), "no kill was in the middle"
    daemon.stop()


# ---- extensions of who is registered (`regcontext`) ----

REGCONTEXT = """\
[default]
include = phones

[phones]
exten = _X.,2,Verbose(1,RING ${EXTEN})
 same = n,Answer()
 same = n,Wait(60)
exten = 300,1,Busy()
"""


def refused(daemon, number, status):
    Call(daemon.peer(), number, from_value="<sip:100@127.0.0.1>").refuse_check(status)


def answered(daemon, number):
    call = Call(daemon.peer(), number, from_value="<sip:100@127.0.0.1>")
    call.establish()
    return call


def test_regcontext(start_daemon):
    """An extension is there from the first contact of its aor to the last; who is in it stays there."""
    endpoints = "[global]\nregcontext = phones\n" + "".join(phone(n, "max_contacts = 2") for n in ("100", "200", "300"))
    daemon = start_daemon(extensions=REGCONTEXT, endpoints=endpoints)
    refused(daemon, "200", 404)
    one, two = Phone(daemon, "200"), Phone(daemon, "200")
    one.register("<sip:200@127.0.0.1:7000>")
    two.register("<sip:200@127.0.0.1:7001>")
    call = answered(daemon, "200")
    daemon.wait_log("RING 200")
    refused(daemon, "201", 404)
    refused(daemon, "300", 486)  # the file has it
    one.register("<sip:200@127.0.0.1:7000>;expires=0")
    answered(daemon, "200").hang_up()
    two.clear()
    refused(daemon, "200", 404)
    one.register("<sip:200@127.0.0.1:7000>")
    daemon.write_endpoints(endpoints.replace("= phones", "= nowhere"))
    daemon.reload()
    refused(daemon, "200", 404)
    daemon.write_endpoints(endpoints)
    daemon.reload()
    answered(daemon, "200").hang_up()
    call.hang_up()  # which has been there all the time
