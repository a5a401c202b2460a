# SPDX-License-Identifier: GPL-2.0-or-later
"""Random call flows, legal and not: 1,000 of them, many at once, in both roles, over UDP and TCP, with every module
loaded. At the end the daemon is alive, every session that began has ended, and its exit says that nothing leaked.

The seed is printed. SIPSESSION_FLOWS_SEED sets it, SIPSESSION_FLOWS how many flows there are.
"""

import heapq
import os
import random
import select
import time
from pathlib import Path

import pytest
from support.drive import Called, finish
from support.peer import Call, unique
from support.wire import Message, audio_sdp, parameter

SEED = int(os.environ.get("SIPSESSION_FLOWS_SEED", "20070"))
COUNT = int(os.environ.get("SIPSESSION_FLOWS", "1000"))
PARTS = 4
AT_ONCE = 40
LONGEST = 1.6  # seconds that a flow goes on before it is ended

EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = open,1,Wait(3)

exten = ring,1,Ringing()
 same = n,Wait(3)

exten = progress,1,Progress()
 same = n,Wait(3)

exten = ringanswer,1,Ringing()
 same = n,Wait(0.05)
 same = n,Progress()
 same = n,Wait(0.05)
 same = n,Answer()
 same = n,Echo()

exten = brief,1,Answer()
 same = n,Wait(0.2)
 same = n,Hangup()

exten = busy,1,Busy()

exten = talk,1,Answer()
 same = n,SendDTMF(12#,20,40)
 same = n,SendText(hello)
 same = n,Set(CONNECTEDLINE(num)=4242)
 same = n,Echo()

exten = away,1,Answer()
 same = n,Transfer(PJSIP/sip:there@127.0.0.1:9)
 same = n,Wait(1)
"""

# Everything on: each option is more code that messages reach.
ENDPOINTS = """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw,alaw,g722
outbound_auth = secret
redirect_method = uri_pjsip
dtmf_mode = auto_info
timers = always
trust_id_inbound = yes
trust_id_outbound = yes
send_pai = yes
send_rpid = yes
send_history_info = yes
connected_line_method = update
max_audio_streams = 3

[secret]
type = auth
auth_type = userpass
username = bob
password = builder
"""

USERS = ["echo"] * 5 + ["open"] * 4 + ["ring", "progress", "ringanswer", "ringanswer", "brief", "busy", "nosuch", "talk", "talk", "away"]
METHODS = ["INFO", "OPTIONS", "MESSAGE", "NOTIFY", "REFER", "SUBSCRIBE", "PUBLISH", "REGISTER", "FROBNICATE", "INVITE", "UPDATE"]
FINALS = [200] * 8 + [202, 299, 300, 302, 401, 403, 404, 405, 407, 408, 415, 420, 421, 422, 469, 480, 481, 482, 486, 487, 488, 489, 491, 493,
                      500, 501, 503, 504, 580, 600, 603, 606, 699]  # fmt: skip


@pytest.fixture(scope="module")
def daemon_options():
    folder = os.environ.get("SIPSESSION_MODULES")
    modules = sorted(path.stem for path in Path(folder).glob("*.so")) if folder else ["sdp_rtp"]
    return {
        "extensions": EXTENSIONS,
        "endpoints": ENDPOINTS,
        "modules": modules,
        "system": "type = system\ntimer_t1 = 100\ntimer_b = 6400\n",
        "options": (),
    }


class Flow:
    """One call, and what befalls it."""

    def __init__(self, world, number):
        self.world, self.number = world, number
        self.random = random.Random(world.seed * 100003 + number)
        self.peer = self.pick(world.peers)
        self.call = None  # Call or Called
        self.branches = []  # of a call to us
        self.answered = {}  # what we said, by (branch, method)
        self.received = []  # responses and requests of the daemon's, newest last
        self.sent = []
        self.version = 1
        self.refreshes = []
        self.dialogs = []  # To of what the daemon answered: each ends with a BYE of its own
        self.over = False
        self.until = None
        self.history = []  # what went by, for a failure

    def pick(self, choices):
        return self.random.choice(choices)

    def chance(self, share):
        return self.random.random() < share

    # ---- bodies and headers ----

    def sdp(self):
        """(body, Content-Type): mostly good, an offer or an answer."""
        self.version += self.pick((0, 1, 1, 1, 7, -1))
        good = audio_sdp(
            self.pick((41000, 42000, 0)) if self.chance(0.1) else 41000,
            self.pick(([0], [8], [9, 0], [0, 8, (101, "telephone-event/8000")])),
            version=max(self.version, 0),
            direction=self.pick(("sendrecv",) * 4 + ("sendonly", "recvonly", "inactive")),
            address=self.pick(("127.0.0.1",) * 5 + ("0.0.0.0", "::1")),
        )
        kind = "application/sdp"
        if self.chance(0.7):
            return good, kind
        bad = [
            (good.split(b"m=audio")[0], kind),
            (good + b"m=audio 43000 RTP/AVP 0\r\n", kind),
            (b"".join(b"m=video 0 RTP/AVP 31\r\n" for _ in range(20)).join((good, b"")), kind),
            (good.replace(b"m=audio", b"m=image"), kind),
            (good.replace(b"RTP/AVP", b"RTP/SAVP"), kind),
            (audio_sdp(41000, [18]), kind),
            (b"rubbish\r\n", kind),
            (good[: self.random.randrange(1, len(good))], kind),
            (self.random.randbytes(60), kind),
            (good, "application/xml"),
            (b"--e\r\nContent-Type: application/sdp\r\n\r\n" + good + b"\r\n--e--\r\n", "multipart/mixed;boundary=e"),
            (b"--e\r\n--e--\r\n", "multipart/mixed;boundary=e"),
            (b"hello", "text/plain"),
            (b"Signal=5\r\nDuration=160\r\n", "application/dtmf-relay"),
            (b"SIP/2.0 100 Trying\r\n", "message/sipfrag"),
        ]
        return self.pick(bad)

    def headers(self):
        found = []
        for header in (
            ("Supported", "100rel, timer, replaces, norefersub"), ("Supported", "100rel"), ("Require", "100rel"), ("Require", "timer"),
            ("Require", "frobnicate"), ("Session-Expires", "90;refresher=uac"), ("Session-Expires", "100;refresher=uas"),
            ("Session-Expires", "10"), ("Min-SE", "90"), ("Allow", "INVITE, ACK, BYE, CANCEL, UPDATE, PRACK, INFO"),
            ("Allow", "INVITE, ACK, BYE"), ("Recv-Info", "nil"), ("Info-Package", "nothing"), ("Reason", "Q.850;cause=17"),
            ("Content-Disposition", "session;handling=optional"), ("Content-Disposition", "icon"), ("Refer-To", "<sip:x@127.0.0.1:9>"),
            ("Refer-To", "<sip:x@127.0.0.1:9?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>"), ("Refer-Sub", "false"),
            ("Replaces", "nosuch;to-tag=1;from-tag=2"), ("Retry-After", "0"), ("Retry-After", "1"), ("Min-SE", "120"),
            ("Event", "refer"), ("Subscription-State", "active"), ("P-Asserted-Identity", "<sip:1@x>"), ("Privacy", "id"),
            ("Diversion", "<sip:2@x>;reason=no-answer"), ("History-Info", "<sip:3@x>;index=1"), ("RSeq", "77"), ("RAck", "1 1 INVITE"),
            ("WWW-Authenticate", 'Digest realm="r", nonce="n"'), ("Proxy-Authenticate", 'Digest realm="r", nonce="n", qop="auth"'),
            ("Unsupported", "100rel"), ("Accept", "application/sdp"), ("Expires", "60"), ("Authorization", 'Digest username="u"'),
        ):  # fmt: skip
            if self.chance(0.06):
                found.append(header)
        if self.chance(0.06):
            found += self.another_dialog()
        return found

    def another_dialog(self):
        """Replaces, in itself or in a REFER's target, of a call that is (RFC 3891)."""
        flows = list(self.world.flows.values())
        call = self.pick(flows).call if flows else None
        if call is None:
            return []
        ours, theirs = parameter(call.local, "tag"), parameter(call.remote, "tag")
        if self.chance(0.5):
            return [("Replaces", f"{call.call_id};to-tag={theirs};from-tag={ours}" + self.pick(("", ";early-only")))]
        value = f"{call.call_id}%3Bto-tag%3D{theirs}%3Bfrom-tag%3D{ours}"
        return [("Refer-To", f"<sip:{self.pick(USERS)}@{self.peer.remote_host}:{self.peer.remote[1]}?Replaces={value}>")]

    def add_body(self, message, share=0.7):
        if self.chance(share):
            message.body, kind = self.sdp()
            message.headers = [(n, v) for n, v in message.headers if n not in ("Content-Type", "Content-Length")] + [("Content-Type", kind)]
        return message

    # ---- sending ----

    def send(self, message):
        self.sent.append(message)
        self.peer.send(message)
        if self.chance(0.05):
            self.peer.send(message)  # the network doubles it

    def request(self, method, share=0.3, **options):
        """A request in the dialog, its CSeq now and then wrong."""
        if self.chance(0.05):
            options["cseq"] = max(self.call.cseq + self.pick((-3, -1, 0, 5)), 0)
        request = self.add_body(self.call.build(method, self.headers(), **options), share)
        if method == "REFER" and not request.has("refer-to") and self.chance(0.7):
            request.headers.append(("Refer-To", "<sip:echo@127.0.0.1:9>"))
        if self.chance(0.02):
            request.headers = [(n, v.replace("tag=", "tag=x") if n in ("From", "To") else v) for n, v in request.headers]
        if method == "INVITE":
            self.call.invite = request
        self.send(request)

    def drive(self, *words):
        answer = self.world.drive(words[0], self.call.call_id, *words[1:])
        self.note("==", f"{' '.join(map(str, words))}: {answer}")
        return answer

    def note(self, way, what):
        self.history.append(f"  {time.monotonic():.3f} {way} {what}")

    # ---- the course of it ----

    def start(self):
        self.until = time.monotonic() + self.random.uniform(0.1, LONGEST)
        if self.chance(0.4):
            suffix = ";transport=tcp" if self.peer.transport == "tcp" else ""
            options = [option for option in ("late", "redirections=3", "timeout=900") if self.chance(0.2)]
            call_id = self.world.drive("call", f"sip:callee@127.0.0.1:{self.peer.port}{suffix}", *options)
            if call_id in ("none", "failed", ""):
                self.over = True
                return
            self.world.flows[call_id] = self
            return
        self.call = Call(self.peer, self.pick(USERS), headers=self.headers())
        self.world.flows[self.call.call_id] = self
        invite = self.call.build("INVITE", self.call.headers)
        self.call.invite = invite
        if self.chance(0.75):
            invite.body = self.call.offer
            invite.headers.append(("Content-Type", "application/sdp"))
        else:
            self.add_body(invite, 0.6)
        self.send(invite)

    def step(self):
        """Something happens that nobody waits for. Returns the seconds until the next."""
        if self.call is None:
            return 0.05
        self.pick(
            [self.in_dialog] * 6 + [self.driven] * 7 + [self.hang_up] + [self.cancel] + [self.repeat] * 2 + [self.out_of_thin_air]
            + [self.answer_late] * 3 + [self.prack, self.stray]
        )()  # fmt: skip
        return self.random.uniform(0.0, 0.12)

    def in_dialog(self):
        self.request(self.pick(METHODS), share=0.6 if self.chance(0.5) else 0.1)

    def driven(self):
        what = self.pick(
            [("refresh", "invite")] * 3 + [("refresh", "update")] * 2 + [("refresh", "auto"), ("refresh", "invite", "without-offer")]
            + [("refresh", "auto", "without-offer"), ("refresh", "invite", "give-up"), ("hold", "sendonly"), ("hold", "inactive"), ("hold", "none")]
            + [("add", "audio"), ("add", "video"), ("remove", "0"), ("remove", "1"), ("terminate",), ("terminate", "486"), ("reinvite",)]
            + [("respond", code) for code in (100, 180, 183, 183, 199, 200, 200, 200, 486, 302, 500)]
            + [("send", method) for method in ("INFO", "MESSAGE", "OPTIONS", "NOTIFY", "FROBNICATE", "BYE", "INVITE")]
            + [("defer-end", "200"), ("end-deferral",), ("cancel-end",), ("set-cookie", 0, "x"), ("early",), ("state",)]
        )  # fmt: skip
        answer = self.drive(*what)
        if what[0] == "refresh" and answer.startswith("0 "):
            self.refreshes.append(answer.split()[1])
        if self.refreshes and self.chance(0.15):
            self.drive("refresh-cancel", self.pick(self.refreshes))
        if self.chance(0.1):
            self.world.drive("defer", self.pick(("INFO", "UPDATE", "INVITE", "OPTIONS", "none", "none")))
        if self.chance(0.2):
            self.world.drive("resume", *self.pick(((), (), ("200",), ("488",))))

    def hang_up(self):
        self.request("BYE", share=0.02)

    def cancel(self):
        if self.call.invite is not None:
            self.call.cancel()

    def repeat(self):
        """The network brings again what was sent a while ago."""
        if self.sent:
            self.peer.send(self.pick(self.sent))

    def out_of_thin_air(self):
        """A response to what was never asked, or again to what was."""
        requests = [m for m in self.received if not m.is_response and m.method != "ACK"]
        if requests and self.chance(0.7):
            self.respond(self.pick(requests))
        else:
            fake = self.call.build(self.pick(["INVITE", "BYE", "UPDATE", "PRACK"]))
            fake.headers = [("Via", f"SIP/2.0/UDP {self.peer.remote_host}:{self.peer.remote[1]};branch={unique('z9hG4bK')}"), *fake.headers[1:]]
            self.send(Message(f"SIP/2.0 {self.pick(FINALS)} Made up", fake.headers))

    def prack(self):
        reliable = [m for m in self.received if m.is_response and m.has("rseq")]
        rack = f"{self.pick(reliable).get('rseq')} {reliable[0].cseq} INVITE" if reliable and self.chance(0.8) else "3 1 INVITE"
        request = self.add_body(self.call.build("PRACK", [("RAck", rack)]), 0.2)
        self.send(request)

    def stray(self):
        """A request with tags of no dialog, or an INVITE that says that it has one."""
        request = self.call.build(self.pick(["BYE", "INVITE", "UPDATE", "ACK", "CANCEL", "INFO"]))
        request.headers = [(n, f"<sip:nobody@127.0.0.1>;tag={unique('n')}" if n == "To" else v) for n, v in request.headers]
        self.send(request)

    def answer_late(self):
        requests = [m for m in self.received if not m.is_response and m.method not in ("ACK", "CANCEL")]
        if requests:
            self.respond(requests[-1])

    # ---- what comes ----

    def respond(self, request):
        status = self.pick(FINALS)
        if request.method == "INVITE" and self.chance(0.5):
            status = self.pick((100, 180, 183, 183, 199, 200, 200, 200))
        headers = self.headers()
        if status in (300, 302) and self.chance(0.7):
            headers.append(("Contact", self.peer.contact))
        if status in (180, 183) and self.chance(0.4):
            headers = [h for h in headers if h[0] not in ("RSeq", "Require")]
            headers += [("Require", "100rel"), ("RSeq", str(self.pick((1, 1, 2, 3))))]
        tag = self.pick((self.call.tag,) * 6 + (self.call.tag + "b", "c")) if isinstance(self.call, Called) else "peertag"
        response = Message("", [])
        kind = None
        if request.method in ("INVITE", "UPDATE", "PRACK") and 100 < status < 300 and self.chance(0.85):
            response.body, kind = self.sdp()
            headers = [h for h in headers if h[0] != "Content-Type"] + [("Content-Type", kind)]
        self.peer.respond(request, status, headers=headers, body=response.body, tag=tag)

    def on_message(self, message):
        if self.call is None:
            if message.is_response or message.method != "INVITE":
                return
            self.call = Called(self.peer, message, tag=f"f{self.number}")
        if message.again and self.chance(0.5):
            return
        self.received.append(message)
        if message.is_response:
            self.on_response(message)
        elif message.method == "BYE":
            if self.chance(0.9):
                self.peer.respond(message, self.pick((200, 200, 200, 481, 500)))
        elif message.method == "CANCEL":
            self.on_cancel(message)
        elif message.method != "ACK" and self.chance(0.85):
            self.respond(message)

    def on_cancel(self, cancel):
        self.peer.respond(cancel, 200)
        for request in self.received:
            if not request.is_response and request.method == "INVITE" and request.branch == cancel.branch and self.chance(0.9):
                self.peer.respond(request, 487, tag=self.call.tag if isinstance(self.call, Called) else "peertag")

    def on_response(self, message):
        if message.method != "INVITE" or message.status == 100:
            return
        if message.status < 300:
            self.call.remote = message.get("to")
            self.call.target = message.contact_uri or self.call.target
            if self.call.remote not in self.dialogs:
                self.dialogs.append(self.call.remote)
        if message.has("rseq") and self.chance(0.8):
            request = self.call.build("PRACK", [("RAck", f"{message.get('rseq')} {message.get('cseq')}")])
            self.send(self.add_body(request, 0.15 if message.body else 0.5))
        if 200 <= message.status < 300 and self.chance(0.9):
            ack = self.call.build("ACK", cseq=message.cseq)
            self.send(self.add_body(ack, 0.1 if self.sent and self.sent[0].body else 0.9))
        elif message.status >= 300 and self.chance(0.9):
            invite = next((m for m in reversed(self.sent) if m.method == "INVITE" and m.cseq == message.cseq), None)
            if invite is not None:
                ack = self.call.build("ACK", cseq=message.cseq, branch=invite.branch)
                ack.start = f"ACK {invite.uri} SIP/2.0"
                self.send(ack)

    def bye(self, remote):
        self.call.remote = remote
        self.peer.send(self.call.build("BYE"))

    def end(self):
        """The peer does what it can to end it: BYE in the dialog, CANCEL of what is open, a refusal of our own."""
        self.over = True
        if self.call is None:
            return
        self.call.cseq += 20
        if self.call.invite is not None:
            self.call.cancel()
        for remote in self.dialogs or [self.call.remote]:
            self.bye(remote)
        if isinstance(self.call, Called):
            self.peer.respond(self.call.first, 603, tag=self.call.tag)
        self.drive("terminate")


class World:
    """All flows of a part, on a few sockets, in one thread."""

    def __init__(self, daemon, drive, seed):
        self.daemon, self.drive, self.seed = daemon, drive, seed
        self.flows = {}
        self.peers = [daemon.peer(), daemon.peer(), daemon.peer("tcp")]

    def read(self, timeout):
        """What came, given to its flow. What belongs to a flow that is over is answered as a tidy peer would."""
        ready = [peer for peer in self.peers if peer.buffer] or select.select([peer.socket for peer in self.peers], [], [], timeout)[0]
        for peer in self.peers:
            if peer not in ready and peer.socket not in ready:
                continue
            while True:
                message = peer.receive(0)
                if message is None:
                    assert not peer.closed, "the daemon closed the connection"
                    break
                flow = self.flows.get(message.call_id)
                self.write_history(peer)
                if flow is not None and not flow.over:
                    flow.on_message(message)
                else:
                    self.tidy(peer, message, flow)

    def write_history(self, peer):
        """To its flow, and out of the way: a peer keeps everything."""
        for _, way, message in peer.log:
            flow = self.flows.get(message.call_id)
            if flow is not None:
                flow.note(way, message.summary)
        del peer.log[:]

    def tidy(self, peer, message, flow):
        tag = flow.call.tag if flow is not None and isinstance(flow.call, Called) else "peertag"
        if not message.is_response:
            if message.method != "ACK":
                peer.respond(message, 200 if message.method in ("BYE", "CANCEL") else 481, tag=tag)
        elif flow is not None and flow.call is not None and message.method == "INVITE" and message.status >= 200:
            flow.over = False
            flow.random, keep = random.Random(1), flow.chance
            flow.chance = lambda share: share >= 0.9
            flow.on_response(message)
            flow.chance, flow.over = keep, True
            # An INVITE over TCP may be read after the command over UDP that ended all there was: nobody else would
            # end what has only begun then.
            if message.status < 300:
                flow.bye(message.get("to"))

    def run(self, numbers):
        waiting = [(0.0, number, None) for number in numbers]
        heapq.heapify(waiting)
        queue, running = [], 0
        while waiting or queue:
            now = time.monotonic()
            while waiting and running < AT_ONCE:
                flow = Flow(self, heapq.heappop(waiting)[1])
                flow.start()
                running += not flow.over
                if not flow.over:
                    heapq.heappush(queue, (now + 0.03, flow.number, flow))
            while queue and queue[0][0] <= time.monotonic():
                _, number, flow = heapq.heappop(queue)
                if time.monotonic() > flow.until:
                    flow.end()
                    running -= 1
                    continue
                heapq.heappush(queue, (time.monotonic() + flow.step(), number, flow))
                self.read(0)
            self.read(max(min(queue[0][0] - time.monotonic(), 0.1), 0) if queue else 0)

    def settle(self, longest):
        """Until no session lives."""
        self.drive("defer", "none")
        end = time.monotonic() + longest
        while True:
            self.read(0.05)
            while self.drive("suspended") != "0":
                self.drive("resume")
            left, begun, ended = self.drive.sessions()
            if left == 0:
                return begun, ended
            assert time.monotonic() < end, f"{left} sessions are left over; {begun} began, {ended} ended\n{self.left_over()}"


    def left_over(self):
        """The sessions that live, and all that their flows saw."""
        for peer in self.peers:
            self.write_history(peer)
        names = self.drive("list").split()
        return "\n".join(
            "\n".join([f"{call_id} is {state}", *(self.flows[call_id].history if call_id in self.flows else ["  no flow's"])])
            for call_id, state in zip(names[::2], names[1::2])
        )


@pytest.mark.parametrize("part", range(PARTS))
def test_random_flows(driven_daemon, part):
    from support.drive import Drive

    seed = SEED + part
    print(f"seed {SEED}, part {part}")
    drive = Drive(driven_daemon, driven_daemon.record)
    world = World(driven_daemon, drive, seed)
    numbers = range(part * COUNT // PARTS, (part + 1) * COUNT // PARTS)
    try:
        world.run(numbers)
        begun, ended = world.settle(30)  # Wait(3), a 2xx without ACK, a BYE without answer: 3 + 6.4 + 10.4 s at most
        assert begun == ended, f"seed {SEED}: {begun} sessions began, {ended} ended"
        assert begun >= len(numbers) // 3, "most flows make a session"
        call = Call(driven_daemon.peer(), "echo")
        call.establish()
        finish(drive, call.peer, call)
    except AssertionError as problem:
        alive = "alive" if driven_daemon.alive() else f"dead ({driven_daemon.process.returncode})"
        raise AssertionError(f"seed {SEED}, part {part}: {problem}\nthe daemon is {alive}:\n{driven_daemon.log()[-6000:]}") from problem
    finally:
        drive.close()
        for peer in driven_daemon.peers:
            peer.close()
        driven_daemon.peers.clear()
