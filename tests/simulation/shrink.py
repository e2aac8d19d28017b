"""The shortest part of a plan of faults that still fails.

Delta debugging: leave out halves, then quarters, down to single faults, for as long as what is left still fails.
Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin, complements only).
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def shortest(plan: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> tuple[T, ...]:
    """A part of `plan` that fails, and of which no single fault can be left out."""
    kept = tuple(plan)
    size = max(len(kept) // 2, 1)
    while kept:
        at = 0
        before = len(kept)
        while at < len(kept):
            without = kept[:at] + kept[at + size :]
            if fails(without):
                kept = without
            else:
                at += size
        if size == 1 and len(kept) == before:
            return kept
        size = max(size // 2, 1)
    return kept
