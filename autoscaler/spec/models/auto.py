"""`type: auto`: learns what a replica carries, and keeps requests from waiting."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from autoscaler.spec.fields import PositiveDuration
from autoscaler.spec.models.base import Model


class WaitObjective(Model):
    """So many per cent of the requests wait no longer than that."""

    percentile: Annotated[float, Field(ge=50, le=99.9)] = 99.0
    wait: Annotated[PositiveDuration, Field(le=60)] = 0.2


class Auto(Model):
    """Learns what one replica carries and how the traffic moves, and keeps requests from waiting; nothing else to tune."""

    type: Literal["auto"]
    objective: WaitObjective = WaitObjective()

    @property
    def metric(self) -> str:
        """The metric that it is about."""
        return "request_rate"

    @property
    def windows(self) -> Mapping[str, float]:
        """The metrics that it is decided by, and how far back each is looked at."""
        return {"request_rate": 10.0, "concurrency": 10.0, "queue_length": 10.0}

    @property
    def aim(self) -> None:
        """It wants no single number of its metric."""
        return

    @property
    def per_replica(self) -> bool:
        """Its objective is the whole service's."""
        return False
