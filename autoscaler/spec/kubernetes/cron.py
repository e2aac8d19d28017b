"""KEDA's cron trigger and our schedule's rule, there and back.

    KEDA   from each time of `start` to the next of `end`        ours   from each time of `cron`, `for` so long

Both have five fields. An `end` becomes a length where it is equally long after each start (of a few years' starts); where it
isn't, the longest is taken, so that there are never fewer replicas. Times are compared as the clock on the wall shows them.
"""

import re
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile

from cronsim import CronSim, CronSimError

_SUNDAY = datetime(2023, 1, 1, tzinfo=UTC)
_FIVE_YEARS_ON = datetime(2028, 3, 1, tzinfo=UTC)
_MOST_STARTS = 500
_NAMES = {
    name: str(number)
    for names, first in (("SUN MON TUE WED THU FRI SAT", 0), ("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC", 1))
    for number, name in enumerate(names.split(), first)
}
_DAY_S = 86400


def plain(cron: str) -> str:
    """The five fields with numbers alone: names of days and months written out, `?` as `*`."""
    named = re.sub(r"[A-Za-z]+", lambda match: _NAMES.get(match[0].upper(), match[0]), cron)
    return " ".join(named.replace("?", "*").split())


def lengths(start: str, end: str) -> set[timedelta]:
    """How long it is from each start to the next end. Raises ValueError where one of them can't be meant."""
    try:
        starts = takewhile(lambda at: at < _FIVE_YEARS_ON, islice(CronSim(start, _SUNDAY), _MOST_STARTS))
        found = {next(CronSim(end, begins)) - begins for begins in starts}
    except (CronSimError, StopIteration) as error:
        raise ValueError(f"no cron: {str(error).lower() or 'it never comes'}") from None
    return found


def end_of(start: str, seconds: float) -> str | None:
    """The cron that ends each start's stretch of so many seconds, None where no five fields say it."""
    minute, hour, day, month, weekday = start.split()
    if not (minute.isdigit() and hour.isdigit()) or seconds % 60:
        return None
    days, rest = divmod(int(hour) * 3600 + int(minute) * 60 + int(seconds), _DAY_S)
    if days and weekday != "*":
        weekday = _shifted(weekday, days)
    ends = f"{rest % 3600 // 60} {rest // 3600} {int(day) + days if day.isdigit() else day} {month} {weekday}"
    try:
        return ends if lengths(start, ends) == {timedelta(seconds=seconds)} else None
    except ValueError:
        return None


def _shifted(weekday: str, days: int) -> str:
    """`1-5` so many days later: each day by itself."""
    every = [day for part in weekday.split(",") for day in _days(part)]
    return ",".join(str(day) for day in sorted({(day + days) % 7 for day in every}))


def _days(part: str) -> range:
    first, _, last = part.partition("-")
    if not first.isdigit() or (last and not last.isdigit()):
        return range(0)
    return range(int(first), int(last or first) + 1)
