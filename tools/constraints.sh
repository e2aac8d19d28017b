#!/bin/sh
# Writes constraints.txt anew: the newest versions that pyproject.toml allows, of everything that any extra installs.
set -eu
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
trap 'exit 130' INT TERM
"${PYTHON:-python3}" -m venv "$fresh"
"$fresh/bin/pip" --quiet --disable-pip-version-check install hatchling editables '.[demo,evaluate,haproxy,mutation,test]'
{
    echo "# The exact versions that are tested. Made by make constraints; the ranges are in pyproject.toml."
    "$fresh/bin/pip" freeze --exclude autoscaler
} >"$fresh/constraints.txt"
mv "$fresh/constraints.txt" constraints.txt
