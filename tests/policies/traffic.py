"""Traffic to try the library's policies on, in requests a second, generated and the same each time.

day      a day in 48 minutes: from a tenth of the most to all of it and back
bursts   a level, and each 20 minutes two and a half times that from one second to the next, for two minutes
office   Monday in Berlin: next to nothing until 8:00, all of it from ten past on, nothing from 18:00
"""

from collections.abc import Sequence
from datetime import datetime
from math import cos, pi
from zoneinfo import ZoneInfo

from autoscaler.simulate import Trace
from autoscaler.simulate.trace import read_trace

BURST_EACH_S = 1200
BURST_S = 120
MONDAY = datetime(2026, 3, 2, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
HOUR_S = 3600.0


def day(most: float) -> Trace:
    """A day in 48 minutes."""
    return _trace(0, 60, [most * (0.55 - 0.45 * cos(2 * pi * minute / 48)) for minute in range(48)])


def bursts(level: float) -> Trace:
    """An hour with three bursts."""
    return _trace(0, 10, [level * (2.5 if 300 <= t % BURST_EACH_S < 300 + BURST_S else 1) for t in range(0, 3600, 10)])


def office(most: float, first: float, last: float) -> Trace:
    """A working day from one hour of it to another."""
    minutes = range(round((last - first) * 60))
    return _trace(MONDAY + first * HOUR_S, 60, [most * _at_work(first + minute / 60) for minute in minutes])


def _at_work(hour: float) -> float:
    return min(1.0, 0.02 + 6 * (hour - 8)) if 8 <= hour < 18 else 0.02


def _trace(start: float, apart_s: int, rates: Sequence[float]) -> Trace:
    rows = [f"{start + apart_s * place:.0f},{rate:.4f}" for place, rate in enumerate(rates)]
    return read_trace(["timestamp_s,rps", *rows], "generated")
