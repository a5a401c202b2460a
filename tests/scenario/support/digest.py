# SPDX-License-Identifier: GPL-2.0-or-later
"""A client's side of digest authentication (RFC 7616, RFC 8760), written apart from the daemon's."""

import hashlib
import re

ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def hash_hex(algorithm, text):
    return hashlib.new(ALGORITHMS[algorithm], text.encode()).hexdigest()


def challenges(response):
    """The challenges of a 401: a list of dictionaries, in their order."""
    found = []
    for value in response.all("www-authenticate"):
        assert value.startswith("Digest "), value
        parts = re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]+))', value[7:])
        found.append({name: quoted or plain for name, quoted, plain in parts})
    return found


def answer(challenge, method, target, user, password, count=1, cnonce="0a4f113b", **change):
    """An Authorization header for a challenge; `change` replaces or (None) leaves out parameters."""
    algorithm = challenge.get("algorithm", "MD5")
    fields = {
        "username": user, "realm": challenge["realm"], "nonce": challenge["nonce"], "uri": target,
        "algorithm": algorithm, "cnonce": cnonce, "nc": f"{count:08x}", "qop": "auth",
    }  # fmt: skip
    fields.update(change)
    secret = hash_hex(algorithm, f"{user}:{fields['realm']}:{password}")
    request = hash_hex(algorithm, f"{method}:{fields['uri']}")
    if fields["qop"]:
        text = f"{secret}:{fields['nonce']}:{fields['nc']}:{fields['cnonce']}:{fields['qop']}:{request}"
    else:
        text = f"{secret}:{fields['nonce']}:{request}"
        fields["nc"] = fields["cnonce"] = None
    fields.setdefault("response", hash_hex(algorithm, text))
    plain = ("algorithm", "nc", "qop")
    value = ", ".join(f"{n}={v}" if n in plain else f'{n}="{v}"' for n, v in fields.items() if v is not None)
    return ("Authorization", f"Digest {value}")
