# SPDX-License-Identifier: GPL-2.0-or-later
"""Ladders: what a Peer saw, drawn for docs/ladders.md. SIPSESSION_LADDERS names the file they are written to."""

import os
import re
from pathlib import Path

from .wire import Message

WIDTH = 46


def drawn(log, names=("peer", "daemon")):
    """The lines of a ladder: a peer's log, oldest first, times from its first message."""
    lines = [f"{'':8}{names[0]:<{WIDTH}}{names[1]}", f"{'':8}|{'':{WIDTH - 2}}|"]
    shown = [(when, way, message) for when, way, message in log if isinstance(message, Message)]
    begin = shown[0][0] if shown else 0.0
    first = {}  # the first version of each side's SDP, so that versions count from 1
    for when, way, message in shown:
        text = f" {words(message, first)} "
        room = WIDTH - 4
        arrow = text.center(room, "-")
        arrow = f"-{arrow}>" if way == "->" else f"<{arrow}-"
        lines.append(f"{when - begin:6.2f}  |{arrow}|")
    lines.append(f"{'':8}|{'':{WIDTH - 2}}|")
    return lines


def words(message, first):
    """What matters of a message, short."""
    sdp = ""
    if b"m=" in message.body:
        found = re.search(rb"^o=(\S+ \S+) (\d+)", message.body, re.M)
        if found:
            version = int(found.group(2))
            sdp = f" (SDP {version - first.setdefault(found.group(1), version) + 1})"
        else:
            sdp = " (SDP)"
    more = "".join(
        f" {short} {message.get(name)}" for name, short in (("rseq", "RSeq"), ("rack", "RAck"), ("retry-after", "Retry-After"))
        if message.has(name)
    )  # fmt: skip
    if message.is_response:
        tag = f" {message.to_tag}" if message.to_tag in ("one", "two", "three") else ""
        return f"{message.status} {message.method}{tag}{more}{sdp}"
    return f"{message.method}{more}{sdp}"


def keep(title, text, log, names=("peer", "daemon")):
    """Adds a ladder to the file that SIPSESSION_LADDERS names; does nothing without one."""
    path = os.environ.get("SIPSESSION_LADDERS")
    if not path:
        return
    path = Path(path)
    section = f"## {title}\n\n{text}\n\n```text\n" + "\n".join(line.rstrip() for line in drawn(log, names)) + "\n```\n"
    old = path.read_text() if path.exists() else ""
    parts = [part for part in re.split(r"(?m)^(?=## )", old) if part and not part.startswith(f"## {title}\n")]
    path.write_text("\n".join(part.rstrip() + "\n" for part in [*parts, section]))
