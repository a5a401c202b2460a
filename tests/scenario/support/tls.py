# SPDX-License-Identifier: GPL-2.0-or-later
"""Certificates made when a test runs, and peers that speak TLS."""

import socket
import ssl
import subprocess
import time

from .peer import Peer
from .wire import Message


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder, name="ca"):
        self.folder = folder
        self.key, self.cert = folder / f"{name}.key", folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2,
                "-keyout", self.key, "-out", self.cert, "-subj", f"/CN={name}")  # fmt: skip

    def issue(self, name, san="", days=2, password=None, cn=None):
        """(certificate, key); san as in `DNS:a.example,IP:127.0.0.1`."""
        key, request, cert = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        cipher = ["-passout", f"pass:{password}"] if password else ["-nodes"]
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", *cipher, "-keyout", key, "-out", request,
                "-subj", f"/CN={cn or name}")  # fmt: skip
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={san}\n" if san else "basicConstraints=CA:FALSE\n")
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key, "-CAcreateserial", "-days", days,
                "-extfile", extensions, "-out", cert)  # fmt: skip
        return cert, key


class TlsPeer(Peer):
    """A peer that connects with TLS; or one that takes over a socket which a TlsServer accepted."""

    scheme = "sip"  # of our Contact

    def __init__(self, remote, ca=None, cert=None, version=None, taken=None, name=None):
        family = socket.AF_INET6 if ":" in remote[0] else socket.AF_INET
        self.remote, self.transport = remote, "tls"
        self.address = "::1" if family == socket.AF_INET6 else "127.0.0.1"
        self.buffer, self.closed, self.log, self.waiting, self.seen = b"", False, [], [], set()
        self.began = time.monotonic()
        if taken:
            self.socket = taken
        else:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            if ca:
                context.load_verify_locations(ca)
            else:
                context.verify_mode = ssl.CERT_NONE
            if cert:
                context.load_cert_chain(*cert)
            if version:
                context.minimum_version = context.maximum_version = version
            plain = socket.socket(family, socket.SOCK_STREAM)
            plain.bind((self.address, 0))
            plain.settimeout(10)
            plain.connect(remote)
            self.socket = context.wrap_socket(plain, server_hostname=name)
        self.port = self.socket.getsockname()[1]

    @property
    def contact(self):
        if self.scheme == "sips":
            return f"<sips:peer@{self.host}:{self.port}>"
        return f"<sip:peer@{self.host}:{self.port};transport=tls>"

    def read(self, timeout):
        return self.read_stream(timeout)

    def read_stream(self, timeout):
        """As for TCP, but the TLS layer may hold octets that select() knows nothing of."""
        end = time.monotonic() + timeout
        while True:
            while self.buffer.startswith(b"\r\n"):
                self.buffer = self.buffer[2:]
            head, mark, rest = self.buffer.partition(b"\r\n\r\n")
            if mark:
                length = Message.parse_length(head)
                if len(rest) >= length:
                    self.buffer = rest[length:]
                    return head + mark + rest[:length]
            left = end - time.monotonic()
            if left <= 0 or self.closed:
                return None
            self.socket.settimeout(left)
            try:
                got = self.socket.recv(65536)
            except (TimeoutError, socket.timeout):
                return None
            except (ConnectionError, ssl.SSLError):
                got = b""
            if not got:
                self.closed = True
                return None
            self.buffer += got

    def send(self, message):
        self.socket.settimeout(10)
        super().send(message)


class TlsServer:
    """Listens with a certificate; accept() gives a TlsPeer."""

    def __init__(self, cert, ca=None, family=socket.AF_INET, require=False):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*cert)
        if ca:
            self.context.load_verify_locations(ca)
            self.context.verify_mode = ssl.CERT_REQUIRED if require else ssl.CERT_OPTIONAL
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.socket.listen(5)
        self.port = self.socket.getsockname()[1]

    def accept(self, timeout=5):
        self.socket.settimeout(timeout)
        plain, remote = self.socket.accept()
        plain.settimeout(timeout)
        peer = TlsPeer(remote, taken=self.context.wrap_socket(plain, server_side=True))
        peer.port = self.port  # where it is reached
        return peer

    def close(self):
        self.socket.close()
