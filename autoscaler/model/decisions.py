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

    `policy` is its index in the file. `metric` and `reason` are for people. `out_of_reach`: no count meets its
    objective, more replicas do not help.
    """

    policy: int
    type: str
    value: int | None
    metric: str
    raw: float | None
    reason: str
    out_of_reach: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that bound the count: it came in as `before`, left as `after`. `until` is when it lets go, where known."""

    name: str
    before: int
    after: int
    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """The bounds in force: the file's, a schedule's, or an operator's narrower ones.

    `min_by` and `max_by` name who moved one ("" where it is the file's own), the untils say when that ends, where known.
    """

    min: int
    max: int
    min_by: str = ""
    max_by: str = ""
    min_until: float | None = None
    max_until: float | None = None

    def clamp(self, count: int) -> int:
        """The nearest count within."""
        return min(max(count, self.min), self.max)

    def __str__(self) -> str:
        return f"{self.told_min()}, {self.told_max()}"

    def told_min(self) -> str:
        """The lower bound for people."""
        return f"min {self.min}" + (f" ({self.min_by})" if self.min_by else "")

    def told_max(self) -> str:
        """The upper bound for people."""
        return f"max {self.max}" + (f" ({self.max_by})" if self.max_by else "")


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas there shall be, and all that led to it. `wanted` is what the policies ask for, before limits, and
    `within` are the bounds that it was made under. `flap` tells of a move back soon after one the other way, "" of none."""

    service: str
    t: float
    desired: int
    current: int
    wanted: int
    recommendations: tuple[Recommendation, ...]
    limits: tuple[Limit, ...]
    mode: Mode
    reason: str
    within: Fence
    flap: str = ""

    @property
    def limited_by(self) -> tuple[str, ...]:
        """Names of the limits that bound it, in the order applied."""
        return tuple(limit.name for limit in self.limits)
