# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests of reloads share: a dialplan that changes, configurations, calls that look what is in force."""

import time
from pathlib import Path

from .peer import Call, Peer

EXTENSIONS = """\
[default]
exten = echo,1,Answer()
 same = n,Echo()

exten = slow,1,Answer()
 same = n,Wait(1.5)
 same = n,Verbose(1,RAN {word})
 same = n,Hangup()

exten = {word},1,Answer()
 same = n,Echo()

[{word}]
exten = where,1,Verbose(1,CONTEXT {word})
 same = n,Busy()
"""

OLD, NEW = EXTENSIONS.format(word="old"), EXTENSIONS.format(word="new")


def endpoint(name, options="allow = ulaw"):
    return f"\n[{name}]\ntype = endpoint\ncontext = default\n{options}\n"


ENDPOINTS = endpoint("alice") + endpoint("bob")


def call_from(peer, user, target="echo", **options):
    return Call(peer, target, from_value=f"<sip:{user}@127.0.0.1>", **options)


def check_call(daemon, user, target="echo", status=200):
    call = call_from(daemon.peer(), user, target)
    if status == 200:
        call.establish()
        call.hang_up()
    else:
        call.refuse_check(status)


def open_descriptors(daemon):
    return len(list(Path(f"/proc/{daemon.pid}/fd").iterdir()))


def a_transport(name, bind, protocol="udp", options=""):
    return f"\n[{name}]\ntype = transport\nprotocol = {protocol}\nbind = {bind}\n{options}\n"


PHONE = endpoint("phone", "allow = ulaw\naors = phone") + "\n[phone]\ntype = aor\nmax_contacts = {most}\n{options}\n"


def register(peer, contact=None, status=200):
    address = "<sip:phone@127.0.0.1>"
    request = peer.request("REGISTER", from_value=f"{address};tag=x{time.time_ns()}", to_value=address)
    request.headers = [(n, v) for n, v in request.headers if n != "Contact"]
    if contact:
        request.headers.append(("Contact", contact))
    peer.send(request)
    return [value.split(">")[0][1:] for value in peer.expect(status, call_id=request.call_id).all("contact")]


def registration(name, server, client="bob", **options):
    lines = {"server_uri": f"sip:127.0.0.1:{server.port}", "client_uri": f"sip:{client}@example.test"}
    lines.update({"max_random_initial_delay": 0, "expiration": 600}, **options)
    return f"\n[{name}]\ntype = registration\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())


def accept(peer, request):
    peer.respond(request, 200, "OK", [("Contact", f"{request.get('contact')};expires={request.get('expires')}")])


def answers(daemon, port, transport="udp"):
    """Whether the daemon answers OPTIONS there: a datagram before it answers two elsewhere; a connection, or it is refused."""
    try:
        asker = Peer((daemon.address, port), transport)
    except ConnectionRefusedError:
        return False
    try:
        asker.send(asker.request("OPTIONS"))
        if transport == "tcp":
            return asker.receive() is not None
        other = daemon.peer()
        other.catch_up()
        other.catch_up()
        return asker.receive(0) is not None
    except (ConnectionRefusedError, ConnectionResetError):
        return False
    finally:
        asker.close()


def wait_until(condition, timeout=10):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.05)


# Transactions hold a socket for as long as they wait for retransmissions.
BRIEF = "type = system\ntimer_t1 = 100\ntimer_b = 1000\n"
