#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is wrong in parts of PJSIP that we do not use cannot harm us, as long as we do not use them.

    pjsip_use.py FILE...    libsipsession.so, the daemon, and folders of modules

Each line below is an entry of docs/pjsip.md and the functions that it is about; nothing that we ship may call them.
"""

import pathlib
import re
import subprocess
import sys

NOT_CALLED = {
    "A0.1, A4: parsed multiparts that are printed": r"pjsip_multipart_(create|add_part|print_body|clone_part)|pjsip_msg_body_(clone|copy)",
    "A5: media types that are printed into our buffers": r"pjsip_media_type_print",
    "A7, B8, D2, E9: PJSIP's resolver": r"pj_dns_|pjsip_endpt_(create_resolver|set_resolver)",
    "A8: Opus of PJMEDIA": r"pjmedia_codec_opus_",
    "A9: AMR, IPP": r"pjmedia_codec_(opencore|ipp|amr|register_audio)",
    "A10: TURN": r"pj_turn_",
    "A11: scanners and unescaping": r"pj_scan_|pj_strcpy_unescape|pj_str_unescape",
    "A12, B10, B13: STUN": r"pjstun_|pj_stun_",
    "A14, B7, C11, C12, C15, E1, E2: streams, RTCP and transports of media": r"pjmedia_(stream|rtcp|transport|endpt_create_audio_sdp)",
    "A15: HTTP, telnet, WebSocket, pcap, AVI, WAV, text": r"pj_http_|pj_cli_|pj_websock|pj_pcap_|pjmedia_(avi|wav|txt)_",
    "B1: XML and JSON": r"pj_xml_|pj_json_",
    "B11, C13, D1: SRTP of PJMEDIA": r"pjmedia_(transport_)?srtp_",
    "B15: counts that a caller gives": r"pj_array_|pj_pool_create_on_buf|pj_pool_buf",
    # pjsip_tls_transport_restart2: tls.c, with checks of its own before and after (docs/pjsip.md);
    # with pjsip_tcp_transport_restart: transport_retire.c, to close a listener for good
    "C5: listeners that are restarted": r"pjsip_(udp_transport_restart|tls_transport_restart\b|(tcp|tls|udp)_transport_lis_start)",
    "C10, E10: ICE": r"pj_ice_",
    "C17: local time, tokens": r"pj_time_(encode|decode)|pj_strtok|pj_strspn",
    "D4, E3, E4: the conference bridge": r"pjmedia_(conf|port)_",
    "E8: subscriptions of PJSIP": r"pjsip_(evsub|xfer|pres|mwi|publishc|regc)_",
}  # fmt: skip


def files(arguments):
    for argument in map(pathlib.Path, arguments):
        yield from sorted(argument.glob("**/*.so")) if argument.is_dir() else [argument]


def main(arguments):
    found = looked = 0
    for path in files(arguments):
        out = subprocess.run(["nm", "-D", "--undefined-only", path], check=True, capture_output=True, text=True).stdout
        looked += "pj_" in out
        for name in sorted(line.split()[-1].split("@")[0] for line in out.splitlines() if line.strip()):
            for entry, pattern in NOT_CALLED.items():
                if re.match(pattern, name):
                    print(f"{path}: calls {name} ({entry})")
                    found += 1
    if looked == 0:
        sys.exit("no file that uses PJSIP")
    sys.exit(1 if found else 0)


main(sys.argv[1:])
