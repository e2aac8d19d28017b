"""The policy `predictive`: forecasts of a metric by the day, where they are better than taking it as it is."""

from autoscaler.decide.predictive.policy import recommend

__all__ = ["recommend"]
