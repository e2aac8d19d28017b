"""Models that forecast the next slots of 5 minutes, each cheap, each right for some traffic; contest.py finds out which.

    as it is           L_m               the mean of the last m minutes: 1, 5, 15, 60
    trend              L_5 + s j         s  how much a minute the last 15 are above the 15 before; j  minutes to the slot
    last season        P_1 L_15 / Q_1    the slot a season ago; Q_1  the last 15 minutes, a season ago
    seasons, at level  P L_m / Q         the median of the slot over up to 14 seasons ago; Q  of the last m minutes likewise
    seasons, moved     P + L_15 - Q
    weeks, at level    W L_15 / V        as P and Q, by weeks

The level counts for at most twice what was usual: who is new to a shape can't take it far. Nothing is below 0. A model says
nothing where it doesn't know: no season ago, or none of its minutes.
Source: Hyndman and Athanasopoulos, "Forecasting: principles and practice", 5.2 (naive, drift, seasonal naive).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import isfinite

from autoscaler.decide.predictive.past import SLOT, SPANS, Past, Usual

QUARTER = 15
MOST_OF_USUAL = 2.0

Forecast = tuple[float, ...]  # the mean of each slot from now on


@dataclass(frozen=True, slots=True)
class Model:
    """A forecast, None where it can't be made. `name` is for people."""

    name: str
    forecast: Callable[[Past], Forecast | None]


def _as_it_is(span: int) -> Model:
    def forecast(past: Past) -> Forecast | None:
        level = past.levels[span]
        return None if level is None else (level,) * past.slots

    return Model(f"the mean of the last {span} min", forecast)


def _trend(past: Past) -> Forecast | None:
    level, late = past.levels[SLOT], past.levels[QUARTER]
    if level is None or late is None or past.earlier is None:
        return None
    slope = (late - past.earlier) / QUARTER
    return _sane(level + slope * SLOT * (slot + 1) for slot in range(past.slots))


def _at_level(name: str, usual: Callable[[Past], Usual], span: int) -> Model:
    """What is usual, times what the last minutes were of what was usual then."""

    def forecast(past: Past) -> Forecast | None:
        shape, level = usual(past), past.levels[span]
        then = shape.spans[span]
        if level is None or then is None or then <= 0:
            return None
        times = min(level / then, MOST_OF_USUAL)
        return _sane(None if value is None else value * times for value in shape.slots)

    return Model(name, forecast)


def _moved(past: Past) -> Forecast | None:
    level, then = past.levels[QUARTER], past.seasons.spans[QUARTER]
    if level is None or then is None:
        return None
    by = min(level - then, then * (MOST_OF_USUAL - 1))
    return _sane(None if value is None else value + by for value in past.seasons.slots)


def _sane(values: Iterable[float | None]) -> Forecast | None:
    """The values, none below 0; None where one is unknown or beyond all numbers."""
    told = [None if value is None or not isfinite(value) else max(0.0, value) for value in values]
    return None if None in told else tuple(value for value in told if value is not None)


FLATS = tuple(_as_it_is(span) for span in SPANS)
CHALLENGERS = (
    Model("the trend of the last half hour", _trend),
    _at_level("the last season scaled to the last 15 min", lambda past: past.last, QUARTER),
    _at_level("the past seasons scaled to the last 5 min", lambda past: past.seasons, SLOT),
    _at_level("the past seasons scaled to the last 15 min", lambda past: past.seasons, QUARTER),
    _at_level("the past seasons scaled to the last 60 min", lambda past: past.seasons, 60),
    Model("the past seasons moved to the last 15 min", _moved),
    _at_level("the past weeks scaled to the last 15 min", lambda past: past.weeks, QUARTER),
)
