"""What one decision was made of, so that it can be made again with something else in its place.

Deciding is pure: the same case gives the same decision, and a case that differs in one thing tells what that thing did.
"""

from dataclasses import dataclass, replace

from autoscaler.decide.decider import decide
from autoscaler.decide.memory import Memory
from autoscaler.model import NO_ORDERS, Decision, Observation, Orders, Sample
from autoscaler.spec.models import REPLICA_METRICS, ServiceSpec


@dataclass(frozen=True, slots=True)
class Case:
    """The values that `decide` was given: `memory` is that from before the decision."""

    spec: ServiceSpec
    seen: Observation
    memory: Memory
    orders: Orders = NO_ORDERS

    def decide(self) -> tuple[Decision, Memory]:
        """The decision, made again."""
        return decide(self.spec, self.seen, self.memory, self.orders)

    def with_value(self, metric: str, value: float) -> "Case":
        """The same, had the metric had this value all through its windows; at each replica that reports it."""
        if metric in REPLICA_METRICS:
            told = tuple(None if each is None else value for each in self.seen.per_replica.get(metric, ()))
            return replace(self, seen=replace(self.seen, per_replica={**self.seen.per_replica, metric: told}))
        sample = Sample(value, self.seen.t)
        return replace(
            self,
            seen=replace(self.seen, totals={**self.seen.totals, metric: sample}),
            memory=replace(self.memory, samples={**self.memory.samples, metric: ()}),
        )
