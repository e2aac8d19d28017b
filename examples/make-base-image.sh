#!/bin/sh
# Make a base image for the examples where no registry can be reached: Debian with Python, and the wheels of every
# requirements.txt beside this script, so that `docker build --build-arg BASE=autoscaler-python-base` needs no network.
#
#   make-base-image.sh [NAME]      default autoscaler-python-base; prints it
#
# Needs root, debootstrap, docker, and python3 with pip. Takes about a minute; where the image is there, nothing is done.
set -eu

name=${1:-autoscaler-python-base}
here=$(cd "$(dirname "$0")" && pwd)
packages=python3,python3-venv
suite=bookworm

say() { echo "$*" >&2; }
die() { say "make-base-image.sh: $*"; exit 1; }

want=$(cat "$here"/*/requirements.txt "$0" | sha256sum | cut -c1-16)
have=$(docker image inspect --format '{{ index .Config.Labels "autoscaler-example-base" }}' "$name" 2>/dev/null || true)
if [ "$have" = "$want" ]; then
    echo "$name"
    exit 0
fi

[ "$(id -u)" = 0 ] || die "making a Debian root needs root; or: docker pull python:3.11-slim, and build without --build-arg"
command -v debootstrap >/dev/null || die "debootstrap is missing; apt-get install debootstrap"
docker version >/dev/null 2>&1 || die "no Docker engine answers; is dockerd running?"

python=${PYTHON:-python3}
"$python" -m pip --version >/dev/null 2>&1 || die "$python has no pip; PYTHON=.venv/bin/python names another"

# shellcheck disable=SC2016  # $(REPO_URI) is apt's
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | head -n 1)
work=$(mktemp -d)
tidy() {
    umount "$work/root/proc" "$work/root/sys" 2>/dev/null || : # debootstrap's, where it was interrupted
    rm -rf --one-file-system "$work"
}
trap tidy EXIT
trap 'exit 130' INT TERM

say "1/4 Debian $suite with Python, some 40 s"
debootstrap --variant=minbase --include="$packages" "$suite" "$work/root" ${mirror:+"$mirror"} \
    >"$work/log" 2>&1 || { tail -n 5 "$work/log" >&2; die "debootstrap failed"; }

say "2/4 the wheels that the examples ask for"
mkdir -p "$work/root/wheels"
for requirements in "$here"/*/requirements.txt; do
    "$python" -m pip download --quiet --no-cache-dir --only-binary=:all: --python-version 3.11 \
        --dest "$work/root/wheels" --requirement "$requirements" >&2 || die "pip can't get what $requirements asks for"
done

say "3/4 python and pip as in python:3.11-slim"
chroot "$work/root" python3 -m venv /opt/python
printf '[global]\nno-index = true\nfind-links = /wheels\ndisable-pip-version-check = true\n' >"$work/root/opt/python/pip.conf"
rm -rf "$work/root/var/cache/apt" "$work/root/var/lib/apt/lists" "$work/root/usr/share/doc" "$work/root/usr/share/man"
mkdir -p "$work/root/var/cache/apt/archives/partial" "$work/root/var/lib/apt/lists/partial"

say "4/4 docker import"
tar -C "$work/root" --exclude=./dev/* --exclude=./proc/* --exclude=./sys/* -c . | docker import \
    --change "ENV PATH=/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    --change "ENV LANG=C.UTF-8" \
    --change 'CMD ["python3"]' \
    --change "LABEL autoscaler-example-base=$want" \
    - "$name" >/dev/null
echo "$name"
