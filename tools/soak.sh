#!/bin/sh
# The deterministic simulation and the fuzzed inputs, many times over: tools/soak.sh [--runs N] [--from SEED]
set -eu
cd "$(dirname "$0")/.."
failed=0
.venv/bin/python -m tests.simulation.soak "$@" || failed=1
.venv/bin/python -m tests.fuzz.soak "$@" || failed=1
exit $failed
