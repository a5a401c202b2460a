# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of pjsip.conf that change one thing each in a message, or whom it is believed to come from."""

import select
import socket

import pytest
from support.caller import check_digest
from support.daemon import free_port
from support.peer import Call, Peer
from support.rtp import RtpSocket
from support.wire import audio_sdp

OWN = "127.8.8.10"
ENDPOINTS = """\
[other-domain]
type = transport
bind = {own}:{port}
domain = transport.example

[example.net]
type = domain_alias
domain = example.org

[ep](!)
type = endpoint
allow = !all,alaw,ulaw

[anonymous](ep)
context = default
[erin@example.org](ep)
context = erin
[frank@transport.example](ep)
context = frank
[grace](ep)
context = grace
[quiet](ep)
context = default
suppress_q850_reason_headers = yes
[ours](ep)
context = default
incoming_call_offer_pref = local
[overlap](ep)
context = default
overlap_context = longer
accountcode = 77
language = de
tenantid = t1
tone_zone = fr
[marked](ep)
context = default
tos_audio = ef
cos_audio = 5
rtp_port_start = 24000
rtp_port_end = 24019
[phone](ep)
user_eq_phone = yes
callerid = "Alice A" <2001>
[secret](ep)
outbound_auth = secret
[secret]
type = auth
username = us
password = pw
supported_algorithms_uac = SHA-256
[hidden](ep)
callerid = "Bob B" <2002>
callerid_privacy = prohib
"""
GLOBAL = """\
[global]
ignore_uri_user_options = yes
use_callerid_contact = yes
allow_sending_180_after_183 = yes
norefersub = no
max_forwards = 7
"""
EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()
exten = wait,1,Answer()
 same = n,Wait(60)
exten = busy,1,Hangup(17)
exten = early,1,Progress()
 same = n,Ringing()
 same = n,Wait(1)
 same = n,Hangup(21)
exten = mine,1,GotoIf($["${CHANNEL(accountcode)}-${CHANNEL(language)}-${CHANNEL(tenantid)}-${CHANNEL(tonezone)}" = "77-de-t1-fr"]?yes)
 same = n,Hangup(21)
 same = n(yes),Hangup(17)
[longer]
exten = 123,1,Hangup(17)
[erin]
exten = erin,1,Hangup(17)
[frank]
exten = frank,1,Hangup(17)
[grace]
exten = grace,1,Hangup(17)
"""


@pytest.fixture(scope="module")
def port():
    return free_port(OWN)


@pytest.fixture(scope="module")
def daemon_options(api_module, record_path, port):
    modules = ("sdp_rtp", "reason", "refer", api_module("api_outgoing"))
    return {
        "extensions": EXTENSIONS,
        "files": {"sipsession.conf": "[modules]\n" + "".join(f"load = {module}\n" for module in modules)},
        "env": {"SIPSESSION_API_LOG": str(record_path)},
        "endpoints": GLOBAL + ENDPOINTS.format(own=OWN, port=port),
    }


@pytest.fixture
def plain(start_daemon, port):
    """The same with all that is global at its default."""
    text = ENDPOINTS.format(own=OWN, port=free_port(OWN))
    return start_daemon(EXTENSIONS, endpoints="[global]\ndisable_multi_domain = yes\n" + text)


def options_status(peer, exten, user="tester", host="127.0.0.1", uri=None):
    request = peer.request("OPTIONS", exten, uri=uri, from_value=f"<sip:{user}@{host}>;tag=x")
    peer.send(request)
    return peer.expect(200, 404, call_id=request.call_id).status


# ---- who it is ----


@pytest.mark.parametrize(
    "user, host, status",
    [
        ("erin", "example.org", 200),
        ("erin", "example.net", 200),
        ("erin", "EXAMPLE.net", 200),
        ("erin", "example.com", 404),
        ("grace", "example.com", 200),
        ("grace;x=y", "example.com", 200),
        ("erin;x=y", "example.net", 200),
        ("frank", "example.com", 404),
    ],
)
def test_domains_of_a_name(peer, user, host, status):
    assert options_status(peer, user.split(";")[0], user, host) == status


def test_domain_of_a_transport(daemon, port):
    peer = Peer((OWN, port))
    assert options_status(peer, "frank", "frank", "example.com") == 200
    assert options_status(peer, "erin", "erin", "example.net") == 200
    peer.close()


def test_without_domains(plain):
    peer = plain.peer()
    assert options_status(peer, "erin", "erin", "example.org") == 404
    assert options_status(peer, "grace", "grace", "example.org") == 200


# ---- what it calls ----


def test_options_of_a_user(peer, plain):
    assert options_status(peer, "echo;phone-context=x") == 200
    assert options_status(plain.peer(), "echo;phone-context=x") == 404


def test_overlap_context(peer):
    assert invite_as(peer, "overlap", "12").expect(404, 484).status == 484
    assert invite_as(peer, "quiet", "12").expect(404, 484).status == 404


# ---- what it is told ----


def invite_as(peer, user, exten, **options):
    return Call(peer, exten, from_value=f"<sip:{user}@{peer.host}>", **options).send_invite()


def test_q850_in_reason(peer):
    assert "Q.850" in invite_as(peer, "ours", "busy").expect(486).get("reason")
    assert not invite_as(peer, "quiet", "busy").expect(486).has("reason")


def test_items_of_a_channel(peer):
    invite_as(peer, "overlap", "mine").expect(486)
    invite_as(peer, "quiet", "mine").expect(403)


@pytest.mark.parametrize("user, chosen", [("ours", 8), ("quiet", 0)])
def test_whose_order_of_codecs(peer, user, chosen):
    call = invite_as(peer, user, "echo", sdp=audio_sdp(peer.port, formats=(0, 8)))
    answer = call.expect(200)
    call.ack(answer)
    assert [int(number) for number in answer.sdp.audio.formats] == [chosen]
    call.hang_up()


@pytest.mark.parametrize("user, tos, ports", [("marked", 0xB8, range(24000, 24020)), ("quiet", 0, range(10000, 20001))])
def test_marks_and_ports_of_rtp(peer, user, tos, ports):
    with RtpSocket() as rtp:
        rtp.rtp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        call = invite_as(peer, user, "echo", sdp=audio_sdp(rtp.port))
        answer = call.expect(200)
        call.ack(answer)
        audio = answer.sdp.audio
        assert audio.port in ports
        for _ in range(250):  # until the echo has begun
            rtp.send((audio.connection, audio.port), b"\xff" * 160)
            if select.select([rtp.rtp], [], [], 0.02)[0]:
                break
        _, ancillary, _, _ = rtp.rtp.recvmsg(2000, 100, socket.MSG_DONTWAIT)
        assert [data[0] for _, kind, data in ancillary if kind == socket.IP_TOS] == [tos]
        call.hang_up()


def test_180_after_183(peer, plain):
    for a_peer, second in ((peer, (180,)), (plain.peer(), ())):
        call = Call(a_peer, "early").send_invite()
        call.expect(183)
        for status in second:
            call.expect(status)
        call.expect(403)


def test_norefersub(peer, plain):
    def supported(a_peer):
        a_peer.send(a_peer.request("OPTIONS"))
        return a_peer.expect(200).tokens("supported")

    assert "norefersub" not in supported(peer)
    assert "norefersub" in supported(plain.peer())


# ---- calls to it ----


def dial(caller, peer, endpoint, user):
    caller.dial(endpoint, f"sip:{user}@{peer.host}:{peer.port}")
    invite = peer.expect("INVITE")
    peer.respond(invite, 486)
    peer.expect("ACK")
    return invite


@pytest.mark.parametrize("user, is_number", [("+49-30-123", True), ("100", True), ("alice", False), ("a100", False), ("+", False)])
def test_user_eq_phone(daemon, caller, user, is_number):
    peer = daemon.peer()
    invite = dial(caller, peer, "phone", user)
    suffix = ";user=phone" if is_number else ""
    assert invite.uri == f"sip:{user}@{peer.host}:{peer.port}{suffix}"
    assert invite.get("to") == f"<sip:{user}@{peer.host}{suffix}>"  # RFC 3261 19.1.1: without the port
    assert dial(caller, peer, "hidden", user).uri == f"sip:{user}@{peer.host}:{peer.port}"


def test_algorithms_of_a_password(daemon, caller):
    """Of the challenges the first that the password may be used with is answered; MD5 alone is none."""
    peer = daemon.peer()
    challenges = [("WWW-Authenticate", f'Digest realm="r", nonce="n{name}", qop="auth", algorithm={name}') for name in ("MD5", "SHA-256")]
    caller.dial("secret", f"sip:x@{peer.host}:{peer.port}")
    invite = peer.expect("INVITE")
    peer.respond(invite, 401, headers=challenges)
    peer.expect("ACK")
    again = peer.expect("INVITE")
    check_digest(again, "authorization", "us", "pw", "r", "nSHA-256", algorithm="SHA-256")
    peer.respond(again, 401, headers=challenges[:1])
    peer.expect("ACK")
    caller.wait("end 401")
    peer.expect_nothing(0.5)


def test_max_forwards(daemon, caller):
    peer = daemon.peer()
    caller.dial("hidden", f"sip:x@{peer.host}:{peer.port}")
    invite = peer.expect("INVITE")
    assert invite.get("max-forwards") == "7"
    caller.hang_up()
    peer.respond(invite, 180)
    cancel = peer.expect("CANCEL")
    assert cancel.get("max-forwards") == "7"
    peer.respond(cancel, 200)
    peer.respond(invite, 487)
    assert peer.expect("ACK").get("max-forwards") == "7"


def test_callerid_in_contact(daemon, caller):
    peer = daemon.peer()
    assert dial(caller, peer, "phone", "x").get("contact").startswith("<sip:2001@")
    assert "2002" not in dial(caller, peer, "hidden", "x").get("contact")
