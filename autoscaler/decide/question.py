"""What a policy is asked in one tick, and what it answers."""

from dataclasses import dataclass, field

from autoscaler.decide.memory import PolicyMemory
from autoscaler.decide.samples import Points
from autoscaler.model import Observation


@dataclass(frozen=True, slots=True)
class Question:
    """How many replicas? `current` is the count asked for so far, `points` the samples in the policies' windows.

    `memory` is what this policy handed back the last time it was asked.
    """

    seen: Observation
    t: float
    current: int
    points: Points
    memory: PolicyMemory = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """So many replicas, or None: where `missing`, because the metric is. `raw` is the number before rounding up."""

    value: int | None
    raw: float | None
    reason: str
    missing: bool = False
    memory: PolicyMemory = field(default_factory=dict)
