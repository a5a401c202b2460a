# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that others wrote: SIPp, PJSUA of PJSIP's own tree, baresip."""

import csv
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from . import audio
from .daemon import is_free

SCENARIOS = Path(__file__).resolve().parent.parent / "sipp"


def program(name, variable=None):
    """A client's path. Named by a variable it must be there; otherwise a client that is missing skips its test."""
    path = os.environ.get(variable) if variable else None
    if path:
        assert Path(path).exists(), f"{variable}={path} does not exist"
        return path
    found = shutil.which(name)
    if not found:
        if os.environ.get("SIPSESSION_TEST_ALL"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")
    return found


def local_port(seed=[21000]):
    """A port for a client, which this test program has given to no other one; those behind it are its own, too."""
    seed[0] += 20
    while not is_free("127.0.0.1", seed[0]):
        seed[0] += 20
    return seed[0]


class Client:
    """A client's process, its output in a file."""

    def __init__(self, name, command, folder, stdin=subprocess.DEVNULL, env=None):
        self.name, self.folder = name, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.output = self.folder / f"{name}.out"
        with open(self.output, "wb") as out:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdin=stdin, stdout=out, stderr=subprocess.STDOUT, env=env
            )

    def text(self):
        return self.output.read_text(errors="replace")

    def wait(self, timeout):
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {timeout} s:\n{self.text()[-3000:]}") from None

    def wait_for(self, pattern, timeout=10, after=0):
        end = time.monotonic() + timeout
        while pattern not in self.text()[after:]:
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{self.name} did not say {pattern!r}:\n{self.text()[-3000:]}")
            time.sleep(0.02)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def sipp(daemon, folder, user="echo", scenario="uac", calls=1, rate=10, options=(), timeout=60, remote=None):
    """Runs SIPp to its end. Returns its counts: (successful, failed, text of its errors)."""
    folder = Path(folder) / f"sipp-{local_port()}"
    folder.mkdir(parents=True)
    host, port = remote or daemon.udp
    local = "::1" if ":" in host else "127.0.0.1"
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    what = ["-sn", scenario] if scenario in ("uac", "uas") else ["-sf", str(SCENARIOS / f"{scenario}.xml")]
    command = [program("sipp"), *what, target, "-s", user, "-i", local, "-mi", local, "-ci", local]
    command += ["-p", str(local_port()), "-m", str(calls), "-r", str(rate), "-l", str(max(calls, 1)), "-nostdin"]
    command += ["-trace_stat", "-stf", "stat.csv", "-fd", "1", "-trace_err", "-error_file", "errors", *options]
    client = Client("sipp", command, folder)
    status = client.wait(timeout)
    with open(folder / "stat.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter=";") if row.get("TotalCallCreated")]
    errors = (folder / "errors").read_text(errors="replace") if (folder / "errors").exists() else ""
    good, bad = int(rows[-1]["SuccessfulCall(C)"]), int(rows[-1]["FailedCall(C)"])
    assert status in (0, 1), f"SIPp ended with {status}:\n{errors[:3000]}\n{client.text()[-2000:]}"
    return good, bad, errors


def pjsua(folder, uri=None, play=None, record=None, options=(), rate=8000):
    """Starts PJSUA without a sound device; console(line) types a line."""
    command = ["stdbuf", "-oL", program("pjsua", "PJSUA"), "--null-audio", "--no-vad", f"--clock-rate={rate}", "--app-log-level=5"]
    command += ["--bound-addr=127.0.0.1", "--ip-addr=127.0.0.1", f"--local-port={local_port()}"]
    command += [f"--rtp-port={local_port()}", "--ec-tail=0", "--snd-auto-close=-1", "--max-calls=4"]
    if play:
        command += [f"--play-file={play}", "--auto-play"]
    if record:
        command += [f"--rec-file={record}", "--auto-rec"]
    command += [*options, *([uri] if uri else [])]
    client = Client("pjsua", command, folder, stdin=subprocess.PIPE)

    def console(line):
        client.process.stdin.write(line.encode() + b"\n")
        client.process.stdin.flush()

    def hung_up(timeout=15):
        """Waits for its call's end and ends it; what it said."""
        try:
            client.wait_for("is DISCONNECTED", timeout)
            console("q")
            client.wait(15)
        finally:
            client.kill()
        return client.text()

    client.console, client.hung_up = console, hung_up
    return client


BARESIP_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{port}
audio_source aufile,{source}
audio_player aufile,{source}
ausrc_srate {rate}
auplay_srate {rate}
audio_buffer 20-160
rtp_ports {rtp}-{rtp_end}
net_interface 127.0.0.1
module_path {modules}
module {codec}.so
module aufile.so
module sndfile.so
snd_path {folder}
module_tmp uuid.so
module_app account.so
module_app menu.so
"""


def own_network():
    """Whether the tests run in a network namespace of their own (see run-scenario)."""
    return os.environ.get("SIPSESSION_TEST_NETWORK") == "own"


def baresip(folder, uri, source, codec="g711", rate=8000, seconds=5, account="<sip:tester@127.0.0.1>;regint=0"):
    """Runs baresip for some seconds on one call. Returns (what it heard, its rate, its output)."""
    if not own_network():
        pytest.skip("baresip binds its RTP ports to every address: needs a network namespace")
    folder = Path(folder)
    path = program("baresip")
    modules = next(p for p in Path("/usr/lib").glob("**/baresip/modules") if p.is_dir())
    rtp = local_port() // 2 * 2
    config = BARESIP_CONFIG.format(
        port=local_port(), source=source, rate=rate, rtp=rtp, rtp_end=rtp + 10, modules=modules, codec=codec, folder=folder
    )
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").write_text("")
    client = Client("baresip", [path, "-f", str(folder), "-e", f"/dial {uri}", "-t", str(seconds)], folder)
    client.wait(seconds + 15)
    heard = sorted(folder.glob("dump-*-dec.wav"))
    assert heard, f"baresip recorded nothing:\n{client.text()[-3000:]}"
    samples, found_rate = audio.read_wav(heard[-1])
    return samples, found_rate, client.text()


def baresip_registration(folder, account, source="/dev/null"):
    """Starts baresip with an account that registers; kill() ends it. source: a WAV file, for those that are called."""
    if not own_network():
        pytest.skip("baresip binds its RTP ports to every address: needs a network namespace")
    folder = Path(folder)
    modules = next(p for p in Path("/usr/lib").glob("**/baresip/modules") if p.is_dir())
    rtp = local_port()
    config = BARESIP_CONFIG.format(
        port=local_port(), source=source, rate=8000, rtp=rtp, rtp_end=rtp + 10, modules=modules, codec="g711", folder=folder
    )
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").write_text("")
    return Client("baresip", [program("baresip"), "-f", str(folder), "-v"], folder)


def baresip_messages(folder, account, contact, commands=()):
    """Starts baresip with an account that registers, and a contact to write to; kill() ends it."""
    if not own_network():
        pytest.skip("baresip binds its RTP ports to every address: needs a network namespace")
    folder = Path(folder)
    modules = next(p for p in Path("/usr/lib").glob("**/baresip/modules") if p.is_dir())
    rtp = local_port()
    config = BARESIP_CONFIG.format(
        port=local_port(), source="/dev/null", rate=8000, rtp=rtp, rtp_end=rtp + 10, modules=modules, codec="g711", folder=folder
    )
    (folder / "config").write_text(config + "module_app contact.so\n")
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").write_text(contact + "\n")
    what = [word for command in commands for word in ("-e", command)]
    return Client("baresip", [program("baresip"), "-f", str(folder), "-v", *what], folder)
