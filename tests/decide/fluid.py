"""A service in closed form, to close the loop around a policy: no chance in it.

A replica with x requests in flight answers u x / (1 + bend x) of them a second, so each takes (1 + bend x) / u: `bend` 1 is
a processor that they share, 0 a slow database elsewhere. What `slots` don't take waits in the proxy. The percentile of the
latency is `kappa` times the mean. Replicas start in `startup_s`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from autoscaler.decide import EMPTY, Case
from autoscaler.decide.memory import Memory
from autoscaler.model import Decision, Observation, Sample
from autoscaler.spec.models import ServiceSpec


@dataclass
class Fluid:
    """One service, second by second. It changes in place."""

    spec: ServiceSpec
    ready: int
    u: float
    bend: float
    kappa: float = 3.0
    slots: float = 20.0
    startup_s: float = 5.0
    t: float = 0.0
    queue: float = 0.0
    latency_s: float = 0.0
    memory: Memory = EMPTY
    decisions: list[Decision] = field(default_factory=list)
    case: Case = field(init=False)  # of the last tick
    _ordered: list[tuple[float, int]] = field(default_factory=list)

    def run(self, seconds: int, rate: Callable[[float], float] | float) -> None:
        """So many ticks of a second."""
        for _ in range(seconds):
            self.t += 1.0
            self._tick(rate(self.t) if callable(rate) else rate)

    @property
    def counts(self) -> list[int]:
        """The counts decided so far."""
        return [decision.desired for decision in self.decisions]

    def _tick(self, rate: float) -> None:
        self._become_ready()
        busy, served = self._serve(rate + self.queue)
        self.queue = max(0.0, self.queue + rate - served)
        mean_s = (busy + self.queue) / served if served else 0.0
        self.latency_s = self.kappa * mean_s
        totals = {
            "request_rate": rate,
            "concurrency": busy + self.queue,
            "queue_length": self.queue,
            **{f"latency_p{percentile}": self.latency_s for percentile in (50, 90, 95, 99)},
        }
        seen = Observation(
            "web",
            self.t,
            self.ready,
            self._starting,
            {name: Sample(value, self.t) for name, value in totals.items()},
            waiting=int(self.queue),
        )
        self.case = Case(self.spec, seen, self.memory)
        decision, self.memory = self.case.decide()
        self.decisions.append(decision)
        missing = decision.desired - self.ready - self._starting
        if missing > 0:
            self._ordered.append((self.t + self.startup_s, missing))
        elif missing < 0:
            self._ordered = []
            self.ready = min(self.ready, decision.desired)

    @property
    def _starting(self) -> int:
        return sum(count for _, count in self._ordered)

    def _become_ready(self) -> None:
        self.ready += sum(count for at, count in self._ordered if at <= self.t)
        self._ordered = [(at, count) for at, count in self._ordered if at > self.t]

    def _serve(self, load: float) -> tuple[float, float]:
        """Requests at replicas, and served a second, of `load` that could be."""
        share = load / self.ready
        most = self.u * self.slots / (1 + self.bend * self.slots)
        if share >= most:
            return self.slots * self.ready, most * self.ready
        return share / (self.u - self.bend * share) * self.ready, load
