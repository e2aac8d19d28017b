#!/bin/sh
# Makes .venv, or brings it up to date: this checkout (editable), the extras given, the versions of constraints.txt.
#
# venv.sh [EXTRA...]     PYTHON=python3.12 takes another Python than python3. Does nothing where nothing has changed.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "$python is $("$python" -V 2>&1); Python 3.11 or newer is needed (PYTHON=... names another)" >&2
    exit 1
}

extras=$(echo "$*" | tr ' ' ',')
stamp=.venv/installed-${extras:-core}
now=$(cat pyproject.toml constraints.txt | cksum)
[ "$(cat "$stamp" 2>/dev/null)" != "$now" ] || exit 0

echo "installing into .venv: autoscaler${extras:+[$extras]}"
[ -x .venv/bin/pip ] || "$python" -m venv .venv
pip() {
    .venv/bin/pip --quiet --disable-pip-version-check install --constraint constraints.txt "$@"
}
# The build backend comes first and by the same pins: an isolated build would fetch whichever is newest.
pip hatchling editables
pip --no-build-isolation --editable ".${extras:+[$extras]}"
echo "$now" >"$stamp"
