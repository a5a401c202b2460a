# SPDX-License-Identifier: GPL-2.0-or-later
"""RTP of our own (RFC 3550): sends what a test says, keeps what comes."""

import os
import select
import socket
import struct
import time


class Packet:
    def __init__(self, data):
        assert len(data) >= 12, f"no RTP packet: {data!r}"
        first, second, self.sequence, self.timestamp, self.ssrc = struct.unpack(">BBHII", data[:12])
        assert first >> 6 == 2, f"RTP version {first >> 6}"
        assert first & 0x1F == 0 and not first & 0x10, "CSRCs or an extension that nobody agreed on"
        self.marker, self.payload_type = second >> 7, second & 0x7F
        self.payload = data[12:]


class RtpSocket:
    """A pair of ports: RTP even, RTCP next."""

    def __init__(self, address="127.0.0.1"):
        self.address = address
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for _ in range(100):
            self.rtp = socket.socket(family, socket.SOCK_DGRAM)
            self.rtcp = socket.socket(family, socket.SOCK_DGRAM)
            try:
                self.rtp.bind((address, 0))
                self.port = self.rtp.getsockname()[1]
                if self.port % 2:
                    raise OSError("odd")
                self.rtcp.bind((address, self.port + 1))
                break
            except OSError:
                self.close()
        else:
            raise OSError(f"no pair of ports is free at {address}")
        self.ssrc = struct.unpack(">I", os.urandom(4))[0]
        self.sequence = 1000
        self.timestamp = 160000
        self.received = []  # (time, Packet)

    def close(self):
        self.rtp.close()
        self.rtcp.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, remote, payload, payload_type=0, marker=0, timestamp=None):
        stamp = self.timestamp if timestamp is None else timestamp
        head = struct.pack(">BBHII", 0x80, marker << 7 | payload_type, self.sequence, stamp & 0xFFFFFFFF, self.ssrc)
        self.sequence = (self.sequence + 1) & 0xFFFF
        self.rtp.sendto(head + payload, remote)

    def collect(self, seconds):
        """Keeps what comes for a time; returns all packets so far."""
        end = time.monotonic() + seconds
        while True:
            ready, _, _ = select.select([self.rtp], [], [], max(end - time.monotonic(), 0))
            if not ready:
                return self.packets
            self.received.append((time.monotonic(), Packet(self.rtp.recv(65536))))

    @property
    def packets(self):
        return [packet for _, packet in self.received]

    def exchange(self, remote, payloads, payload_type=0, interval=0.02, step=160, after=0.5):
        """Sends payloads at their pace, collects meanwhile and a while after. Returns what came."""
        self.collect(0.05)  # the media thread is told of an answer by the SIP thread: give it its turn
        start = time.monotonic()
        for number, payload in enumerate(payloads):
            self.send(remote, payload, payload_type, marker=int(number == 0))
            self.timestamp += step
            self.collect(max(start + (number + 1) * interval - time.monotonic(), 0))
        return self.collect(after)


def random_payloads(count, size=160):
    """Payloads that no other packet has: an echo that comes back wrong or mixed up shows."""
    return [os.urandom(size) for _ in range(count)]


def check_stream(packets):
    """One SSRC, sequence numbers without a gap, timestamps that go on."""
    assert packets, "no RTP came"
    assert len({packet.ssrc for packet in packets}) == 1, "more than one SSRC"
    for before, after in zip(packets, packets[1:]):
        assert (after.sequence - before.sequence) & 0xFFFF == 1, "a gap in the sequence numbers"
        assert (after.timestamp - before.timestamp) & 0xFFFFFFFF < 0x80000000, "timestamps go back"
