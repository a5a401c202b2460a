# SPDX-License-Identifier: GPL-2.0-or-later
"""modules/dtmf_info: digits in INFO, to the dialplan and from it."""

import pytest
from support.daemon import ANYBODY
from support.peer import Call
from support.rtp import RtpSocket
from support.wire import audio_sdp

EXTENSIONS = """\
[default]
; Echo ends with #
exten = echo,1,Answer()
 same = n,Echo()
 same = n,Verbose(1,ECHO ENDED ${UNIQUEID})
 same = n,Wait(60)

exten = send,1,Answer()
 same = n,SendDTMF(1*d,50,80)
 same = n,Verbose(1,DIGITS SENT)
 same = n,Wait(60)
"""


def without_events(peer):
    return audio_sdp(peer.port, address=peer.address)


def with_events(peer, port=None):
    sdp = audio_sdp(port or peer.port, address=peer.address)
    lines = sdp.decode().split("\r\n") if isinstance(sdp, bytes) else sdp.split("\r\n")
    at = next(i for i, line in enumerate(lines) if line.startswith("m=audio"))
    lines[at] += " 101"
    return "\r\n".join([*lines[:-1], "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", ""]).encode()


@pytest.fixture
def start(start_daemon):
    def begin(mode="rfc4733", **options):
        return start_daemon(EXTENSIONS, endpoints=ANYBODY + f"dtmf_mode = {mode}\n", **options)

    return begin


def info(call, kind, body, *wanted):
    request = call.build("INFO", [("Content-Type", kind)] if kind else [])
    request.body = body
    call.peer.send(request)
    return call.expect(*wanted)


@pytest.mark.parametrize(
    "kind, body", [("application/dtmf-relay", b"Signal=#\r\nDuration=160\r\n"), ("Application/DTMF", b"#"), ("application/dtmf", b"11")]
)
def test_a_digit_reaches_the_application(start, kind, body):
    daemon = start("info")
    call = Call(daemon.peer(), "echo")
    assert "INFO" in call.establish().get("allow")
    info(call, "application/dtmf-relay", b"Signal=5\r\nDuration=100", 200)
    assert "ECHO ENDED" not in daemon.log()
    info(call, kind, body, 200)
    daemon.wait_log("ECHO ENDED")
    call.hang_up()


def test_what_is_no_digit(start):
    daemon = start("info")
    call = Call(daemon.peer(), "echo")
    call.establish()
    info(call, "application/dtmf-relay", b"Signal=\r\n", 400)
    info(call, "application/dtmf-relay", b"", 200)
    info(call, "application/dtmf", b"99", 400)
    info(call, None, b"", 200)
    refused = info(call, "application/media_control+xml", b"<x/>", 415)
    assert refused.get("accept") == "application/dtmf-relay, application/dtmf"
    info(call, "application/dtmf-relay", b"Signal=16\r\n", 200)  # a hook flash
    call.hang_up()


@pytest.mark.parametrize(
    "mode, events, taken",
    [("rfc4733", True, False), ("rfc4733", False, True), ("auto_info", True, False), ("auto_info", False, True),
     ("none", False, False), ("info", True, True)],
)  # fmt: skip
def test_a_digit_counts_once(start, mode, events, taken):
    """What telephone-event brings already is not taken from INFO, too."""
    daemon = start(mode)
    peer = daemon.peer()
    call = Call(peer, "echo", sdp=with_events(peer) if events else without_events(peer))
    call.establish()
    info(call, "application/dtmf-relay", b"Signal=#\r\nDuration=160\r\n", 200)
    call.send("OPTIONS")
    call.expect(200)  # behind it the digit has had its effect
    assert ("ECHO ENDED" in daemon.log()) == taken
    call.hang_up()


@pytest.mark.parametrize("mode, events", [("info", False), ("auto_info", False)])
def test_digits_are_sent_in_info(start, mode, events):
    daemon = start(mode)
    peer = daemon.peer()
    call = Call(peer, "send", sdp=without_events(peer))
    call.establish()
    for digit in "1*D":
        request = call.expect("INFO")
        assert request.get("content-type") == "application/dtmf-relay"
        assert request.body == f"Signal={digit}\r\nDuration=80\r\n".encode()
        peer.respond(request, 200)
    daemon.wait_log("DIGITS SENT")
    call.hang_up()


def test_a_refused_digit_is_lost_and_the_call_is_not(start):
    daemon = start("info")
    call = Call(daemon.peer(), "send")
    call.establish()
    for _ in range(3):
        call.peer.respond(call.expect("INFO"), 415)
    daemon.wait_log("DIGITS SENT")
    call.hang_up()


def test_with_telephone_event_nothing_is_sent_in_info(start):
    daemon = start("auto_info")
    peer = daemon.peer()
    with RtpSocket(peer.address) as rtp:
        call = Call(peer, "send", sdp=with_events(peer, rtp.port))
        call.establish()
        daemon.wait_log("DIGITS SENT")
        events = [packet.payload[0] for packet in rtp.collect(0.3) if packet.payload_type == 101]
        assert list(dict.fromkeys(events)) == [1, 10, 15]
        call.hang_up()  # an INFO before the 200 would fail this


def test_without_the_module(start):
    daemon = start("info", modules=["sdp_rtp"])
    call = Call(daemon.peer(), "echo")
    assert "INFO" not in call.establish().get("allow")
    refused = info(call, "application/dtmf-relay", b"Signal=#\r\n", 405)
    assert refused.has("allow")
    call.hang_up()
