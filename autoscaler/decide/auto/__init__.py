"""The `auto` policy: the user gives an objective, all else is learned. policy.py has the whole in one page."""

from autoscaler.decide.auto.policy import recommend

__all__ = ["recommend"]
