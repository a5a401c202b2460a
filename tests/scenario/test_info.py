# SPDX-License-Identifier: GPL-2.0-or-later
"""INFO and its packages (RFC 6086): Recv-Info, Info-Package, 469."""

import pytest
from support.peer import Call


@pytest.fixture
def start(start_daemon, api_module, tmp_path):
    """A daemon with test modules; daemon.record() is what those wrote."""

    def begin(*names):
        path = tmp_path / "record"
        daemon = start_daemon(modules=["sdp_rtp", *(api_module(name) for name in names)], env={"SIPSESSION_API_LOG": str(path)})
        daemon.record = lambda: path.read_text().splitlines() if path.exists() else []
        return daemon

    return begin


def info(call, *wanted, headers=(), body=b"", kind="text/plain"):
    request = call.build("INFO", [*headers, *([("Content-Type", kind)] if body else [])])
    request.body = body
    call.peer.send(request)
    return call.expect(*wanted)


def test_packages_are_negotiated_and_found(start):
    daemon = start("api_info")
    call = Call(daemon.peer(), "echo", headers=[("Recv-Info", "peer-one, peer-two")])
    answer = call.establish()
    assert answer.get("recv-info") == "test-ok, test-refuse, test-later"
    assert "INFO" in answer.get("allow")
    info(call, 200, headers=[("Info-Package", "test-ok")], body=b"one")
    info(call, 200, headers=[("Info-Package", "TEST-OK;version=1")], body=b"two")
    info(call, 488, headers=[("Info-Package", "test-refuse")], body=b"three")
    unknown = info(call, 469, headers=[("Info-Package", "other")], body=b"four")
    assert unknown.get("recv-info") == "test-ok, test-refuse, test-later"
    info(call, 400, headers=[("Info-Package", "test-ok"), ("Info-Package", "test-refuse")])
    call.hang_up()
    assert daemon.record() == ["test-ok one", "test-ok two"]


def test_a_package_may_answer_later(start):
    daemon = start("api_info")
    call = Call(daemon.peer(), "echo")
    call.establish()
    info(call, 202, headers=[("Info-Package", "test-later")])
    call.hang_up()


def test_a_reliable_180_lists_the_packages(start):
    """RFC 6086 5.2: a 180 that is acknowledged by PRACK; the 200 behind it, too."""
    daemon = start("api_info")
    call = Call(daemon.peer(), "ringanswer", headers=[("Recv-Info", ""), ("Require", "100rel")])
    call.send_invite()
    ringing = call.expect(180)
    assert ringing.has("rseq") and ringing.get("recv-info") == "test-ok, test-refuse, test-later"
    call.send("PRACK", headers=[("RAck", f"{ringing.get('rseq')} {call.invite.cseq} INVITE")])
    call.expect(200)
    answer = call.expect(200)
    assert answer.get("recv-info") == "test-ok, test-refuse, test-later"
    call.ack(answer)
    call.hang_up()


def test_info_without_a_package(start):
    """The older use: nobody takes it here. Nothing asked is nothing refused."""
    daemon = start("api_info")
    call = Call(daemon.peer(), "echo")
    call.establish()
    info(call, 200)
    refused = info(call, 415, body=b"Signal=1")
    assert refused.has("accept")
    call.hang_up()


def test_without_packages_info_is_no_method(start):
    daemon = start()
    call = Call(daemon.peer(), "echo", headers=[("Recv-Info", "")])
    answer = call.establish()
    assert "INFO" not in answer.get("allow")
    refused = info(call, 405, headers=[("Info-Package", "test-ok")])
    assert "INFO" not in refused.get("allow")
    call.hang_up()


def test_a_peer_without_the_framework_is_told_nothing(start):
    daemon = start("api_info")
    call = Call(daemon.peer(), "echo")
    assert not call.establish().has("recv-info")
    call.hang_up()


def test_the_list_changes_within_a_call(start):
    daemon = start("api_info")
    call = Call(daemon.peer(), "echo", headers=[("Recv-Info", "")])
    assert call.establish().get("recv-info") == "test-ok, test-refuse, test-later"
    info(call, 200, headers=[("Info-Package", "test-ok"), ("X-Do", "drop")])
    assert info(call, 469, headers=[("Info-Package", "test-refuse")]).get("recv-info") == "test-ok, test-later"
    call.send("UPDATE", headers=[("Recv-Info", "peer-one")])
    assert call.expect(200).get("recv-info") == "test-ok, test-later"
    # the peer's new list is known: an INFO of ours comes
    info(call, 200, headers=[("Info-Package", "test-ok"), ("X-Do", "send peer-two")])
    call.peer.send(call.build("INFO", [("Info-Package", "test-ok"), ("X-Do", "send peer-one")]))
    ours = call.expect("INFO")
    assert (ours.get("info-package"), ours.body) == ("peer-one", b"hello")
    call.peer.respond(ours, 200)
    call.expect(200)
    call.hang_up()
    assert "peer takes no peer-two" in daemon.record()


def test_an_outgoing_invite_lists_the_packages(start):
    daemon = start("api_info", "api_control")
    peer = daemon.peer()
    callee = daemon.peer()
    call = Call(peer, "echo")
    call.establish()
    call.send("INFO", headers=[("X-Do", f"call sip:callee@127.0.0.1:{callee.port}")])
    call.expect(200)
    invite = callee.expect("INVITE")
    assert invite.get("recv-info") == "test-ok, test-refuse, test-later"
    callee.respond(invite, 486)
    callee.expect("ACK")
    call.hang_up()
