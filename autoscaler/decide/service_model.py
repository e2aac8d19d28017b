"""What a service's replicas do, learned as it runs: time at a replica, how load bends it, its percentile, slots.

    time at a replica   S = (concurrency - queue_length) / request_rate                 Little's law, while few wait
    load on a replica   r = request_rate / ready          pace y = 1 / S
    bend                v = (y0 - y) / (r - r0)           between two loads that are a fifth apart, within 0..1
    idle pace           u = y + v r                       1 / u is the time at an idle replica
    kappa               percentile of S over S: moved until the queueing model agrees with the latency measured
    slots               the most in flight at a replica; falls to what there is of it while requests wait

Rate and requests at replicas are means since the count of ready replicas changed, of a minute at most, so that a new version
or a noisy neighbour is learned within minutes. The bend can only be seen where the load changes; until then it is not
known, and where the pace leaves what it explains by more than LEAP it is forgotten: the service has become another one.
Sources: Little 1961; Robbins and Monro 1951 (kappa).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import exp, log

from autoscaler.decide.queueing import Replica, latency_near

MEAN_S = 60.0
SETTLES_S = 5.0  # a count that changed: replicas that drain still count in what is in flight
SURE_S = 20.0
SURE_REQUESTS = 50.0
LONGEST_MEAN_S = 600.0  # where requests are so few
APART = 0.2
LEAP = 0.3
REFERENCE_S = 600.0  # after so long much else has changed as well
FORGETS_SLOTS_S = 20.0
SURE_OF_PERCENTILE = 100.0  # requests in the window
FEW = 0.5  # waiting, of those at replicas
LEAST_KAPPA, MOST_KAPPA = 0.01, 10.0


@dataclass(frozen=True, slots=True)
class Tick:
    """What a tick tells: means since the one before, `latency_s` over `window_s`, 0 where no request was answered."""

    t: float
    ready: int
    rate: float
    busy: float
    queue: float
    latency_s: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Service:
    """What is known so far; None is not known yet.

    `rate` and `busy` are means over `span` seconds with `ready` replicas, which there have been since `changed_at`; many
    waited last at `crowded_at`. `kappa` was heard over `heard` seconds. `pace` at `load` is what the means last said for
    sure, `pace0` at `load0` with `ready0` at `referred_at` what that is compared with.
    """

    learned_at: float
    ready: float
    changed_at: float
    crowded_at: float
    span: float = 0.0
    rate: float = 0.0
    busy: float = 0.0
    kappa: float = 0.0
    heard: float = 0.0
    pace: float | None = None
    load: float = 0.0
    pace0: float | None = None
    load0: float = 0.0
    ready0: float = 0.0
    referred_at: float = 0.0
    bend: float | None = None
    slots: float | None = None

    def replica(self, bend: float, slots: int) -> Replica | None:
        """One replica, if one request takes `bend` of it; `slots` where no other number was learned."""
        if self.pace is None:
            return None
        return Replica(self.pace + bend * self.load, bend, self.kappa, max(1.0, self.slots or slots))

    def to_memory(self) -> dict[str, float]:
        """The numbers that `from_memory` reads."""
        numbers = {name: getattr(self, name) for name in self.__slots__}
        return {name: float(number) for name, number in numbers.items() if number is not None}


def from_memory(memory: Mapping[str, float]) -> Service | None:
    """The service remembered, None where there is none that makes sense."""
    if not memory.keys() >= {"learned_at", "ready", "changed_at", "crowded_at"}:
        return None
    service = Service(**{name: memory[name] for name in Service.__slots__ if name in memory})
    positive = (service.pace, service.pace0, service.slots)
    sound = all(number is None or number > 0 for number in positive) and LEAST_KAPPA <= service.kappa <= MOST_KAPPA
    return service if sound and (service.bend is None or 0 <= service.bend <= 1) else None


def unknown(t: float, ready: int, percentile: float) -> Service:
    """A service first seen: its times are taken for exponential."""
    return Service(learned_at=t, ready=ready, changed_at=t, crowded_at=t, kappa=depth(percentile))


def depth(percentile: float) -> float:
    """The percentile of an exponential time over its mean."""
    return -log(1 - percentile)


def learn(known: Service, tick: Tick, percentile: float, slots: int) -> Service:
    """What is known after this tick. The same tick twice teaches nothing more."""
    passed = tick.t - known.learned_at
    if passed <= 0:
        return known
    if tick.ready != known.ready:
        return replace(known, learned_at=tick.t, ready=tick.ready, changed_at=tick.t, span=0.0)
    if tick.ready == 0 or tick.t - known.changed_at < SETTLES_S:
        return replace(known, learned_at=tick.t)
    known = _learn_slots(known, tick, passed)
    if tick.queue > FEW * tick.busy:
        return replace(known, learned_at=tick.t, crowded_at=tick.t)
    known = _learn_pace(known, tick, passed)
    known = _learn_bend(known, tick.t)
    return _learn_kappa(known, tick, passed, percentile, slots)


def _learn_slots(known: Service, tick: Tick, passed: float) -> Service:
    at_once = tick.busy / tick.ready
    if known.slots is not None and at_once > known.slots:
        return replace(known, slots=at_once)
    if tick.queue < 1 or at_once <= 0:
        return known
    if known.slots is None:
        return replace(known, slots=at_once)
    surely = tick.queue / (1 + tick.queue)
    share = 1 - exp(-passed * surely / FORGETS_SLOTS_S)
    return replace(known, slots=known.slots + share * (at_once - known.slots))


def _learn_pace(known: Service, tick: Tick, passed: float) -> Service:
    """The means, and once they are of enough requests the pace at this load."""
    share = passed / (passed + known.span)
    longest = min(max(MEAN_S, SURE_REQUESTS / max(known.rate, tick.rate, 1e-9)), LONGEST_MEAN_S)
    span = min(known.span + passed, longest)
    rate = known.rate + share * (tick.rate - known.rate)
    busy = known.busy + share * (tick.busy - known.busy)
    pace, load = known.pace, known.load
    if span >= SURE_S and (rate * span >= SURE_REQUESTS or span >= MEAN_S) and rate > 0 and busy > 0:
        pace, load = rate / busy, rate / tick.ready
    return replace(known, learned_at=tick.t, span=span, rate=rate, busy=busy, pace=pace, load=load)


def _learn_bend(known: Service, t: float) -> Service:
    if known.pace is None:
        return known
    if known.pace0 is None:
        return _refer(known, t, None)
    more = known.load - known.load0
    apart = abs(more) >= APART * max(known.load, known.load0)
    bend = known.bend or 0.0
    leapt = abs(known.pace - known.pace0 + bend * more) > LEAP * (known.pace0 + bend * known.load0)
    if known.bend is not None and leapt:
        return _refer(known, t, None)
    if apart:
        seen = min(max((known.pace0 - known.pace) / more, 0.0), 1.0)
        return _refer(known, t, seen if known.bend is None else (known.bend + seen) / 2)
    return _refer(known, t, known.bend) if leapt or t - known.referred_at >= REFERENCE_S else known


def _refer(known: Service, t: float, bend: float | None) -> Service:
    """From now on this is what the pace is compared with."""
    return replace(known, pace0=known.pace, load0=known.load, ready0=known.ready, referred_at=t, bend=bend)


def _learn_kappa(known: Service, tick: Tick, passed: float, percentile: float, slots: int) -> Service:
    """Moved toward where the model's percentile is the one that is measured."""
    quiet = tick.t - max(known.changed_at, known.crowded_at) > tick.window_s
    replica = known.replica(known.bend or 0.0, slots)
    if replica is None or not quiet or tick.latency_s <= 0 or known.rate <= 0:
        return known
    modelled = latency_near(replica, int(known.ready), known.rate, percentile, tick.latency_s)
    if modelled is None:
        return known
    told = passed * min(1.0, known.rate * tick.window_s / SURE_OF_PERCENTILE)
    kappa = known.kappa * (tick.latency_s / modelled) ** (told / (told + known.heard))
    return replace(known, kappa=min(max(kappa, LEAST_KAPPA), MOST_KAPPA), heard=min(known.heard + told, MEAN_S))
