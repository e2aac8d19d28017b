"""A baseline's best knob on a scenario: the least replica-seconds within both limits, else the least beyond them.

A higher level costs less and is late more often, so the highest level within the limits is found by halving, once a variant;
what is beyond them is given up as soon as that is certain. As both are only nearly so, the two levels above are tried too.
"""

from collections.abc import Callable

from benchmarks.evaluate.baselines import Baseline, Knobs
from benchmarks.evaluate.trial import Score

BEYOND = 2

Try = Callable[[Knobs, bool], Score]  # the second: whether it may be given up


def best(baseline: Baseline, attempt: Try) -> tuple[Knobs, Score]:
    """The best setting and its whole score."""
    found = [_highest_within(baseline.levels, variant, attempt) for variant in baseline.variants]
    within = [each for each in found if each is not None]
    if within:
        return min(within, key=lambda each: each[1].replica_s)
    safest = [Knobs(baseline.levels[0], variant) for variant in baseline.variants]
    scored = [(knobs, attempt(knobs, False)) for knobs in safest]
    return min(scored, key=lambda each: each[1].excess)


def _highest_within(levels: tuple[float, ...], variant: int, attempt: Try) -> tuple[Knobs, Score] | None:
    found: tuple[Knobs, Score] | None = None
    low, high = 0, len(levels)  # all below `low` are within, all from `high` on are not
    while low < high:
        middle = (low + high) // 2
        knobs = Knobs(levels[middle], variant)
        score = attempt(knobs, True)
        if score.is_within:
            found, low = (knobs, score), middle + 1
        else:
            high = middle
    for level in levels[low : low + BEYOND]:
        knobs = Knobs(level, variant)
        score = attempt(knobs, True)
        if score.is_within and (found is None or score.replica_s < found[1].replica_s):
            found = knobs, score
    return found
