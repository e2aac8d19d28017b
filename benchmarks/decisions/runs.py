"""A policy through the day: what is drawn of it second by second, and how it did.

A replica works on four requests at once, 1 s each on average with half of that as deviation, and is ready 10 s after its
start. A request is late where it waits longer than 200 ms. Policies that learn of days have seen some before.
"""

from dataclasses import dataclass

from autoscaler.simulate import Model, Objective, Result, ServiceTime, Timeline, Trace, simulate
from autoscaler.simulate.histogram import Histogram
from autoscaler.simulate.staffing import Staffing
from autoscaler.spec.models import ServiceSpec
from benchmarks.decisions.day import DAY_S, MONDAY, trace

SLOTS = 4
SERVICE_S = 1.0
SERVICE_CV = 0.5
STARTUP_S = 10.0
WAIT_S = 0.2
DAYS_BEFORE = {"auto": 1, "predictive": 3}
MOST = 99


@dataclass(frozen=True, slots=True)
class Second:
    """A tick of the day: `needed` are the replicas that keep all but 1% from being late."""

    hour: float
    rate: float
    needed: int
    ready: int
    desired: int
    arrivals: int
    late: int


@dataclass(frozen=True, slots=True)
class Run:
    """The day under one policy."""

    seconds: tuple[Second, ...]
    result: Result

    @property
    def late(self) -> str:
        """The share of the requests that were late."""
        return f"{self.result.slo_violations / self.result.requests:.2%}"

    @property
    def cost(self) -> str:
        """Replica-seconds, as a multiple of the oracle's."""
        return f"{self.result.replica_seconds / self.result.oracle_replica_seconds:.2f}"


class Recorder(Timeline):
    """Keeps each tick. It changes in place."""

    def __init__(self, traffic: Trace) -> None:
        super().__init__(traffic, 1.0)
        self._staffing = Staffing(SERVICE_S, SERVICE_CV, SLOTS, WAIT_S)
        self.seconds: list[Second] = []

    def add(
        self,
        end: float,
        span_s: float,
        rate: float,
        ready: int,
        desired: int,
        arrivals: int,
        late: int,
        latencies: Histogram,
    ) -> None:
        """A tick."""
        if end > MONDAY:
            needed = self._staffing.needed(rate, MOST)
            self.seconds.append(Second((end - MONDAY) / 3600, rate, needed, ready, desired, arrivals, late))


def run(name: str, spec: ServiceSpec) -> Run:
    """That policy type's day."""
    before = DAYS_BEFORE.get(name, 0)
    traffic = trace(before)
    objective = Objective(wait_s=WAIT_S)
    model = Model(ServiceTime(SERVICE_S, SERVICE_CV), SLOTS, STARTUP_S, objective, warm_up_s=before * DAY_S)
    recorder = Recorder(traffic)
    result = simulate(spec, traffic, model, recorder)
    return Run(tuple(recorder.seconds), result)
