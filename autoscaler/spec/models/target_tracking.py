"""`type: target_tracking`: Kubernetes HPA v2's algorithm."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from autoscaler.spec.fields import Duration, Fraction
from autoscaler.spec.models.base import Model, at_key
from autoscaler.spec.models.measured import Aim, Metric, default_window, name_of
from autoscaler.spec.models.metrics import FRACTION_METRICS, LATENCIES, REPLICA_METRICS, TOTAL_ONLY_METRICS


class Tolerance(Model):
    """How far a ratio may be from 1 before anything moves, each way."""

    up: Fraction = 0.1
    down: Annotated[Fraction, Field(lt=1)] = 0.1


def _tolerance(given: Any) -> Any:
    if isinstance(given, str | int | float) and not isinstance(given, bool):
        return {"up": given, "down": given}
    return given


Tolerances = Annotated[Tolerance, BeforeValidator(_tolerance, json_schema_input_type=str | float | Tolerance)]


LARGEST_FRACTION = 10.0  # a replica without `cpus` may use several cores; seventy of them is a forgotten %


class TargetTracking(Model):
    """Kubernetes HPA v2's algorithm. `target` is one replica's share of the metric, `total` the whole service's.

    For `cpu`, `memory` and `error_ratio` that is a fraction; for the others a number in the metric's unit (latencies:
    seconds).
    """

    type: Literal["target_tracking"]
    measured: Metric = Field(alias="metric")
    target: Aim | None = None
    total: Aim | None = None
    tolerance: Tolerances = Tolerance()
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
    def aim(self) -> float | None:
        """What it wants of its metric."""
        return self.target if self.target is not None else self.total

    @property
    def per_replica(self) -> bool:
        """Whether its aim is one replica's share."""
        return self.target is not None

    @model_validator(mode="after")
    def _aimed(self) -> "TargetTracking":
        """Exactly one of `target` and `total`, and the one that the metric can have."""
        metric = self.metric
        if self.target is not None and self.total is not None:
            raise at_key("total", "given beside `target`; keep `target` (one replica's share) or `total` (the service's)")
        if metric in TOTAL_ONLY_METRICS and self.total is None:
            example = "`total: 250ms`" if metric in LATENCIES else "`total: 1%`"
            key, what = ("total", "is missing") if self.target is None else ("target", "can't be shared out among replicas")
            raise at_key(key, f"{metric} {what}; write {example}")
        if metric in REPLICA_METRICS and self.target is None:
            key, what = ("target", "needs it") if self.total is None else ("total", "is measured at each replica")
            raise at_key(key, f"{metric} {what}; write `target: 70%`")
        aim = self.aim
        if metric in FRACTION_METRICS and aim is not None and aim > LARGEST_FRACTION:
            raise at_key(
                "total" if self.target is None else "target",
                f"is {aim:.0%} of what there is; write `{aim:g}%` for {aim:g} %",
            )
        if aim is None:
            raise at_key("target", "is missing; write `target: 50` (one replica's share) or `total: 500` (the service's)")
        return self
