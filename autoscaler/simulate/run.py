"""A policy against a trace: each tick the service is seen, a decision is made as the daemon makes it, and followed.

It starts with the replicas that the oracle would have, ready. Ticks end at whole multiples of the tick since the trace's
start; observations carry the trace's own times, which a schedule takes for Unix time.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from autoscaler.decide import EMPTY, decide
from autoscaler.simulate.fleet import Fleet
from autoscaler.simulate.model import Model
from autoscaler.simulate.observe import Eyes
from autoscaler.simulate.result import Moves, Result, Supply
from autoscaler.simulate.staffing import Staffing, oracle_replica_seconds
from autoscaler.simulate.tally import Tally
from autoscaler.simulate.timeline import Timeline
from autoscaler.simulate.trace import Trace
from autoscaler.spec.models import ServiceSpec


@dataclass(frozen=True, slots=True)
class Tick:
    """One tick that was followed; times are the trace's."""

    t: float
    span_s: float
    rate: float
    ready: int
    starting: int
    needed: int
    desired: int


def simulate(spec: ServiceSpec, trace: Trace, model: Model, timeline: Timeline | None = None) -> Result:
    """How the policy does; `timeline` collects what is plotted. The same values give the same result."""
    tally = Tally(model.objective)
    staffing = Staffing(model.service.mean_s, model.service.cv, model.slots, model.allowed_wait_s)
    fleet = Fleet(model, spec.route.queue_timeout, tally, _first(spec, trace, model, staffing))
    supply, moves = Supply(), Moves(fleet.ready)
    needed: list[tuple[float, int]] = []
    spent_before = 0.0
    warm = model.warm_up_s <= 0
    for tick in _ticks(spec, trace, model, staffing, fleet, tally, timeline):
        if not warm:
            moves.follow(tick.desired)
            if tick.t - trace.start >= model.warm_up_s:
                warm = True
                tally.begin(fleet.in_flight)
                fleet.aggregate_s = 0.0
                spent_before, moves = fleet.replica_seconds(), Moves(tick.desired)
            continue
        supply.count(tick.span_s, tick.ready, tick.ready + tick.starting, tick.needed)
        moves.follow(tick.desired)
        needed.append((tick.span_s, tick.needed))
    return Result.made(
        tally, supply, moves, fleet, fleet.replica_seconds() - spent_before, oracle_replica_seconds(needed, model.startup_s)
    )


def _ticks(
    spec: ServiceSpec, trace: Trace, model: Model, staffing: Staffing, fleet: Fleet, tally: Tally, timeline: Timeline | None
) -> Iterator[Tick]:
    """Time goes on until the trace ends."""
    memory = EMPTY
    eyes = Eyes(spec)
    begin = trace.start
    for end, rate in trace.rates(model.tick_s):
        since = end - trace.start
        late_before = tally.late
        fleet.run(since, rate)
        outage = any(start < since <= stop for start, stop in model.outages)
        late, counted = tally.late - late_before, tally.close()
        seen = eyes.see(end, end - begin, counted, fleet, outage=outage)
        decision, memory = decide(spec, seen, memory)
        if timeline is not None:
            timeline.add(end, end - begin, rate, seen.ready, decision.desired, counted.arrivals, late, counted.latencies)
        yield Tick(end, end - begin, rate, seen.ready, seen.unready, _needed(spec, staffing, rate), decision.desired)
        fleet.order(decision.desired)
        begin = end
    if timeline is not None:
        timeline.close(trace.end)


def _first(spec: ServiceSpec, trace: Trace, model: Model, staffing: Staffing) -> int:
    _, rate = next(trace.rates(model.tick_s))
    return _needed(spec, staffing, rate)


def _needed(spec: ServiceSpec, staffing: Staffing, rate: float) -> int:
    return max(spec.replicas.min, staffing.needed(rate, spec.replicas.max))
