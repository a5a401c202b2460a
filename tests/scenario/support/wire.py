# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP and SDP as they are on the wire: text to values and back. No sockets here.

The parser is strict: what the daemon sends must be well-formed to the letter, so a message that is
not fails the test that received it.
"""

import re

COMPACT = {
    "i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length", "c": "content-type",
    "f": "from", "s": "subject", "k": "supported", "t": "to", "v": "via", "o": "event", "r": "refer-to",
    "x": "session-expires", "b": "referred-by",
}  # fmt: skip

TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+\Z")


class WireError(AssertionError):
    """What was received is not SIP."""


def canonical(name):
    lower = name.lower()
    return COMPACT.get(lower, lower)


class Message:
    """A SIP message: start line, headers in order, body."""

    def __init__(self, start, headers=(), body=b""):
        self.start = start
        self.headers = list(headers)
        self.body = body.encode() if isinstance(body, str) else body

    # ---- text ----

    @classmethod
    def parse(cls, data):
        head, mark, body = data.partition(b"\r\n\r\n")
        if not mark:
            raise WireError(f"no empty line ends the headers: {data!r}")
        try:
            lines = head.decode("utf-8").split("\r\n")
        except UnicodeDecodeError as problem:
            raise WireError(f"not UTF-8: {data!r}") from problem
        headers = []
        for line in lines[1:]:
            if line[:1] in (" ", "\t") and headers:  # a folded line (RFC 3261 7.3.1)
                headers[-1] = (headers[-1][0], headers[-1][1] + " " + line.strip())
                continue
            name, mark, value = line.partition(":")
            if not mark or not TOKEN.match(name.strip()) or "\r" in line or "\n" in line:
                raise WireError(f"no header: {line!r} in {data!r}")
            headers.append((name.strip(), value.strip()))
        message = cls(lines[0], headers, body)
        message.check(data)
        return message

    @staticmethod
    def parse_length(head):
        """Content-Length of a head as octets: on a stream it must be there (RFC 3261 18.3)."""
        found = re.search(rb"(?im)^(?:content-length|l)[ \t]*:[ \t]*(\d+)[ \t]*\r?$", head)
        if not found:
            raise WireError(f"no Content-Length on a stream: {head!r}")
        return int(found.group(1))

    def check(self, data):
        if not re.match(r"SIP/2\.0 [1-6]\d\d .*\Z|[A-Z]+ \S+ SIP/2\.0\Z", self.start):
            raise WireError(f"no start line: {self.start!r}")
        for name in ("via", "from", "to", "call-id", "cseq"):
            if not self.has(name):
                raise WireError(f"no {name} in {data!r}")
        for name in ("from", "to", "call-id", "cseq", "content-length", "content-type", "max-forwards", "contact"):
            if len(self.all(name)) > 1 and not (
                name == "contact" and (self.status in (300, 301, 302) or self.method == "REGISTER")
            ):
                raise WireError(f"{name} more than once in {data!r}")
        length = self.get("content-length")
        if length is not None and int(length) != len(self.body):
            raise WireError(f"Content-Length is {length}, the body has {len(self.body)}: {data!r}")
        if self.body and not self.has("content-type"):
            raise WireError(f"a body without Content-Type: {data!r}")

    def encode(self):
        headers = list(self.headers)
        if not self.has("content-length"):
            headers.append(("Content-Length", str(len(self.body))))
        text = "\r\n".join([self.start] + [f"{name}: {value}" for name, value in headers])
        return text.encode() + b"\r\n\r\n" + self.body

    # ---- parts ----

    @property
    def is_response(self):
        return self.start.startswith("SIP/2.0 ")

    @property
    def status(self):
        return int(self.start.split(" ", 2)[1]) if self.is_response else None

    @property
    def reason(self):
        return self.start.split(" ", 2)[2]

    @property
    def method(self):
        """Of a request its own, of a response that of its CSeq."""
        return self.get("cseq").split()[1] if self.is_response else self.start.split(" ", 1)[0]

    @property
    def uri(self):
        return None if self.is_response else self.start.split(" ")[1]

    @property
    def cseq(self):
        return int(self.get("cseq").split()[0])

    def all(self, name):
        wanted = canonical(name)
        return [value for have, value in self.headers if canonical(have) == wanted]

    def has(self, name):
        return bool(self.all(name))

    def get(self, name, default=None):
        values = self.all(name)
        return values[0] if values else default

    def tokens(self, name):
        """The comma-separated values of all headers of a name."""
        return [token.strip() for value in self.all(name) for token in value.split(",") if token.strip()]

    @property
    def call_id(self):
        return self.get("call-id")

    @property
    def branch(self):
        return parameter(self.all("via")[0].split(",")[0], "branch")

    @property
    def to_tag(self):
        return parameter(self.get("to"), "tag")

    @property
    def from_tag(self):
        return parameter(self.get("from"), "tag")

    @property
    def contact_uri(self):
        return address_uri(self.get("contact")) if self.has("contact") else None

    @property
    def sdp(self):
        if not self.body:
            return None
        if self.get("content-type", "").split(";")[0].strip().lower() != "application/sdp":
            raise WireError(f"the body is {self.get('content-type')}, not SDP")
        return Sdp.parse(self.body)

    @property
    def summary(self):
        """One line for a ladder."""
        sdp = " (SDP)" if self.body and "sdp" in self.get("content-type", "") else ""
        what = f"{self.status} {self.reason}" if self.is_response else self.method
        return f"{what}{sdp} [{self.get('cseq')}]"

    def __repr__(self):
        return f"<{self.summary}>\n" + self.encode().decode(errors="backslashreplace")


def parameter(value, name):
    """The value of ;name= behind an address or a Via; "" without a value, None when it is not there."""
    behind = re.sub(r'"(?:[^"\\]|\\.)*"', '""', value or "")
    if "<" in behind:
        behind = behind.rpartition(">")[2]
    for part in behind.split(";")[1:]:
        key, _, found = part.partition("=")
        if key.strip().lower() == name:
            return found.strip()
    return None


def address_uri(value):
    """The URI of a From, To, Contact or Route value."""
    found = re.search(r"<([^>]*)>", re.sub(r'"(?:[^"\\]|\\.)*"', "", value))
    return found.group(1) if found else value.split(";")[0].strip()


# ---- SDP (RFC 8866) ----


class Media:
    """An m= section."""

    def __init__(self, line):
        fields = line.split()
        self.kind, self.protocol, self.formats = fields[0], fields[2], fields[3:]
        self.port = int(fields[1].split("/")[0])
        self.connection = None
        self.attributes = []

    def attribute(self, name):
        for attribute in self.attributes:
            key, mark, value = attribute.partition(":")
            if key == name:
                return value if mark else ""
        return None

    def values(self, name):
        return [a.partition(":")[2] for a in self.attributes if a.partition(":")[0] == name]

    @property
    def direction(self):
        for direction in ("sendrecv", "sendonly", "recvonly", "inactive"):
            if direction in self.attributes:
                return direction
        return "sendrecv"

    @property
    def rtpmap(self):
        """Payload type to encoding, as in {0: "PCMU/8000"}."""
        return {int(v.split()[0]): v.split()[1] for v in self.values("rtpmap")}


class Sdp:
    """A session description."""

    ORDER = "vosiuepcbtrzkam"

    def __init__(self):
        self.lines = []
        self.attributes = []
        self.origin = None
        self.connection = None
        self.media = []

    @classmethod
    def parse(cls, body):
        sdp = cls()
        text = body.decode("utf-8")
        if not text.endswith("\r\n"):
            raise WireError(f"SDP does not end with CRLF: {text!r}")
        for line in text[:-2].split("\r\n"):
            if not re.match(r"[a-z]=\S", line):
                raise WireError(f"no SDP line: {line!r} in {text!r}")
            kind, value = line[0], line[2:]
            sdp.lines.append(line)
            if kind == "m":
                sdp.media.append(Media(value))
            elif kind == "o":
                sdp.origin = value
            elif kind == "c":
                address = value.split()[2]
                if sdp.media:
                    sdp.media[-1].connection = address
                else:
                    sdp.connection = address
            elif kind == "a":
                (sdp.media[-1].attributes if sdp.media else sdp.attributes).append(value)
        if [line[0] for line in sdp.lines[:3]] != ["v", "o", "s"] or not any(l.startswith("t=") for l in sdp.lines):
            raise WireError(f"v=, o=, s= and t= must be there in order (RFC 8866 5): {text!r}")
        if len(sdp.origin.split()) != 6:
            raise WireError(f"o= has six fields: {text!r}")
        for media in sdp.media:
            if media.connection is None:
                media.connection = sdp.connection
            if media.connection is None and media.port:
                raise WireError(f"a stream without c=: {text!r}")
        return sdp

    @property
    def origin_id(self):
        """What must stay the same for the session's whole life: o= without the version."""
        fields = self.origin.split()
        return (fields[0], fields[1], *fields[3:])

    @property
    def version(self):
        return int(self.origin.split()[2])

    @property
    def audio(self):
        return next(media for media in self.media if media.kind == "audio")


RTPMAP = {0: "PCMU/8000", 3: "GSM/8000", 8: "PCMA/8000", 9: "G722/8000", 18: "G729/8000"}


def audio_sdp(port, formats=(0,), address="127.0.0.1", direction="sendrecv", session=4711, version=1, extra=()):
    """An SDP with one audio stream. `formats`: static payload types, or (number, "name/rate[/channels]")."""
    family = "IP6" if ":" in address else "IP4"
    pairs = [item if isinstance(item, tuple) else (item, RTPMAP[item]) for item in formats]
    lines = ["v=0", f"o=peer {session} {version} IN {family} {address}", "s=-", f"c=IN {family} {address}", "t=0 0"]
    lines.append(f"m=audio {port} RTP/AVP " + " ".join(str(number) for number, _ in pairs))
    for number, encoding in pairs:
        lines.append(f"a=rtpmap:{number} {encoding}")
        if encoding.startswith("telephone-event"):
            lines.append(f"a=fmtp:{number} 0-15")
    lines.append(f"a={direction}")
    lines += list(extra)
    return ("\r\n".join(lines) + "\r\n").encode()
