# SPDX-License-Identifier: GPL-2.0-or-later
"""A name server that says what a test wants: answers, silence, refusals, lies. On 127.0.0.1, in threads: UDP, and TCP
at the same port."""

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
    """records: {name: [record, ...]}; silent: names that are never answered; lie: answer with another id first;
    truncated: names whose records do not fit a datagram, it says (RFC 1035 4.1.1, TC)."""

    def __init__(self, records, silent=(), lie=False):
        self.records = {key.lower().rstrip("."): value for key, value in records.items()}
        self.silent, self.lie = {entry.lower() for entry in silent}, lie
        self.truncated = set()
        self.questions = []
        self.over_tcp = []
        self.ttl = 30
        self.socket, self.server = self.bind()
        self.port = self.socket.getsockname()[1]
        self.running = True
        for serve in (self.serve, self.serve_tcp):
            threading.Thread(target=serve, daemon=True).start()

    @staticmethod
    def bind():
        """Sockets of one port."""
        while True:
            datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            datagrams.bind(("127.0.0.1", 0))
            try:
                return datagrams, socket.create_server(datagrams.getsockname())
            except OSError:
                datagrams.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.running = False
        self.socket.close()
        self.server.close()

    def serve(self):
        while self.running:
            try:
                data, peer = self.socket.recvfrom(4096)
                self.answer(data, peer)
            except OSError:  # it is closed
                return

    def serve_tcp(self):
        """RFC 1035 4.2.2: each message has its length in front. One client after the other."""
        while self.running:
            try:
                connection, _ = self.server.accept()
                with connection, connection.makefile("rb") as stream:
                    connection.settimeout(10)
                    while length := stream.read(2):
                        data = stream.read(struct.unpack("!H", length)[0])
                        self.over_tcp.append(self.read_question(data)[0])
                        self.answer(data, None, lambda text: connection.sendall(struct.pack("!H", len(text)) + text))
            except OSError:
                continue

    @staticmethod
    def read_question(data):
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode())
            at += 1 + data[at]
        kind = struct.unpack("!H", data[at + 1 : at + 3])[0]
        return ".".join(labels).lower(), kind, data[12 : at + 5]

    def answer(self, data, peer, reply=None):
        wanted, kind, question = self.read_question(data)
        self.questions.append((wanted, kind))
        if wanted in self.silent:
            return
        found = [body for its_kind, body in self.records.get(wanted, []) if its_kind == kind]
        code = 0 if wanted in self.records else 3  # NXDOMAIN
        identity = struct.unpack("!H", data[:2])[0]
        reply = reply or (lambda text: self.socket.sendto(text, peer))
        if peer and wanted in self.truncated and found:
            reply(struct.pack("!HHHHHH", identity, 0x8780, 1, 0, 0, 0) + question)
            return
        if self.lie:
            self.send(identity ^ 0x5555, 0, question, [socket.inet_aton("127.0.0.99")], A, reply)
        self.send(identity, code, question, found, kind, reply)

    def send(self, identity, code, question, bodies, kind, reply):
        header = struct.pack("!HHHHHH", identity, 0x8580 | code, 1, len(bodies), 0, 0)
        answers = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, self.ttl, len(body)) + body for body in bodies
        )
        reply(header + question + answers)
