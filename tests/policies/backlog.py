"""Work that replicas do from a queue, without chance: the loop around a policy on a metric of another system.

    depth += jobs that come - ready * what each does       never below 0; one step a second

The depth is told every five seconds, as a source does, and stands until the next. Replicas start in five seconds.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from autoscaler.decide import EMPTY, decide
from autoscaler.decide.memory import Memory
from autoscaler.model import Observation, Sample
from autoscaler.spec.models import ServiceSpec

STARTUP_S = 5
TOLD_EACH_S = 5


@dataclass(frozen=True, slots=True)
class Tick:
    """A second."""

    depth: float
    ready: int
    desired: int


@dataclass
class Backlog:
    """One service and its queue, second by second. It changes in place. `given`: the metric, where it is no queue's depth;
    `unknown`: whether the metric is missing then."""

    spec: ServiceSpec
    metric: str
    each_does: float = 0.0
    given: Callable[[float], float] | None = None
    unknown: Callable[[float], bool] = lambda t: False
    ticks: list[Tick] = field(default_factory=list)
    depth: float = 0.0
    _memory: Memory = EMPTY
    _told: float = 0.0
    _ready: int = 1
    _ready_at: list[int] = field(default_factory=list)

    def run(self, seconds: int, comes: Callable[[float], float]) -> None:
        """So many seconds, in which so many jobs come each."""
        for t in range(seconds):
            self._ready += sum(at <= t for at in self._ready_at)
            self._ready_at = [at for at in self._ready_at if at > t]
            done = self._ready * self.each_does
            self.depth = self.given(t) if self.given else max(0.0, self.depth + comes(t) - done)
            if t % TOLD_EACH_S == 0:
                self._told = self.depth
            self._follow(t)

    def between(self, first: int, last: int) -> list[Tick]:
        """The ticks from one second to another."""
        return self.ticks[first:last]

    def _follow(self, t: int) -> None:
        sample = Sample(None, t, "no answer") if self.unknown(t) else Sample(self._told, t)
        seen = Observation(self.spec.service, t, self._ready, len(self._ready_at), {self.metric: sample})
        decision, self._memory = decide(self.spec, seen, self._memory)
        self.ticks.append(Tick(self.depth, self._ready, decision.desired))
        more = decision.desired - self._ready - len(self._ready_at)
        if more > 0:
            self._ready_at += [t + STARTUP_S] * more
        elif more < 0:
            self._ready_at, self._ready = [], min(self._ready, decision.desired)
