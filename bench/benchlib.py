# SPDX-License-Identifier: GPL-2.0-or-later
"""What bench/calls and bench/callgrind share: servers, SIPp, and what /proc says of a process."""

import csv
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TICK = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """The measurement cannot be done, or did not measure what it should."""


# ---- a place to measure in ----


def own_network():
    """Runs this program again in a network namespace of its own.

    There the stock pjsip-perf, which binds every address, reaches nothing, and no other program's
    ports are in the way. Where the machine does not allow namespaces the program goes on as it is.
    """
    if os.environ.get("SIPSESSION_BENCH_NETWORK"):
        if os.environ["SIPSESSION_BENCH_NETWORK"] == "own":
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    for command in (["unshare", "--net"], ["unshare", "--user", "--map-root-user", "--net"]):
        if subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True).returncode == 0:
            os.environ["SIPSESSION_BENCH_NETWORK"] = "own"
            os.execvp(command[0], [*command, sys.executable, *sys.argv])
    os.environ["SIPSESSION_BENCH_NETWORK"] = "shared"
    print("bench: no network namespace can be made here: running in the machine's own network", file=sys.stderr)


def raise_file_limit():
    """As many descriptors as allowed: 1,000 held calls have 2,000 sockets."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    """A UDP port of 127.0.0.1 that nobody has now."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def cores():
    """(core for servers, core for the load), or (None, None) where there is one core only."""
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[1]) if len(allowed) > 1 else (None, None)


# ---- what /proc says ----


class Usage:
    """CPU that all threads of a process have used so far, in microseconds, and when that was."""

    def __init__(self, pid):
        self.when = time.monotonic()
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        self.user = int(fields[11]) * 1e6 / TICK
        self.system = int(fields[12]) * 1e6 / TICK
        # the scheduler's own count is exact where stat's is in ticks of 10 ms; threads that ended are not in it
        exact = 0
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                exact += int((task / "schedstat").read_text().split()[0]) / 1e3
            except (OSError, ValueError, IndexError):
                exact = 0
                break
        self.total = exact or self.user + self.system

    def since(self, before):
        """(seconds, total, user, system) since an earlier reading; the exact total, split as the ticks are."""
        total = self.total - before.total
        user, system = self.user - before.user, self.system - before.system
        share = user / (user + system) if user + system > 0 else 0.5
        return self.when - before.when, total, total * share, total * (1 - share)


def resident(pid):
    """Resident memory of a process in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise BenchError(f"process {pid} has no VmRSS")


# ---- servers ----


class Server:
    """A server under load. `user` is what SIPp calls."""

    name = ""
    user = ""

    def __init__(self, command, folder, core=None, stdin=None):
        self.port = self.port_of(command)
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        self.output = Path(folder) / f"{self.name}.log"
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=stdin or subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )
        self.pid = self.process.pid
        self.wait_until_ready()

    def port_of(self, command):
        raise NotImplementedError

    def wait_until_ready(self, seconds=60):
        """Asks with OPTIONS until anything comes back."""
        end = time.monotonic() + seconds
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.bind(("127.0.0.1", 0))
            asker.settimeout(0.2)
            host = "127.0.0.1:%d" % asker.getsockname()[1]
            count = 0
            while time.monotonic() < end:
                if self.process.poll() is not None:
                    raise BenchError(f"{self.name} ended with {self.process.returncode}:\n{self.tail()}")
                count += 1
                request = (
                    f"OPTIONS sip:127.0.0.1:{self.port} SIP/2.0\r\n"
                    f"Via: SIP/2.0/UDP {host};branch=z9hG4bKready{count}\r\n"
                    f"Max-Forwards: 70\r\nFrom: <sip:bench@127.0.0.1>;tag=1\r\nTo: <sip:127.0.0.1>\r\n"
                    f"Call-ID: ready-{self.port}\r\nCSeq: {count} OPTIONS\r\nContent-Length: 0\r\n\r\n"
                )
                try:
                    asker.sendto(request.encode(), ("127.0.0.1", self.port))
                    if asker.recv(65536).startswith(b"SIP/2.0 "):
                        return
                except OSError:
                    time.sleep(0.05)
        raise BenchError(f"{self.name} did not answer OPTIONS:\n{self.tail()}")

    def tail(self):
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-20:])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


PJSIP_CONF = """\
[bench]
type = transport
protocol = udp
bind = 127.0.0.1:{port}

[anonymous]
type = endpoint
context = bench
allow = !all,ulaw,alaw
"""

EXTENSIONS_CONF = """\
[bench]
exten = echo,1,Ringing()
 same = n,Answer()
 same = n,Echo()

exten = wait,1,Ringing()
 same = n,Answer()
 same = n,Wait(3600)
"""


class Sipsession(Server):
    """Our daemon, on a configuration of its own."""

    name = "sipsession"
    user = "echo"

    def __init__(self, daemon, modules, folder, core=None, extension="echo", wrap=(), settings=""):
        config = Path(folder) / "config"
        config.mkdir(exist_ok=True)
        self.listen = free_port()
        self.user = extension
        (config / "pjsip.conf").write_text(PJSIP_CONF.format(port=self.listen))
        (config / "extensions.conf").write_text(EXTENSIONS_CONF)
        (config / "sipsession.conf").write_text(settings)
        command = [*wrap, str(daemon), "run", "-c", str(config)]
        if modules:
            command += ["-m", str(modules)]
        super().__init__(command, folder, core)

    def port_of(self, command):
        return self.listen


class PjsipPerf(Server):
    """PJSIP's own benchmark server: one thread, default settings; its user part 2 is a call with dialog and SDP."""

    name = "pjsip-perf"
    user = "2"

    def __init__(self, program, folder, core=None):
        self.listen = free_port()
        # it ends when its standard input does
        self.keep, self.give = os.pipe()
        super().__init__([str(program), "--ringing", "-p", str(self.listen)], folder, core, stdin=self.keep)

    def port_of(self, command):
        return self.listen

    def stop(self):
        super().stop()
        for descriptor in (self.keep, self.give):
            os.close(descriptor)


# ---- the load ----


class Load:
    """One run of `sipp -sn uac`, or of a scenario's file, against a server."""

    def __init__(self, server, calls, rate, folder, hold_ms=0, core=None, scenario=None, options=()):
        self.folder = Path(tempfile.mkdtemp(prefix="sipp-", dir=folder))
        self.calls, self.rate = calls, rate
        what = ["-sf", str(scenario)] if scenario else ["-sn", "uac"]
        command = ["sipp", *what, f"127.0.0.1:{server.port}", "-s", server.user]
        command += ["-i", "127.0.0.1", "-p", str(free_port()), "-mi", "127.0.0.1", "-ci", "127.0.0.1"]
        command += ["-m", str(calls), "-r", str(rate), "-l", str(max(calls, 1)), "-d", str(hold_ms)]
        command += ["-nostdin", "-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_err", "-error_file", "errors", *options]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def finish(self, timeout):
        """Waits for the end; every call must have succeeded. Returns SIPp's last line of statistics."""
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise BenchError(f"SIPp did not end within {timeout} s: {self.result()}") from None
        found = self.result()
        good, bad = int(found.get("SuccessfulCall(C)", 0)), int(found.get("FailedCall(C)", 0))
        if self.process.returncode != 0 or good != self.calls or bad != 0:
            errors = self.folder / "errors"
            text = errors.read_text(errors="replace")[:2000] if errors.exists() else ""
            raise BenchError(
                f"SIPp at {self.rate}/s: {good} of {self.calls} calls succeeded, {bad} failed, "
                f"exit status {self.process.returncode}\n{text}{self.process.stderr.read().decode()[:500]}"
            )
        return found

    def result(self):
        path = self.folder / "stat.csv"
        if not path.exists():
            return {}
        with open(path, newline="") as file:
            rows = [row for row in csv.DictReader(file, delimiter=";") if row.get("TotalCallCreated")]
        return rows[-1] if rows else {}

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


# ---- programs ----


def find_program(given, variable, candidates, hint):
    """The first of: the option, the environment variable, a candidate that exists."""
    for choice in [given, os.environ.get(variable)]:
        if choice:
            if not Path(choice).exists():
                raise BenchError(f"{choice}: no such file")
            return Path(choice).resolve()
    for candidate in candidates:
        if (ROOT / candidate).exists():
            return ROOT / candidate
    raise BenchError(hint)


def find_daemon(given):
    return find_program(
        given,
        "SIPSESSION_DAEMON",
        ["build/release/daemon/sipsession"],
        "there is no release build: run ./run --build, or name the daemon with --daemon",
    )


def modules_of(daemon):
    """The module folder beside a daemon in a build directory, or None for an installed one."""
    folder = Path(daemon).parent.parent / "modules"
    return folder if folder.is_dir() and (folder.parent / "CMakeCache.txt").exists() else None


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        raise BenchError(f"not installed: {' '.join(missing)}")
