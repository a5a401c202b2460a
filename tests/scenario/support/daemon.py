# SPDX-License-Identifier: GPL-2.0-or-later
"""Starts the real daemon on a configuration made for a test, and judges how it ended.

Each daemon has an address of its own in 127.0.0.0/8, so that test programs can run side by side.
"""

import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from .peer import Peer

# What a healthy daemon never says: sanitizers, failed assertions, valgrind.
REPORTS = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|SUMMARY: \w+Sanitizer"
    r"|Assert(ion)? failed|assertion failed|^==\d+== (Invalid|Conditional)",
    re.M,
)


class DaemonError(AssertionError):
    """The daemon did not start, not stop, or said what it must not say."""


def pjsip_conf(daemon, endpoints, system=""):
    """Transports on the daemon's addresses, and the endpoints that a test wants."""
    text = f"""\
[udp]
type = transport
protocol = udp
bind = {daemon.address}:{daemon.port}

[tcp]
type = transport
protocol = tcp
bind = {daemon.address}:{daemon.port}

[udp6]
type = transport
protocol = udp
bind = [::1]:{daemon.port6}

[tcp6]
type = transport
protocol = tcp
bind = [::1]:{daemon.port6}
"""
    return text + "\n" + (f"[system]\n{system}\n" if system else "") + endpoints


ANYBODY = """\
[anonymous]
type = endpoint
context = default
allow = !all,ulaw,alaw,g722
"""


def is_free(address, port, family=socket.AF_INET):
    """Whether a port can be bound for UDP and for TCP."""
    try:
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(family, kind) as probe:
                probe.bind((address, port))
        return True
    except OSError:
        return False


def free_port(address, family=socket.AF_INET):
    """A port that is free for UDP and TCP."""
    while not is_free(address, port := random.randrange(10000, 20000), family):
        pass
    return port


class Daemon:
    """A `sipsession run` process."""

    def __init__(self, folder, extensions, endpoints=ANYBODY, system="", modules=None, env=None, options=("-d",),
                 wrap=(), files=None, sounds=None, max_delay=0):  # fmt: skip
        self.program = os.environ["SIPSESSION_DAEMON"]
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.extensions, self.endpoints, self.system = extensions, endpoints, system
        self.modules, self.env, self.options, self.wrap = modules, env or {}, list(options), list(wrap)
        self.files, self.sounds, self.max_delay = files or {}, sounds, max_delay
        if os.environ.get("SIPSESSION_MODULES"):
            self.options += ["-m", os.environ["SIPSESSION_MODULES"]]
        self.process = None
        self.log_path = self.folder / "log"
        self.peers = []
        self.status = None

    # ---- configuration ----

    def configure(self):
        self.address = f"127.{random.randrange(1, 255)}.{random.randrange(256)}.{random.randrange(1, 255)}"
        self.port = 5060
        self.port6 = free_port("::1", socket.AF_INET6)
        # The machine has more to do than this daemon: that alone makes messages wait, and is no overload of ours.
        main = f"[overload]\nmax_delay = {self.max_delay}\n"
        main += f"[dialplan]\nsounds = {self.sounds}\n" if self.sounds else ""
        if self.modules is not None:
            main += "[modules]\n" + "".join(f"load = {module}\n" for module in self.modules)
        self.config = self.folder / "config"
        self.config.mkdir(exist_ok=True)
        files = {
            "pjsip.conf": pjsip_conf(self, self.endpoints, self.system),
            "extensions.conf": self.extensions,
            "sipsession.conf": main,
            **self.files,
        }
        for name, text in files.items():
            (self.config / name).write_text(text)

    @property
    def udp(self):
        return (self.address, self.port)

    tcp = udp

    @property
    def udp6(self):
        return ("::1", self.port6)

    # ---- life ----

    def spawn(self):
        """Starts the process; it may not be ready yet."""
        self.configure()
        env = {**os.environ, **self.env}
        with open(self.log_path, "ab") as out:
            self.process = subprocess.Popen(
                [*self.wrap, self.program, "run", "-c", str(self.config), *self.options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=self.folder,
            )  # fmt: skip
        return self

    def start(self, timeout=30):
        """Starts it and waits until every transport answers OPTIONS."""
        self.spawn()
        end = time.monotonic() + timeout
        for remote in (self.udp, self.udp6):
            self.wait_for_answer(remote, end)
        self.sockets_at_rest = self.udp_sockets()
        return self

    def wait_for_answer(self, remote, end):
        asker = Peer(remote)
        try:
            while time.monotonic() < end:
                if self.process.poll() is not None:
                    raise DaemonError(f"the daemon ended with {self.process.returncode}:\n{self.log()}")
                try:
                    asker.send(asker.request("OPTIONS"))
                    if asker.receive(0.1):
                        return
                except ConnectionRefusedError:
                    time.sleep(0.02)
        finally:
            asker.close()
        raise DaemonError(f"the daemon does not answer at {remote}:\n{self.log()}")

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, timeout=10):
        """Its exit status."""
        if os.environ.get("SIPSESSION_VARIANT") in ("asan", "tsan"):
            timeout *= 4  # after a load ThreadSanitizer needs 10 s for its own end, and leaks are looked for at the end
        try:
            self.status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise DaemonError(f"the daemon did not end within {timeout} s:\n{self.log()[-4000:]}") from None
        return self.status

    def stop(self, timeout=10):
        """SIGTERM; it must end by itself, with 0, and without a report of a sanitizer."""
        for peer in self.peers:
            peer.close()
        self.peers.clear()
        if self.process is None:
            return
        if self.alive():
            self.signal()
            self.wait(timeout)
        else:
            self.status = self.process.returncode
        log = self.log()
        report = REPORTS.search(log)
        if report:
            raise DaemonError(f"the daemon's log has a report:\n{log[max(0, report.start() - 500) : report.start() + 8000]}")
        if self.status != 0:
            raise DaemonError(f"the daemon ended with {self.status}:\n{log[-4000:]}")

    def kill(self):
        for peer in self.peers:
            peer.close()
        if self.process and self.alive():
            self.process.kill()
            self.process.wait()

    # ---- another configuration ----

    def write(self, name, text):
        """Another text of a file of its configuration; nobody is told."""
        (self.config / name).write_text(text)

    def write_endpoints(self, text):
        self.write("pjsip.conf", pjsip_conf(self, text, self.system))

    def command(self, *words):
        """A subcommand on its configuration: exit status, standard output, standard error."""
        done = subprocess.run(
            [self.program, words[0], "-c", str(self.config), *words[1:]], capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout, done.stderr

    def reload(self, status=0):
        """`sipsession reload`, which must end with this status; what it said."""
        ended, out, problems = self.command("reload")
        if ended != status or REPORTS.search(problems):
            raise DaemonError(f"reload ended with {ended}, not {status}:\n{out}{problems}\n{self.log()[-3000:]}")
        return out

    # ---- looking at it ----

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def wait_log(self, pattern, timeout=10, after=0):
        """The first match of a pattern in the log, from an offset on."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.log()[after:], re.M)
            if found:
                return found
            if time.monotonic() > end:
                raise DaemonError(f"the log has no {pattern!r}:\n{self.log()[after:][-4000:]}")
            time.sleep(0.02)

    def wait_matches(self, pattern, count, timeout=10, after=0):
        """What the log has of a pattern from an offset on, once that is so many times."""
        end = time.monotonic() + timeout
        while len(found := re.findall(pattern, self.log()[after:])) < count:
            if time.monotonic() > end:
                raise DaemonError(f"the log has {pattern!r} {len(found)} times:\n{self.log()[after:][-4000:]}")
            time.sleep(0.02)
        return found

    def udp_sockets(self):
        """How many UDP sockets it has: each stream of a call has two."""
        inodes = set()
        for table in ("udp", "udp6"):
            for line in Path(f"/proc/{self.pid}/net/{table}").read_text().splitlines()[1:]:
                inodes.add(line.split()[9])
        count = 0
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                target = os.readlink(descriptor)
            except OSError:
                continue
            count += target.startswith("socket:[") and target[8:-1] in inodes
        return count

    def sessions(self):
        """How many sessions began and have not ended, by its log (which must be at its debug level)."""
        log = self.log()
        return len(re.findall(r"DEBUG Session \S+: new -> ", log)) - len(re.findall(r"DEBUG Session \S+: \w+ -> ended", log))

    def check_no_calls(self, timeout=10):
        """Every session that began has ended."""
        end = time.monotonic() + timeout
        while self.sessions() != 0:
            if time.monotonic() > end:
                raise DaemonError(f"{self.sessions()} sessions are left after the calls:\n{self.log()[-3000:]}")
            time.sleep(0.02)

    def check_at_rest(self, timeout=10):
        """All RTP sockets are closed: after a call they are kept for some seconds, for the next one."""
        end = time.monotonic() + timeout
        while self.udp_sockets() != self.sockets_at_rest:
            if time.monotonic() > end:
                raise DaemonError(
                    f"{self.udp_sockets() - self.sockets_at_rest} UDP sockets are left after the calls:\n"
                    f"{self.log()[-3000:]}"
                )
            time.sleep(0.05)

    def resident(self):
        """Resident memory in KiB."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+)", text, re.M).group(1))

    # ---- peers ----

    def peer(self, transport="udp", remote=None, local=None):
        """A new peer of this daemon; closed with it."""
        peer = Peer(remote or self.udp, transport, local)
        self.peers.append(peer)
        return peer


def in_background(function, *arguments):
    """Runs a function in a thread; returns a function that waits for its result."""
    result = {}

    def run():
        try:
            result["value"] = function(*arguments)
        except BaseException as problem:  # given to whoever waits
            result["error"] = problem

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait(timeout=60):
        thread.join(timeout)
        if thread.is_alive():
            raise TimeoutError(f"{function} still runs after {timeout} s")
        if "error" in result:
            raise result["error"]
        return result["value"]

    return wait
