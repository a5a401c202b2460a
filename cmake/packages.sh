# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by ./run and ./test: the distribution's packages that they need, and how to get them.
# shellcheck shell=bash

packages_build=(build-essential cmake ninja-build pkg-config patch xz-utils ca-certificates
    libssl-dev libsrtp2-dev libopus-dev libgsm1-dev libspeex-dev libspeexdsp-dev libsqlite3-dev uuid-dev libc-ares-dev)
packages_test=(libcmocka-dev clang clang-format libclang-rt-14-dev git
    sip-tester baresip-core iproute2 python3 python3-pytest python3-numpy)

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

# need PACKAGE...: installs those that are missing; asks apt nothing when none is
need() {
    local missing=() package sudo=()
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "installing packages: ${missing[*]}"
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "These packages are missing, and there is no sudo to install them with. As root:" >&2
            echo "    apt-get install ${missing[*]}" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    local install=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive
        apt-get install -q -y --no-install-recommends "${missing[@]}")
    # the lists of packages may be old or not there at all
    "${install[@]}" || { "${sudo[@]}" apt-get update -q && "${install[@]}"; }
}

# configure PRESET [OPTION...]
configure() {
    say "configuring $1"
    cmake --preset "$@" --log-level=NOTICE
}
