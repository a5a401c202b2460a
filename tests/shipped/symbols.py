#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What libsipsession.so shows is what its headers declare, and both are what symbols.txt lists.

    symbols.py LIST LIBRARY INCLUDE            compare
    symbols.py --write LIST LIBRARY INCLUDE    write the list from the headers
"""

import pathlib
import re
import subprocess
import sys


def exported(library):
    """Names of what the library defines for others."""
    out = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    names = [line.split()[-1].split("@")[0] for line in out.splitlines() if line.strip()]
    return {name for name in names}


def declared(include):
    """Names of the functions that the headers declare (not of macros, not of members)."""
    names = set()
    for header in sorted(pathlib.Path(include).glob("sipsession/*.h")):
        text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
        text = re.sub(r"//[^\n]*", " ", text)
        text = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", " ", text, flags=re.M)
        text = text.replace('extern "C" {', " ")
        while True:  # bodies of structs, enums and inline functions
            shorter = re.sub(r"\{[^{}]*\}", " ", text)
            if shorter == text:
                break
            text = shorter
        text = re.sub(r"__attribute__\s*\(\(.*?\)\)", " ", text, flags=re.S)
        for statement in text.split(";"):
            if "typedef" in statement or re.search(r"\bstatic\b", statement):
                continue
            match = re.search(r"\b(\w+)\s*\(", statement)
            if match:
                names.add(match.group(1))
    return names


def compare(what, names, wanted):
    for name in sorted(names - wanted):
        print(f"{name}: {what}, but not in the list")
    for name in sorted(wanted - names):
        print(f"{name}: in the list, but not {what}")
    return names == wanted


def main(arguments):
    write = arguments[:1] == ["--write"]
    path, library, include = arguments[1:] if write else arguments
    functions = declared(include)
    if write:
        head = "# What libsipsession.so exports, one name a line. tests/shipped/symbols.py compares.\n"
        pathlib.Path(path).write_text(head + "".join(f"{name}\n" for name in sorted(functions)))
    lines = pathlib.Path(path).read_text().splitlines()
    wanted = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    same = [compare("exported", exported(library), wanted), compare("declared in a header", functions, wanted)]
    print(f"{len(wanted)} names in the list")
    return 0 if wanted and all(same) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
