"""History: a metric's mean by the minute of the wall clock, over the last fortnight, for policies that learn from days.

    values[i]   the mean of the samples in minute `first` + i since 1970, None where there was none

A minute is told once it is over. A clock that is put back writes its minutes anew. It is remembered as all else is, and
saved apart: it is too long to be written each second. `request_rate` is kept of any service: a policy that comes later
learns from it, and what a policy would have done can be tried on it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite

from autoscaler.decide.rounding import tidy
from autoscaler.model import MINUTE_S, Minutes, Sample
from autoscaler.spec.models import Policy

DAY = 1440
KEPT = 14 * DAY
LEARN_FROM_DAYS = ("auto", "predictive")
OF_ANY = "request_rate"

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
        if value is None or not isfinite(history.total + value):
            return history
        return History(history.first, history.values, history.minute, history.total + value, history.count + 1)

    def _turned(self, minute: int) -> "History":
        """The minute that ran is told, and `minute` begins."""
        if minute < self.first or minute - self.minute > KEPT:
            return begun(minute)
        first = max(self.first, minute - KEPT)
        before = self.values[first - self.first : self.minute - self.first]
        mean = self.total / self.count if self.count else None
        values = before + (mean,) + (None,) * (minute - self.minute - 1)  # with * it is copied once more
        return History(first, values[: minute - first], minute)


def begun(minute: int) -> History:
    """A history that begins with this minute."""
    return History(minute, (), minute)


def minute_of(wall: float) -> int:
    """The minute since 1970 of this time of the wall clock."""
    return int(tidy(wall) // MINUTE_S)


def keep(
    policies: Iterable[Policy], totals: Mapping[str, Sample], remembered: Mapping[str, History], minute: int
) -> Mapping[str, History]:
    """The histories of a service with these policies, with this tick's samples."""
    kept: dict[str, History] = {}
    for metric in (OF_ANY, *(policy.metric for policy in policies if policy.type in LEARN_FROM_DAYS)):
        if metric not in kept:
            sample = totals.get(metric)
            before = remembered.get(metric) or begun(minute)
            kept[metric] = before.seen(None if sample is None else sample.value, minute)
    return kept


def told(histories: Mapping[str, History]) -> Mapping[str, Minutes]:
    """The minutes that are over, by metric: what is saved of histories."""
    return {metric: Minutes(history.first, history.values) for metric, history in histories.items()}


def restored(running: Mapping[str, History], saved: Mapping[str, Minutes]) -> Mapping[str, History]:
    """The histories of which the minutes that ran, and those that were over, were saved apart."""
    histories = {metric: History(minutes.first, minutes.means, minutes.end) for metric, minutes in saved.items()}
    for metric, history in running.items():
        if metric in saved:
            history = replace(history, values=saved[metric].between(history.first, history.minute))
        histories[metric] = history
    return histories
