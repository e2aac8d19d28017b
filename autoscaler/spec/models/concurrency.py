"""`type: concurrency`: Knative KPA's algorithm, with panic mode."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from autoscaler.spec.fields import Fraction, PositiveDuration
from autoscaler.spec.models.base import Model, at_key

Window = Annotated[PositiveDuration, Field(le=3600)]

STABLE_WINDOW_S = 60.0
PANIC_SHARE = 0.1  # of the stable window, as KPA's 10%


def _panic_window(given: dict[str, Any]) -> float:
    return PANIC_SHARE * float(given.get("stable_window", STABLE_WINDOW_S))


class Concurrency(Model):
    """Knative KPA's algorithm: so many requests at once at each replica, `target` x `utilization`, over two windows."""

    type: Literal["concurrency"]
    target: Annotated[float, Field(gt=0)]
    utilization: Annotated[Fraction, Field(gt=0, le=1)] = 0.7
    stable_window: Window = STABLE_WINDOW_S
    panic_window: Window = Field(default_factory=_panic_window)
    panic_threshold: Annotated[Fraction, Field(gt=1)] = 2.0
    max_scale_up_rate: Annotated[float, Field(gt=1)] = 1000.0
    max_scale_down_rate: Annotated[float, Field(gt=1)] = 2.0
    activation_scale: Annotated[int, Field(ge=1)] = 1

    @property
    def metric(self) -> str:
        """The metric that it is about."""
        return "concurrency"

    @property
    def windows(self) -> Mapping[str, float]:
        """The metrics that it is decided by, and how far back each is looked at."""
        return {self.metric: self.stable_window}

    @property
    def aim(self) -> float:
        """The requests at once that a replica shall have."""
        return self.target * self.utilization

    @property
    def per_replica(self) -> bool:
        """Its aim is one replica's share."""
        return True

    @model_validator(mode="after")
    def _within(self) -> "Concurrency":
        if self.panic_window > self.stable_window:
            raise at_key("panic_window", "is longer than stable_window; write a shorter one, such as a tenth of it")
        return self
