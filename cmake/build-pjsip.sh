#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds one variant of PJSIP into the cache, once, and lays it out for a build directory.
#
#   build-pjsip.sh VARIANT DEST     VARIANT: release debug asan tsan fuzz (needs CC and PJSIP_CFLAGS)
#   build-pjsip.sh stock DEST       PJSIP's own programs pjsua and pjsip-perf, default settings
#
# The cache folder is named by a hash of all that goes in: source, config_site.h, patches, flags,
# compiler. DEST gets links to the libraries and a copy of the headers (a copy, so that their times
# change when another build takes their place, and whatever includes them is compiled again).
set -euo pipefail

variant=$1
dest=$2
here=$(cd "$(dirname "$0")" && pwd)
cache=${SIPSESSION_CACHE:-${XDG_CACHE_HOME:-~/.cache}/sipsession}
cc=${CC:-cc}
# a few files of PJSIP are C++, empty in this configuration
case $(basename "$cc") in
    clang*) cxx=${cc/%clang*/clang++${cc##*clang}} ;;
    gcc*) cxx=${cc/%gcc*/g++${cc##*gcc}} ;;
    *) cxx=c++ ;;
esac
cflags=${PJSIP_CFLAGS:-}
jobs=${PJSIP_JOBS:-$(nproc)}

say() { echo "pjsip[$variant]: $*"; }

# What this distribution's source package leaves out of third_party is off or comes from the
# distribution's own packages; so is what a server has no use for.
options=(--enable-epoll --disable-sound --disable-video --enable-speex-resample --disable-libyuv
    --disable-libwebrtc --disable-ilbc-codec --disable-g7221-codec --disable-silk --disable-bcg729
    --disable-opencore-amr --disable-lyra --disable-upnp --disable-sdl --disable-ffmpeg
    --disable-v4l2 --disable-openh264 --disable-vpx --with-external-srtp --with-external-gsm
    --with-external-speex)
if [ "$variant" = stock ]; then
    # PJSIP's defaults (select, -O2), but for what is missing
    options=("${options[@]:1}" --disable-pjsua2)
    cflags="-O2 -g"
    patches=()
else
    options+=(--disable-speex-codec --disable-speex-aec --disable-pjsua2)
    mapfile -t patches < <(find "$here/pjsip-patches" -name '*.patch' | sort)
fi

source=$("$here/fetch-pjsip.sh")

describe() {
    echo "variant $variant"
    if [ -d "$source" ]; then
        (cd "$source" && find . -type f \( -name '*.[ch]' -o -name '*.in' -o -name '*.mak' -o -name aconfigure \
            -o -name Makefile \) ! -name config_site.h ! -name '*auto.h' ! -name '*-auto.mak' ! -name build.mak \
            -print0 | sort -z | xargs -0 sha256sum | sha256sum)
    else
        sha256sum <"$source"
    fi
    [ "$variant" = stock ] || sha256sum <"$here/config_site.h"
    [ ${#patches[@]} -eq 0 ] || cat "${patches[@]}" | sha256sum
    echo "$cc ${cflags} ${options[*]}"
    "$cc" --version | head -1
    "$cc" -dumpmachine
    sha256sum <"$here/build-pjsip.sh"
}
hash=$(describe | sha256sum | cut -c1-16)
result=$cache/pjsip-$variant-$hash

apply_patches() { # in TREE
    local patch
    for patch in "${patches[@]}"; do
        if patch -d "$1" -p1 -s -f --dry-run <"$patch" >/dev/null 2>&1; then
            patch -d "$1" -p1 -s -f <"$patch"
            say "applied $(basename "$patch")"
        elif patch -d "$1" -p1 -s -f -R --dry-run <"$patch" >/dev/null 2>&1; then
            say "this PJSIP already has what $(basename "$patch") changes"
        else
            say "$(basename "$patch") does not fit this PJSIP" >&2
            return 1
        fi
    done
}

run() { # LOG COMMAND...: quiet unless it fails
    local log=$1
    shift
    if ! "$@" >>"$log" 2>&1; then
        tail -40 "$log" >&2
        say "failed; the whole log: $log" >&2
        exit 1
    fi
}

unpack() { # TREE
    rm -rf "$1"
    mkdir -p "$1"
    if [ -d "$source" ]; then
        (cd "$source" && tar -c --exclude=.git --exclude='*.o' --exclude='*.a' --exclude='*.depend' .) | tar -x -C "$1"
    else
        tar -xf "$source" -C "$1" --strip-components=1
    fi
    # a file that the distribution takes out (its header is not free); the build wants it to exist
    local bdimad=$1/pjmedia/src/pjmedia-audiodev/bdimad_dev.c
    [ -e "$bdimad" ] || : >"$bdimad"
    # C++ that only a sound device of Android uses: it would make us need a C++ runtime
    sed -i 's/ atomic_queue\.o / /' "$1/pjlib/build/Makefile"
}

make_in() { # LOG TREE SUBDIR TARGET...
    local log=$1 tree=$2 sub=$3
    shift 3
    run "$log" make -C "$tree/$sub" -j"$jobs" "$@"
}

build() {
    local tree=$1 log=$1/build.log
    unpack "$tree"
    apply_patches "$tree"
    local site=$tree/pjlib/include/pj/config_site.h
    if [ "$variant" = stock ]; then
        : >"$site"
    else
        { echo "#define SIPSESSION_PJ_${variant^^} 1" && cat "$here/config_site.h"; } >"$site"
    fi
    say "configuring ($cc $cflags)"
    (cd "$tree" && run "$log" env CC="$cc" CXX="$cxx" CFLAGS="$cflags" LDFLAGS="${PJSIP_LDFLAGS:-}" ./aconfigure "${options[@]}")
    mkdir -p "$tree"/{pjlib,pjlib-util,pjnath,pjmedia,pjsip,third_party}/lib
    local dir
    for dir in pjlib pjlib-util pjnath; do
        say "building $dir"
        make_in "$log" "$tree" $dir/build lib
    done
    say "building pjmedia"
    if [ "$variant" = stock ]; then
        make_in "$log" "$tree" pjmedia/build lib
        say "building pjsip"
        make_in "$log" "$tree" pjsip/build lib
        say "building pjsua and pjsip-perf"
        make_in "$log" "$tree" pjsip-apps/build pjsua
        # the makefile of the samples leaves these two to the one above it
        make_in "$log" "$tree" pjsip-apps/build -f Samples.mak OBJDIR=./output/samples BINDIR=../bin pjsip-perf
    else
        make_in "$log" "$tree" pjmedia/build pjmedia pjmedia-codec pjmedia-audiodev pjmedia-videodev
        say "building pjsip"
        make_in "$log" "$tree" pjsip/build pjsip pjsip-ua pjsip-simple
    fi
}

collect() { # TREE RESULT
    local tree=$1 out=$2 lib name
    mkdir -p "$out/lib" "$out/bin" "$out/include"
    if [ "$variant" = stock ]; then
        cp "$tree"/pjsip-apps/bin/pjsua-* "$out/bin/pjsua"
        cp "$tree"/pjsip-apps/bin/pjsip-perf "$out/bin/pjsip-perf"
    else
        for lib in "$tree"/{pjlib,pjlib-util,pjnath,pjmedia,pjsip}/lib/lib*.a; do
            name=$(basename "$lib")
            cp "$lib" "$out/lib/${name%%-"$("$cc" -dumpmachine | cut -d- -f1)"*}.a"
        done
        for dir in pjlib pjlib-util pjnath pjmedia pjsip; do
            (cd "$tree/$dir/include" && find . -name '*.h' -o -name '*.hpp' | tar -c -T -) | tar -x -C "$out/include"
        done
        rm -rf "$out/include/"{pjsua-lib,pjsua2,pjsua2.hpp}
        cp "$tree/pjlib/include/pj/config_site.h" "$out/include/pj/"
    fi
    cp "$tree/build.log" "$tree/COPYING" "$out/"
    # the sources stay for the debugger and the sanitizers' reports
    find "$tree" \( -name '*.o' -o -name '*.a' -o -name '*.depend' \) -delete
    rm -rf "$tree/tests" "$tree/pjsip-apps" "$tree"/*/docs
}

mkdir -p "$cache"
if [ ! -e "$result/done" ]; then
    exec 8>"$cache/.lock-$variant-$hash"
    flock 8
    if [ ! -e "$result/done" ]; then
        rm -rf "$result"
        mkdir -p "$result"
        start=$SECONDS
        say "building into $result"
        build "$result/src"
        collect "$result/src" "$result"
        touch "$result/done"
        say "built in $((SECONDS - start)) s"
    fi
    rm -f "$cache/.lock-$variant-$hash"
    # what no build has used for a month goes
    find "$cache" -mindepth 2 -maxdepth 2 -path '*/pjsip-*/done' -mtime +30 -printf '%h\0' | xargs -0r rm -rf
fi
touch "$result/done"

if [ "$(cat "$dest/id" 2>/dev/null)" != "$result" ]; then
    rm -rf "$dest"
    mkdir -p "$dest"
    ln -s "$result/lib" "$dest/lib"
    ln -s "$result/bin" "$dest/bin"
    cp -r "$result/include" "$dest/include"
    echo "$result" >"$dest/id"
    say "using $result"
fi
