"""Shadow policies: decided on the same live numbers, never acted on, and scored against what ran. All of it is pure."""

from autoscaler.decide.shadow.step import Shadowing, step

__all__ = ["Shadowing", "step"]
