"""`type: latency_slo`: a percentile of the latency within an objective, by a queueing model."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from autoscaler.spec.fields import PositiveDuration
from autoscaler.spec.models.base import Model

LOAD_METRICS = ("request_rate", "concurrency", "queue_length")


class LatencySlo(Model):
    """The fewest replicas that keep `percentile` of the requests within `objective`, by what is learned of the service."""

    type: Literal["latency_slo"]
    percentile: Literal[50, 90, 95, 99] = 95
    objective: PositiveDuration
    window: Annotated[PositiveDuration, Field(le=3600)] = 10.0

    @property
    def metric(self) -> str:
        """The metric that it is about."""
        return f"latency_p{self.percentile}"

    @property
    def windows(self) -> Mapping[str, float]:
        """The metrics that it is decided by, and how far back each is looked at."""
        return dict.fromkeys((*LOAD_METRICS, self.metric), self.window)

    @property
    def aim(self) -> float:
        """The latency that it wants, in seconds."""
        return self.objective

    @property
    def per_replica(self) -> bool:
        """Its aim is the whole service's."""
        return False

    @property
    def share(self) -> float:
        """The percentile as a share of the requests."""
        return self.percentile / 100
