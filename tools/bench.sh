#!/bin/sh
# Runs every benchmark, one after the other so that none disturbs another. Exit status 1 where one of them missed its goal.
set -eu
cd "$(dirname "$0")/.."

failed=""
for file in benchmarks/[!_]*.py; do
    name=$(basename "$file" .py)
    .venv/bin/python -m "benchmarks.$name" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "missed:$failed" >&2; exit 1; }
