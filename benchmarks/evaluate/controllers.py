"""What sets the count of replicas: asked every `period_s`, told what happened since."""

from collections.abc import Sequence
from typing import Protocol

from autoscaler.decide import EMPTY, decide
from autoscaler.model import Observation, Sample
from autoscaler.spec.models import OPEN, Behavior, Bind, Bounds, Policy, ReplicaSpec, Route, ServiceSpec
from benchmarks.evaluate.fleet import Seen

OUTAGE = "the proxy did not answer"
PACED_BY_ITSELF = Behavior(scale_up=OPEN, scale_down=OPEN)


class Controller(Protocol):
    """A policy at work. It changes in place."""

    period_s: int

    def decide(self, seen: Seen) -> int:
        """How many replicas there shall be."""


class Deciding:
    """One of our policies, through the `decide()` that the daemon runs."""

    def __init__(self, policy: Policy, period_s: int, most: int, behavior: Behavior = PACED_BY_ITSELF) -> None:
        self.period_s = period_s
        self._memory = EMPTY
        self._spec = ServiceSpec(
            service="web",
            replica=ReplicaSpec(port=5000),
            route=Route(bind=Bind(host="127.0.0.1", port=8080), max_concurrency=1),
            replicas=Bounds(min=1, max=most),
            policies=(policy,),
            behavior=behavior,
        )

    def decide(self, seen: Seen) -> int:
        """As `decide()` says."""
        t = seen.t
        values = {"request_rate": seen.rate, "concurrency": seen.concurrency, "queue_length": seen.queue}
        if seen.is_missing:
            totals = {name: Sample(None, t, OUTAGE) for name in values}
        else:
            totals = {name: Sample(value, t) for name, value in values.items()}
        observed = Observation("web", t, seen.ready, seen.starting, totals, waiting=seen.waiting)
        decision, self._memory = decide(self._spec, observed, self._memory)
        return decision.desired


class Planned:
    """So many each second, whatever happens: the static count, and the oracle's plan. It is what is wanted from then on."""

    def __init__(self, plan: Sequence[float], period_s: int = 1) -> None:
        self.period_s = period_s
        self._plan = plan

    def decide(self, seen: Seen) -> int:
        """What the plan has for the second that begins."""
        return int(self._plan[min(int(seen.t), len(self._plan) - 1)])
