#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The names that we give to objects of PJSIP are constants: PJLIB uses some of them as formats (B16 of docs/pjsip.md).

    pjsip_names.py SOURCE...    folders of sources

Such a name is a string literal without '%', or the obj_name of an object, which PJSIP or we made of a literal.
"""

import pathlib
import re
import sys

# which argument is the name, counted from 0
NAMED = {
    r"pj_thread_register": 0,
    r"pj_thread_create": 1,
    r"pj_pool_create": 1,
    r"pjsip_endpt_create_pool": 1,
    r"pj_mutex_create(?:_simple|_recursive)?": 1,
    r"pj_rwmutex_create": 1,
    r"pj_sem_create": 1,
    r"pj_event_create": 1,
    r"pj_lock_create_(?:simple_mutex|recursive_mutex|semaphore)": 1,
}
CALL = re.compile(rf"\b({'|'.join(NAMED)})\(")
NAME = re.compile(r'"[^"%]*"|[\w>.-]+->obj_name')


def arguments(text, begin):
    """Of a call, from behind its bracket on."""
    depth, found, quoted = 0, [""], False
    for at in range(begin, len(text)):
        char = text[at]
        quoted ^= char == '"' and text[at - 1] != "\\"
        if not quoted and char == ")" and depth == 0:
            return [argument.strip() for argument in found]
        depth += 0 if quoted else (char in "([") - (char in ")]")
        if char == "," and depth == 0 and not quoted:
            found.append("")
        else:
            found[-1] += char
    return []


def main(folders):
    calls = wrong = 0
    for path in sorted(path for folder in folders for path in pathlib.Path(folder).glob("**/*.c")):
        text = path.read_text()
        for call in CALL.finditer(text):
            number = next(number for pattern, number in NAMED.items() if re.fullmatch(pattern, call.group(1)))
            given = arguments(text, call.end())
            calls += 1
            if len(given) <= number or not NAME.fullmatch(given[number]):
                line = text.count("\n", 0, call.start()) + 1
                print(f"{path}:{line}: {call.group(1)}: the name is no literal, or has a '%'")
                wrong += 1
    if calls == 0:
        sys.exit("no call that names an object")
    sys.exit(1 if wrong else 0)


main(sys.argv[1:])
