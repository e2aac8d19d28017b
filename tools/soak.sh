#!/bin/sh
# The deterministic simulation, many times over: tools/soak.sh [--runs N] [--from SEED]
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/python -m tests.simulation.soak "$@"
