"""What a shadow would have seen: what was measured, and by how much the model of its replicas differs from what ran's.

    ready, unready      + its modelled ones - the modelled ones of what ran
    queue_length, waiting       + its queue - that of what ran
    concurrency         + the same, and what its slots have of the load - what those have that ran
    latency_pNN         + its delay - that of what ran
    cpu of a replica    * ready / its ready     the same work, shared out among others

So a shadow that decides as what runs did sees just what that one saw. `request_rate`, numbers of other systems,
`error_ratio` and `memory` are taken as measured: they are the same, or nobody knows how they would differ.
"""

from dataclasses import dataclass, replace
from math import isfinite

from autoscaler.decide.shadow.fleet import Fleet
from autoscaler.decide.shadow.waits import Line
from autoscaler.model import Observation, Sample
from autoscaler.spec.models import LATENCIES

PERCENTILES = {name: float(name.removeprefix("latency_p")) / 100 for name in LATENCIES}
NOT_SHARED = ("memory",)

Values = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """What waits for the shadow's replicas and for those that ran, at this rate."""

    rate: float
    own: Line
    ran: Line


def counts(seen: Observation, own: Fleet, ran: Fleet) -> tuple[int, int]:
    """The ready and unready replicas that it would see."""
    count = max(0, seen.ready + seen.unready + own.count - ran.count)
    ready = min(max(0, seen.ready + own.ready - ran.ready), count)
    return ready, count - ready


def view(seen: Observation, own: Fleet, ran: Fleet, lines: Lines | None) -> Observation:
    """The tick as it would have been; `lines` is None while nothing is known of what a replica carries."""
    ready, unready = counts(seen, own, ran)
    warming = min(seen.warming, ready)
    told = {
        name: values if name in NOT_SHARED else _shared_out(values, seen.ready, ready)
        for name, values in seen.per_replica.items()
    }
    if ready != seen.ready:
        told = {name: _as_many(values, ready - warming) for name, values in told.items()}
    seen = replace(seen, ready=ready, unready=unready, warming=warming, per_replica=told, desired=None)
    if lines is None:
        return seen
    more = lines.own.queue(lines.rate) - lines.ran.queue(lines.rate)
    waiting = max(0, seen.waiting + round(more))
    return replace(seen, totals={name: _total(name, s, more, lines) for name, s in seen.totals.items()}, waiting=waiting)


def _total(name: str, sample: Sample, more: float, lines: Lines) -> Sample:
    if sample.value is None or not isfinite(sample.value):
        return sample
    if name in PERCENTILES:
        share = PERCENTILES[name]
        more = lines.own.delay_s(lines.rate, share) - lines.ran.delay_s(lines.rate, share)
    elif name == "concurrency":
        more += lines.own.in_service(lines.rate) - lines.ran.in_service(lines.rate)
    elif name != "queue_length":
        return sample
    return Sample(max(0.0, sample.value + more), sample.t) if more else sample


def _shared_out(values: Values, ready: int, among: int) -> Values:
    """The same work at other replicas."""
    if ready == among or not among:
        return values
    return tuple(None if value is None else value * ready / among for value in values)


def _as_many(values: Values, count: int) -> Values:
    """So many replicas with the mean of these; of each None where none of these told."""
    known = [value for value in values if value is not None and isfinite(value)]
    return (sum(known) / len(known) if known else None,) * max(0, count)
