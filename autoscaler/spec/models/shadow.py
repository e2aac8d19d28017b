"""`shadow:`: policies that are decided on the same live numbers and never acted on, to see what they would do.

A shadow is the service with other policies. Of `behavior` it may say what shall differ too; the rest is the service's.
"""

from typing import Annotated

from pydantic import StringConstraints

from autoscaler.spec.models.base import Model
from autoscaler.spec.models.behavior import Behavior
from autoscaler.spec.models.policies import Policy

MOST_SHADOWS = 8  # each costs a quarter of a millisecond a tick

ShadowName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_.:-]{0,59}$")]


class Shadow(Model):
    """What the service would be decided by instead."""

    name: ShadowName
    policies: tuple[Policy, ...]
    behavior: Behavior = Behavior()
