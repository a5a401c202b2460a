# SPDX-License-Identifier: GPL-2.0-or-later
"""What a caller hears: echo packet by packet, playback, early media, RTCP."""

import select
import struct
import time

import numpy
import pytest
from support import audio
from support.peer import Call
from support.rtp import RtpSocket, check_stream, random_payloads
from support.wire import audio_sdp

EVENT = (101, "telephone-event/8000")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    narrow, wide = audio.speech_like(1.5, 8000, seed=2), audio.speech_like(1.5, 16000, seed=3)
    audio.write_wav(folder / "narrow.wav", narrow, 8000)
    audio.write_wav(folder / "wide.wav", wide, 16000)
    (folder / "rubbish.wav").write_bytes(b"RIFF\0\0\0\0rubbish that is no sound")
    return folder, narrow, wide


@pytest.fixture(scope="module")
def daemon_options(sounds):
    folder = sounds[0]
    return {
        "sounds": folder,
        "extensions": """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = hello,1,Answer()
 same = n,Playback(narrow)
 same = n,Hangup()

exten = wide,1,Answer()
 same = n,Playback(wide)
 same = n,Hangup()

exten = two,1,Answer()
 same = n,Playback(narrow&wide)
 same = n,Hangup()

exten = early,1,Progress()
 same = n,Playback(narrow,noanswer)
 same = n,Busy()

exten = nofile,1,Answer()
 same = n,Playback(there-is-none)
 same = n,Verbose(1,PLAYBACK ${PLAYBACKSTATUS})
 same = n,Hangup()

exten = rubbish,1,Answer()
 same = n,Playback(rubbish)
 same = n,Verbose(1,PLAYBACK ${PLAYBACKSTATUS})
 same = n,Hangup()

exten = long,1,Answer()
 same = n,Playback(narrow&narrow&narrow&narrow)
 same = n,Hangup()
"""
    }


# ---- echo ----

WAYS = [("udp", "v4"), ("tcp", "v4"), ("udp", "v6"), ("tcp", "v6")]


@pytest.mark.parametrize("transport, family", WAYS, ids=["-".join(way) for way in WAYS])
def test_echo(daemon, transport, family):
    """Every packet comes back once, in order, with its very octets, in a stream of the daemon's own."""
    peer = daemon.peer(transport, remote=daemon.udp if family == "v4" else daemon.udp6)
    with RtpSocket(peer.address) as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, address=peer.address))
        sdp = call.establish().sdp
        payloads = random_payloads(50)
        got = rtp.exchange((sdp.audio.connection, sdp.audio.port), payloads)
        call.hang_up()
        assert [p.payload for p in got] == payloads
        check_stream(got)
        assert {p.payload_type for p in got} == {0}
        assert got[0].ssrc != rtp.ssrc, "the echo has an SSRC of its own"
        steps = {(b.timestamp - a.timestamp) & 0xFFFFFFFF for a, b in zip(got, got[1:])}
        assert steps == {160}


@pytest.mark.parametrize("payload_type, size", [(8, 160), (9, 160), (0, 240), (0, 80)])
def test_echo_of_codecs_and_packet_times(daemon, peer, payload_type, size):
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, [payload_type]))
        sdp = call.establish().sdp
        payloads = random_payloads(12, size)
        got = rtp.exchange((peer.remote[0], sdp.audio.port), payloads, payload_type, size / 8000, size)
        call.hang_up()
        assert [p.payload for p in got] == payloads
        assert {p.payload_type for p in got} == {payload_type}


def test_echo_of_the_peers_numbers(daemon, peer):
    """The peer's SDP says which number it wants a codec under (RFC 3264 5.1)."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, [(107, "PCMA/8000")]))
        sdp = call.establish().sdp
        payloads = random_payloads(5)
        got = rtp.exchange((peer.remote[0], sdp.audio.port), payloads, payload_type=int(sdp.audio.formats[0]))
        call.hang_up()
        assert [(p.payload_type, p.payload) for p in got] == [(107, payload) for payload in payloads]


def test_echo_of_telephone_events(daemon, peer):
    """RFC 4733 events come back too, with their marker, on the timestamps of one event."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port, [0, EVENT]))
        sdp = call.establish().sdp
        remote = (peer.remote[0], sdp.audio.port)
        rtp.exchange(remote, random_payloads(3), after=0)
        start = rtp.timestamp
        events = [struct.pack(">BBH", 5, 0x8A if last else 0x0A, 160 * (n + 1)) for n, last in enumerate([0, 0, 0, 1, 1, 1])]
        for number, event in enumerate(events):
            rtp.send(remote, event, payload_type=101, marker=int(number == 0), timestamp=start)
            time.sleep(0.02)
        got = [p for p in rtp.collect(0.4) if p.payload_type == 101]
        call.hang_up()
        assert [p.payload for p in got] == events
        assert got[0].marker == 1
        assert len({p.timestamp for p in got}) == 1, "the packets of an event have one timestamp (RFC 4733 2.5.1.2)"


def test_no_echo_of_rubbish(daemon, peer):
    """What is no RTP, or of a payload type that nobody agreed on, is dropped, and the call goes on."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port))
        remote = (peer.remote[0], call.establish().sdp.audio.port)
        for rubbish in (b"", b"x", b"\x80\x00", b"\x00" * 12, b"\x7f" * 40, b"\x9f\x00" + b"\xff" * 10):
            rtp.rtp.sendto(rubbish, remote)
            rtp.rtcp.sendto(rubbish, (remote[0], remote[1] + 1))
        rtp.send(remote, b"a" * 160, payload_type=77)
        assert rtp.collect(0.2) == []
        payloads = random_payloads(5)
        assert [p.payload for p in rtp.exchange(remote, payloads)] == payloads
        call.hang_up()


def test_stream_of_a_stranger_is_not_taken(daemon, peer):
    """Packets from an address that the SDP does not name don't turn the stream while the peer sends."""
    with RtpSocket() as rtp, RtpSocket("127.0.0.77") as stranger:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port))
        remote = (peer.remote[0], call.establish().sdp.audio.port)
        payloads = random_payloads(20)
        for payload in payloads:
            stranger.send(remote, b"s" * 160)
            rtp.exchange(remote, [payload], after=0)
        got = rtp.collect(0.3)
        call.hang_up()
        assert [p.payload for p in got] == payloads
        assert stranger.collect(0) == []


def test_lost_and_late_packets(daemon, peer):
    """An echo takes packets as they come: gaps and reordering stay what they were."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port))
        remote = (peer.remote[0], call.establish().sdp.audio.port)
        sent = random_payloads(20)
        rtp.collect(0.05)
        for number, payload in enumerate(sent):
            rtp.sequence, rtp.timestamp = 500 + number, 160 * number
            if number not in (5, 6, 11):
                rtp.send(remote, payload)
            rtp.collect(0.01)
        got = [p.payload for p in rtp.collect(0.3)]
        call.hang_up()
        assert got == [payload for number, payload in enumerate(sent) if number not in (5, 6, 11)]


# ---- playback ----


def listen(rtp, seconds):
    return rtp.collect(seconds)


def heard(packets, table=audio.ULAW):
    return audio.decode(b"".join(p.payload for p in packets), table)


@pytest.mark.parametrize("payload_type, table", [(0, audio.ULAW), (8, audio.ALAW)], ids=["ulaw", "alaw"])
def test_playback(daemon, peer, sounds, payload_type, table):
    with RtpSocket() as rtp:
        call = Call(peer, "hello", sdp=audio_sdp(rtp.port, [payload_type]))
        call.establish()
        packets = listen(rtp, 1.7)
        bye = call.expect("BYE")
        peer.respond(bye, 200)
    check_stream(packets)
    assert {len(p.payload) for p in packets} == {160}
    samples = heard(packets, table)
    likeness, at = audio.best_match(sounds[1][:11000], samples)
    assert likeness > 0.995, likeness
    loudness = audio.loudness(samples[at : at + 11000]) / audio.loudness(sounds[1][:11000])
    assert 0.97 < loudness < 1.03
    times = [when for when, _ in rtp.received]
    assert 1.3 < times[-1] - times[0] < 1.8, "played at its own pace"
    gaps = numpy.diff(times)
    assert numpy.percentile(gaps, 90) < 0.035 and max(gaps) < 0.2


def test_playback_of_16_khz_on_8_khz(daemon, peer, sounds):
    with RtpSocket() as rtp:
        call = Call(peer, "wide", sdp=audio_sdp(rtp.port, [0]))
        call.establish()
        packets = listen(rtp, 1.7)
        bye = call.expect("BYE")
        peer.respond(bye, 200)
    samples = heard(packets)
    # what a telephone line keeps of the source: half its rate, all below 3.4 kHz
    spectrum = numpy.fft.rfft(sounds[2].astype(float))
    frequency = numpy.fft.rfftfreq(len(sounds[2]), 1 / 16000)
    spectrum[frequency > 3400] = 0
    narrow = numpy.fft.irfft(spectrum, len(sounds[2]))[::2]
    likeness, _ = audio.best_match(narrow[800:11000], samples)
    assert likeness > 0.95, likeness


def test_playback_of_several_files(daemon, peer, sounds):
    with RtpSocket() as rtp:
        call = Call(peer, "two", sdp=audio_sdp(rtp.port))
        call.establish()
        packets = listen(rtp, 3.2)
        bye = call.expect("BYE")
        peer.respond(bye, 200)
    samples = heard(packets)
    first, at = audio.best_match(sounds[1][:11000], samples)
    assert first > 0.99
    assert audio.loudness(samples[at + 13000 :]) > 500, "the second file plays behind the first"


def test_playback_to_a_peer_that_holds(daemon, peer):
    """Nothing is sent while the peer holds; the call goes on after."""
    with RtpSocket() as rtp:
        call = Call(peer, "long", sdp=audio_sdp(rtp.port, version=1))
        call.establish()
        listen(rtp, 0.4)
        call.send("INVITE", body=audio_sdp(rtp.port, direction="sendonly", version=2))
        call.ack(call.expect(200))
        listen(rtp, 0.1)
        count = len(rtp.packets)
        assert count > 10
        listen(rtp, 0.4)
        assert len(rtp.packets) == count
        call.send("INVITE", body=audio_sdp(rtp.port, version=3))
        call.ack(call.expect(200))
        listen(rtp, 0.4)
        assert len(rtp.packets) > count + 10
        assert len({p.ssrc for p in rtp.packets}) == 1
        call.hang_up()


@pytest.mark.parametrize("user", ["nofile", "rubbish"])
def test_playback_of_nothing(daemon, peer, user):
    mark = len(daemon.log())
    call = Call(peer, user)
    call.establish()
    bye = call.expect("BYE")
    peer.respond(bye, 200)
    daemon.wait_log(r"PLAYBACK FAILED", after=mark)


def test_early_media(daemon, peer, sounds):
    """183 with SDP, sound before any answer, then a refusal."""
    with RtpSocket() as rtp:
        call = Call(peer, "early", sdp=audio_sdp(rtp.port))
        call.send_invite()
        progress = call.expect(183)
        assert progress.sdp.audio.port > 0
        packets = listen(rtp, 1.7)
        refusal = call.expect(486, skip=(100, 183))
        assert refusal.to_tag == progress.to_tag
    samples = heard(packets)
    likeness, _ = audio.best_match(sounds[1][:11000], samples)
    assert likeness > 0.995, likeness


def test_cancel_in_early_media(daemon, peer):
    with RtpSocket() as rtp:
        call = Call(peer, "early", sdp=audio_sdp(rtp.port))
        call.send_invite()
        call.expect(183)
        listen(rtp, 0.3)
        call.cancel()
        assert {call.expect(200, 487).status, call.expect(200, 487).status} == {200, 487}
        listen(rtp, 0.1)
        count = len(rtp.packets)
        listen(rtp, 0.3)
        assert len(rtp.packets) == count, "sound ends with the call"


# ---- RTCP ----


def rtcp_types(data):
    """The packet types of a compound RTCP packet."""
    found = []
    while data:
        assert len(data) >= 4 and data[0] >> 6 == 2, "RTCP version"
        size = 4 * (struct.unpack(">H", data[2:4])[0] + 1)
        assert size <= len(data)
        found.append(data[1])
        data = data[size:]
    return found


def test_rtcp(daemon, peer):
    """Compound packets that begin with a report, have a CNAME, and end with BYE at the call's end (RFC 3550 6)."""
    with RtpSocket() as rtp:
        call = Call(peer, "echo", sdp=audio_sdp(rtp.port))
        remote = (peer.remote[0], call.establish().sdp.audio.port)
        rtp.exchange(remote, random_payloads(25), after=0.1)
        call.hang_up()
        packets = []
        while select.select([rtp.rtcp], [], [], 0.5)[0]:
            packets.append(rtp.rtcp.recv(2000))
    assert packets, "no RTCP came"
    for packet in packets:
        types = rtcp_types(packet)
        assert types[0] in (200, 201), "a compound begins with SR or RR"
        assert 202 in types, "and has an SDES"
    assert 203 in rtcp_types(packets[-1]), "BYE is last"
