"""How few and how many replicas there may be now: the file's bounds, narrowed by an operator's order.

An order never widens the file's bounds; where its min and max cross, max wins. The floor is at least 1: nothing yet knows
when a service is idle. Source: CONTRACT, "HTTP API"; DECISIONS, "Zero".
"""

from dataclasses import dataclass

from autoscaler.model import Orders, Override
from autoscaler.spec.models import Bounds


@dataclass(frozen=True, slots=True)
class Fence:
    """The bounds in force. `until` is when an order that made them ends, None where none did or it has no end."""

    min: int
    max: int
    by_order: bool = False
    until: float | None = None

    def clamp(self, count: int) -> int:
        """The nearest count within."""
        return min(max(count, self.min), self.max)

    def __str__(self) -> str:
        return f"min {self.min}, max {self.max}" + (" (narrowed by an operator)" if self.by_order else "")


def in_force(orders: Orders, t: float) -> Override | None:
    """The override, unless its time is over."""
    override = orders.override
    if override is None or (override.until is not None and override.until <= t):
        return None
    return override


def fence(bounds: Bounds, override: Override | None) -> Fence:
    """The bounds in force under an override."""
    least = max(bounds.min, 1)
    if override is None or (override.min is None and override.max is None):
        return Fence(least, bounds.max)
    most = bounds.max if override.max is None else min(max(override.max, least), bounds.max)
    if override.min is not None:
        least = max(least, override.min)
    return Fence(min(least, most), most, by_order=True, until=override.until)
