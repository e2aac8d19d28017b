"""Predictive: as many replicas as the forecast of a metric asks for, so that they are there before the load comes.

    beside other policies   ceil(forecast / target)                      while a model beats `as it is`, else no count at all
    alone                   ceil(max(now, forecast) / target)            `now` alone while none does
                            the highest of the last minute; alone, as `now` is less steady, of the last five

`forecast` is the highest 5 minutes of the winner's forecast from now to `horizon`, made anew each minute; `now` the mean of
the metric's samples over the window; `target` one replica's share, all in the metric's unit. Alone, a first tick, or one
after a long absence, has asked for the count that there was.

It takes nothing away that another policy asks for, as the largest wins, and where none of those gives a count it asks for
more than there are or for none. With no count it holds no other policy up; its metric missing is another thing: see
recommend.py.
Sources: models.py, contest.py; Kubernetes' HPA for the five minutes alone.
"""

from dataclasses import replace
from math import ceil, isfinite

from autoscaler.decide.auto.hold import Held, held, highest, told_hold
from autoscaler.decide.history import begun as no_history
from autoscaler.decide.history import minute_of
from autoscaler.decide.memory import MAX_COUNT
from autoscaler.decide.predictive import contest as contests
from autoscaler.decide.predictive.kept import Kept, read, written
from autoscaler.decide.predictive.models import CHALLENGERS
from autoscaler.decide.predictive.past import SLOT
from autoscaler.decide.question import Answer, Question, missing, problem
from autoscaler.decide.rounding import round_up, tidy
from autoscaler.decide.samples import mean
from autoscaler.spec.models import Predictive
from autoscaler.units import format_duration

HOLD_S = 60.0
HOLD_ALONE_S = 300.0
MINUTE_S = 60.0
HOUR_S = 3600.0


def recommend(policy: Predictive, asked: Question) -> Answer:
    """The replicas this policy asks for; `value` is None where it stands aside, or can't know."""
    now = mean(asked.points[policy.metric], policy.window, asked.t)
    if now is None or not isfinite(now / policy.target):
        told = problem(policy.metric, asked) if now is None else f"{now:g} is too large"
        return missing(policy.metric, told, asked.memory, asked.tables)
    kept = _kept(policy, asked)
    load = kept.forecast
    if asked.others_answer is None:
        load = now if load is None else max(now, load)
    count = 0 if load is None else _count(policy, load)
    kept = replace(kept, held=held(kept.held, asked.t, count, _hold_s(asked)))
    return _answer(policy, asked, kept, load, now)


def _hold_s(asked: Question) -> float:
    return HOLD_ALONE_S if asked.others_answer is None else HOLD_S


def _count(policy: Predictive, load: float) -> int:
    share = load / policy.target
    return max(round_up(share), 0) if share < MAX_COUNT else MAX_COUNT


# ---------------------------------------------------------------- what is learned


def _kept(policy: Predictive, asked: Question) -> Kept:
    """What is known in this tick; asked again at the same `t` it is known already."""
    before = read(asked.memory, asked.tables)
    if before is not None and before.t == asked.t:
        return before
    history = asked.history.get(policy.metric) or no_history(minute_of(asked.wall))
    season, slots = round(policy.season / MINUTE_S), ceil(policy.horizon / MINUTE_S / SLOT)
    held = _held(before, asked)
    if before is None or (before.contest.season, before.contest.slots) != (season, slots):
        return Kept(asked.t, contests.begun(season, slots, history), history.minute, held=held)
    contest = contests.gone_on(before.contest, history)
    if (before.minute, before.contest.best, before.contest.acts) == (history.minute, contest.best, contest.acts):
        return replace(before, t=asked.t, contest=contest, held=held)
    return Kept(asked.t, contest, history.minute, contests.forecast(contest, history), held)


def _held(before: Kept | None, asked: Question) -> Held:
    """What was asked for lately. Alone it takes the count for that where nobody knows."""
    if before is not None and asked.t - before.t <= _hold_s(asked):
        return before.held
    return ((asked.t, asked.current),) if asked.others_answer is None else ()


# ---------------------------------------------------------------- what is answered


def _answer(policy: Predictive, asked: Question, kept: Kept, load: float | None, now: float) -> Answer:
    alone = asked.others_answer is None
    count = highest(kept.held)
    why = _told(policy, kept)
    if alone:
        why = f"{policy.metric} {now:.4g} at {policy.target:g} a replica; {why}"
    memory, tables = written(kept)
    share = None if load is None else load / policy.target
    raw = tidy(share) if share is not None and isfinite(share) else None
    if not alone and (count == 0 or (asked.others_answer is False and count <= asked.current)):
        told = "asks for no count" if count == 0 else f"asks for no count, as {count} is no more than there are"
        return Answer(None, raw, f"{why}, {told}", memory=memory, tables=tables)
    if load is None or count > _count(policy, load):
        why += f"; {told_hold(kept.held, count, asked.t, _hold_s(asked))}"
    return Answer(count, raw, f"{why}, asks for {count}", memory=memory, tables=tables)


def _told(policy: Predictive, kept: Kept) -> str:
    """What is forecast and how good that was, or why nothing is."""
    contest = kept.contest
    if contest.best is None:
        judged = max(count for _, _, count in contest.challengers)
        times = f"{min(judged, contest.needed):g} of {contest.needed} times"
        return f"stands aside: forecasts judged {times} so far, once in {SLOT}m"
    name, (error, flat, count) = CHALLENGERS[contest.best].name, contest.challengers[contest.best]
    was = f"error over the last {_span(count)} was {error / flat:.0%} of that of taking {policy.metric} to stay as it is"
    if not contest.acts:
        wanted = f"{contests.BEGINS_AT:.0%} at most is wanted"
        return f"stands aside: the best model, {name}, is not good enough; its {was}, {wanted}"
    if kept.forecast is None:
        return f"stands aside: {name}, the best, has too few minutes to tell"
    within = format_duration(policy.horizon)
    ahead = f"{policy.metric} up to {kept.forecast:.4g} within {within} at {policy.target:g} a replica"
    return f"{ahead}, by {name}; its {was}"


def _span(outcomes: float) -> str:
    return format_duration(round(outcomes * SLOT * MINUTE_S / HOUR_S) * HOUR_S)
