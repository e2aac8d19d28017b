"""Contest: which model forecast the last days best, and whether any beats the metric as it is.

Each 5 minutes the forecasts that would have been made a horizon ago are made from what was known then, and judged by what
came. Of each model, in the metric's unit:

    e <- the mean of |forecast - what came| over the slots of the horizon      those of the last three days count most
    r <- the same of `as it is`, over the same slots: the span m that was best until then
    ratio = e / r                                                               below 1: better than as it is

The model of the least ratio wins, once it was judged over a season (six hours at least, a day at most). It acts from a
ratio of 0.9 on, and until it is above 1: chance alone makes no winner, and a close race doesn't turn with each outcome.
One forecast is judged a tick at most, so that what a fortnight's history tells is caught up with without a long tick.
Source: Hyndman and Koehler 2006, "Another look at measures of forecast accuracy" (relative mean absolute error).
"""

from dataclasses import dataclass, replace
from math import isfinite

from autoscaler.decide.history import DAY, History
from autoscaler.decide.memory import Table
from autoscaler.decide.predictive.models import CHALLENGERS, FLATS, Forecast
from autoscaler.decide.predictive.past import SLOT, Means, Past, came, look

JUDGED = 3 * DAY
LEAST_JUDGED, MOST_JUDGED = DAY // 4 // SLOT, DAY // SLOT
BEGINS_AT = 0.9
ENDS_ABOVE = 1.0

Score = tuple[float, ...]  # the error of a model, that of `as it is` beside it, and the number of outcomes
UNKNOWN: Score = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Contest:
    """Over so many slots ahead; `season` and `due`, when forecasts are judged next, are minutes.

    `best` is the challenger that leads; `acts`: what it says is acted on.
    """

    season: int
    slots: int
    due: int
    flats: Table = (UNKNOWN,) * len(FLATS)
    challengers: Table = (UNKNOWN,) * len(CHALLENGERS)
    best: int | None = None
    acts: bool = False

    @property
    def needed(self) -> int:
        """So many outcomes make a model known."""
        return min(max(LEAST_JUDGED, self.season // SLOT), MOST_JUDGED)


def begun(season: int, slots: int, history: History) -> Contest:
    """Nothing is judged yet; what there is of a history is to be."""
    return Contest(season, slots, _first(history))


def gone_on(contest: Contest, history: History) -> Contest:
    """With the next outcome, where there is one."""
    first = _first(history)
    if not first <= contest.due <= history.minute:  # away for long, or the clock was put back
        contest = replace(contest, due=first)
    if contest.due + contest.slots * SLOT > history.minute:
        return contest
    now = contest.due
    contest = replace(contest, due=now + SLOT)
    return _judged(contest, look(history, now, contest.season, contest.slots), came(history, now, contest.slots))


def forecast(contest: Contest, history: History) -> float | None:
    """The highest of the slots to come by the winner, None where there is none or it can't tell."""
    if contest.best is None or not contest.acts:
        return None
    told = CHALLENGERS[contest.best].forecast(look(history, history.minute, contest.season, contest.slots))
    return None if told is None else max(told)


def _first(history: History) -> int:
    """The first minute whose forecasts are worth judging: a whole slot since 1970."""
    return -(-max(history.first, history.minute - JUDGED) // SLOT) * SLOT


def _judged(contest: Contest, past: Past, outcome: Means) -> Contest:
    """With what this outcome says of each model, unless some of it is unknown."""
    errors = [score[0] for score in contest.flats]
    as_it_is = _error(FLATS[errors.index(min(errors))].forecast(past), outcome)
    if as_it_is is None:
        return contest
    flats = [_error(model.forecast(past), outcome) for model in FLATS]
    challengers = [_error(model.forecast(past), outcome) for model in CHALLENGERS]
    return _led(
        replace(
            contest,
            flats=tuple(_with(score, error, as_it_is) for score, error in zip(contest.flats, flats, strict=True)),
            challengers=tuple(
                _with(score, error, as_it_is) for score, error in zip(contest.challengers, challengers, strict=True)
            ),
        )
    )


def _error(told: Forecast | None, outcome: Means) -> float | None:
    """The mean absolute error of a forecast."""
    if told is None:
        return None
    total = 0.0
    for value, actual in zip(told, outcome, strict=True):
        if actual is None:
            return None
        total += abs(value - actual)
    return total / len(told) if isfinite(total) else None


def _with(score: Score, error: float | None, flat: float) -> Score:
    """A score with one more outcome."""
    if error is None:
        return score
    count = min(score[2] + 1, JUDGED // SLOT)
    return (score[0] + (error - score[0]) / count, score[1] + (flat - score[1]) / count, float(count))


def _led(contest: Contest) -> Contest:
    """With the challenger that leads now. Where `as it is` makes no error there is none."""
    ratios = [error / flat if flat > 0 and count >= contest.needed else None for error, flat, count in contest.challengers]
    known = [ratio for ratio in ratios if ratio is not None]
    if not known:
        return replace(contest, best=None, acts=False)
    ratio = min(known)
    return replace(contest, best=ratios.index(ratio), acts=ratio <= (ENDS_ABOVE if contest.acts else BEGINS_AT))
