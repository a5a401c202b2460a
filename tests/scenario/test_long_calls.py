# SPDX-License-Identifier: GPL-2.0-or-later
"""A call may last for months, and its peer may say as much in it as it likes: it takes no more memory for that.

What lives as long as a dialog is in pools that never shrink: api_drive says how many octets of them are in use (of
AddressSanitizer's pools, how many pieces).
"""

import itertools

import pytest
from support.drive import SDP_HEADER, finish
from support.peer import Call
from support.wire import audio_sdp

TIMES = 40


@pytest.fixture(scope="module")
def daemon_options():
    return {"modules": ["sdp_rtp", "refer", "session_timer", "caller_id", "connected_line"]}


@pytest.fixture
def call(drive, other):
    call = Call(other, "echo", headers=[("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE"), ("Supported", "timer")])
    call.establish()
    drive.wait_event(call, "confirmed")
    yield call
    finish(drive, other, call)


def memory(drive, call):
    return int(drive("memory", call.call_id))


def stays_flat(drive, call, once):
    """The first few may need room: what follows may not."""
    for number in range(4):
        once(number)
    before = memory(drive, call)
    for number in range(4, 4 + TIMES):
        once(number)
    each = (memory(drive, call) - before) / TIMES
    assert each <= 0, f"each takes {each}"


def with_contact(request, value):
    request.headers = [(name, value if name == "Contact" else old) for name, old in request.headers]
    return request


CONTACTS = ["same", "another"]


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("body", ["", "offer"])
def test_update(drive, other, call, body, contact):
    versions = itertools.count(1)

    def once(number):
        sdp = audio_sdp(other.port, address=other.address, version=next(versions)) if body else b""
        request = call.build("UPDATE", body=sdp)
        if contact == "another":
            with_contact(request, f"<sip:peer{number}@{other.host}:{other.port}>")
        other.send(request)
        call.expect(200)

    stays_flat(drive, call, once)


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("body", ["", "offer"])
def test_reinvite(drive, other, call, body, contact):
    versions = itertools.count(1)

    def once(number):
        sdp = audio_sdp(other.port, address=other.address, version=next(versions))
        request = call.build("INVITE", body=sdp if body else b"")
        if contact == "another":
            with_contact(request, f"<sip:peer{number}@{other.host}:{other.port}>")
        other.send(request)
        answer = call.expect(200)
        call.ack(answer, body=b"" if body else sdp)

    stays_flat(drive, call, once)


def test_refused_offers(drive, other, call):
    sdp = audio_sdp(other.port, address=other.address).replace(b"m=audio", b"m=other")

    def once(number):
        other.send(call.build("INVITE", body=sdp))
        call.expect(488)
        other.send(call.build("UPDATE", body=sdp))
        call.expect(488)

    stays_flat(drive, call, once)


@pytest.mark.parametrize("method", ["INFO", "OPTIONS", "MESSAGE", "NOTIFY", "SUBSCRIBE", "REFER", "PRACK", "FROBNICATE"])
def test_requests(drive, other, call, method):
    """Also with a Contact that changes, in those that may move the target."""

    def once(number):
        request = call.build(method)
        other.send(with_contact(request, f"<sip:peer{number}@{other.host}:{other.port}>"))
        call.expect(*range(200, 600))

    stays_flat(drive, call, once)


def test_another_name(drive, other, call):
    """RFC 4916: From changes with each request."""
    tag = call.local.split(";tag=")[1]

    def once(number):
        call.local = f'"Name {number}" <sip:name{number}@{other.host}>;tag={tag}'
        other.send(with_contact(call.build("UPDATE"), f"<sip:peer{number}@{other.host}:{other.port}>"))
        call.expect(200)

    stays_flat(drive, call, once)


@pytest.mark.parametrize("contact", CONTACTS)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_ours(drive, other, call, method, contact):
    """We change the session, and the peer answers from wherever it is by then: what a session timer does for days."""

    def once(number):
        token, _ = drive.refresh(call, method.lower())
        request = call.expect(method)
        answer = other.response(request, 200, headers=SDP_HEADER, body=call.offer)
        if contact == "another":
            with_contact(answer, f"<sip:peer{number}@{other.host}:{other.port}>")
        other.send(answer)
        if method == "INVITE":
            call.expect("ACK")
        assert drive.result(call, token) == 200

    stays_flat(drive, call, once)
