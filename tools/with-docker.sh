#!/bin/sh
# Runs a command with a Docker engine that answers: with-docker.sh COMMAND...
#
# Takes the engine that DOCKER_HOST or the context names, or the default one. Where none answers and DOCKER_HOST is not set,
# starts dockerd (as root; no systemd needed) and stops it when the command has ended.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

START_TRIES=60 # at half a second and more each
STOP_TRIES=300 # at a tenth of a second

fail() {
    echo "$*" >&2
    exit 1
}

answers() {
    .venv/bin/python -c 'import docker; docker.from_env(timeout=5).ping()' >/dev/null 2>&1
}

# A chroot has no cgroups until someone mounts them. Those of version 1 are shared with the rest of the machine: each of its
# hierarchies has to be mounted, named ones too (containerd gives no figures otherwise), with just the controllers it has.
mount_cgroups() {
    at=/sys/fs/cgroup
    if grep -q " $at" /proc/mounts; then return; fi
    [ -d $at ] || mount -t sysfs sysfs /sys
    mount -t cgroup2 cgroup2 $at
    if grep -q memory $at/cgroup.controllers; then return; fi
    umount $at
    mount -t tmpfs -o mode=755 cgroups $at
    awk -F : '$1 { print $2 }' /proc/self/cgroup | while read -r controllers; do
        name=${controllers#name=}
        mkdir "$at/$name"
        case $controllers in
        name=*) mount -t cgroup -o "none,$controllers" cgroup "$at/$name" ;;
        *) mount -t cgroup -o "$controllers" cgroup "$at/$name" ;;
        esac
    done
}

# The engine's layers can lie on neither an overlay (a container's own root) nor memory.
data_root() {
    for folder in /var/lib /var/tmp "$PWD"; do
        case $(stat -f -c %T "$folder") in
        overlayfs | tmpfs | ramfs | aufs) ;;
        *) echo "$folder/autoscaler-tests"; return ;;
        esac
    done
    echo /var/lib/autoscaler-tests
}

# Kernels have one of two kinds of packet filter, or none: where none works, ports that containers publish don't either,
# but their own addresses do. The machine's own choice (update-alternatives) stays as it is.
choose_iptables() {
    filter=""
    if iptables -t nat -S >/dev/null 2>&1; then return; fi
    for kind in legacy nft; do
        if "iptables-$kind" -t nat -S >/dev/null 2>&1; then
            mkdir -p "$data/bin"
            for name in iptables ip6tables; do ln -sf "$(command -v "$name-$kind")" "$data/bin/$name"; done
            PATH=$data/bin:$PATH
            return
        fi
    done
    filter=--iptables=false
}

start_dockerd() {
    [ "$(id -u)" = 0 ] || fail "no Docker engine answers, and starting one takes root; start Docker or set DOCKER_HOST"
    mount_cgroups
    data=$(data_root)
    mkdir -p "$data"
    choose_iptables
    # A session of its own: Ctrl-C ends the tests first, and they need the engine to clean up.
    # shellcheck disable=SC2086  # empty is no argument
    setsid dockerd --data-root "$data/docker" --log-level warn $filter >"$data/dockerd.log" 2>&1 </dev/null &
    dockerd=$!
    trap stop_dockerd EXIT
    trap 'exit 130' INT TERM
    tries=0
    until answers; do
        if ! kill -0 "$dockerd" 2>/dev/null || [ $tries -ge $START_TRIES ]; then
            tail -n 20 "$data/dockerd.log" >&2
            fail "dockerd did not start; its log is $data/dockerd.log"
        fi
        sleep 0.5
        tries=$((tries + 1))
    done
}

stop_dockerd() {
    kill "$dockerd" 2>/dev/null || return 0
    tries=0
    while kill -0 "$dockerd" 2>/dev/null; do
        if [ $tries -ge $STOP_TRIES ]; then
            kill -KILL "$dockerd"
            return
        fi
        sleep 0.1
        tries=$((tries + 1))
    done
}

if ! answers; then
    [ -z "${DOCKER_HOST:-}" ] || fail "no Docker engine answers at DOCKER_HOST=$DOCKER_HOST"
    start_dockerd
fi
"$@"
