"""One service under a policy, and how few and how many replicas it may have."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from autoscaler.spec.fields import PositiveDuration
from autoscaler.spec.models.auto import Auto
from autoscaler.spec.models.base import Model
from autoscaler.spec.models.behavior import Behavior
from autoscaler.spec.models.policies import Measured, Policy
from autoscaler.spec.models.replica import ReplicaSpec
from autoscaler.spec.models.route import Route
from autoscaler.spec.models.shadow import Shadow
from autoscaler.spec.models.sources import SourceMetric

SERVICE_NAME = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"
ServiceName = Annotated[str, StringConstraints(pattern=f"^{SERVICE_NAME}$")]


class Bounds(Model):
    """How few and how many replicas there may be."""

    min: Annotated[int, Field(ge=0)] = 1
    max: Annotated[int, Field(ge=1, le=10_000)] = 10

    @model_validator(mode="after")
    def _ordered(self) -> "Bounds":
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}; lower min or raise max")
        return self


class Ignored(Model):
    """Requests that wake nobody."""

    user_agents: tuple[str, ...] = ("Prometheus", "kube-probe")
    paths: tuple[str, ...] = ("/robots.txt",)


class ScaleToZero(Model):
    """When a service with `replicas.min: 0` has none, after no load for `idle` seconds, and what its requests wait for."""

    idle: PositiveDuration = 300.0
    hold_timeout: PositiveDuration = 30.0
    max_held: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    ignore: Ignored = Ignored()


class ServiceSpec(Model):
    """One service under a policy. `spec_hash` is of what the file says in `replica:`, `folder` where the file lies."""

    service: ServiceName
    runtime: Literal["docker", "process"] = "docker"
    replica: ReplicaSpec
    route: Route
    replicas: Bounds = Bounds()
    policies: tuple[Policy, ...] = (Auto(type="auto"),)
    behavior: Behavior = Behavior()
    scale_to_zero: ScaleToZero | None = None
    shadow: tuple[Shadow, ...] = ()
    spec_hash: str = ""
    folder: str = "."

    @property
    def idle(self) -> float:
        """With `replicas.min: 0`: no load for so long, and there shall be none."""
        return (self.scale_to_zero or ScaleToZero()).idle

    @property
    def every_policy(self) -> tuple[Policy, ...]:
        """Its policies, then its shadows'."""
        return (*self.policies, *(policy for shadow in self.shadow for policy in shadow.policies))

    def shadowed(self, shadow: Shadow) -> "ServiceSpec":
        """The service as it would be under a shadow of its."""
        return self.model_copy(update={"policies": shadow.policies, "behavior": shadow.behavior, "shadow": ()})

    @property
    def sources(self) -> Mapping[str, SourceMetric]:
        """The metrics of other systems that its policies and its shadows' look at, by name."""
        measured = [policy.measured for policy in self.every_policy if isinstance(policy, Measured)]
        return {metric.name: metric for metric in measured if isinstance(metric, SourceMetric)}


NAME_PATTERN = re.compile(SERVICE_NAME)
