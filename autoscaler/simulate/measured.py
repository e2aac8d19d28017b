"""A trace of what was measured by the minute.

A minute is a bucket of the trace. Where minutes are missing nobody knows the rate: there it runs straight from the minute
before to the one after, and how many these are is told beside the trace.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from autoscaler.model import MINUTE_S, Minutes
from autoscaler.simulate.trace import HIGHEST_RPS, Segment, Trace, TraceError

FEWEST = 2


@dataclass(frozen=True, slots=True)
class Measured:
    """The trace, of how many minutes, and how many of them are bridged: in all, and the most in a row."""

    trace: Trace
    minutes: int
    missing: int
    longest_gap: int


def of_minutes(minutes: Minutes, name: str) -> Measured:
    """The trace from the first known minute to the last; `name` is where they are from. Raises TraceError."""
    known = [(minutes.first + place, mean) for place, mean in enumerate(minutes.means) if mean is not None]
    if len(known) < FEWEST:
        what = "not one minute was measured" if not known else "only one minute was measured"
        raise TraceError(what, where=name, fix="wait until there is more, or look further back by --last")
    for minute, mean in known:
        if not 0 <= mean <= HIGHEST_RPS:
            at = minute * MINUTE_S
            fix = f"give requests per second from 0 to {HIGHEST_RPS:.0f}"
            raise TraceError(f"{mean:g} at {at:.0f} is out of range", where=name, fix=fix)
    gaps = [after - minute - 1 for (minute, _), (after, _) in pairwise(known)]
    total = known[-1][0] + 1 - known[0][0]
    return Measured(Trace(tuple(_segments(known))), total, total - len(known), max(gaps))


def _segments(known: list[tuple[int, float]]) -> Iterator[Segment]:
    before: tuple[int, float] | None = None
    for minute, mean in known:
        if before is not None and before[0] + 1 < minute:
            yield Segment((before[0] + 1) * MINUTE_S, minute * MINUTE_S, before[1], mean)
        yield Segment(minute * MINUTE_S, (minute + 1) * MINUTE_S, mean, mean)
        before = minute, mean
