#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Takes the guard's rules away one by one and looks whether a test fails: docs/testing.md, "Mutations".

    tests/mutate_guard.py BUILD [WORD]    BUILD: a build directory, e.g. build/asan; WORD: only mutations that have it

Each mutation is a change of one line of the sources; what it needs is built, its tests run until the first fails, and
the line is put back. Exit status 1: there is a rule that nobody would miss. For developers; no test of ctest.
"""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
GUARD = "src/res_sip/guard"
TRANSPORT = "src/res_sip/transport"
EDGE = "src/res_sip/distributor/edge.c"

UNIT = ["unit:res_sip_guard"]
GUARD_TESTS = ["unit:res_sip_service", "unit:res_sip_distributor", "test_guard.py", "test_messages.py"]
CALLS = ["test_forking.py", "test_outgoing.py"]
STREAMS = ["test_streams.py"]

# file, text, what it becomes, tests of which one has to fail
MUTATIONS = [
    # what makes a message or an SDP one that is read with care
    (f"{GUARD}/guard_text.h", "*percents |= (guard_octets_t)(here == '%');", "(void)percents;", UNIT),
    (f"{GUARD}/guard_text.h", "guard_sum(controls) == 2 * lines", "guard_sum(controls) + lines > 0", UNIT),
    (f"{GUARD}/guard_text.h", "newline[-1] != '\\r'", "0", UNIT),
    (f"{GUARD}/guard_text.h", "guard_look(text + length - 16, &percents) & last", "last & 0", UNIT),
    (f"{GUARD}/guard.c", "+ (at - empty == 2)", "+ (at - empty >= 0)", UNIT),
    (f"{GUARD}/guard.c", "*text != '\\n'", "1", UNIT),
    (f"{GUARD}/guard.c", "|| is_control(&at[1])", "|| (0 && is_control(&at[1]))", UNIT),
    (f"{GUARD}/guard.c", "found->lost = scan->is_stream;", "", UNIT),
    (f"{GUARD}/guard.c", "scan->found->has_encoding = 1;", "", ["test_messages.py"]),
    (f"{GUARD}/guard_sdp.c", "sdp->has_connection |= !sdp->section.is_media;", "", UNIT),
    (f"{GUARD}/guard_sdp.c", "sdp->section.has_connection = 1;", "sdp->has_connection = 1;", UNIT),
    (f"{GUARD}/guard.c", "(*at == '\\r' && at + 1 == end)", "0", UNIT),
    # where messages of a stream begin and end
    (f"{TRANSPORT}/wire.c", "|| found.header_length > limits->message_size", "", STREAMS),
    (f"{TRANSPORT}/wire.c", "return length >= limits->message_size ?", "return length > 100000 ?", ["test_guard.py"]),
    (f"{TRANSPORT}/wire.c", "        sip_connection_lose(connection);\n        return length;\n    }\n    connection->skip", "    }\n    connection->skip", [*STREAMS, "test_guard.py"]),
    (f"{TRANSPORT}/wire.c", "return total <= length && sip_overload_is_watching &&", "return sip_overload_is_watching &&", STREAMS),
    (f"{TRANSPORT}/wire.c", "                   ? total\n", "                   ? found.header_length\n", STREAMS),
    (f"{TRANSPORT}/wire.c", "skipped = connection->skip ? skip(connection, length) : 0;", "skipped = 0;", STREAMS),
    (f"{TRANSPORT}/wire.c", "    connection->keep_alive = 0;\n", "", [*STREAMS, "test_guard.py"]),
    (f"{TRANSPORT}/wire.c", "sip_connection_heard(connection, total <= length);", "sip_connection_heard(connection, 1);", ["test_guard.py"]),
    # connections
    (f"{TRANSPORT}/connection.c", "time - connection->heard > PING_TIME", "time < 0", STREAMS),
    (f"{TRANSPORT}/connection.c", "return incoming >= most ||", "return", ["test_guard.py"]),
    (f"{TRANSPORT}/connection.c", "if (connection->begun && time", "if (0 && time", ["test_guard.py"]),
    (f"{TRANSPORT}/connection.c", "time - connection->heard > (long)limits->idle_timeout", "time < 0", ["test_guard.py"]),
    (f"{TRANSPORT}/connection.c", "            sip_unsent_drop(connection);\n", "", STREAMS),
    (f"{TRANSPORT}/unsent.c", "    if (sip_unsent_is_too_much(", "    if (0 && sip_unsent_is_too_much(", STREAMS),
    (f"{TRANSPORT}/unsent.c", "!connection->is_sending && !connection->waiting", "1", STREAMS),
    (f"{TRANSPORT}/unsent.c", "        send_waiting(connection);\n", "        (void)send_waiting;\n", STREAMS),
    (f"{TRANSPORT}/unsent.c", "        fail_all(connection);\n    }\n}", "    }\n}", STREAMS),
    (f"{TRANSPORT}/unsent.c", "    if (connection->is_sending && !(", "    if (0 && !(", STREAMS),
    (f"{TRANSPORT}/transport.c", "    add_option(params, IPPROTO_TCP, TCP_USER_TIMEOUT, &transport->options.unread);\n", "", STREAMS),
    # bodies, and what PJSIP takes
    (EDGE, '*why = "A multipart without parts";\n        return PJSIP_SC_BAD_REQUEST;', "return 0;", GUARD_TESTS),
    (EDGE, '*why = "Bad multipart";\n            return PJSIP_SC_BAD_REQUEST;', "return 0;", GUARD_TESTS),
    (EDGE, "code = sip_guard_sdp(limits, part->body->data, part->body->len, why);", "code = 0 * !limits;", GUARD_TESTS),
    (EDGE, "? sip_guard_sdp(&sip_get_config()->guard, body->data, body->len, why)", "? 0", GUARD_TESTS),
    (EDGE, "if (is_encoded(rdata->msg_info.msg)) {", "if (0 && is_encoded(rdata->msg_info.msg)) {", GUARD_TESTS),
    (EDGE, "if (is_enciphered(&body->content_type)) {", "if (0 && is_enciphered(&body->content_type)) {", GUARD_TESTS),
    (EDGE, "    cut_body(rdata, body);\n", "    (void)cut_body;\n", GUARD_TESTS),
    (EDGE, "if (is_misspelt(rdata)) {", "if (0 && is_misspelt(rdata)) {", GUARD_TESTS),
    (EDGE, "!=\n        0) {\n        why = \"CSeq", "==\n        99) {\n        why = \"CSeq", GUARD_TESTS),
    (EDGE, "    rdata->msg_info.msg->body = NULL;", "    (void)rdata;", [*GUARD_TESTS, "test_patterns.py"]),
    (EDGE, "pjsip_warning_hdr_create(pool,", "pjsip_warning_hdr_create(pool, 1 +", GUARD_TESTS),
    # answers and challenges of a peer that we call
    ("src/res_sip_session/fork.c", "(first = refused_dialog(rdata)) == NULL", "(first = refused_dialog(rdata)) != NULL", CALLS),
    ("src/res_sip_session/fork.c", "dlg != NULL && is_of_first_invite(dlg, rdata) ? dlg : NULL", "is_of_first_invite(dlg, rdata) || dlg ? dlg : NULL", CALLS),
    ("src/res_sip_session/fork.c", "if (count_forks(rdata) >= MAX_FORKS) {", "if (count_forks(rdata) >= 100000 * MAX_FORKS) {", CALLS),
    ("src/res_sip_session/fork.c", "if (rdata->msg_info.to->tag.slen == 0) {", "if (rdata->msg_info.to->tag.slen < 0) {", CALLS),
    ("src/res_sip_session/fork.c", "dlg == NULL && rdata->msg_info.to->tag.slen > 0", "dlg == NULL", CALLS),
    ("src/res_sip_session/fork.c", "        tsx->is_reliable = PJ_FALSE;", "", CALLS),
    ("src/res_sip_session/service.c", "        sip_auth_ignore(event->body.tsx_state.src.rdata);", "        (void)event;", CALLS),
    ("src/res_sip_session/retry.c", "return tsx->status_code == PJSIP_SC_MULTIPLE_CHOICES ||", "return tsx->status_code == 305 || tsx->status_code == 380 ||", CALLS),
    ("src/res_sip_session/inv_offer.c", "!session->priv->sdp.agreed", "0", ["unit:session_outgoing_random"]),
    ("src/res_sip/auth/credentials.c", "#define MAX_CHALLENGES 5", "#define MAX_CHALLENGES 50", CALLS),
    ("src/res_sip/auth/credentials.c", "#define MAX_REALMS 8", "#define MAX_REALMS 80", CALLS),
    ("src/res_sip/auth/credentials.c", "            drop_challenges(msg, hdr);\n", "", CALLS),
    ("src/res_sip/transport/transport.c", "    if (config->global.disable_tcp_switch) {", "    if (config->global.disable_tcp_switch < 2) {", ["test_guard.py"]),
]  # fmt: skip

# Each refusal of the pure checks is one, too.
REFUSALS = {
    f"{GUARD}/guard.c": (re.compile(r'refuse\(&?scan, \d+, "([^"]*)"\);'), "(void)0;"),
    f"{GUARD}/guard_sdp.c": (re.compile(r'refuse\("([^"]*)", &?\w+\)'), "(why ? 0 : 488)"),
}


def mutations():
    for name, (pattern, nothing) in REFUSALS.items():
        text = (ROOT / name).read_text()
        for found in pattern.finditer(text):
            yield name, text, text[: found.start()] + nothing + text[found.end() :], f"no {found.group(1)!r}", UNIT
    for name, old, new, tests in MUTATIONS:
        text = (ROOT / name).read_text()
        if text.count(old) != 1:
            sys.exit(f"{name}: {old!r} is there {text.count(old)} times: bring the table up to date")
        yield name, text, text.replace(old, new), " ".join(old.split()), tests


def build(folder, tests):
    targets = [f"unit_{test[5:]}" for test in tests if test.startswith("unit:")]
    targets += ["sipsession_daemon"] if any(not test.startswith("unit:") for test in tests) else []
    return subprocess.run(["cmake", "--build", folder, "--target", *targets], capture_output=True, text=True)


def failed_test(folder, tests):
    """The first test that fails, or None."""
    env = {
        **os.environ, "SIPSESSION_DAEMON": str(folder / "daemon/sipsession"), "SIPSESSION_MODULES": str(folder / "modules"),
        "SIPSESSION_API_MODULES": str(folder / "tests/api/modules"), "SIPSESSION_VARIANT": folder.name,
    }  # fmt: skip
    for test in tests:
        if test.startswith("unit:"):
            command = [folder / "tests/unit/bin" / f"unit_{test[5:]}"]
            pattern = r"\[  FAILED  \] (test_\w+)|(AddressSanitizer: \S+)"
        else:
            command = [ROOT / "tests/scenario/run-scenario", ROOT / "tests/scenario" / test, "-x", "-q"]
            pattern = r"^_+ (?:ERROR at \w+ of )?(test_\S+) _+$"
        done = subprocess.run(command, capture_output=True, text=True, env=env, errors="replace")
        if done.returncode != 0:
            found = re.search(pattern, done.stdout + done.stderr, re.M)
            return f"{test}: {(found.group(1) or found.group(2)) if found else 'ended with ' + str(done.returncode)}"
    return None


def main(folder, word=""):
    folder = pathlib.Path(folder).resolve()
    missed = 0
    for name, text, mutated, what, tests in mutations():
        if word not in f"{name} {what}":
            continue
        try:
            (ROOT / name).write_text(mutated)
            built = build(folder, tests)
            result = failed_test(folder, tests) if built.returncode == 0 else None
        finally:
            (ROOT / name).write_text(text)
        if built.returncode != 0:
            result = "(does not compile: " + " ".join(re.findall(r"error: .*", built.stdout)[:1]) + ")"
        missed += result is None or result.startswith("(")
        print(f"{pathlib.Path(name).name}: {what}\n    {result or 'NOBODY MISSES IT'}", flush=True)
    build(folder, ["unit:res_sip_guard", "unit:res_sip_service", "unit:res_sip_distributor", "test_guard.py"])
    sys.exit(1 if missed else 0)


if not 2 <= len(sys.argv) <= 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
