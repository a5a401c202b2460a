# SPDX-License-Identifier: GPL-2.0-or-later
"""From where and how often somebody may ask: access lists, rates, bans; and who is found by what."""

import re
import time

import pytest
from support import digest
from support.peer import Call

EXTENSIONS = "".join(
    f"""
[{context}]
exten = _.,1,Verbose(1,CONTEXT {context})
 same = n,Busy()
"""
    for context in ("inside", "by-header", "by-uri", "by-auth", "by-address", "anybody")
)

COMMON = """
[common](!)
type = endpoint
context = inside
allow = ulaw

[open](common)

[alice](common)
auth = alice
[alice]
type = auth
password = secret
"""


def call_from(peer, user, target="100", **options):
    return Call(peer, target, from_value=f"<sip:{user}@127.0.0.1>", **options)


def status_of(daemon, user, local="127.0.0.1", transport="udp"):
    return call_from(daemon.peer(transport, local=local), user).refuse_check(486, 401, 403).status


def wrong_password(peer, user="alice"):
    """A challenge, and a wrong answer to it."""
    call = call_from(peer, user)
    call.send_invite()
    (challenge,) = digest.challenges(call.expect(401))
    call.send("INVITE", [digest.answer(challenge, "INVITE", call.target, user, "wrong")], call.offer)
    return call.expect(401)


# ---- access lists ----

LISTS = COMMON + """
[everywhere]
type = acl
deny = 127.66.0.0/16

[office](common)
deny = 0.0.0.0/0,::/0
permit = 127.0.1.0/24,!127.0.1.9

[named](common)
acl = inside,homes

[contacts](common)
contact_acl = homes
"""

ACL_CONF = """
[inside]
deny = 0.0.0.0/0
permit = 127.0.0.0/16

[homes]
deny = 127.0.3.0/24
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": LISTS, "files": {"acl.conf": ACL_CONF}}


@pytest.mark.parametrize(
    "user, local, status",
    [
        ("open", "127.0.0.1", 486),
        ("open", "127.66.1.1", 401),  # type=acl
        ("open", "127.67.1.1", 486),
        ("office", "127.0.1.8", 486),
        ("office", "127.0.1.9", 401),
        ("office", "127.0.2.8", 401),
        ("named", "127.0.2.1", 486),
        ("named", "127.0.3.1", 401),  # every list must permit
        ("named", "127.1.0.1", 401),
        ("contacts", "127.0.2.1", 486),
        ("contacts", "127.0.3.1", 403),  # its Contact is there too
    ],
)
def test_lists(daemon, user, local, status):
    assert status_of(daemon, user, local) == status


def test_ipv6(daemon):
    office = call_from(daemon.peer(remote=daemon.udp6), "office")
    assert office.refuse_check(486, 401).status == 401
    other = call_from(daemon.peer(remote=daemon.udp6), "named")  # nothing was said of IPv6
    assert other.refuse_check(486, 401).status == 486


def test_who_is_kept_out_learns_nothing(daemon):
    """The refusal is that of a stranger, and the log says what it was."""
    mark = len(daemon.log())
    refusals = []
    for user in ("open", "noone"):
        refusals.append(call_from(daemon.peer(local="127.66.1.1"), user, "100").refuse_check(401))
    shapes = [
        (r.reason, [n for n, _ in r.headers], [{**c, "nonce": len(c["nonce"])} for c in digest.challenges(r)]) for r in refusals
    ]
    assert shapes[0] == shapes[1]
    daemon.wait_log(r"access: event=acl source=127\.66\.1\.1:\d+ acl=everywhere endpoint=open", after=mark)


def test_kept_out_with_the_right_password(start_daemon):
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=COMMON + "\n[x]\ntype = acl\ndeny = 127.0.0.0/16\n")
    call = call_from(daemon.peer(), "alice")
    call.send_invite()
    (challenge,) = digest.challenges(call.expect(401))
    call.send("INVITE", [digest.answer(challenge, "INVITE", call.target, "alice", "secret")], call.offer)
    (again,) = digest.challenges(call.expect(401))
    assert "stale" not in again


def test_within_calls(start_daemon):
    """Who knows a call's tags must still be where he may be; and a new Contact must be one that may be."""
    daemon = start_daemon(endpoints=LISTS.replace("context = inside", "context = default"), files={"acl.conf": ACL_CONF})
    call = Call(daemon.peer(local="127.0.1.1"), "echo", from_value="<sip:office@127.0.0.1>")
    call.establish()
    elsewhere = daemon.peer(local="127.0.2.1")
    here, call.peer = call.peer, elsewhere
    call.send("BYE")
    call.expect(401)
    call.peer = here
    call.hang_up()

    call = Call(daemon.peer(local="127.0.2.1"), "echo", from_value="<sip:contacts@127.0.0.1>")
    call.establish()
    change = call.build("INVITE", body=call.offer)
    change.headers = [(n, "<sip:x@127.0.3.1>" if n == "Contact" else v) for n, v in change.headers]
    call.invite = change
    call.peer.send(change)
    call.expect(403)
    call.hang_up()


# ---- strangers ----


def strangers(daemon, count, local):
    peer = daemon.peer(local=local)
    for _ in range(count):
        call_from(peer, "stranger").refuse_check(401)


def told(daemon, local):
    return daemon.log().count(f"access: event=unidentified source={local} ")


@pytest.mark.parametrize("options, allowed", [("", 5), ("unidentified_request_count = 2\nunidentified_request_period = 2\n", 2)])
def test_unidentified(start_daemon, options, allowed):
    """One event for each source and period, when there are more requests of nobody than are allowed."""
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=f"[global]\n{options}{COMMON}")
    strangers(daemon, allowed, "127.0.5.1")
    assert told(daemon, "127.0.5.1") == 0
    strangers(daemon, 5, "127.0.5.1")
    strangers(daemon, 1, "127.0.5.2")
    for _ in range(8):
        assert status_of(daemon, "open", "127.0.5.3") == 486
    assert told(daemon, "127.0.5.1") == 1
    assert told(daemon, "127.0.5.2") == told(daemon, "127.0.5.3") == 0
    if options:
        daemon.wait_log(r"event=unidentified source=127\.0\.5\.1 requests=3 seconds=2")
        time.sleep(2.1)  # the period, which is what is tested
        strangers(daemon, 4, "127.0.5.1")
        assert told(daemon, "127.0.5.1") == 2


def test_unidentified_after_a_reload(start_daemon):
    """The table comes and goes with the options that need it."""
    endpoints = "[global]\nunidentified_request_count = 0\n" + COMMON
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=endpoints)
    strangers(daemon, 9, "127.0.5.1")
    assert told(daemon, "127.0.5.1") == 0
    daemon.write_endpoints(endpoints.replace("count = 0", "count = 3"))
    daemon.reload()
    strangers(daemon, 4, "127.0.5.1")
    assert told(daemon, "127.0.5.1") == 1


# ---- bans ----


def banning(**options):
    lines = "".join(f"{name} = {value}\n" for name, value in options.items())
    return {"extensions": EXTENSIONS, "endpoints": COMMON, "files": {"sipsession.conf": f"[access]\n{lines}"}}


def test_ban(start_daemon):
    """After three wrong passwords an address gets no answers, for a while; others do."""
    daemon = start_daemon(**banning(ban_failures=3, ban_time=2))
    guesser = daemon.peer(local="127.0.5.1")
    for _ in range(2):
        wrong_password(guesser)
    began = time.monotonic()
    wrong_password(guesser)
    daemon.wait_log(r"access: event=ban source=127\.0\.5\.1 failures=3 seconds=2")
    call_from(guesser, "open").send_invite()
    assert status_of(daemon, "open", "127.0.5.2") == 486  # asked behind that
    while not guesser.read(0.2):
        assert time.monotonic() - began < 15, "the ban ends by itself"
        call_from(guesser, "open").send_invite()
    assert time.monotonic() - began > 2, "nothing was answered while it lasted"


def test_calls_outlive_a_ban(start_daemon):
    daemon = start_daemon(endpoints=COMMON.replace("inside", "default"), files={"sipsession.conf": "[access]\nban_failures = 1\n"})
    peer = daemon.peer(local="127.0.5.1")
    call = Call(peer, "echo", from_value="<sip:open@127.0.0.1>")
    call.establish()
    wrong_password(peer)
    daemon.wait_log(r"event=ban source=127\.0\.5\.1")
    call.hang_up()


def test_challenges_alone_ban_nobody(start_daemon):
    """A first request without credentials is how everybody begins; and success forgives."""
    daemon = start_daemon(**banning(ban_failures=3))
    peer = daemon.peer()
    for _ in range(5):
        call_from(peer, "alice").refuse_check(401)
        call_from(peer, "stranger").refuse_check(401)
    wrong_password(peer)
    wrong_password(peer)
    call = call_from(peer, "alice")
    call.send_invite()
    (challenge,) = digest.challenges(call.expect(401))
    call.send("INVITE", [digest.answer(challenge, "INVITE", call.target, "alice", "secret")], call.offer)
    call.expect(486)
    wrong_password(peer)
    wrong_password(peer)
    assert status_of(daemon, "open") == 486


@pytest.mark.parametrize("whose", ["nobody", "another address"])
def test_what_counts_as_no_failure_tells_nothing(start_daemon, whose):
    """With a nonce that this address was not given, a right guess looks like a wrong one: else passwords could be guessed
    for ever, and nobody would be banned."""
    daemon = start_daemon(**banning(ban_failures=3))
    challenge = {"realm": "sipsession", "nonce": "00" * 28}
    if whose != "nobody":
        helper = call_from(daemon.peer(local="127.0.5.1"), "alice")
        helper.send_invite()
        (challenge,) = digest.challenges(helper.expect(401))
    guesser = daemon.peer(local="127.0.5.2")
    for user, password in [("alice", "wrong"), ("alice", "secret"), ("nobody", "secret")] * 3:
        call = call_from(guesser, user)
        header = digest.answer(challenge, "INVITE", call.target, user, password)
        call.send("INVITE", [header], call.offer)
        (again,) = digest.challenges(call.expect(401))
        assert again.get("stale") == "true", (user, password)
    call.send("INVITE", [digest.answer(again, "INVITE", call.target, "alice", "wrong")], call.offer)
    assert "stale" not in digest.challenges(call.expect(401))[0]
    call = call_from(guesser, "alice")
    call.send("INVITE", [digest.answer(again, "INVITE", call.target, "alice", "secret", 2)], call.offer)
    call.expect(486)


@pytest.mark.parametrize("order", [1, -1])
def test_a_failure_counts_beside_others(start_daemon, order):
    """Another header, which counts for nothing, does not hide it."""
    daemon = start_daemon(**banning(ban_failures=3))
    guesser = daemon.peer(local="127.0.5.1")
    for _ in range(3):
        call = call_from(guesser, "alice")
        call.send_invite()
        (challenge,) = digest.challenges(call.expect(401))
        headers = [
            digest.answer({**challenge, **change}, "INVITE", call.target, "alice", "wrong")
            for change in ({"nonce": "00"}, {})
        ]
        call.send("INVITE", headers[::order], call.offer)
        call.expect(401)
    daemon.wait_log(r"access: event=ban source=127\.0\.5\.1 failures=3")


def test_strangers_are_banned_if_wanted(start_daemon):
    daemon = start_daemon(**banning(ban_failures=3, ban_strangers="yes"))
    peer = daemon.peer(local="127.0.5.1")
    for _ in range(3):
        call_from(peer, "stranger").refuse_check(401)
    call_from(peer, "open").send_invite()
    peer.expect_nothing(0.3, answered=False)


def test_exempt(start_daemon):
    daemon = start_daemon(**banning(ban_failures=1, rate=1, burst=1, exempt="127.0.5.0/24"))
    peer = daemon.peer(local="127.0.5.1")
    for _ in range(3):
        wrong_password(peer)
    assert status_of(daemon, "open", "127.0.5.1") == 486


# ---- rates ----


def test_rate(start_daemon):
    """What is beyond the rate is lost; a client that sends it again gets through."""
    daemon = start_daemon(**banning(rate=4, burst=5))
    peer = daemon.peer(local="127.0.5.1")
    began = time.monotonic()
    for _ in range(20):
        peer.send(peer.request("OPTIONS", "100", from_value="<sip:open@127.0.0.1>;tag=x"))
    assert status_of(daemon, "open", "127.0.5.2") == 486  # asked behind that
    took = time.monotonic() - began
    answers = [message for _, message in peer.drain(0)]
    assert 5 <= len(answers) <= 5 + 4 * took + 1, peer.ladder()
    daemon.wait_log(r"access: event=rate_limit source=127\.0\.5\.1 rate=4")
    time.sleep(0.3)
    peer.send(peer.request("OPTIONS", "100", from_value="<sip:open@127.0.0.1>;tag=x"))
    peer.expect(200)


def test_rate_on_a_connection(start_daemon):
    """Nothing is sent again there: it is told when to come back."""
    daemon = start_daemon(**banning(rate=1, burst=2))
    peer = daemon.peer("tcp", local="127.0.5.1")
    statuses = []
    for _ in range(4):
        peer.send(peer.request("OPTIONS", "100", from_value="<sip:open@127.0.0.1>;tag=x"))
        got = peer.receive()
        statuses.append(got.status)
        assert got.status == 200 or got.get("retry-after") == "1"
    assert statuses == [200, 200, 503, 503]


def test_a_flood_does_not_fill_the_log(start_daemon):
    daemon = start_daemon(**banning(rate=1000, burst=1000))
    peer = daemon.peer()
    (challenge,) = digest.challenges(call_from(peer, "alice").refuse_check(401))
    for _ in range(300):
        uri = peer.uri("100")
        header = digest.answer(challenge, "OPTIONS", uri, "alice", "wrong")
        peer.send(peer.request("OPTIONS", "100", [header], from_value="<sip:alice@127.0.0.1>;tag=x"))
        peer.expect(401)
    assert daemon.log().count("event=auth_failed") < 200


# ---- who is found by what ----

IDENTIFY = """
[global]
endpoint_identifier_order = auth_username,header,request_uri,ip,username,anonymous

[common](!)
type = endpoint
allow = ulaw

[by-header](common)
context = by-header
identify_by = header
[by-header]
type = identify
endpoint = by-header
match_header = X-Trunk: /^ber(lin|gen)$/

[by-uri](common)
context = by-uri
identify_by = request_uri
[by-uri]
type = identify
endpoint = by-uri
match_request_uri = /^sip:line7@/

[by-auth](common)
context = by-auth
identify_by = auth_username
auth = by-auth
[by-auth]
type = auth
password = secret

[by-other](common)
identify_by = auth_username
auth = by-other
[by-other]
type = auth
password = other

[by-address](common)
context = by-address
identify_by = ip
[address]
type = identify
endpoint = by-address
match = 127.0.8.0/24

[unwilling](common)
context = by-address
identify_by = username
[unwilling]
type = identify
endpoint = unwilling
match = 127.0.9.0/24
"""


# ---- transactions ----


def limited(most, more=""):
    text = f"[access]\nmax_transactions_per_source = {most}\n{more}"
    return {"extensions": EXTENSIONS, "endpoints": COMMON, "files": {"sipsession.conf": text}}


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_transactions_of_one_address(start_daemon, transport):
    """Beyond the limit: 503, for this address only, and until its transactions have ended."""
    daemon = start_daemon(**limited(3, "[overload]\nemergency_numbers = 112\n"))
    greedy = daemon.peer(transport, local="127.0.5.1")
    calls = [call_from(greedy, "open") for _ in range(3)]
    answers = []
    for call in calls:
        call.send_invite()
        answers.append(greedy.expect(486, call_id=call.call_id))  # and no ACK: the transaction waits for it
    call_from(greedy, "alice").refuse_check(503)
    refused = call_from(greedy, "open").refuse_check(503)
    assert 1 <= int(refused.get("retry-after")) <= 5
    assert len(re.findall(r"access: event=transactions source=127\.0\.5\.1 count=3", daemon.log())) == 1
    assert status_of(daemon, "open", "127.0.5.2", transport) == 486
    call_from(greedy, "open", "112").refuse_check(486)  # an emergency
    for call, answer in zip(calls, answers):
        call.ack(answer)
    end = time.monotonic() + 8  # T4
    while call_from(greedy, "open").refuse_check(486, 503).status == 503:
        assert time.monotonic() < end
        time.sleep(0.2)


def test_calls_go_on_beyond_the_limit(start_daemon):
    """What is within a call is not refused; nor is somebody who is exempt, or who is only challenged."""
    options = limited(2, "exempt = 127.0.6.0/24\n")
    del options["extensions"]
    daemon = start_daemon(**{**options, "endpoints": COMMON.replace("inside", "default")})
    for local in ("127.0.5.1", "::1"):
        peer = daemon.peer(local=local) if local != "::1" else daemon.peer(remote=daemon.udp6)
        for _ in range(5):
            call_from(peer, "alice").refuse_check(401)
        calls = [call_from(peer, "open", "echo") for _ in range(2)]
        for call in calls:
            call.establish()
        call_from(peer, "open", "echo").refuse_check(503)
        for call in calls:
            call.send("INVITE", body=call.offer)
            call.ack(call.expect(200))
            call.hang_up()
        call_from(peer, "open", "echo").refuse_check(503)  # RFC 6026: an answered INVITE's lives 32 s
    for _ in range(4):
        call = call_from(daemon.peer(local="127.0.6.1"), "open", "echo")
        call.establish()
        call.hang_up()


@pytest.fixture(scope="module")
def identifying(tmp_path_factory):
    from support.daemon import Daemon

    daemon = Daemon(tmp_path_factory.mktemp("identifying"), EXTENSIONS, endpoints=IDENTIFY)
    daemon.start()
    yield daemon
    daemon.stop()


@pytest.mark.parametrize(
    "local, user, target, headers, context",
    [
        ("127.0.0.1", "x", "100", [("X-Trunk", "berlin")], "by-header"),
        ("127.0.0.1", "x", "100", [("X-Trunk", "paris"), ("x-trunk", "bergen")], "by-header"),
        ("127.0.0.1", "x", "100", [("X-Trunk", "berlin west")], None),
        ("127.0.0.1", "by-header", "100", [], None),
        ("127.0.0.1", "x", "line7", [], "by-uri"),
        ("127.0.0.1", "x", "line8", [], None),
        ("127.0.8.1", "x", "100", [], "by-address"),
        ("127.0.0.1", "by-address", "100", [], None),
        ("127.0.9.1", "x", "100", [], None),
        ("127.0.9.1", "unwilling", "100", [], "by-address"),
        ("127.0.8.1", "x", "line7", [("X-Trunk", "berlin")], "by-header"),
    ],
)
def test_identification(identifying, local, user, target, headers, context):
    mark = len(identifying.log())
    call = call_from(identifying.peer(local=local), user, target, headers=headers)
    got = call.refuse_check(486, 401)
    assert (got.status == 401) == (context is None)
    if context:
        assert identifying.wait_log(r"CONTEXT ([a-z-]+)", after=mark).group(1) == context


def test_identification_by_user_name_of_authorization(identifying):
    mark = len(identifying.log())
    call = call_from(identifying.peer(), "x")
    call.send_invite()
    (challenge,) = digest.challenges(call.expect(401))
    call.send("INVITE", [digest.answer(challenge, "INVITE", call.target, "by-auth", "secret")], call.offer)
    call.expect(486)
    assert identifying.wait_log(r"CONTEXT ([a-z-]+)", after=mark).group(1) == "by-auth"


@pytest.mark.parametrize("order", [1, -1])
@pytest.mark.parametrize("name", ["stranger", "by-other"])
def test_identification_beside_the_authorization_of_another_server(identifying, name, order):
    """RFC 3261 22.3: a request may have credentials of several realms; who it is from says the one that is for us."""
    mark = len(identifying.log())
    call = call_from(identifying.peer(), "x")
    call.send_invite()
    (challenge,) = digest.challenges(call.expect(401))
    foreign = {"realm": "elsewhere.example", "nonce": "abc", "algorithm": "MD5"}
    headers = [
        digest.answer(foreign, "INVITE", call.target, name, "other"),
        digest.answer(challenge, "INVITE", call.target, "by-auth", "secret"),
    ]
    call.send("INVITE", headers[::order], call.offer)
    call.expect(486)
    assert identifying.wait_log(r"CONTEXT ([a-z-]+)", after=mark).group(1) == "by-auth"
