"""The day that the plots show: one rate a minute, the same each time.

    4 requests/s at night, up from 7:00 to 26 at 9:00, a dip at noon, 29 in the afternoon, down from 17:30 to 23:00;
    at 15:00, from one second to the next, 1.6 times as many for ten minutes; noise that stays for some minutes

It is a Monday in UTC. The days before it, of which some policies learn, differ from it by their noise alone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from math import exp
from random import Random

from autoscaler.simulate import Trace
from autoscaler.simulate.trace import read_trace

MONDAY = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
DAY_S = 86400.0
BURST_H = 15.0
CORNERS = (
    (0, 5),
    (3, 4),
    (6.5, 4),
    (7, 5),
    (9, 26),
    (11.5, 27),
    (12.5, 20),
    (13.5, 28),
    (17.5, 29),
    (20, 15),
    (23, 6),
    (24, 5),
)
BURST = 1.6
NOISE = 0.02


def trace(days_before: int) -> Trace:
    """The day, and so many like it before."""
    rows = ["timestamp_s,rps"]
    for day in range(-days_before, 1):
        start = MONDAY + day * DAY_S
        rows += [f"{start + 60 * minute:.0f},{rate:.4f}" for minute, rate in enumerate(_rates(Random(1 - day)))]
    return read_trace(rows, "day")


def _rates(rng: Random) -> Iterator[float]:
    """A day's rates, minute by minute."""
    level = 0.0
    for minute in range(1440):
        hour = minute / 60
        level = 0.9 * level + rng.gauss(0, NOISE)
        yield _base(hour) * exp(level) * (BURST if BURST_H <= hour < BURST_H + 1 / 6 else 1)


def _base(hour: float) -> float:
    """Straight lines between the corners."""
    for (left, low), (right, high) in pairwise(CORNERS):
        if hour <= right:
            return low + (high - low) * (hour - left) / (right - left)
    raise ValueError(f"no hour of a day: {hour}")
