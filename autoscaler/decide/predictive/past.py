"""What was known of a metric at some minute, so that a forecast made then can be made again and judged.

    level(m)    the mean of the last m minutes
    seasons     of each slot to come, and of the last m minutes, the means a season ago, two, ... up to 14: their median
    last        the newest of these alone
    weeks       as seasons, by weeks

Minutes that nobody saw have no part in a mean; where all of one are unknown it is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite, nan
from statistics import median

from autoscaler.decide.history import DAY, History

SLOT = 5  # minutes that are forecast as one: a single minute is mostly chance
SPANS = (1, 5, 15, 60)
WEEK = 7 * DAY
SEASONS = 14

Means = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual in the `slots` to come, and was, by their number, in the last minutes."""

    slots: Means
    spans: Mapping[int, float | None]


@dataclass(frozen=True, slots=True)
class Past:
    """What was known: `levels` by their number of minutes, `earlier` is the level of a quarter of an hour, as long ago."""

    slots: int
    levels: Mapping[int, float | None]
    earlier: float | None
    seasons: Usual
    last: Usual
    weeks: Usual


def look(history: History, now: int, season: int, slots: int) -> Past:
    """What the minutes before `now` tell of so many slots from there on."""
    known = _Known(history, now)
    by_season, by_week = known.rows(season, slots), known.rows(WEEK, slots)
    return Past(
        slots,
        {span: known.mean(now - span, now) for span in SPANS},
        known.mean(now - 30, now - 15),
        _usual([median(row) if row else None for row in by_season]),
        _usual([row[0] if row else None for row in by_season]),
        _usual([median(row) if row else None for row in by_week]),
    )


def came(history: History, start: int, slots: int) -> Means:
    """What came in so many slots from `start` on."""
    known = _Known(history, history.minute)
    return tuple(known.mean(at, at + SLOT) for at in range(start, start + slots * SLOT, SLOT))


@dataclass(frozen=True, slots=True)
class _Known:
    """A history up to `now`."""

    history: History
    now: int

    def mean(self, start: int, stop: int) -> float | None:
        """The mean of the minutes from `start` to before `stop`."""
        first = self.history.first
        part = self.history.values[max(0, start - first) : max(0, min(stop, self.now) - first)]
        values = [value for value in part if value is not None]
        average = sum(values) / len(values) if values else nan
        return average if isfinite(average) else None

    def rows(self, season: int, slots: int) -> list[list[float]]:
        """The means a season before, two, and so on, newest first: of the last minutes, by span, then of each slot."""
        now = self.now
        recent = [(now - span, now) for span in SPANS]
        to_come = [(now + slot * SLOT, now + (slot + 1) * SLOT) for slot in range(slots)]
        return [self._before(start, stop, season) for start, stop in (*recent, *to_come)]

    def _before(self, start: int, stop: int, season: int) -> list[float]:
        seen = min(SEASONS, (stop - 1 - self.history.first) // season)
        means = (self.mean(start - back * season, stop - back * season) for back in range(1, seen + 1))
        return [value for value in means if value is not None]


def _usual(values: list[float | None]) -> Usual:
    return Usual(tuple(values[len(SPANS) :]), dict(zip(SPANS, values, strict=False)))
