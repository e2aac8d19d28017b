"""How fast a count may move: Kubernetes HPA v2's `behavior`."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from autoscaler.spec.fields import Duration, PositiveDuration
from autoscaler.spec.models.base import Model


class Rate(Model):
    """So much change is allowed in a period: `percent` of the count at its start, or so many `replicas`."""

    percent: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    replicas: Annotated[int, Field(gt=0)] | None = None
    period: Annotated[PositiveDuration, Field(le=1800)]

    @model_validator(mode="after")
    def _one_of(self) -> "Rate":
        if (self.percent is None) == (self.replicas is None):
            raise ValueError("a rate is either `percent` or `replicas`; give one of them")
        return self


class ScalingRules(Model):
    """One direction's stabilization and rates. No rates at all: as fast as asked."""

    stabilization_window: Annotated[Duration, Field(le=3600)]
    select: Literal["max", "min", "disabled"] = "max"
    policies: tuple[Rate, ...]


HPA_SCALE_UP = ScalingRules(
    stabilization_window=0.0, policies=(Rate(percent=100.0, period=15.0), Rate(replicas=4, period=15.0))
)
HPA_SCALE_DOWN = ScalingRules(stabilization_window=300.0, policies=(Rate(percent=100.0, period=15.0),))
OPEN = ScalingRules(stabilization_window=0.0, policies=())


class Behavior(Model):
    """Kubernetes HPA v2's `behavior`, each field left out already filled in (DECISIONS.md says with what)."""

    scale_up: ScalingRules = HPA_SCALE_UP
    scale_down: ScalingRules = HPA_SCALE_DOWN
    anti_flap: bool = False
    on_missing_metrics: Literal["hold", "scale_up", "fallback"] = "hold"
    fallback_replicas: Annotated[int, Field(ge=1)] | None = 3
