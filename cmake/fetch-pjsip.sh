#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Puts PJSIP's source into the cache and prints where it is (one line on stdout; all else goes to
# stderr). Debian 12 has no binary package of it, but its archive has the source: the component
# `orig-Xpjproject` of the source package `asterisk` in a newer suite, signed by the archive's key.
# It is read with a private apt configuration; nothing of the machine's changes.
#
#   PJPROJECT_SRC=DIR   use this tree instead (or this tarball)
#   SIPSESSION_CACHE    the cache; default ${XDG_CACHE_HOME:-~/.cache}/sipsession
set -euo pipefail

want=2.17 # the oldest version that will do
package=asterisk
component=Xpjproject
suites="forky sid"
cache=${SIPSESSION_CACHE:-${XDG_CACHE_HOME:-~/.cache}/sipsession}
tried=()

say() { echo "pjsip: $*" >&2; }

fail() {
    {
        echo "pjsip: the source of PJSIP $want or newer can't be had."
        printf 'pjsip:   tried: %s\n' "${tried[@]}"
        echo "pjsip: Connect this machine to its Debian mirror and try again, or unpack PJSIP's source"
        echo "pjsip: (pjproject $want or newer) somewhere and set PJPROJECT_SRC=DIR to that folder."
    } >&2
    exit 1
}

# version_of: reads a version.mak on stdin, prints 2.17 or 2.17.1
version_of() {
    awk '/PJ_VERSION_(MAJOR|MINOR|REV) *:=/ && $4 != "" { v = v (v == "" ? "" : ".") $4 } END { print v }'
}

new_enough() {
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$want" "$1" | sort -V | head -1)" = "$want" ]
}

tarball_version() {
    { tar -xOf "$1" --wildcards --no-wildcards-match-slash '*/version.mak' 2>/dev/null || true; } |
        version_of
}

# Debian's main archive among all that the machine reads, whatever the format of its list and
# whatever else it lists: the URI of the suite that the machine runs (not -updates, -security).
mirrors() {
    local codename
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    apt-get indextargets --format '$(CODENAME)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)|$(LABEL)|$(REPO_URI)' \
        'Created-By: Packages' 2>/dev/null |
        awk -F'|' -v run="$codename" '
            function unset(v) { return v == "" || substr(v, 1, 2) == "$(" }
            $3 != "main" { next }
            !unset($4) && ($4 != "Debian" || $5 != "Debian") { next }
            { suite = unset($1) ? $2 : $1 }
            suite ~ /-(updates|security|backports|proposed)/ || $6 ~ /security/ { next }
            # never updated: only the name of the suite is known
            unset($4) && suite != run && suite !~ /^(oldoldstable|oldstable|stable|testing|unstable|sid)$/ { next }
            !seen[$6]++ { print $6 }'
}

# apt SUITE DIR COMMAND...: apt-get that knows one deb-src source and writes below DIR only
private_apt() {
    local dir=$1
    shift
    apt-get -q -o "Dir::Etc::sourcelist=$dir/src.list" -o Dir::Etc::sourceparts=- \
        -o Dir::Etc::preferences=- -o Dir::Etc::preferencesparts=- \
        -o "Dir::State=$dir/state" -o "Dir::State::lists=$dir/lists" -o "Dir::Cache=$dir/cache" \
        -o "Dir::State::status=$dir/status" -o "Dir::Log=$dir/log" \
        -o APT::Sandbox::User= -o Acquire::Languages=none -o Acquire::Retries=2 \
        -o APT::Update::Error-Mode=any -o "APT::Update::Post-Invoke-Success::=" \
        -o Debug::NoLocking=true -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30 "$@"
}

from_archive() { # MIRROR SUITE DIR
    local mirror=$1 suite=$2 dir=$3 keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    local what="$mirror $suite (package $package)" signed=
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/state" "$dir/log" "$dir/get"
    : >"$dir/status"
    [ ! -r "$keyring" ] || signed="[signed-by=$keyring] "
    echo "deb-src $signed$mirror $suite main" >"$dir/src.list"
    say "reading the list of sources: $mirror $suite"
    if ! private_apt "$dir" update >"$dir/log.txt" 2>&1; then
        tried+=("$what: apt-get update failed: $(grep -m1 '^[EW]:' "$dir/log.txt" || true)")
        return 1
    fi
    say "downloading the source package $package (about 13 MB)"
    # apt checks every file against the signed list of sources
    if ! (cd "$dir/get" && private_apt "$dir" source --download-only --only-source "$package") \
        >"$dir/log.txt" 2>&1; then
        tried+=("$what: apt-get source failed: $(grep -m1 '^E:' "$dir/log.txt" || true)")
        return 1
    fi
    local file version sum name
    file=$(find "$dir/get" -name "${package}_*.orig-$component.tar.*" ! -name '*.asc' | head -1)
    if [ -z "$file" ]; then
        tried+=("$what: its source package has no component orig-$component")
        return 1
    fi
    # and once more against the package's own description
    if ! (cd "$dir/get" && sed -n '/^Checksums-Sha256:/,/^[^ ]/p' ./*.dsc |
        awk -v f="$(basename "$file")" '$3 == f { print $1 "  " $3 }' | sha256sum -c --status -); then
        tried+=("$what: the checksum of $(basename "$file") is wrong")
        return 1
    fi
    version=$(tarball_version "$file")
    if ! new_enough "$version"; then
        tried+=("$what: has PJSIP ${version:-of an unknown version}, older than $want")
        return 1
    fi
    sum=$(sha256sum "$file" | cut -c1-12)
    name=pjproject-$version-$sum.tar.${file##*.}
    mkdir -p "$cache/src"
    mv "$file" "$cache/src/.$name.$$"
    mv "$cache/src/.$name.$$" "$cache/src/$name"
    say "PJSIP $version is in $cache/src/$name"
    echo "$cache/src/$name"
}

if [ -n "${PJPROJECT_SRC:-}" ]; then
    if [ -f "$PJPROJECT_SRC/aconfigure" ] && new_enough "$(version_of <"$PJPROJECT_SRC/version.mak")"; then
        (cd "$PJPROJECT_SRC" && pwd)
        exit 0
    fi
    if [ -f "$PJPROJECT_SRC" ] && new_enough "$(tarball_version "$PJPROJECT_SRC")"; then
        readlink -f "$PJPROJECT_SRC"
        exit 0
    fi
    tried+=("PJPROJECT_SRC=$PJPROJECT_SRC: no PJSIP $want or newer there (aconfigure, version.mak)")
    fail
fi

mkdir -p "$cache/src"
exec 9>"$cache/src/.lock"
flock 9

cached=$(find "$cache/src" -maxdepth 1 -name 'pjproject-*.tar.*' ! -name '.*' | sort -V | tail -1)
if [ -n "$cached" ]; then
    sum=$(sha256sum "$cached" | cut -c1-12)
    if [[ $cached == *-"$sum".tar.* ]]; then
        echo "$cached"
        exit 0
    fi
    say "$cached is damaged: fetching it again"
    rm -f "$cached"
fi

if ! command -v apt-get >/dev/null; then
    tried+=("apt-get: not on this machine")
    fail
fi

work=$(mktemp -d "$cache/src/.apt.XXXXXX")
trap 'rm -rf "$work"' EXIT
found=
while read -r mirror; do
    found=1
    for suite in $suites; do
        from_archive "$mirror" "$suite" "$work/$suite" && exit 0
    done
done < <(mirrors)
[ -n "$found" ] || tried+=("apt's list of sources: Debian's main archive is not in it")
fail
