# SPDX-License-Identifier: GPL-2.0-or-later
"""Kamailio, on a configuration that a test makes: UDP and TCP, and TLS where it gets a certificate."""

import subprocess
import time
from pathlib import Path

from .clients import program
from .daemon import free_port
from .peer import Peer

CONFIG = """\
#!KAMAILIO
debug=2
log_stderror=yes
children=2
tcp_children=2
auto_aliases=no
dns=off
rev_dns=off
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
{tls}
mpath="{modules}"
loadmodule "tm.so"
loadmodule "sl.so"
{loads}
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "path.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
modparam("registrar", "use_path", 1)
modparam("registrar", "path_mode", 0)
modparam("registrar", "min_expires", 120)
modparam("registrar", "max_expires", 600)
modparam("path", "use_received", 0)
{params}
request_route {{
    if (is_method("OPTIONS") && uri == myself && !has_totag()) {{
        sl_send_reply("200", "Here");
        exit;
    }}
{route}
}}
"""

TLS = """\
enable_tls=yes
listen=tls:127.0.0.1:{port}
"""
TLS_PARAMS = """\
modparam("tls", "tls_method", "TLSv1.2+")
modparam("tls", "certificate", "{cert}")
modparam("tls", "private_key", "{key}")
modparam("tls", "ca_list", "{ca}")
modparam("tls", "verify_certificate", 0)
modparam("tls", "require_certificate", 0)
"""

# A registrar that asks for credentials, and sends calls to whoever has registered.
REGISTRAR = """\
    if (is_method("REGISTER")) {
        if (!pv_www_authenticate("example.test", "secret", "0")) {
            www_challenge("example.test", "1");
            exit;
        }
        save("location");
        exit;
    }
    if (has_totag()) {
        loose_route();
        t_relay();
        exit;
    }
    if (is_method("CANCEL")) {
        t_relay();
        exit;
    }
    if (!lookup("location")) {
        sl_send_reply("404", "Not Found");
        exit;
    }
    t_relay();
"""

# What stays on the way of a registrar's calls by Path (RFC 3327), and of dialogs by Record-Route.
EDGE = """\
    if (is_method("REGISTER")) {
        add_path();
        t_relay_to_udp("HOST", "PORT");
        exit;
    }
    loose_route();
    if (is_method("INVITE")) record_route();
    t_relay();
"""


def modules_of_kamailio():
    found = [path.parent for path in Path("/usr").glob("lib*/**/kamailio/modules/registrar.so")]
    assert found, "Kamailio's modules are not installed"
    return f"{found[0]}/"


class Kamailio:
    """A process; start() waits until it answers. tls: (certificate, key, CA)."""

    def __init__(self, folder, route, tls=None, loads=(), params="", port=None):
        self.program = program("kamailio")
        self.folder, self.port, self.process = Path(folder), port or free_port("127.0.0.1"), None
        self.folder.mkdir(parents=True)
        self.tls_port = free_port("127.0.0.1") if tls else None
        if tls:
            params += TLS_PARAMS.format(cert=tls[0], key=tls[1], ca=tls[2])
        (self.folder / "cfg").write_text(
            CONFIG.format(
                port=self.port, modules=modules_of_kamailio(), route=route, params=params,
                loads="".join(f'loadmodule "{name}.so"\n' for name in (*loads, *(["tls"] if tls else []))),
                tls=TLS.format(port=self.tls_port) if tls else "",
            )
        )  # fmt: skip

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def start(self):
        command = [self.program, "-DD", "-E", "-m", "64", "-M", "8", "-f", str(self.folder / "cfg")]
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                [*command, "-Y", str(self.folder), "-P", str(self.folder / "pid")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        asker = Peer(("127.0.0.1", self.port))
        end = time.monotonic() + 20
        try:
            while time.monotonic() < end:
                assert self.process.poll() is None, self.log()
                try:
                    asker.send(asker.request("OPTIONS"))
                    if asker.receive(0.2):
                        return self
                except ConnectionRefusedError:
                    time.sleep(0.05)
        finally:
            asker.close()
        raise AssertionError(f"Kamailio does not answer:\n{self.log()}")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """At once, with its children: nothing is answered any more."""
        if self.process and self.process.poll() is None:
            group = self.process.pid  # a session of its own
            subprocess.run(["kill", "-KILL", "--", f"-{group}"], check=True)
            self.process.wait()
