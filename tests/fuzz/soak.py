"""Many more cases than CI has time for: `python -m tests.fuzz.soak --runs 1000000 --from 5000 --only policies`.

Each failure prints its seed and its shortest case, ready to be kept in kept.py; exit 1 if there was any.
"""

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.fuzz.configs import refused
from tests.fuzz.runs import failures
from tests.fuzz.targets import TARGETS

CHUNK = 500
REAL = "haproxy"  # services that the real HAProxy is asked for, a twentieth of all


def cases(name: str, first: int, count: int) -> list[str]:
    """What went wrong in these seeds of a target."""
    return refused(first, count) if name == REAL else failures(TARGETS[name], first, count)


def shares(runs: int) -> dict[str, int]:
    """How many of so many runs each target gets."""
    total = sum(target.runs for target in TARGETS.values())
    return {name: runs * target.runs // total for name, target in TARGETS.items()} | {REAL: runs // 20}


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """One target after the other."""
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="of all targets together")
    parser.add_argument("--from", type=int, default=1_000_000, dest="first", help="the first seed; CI has those from 0 on")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=[*TARGETS, REAL], help="all runs for one target")
    asked = parser.parse_args()
    failed = 0
    parts = {asked.only: asked.runs} if asked.only else shares(asked.runs)
    for name, runs in parts.items():
        began = time.monotonic()
        starts = range(asked.first, asked.first + runs, CHUNK)
        with ProcessPoolExecutor(asked.workers) as pool:
            for told in pool.map(partial(cases, name, count=CHUNK), starts):
                failed += len(told)
                for line in told:
                    _say(line)
        _say(f"{name}: {len(starts) * CHUNK} cases in {time.monotonic() - began:.0f} s, {failed} failed so far")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
