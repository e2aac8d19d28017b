"""Forecasts of the highest rate in the next while: each cheap, each right for some traffic; band.py finds out which.

    levels          the rate, smoothed with half-lives from 10 s to 20 min
    peaks           the highest minute of the last 5 to 60 minutes
    days            the highest (2nd, 4th highest) that the same minutes had on the last seven days
    week            what the same minutes had seven days ago
    hour, half      what the same minutes had an hour ago, the less of the last two hours; half an hour ago

Days, week, hour and half are the level of half a minute where that is higher. All are requests/s.
"""

from autoscaler.decide.history import DAY, History
from autoscaler.units import format_duration

HALF_LIVES_S = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1200.0)
BASE = 1  # the level of half a minute
PEAKS_MINUTES = (5, 10, 20, 60)
RANKS = (1, 2, 4)
WEEK_DAYS = 7
HOUR, HALF = 60, 30

NAMES = (
    *(f"its mean over some {format_duration(half_life)}" for half_life in HALF_LIVES_S),
    *(f"the highest minute of the last {minutes}" for minutes in PEAKS_MINUTES),
    "the highest of these minutes on the last 7 days",
    "the 2nd highest of these minutes on the last 7 days",
    "the 4th highest of these minutes on the last 7 days",
    "these minutes a week ago",
    "these minutes an hour ago",
    "these minutes half an hour ago",
)

Levels = tuple[float, ...]


def smoothed(levels: Levels, rate: float, elapsed_s: float) -> Levels:
    """The levels, with the mean of the last `elapsed_s` seconds."""
    return tuple(
        level + (rate - level) * (1 - 0.5 ** (elapsed_s / half_life))
        for level, half_life in zip(levels, HALF_LIVES_S, strict=True)
    )


def forecasts(levels: Levels, history: History, last: int) -> tuple[float, ...]:
    """What each expects at most from now to minute `last`; `history` runs in the present minute."""
    now, base = history.minute, levels[BASE]

    def ago(minutes: int) -> float:
        return history.highest(now - minutes, last - minutes + 1) or 0.0

    days = sorted((ago(day * DAY) for day in range(1, WEEK_DAYS + 1)), reverse=True)
    hour = ago(HOUR)
    before = history.highest(now - 2 * HOUR, last - 2 * HOUR + 1)
    clock = (
        *(days[rank - 1] for rank in RANKS),
        ago(WEEK_DAYS * DAY),
        hour if before is None else min(hour, before),
        ago(HALF),
    )
    peaks = (max(base, history.highest(now - minutes, now) or 0.0) for minutes in PEAKS_MINUTES)
    return (*levels, *peaks, *(max(base, value) for value in clock))
