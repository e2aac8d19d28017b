"""`type: predictive`: a forecast of a metric, so that replicas are there before the load comes."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from autoscaler.spec.fields import Duration
from autoscaler.spec.models.base import Model, at_key
from autoscaler.spec.models.measured import Aim, Metric, default_window, name_of
from autoscaler.spec.models.metrics import REPLICA_METRICS, TOTAL_ONLY_METRICS

MINUTE_S = 60
WEEK_S = 7 * 86400


class Predictive(Model):
    """As many replicas as carry `target` each of what the metric is forecast to be within `horizon`."""

    type: Literal["predictive"]
    measured: Metric = Field(alias="metric")
    target: Aim
    season: Annotated[Duration, Field(ge=3600, le=WEEK_S)] = 86400.0
    horizon: Annotated[Duration, Field(ge=60, le=7200)] = 300.0
    window: Annotated[Duration, Field(le=3600)] = Field(default_factory=default_window)

    @property
    def metric(self) -> str:
        """The metric that it is about."""
        return name_of(self.measured)

    @property
    def windows(self) -> Mapping[str, float]:
        """The metrics that it is decided by, and how far back each is looked at."""
        return {self.metric: self.window}

    @property
    def aim(self) -> float:
        """What it wants of its metric."""
        return self.target

    @property
    def per_replica(self) -> bool:
        """Its aim is one replica's share."""
        return True

    @model_validator(mode="after")
    def _can_be_forecast(self) -> "Predictive":
        """Of load alone; what hangs on the count of replicas too would be forecast as if that never changed."""
        if self.metric in (*REPLICA_METRICS, *TOTAL_ONLY_METRICS):
            allowed = "request_rate, concurrency, queue_length, or a mapping with `source`"
            raise at_key(
                "metric", f"{self.metric} hangs on how many replicas there are, so it is no load; allowed: {allowed}"
            )
        if self.season % MINUTE_S:
            raise at_key("season", "is no whole number of minutes; write it like 24h")
        if self.horizon > self.season / 2:
            raise at_key("horizon", "is more than half of a season; write a shorter one, or a longer `season`")
        return self
