# SPDX-License-Identifier: GPL-2.0-or-later
"""Who sent a request: by address, network, From user, anybody; and what a stranger gets."""

import pytest
from support.peer import Call
from support.wire import parameter

EXTENSIONS = "".join(
    f"""
[{context}]
exten = who,1,Verbose(1,CONTEXT {context} CALLER ${{CALLERID(num)}})
 same = n,Busy()
"""
    for context in ("by-address", "by-network", "by-user", "anybody")
)

ENDPOINTS = """
[trunk]
type = endpoint
context = by-address
allow = ulaw

[trunk-address]
type = identify
endpoint = trunk
match = 127.0.1.7

[net]
type = endpoint
context = by-network
allow = ulaw

[net-address]
type = identify
endpoint = net
match = 127.0.2.0/24,127.0.3.128/255.255.255.128

[alice]
type = endpoint
context = by-user
allow = ulaw
"""

ANYBODY = """
[anonymous]
type = endpoint
context = anybody
allow = ulaw
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"extensions": EXTENSIONS, "endpoints": ENDPOINTS}


def context_of(daemon, local, user):
    """The context where a call from an address and a From user enters the dialplan; None: it does not."""
    peer = daemon.peer(local=local)
    mark = len(daemon.log())
    call = Call(peer, "who", from_value=f"<sip:{user}@example.invalid>")
    got = call.refuse_check(486, 401)
    if got.status == 401:
        return None
    return daemon.wait_log(r"CONTEXT (\S+)", after=mark).group(1)


@pytest.mark.parametrize(
    "local, user, context",
    [
        ("127.0.1.7", "whoever", "by-address"),
        ("127.0.1.8", "whoever", None),
        ("127.0.2.1", "whoever", "by-network"),
        ("127.0.2.255", "whoever", "by-network"),
        ("127.0.3.129", "whoever", "by-network"),
        ("127.0.3.127", "whoever", None),
        ("127.0.0.1", "alice", "by-user"),
        ("127.0.0.1", "Alice", None),
        ("127.0.0.1", "alic", None),
        ("127.0.1.7", "alice", "by-address"),
    ],
)
def test_identification(daemon, local, user, context):
    """By address before by From user, unless endpoint_identifier_order says otherwise."""
    assert context_of(daemon, local, user) == context


def test_order_of_the_identifiers(start_daemon):
    order = "\n[global]\ntype = global\nendpoint_identifier_order = username,ip,anonymous\n"
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=ENDPOINTS + ANYBODY + order)
    assert context_of(daemon, "127.0.1.7", "alice") == "by-user"
    assert context_of(daemon, "127.0.1.7", "whoever") == "by-address"
    assert context_of(daemon, "127.0.0.1", "whoever") == "anybody"


def test_anonymous_is_last(start_daemon):
    daemon = start_daemon(extensions=EXTENSIONS, endpoints=ENDPOINTS + ANYBODY)
    assert context_of(daemon, "127.0.0.1", "alice") == "by-user"
    assert context_of(daemon, "127.0.0.1", "nobody") == "anybody"


# ---- strangers ----


def check_challenge(response):
    assert response.status == 401
    challenge = response.get("www-authenticate")
    assert challenge.startswith("Digest "), challenge
    fields = dict(part.strip().partition("=")[::2] for part in challenge[7:].split(","))
    assert fields["realm"].strip('"') and fields["nonce"].strip('"'), challenge
    return fields


def test_stranger_is_challenged(daemon, peer):
    refusal = Call(peer, "who").refuse_check(401)
    check_challenge(refusal)
    peer.expect_nothing(0.7)


def test_stranger_learns_nothing(daemon, peer):
    """What exists and what does not look alike: extension, From user, method."""
    seen = []
    for user, caller in (("who", "bob"), ("nosuch", "bob"), ("who", "alicf")):
        call = Call(peer, user, from_value=f"<sip:{caller}@127.0.0.1>")
        refusal = call.refuse_check(401)
        fields = check_challenge(refusal)
        seen.append((refusal.reason, sorted(n.lower() for n, _ in refusal.headers), fields["realm"], fields.get("algorithm")))
    assert seen[0] == seen[1] == seen[2]


def test_no_credentials_are_good_enough(daemon, peer):
    call = Call(peer, "who")
    first = call.refuse_check(401)
    nonce = check_challenge(first)["nonce"]
    realm = check_challenge(first)["realm"]
    mark = len(daemon.log())
    call.headers = [
        ("Authorization", f'Digest username="alice", realm={realm}, nonce={nonce}, uri="{call.target}", '
                          'response="0123456789abcdef0123456789abcdef", algorithm=MD5'),
    ]  # fmt: skip
    call.remote = f"<{peer.uri('who')}>"
    again = call.refuse_check(401)
    check_challenge(again)
    assert "CONTEXT" not in daemon.log()[mark:], "a stranger is never routed"


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "MESSAGE", "SUBSCRIBE", "PUBLISH", "BYE", "NOTIFY"])
def test_requests_of_strangers(daemon, peer, method):
    peer.send(peer.request(method, "who"))
    check_challenge(peer.expect(401))


def test_ack_and_cancel_of_strangers(daemon, peer):
    """They can't be challenged (22.1): ACK is never answered, CANCEL of nothing gets 481."""
    peer.send(peer.request("ACK", "who"))
    peer.expect_nothing(0.3)
    peer.send(peer.request("CANCEL", "who"))
    got = peer.receive(0.5)
    assert got is None or got.status in (401, 481)


def test_tag_of_the_challenge(daemon, peer):
    """A challenge retransmitted is the same response: To tag too."""
    call = Call(peer, "who").send_invite()
    first = peer.expect(401, call_id=call.call_id)
    peer.send(call.invite)
    again = peer.expect(401, call_id=call.call_id, again=True)
    assert parameter(first.get("to"), "tag") == parameter(again.get("to"), "tag")
    call.ack(first)
