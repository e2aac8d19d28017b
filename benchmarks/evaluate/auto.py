"""`auto` as a user gets it who leaves `policies` out: nothing set, asked each second."""

from autoscaler.spec.models import Auto
from benchmarks.evaluate.controllers import Controller, Deciding
from benchmarks.evaluate.scenario import Scenario

PERIOD_S = 1


def auto(scenario: Scenario) -> Controller:
    """It knows nothing of the scenario but `replicas.max`."""
    return Deciding(Auto(type="auto"), PERIOD_S, scenario.most)
