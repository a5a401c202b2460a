# SPDX-License-Identifier: GPL-2.0-or-later
"""[rtp] and [media] by a reload: streams that are made from then on; calls that are there keep what they have."""

import time
from pathlib import Path

import pytest
from support.reloading import ENDPOINTS, OLD, call_from
from support.rtp import RtpSocket, random_payloads
from support.wire import audio_sdp


@pytest.fixture
def daemon(start_daemon):
    return start_daemon(extensions=OLD, endpoints=ENDPOINTS)


def offered(daemon, patience=0):
    """A call that was answered, perhaps not at the first try: itself, its RTP socket, and where it is answered from."""
    rtp, end = RtpSocket(), time.monotonic() + patience
    while True:
        call = call_from(daemon.peer(), "alice", sdp=audio_sdp(rtp.port)).send_invite()
        answer = call.expect(200, 503) if time.monotonic() < end else call.expect(200)
        if answer.status == 200:
            call.ack(answer)
            return call, rtp, (answer.sdp.audio.connection, answer.sdp.audio.port)
        time.sleep(0.1)


def check_echo(rtp, remote):
    rtp.received.clear()
    payloads = random_payloads(5)
    assert [p.payload for p in rtp.exchange(remote, payloads)] == payloads


def ports(first, last):
    return f"[overload]\nmax_delay = 0\n[rtp]\nstart = {first}\nend = {last}\n"


def test_rtp_ports(daemon):
    """Calls from then on have ports of the new range, those before keep theirs, also within it and beyond it."""
    first, rtp1, remote1 = offered(daemon)
    assert 10000 <= remote1[1] <= 20000
    daemon.write("sipsession.conf", ports(30000, 30003))
    assert "restart" not in daemon.reload()
    second, rtp2, remote2 = offered(daemon)
    third, rtp3, remote3 = offered(daemon)
    assert {remote2[1], remote3[1]} == {30000, 30002}
    call_from(daemon.peer(), "alice").refuse_check(503)
    kept = remote3[1]
    daemon.write("sipsession.conf", ports(kept, kept + 1))  # it shrinks to what a call has
    daemon.reload()
    call_from(daemon.peer(), "alice").refuse_check(503)
    for rtp, remote in ((rtp1, remote1), (rtp2, remote2), (rtp3, remote3)):
        check_echo(rtp, remote)
    second.hang_up()  # not of the range any more
    call_from(daemon.peer(), "alice").refuse_check(503)
    third.hang_up()
    # The port waits for a call of the old range, for 4 s and more: this one may have it.
    fourth, rtp4, remote4 = offered(daemon, patience=3)
    assert remote4[1] == kept
    check_echo(rtp4, remote4)
    daemon.write("sipsession.conf", ports(30000, 30005))  # it grows round what is in use
    daemon.reload()
    others = [offered(daemon) for _ in range(2)]
    assert {remote[1] for _, _, remote in others} == {30000, 30002, 30004} - {kept}
    first.send("INVITE", body=audio_sdp(rtp1.port, version=2))
    answer = first.expect(200)
    first.ack(answer)
    assert answer.sdp.audio.port == remote1[1]
    check_echo(rtp1, remote1)
    for call, rtp, _ in [*others, (first, rtp1, None), (fourth, rtp4, None)]:
        call.hang_up()
        rtp.close()
    daemon.check_at_rest()


def test_media_threads(daemon):
    """More of them, and fewer: streams stay on theirs."""

    def threads(count):
        daemon.write("sipsession.conf", f"[overload]\nmax_delay = 0\n[media]\nthreads = {count}\n")
        assert "restart" not in daemon.reload()
        return len(list(Path(f"/proc/{daemon.pid}/task").iterdir()))

    before = threads(1)
    calls = [offered(daemon)]
    assert threads(4) == before + 3
    calls += [offered(daemon) for _ in range(5)]
    assert threads(2) == before + 3  # they sleep
    calls += [offered(daemon) for _ in range(3)]
    for _, rtp, remote in calls:
        check_echo(rtp, remote)
    assert threads(5) == before + 4
    for call, rtp, _ in calls:
        call.hang_up()
        rtp.close()
    daemon.check_at_rest()
