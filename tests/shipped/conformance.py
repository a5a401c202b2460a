#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""docs/conformance.md names tests that exist, says of each row what shows it, and has every ladder of RFC 5407.

usage: conformance.py SOURCE-FOLDER
"""

import re
import sys
from pathlib import Path

RFCS = (3261, 3262, 3264, 3311, 3326, 3515, 3891, 4028, 4488, 5057, 5407, 6026, 6086, 6141, 6228, 6337, 7616)
LADDERS = [f"3.1.{n}" for n in range(1, 7)] + [f"3.2.{n}" for n in range(1, 5)] + [f"3.3.{n}" for n in range(1, 4)] + list("ABCDE")
REFERENCE = re.compile(r"(?:(unit)/(\w+)/)?(\w+)::(\w+)\Z")


def exists(source, reference):
    found = REFERENCE.match(reference)
    if not found:
        return False
    unit, room, file, name = found.groups()
    if unit:
        path, pattern = source / f"tests/unit/{room}/test_{file}.c", rf"^static void test_{name}\("
    else:
        path, pattern = source / f"tests/scenario/test_{file}.py", rf"^def test_{name}\("
    return path.exists() and re.search(pattern, path.read_text(), re.M) is not None


def main():
    source = Path(sys.argv[1])
    problems, section, sections = [], None, {}
    for number, line in enumerate((source / "docs/conformance.md").read_text().splitlines(), 1):
        if line.startswith("## "):
            section = line[3:]
            sections[section] = []
        elif line.startswith("| ") and not line.startswith(("| section", "| behaviour")):
            cells = [cell.strip() for cell in line.strip("| ").split(" | ")]
            sections[section].append(cells)
            if cells[-1] == "not shown":
                continue
            for reference in cells[-1].split(", "):
                if not exists(source, reference):
                    problems.append(f"docs/conformance.md:{number}: there is no test {reference!r}")
    for rfc in RFCS:
        if not any(re.match(rf"RFC {rfc}[:,]", name) and rows for name, rows in sections.items()):
            problems.append(f"docs/conformance.md has nothing of RFC {rfc}")
    races = [cells for name, rows in sections.items() if name.startswith("RFC 5407") for cells in rows]
    for ladder in LADDERS:
        shown = [cells for cells in races if ladder in cells[0].split(", ") and cells[-1] != "not shown"]
        if not shown:
            problems.append(f"docs/conformance.md: no test of RFC 5407 {ladder}")
    print("\n".join(problems) or f"{sum(map(len, sections.values()))} rows")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
