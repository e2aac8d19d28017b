"""Minutes as rows of the state file, and back: an hour a row, 60 means as JSON.

A row that can't be read is left out, and counted.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from math import isfinite
from operator import itemgetter
from typing import Any

from autoscaler.decide.history import KEPT
from autoscaler.model import Minutes

HOUR = 60
KEPT_HOURS = KEPT // HOUR + 1
FURTHEST_HOUR = 10**9

Hour = tuple[float | None, ...]
HourRow = tuple[Any, Any, Any, Any]
"""service, metric, hour, means: of any type, for a file may hold anything"""
ByService = Mapping[str, Mapping[str, Minutes]]

_NOTHING: Hour = (None,) * HOUR


def are_same(one: Mapping[str, Minutes], other: Mapping[str, Minutes]) -> bool:
    """Whether these are the same values; of equal ones it may say no. Asked each second, so a fortnight isn't compared."""
    return one.keys() == other.keys() and all(
        minutes.first == other[metric].first and minutes.means is other[metric].means for metric, minutes in one.items()
    )


def hours_of(minutes: Minutes) -> dict[int, Hour]:
    """The hours in which a minute is known."""
    hours = range(minutes.first // HOUR, -(-minutes.end // HOUR))
    by_hour = {hour: minutes.between(hour * HOUR, (hour + 1) * HOUR) for hour in hours}
    return {hour: means for hour, means in by_hour.items() if means != _NOTHING}


def to_text(means: Hour) -> str:
    """An hour's means as the row has them."""
    return json.dumps(means, separators=(",", ":"), allow_nan=False)


def read_hours(rows: Iterable[HourRow]) -> tuple[ByService, Mapping[str, int]]:
    """The minutes by service and metric, of rows in order; and how many rows of a service can't be read."""
    read: dict[str, dict[str, Minutes]] = {}
    unread: dict[str, int] = defaultdict(int)
    for (service, metric), group in groupby(rows, key=itemgetter(0, 1)):
        hours: dict[int, Hour] = {}
        for _, _, hour, text in group:
            means = _means(hour, text)
            if means is None:
                unread[str(service)] += 1
            else:
                hours[hour] = means
        if hours:
            read.setdefault(str(service), {})[str(metric)] = _joined(hours)
    return read, unread


def _means(hour: Any, text: Any) -> Hour | None:
    """What a row says; None where it is none of ours."""
    if not isinstance(hour, int) or abs(hour) > FURTHEST_HOUR or not isinstance(text, str):
        return None
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(given, list) or len(given) != HOUR or not all(map(_is_mean, given)):
        return None
    means = tuple(given)
    return None if means == _NOTHING else means


def _is_mean(given: object) -> bool:
    return given is None or (isinstance(given, float) and isfinite(given))


def _joined(hours: Mapping[int, Hour]) -> Minutes:
    """From the first known minute to the last, those of the last fortnight."""
    newest = max(hours)
    oldest = min(hour for hour in hours if hour > newest - KEPT_HOURS)
    means = [mean for hour in range(oldest, newest + 1) for mean in hours.get(hour, _NOTHING)]
    known = [place for place, mean in enumerate(means) if mean is not None]
    first, end = known[0], known[-1] + 1
    return Minutes(oldest * HOUR + first, tuple(means[first:end]))
