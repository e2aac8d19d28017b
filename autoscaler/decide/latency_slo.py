"""Latency SLO: the fewest replicas that keep a percentile of the latency within an objective, by a queueing model.

    replicas = least n with  P(latency > objective) <= 1 - percentile       queueing.py; the service: service_model.py
    floor    = kappa / u                                                    the percentile at idle replicas

More replicas do not help where the floor is beyond the objective: then n keeps the percentile within twice the floor, which
the throughput needs. Where the bend is not known it is tried: while the objective is missed, up to half as many replicas
more, if that could help where one request takes a whole replica; while it is met, a quarter fewer.
What waits goes first: all of it beyond what waits half of the time that the objective leaves, within an objective's time.
More at once; fewer when fewer have been asked for during HOLD_S, then as many as the most of that time.
The rate is its mean, or that of the last 3 s less half of chance's share where it is beyond the mean by more than chance.
Sources: queueing.py, service_model.py.
"""

from dataclasses import dataclass, replace
from math import ceil, sqrt

from autoscaler.decide import queueing
from autoscaler.decide.memory import PolicyMemory
from autoscaler.decide.question import Answer, Question, missing, problem
from autoscaler.decide.rounding import round_up, tidy
from autoscaler.decide.samples import mean
from autoscaler.decide.service_model import SURE_REQUESTS, SURE_S, Service, Tick, from_memory, learn, unknown
from autoscaler.spec.models import LatencySlo
from autoscaler.units import format_duration

LOAD = ("request_rate", "concurrency", "queue_length")
HOLD_S = 60.0
FAST_S = 3.0
CHANCE = 2.5  # standard deviations of a Poisson count
NEAR_FLOOR = 1.1  # what is nearer to the floor costs replicas without end
HOPELESS = 2.0
HELPS_AGAIN = 0.9
TRY_MORE = 1.5
TRY_FEWER = 0.75
DRAIN_AT_MOST = 3
SHORTEST_DRAIN_S = 1.0
LARGEST = 1e12


@dataclass(frozen=True, slots=True)
class Load:
    """What comes: requests a second and requests waiting, each over the policy's window and of late."""

    rate: float
    queue: float
    queue_now: float


@dataclass(frozen=True, slots=True)
class Size:
    """A count, and why that many. `out_of_reach`: no count meets the objective."""

    count: int
    why: str
    out_of_reach: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """The count asked for, and the most that was asked for since `lower_at`, when it began to be fewer."""

    count: int
    lower_at: float | None = None
    lower: int = 0

    def to_memory(self) -> dict[str, float]:
        """The numbers that are remembered."""
        numbers = {"held": float(self.count), "lower": float(self.lower)}
        return numbers if self.lower_at is None else numbers | {"lower_at": self.lower_at}


def recommend(policy: LatencySlo, asked: Question) -> Answer:
    """The replicas this policy asks for; `value` is None where it can't know."""
    means = {name: mean(asked.points[name], policy.window, asked.t) for name in LOAD}
    for name, value in means.items():
        if value is None or not 0 <= value <= LARGEST:
            told = problem(name, asked) if value is None else f"{value:g} is no number to decide by"
            return missing(name, told, asked.memory)
    latency = _now(asked, policy.metric)
    waiting = mean(asked.points["queue_length"], FAST_S, asked.t)
    load = Load(_rate(asked, means["request_rate"] or 0.0), means["queue_length"] or 0.0, waiting or 0.0)
    if latency is None and load.queue_now < 1:
        return missing(policy.metric, problem(policy.metric, asked), asked.memory)
    known = from_memory(asked.memory) or unknown(asked.t, asked.seen.ready, policy.share)
    held = _remembered(asked, known.learned_at)
    known = _learned(policy, asked, known, latency)
    size = _size(policy, asked, known, load, asked.memory.get("out_of_reach") == 1.0)
    size = _drained(policy, asked, known, load, size)
    if latency is None:
        size = replace(size, count=max(size.count, asked.current))
    now = _hold(held, size.count, asked.t)
    why = size.why if now.count == size.count else f"{size.why}; held at {now.count} for {_left(now, asked.t)} more"
    memory: PolicyMemory = known.to_memory() | now.to_memory() | {"out_of_reach": float(size.out_of_reach)}
    return Answer(
        now.count, float(size.count), f"{why}, asks for {now.count}", memory=memory, out_of_reach=size.out_of_reach
    )


# ---------------------------------------------------------------- what is seen


def _rate(asked: Question, slow: float) -> float:
    """The mean, or that of the last seconds where chance alone would not put it so far beyond."""
    fast = mean(asked.points["request_rate"], FAST_S, asked.t) or 0.0
    chance = CHANCE * sqrt(max(slow, 1.0) / FAST_S)
    return fast - chance / 2 if fast > slow + chance else slow


def _now(asked: Question, metric: str) -> float | None:
    """What this tick told."""
    points = asked.points[metric]
    return points[-1].value if points and points[-1].t == asked.t else None


def _learned(policy: LatencySlo, asked: Question, known: Service, latency: float | None) -> Service:
    """The service after this tick, unchanged where the tick does not tell all of it."""
    rate, there, queue = (_now(asked, name) for name in LOAD)
    if rate is None or there is None or queue is None:
        return known
    tick = Tick(
        asked.t, asked.seen.ready, max(rate, 0.0), max(there - queue, 0.0), max(queue, 0.0), latency or 0.0, policy.window
    )
    return learn(known, tick, policy.share, asked.max_concurrency)


# ---------------------------------------------------------------- how many


def _size(policy: LatencySlo, asked: Question, known: Service, load: Load, was_out_of_reach: bool) -> Size:
    """What the model asks for, whatever waits now."""
    if load.rate == 0 and load.queue == 0:
        return Size(0, "no request comes")
    bent = known.replica(1.0 if known.bend is None else known.bend, asked.max_concurrency)
    if bent is None:
        return Size(asked.current, f"too few requests yet to know what a replica carries ({_seen(known)})")
    floor = bent.kappa * bent.idle_s
    out_of_reach = floor > policy.objective * (HELPS_AGAIN if was_out_of_reach else 1.0)
    told = f"{load.rate:.4g} requests/s, {_learned_told(policy, known, bent)}"
    flat = known.replica(0.0, asked.max_concurrency) if known.bend is None else bent
    fewest = _least(policy, flat or bent, load.rate, known)
    if out_of_reach:
        why = f"more replicas do not help: {policy.metric} is {_time(floor)} at idle ones, beyond {_time(policy.objective)}"
        return Size(fewest, f"{why}; {told}; {fewest} carry them", out_of_reach=True)
    if known.bend is not None:
        fewer = _one_fewer(policy, bent, load.rate, fewest)
        return Size(fewest, f"{told}; {fewest} keep {policy.metric} within {_time(policy.objective)}{fewer}")
    now = flat.kappa * flat.idle_s if flat else floor
    if now > policy.objective:
        most = min(_least(policy, bent, load.rate, known), ceil(TRY_MORE * (known.ready0 or known.ready)))
        count = max(fewest, most)
        beyond = f"{policy.metric} is beyond {_time(policy.objective)}"
        return Size(count, f"{told}; {beyond}, {count} to see whether more help")
    count = max(fewest, int(TRY_FEWER * (known.ready0 or known.ready)), 1)
    return Size(count, f"{told}; {count} keep {policy.metric} within {_time(policy.objective)}")


def _least(policy: LatencySlo, replica: queueing.Replica, rate: float, known: Service) -> int:
    """The fewest that meet the objective, or twice the floor where it is beyond."""
    floor = replica.kappa * replica.idle_s
    limit_s = HOPELESS * floor if floor > policy.objective else max(policy.objective, NEAR_FLOOR * floor)
    return max(queueing.least(replica, rate, policy.share, limit_s, int(known.ready)), 1)


def _drained(policy: LatencySlo, asked: Question, known: Service, load: Load, size: Size) -> Size:
    """As many more as what waits beyond its share needs."""
    replica = known.replica(known.bend or 0.0, asked.max_concurrency)
    floor = 0.0 if replica is None else replica.kappa * replica.idle_s
    allowed = 1 + load.rate * (max(policy.objective - floor, 0.0) or floor) / 2
    excess = load.queue_now - allowed
    if excess <= 0:
        return size
    count = size.count
    if known.pace is not None and replica is not None:
        carries = replica.slots * known.pace
        wanted = (load.rate + excess / max(policy.objective, SHORTEST_DRAIN_S)) / carries
        count = max(count, min(round_up(wanted), DRAIN_AT_MOST * max(size.count, asked.seen.ready)))
    if load.queue > allowed:  # it lasts: whatever is believed, more
        count = max(count, asked.seen.ready + ceil(max(asked.seen.ready, 1) / 4))
    if count == size.count:
        return size
    return replace(size, count=count, why=f"{size.why}; {load.queue_now:.3g} wait: {count} to serve them")


# ---------------------------------------------------------------- more at once, fewer after a while


def _remembered(asked: Question, learned_at: float) -> Held:
    """What was held; begun anew where it was not asked for long."""
    memory = asked.memory
    if not memory.keys() >= {"held", "lower"} or tidy(asked.t - learned_at) > HOLD_S:
        return Held(asked.current)
    return Held(int(memory["held"]), memory.get("lower_at"), int(memory["lower"]))


def _hold(held: Held, count: int, t: float) -> Held:
    if count >= held.count:
        return Held(count)
    if held.lower_at is None:
        return Held(held.count, t, count)
    lower = max(held.lower, count)
    if tidy(t - held.lower_at) < HOLD_S:
        return Held(held.count, held.lower_at, lower)
    return Held(lower) if lower == count else Held(lower, t, count)


def _left(held: Held, t: float) -> str:
    since = t if held.lower_at is None else held.lower_at
    return format_duration(round(tidy(since + HOLD_S - t), 1))


def _seen(known: Service) -> str:
    requests, seconds = min(known.rate * known.span, SURE_REQUESTS), min(known.span, SURE_S)
    return f"{requests:.0f} of {SURE_REQUESTS:.0f} in {seconds:.0f} of {SURE_S:.0f}s with {known.ready:g} ready"


def _learned_told(policy: LatencySlo, known: Service, replica: queueing.Replica) -> str:
    """What is believed of a request's time, and since when."""
    over = f"over the last {format_duration(round(known.span))}" if known.span >= SURE_S else "before the count changed"
    idle = "other loads not seen yet" if known.bend is None else f"{_time(replica.idle_s)} at idle replicas"
    return f"{_time(1 / (known.pace or 1.0))} each {over} ({idle}), {policy.metric} {replica.kappa:.2g} times that"


def _one_fewer(policy: LatencySlo, replica: queueing.Replica, rate: float, count: int) -> str:
    """How many requests would miss the objective with one replica fewer."""
    if count < 2:
        return ""
    late = queueing.late_share(replica, count - 1, rate, policy.share, policy.objective)
    return f", with {count - 1} {late * 100:.3g}% would take longer ({(1 - policy.share) * 100:.3g}% may)"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.3g}ms" if seconds < 1 else f"{seconds:.3g}s"
