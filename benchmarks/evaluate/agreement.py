"""The compiled engine beside autoscaler.simulate: the same policy on the same trace and model, over several seeds.

    z = |mean of ours - mean of theirs| / sqrt(s_ours^2 / n + s_theirs^2 / n)        beyond 3: they do not agree

Chance is drawn in another order, so single runs differ.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt
from statistics import mean, variance

from autoscaler.simulate import Model, Objective, ServiceTime, Trace, simulate
from autoscaler.simulate.trace import Segment
from autoscaler.spec.models import Bind, Bounds, ReplicaSpec, Route, ServiceSpec, TargetTracking
from benchmarks.evaluate.compiled import zeros
from benchmarks.evaluate.controllers import PACED_BY_ITSELF, Deciding
from benchmarks.evaluate.fleet import SERVICE_S, WAIT_S, Fleet

MOST = 60
STARTUP_S = 5.0
SEEDS = 8
WAVE = (60.0, 20.0, 100.0, 40.0, 150.0, 80.0)  # requests/s, each for some minutes
TARGET = 8.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What both engines tell of a run."""

    late_share: float
    violated_share: float
    replica_s: float
    turns: float


def ours(seconds: int, seed: int, crashes_an_hour: float = 0.0) -> Figures:
    """The compiled engine's."""
    rates = zeros(seconds)
    for second in range(seconds):
        rates[second] = _rate(second, seconds)
    fleet = Fleet(rates, start=0, startup_s=STARTUP_S, replicas=10, seed=seed, crashes_an_hour=crashes_an_hour)
    controller = Deciding(policy(), 1, MOST)
    desired, last, turns = 10, 0, 0
    for _ in range(seconds):
        wanted = controller.decide(fleet.run(1, desired))
        turns += (wanted - desired) * last < 0
        last = wanted - desired or last
        desired = wanted
    late, came = sum(fleet.late), sum(fleet.came)
    return Figures(late / came, fleet.violated(0, seconds // 60, 0.01) / (seconds // 60), fleet.replica_s, turns)


def theirs(seconds: int, seed: int, crashes_an_hour: float = 0.0) -> Figures:
    """autoscaler.simulate's."""
    length = seconds / len(WAVE)
    segments = tuple(Segment(i * length, (i + 1) * length, rate, rate) for i, rate in enumerate(WAVE))
    spec = ServiceSpec(
        service="web",
        replica=ReplicaSpec(port=5000),
        route=Route(bind=Bind(host="127.0.0.1", port=8080), max_concurrency=1),
        replicas=Bounds(min=1, max=MOST),
        policies=(policy(),),
        behavior=PACED_BY_ITSELF,
    )
    model = Model(ServiceTime(SERVICE_S), 1, STARTUP_S, Objective(inf, WAIT_S), seed, crashes_per_hour=crashes_an_hour)
    result = simulate(spec, Trace(segments), model)
    late = result.slo_violations / result.requests
    return Figures(late, result.windows_violated_fraction, result.replica_seconds, result.direction_changes)


def policy() -> TargetTracking:
    """One that follows chance closely, so that all of a fleet's ways are gone."""
    return TargetTracking(type="target_tracking", metric="request_rate", target=TARGET)


def apart(some: list[float], others: list[float]) -> float:
    """z of two samples' means."""
    spread = sqrt(variance(some) / len(some) + variance(others) / len(others))
    return 0.0 if mean(some) == mean(others) else inf if spread == 0 else abs(mean(some) - mean(others)) / spread


def compared(seconds: int, seeds: int, crashes_an_hour: float = 0.0) -> dict[str, tuple[float, float, float]]:
    """By figure: our mean, their mean and z."""

    def of(engine: Callable[[int, int, float], Figures]) -> list[Figures]:
        return [engine(seconds, seed, crashes_an_hour) for seed in range(1, seeds + 1)]

    pairs = of(ours), of(theirs)
    made = {}
    for name in Figures.__slots__:
        some, others = ([float(getattr(figures, name)) for figures in side] for side in pairs)
        made[name] = mean(some), mean(others), apart(some, others)
    return made


def told() -> str:
    """A line for each figure, without crashes and with many."""
    lines = []
    for crashes in (0.0, 120.0):
        for name, (some, others, z) in compared(6 * 1800, SEEDS, crashes).items():
            lines.append(f"{crashes:3.0f} crashes/h  {name:15} compiled {some:.6g}  simulate {others:.6g}  z {z:.2f}")
    return "\n".join(lines)


def _rate(second: int, seconds: int) -> float:
    return WAVE[min(second * len(WAVE) // seconds, len(WAVE) - 1)]
