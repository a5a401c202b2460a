#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The folders of the sources depend on each other one way: no circle of includes among them.

    circles.py SOURCE     SOURCE: the folder src/, which includes are relative to

A folder of a room counts as a place of its own, and so do the files of the room itself: src/res_sip is what its folders
stand on. Public headers are nobody's.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^#include "([^"]+)"', re.MULTILINE)


def includes(source):
    """{folder: {other folder: [a file of it and what that includes]}}"""
    found = {}
    for path in sorted([*source.rglob("*.c"), *source.rglob("*.h")]):
        folder = path.parent
        for name in INCLUDE.findall(path.read_text()):
            target = (source / name).resolve()
            if not target.is_file():
                sys.exit(f"{path}: no {name} in {source}: includes are relative to it")
            if target.parent != folder:
                found.setdefault(folder, {}).setdefault(target.parent, []).append(f"{path.relative_to(source)}: {name}")
    return found


def reached(found, start):
    seen, rest = set(), [start]
    while rest:
        for folder in found.get(rest.pop(), {}):
            if folder not in seen:
                seen.add(folder)
                rest.append(folder)
    return seen


def main(source):
    source = pathlib.Path(source).resolve()
    found = includes(source)
    if not found:
        sys.exit(f"{source}: no file there includes another folder's")
    reach = {folder: reached(found, folder) for folder in found}
    circles = [
        line
        for folder, others in found.items()
        for other, lines in others.items()
        if folder in reach.get(other, ())
        for line in lines
    ]
    for line in circles:
        print(f"{line} is part of a circle")
    sys.exit(1 if circles else 0)


main(*sys.argv[1:])
