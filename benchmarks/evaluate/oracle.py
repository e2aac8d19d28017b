"""Who knows what comes: as many replicas as the formula needs, started in time. The level is the formula's P.

At P = 1% it is what all are measured by. But each minute's share of late requests lies about that 1% by chance, above it as
often as not where counts just suffice; so at 1% it does not meet the limit on minutes. The highest P that does is found as
baselines' knobs are.
"""

from pathlib import Path

from benchmarks.evaluate.baselines import Baseline, Knobs
from benchmarks.evaluate.controllers import Controller, Planned
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.staffing import needed, planned

SHARES = (0.0002, 0.0005, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01)


def oracle(folder: Path) -> Baseline:
    """The oracle of the traces in this folder."""

    def make(knobs: Knobs, scenario: Scenario) -> Controller:
        return Planned(planned(needed(scenario.rates(folder), knobs.level, scenario.most), scenario.startup_s))

    return Baseline("oracle", Knobs(0.01), make, levels=SHARES)
