# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls of the daemon's (tests/api/api_outgoing): asked for in a call to it, answered by peers."""

import contextlib
import hashlib
import re
import time

from .daemon import Daemon
from .peer import Call
from .wire import Message

HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


class Caller:
    """A call to the daemon in which its outgoing calls are asked for."""

    def __init__(self, daemon, record_path):
        self.daemon, self.record_path = daemon, record_path
        self.call = Call(daemon.peer(), "wait")
        self.call.establish()

    def ask(self, header, value="1"):
        self.call.send("INFO", [(header, value)])
        self.call.expect(200)

    def dial(self, endpoint, uri, *words):
        self.ask("X-Dial", " ".join([endpoint, uri, *words]))

    def hang_up(self):
        self.ask("X-Hang-Up")

    def lines(self):
        return self.record_path.read_text().splitlines() if self.record_path.exists() else []

    def wait(self, line, timeout=10):
        """Waits for a line of the record."""
        end = time.monotonic() + timeout
        while line not in self.lines():
            assert time.monotonic() < end, f"{line!r} is not in\n" + "\n".join(self.lines())
            time.sleep(0.01)

    def done(self):
        self.call.hang_up()


@contextlib.contextmanager
def caller_of_phones(folder, extensions, endpoints, modules, system=""):
    """A Caller, at a daemon of its own that calls phones where they registered (a URI of "-")."""
    record = folder / "record"
    daemon = Daemon(
        folder, extensions, endpoints, system, modules=["sdp_rtp", "registrar", "qualify", *modules],
        env={"SIPSESSION_API_LOG": str(record)},
    )  # fmt: skip
    daemon.start()
    caller = Caller(daemon, record)
    yield caller
    caller.done()
    daemon.stop()


def expect_call(peer):
    """A phone refuses a call of the daemon's; its INVITE."""
    invite = peer.expect("INVITE", skip=("OPTIONS",))
    peer.respond(invite, 486)
    peer.expect("ACK", skip=("OPTIONS",))
    return invite


def contact(peer, user="peer"):
    return ("Contact", f"<sip:{user}@{peer.host}:{peer.port}>")


def respond(peer, invite, status, tag, headers=(), body=b"", user="peer"):
    """As one branch of a forked INVITE would: with its own To tag and Contact."""
    copied = []
    for name, value in invite.headers:
        if name.lower() == "to" and ";tag=" not in value:
            value = f"{value};tag={tag}"
        if name.lower() in ("via", "from", "to", "call-id", "cseq"):
            copied.append((name, value))
    if 100 < status < 300:
        copied.append(contact(peer, user))
    if body:
        copied.append(("Content-Type", "application/sdp"))
    response = Message(f"SIP/2.0 {status} Because", copied + list(headers), body)
    peer.send(response)
    return response


def parameters(value):
    """Of an Authorization header."""
    scheme, _, rest = value.partition(" ")
    assert scheme == "Digest", value
    return {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', rest)}


def check_digest(message, header, username, password, realm, nonce, algorithm="MD5"):
    """RFC 7616 3.4.1: the answer to a challenge is the right one."""
    found = [parameters(value) for value in message.all(header)]
    found = [value for value in found if value["realm"] == realm]
    assert len(found) == 1, message
    value = found[0]
    hashed = HASHES[value.get("algorithm", "MD5")]

    def digest(text):
        return hashed(text.encode()).hexdigest()

    assert (value["username"], value["nonce"]) == (username, nonce), value
    assert value.get("algorithm", "MD5") == algorithm, value
    assert value["uri"] == message.uri, value
    secret = digest(f"{username}:{realm}:{password}")
    what = digest(f"{message.method}:{value['uri']}")
    if "qop" in value:
        middle = f"{nonce}:{value['nc']}:{value['cnonce']}:{value['qop']}"
    else:
        middle = nonce
    assert value["response"] == digest(f"{secret}:{middle}:{what}"), value
    return value


def challenge(realm, nonce, *more):
    return ", ".join([f'Digest realm="{realm}"', f'nonce="{nonce}"', *more])

