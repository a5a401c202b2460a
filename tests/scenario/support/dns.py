# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server that says what a test wants: answers, silence, refusals, lies. UDP on 127.0.0.1, in a thread."""

import socket
import struct
import threading

A, AAAA, SRV, NAPTR = 1, 28, 33, 35


def name(text):
    out = b""
    for label in text.rstrip(".").split("."):
        if label:
            out += bytes([len(label)]) + label.encode()
    return out + b"\0"


def text(value):
    return bytes([len(value)]) + value.encode()


def a(address):
    return A, socket.inet_aton(address)


def aaaa(address):
    return AAAA, socket.inet_pton(socket.AF_INET6, address)


def srv(priority, weight, port, target):
    return SRV, struct.pack("!HHH", priority, weight, port) + name(target)


def naptr(order, preference, service, replacement, flags="s", regexp=""):
    return NAPTR, struct.pack("!HH", order, preference) + text(flags) + text(service) + text(regexp) + name(replacement)


class NameServer:
    """records: {name: [record, ...]}; silent: names that are never answered; lie: answer with another id first."""

    def __init__(self, records, silent=(), lie=False):
        self.records = {key.lower().rstrip("."): value for key, value in records.items()}
        self.silent, self.lie = {entry.lower() for entry in silent}, lie
        self.questions = []
        self.ttl = 30
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.running = True
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.running = False
        self.socket.close()

    def serve(self):
        while self.running:
            try:
                data, peer = self.socket.recvfrom(4096)
                self.answer(data, peer)
            except OSError:  # it is closed
                return

    @staticmethod
    def read_question(data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        kind = struct.unpack("!H", data[at + 1 : at + 3])[0]
        return ".".join(labels).lower(), kind, data[12 : at + 5]

    def answer(self, data, peer):
        wanted, kind, question = self.read_question(data)
        self.questions.append((wanted, kind))
        if wanted in self.silent:
            return
        found = [body for its_kind, body in self.records.get(wanted, []) if its_kind == kind]
        code = 0 if wanted in self.records else 3  # NXDOMAIN
        identity = struct.unpack("!H", data[:2])[0]
        if self.lie:
            self.send(identity ^ 0x5555, 0, question, [socket.inet_aton("127.0.0.99")], A, peer)
        self.send(identity, code, question, found, kind, peer)

    def send(self, identity, code, question, bodies, kind, peer):
        header = struct.pack("!HHHHHH", identity, 0x8580 | code, 1, len(bodies), 0, 0)
        answers = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(body)) + body for body in bodies
        )
        self.socket.sendto(header + question + answers, peer)
