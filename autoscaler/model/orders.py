"""What an operator has ordered for a service."""

from dataclasses import dataclass
from enum import StrEnum


class PauseKind(StrEnum):
    """Which moves a pause stops."""

    ALL = "all"
    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's word: this many replicas, or narrower bounds, until `until` (None: until taken back)."""

    replicas: int | None = None
    min: int | None = None
    max: int | None = None
    until: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Orders:
    """What an operator has ordered for a service; `down` keeps it at no replicas at all, outside of any decision."""

    override: Override | None = None
    pause: PauseKind | None = None
    down: bool = False


NO_ORDERS = Orders()
