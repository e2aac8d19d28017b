"""Draws the plots of docs/decisions.md again, each of the policy that stands above it, and writes the table of the day.

python -m benchmarks.decisions              all of them: some minutes
python -m benchmarks.decisions auto step    these alone
"""

import sys

from benchmarks.decisions.chart import chart
from benchmarks.decisions.page import DOCS, PAGE, drawn, spec, table, with_table
from benchmarks.decisions.runs import SLOTS, run

FOLDER = DOCS / "decisions"


def main(names: list[str]) -> None:
    """Draw those of these names, all where none is given."""
    policies = drawn(PAGE.read_text())
    unknown = set(names) - policies.keys()
    if unknown:
        sys.exit(f"no plot {', '.join(sorted(unknown))} in {PAGE}; there are {', '.join(policies)}")
    for name in names or policies:
        print(f"{name} ...", file=sys.stderr)
        FOLDER.joinpath(f"{name}.svg").write_text(chart(name, policies[name], run(name, spec(policies[name], SLOTS))))
    plots = {name: FOLDER.joinpath(f"{name}.svg").read_text() for name in policies}
    PAGE.write_text(with_table(PAGE.read_text(), table(plots)))


if __name__ == "__main__":
    main(sys.argv[1:])
