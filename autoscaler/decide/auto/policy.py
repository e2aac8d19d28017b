"""Auto: as many replicas as keep requests from waiting, now and until more could be ready; all that it needs is learned.

    now      staffing(rate at present), and while requests wait longer than replicas that are there can help:
             ceil((rate + waiting / 0.5 s) / what a replica carries), at most three times the staffing
    band     staffing(the rate that the next while stays below); the while: start-up + 15 s
    desired  the highest of both in the last minute; one fewer only where 2% more load would still fit

Staffing is by Erlang C: of (100 - percentile)% of requests half may wait too long by chance, the other half is left for what
the band did not foresee. Waiting are also requests at replicas that have more at once than they work on. Before the first
requests were answered the count stays, unless some wait. Each decision is made with what was learned before its tick.
Sources: staffing.py, rates.py, band.py, capacity.py.
"""

from dataclasses import dataclass, replace

from autoscaler.decide.auto import capacity as capacities
from autoscaler.decide.auto import words
from autoscaler.decide.auto.band import Band, begun, is_due, step
from autoscaler.decide.auto.capacity import Capacity, Load
from autoscaler.decide.auto.hold import Held, held, highest, told_hold
from autoscaler.decide.auto.kept import Kept, read, written
from autoscaler.decide.auto.rates import present
from autoscaler.decide.memory import Point
from autoscaler.decide.question import Answer, Question, missing, problem
from autoscaler.decide.rounding import round_up
from autoscaler.decide.samples import mean, within
from autoscaler.decide.staffing import Staffing
from autoscaler.spec.models import Auto
from autoscaler.units import format_duration

METRICS = ("request_rate", "concurrency", "queue_length")
MEAN_S = 10.0
HOLD_S = 60.0
AHEAD_S = 15.0
BY_CHANCE = 0.5
DRAIN_S = 0.5
PATIENCE_S = 2.0  # a queue that is gone by then needs no more replicas
FEW = 3  # requests that wait by chance
LEAP = 3
SPARE = 1.02
EARLY_UTILIZATION = 0.7


@dataclass(frozen=True, slots=True)
class _Seen:
    """A tick: the means of the last ten seconds, and what waits now."""

    t: float
    rate: float
    concurrency: float
    queue: float
    answered: float
    waiting: float


@dataclass(frozen=True, slots=True)
class _Asks:
    """What is asked for now and with a little more load, `raw` before rounding up, and why."""

    count: int
    spared: int
    raw: float
    why: str


def recommend(policy: Auto, asked: Question) -> Answer:
    """The replicas this policy asks for; `value` is None where it can't know."""
    before = read(asked.memory, asked.tables)
    means = [mean(asked.points[metric], MEAN_S, asked.t) for metric in METRICS]
    for metric, value in zip(METRICS, means, strict=True):
        if value is None:
            return _blind(metric, asked, before)
    seen = _look(asked, *(value or 0.0 for value in means))
    if before is not None and before.t == asked.t:
        return Answer(
            before.count, None, f"asked again at once, asks for {before.count}", memory=asked.memory, tables=asked.tables
        )
    kept = _begin(asked, seen) if before is None else _gone_on(before, asked)
    kept = replace(kept, band=_stepped(kept, asked, seen))
    asks = _asks(policy, asked, seen, kept)
    holds = held(kept.held, asked.t, asks.count, HOLD_S)
    spared = held(kept.spared, asked.t, asks.spared, HOLD_S)
    count = max(highest(holds), min(asked.current, highest(spared)))
    why = asks.why
    if count > asks.count:
        why += f"; {_held(asks, holds, spared, count, asked.t)}"
    kept = Kept(asked.t, count, holds, spared, _learned(kept, asked, seen), kept.band)
    memory, tables = written(kept)
    return Answer(count, asks.raw, f"{why}, asks for {count}", memory=memory, tables=tables)


def _look(asked: Question, rate: float, concurrency: float, queue: float) -> _Seen:
    answered = max(0.0, rate - _growth(within(asked.points["concurrency"], MEAN_S, asked.t)))
    return _Seen(asked.t, rate, concurrency, queue, answered, float(asked.seen.waiting))


def _growth(points: tuple[Point, ...]) -> float:
    """By how much there were more requests each second."""
    span = points[-1].t - points[0].t
    return (points[-1].value - points[0].value) / span if span > 0 else 0.0


def _begin(asked: Question, seen: _Seen) -> Kept:
    """A first tick, or the first after a long while: the count stays for as long as it would have been held."""
    since = ((asked.t, asked.current),)
    return Kept(asked.t, asked.current, since, since, capacities.first(asked.t, asked.seen.ready), begun(asked.t, seen.rate))


def _gone_on(before: Kept, asked: Question) -> Kept:
    """After a while without ticks nobody knows what was asked for meanwhile: the count stays as on a first one."""
    if asked.t - before.t <= HOLD_S:
        return before
    since = ((asked.t, asked.current),)
    return replace(before, held=since, spared=since)


def _blind(metric: str, asked: Question, before: Kept | None) -> Answer:
    """A tick in which nothing is seen: what was learned stays, and no hold runs out meanwhile."""
    if before is None:
        return missing(metric, problem(metric, asked))
    blind_s = asked.t - before.t
    held, spared = (tuple((at + blind_s, count) for at, count in counts) for counts in (before.held, before.spared))
    return missing(metric, problem(metric, asked), *written(replace(before, t=asked.t, held=held, spared=spared)))


# ---------------------------------------------------------------- what is asked for


def _asks(policy: Auto, asked: Question, seen: _Seen, kept: Kept) -> _Asks:
    known = kept.capacity
    if known.service_s is None:
        return _unlearned(asked, seen, known)
    share = BY_CHANCE * (1 - policy.objective.percentile / 100)
    staffing = Staffing(known.service_s, known.slots(asked.max_concurrency), policy.objective.wait, share)
    rate = present(asked.points["request_rate"], asked.t, kept.band.level)
    upper = seen.rate / EARLY_UTILIZATION if kept.band.upper is None else kept.band.upper
    now, band = max(1, staffing.needed(rate)), staffing.needed(upper)
    waiting = _waiting(asked, seen, staffing)
    drain = _drain(asked, waiting, rate, now, staffing)
    count = max(now, drain, band)
    told, why = f"request_rate {rate:.4g}", _goal(policy, count)
    if drain > max(now, band):
        told = f"{waiting:.4g} requests wait at {told}"
        why = (
            f"it takes {count} to serve them within {format_duration(DRAIN_S)}, {LEAP} times the {now} without them at most"
        )
    elif band > now:
        told += words.ahead(kept.band, upper, _horizon(known))
    return _Asks(
        count,
        max(count, staffing.needed(upper * SPARE)),
        float(count),
        f"{told}; {words.carried(known, staffing)}; {why}",
    )


def _goal(policy: Auto, count: int) -> str:
    objective = policy.objective
    return f"it takes {count} to keep {objective.percentile:g}% of waits within {format_duration(objective.wait)}"


def _held(asks: _Asks, holds: Held, spared: Held, count: int, t: float) -> str:
    """Why more are asked for than the formula takes now."""
    if asks.spared >= count:
        return f"held at {count}, as {SPARE - 1:.0%} more load would take them"
    return told_hold((*holds, *spared), count, t, HOLD_S)


def _unlearned(asked: Question, seen: _Seen, known: Capacity) -> _Asks:
    """Nothing is known of what a replica carries: stay, but for requests that wait."""
    enough = max(FEW, asked.seen.ready)
    if seen.waiting > enough:
        count = max(1, asked.current, 2 * asked.seen.ready)
        stays = f"{seen.waiting:g} requests wait, so twice the {asked.seen.ready} ready at least"
    else:
        count = max(1, asked.current)
        stays = f"stays as it is unless more than {enough} requests wait"
    return _Asks(count, count, float(count), words.learning(known, stays))


def _waiting(asked: Question, seen: _Seen, staffing: Staffing) -> float:
    """Requests in the queue, and those at replicas beyond what they work on at once."""
    return seen.waiting + max(0.0, seen.concurrency - seen.queue - asked.seen.ready * staffing.slots)


def _drain(asked: Question, waiting: float, rate: float, now: int, staffing: Staffing) -> int:
    """Replicas for those that wait longer than the ones there, or starting, would take; 0 where none do."""
    there = asked.seen.ready + asked.seen.unready
    spare = max(0.0, there * staffing.each - rate)
    if waiting <= FEW or waiting <= spare * PATIENCE_S:
        return 0
    return min(round_up((rate + waiting / DRAIN_S) / staffing.each), LEAP * now)


def _horizon(known: Capacity) -> float:
    return known.startup_s + AHEAD_S


# ---------------------------------------------------------------- what is learned


def _learned(kept: Kept, asked: Question, seen: _Seen) -> Capacity:
    known = kept.capacity
    load = Load(
        asked.t,
        asked.t - kept.t,
        seen.answered,
        max(0.0, seen.concurrency - seen.queue),
        min(point.value for point in within(asked.points["queue_length"], MEAN_S, asked.t)),
        asked.seen.ready,
        asked.seen.unready,
    )
    return capacities.bend(capacities.learn(known, load), load)


def _stepped(kept: Kept, asked: Question, seen: _Seen) -> Band:
    band = kept.band
    since_s = min(asked.t - band.t, MEAN_S)
    rate = mean(asked.points["request_rate"], since_s, asked.t) if is_due(band, asked.t) else None
    if rate is None:
        return band
    return step(band, asked.t, rate, seen.rate, asked.history["request_rate"], asked.wall, _horizon(kept.capacity))
