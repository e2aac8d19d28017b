#!/bin/sh
# The chaos suite, for as long as one likes: tools/chaos.sh [--runtime docker|process] [--minutes N] [--seed N] [--keep]
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/python -m tests.chaos "$@"
