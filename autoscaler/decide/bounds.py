"""How few and how many replicas there may be now: the file's bounds, moved by a schedule, narrowed by an operator's order.

An order never widens the bounds; where its min and max cross, max wins. A floor of 0 is for zero.py to judge.
Source: CONTRACT, "HTTP API"; DECISIONS, "schedule" and "Zero".
"""

from dataclasses import replace

from autoscaler.decide.schedule import bounds
from autoscaler.model import Fence, Orders, Override
from autoscaler.spec.models import ServiceSpec

OPERATOR = "narrowed by an operator"


def in_force(orders: Orders, t: float) -> Override | None:
    """The override, unless its time is over."""
    override = orders.override
    if override is None or (override.until is not None and override.until <= t):
        return None
    return override


def fence(spec: ServiceSpec, override: Override | None, t: float, wall_offset: float) -> Fence:
    """The bounds in force at `t` under an override; `wall_offset` is the wall clock minus `t`."""
    within = bounds(spec, t, wall_offset)
    if override is None:
        return within
    if override.max is not None and override.max < within.max:
        within = replace(within, max=max(override.max, within.min), max_by=OPERATOR, max_until=override.until)
    if override.min is not None and override.min > within.min:
        within = replace(within, min=min(override.min, within.max), min_by=OPERATOR, min_until=override.until)
    return within
