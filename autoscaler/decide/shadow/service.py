"""What a shadow's model knows of the service: means of what came, and what a replica carries, learned from what ran.

    rate, in service             means of the last ten seconds
    answered                     rate - (last concurrency - first) / seconds between them

The service time, the slots and the start-up time are learned as `auto` learns them (auto/capacity.py): until a replica was
seen full, it is taken to work on at most twice as many requests at once as were ever seen at one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from autoscaler.decide.auto import capacity as capacities
from autoscaler.decide.auto.capacity import Capacity, Load
from autoscaler.decide.rounding import tidy
from autoscaler.model import Observation, Sample

MEAN_S = 10.0


@dataclass(frozen=True, slots=True)
class Tick:
    """The numbers of a tick."""

    t: float
    rate: float
    concurrency: float
    queue: float


@dataclass(frozen=True, slots=True)
class Service:
    """What is known of a replica, and the ticks of the last ten seconds."""

    capacity: Capacity
    ticks: tuple[Tick, ...] = ()

    @property
    def rate(self) -> float:
        """Requests/s on average; none where there are no ticks."""
        return sum(tick.rate for tick in self.ticks) / max(1, len(self.ticks))


def first(seen: Observation) -> Service:
    """Nothing is known yet."""
    return Service(capacities.first(seen.t, seen.ready))


def learn(known: Service, seen: Observation, elapsed_s: float) -> Service | None:
    """With one more tick; None where one of its numbers is missing."""
    rate, concurrency, queue = (number(seen.totals, name) for name in ("request_rate", "concurrency", "queue_length"))
    if rate is None or concurrency is None or queue is None:
        return None
    since = tidy(seen.t - MEAN_S)
    before = tuple(tick for tick in known.ticks if since < tick.t < seen.t)
    known = Service(known.capacity, (*before, Tick(seen.t, rate, concurrency, queue)))
    if elapsed_s <= 0:
        return known
    load = _load(known, seen, elapsed_s)
    return Service(capacities.bend(capacities.learn(known.capacity, load), load), known.ticks)


def _load(known: Service, seen: Observation, elapsed_s: float) -> Load:
    ticks = known.ticks
    span_s = ticks[-1].t - ticks[0].t
    growth = (ticks[-1].concurrency - ticks[0].concurrency) / span_s if span_s > 0 else 0.0
    in_service = sum(max(0.0, tick.concurrency - tick.queue) for tick in ticks) / len(ticks)
    waits = min(tick.queue for tick in ticks)
    return Load(seen.t, elapsed_s, max(0.0, known.rate - growth), in_service, waits, seen.ready, seen.unready)


def number(totals: Mapping[str, Sample], name: str) -> float | None:
    """A total, None where it is missing."""
    sample = totals.get(name)
    return None if sample is None or sample.value is None or not isfinite(sample.value) else sample.value
