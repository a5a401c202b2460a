#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The layout of every C file is clang-format's, and every file that we wrote names its licence.
set -euo pipefail
cd "$1"
failed=0

mapfile -d '' -t sources < <(git ls-files -z -- '*.c' '*.h')
[ ${#sources[@]} -gt 0 ]
clang-format --dry-run --Werror "${sources[@]}" || failed=1

mapfile -d '' -t ours < <(git ls-files -z -- '*.c' '*.h' '*.py' '*.sh' '*.cmake' '*CMakeLists.txt' run test .ci/run)
for file in "${ours[@]}"; do
    if [ -s "$file" ] && ! head -3 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later'; then
        echo "$file: no SPDX-License-Identifier in its first lines"
        failed=1
    fi
done

long=$(wc -l "${sources[@]}" | awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines, more than 800" }')
if [ -n "$long" ]; then
    echo "$long"
    failed=1
fi
exit $failed
