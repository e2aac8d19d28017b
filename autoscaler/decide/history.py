"""History: a metric's mean by the minute of the wall clock, over the last fortnight, for policies that learn from days.

    values[i]   the mean of the samples in minute `first` + i since 1970, None where there was none

A minute is told once it is over. A clock that is put back writes its minutes anew. It is remembered as all else is, but not
saved: it is too long to be written each second.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite

from autoscaler.decide.rounding import tidy
from autoscaler.model import Sample
from autoscaler.spec.models import Policy

MINUTE_S = 60.0
DAY = 1440
KEPT = 14 * DAY
LEARN_FROM_DAYS = ("auto", "predictive")

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class History:
    """The minutes from `first` on; of `minute`, which runs, the sum and count of its samples."""

    first: int
    values: Values
    minute: int
    total: float = 0.0
    count: int = 0

    def at(self, minute: int) -> float | None:
        """The mean of a minute, None where it isn't known."""
        place = minute - self.first
        return self.values[place] if 0 <= place < len(self.values) else None

    def highest(self, start: int, stop: int) -> float | None:
        """The highest of the minutes from `start` to before `stop`, None where none is known."""
        part = self.values[max(0, start - self.first) : max(0, stop - self.first)]
        return max((value for value in part if value is not None), default=None)

    def seen(self, value: float | None, minute: int) -> "History":
        """With one more sample, in that minute."""
        history = self if minute == self.minute else self._turned(minute)
        if value is None or not isfinite(value):
            return history
        return replace(history, total=history.total + value, count=history.count + 1)

    def _turned(self, minute: int) -> "History":
        """The minute that ran is told, and `minute` begins."""
        if minute < self.first or minute - self.minute > KEPT:
            return begun(minute)
        mean = self.total / self.count if self.count else None
        values = (*self.values[: self.minute - self.first], mean)
        unseen = minute - self.first - len(values)
        values = (*values, *[None] * unseen)[: minute - self.first]
        return History(minute - min(len(values), KEPT), values[-KEPT:], minute)


def begun(minute: int) -> History:
    """A history that begins with this minute."""
    return History(minute, (), minute)


def minute_of(wall: float) -> int:
    """The minute since 1970 of this time of the wall clock."""
    return int(tidy(wall) // MINUTE_S)


def keep(
    policies: Iterable[Policy], totals: Mapping[str, Sample], remembered: Mapping[str, History], minute: int
) -> Mapping[str, History]:
    """The histories that these policies learn from, with this tick's samples."""
    kept: dict[str, History] = {}
    for policy in policies:
        if policy.type in LEARN_FROM_DAYS and policy.metric not in kept:
            sample = totals.get(policy.metric)
            before = remembered.get(policy.metric) or begun(minute)
            kept[policy.metric] = before.seen(None if sample is None else sample.value, minute)
    return kept
