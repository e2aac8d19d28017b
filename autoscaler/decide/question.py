"""What a policy is asked in one tick, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler.decide.history import History
from autoscaler.decide.memory import PolicyMemory, PolicyTables
from autoscaler.decide.samples import Points
from autoscaler.model import Observation


@dataclass(frozen=True, slots=True)
class Question:
    """How many replicas? `current` is the count asked for so far, `points` the samples in the policies' windows.

    `memory` and `tables` are what this policy handed back the last time it was asked. `floor` is the least there may be now,
    and `others_answer` says whether any policy on a metric gave a number, None where the file has none. `history` holds, by
    metric, the minutes of the last days, `wall` is the wall clock. A replica takes `max_concurrency` requests at once.
    """

    seen: Observation
    t: float
    current: int
    points: Points
    memory: PolicyMemory = field(default_factory=dict)
    tables: PolicyTables = field(default_factory=dict)
    floor: int = 1
    others_answer: bool | None = None
    history: Mapping[str, History] = field(default_factory=dict)
    wall: float = 0.0
    max_concurrency: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """So many replicas, or None: where `missing`, because the metric is. `raw` is the number before rounding up.

    `panic`: it answers a surge, and goes no lower until that has been over for a while. `out_of_reach`: no
    count meets its objective.
    """

    value: int | None
    raw: float | None
    reason: str
    missing: bool = False
    panic: bool = False
    out_of_reach: bool = False
    memory: PolicyMemory = field(default_factory=dict)
    tables: PolicyTables = field(default_factory=dict)


def warming_up(asked: Question) -> Answer | None:
    """What a policy on what replicas use answers while all that are ready have just become it: stay. None at other times."""
    if not 0 < asked.seen.ready <= asked.seen.warming:
        return None
    return Answer(
        asked.current, None, f"all {asked.seen.ready} ready are warming up, asks for {asked.current}", memory=asked.memory
    )


def missing(metric: str, what: str, memory: PolicyMemory | None = None, tables: PolicyTables | None = None) -> Answer:
    """The answer of a policy whose metric is missing; what it remembers stays."""
    return Answer(None, None, f"{metric} is missing: {what}", missing=True, memory=memory or {}, tables=tables or {})


def problem(metric: str, asked: Question) -> str:
    """Why a metric has no value in its window."""
    sample = asked.seen.totals.get(metric)
    if metric in asked.seen.per_replica:
        return "no replica reports it"
    if sample is None:
        return "it is not among the measured"
    if sample.value is None:
        return sample.problem or "no value"
    return f"{sample.value:g} is no number to decide by"
