#!/bin/sh
# Mutates decide/ and reconcile/ and runs their plain tests on each mutant: those that survive, the share found of each module,
# at least 80% of all. docs/mutation.md says which survive and why. A run that was stopped goes on where it was.
#
# mutation.sh [NAME...]     a mutant's name or a pattern, such as "autoscaler.decide.bounds*"
set -eu
cd "$(dirname "$0")/.."
.venv/bin/mutmut run --max-children "${JOBS:-1}" "$@"
.venv/bin/mutmut results --all true | awk '
    $2 == "survived" || $2 == "no" { print }
    $2 == "killed" || $2 == "survived" || $2 == "no" || $2 == "timeout" || $2 == "segfault" {
        module = $1
        sub(/\.x[^.]*$/, "", module)
        all[module]++; total++
        if ($2 != "survived" && $2 != "no") { found[module]++; good++ }
    }
    END {
        for (module in all) printf "%s  %d of %d found  %.1f%%\n", module, found[module], all[module], 100 * found[module] / all[module]
        printf "all  %d of %d found  %.1f%%  goal 80%%\n", good, total, 100 * good / total
        exit good < 0.8 * total
    }'
