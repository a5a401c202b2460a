# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests that must authenticate themselves: challenges, answers, nonces, clients of others."""

import time

import pytest
from support import clients, digest
from support.peer import Call

ENDPOINTS = """
[global]
default_realm = example.org

[common](!)
type = endpoint
context = default
allow = ulaw,alaw

[login](!)
type = auth
password = secret

[alice](common)
auth = alice
[alice](login)

[strong](common)
auth = strong
[strong](login)
supported_algorithms_uas = SHA-512-256,SHA-256,MD5

[sha](common)
auth = sha
[sha](login)
supported_algorithms_uas = SHA-256

[hashed](common)
auth = hashed
[hashed]
type = auth
md5_cred = ba7ab230257203e4cddd33e1992ff2df

[short](common)
auth = short
[short](login)
nonce_lifetime = 1

[realms](common)
auth = first,second
[first](login)
username = realms
realm = first.example
[second](login)
username = realms
realm = second.example

[named](common)
auth = named
identify_by = auth_username
[named](login)

[phone](common)
auth = phone
aors = phone
[phone](login)
supported_algorithms_uas = SHA-256,MD5
[phone]
type = aor
max_contacts = 2

[old](common)
auth = old
aors = old
[old](login)
[old]
type = aor
max_contacts = 2
"""


@pytest.fixture(scope="module")
def daemon_options():
    return {"endpoints": ENDPOINTS}


def call_from(peer, user, target="echo"):
    return Call(peer, target, from_value=f"<sip:{user}@127.0.0.1>")


def challenge_of(call, method="INVITE"):
    """Sends a request without credentials; the challenges that come."""
    call.send(method, body=call.offer if method == "INVITE" else b"")
    return digest.challenges(call.expect(401))


def send_with(call, challenge, user, password="secret", count=1, method="INVITE", **change):
    header = digest.answer(challenge, method, call.target, user, password, count, **change)
    return call.send(method, [header], call.offer if method == "INVITE" else b"")


def establish(call, challenge, user, **options):
    send_with(call, challenge, user, **options)
    call.ack(call.expect(200, skip=(100, 180, 183)))


def check_refused(call, challenge, user, **options):
    """Another challenge, which is returned."""
    send_with(call, challenge, user, **options)
    return digest.challenges(call.expect(401))[0]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call(daemon, transport):
    """401, the same INVITE with credentials, 200; nothing is asked within the call."""
    call = call_from(daemon.peer(transport), "alice")
    (challenge,) = challenge_of(call)
    assert challenge["realm"] == "example.org" and challenge["algorithm"] == "MD5" and challenge["qop"] == "auth"
    assert "stale" not in challenge
    establish(call, challenge, "alice")
    call.send("INVITE", body=call.offer)
    call.ack(call.expect(200))
    call.hang_up()


@pytest.mark.parametrize("number, algorithm", enumerate(["SHA-512-256", "SHA-256", "MD5"]))
def test_algorithms(daemon, peer, number, algorithm):
    """RFC 8760 2.3: the preferred one first; the client answers the one it can."""
    call = call_from(peer, "strong")
    offered = challenge_of(call)
    assert [challenge["algorithm"] for challenge in offered] == ["SHA-512-256", "SHA-256", "MD5"]
    establish(call, offered[number], "strong")
    call.hang_up()


OTHER_SCHEMES = [("Authorization", "Bearer x"), ("Authorization", 'Basic realm="example.org", username="alice"')]


def test_other_scheme_beside_digest(daemon, peer):
    """RFC 3261 22.3: each Authorization is for one server; what is not for us is passed over, wherever it stands."""
    call = call_from(peer, "alice")
    (challenge,) = challenge_of(call)
    good = digest.answer(challenge, "INVITE", call.target, "alice", "secret", 1)
    call.send("INVITE", [OTHER_SCHEMES[0], good, OTHER_SCHEMES[1], ("Proxy-Authorization", "Bearer y")], call.offer)
    call.ack(call.expect(200, skip=(100, 180, 183)))
    call.hang_up()


def test_other_scheme_alone(daemon, peer):
    """Is no attempt: the challenge of one who has said nothing, and no failure that counts."""
    before = daemon.log().count("event=auth_failed")
    call = call_from(peer, "alice")
    call.send("INVITE", OTHER_SCHEMES, call.offer)
    (challenge,) = digest.challenges(call.expect(401))
    assert "stale" not in challenge
    assert daemon.log().count("event=auth_failed") == before
    establish(call, challenge, "alice")
    call.hang_up()


def test_hashed_password(daemon, peer):
    call = call_from(peer, "hashed")
    (challenge,) = challenge_of(call)
    establish(call, challenge, "hashed", password="well kept")
    call.hang_up()


@pytest.mark.parametrize("number", [0, 1])
def test_several_realms(daemon, peer, number):
    call = call_from(peer, "realms")
    offered = challenge_of(call)
    assert [challenge["realm"] for challenge in offered] == ["first.example", "second.example"]
    establish(call, offered[number], "realms")
    call.hang_up()


def test_a_nonce_is_good_for_several_requests(daemon, peer):
    first = call_from(peer, "alice")
    (challenge,) = challenge_of(first)
    establish(first, challenge, "alice")
    second = call_from(peer, "alice")
    establish(second, challenge, "alice", count=2)
    first.hang_up()
    second.hang_up()


def test_replay(daemon, peer):
    """The same credentials in another request are refused; the server says that only the nonce is at fault."""
    call = call_from(peer, "alice")
    (challenge,) = challenge_of(call)
    establish(call, challenge, "alice", count=3)
    thief = call_from(peer, "alice")
    again = check_refused(thief, challenge, "alice", count=3)
    assert again["stale"] == "true"
    send_with(thief, challenge, "alice", count=2)  # earlier, but not seen yet
    thief.ack(thief.expect(200))
    thief.hang_up()
    call.hang_up()


def test_stale(daemon, peer):
    call = call_from(peer, "short")
    (challenge,) = challenge_of(call)
    time.sleep(1.1)  # nonce_lifetime
    wrong = check_refused(call, challenge, "short", password="wrong")
    assert "stale" not in wrong
    fresh = check_refused(call, challenge, "short")
    assert fresh["stale"] == "true" and fresh["nonce"] != challenge["nonce"]
    establish(call, fresh, "short")
    call.hang_up()


@pytest.mark.parametrize(
    "user, options",
    [
        ("alice", {"password": "Secret"}),
        ("strong", {}),
        ("nobody", {}),
        ("alice", {"uri": "sip:other@example.org"}),
        ("alice", {"response": "0" * 32}),
        ("alice", {"response": ""}),
        ("alice", {"qop": "auth-int"}),
        ("alice", {"qop": None}),
        ("alice", {"nc": "1"}),
        ("alice", {"realm": "elsewhere"}),
        ("alice", {"nonce": "00"}),
    ],
)
def test_wrong_credentials(daemon, peer, user, options):
    call = call_from(peer, "alice")
    (challenge,) = challenge_of(call)
    mark = len(daemon.log())
    again = check_refused(call, challenge, user, **options)
    if "nonce" in options:
        assert again["stale"] == "true"  # a right password with what another server gave out
    else:
        assert "stale" not in again
        daemon.wait_log(r'access: event=auth_failed source=127\S+ endpoint=alice method=INVITE username="\w+" reason=', after=mark)
    establish(call, again, "alice")
    call.hang_up()


@pytest.mark.parametrize("method", ["REGISTER", "MESSAGE", "OPTIONS", "SUBSCRIBE", "REFER", "PUBLISH"])
def test_methods(daemon, peer, method):
    """What is let in gets the answer of whoever is responsible for it."""
    call = call_from(peer, "alice")
    (challenge,) = challenge_of(call, method)
    send_with(call, challenge, "alice", method=method)
    assert call.peer.receive().status not in (401, 500)
    (again,) = challenge_of(call, method)
    check_refused(call, again, "alice", method=method, password="wrong")


def test_strangers_learn_nothing(daemon, peer):
    """An unknown name, a known one, a wrong password of either: the answers have the same shape."""
    seen = []
    for name in ("alice", "bobby"):
        call = call_from(peer, name)
        call.send_invite()
        refusals = [call.expect(401)]
        (challenge,) = digest.challenges(refusals[0])
        send_with(call, challenge, name, password="wrong")
        refusals.append(call.expect(401))
        seen.append(
            [
                (
                    refusal.reason,
                    [n for n, _ in refusal.headers],
                    [{**c, "nonce": len(c["nonce"])} for c in digest.challenges(refusal)],
                    len(refusal.encode()),
                )
                for refusal in refusals
            ]
        )
    assert seen[0] == seen[1]


def test_found_by_user_name_of_authorization(daemon, peer):
    call = call_from(peer, "whatever")
    (challenge,) = challenge_of(call)
    establish(call, challenge, "named")
    call.hang_up()
    other = call_from(peer, "named")  # From does not count for it
    check_refused(other, challenge, "named", password="wrong", count=2)


# ---- within calls ----


@pytest.fixture
def strict(start_daemon):
    return start_daemon(
        endpoints=ENDPOINTS, files={"sipsession.conf": "[authentication]\nin_dialog = yes\n"}
    )


def test_within_calls(strict):
    """re-INVITE, INFO and BYE are challenged; what is refused changes nothing."""
    call = call_from(strict.peer(), "alice")
    (challenge,) = challenge_of(call)
    establish(call, challenge, "alice")
    for number, method in enumerate(("INVITE", "INFO", "BYE")):
        (challenge,) = challenge_of(call, method)
        check_refused(call, challenge, "alice", password="wrong", method=method)
        send_with(call, challenge, "alice", method=method, count=1 + number)
        answer = call.expect(200, 415, 488, 469, skip=(100,))
        if method == "INVITE":
            call.ack(answer)
    strict.check_no_calls()


def test_cancel_is_never_challenged(strict):
    call = call_from(strict.peer(), "alice", "silent")
    (challenge,) = challenge_of(call)
    call.invite = send_with(call, challenge, "alice")
    call.expect(100, skip=())
    call.cancel()
    call.expect(200)
    call.expect(487)


# ---- clients that others wrote ----


def test_sipp(daemon, tmp_path):
    good, bad, errors = clients.sipp(
        daemon, tmp_path, scenario="auth", calls=30, rate=30,
        options=["-au", "alice", "-ap", "secret", "-auth_uri", f"echo@{daemon.address}:{daemon.port}"],
    )  # fmt: skip
    assert (good, bad) == (30, 0), errors


@pytest.mark.parametrize("user", ["alice", "strong", "sha"])
def test_pjsua(daemon, tmp_path, user):
    client = clients.pjsua(
        tmp_path, f"sip:echo@{daemon.address}:{daemon.port}", None, None,
        [f"--id=sip:{user}@127.0.0.1", "--realm=*", f"--username={user}", "--password=secret", "--no-tcp", "--duration=1"],
    )  # fmt: skip
    text = client.hung_up()
    assert "state changed to CONFIRMED" in text and "DISCONNECTED [reason=200" in text


def test_pjsua_with_a_wrong_password(daemon, tmp_path):
    client = clients.pjsua(
        tmp_path, f"sip:echo@{daemon.address}:{daemon.port}", None, None,
        ["--id=sip:alice@127.0.0.1", "--realm=*", "--username=alice", "--password=wrong", "--no-tcp"],
    )  # fmt: skip
    try:
        client.wait_for("is DISCONNECTED [reason=401", timeout=15)
        client.console("q")
        client.wait(15)
    finally:
        client.kill()


@pytest.mark.parametrize("password, status", [("secret", 200), ("wrong", 401)])
def test_pjsua_registers_and_calls(daemon, tmp_path, password, status):
    """A phone as it comes: REGISTER with credentials, then a call with credentials."""
    client = clients.pjsua(
        tmp_path, None, None, None,
        ["--id=sip:phone@127.0.0.1", f"--registrar=sip:{daemon.address}:{daemon.port}", "--realm=*", "--username=phone",
         f"--password={password}", "--no-tcp", "--duration=1"],
    )  # fmt: skip
    try:
        if status == 200:
            client.wait_for("registration success, status=200")
            client.console("m")
            client.console(f"sip:echo@{daemon.address}:{daemon.port}")
            client.wait_for("state changed to CONFIRMED")
            client.wait_for("DISCONNECTED [reason=200", timeout=15)
        else:
            client.wait_for("SIP registration error")
        client.console("q")
        client.wait(15)
    finally:
        client.kill()


def test_baresip_registers(daemon, tmp_path):
    """It knows MD5 only, and gives up when SHA-256 comes first: so MD5 is the default."""
    mark = len(daemon.log())
    client = clients.baresip_registration(
        tmp_path, f"<sip:old@{daemon.address}:{daemon.port}>;auth_user=old;auth_pass=secret;regint=60"
    )
    try:
        client.wait_for("200 OK")
    finally:
        client.kill()
    assert "event=auth_failed" not in daemon.log()[mark:]


def test_baresip(daemon, tmp_path):
    account = "<sip:alice@127.0.0.1>;auth_user=alice;auth_pass=secret;regint=0"
    clients.audio.write_wav(tmp_path / "sound.wav", clients.audio.speech_like(3, 8000, seed=1), 8000)
    _, _, text = clients.baresip(
        tmp_path, f"sip:echo@{daemon.address}:{daemon.port}", tmp_path / "sound.wav", seconds=2, account=account
    )
    assert "Call established" in text
