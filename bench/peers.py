# SPDX-License-Identifier: GPL-2.0-or-later
"""What bench/memory and bench/soak share: a configured daemon that tells how much of everything it has, and peers."""

import asyncio
import hashlib
import itertools
import re
import ssl
import subprocess
from pathlib import Path

import benchlib
from benchlib import BenchError, Server

EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = ring,1,Ringing()
 same = n,Wait(60)

exten = busy,1,Busy()

exten = brief,1,Answer()
 same = n,Wait(0.2)
 same = n,Hangup()
"""

ANYBODY = """\
[anonymous]
type = endpoint
context = default
message_context = default
allow = !all,ulaw
"""


def transports(port, tls_port, folder):
    """UDP and TCP at one port, TLS at another."""
    text = "".join(f"[{name}]\ntype = transport\nprotocol = {name}\nbind = 127.0.0.1:{port}\n\n" for name in ("udp", "tcp"))
    return text + (
        f"[tls]\ntype = transport\nprotocol = tls\nbind = 127.0.0.1:{tls_port}\n"
        f"cert_file = {folder}/cert.pem\npriv_key_file = {folder}/key.pem\n\n"
    )


def phones(count, endpoint="", aor=""):
    """Endpoints that are identified by their From user, and their AORs."""
    return "".join(
        f"[phone{n}]\ntype = endpoint\ncontext = default\nallow = ulaw\naors = phone{n}\n{endpoint}\n"
        f"[phone{n}]\ntype = aor\nmax_contacts = 1\nremove_existing = yes\n{aor}\n\n"
        for n in range(count)
    )


class Counted(Server):
    """Our daemon, with the test module api_count."""

    name = "sipsession"

    def __init__(self, daemon, folder, config, system="", core=None, module=None):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.listen, self.tls_port, self.config = benchlib.free_port(), benchlib.free_port(), folder
        module = Path(module or Path(daemon).parent.parent / "tests/api/modules/api_count.so")
        if not module.exists():
            raise BenchError(f"{module} does not exist: build the tests")
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
        command += ["-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem", "-subj", "/CN=bench"]
        subprocess.run(command, check=True, capture_output=True)
        self.write(config, system)
        modules = "sdp_rtp caller_id session_timer message registrar qualify refer".split() + [str(module)]
        text = "[modules]\n" + "".join(f"load = {name}\n" for name in modules)
        (folder / "sipsession.conf").write_text(text + "[overload]\nmax_delay = 0\n[store]\nfile =\n")
        (folder / "extensions.conf").write_text(EXTENSIONS)
        command = [str(daemon), "run", "-c", str(folder)]
        if benchlib.modules_of(daemon):
            command += ["-m", str(benchlib.modules_of(daemon))]
        super().__init__(command, folder, core)

    def write(self, config, system=""):
        text = transports(self.listen, self.tls_port, self.config) + (f"[system]\ntype = system\n{system}\n\n" if system else "")
        (self.config / "pjsip.conf").write_text(text + config)

    def port_of(self, command):
        return self.listen

    async def count(self, trim=False):
        """What there is of everything: a dictionary of numbers."""
        peer = await Datagrams.open(self.listen)
        found = {}
        try:
            answer = await peer.ask("COUNT", "count", ["X-Do: trim"] if trim else [])
            found = {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", answer.header("X-Count"))}
        finally:
            peer.close()
        found["resident"] = benchlib.resident(self.pid) * 1024
        found["descriptors"] = len(self.descriptors())
        return found

    def descriptors(self):
        """What each is: a file, or a socket with its addresses."""
        folder = Path(f"/proc/{self.pid}/fd")
        found = {}
        for entry in folder.iterdir():
            try:
                found[int(entry.name)] = str(entry.readlink())
            except OSError:
                continue  # it was the one that listed the folder
        return found


class Message:
    def __init__(self, text):
        self.text = text
        head = text.split("\r\n\r\n", 1)[0]
        self.first, *self.lines = head.split("\r\n")

    @property
    def status(self):
        return int(self.first.split()[1]) if self.first.startswith("SIP/2.0 ") else 0

    def headers(self, name):
        return [line.split(":", 1)[1].strip() for line in self.lines if line.lower().startswith(name.lower() + ":")]

    def header(self, name):
        return (self.headers(name) or [""])[0]

    @property
    def branch(self):
        found = re.search(r"branch=([^;\s]+)", self.header("Via"))
        return found.group(1) if found else ""

    def answer(self, status, extra=()):
        """A response to this request."""
        keep = [line for line in self.lines if re.match(r"(?i)(via|from|call-id|cseq|record-route):", line)]
        to = self.header("To")
        keep.append(f"To: {to}" if ";tag=" in to else f"To: {to};tag=bench")
        return "\r\n".join([f"SIP/2.0 {status} X", *keep, *extra, "Content-Length: 0", "", ""])


numbers = itertools.count(1)


class Peer:
    """Sends requests and waits for what comes back, by the branch of its Via; requests of the daemon get 200."""

    transport = "UDP"
    patience = 40

    def __init__(self, server_port):
        self.server_port, self.waiting = server_port, {}

    def came(self, text):
        message = Message(text)
        if message.status:
            queue = self.waiting.get(message.branch)
            if queue:
                queue.put_nowait(message)
        elif not message.first.startswith("ACK ") and message.first:
            self.send(message.answer(200))

    def request(self, method, user, headers=(), body="", name="bench", call=None, branch=None, to_tag="", cseq=1):
        number = next(numbers)
        call = call or f"c{number}"
        lines = [
            f"{method} sip:{user}@127.0.0.1:{self.server_port} SIP/2.0",
            f"Via: SIP/2.0/{self.transport} 127.0.0.1:{self.port};branch={branch or f'z9hG4bK{number}'};rport",
            "Max-Forwards: 70",
            f"From: <sip:{name}@127.0.0.1>;tag=t{call}",
            f"To: <sip:{name if method == 'REGISTER' else user}@127.0.0.1>{to_tag and ';tag=' + to_tag}",
            f"Call-ID: {call}",
            f"CSeq: {cseq} {method}",
            *headers,
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join(lines) + "\r\n\r\n" + body

    async def transact(self, text, until=200):
        """The first response of a status of `until` or above; sent again as RFC 3261 17 has it."""
        branch = Message(text).branch
        queue = self.waiting[branch] = asyncio.Queue()
        interval = 0.5
        try:
            self.send(text)
            end = asyncio.get_running_loop().time() + self.patience
            while asyncio.get_running_loop().time() < end:
                try:
                    message = await asyncio.wait_for(queue.get(), interval)
                except asyncio.TimeoutError:
                    if self.transport == "UDP":
                        self.send(text)
                        interval = min(2 * interval, 4)
                    continue
                if message.status >= until:
                    return message
        finally:
            del self.waiting[branch]
        raise BenchError(f"no answer to {text[:300]}")

    async def ask(self, method, user, headers=(), body="", want=(200,), **more):
        answer = await self.transact(self.request(method, user, headers, body, **more))
        if want and answer.status not in want:
            raise BenchError(f"{method} to {user}: {answer.text}")
        return answer

    # ---- calls ----

    def offer(self, port):
        return (
            f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
        )

    @property
    def contact(self):
        return f"Contact: <sip:bench@127.0.0.1:{self.port};transport={self.transport.lower()}>"

    async def invite(self, user, media_port=9, until=200, headers=(), call=None, branch=None):
        call = call or f"c{next(numbers)}"
        headers = [self.contact, "Content-Type: application/sdp", *headers]
        text = self.request("INVITE", user, headers, self.offer(media_port), call=call, branch=branch)
        return call, Message(text), await self.transact(text, until)

    def tag(self, answer):
        return answer.header("To").split(";tag=")[1].split(";")[0]

    def ack(self, user, call, invite, answer):
        branch = invite.branch if answer.status >= 300 else None
        self.send(self.request("ACK", user, call=call, branch=branch, to_tag=self.tag(answer)))

    async def bye(self, user, call, answer):
        return await self.ask("BYE", user, call=call, to_tag=self.tag(answer), cseq=9)

    # ---- registration ----

    def register(self, name, expires=3600, headers=(), params="", cseq=None, call=None):
        contact = f"{self.contact.replace('bench@', name + '@')}{params}"
        more = [contact, f"Expires: {expires}", "User-Agent: bench/1.0", *headers]
        return self.ask("REGISTER", name, more, name=name, call=call or f"r{name}", cseq=cseq or next(numbers), want=None)


class Datagrams(Peer, asyncio.DatagramProtocol):
    @classmethod
    async def open(cls, server_port):
        loop = asyncio.get_running_loop()
        transport, peer = await loop.create_datagram_endpoint(
            lambda: cls(server_port), local_addr=("127.0.0.1", 0), remote_addr=("127.0.0.1", server_port)
        )
        peer.socket = transport
        peer.port = transport.get_extra_info("sockname")[1]
        return peer

    def datagram_received(self, data, _):
        self.came(data.decode(errors="replace"))

    def error_received(self, _):
        pass

    def send(self, text):
        self.socket.sendto(text.encode() if isinstance(text, str) else text)

    def close(self):
        self.socket.close()


class Stream(Peer):
    """TCP, or TLS when tls is set."""

    @classmethod
    async def open(cls, server_port, tls=False):
        peer = cls(server_port)
        context = None
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        peer.transport = "TLS" if tls else "TCP"
        peer.reader, peer.writer = await asyncio.open_connection("127.0.0.1", server_port, ssl=context)
        peer.port = peer.writer.get_extra_info("sockname")[1]
        peer.task = asyncio.ensure_future(peer.read())
        return peer

    async def read(self):
        try:
            while True:
                head = (await self.reader.readuntil(b"\r\n\r\n")).decode(errors="replace").lstrip("\r\n")
                if not head:
                    continue
                found = re.search(r"(?im)^content-length:\s*(\d+)", head)
                body = await self.reader.readexactly(int(found.group(1)) if found else 0)
                self.came(head + body.decode(errors="replace"))
        except (asyncio.IncompleteReadError, OSError, asyncio.LimitOverrunError):
            pass

    def send(self, text):
        self.writer.write(text.encode() if isinstance(text, str) else text)

    async def close(self):
        self.task.cancel()
        self.writer.close()  # and no wait: of TLS, asyncio would wait for the other side, half a minute


def authorization(challenge, method, user, password, uri):
    """The value of Authorization that answers an MD5 challenge."""
    realm, nonce = (re.search(f'{name}="([^"]*)"', challenge).group(1) for name in ("realm", "nonce"))

    def md5(text):
        return hashlib.md5(text.encode()).hexdigest()

    digest = md5(f"{md5(f'{user}:{realm}:{password}')}:{nonce}:00000001:c:auth:{md5(f'{method}:{uri}')}")
    return (
        f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{digest}", algorithm=MD5, '
        f'qop=auth, nc=00000001, cnonce="c"'
    )


async def together(jobs, most):
    """Runs coroutines, at most so many at once."""
    gate = asyncio.Semaphore(most)

    async def one(job):
        async with gate:
            return await job

    return await asyncio.gather(*(one(job) for job in jobs))
