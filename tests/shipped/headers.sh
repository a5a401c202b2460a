#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every installed header compiles alone and twice, as C and as C++, without a warning.
set -euo pipefail
source=$1
pjsip=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
failed=0
for header in "$source"/include/sipsession/*.h; do
    name=sipsession/$(basename "$header")
    printf '#include <%s>\n#include <%s>\nint main(void);\nint main(void) { return 0; }\n' "$name" "$name" >"$work/t.c"
    cp "$work/t.c" "$work/t.cpp"
    flags=(-fsyntax-only -Wall -Wextra -Wshadow -Werror "-I$source/include" -isystem "$pjsip" -DPJ_AUTOCONF=1)
    for compiler in "gcc -std=c11 -Wstrict-prototypes $work/t.c" "clang -std=c11 -Wstrict-prototypes $work/t.c" \
        "g++ -std=c++17 $work/t.cpp"; do
        # shellcheck disable=SC2086
        $compiler "${flags[@]}" || { echo "$name: ${compiler%% *} refuses it" && failed=1; }
    done
    count=$((count + 1))
done
echo "$count headers"
[ "$count" -gt 0 ]
exit $failed
