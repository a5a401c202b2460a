# SPDX-License-Identifier: GPL-2.0-or-later
# Sourced by ./run and ./test: the distribution's packages that they need, and how to get them.
# shellcheck shell=bash

packages_build=(build-essential cmake ninja-build pkg-config patch xz-utils ca-certificates
    libssl-dev libsrtp2-dev libopus-dev libgsm1-dev libspeex-dev libspeexdsp-dev libsqlite3-dev uuid-dev libc-ares-dev)
packages_test=(libcmocka-dev clang clang-format libclang-rt-14-dev git
    sip-tester baresip-core iproute2 python3 python3-pytest python3-numpy)
# These bring a server that Debian starts, here and at each boot, on port 5060 of every address.
packages_test_servers=(kamailio kamailio-tls-modules kamailio-outbound-modules)

say() { printf '\033[1m==> %s\033[0m\n' "$*"; }

is_installed() {
    dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# need PACKAGE...: installs those that are missing; asks apt nothing when none is
need() {
    local missing=() package sudo=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
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

# need_unstarted SERVICE PACKAGE...: as need, and the service that comes with the packages is not
# started, neither now nor at a boot. One that was there before stays as it is, and so does a
# policy-rc.d of the machine's own, which is only out of the way while we install.
need_unstarted() {
    local service=$1 package policy=/usr/sbin/policy-rc.d sudo=() status=0
    shift
    if is_installed "$1"; then
        need "$@" # its owner has decided
        return
    fi
    [ "$(id -u)" = 0 ] || ! command -v sudo >/dev/null || sudo=(sudo)
    need_policy_back() {
        "${sudo[@]}" rm -f "$policy"
        ! [ -e "$policy.sipsession" ] || "${sudo[@]}" mv "$policy.sipsession" "$policy"
    }
    if [ "$(id -u)" = 0 ] || [ ${#sudo[@]} -gt 0 ]; then
        trap need_policy_back EXIT
        # one that is aside already is of an earlier time, which was killed
        ! [ -e "$policy" ] || [ -e "$policy.sipsession" ] || "${sudo[@]}" mv "$policy" "$policy.sipsession"
        printf '#!/bin/sh\nexit 101\n' | "${sudo[@]}" tee "$policy" >/dev/null
        "${sudo[@]}" chmod 755 "$policy"
    fi
    need "$@" || status=1 # without root or sudo it says so
    [ "$status" != 0 ] || "${sudo[@]}" update-rc.d "$service" disable
    need_policy_back
    trap - EXIT
    return "$status"
}

# configure PRESET [OPTION...]
configure() {
    say "configuring $1"
    cmake --preset "$@" --log-level=NOTICE
}
