"""The policies of a service: each a type of its own, in a module of its own.

Of each the other rooms know: `windows`, the metrics that it is decided by and how far back each is looked at in seconds;
`metric`, the one that it is about; `aim`, what it wants of that one, `per_replica` or in all, None where it wants no
single number.
"""

from typing import Annotated

from pydantic import Field

from autoscaler.spec.models.auto import Auto
from autoscaler.spec.models.concurrency import Concurrency
from autoscaler.spec.models.latency_slo import LatencySlo
from autoscaler.spec.models.predictive import Predictive
from autoscaler.spec.models.schedule import Schedule
from autoscaler.spec.models.step import Step
from autoscaler.spec.models.target_tracking import TargetTracking

Measured = TargetTracking | Step | Predictive  # their metric, `measured`, may be another system's
Policy = Annotated[
    TargetTracking | Concurrency | Step | Schedule | LatencySlo | Predictive | Auto, Field(discriminator="type")
]
