# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones that register, as a test says."""

import re

from .daemon import Daemon
from .peer import unique
from .wire import parameter


def phone(name, options="", endpoint=""):
    """An endpoint that is identified by its From user, and its AOR."""
    return f"""
[{name}]
type = endpoint
allow = ulaw
aors = {name}
{endpoint}

[{name}]
type = aor
{options}
"""


class Phone:
    """Registers; each request of one Call-ID with a higher CSeq."""

    def __init__(self, daemon, name, local=None, transport="udp"):
        self.peer = daemon.peer(transport, local=local) if isinstance(daemon, Daemon) else daemon
        self.name, self.call_id, self.cseq = name, unique("r"), 0

    def build(self, contacts=(), expires=None, headers=(), to=None, cseq=None):
        self.cseq = self.cseq + 1 if cseq is None else cseq
        address = f"<sip:{self.name}@{self.peer.remote_host}>"
        request = self.peer.request(
            "REGISTER", call_id=self.call_id, cseq=self.cseq, from_value=f"{address};tag={unique('t')}",
            to_value=f"<sip:{to}@{self.peer.remote_host}>" if to else address, headers=headers,
        )  # fmt: skip
        request.headers = [(n, v) for n, v in request.headers if n != "Contact"]
        request.headers += [("Contact", contact) for contact in contacts]
        if expires is not None:
            request.headers.append(("Expires", str(expires)))
        return request

    def register(self, *contacts, status=200, **options):
        """The answer, of this status."""
        request = self.build(contacts, **options)
        self.peer.send(request)
        return self.peer.expect(status, call_id=self.call_id)

    def here(self, user="here"):
        return f"<sip:{user}@{self.peer.host}:{self.peer.port}>"

    def clear(self):
        return self.register("*", expires=0)

    def bindings(self):
        """URI and remaining seconds, of a REGISTER without Contact."""
        return bindings(self.register())


def bindings(answer):
    return {
        re.search(r"<([^>]*)>", value).group(1): int(parameter(value, "expires")) for value in answer.all("contact")
    }
