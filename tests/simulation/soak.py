"""Many more runs than CI has time for: `python -m tests.simulation.soak --runs 1000000 --from 5000`.

Each failure prints its seed and the shortest plan that still fails, ready to be kept in seeds.py; exit 1 if any did.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from tests.simulation import life, pure
from tests.simulation.faults import make_plan
from tests.simulation.shrink import shortest

CHUNK = 100


def whole(seed: int) -> str:
    """What went wrong in the whole daemon's run of this seed, for people; "" where nothing did."""
    broken = life.live(seed).broken
    if not broken:
        return ""
    first = _law(broken[0])
    plan = shortest(make_plan(seed), lambda part: any(_law(law) == first for law in life.live(seed, part).broken))
    told = "\n".join(f"    {fault!r}," for fault in plan)
    return f"seed {seed}: {broken[0]}\n  the shortest plan that still fails:\n{told}"


def _law(broken: str) -> str:
    """Which law it was, whoever broke it: its words, without times, names and numbers."""
    return " ".join(word for word in broken.split() if word.isalpha())[:40]


def bare(seed: int) -> str:
    """The same of the pure part's run."""
    steps = pure.make_steps(seed)
    broken = pure.live(steps)
    if not broken:
        return ""
    kept = shortest(steps, lambda part: bool(pure.live(tuple(part))))
    return f"seed {seed}: {broken}\n  the shortest life that still fails:\n    {kept}"


def failures(one: Callable[[int], str], first: int, count: int) -> list[str]:
    """What went wrong in these seeds."""
    return [told for seed in range(first, first + count) if (told := one(seed))]


def _soak(one: Callable[[int], str], first: int, runs: int, workers: int) -> Iterator[tuple[int, list[str]]]:
    starts = range(first, first + runs, CHUNK)
    with ProcessPoolExecutor(workers) as pool:
        for start, told in zip(starts, pool.map(partial(failures, one, count=CHUNK), starts), strict=True):
            yield start + CHUNK - first, told


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    """Both parts, one after the other."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000, help="of the pure part; the whole daemon's are a tenth")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    failed = 0
    for name, one, runs in (("whole", whole, asked.runs // 10), ("pure", bare, asked.runs)):
        began = time.monotonic()
        done = 0
        for done, told in _soak(one, asked.first, runs, asked.workers):
            failed += len(told)
            for line in told:
                _say(line)
            if done % 10_000 == 0:
                _say(f"{name}: {done} of {runs} runs, {time.monotonic() - began:.0f} s, {failed} failed")
        _say(f"{name}: {done} runs in {time.monotonic() - began:.0f} s, {failed} failed so far")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
