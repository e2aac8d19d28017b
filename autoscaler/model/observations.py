"""What a decision sees of a service in one tick."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sample:
    """A number with its time, or None with the reason."""

    value: float | None
    t: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A number that a source told, and the time that it is of."""

    value: float
    t: float


@dataclass(frozen=True, slots=True)
class Observation:
    """What a decision sees of one service in one tick: one line of `replay`.

    `totals` holds, by metric name, the average or rate since the previous tick; a name absent was not asked. `desired` is
    what the runtime was last asked for where someone else may have changed it, else None. `per_replica` holds one value a
    ready replica, None for one that reports none; `warming` of the ready ones have just become it and have no place there.
    `wall_offset` is wall clock minus `t`.
    """

    service: str
    t: float
    ready: int
    unready: int
    totals: Mapping[str, Sample] = field(default_factory=dict)
    per_replica: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    desired: int | None = None
    waiting: int = 0
    wall_offset: float = 0.0
    warming: int = 0
