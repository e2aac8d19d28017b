#!/bin/sh
# Runs the demo with all that it needs but Docker, which it takes where an engine answers: demo.sh [OPTION...]
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    tools/packages.sh python3-venv haproxy
else
    tools/packages.sh python3-venv
fi
if command -v haproxy >/dev/null; then
    tools/venv.sh demo
else
    tools/venv.sh demo haproxy
fi
exec .venv/bin/autoscaler demo "$@"
