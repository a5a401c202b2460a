# SPDX-License-Identifier: GPL-2.0-or-later
"""An SDP handler with the page's two callbacks only handles whole calls, in both roles (tests/api/api_sdp.c)."""


import pytest
from support.peer import Call
from support.wire import audio_sdp


@pytest.fixture
def handler(start_daemon, api_module, tmp_path):
    """(daemon, function that returns the lines of the handler)"""
    path = tmp_path / "record"
    daemon = start_daemon(
        modules=[api_module("api_sdp"), api_module("api_control")], env={"SIPSESSION_API_LOG": str(path)}
    )

    def lines(call_id=None):
        found = [line for line in path.read_text().splitlines() if line.startswith("sdp ")]
        return [line.rsplit(" ", 1)[0] for line in found if call_id is None or line.endswith(" " + call_id)]

    return daemon, lines


def check_page_sdp(sdp, role):
    """What the handler wrote is what left, to the letter."""
    assert sdp.origin.startswith("page 77 ")
    assert "s=the page" in sdp.lines
    assert sdp.audio.port == 46000
    assert sdp.audio.formats == ["0"]
    assert f"x-page:{role}" in sdp.audio.attributes


def test_call(handler):
    daemon, lines = handler
    peer = daemon.peer()
    call = Call(peer, "wait")
    answer = call.establish()
    check_page_sdp(answer.sdp, "response")
    call.hang_up()
    assert lines(call.call_id) == ["sdp incoming INVITE 0", "sdp outgoing INVITE 200"]
    assert "sdp twice -1" in [line.strip() for line in lines()] or "sdp twice" in lines()


def test_refused_offer(handler):
    daemon, lines = handler
    peer = daemon.peer()
    call = Call(peer, "wait", sdp=audio_sdp(41000, extra=["a=x-refuse"]))
    call.refuse_check(488)
    assert "sdp outgoing INVITE 200" not in lines(call.call_id)


def test_late_offer(handler):
    daemon, lines = handler
    peer = daemon.peer()
    call = Call(peer, "wait", sdp=None).send_invite()
    answer = call.expect(200)
    check_page_sdp(answer.sdp, "response")
    call.ack(answer, body=audio_sdp(41000))
    call.hang_up()
    assert lines(call.call_id) == ["sdp outgoing INVITE 200", "sdp incoming ACK 0"]


def test_reinvite_of_the_peer(handler):
    daemon, lines = handler
    peer = daemon.peer()
    call = Call(peer, "wait", sdp=audio_sdp(41000, version=1))
    call.establish()
    call.send("INVITE", body=audio_sdp(41000, direction="sendonly", version=2))
    answer = call.expect(200)
    check_page_sdp(answer.sdp, "response")
    call.ack(answer)
    call.send("INVITE", body=audio_sdp(41000, extra=["a=x-refuse"], version=3))
    call.expect(488)
    call.send("INVITE", body=audio_sdp(41000, version=4))
    call.ack(call.expect(200))
    call.hang_up()
    assert lines(call.call_id) == [
        "sdp incoming INVITE 0", "sdp outgoing INVITE 200",
        "sdp incoming INVITE 0", "sdp outgoing INVITE 200",
        "sdp incoming INVITE 0",
        "sdp incoming INVITE 0", "sdp outgoing INVITE 200",
    ]  # fmt: skip


def test_reinvite_of_ours(handler):
    daemon, lines = handler
    peer = daemon.peer()
    call = Call(peer, "wait", sdp=audio_sdp(41000, version=1))
    call.establish()
    call.send("INFO", headers=[("X-Do", "reinvite")])
    got = [call.expect(200, "INVITE") for _ in range(2)]
    invite = next(m for m in got if not m.is_response)
    check_page_sdp(invite.sdp, "request")
    peer.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(41000, version=2))
    call.expect("ACK")
    call.hang_up()
    assert lines(call.call_id)[2:] == ["sdp outgoing INVITE 0", "sdp incoming INVITE 200"]


def test_outgoing_call(handler):
    daemon, lines = handler
    asker, callee = daemon.peer(), daemon.peer()
    call = Call(asker, "wait")
    call.establish()
    call.send("INFO", headers=[("X-Do", f"call sip:callee@127.0.0.1:{callee.port}")])
    call.expect(200)
    invite = callee.expect("INVITE")
    check_page_sdp(invite.sdp, "request")
    callee.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(callee.port))
    ack = callee.expect("ACK", skip=("INVITE",))
    callee.catch_up()
    assert lines(invite.call_id) == ["sdp outgoing INVITE 0", "sdp incoming INVITE 200"]
    callee.send(callee.request("BYE", uri=invite.contact_uri, call_id=invite.call_id, from_value=ack.get("to"), to_value=ack.get("from")))
    callee.expect(200)
    call.hang_up()


def test_outgoing_call_with_a_refused_answer(handler):
    daemon, lines = handler
    asker, callee = daemon.peer(), daemon.peer()
    call = Call(asker, "wait")
    call.establish()
    call.send("INFO", headers=[("X-Do", f"call sip:callee@127.0.0.1:{callee.port}")])
    call.expect(200)
    invite = callee.expect("INVITE")
    callee.respond(invite, 200, headers=[("Content-Type", "application/sdp")], body=audio_sdp(callee.port, extra=["a=x-refuse"]))
    callee.expect("ACK", skip=("INVITE",))
    bye = callee.expect("BYE", skip=("INVITE", "ACK"))
    callee.respond(bye, 200)
    call.hang_up()


def test_beside_the_shipped_handler(start_daemon, api_module, tmp_path):
    """Handlers of whole SDPs are asked before those of streams."""
    for order in (["sdp_rtp", api_module("api_sdp")], [api_module("api_sdp"), "sdp_rtp"]):
        daemon = start_daemon(modules=order)
        peer = daemon.peer()
        call = Call(peer, "wait")
        check_page_sdp(call.establish().sdp, "response")
        call.hang_up()


def test_no_handler_at_all(start_daemon, api_module):
    """Without one no media can be agreed on: 488, and the server lives."""
    daemon = start_daemon(modules=[api_module("api_base")])
    peer = daemon.peer()
    Call(peer, "wait").refuse_check(488)
    late = Call(peer, "wait", sdp=None)
    late.refuse_check(488)
