"""How many replicas there shall be, and all that led to it."""

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Why a decision is what it is, in the order in which they take precedence."""

    OVERRIDE = "override"
    PAUSED = "paused"
    IDLE = "idle"
    HOLD = "hold"
    PANIC = "panic"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What one policy asks for; `value` is None where it gives none. `raw` is the number before rounding up.

    `policy` is its index in the file. `metric` and `reason` are for people.
    """

    policy: int
    type: str
    value: int | None
    metric: str
    raw: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that bound the count: it came in as `before`, left as `after`. `until` is when it lets go, where known."""

    name: str
    before: int
    after: int
    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas there shall be, and all that led to it. `wanted` is what the policies ask for, before limits."""

    service: str
    t: float
    desired: int
    current: int
    wanted: int
    recommendations: tuple[Recommendation, ...]
    limits: tuple[Limit, ...]
    mode: Mode
    reason: str

    @property
    def limited_by(self) -> tuple[str, ...]:
        """Names of the limits that bound it, in the order applied."""
        return tuple(limit.name for limit in self.limits)
