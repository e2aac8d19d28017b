#!/bin/sh
# Branch coverage of what only computes, by its own tests: the files that miss some, then each package, at least 95%.
#
# coverage.sh [PACKAGE...]     spec, measure, decide and reconcile where none is named
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- spec measure decide reconcile

tests=$(printf 'tests/%s ' "$@")
files=$(printf 'autoscaler/%s/*,' "$@")
# Coverage makes the laws several times slower, so that a test may take longer here.
# shellcheck disable=SC2086
.venv/bin/pytest -q -n 2 --dist worksteal --timeout 600 --cov --cov-report= $tests
.venv/bin/coverage report --include "${files%,}" --show-missing --skip-covered
failed=0
for package in "$@"; do
    share=$(.venv/bin/coverage report --include "autoscaler/$package/*" --format total --precision 1)
    echo "$package  $share%  goal 95%"
    .venv/bin/coverage report --include "autoscaler/$package/*" --precision 1 --fail-under 95 >/dev/null || failed=1
done
exit $failed
