#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# cmake --install into an empty prefix gives all that a user needs: what pkg-config says is enough to
# build a module and a program out of the tree, and they run with what was installed.
set -euo pipefail
source=$1
build=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix

fail() {
    echo "install: $*"
    exit 1
}

DESTDIR='' cmake --install "$build" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log" && exit 1; }
pc=$(find "$prefix" -name sipsession.pc)
[ -n "$pc" ] || fail "no sipsession.pc"
# what is not in the prefix must not be used: no folder of the source or build tree may be named
if grep -rIl -e "$source" -e "$build" "$prefix/include" "$pc"; then
    fail "these name the source tree"
fi

export PKG_CONFIG_PATH=${pc%/*}
read -ra cflags < <(pkg-config --cflags sipsession)
read -ra libs < <(pkg-config --libs sipsession)
libdir=$(pkg-config --variable=libdir sipsession)
moduledir=$(pkg-config --variable=moduledir sipsession)
for file in "$libdir/libsipsession.so" "$libdir/libsipsession-pj.so" "$prefix/bin/sipsession" \
    "$prefix/share/man/man1/sipsession.1" "$moduledir"; do
    [ -e "$file" ] || fail "$file is missing"
done
if ldd "$prefix/bin/sipsession" "$libdir"/lib*.so "$moduledir"/*.so | grep 'not found'; then
    fail "a library is not found"
fi
if readelf -d "$prefix/bin/sipsession" "$libdir"/lib*.so "$moduledir"/*.so | grep -E 'R(UN)?PATH' | grep -v 'ORIGIN'; then
    fail "a path of the build is in what is installed"
fi

# out of the tree: nothing but the installed files, from another folder
mkdir "$work/user"
cp "$source"/tests/shipped/outside.c "$source"/tests/shipped/loader.c "$work/user/"
cp -r "$source/examples" "$work/user/"
cd "$work/user"
modules=()
for module in *.c; do
    [ "$module" != loader.c ] || continue
    cc -std=c11 -Wall -Wextra -Werror -shared -fPIC -Wl,-z,defs -o "${module%.c}.so" "$module" "${cflags[@]}" "${libs[@]}"
    modules+=("./${module%.c}.so")
done
for makefile in examples/*/Makefile; do
    make -s -C "${makefile%/*}" clean
    make -s -C "${makefile%/*}" CFLAGS="-Wall -Wextra -Werror"
done
[ -e examples/extension/hello.so ] || fail "examples/extension gave no hello.so"
modules+=(./examples/*/*.so)
cc -std=c11 -Wall -Wextra -Werror -o loader loader.c "${cflags[@]}" "${libs[@]}" -Wl,-rpath,"$libdir"
./loader "${modules[@]}" "$moduledir"/*.so

[ "$("$prefix/bin/sipsession" version)" = "$("$build/daemon/sipsession" version)" ] ||
    fail "the installed daemon says another version"

# the installed daemon finds its modules, takes those from outside, and stops when it is told
mkdir conf
printf '[udp]\ntype=transport\nprotocol=udp\nbind=127.0.0.1:0\n' >conf/pjsip.conf
printf '[default]\nexten => x,1,Hangup()\n' >conf/extensions.conf
{
    echo "[modules]"
    for module in "$moduledir"/*.so; do
        basename "$module" .so | sed 's/^/load = /'
    done
    printf "load = $PWD/%s\n" "${modules[@]}"
} >conf/sipsession.conf
"$prefix/bin/sipsession" check -c conf >check.log 2>&1 || { cat check.log && fail "check refuses the configuration"; }
env -u SIPSESSION_MODULES "$prefix/bin/sipsession" run -c conf -d >run.log 2>&1 &
daemon=$!
for _ in $(seq 100); do
    sleep 0.1
    kill -0 "$daemon" 2>/dev/null || { cat run.log && fail "the daemon stopped"; }
    ! grep -q 'outside: loaded' run.log || break
done
kill -TERM "$daemon"
wait "$daemon" || { cat run.log && fail "the daemon's exit status is $?"; }
grep -q 'outside: loaded' run.log || { cat run.log && fail "a module was not loaded"; }
echo "installed: $(find "$prefix" -type f | wc -l) files; modules built outside: ${modules[*]}"
