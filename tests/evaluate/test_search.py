"""Finding a baseline's best knob."""

from dataclasses import replace

from benchmarks.evaluate.baselines import Baseline, Knobs
from benchmarks.evaluate.controllers import Controller, Planned
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.search import best
from benchmarks.evaluate.trial import Score

MET = Score(
    requests=1000,
    late=0,
    minutes=100,
    violated=0,
    replica_s=1.0,
    oracle_s=1.0,
    turns=0,
    hours=1.0,
    blind_falls=0,
    is_complete=True,
)
LEVELS = tuple(round(0.05 * step, 2) for step in range(6, 20))


def make(knobs: Knobs, scenario: Scenario) -> Controller:
    return Planned((1.0,))


BASELINE = Baseline("one", Knobs(0.8), make, variants=(0, 60), levels=LEVELS)


def test_the_highest_level_within_the_limits_costs_least() -> None:
    tried: list[Knobs] = []

    def attempt(knobs: Knobs, gives_up: bool) -> Score:
        tried.append(knobs)
        bound = 0.6 if knobs.variant else 0.5
        return replace(MET, replica_s=1 / knobs.level, violated=0 if knobs.level <= bound else 9)

    assert best(BASELINE, attempt)[0] == Knobs(0.6, 60)
    assert len(set(tried)) < 2 * 7


def test_a_level_within_above_one_that_is_not_is_found() -> None:
    def attempt(knobs: Knobs, gives_up: bool) -> Score:
        is_within = knobs.level <= 0.5 or knobs.level == 0.6
        return replace(MET, replica_s=1 / knobs.level, violated=0 if is_within else 9)

    assert best(BASELINE, attempt)[0].level == 0.6


def test_where_none_is_within_the_least_beyond_is_scored_whole() -> None:
    whole: list[Knobs] = []

    def attempt(knobs: Knobs, gives_up: bool) -> Score:
        if not gives_up:
            whole.append(knobs)
        return replace(MET, violated=5 if knobs.variant else 8, is_complete=not gives_up)

    assert best(BASELINE, attempt)[0] == Knobs(LEVELS[0], 60)
    assert whole == [Knobs(LEVELS[0], 0), Knobs(LEVELS[0], 60)]


def test_both_limits_count() -> None:
    assert MET.is_within
    assert replace(MET, late=10, violated=2).is_within
    assert not replace(MET, late=11).is_within
    assert not replace(MET, violated=3).is_within
    assert not replace(MET, is_complete=False).is_within
