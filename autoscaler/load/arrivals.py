"""When requests are due, for a rate that changes over time.

    integral of rate from one arrival to the next = owed

`owed` is 1 each time for a steady stream, drawn from the exponential distribution with mean 1 for a Poisson process.
Rates are requests/s, times seconds since the start.
Source: Lewis and Shedler, "Simulation of nonhomogeneous Poisson processes by thinning", 1979 (the inversion it cites).
"""

import math
from collections.abc import Callable, Iterator

Rate = Callable[[float], float]

STEP_S = 0.02  # within which a rate counts as constant


def arrivals(rate: Rate, duration_s: float, owe: Callable[[], float]) -> Iterator[float]:
    """The times of all requests, in order."""
    t, owed = 0.0, owe()
    while t < duration_s:
        now = rate(t)
        passes = min(STEP_S, duration_s - t)
        if now * passes < owed:
            owed -= now * passes
            t += passes
        else:
            t += owed / now
            owed = owe()
            yield t


def constant(rate: float) -> Rate:
    """Always the same."""
    return lambda _: rate


def step(before: float, after: float, at_s: float) -> Rate:
    """From one rate to another at once."""
    return lambda t: before if t < at_s else after


def wave(low: float, high: float, duration_s: float, edge_s: float) -> Rate:
    """`low` for a while, up to `high` and down again along a cosine, `low` at the end: `edge_s` at each end is flat."""

    def rate(t: float) -> float:
        if not edge_s < t < duration_s - edge_s:
            return low
        turn = (t - edge_s) / (duration_s - 2 * edge_s)
        return low + (high - low) * (1 - math.cos(2 * math.pi * turn)) / 2

    return rate
