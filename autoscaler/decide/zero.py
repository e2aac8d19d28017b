"""Zero: none while nobody asks for anything, and back at once when someone does.

    idle     no request waits, and request_rate, concurrency, queue_length and the policies' own totals, as far as the tick
             has them (one at least), are all 0; after `idle` seconds of that: 0 at once
    wake     at 0, with a request waiting or any of these above 0:  max(1, ceil(waiting / max_concurrency)) at once

Only with `replicas.min: 0`; until idle the floor is 1. A total that is there without a value is not idleness.
Source: DECISIONS, "Zero".
"""

from dataclasses import dataclass
from math import isfinite

from autoscaler.decide.rounding import round_up, tidy
from autoscaler.model import Observation, Sample
from autoscaler.spec.models import REPLICA_METRICS, ServiceSpec

LOAD = ("request_rate", "concurrency", "queue_length")


@dataclass(frozen=True, slots=True)
class Rest:
    """`since` when there has been no load, None while there is. `asleep`: 0 it is. `floor`: the least there may be else, and
    `told` why."""

    since: float | None
    asleep: bool
    floor: int
    told: str


def look(spec: ServiceSpec, seen: Observation, since: float | None, current: int, t: float) -> Rest:
    """Whether there is load, of a service that may go to zero; `since` is what the look before said."""
    samples = _samples(spec, seen)
    quiet = seen.waiting == 0 and bool(samples) and all(sample.value == 0 for sample in samples)
    since = None if not quiet else t if since is None else since
    if current > 0:
        return Rest(since, since is not None and tidy(t - since) >= spec.idle, 1, "until idle")
    load = seen.waiting > 0 or any(_is_load(sample) for sample in samples)
    told = f"requests wait: {seen.waiting}" if seen.waiting else "there is load"
    return Rest(since, not load, max(1, round_up(seen.waiting / spec.route.max_concurrency)), told)


def _samples(spec: ServiceSpec, seen: Observation) -> list[Sample]:
    names = {*LOAD, *(name for policy in spec.policies for name in policy.windows.keys() - REPLICA_METRICS)}
    return [sample for name, sample in seen.totals.items() if name in names]


def _is_load(sample: Sample) -> bool:
    return sample.value is not None and isfinite(sample.value) and sample.value > 0
