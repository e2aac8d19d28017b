"""One run and its score."""

from pathlib import Path

import pytest

from benchmarks.evaluate.controllers import Controller, Planned
from benchmarks.evaluate.fleet import Seen
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.trial import Moves, run

MINUTE = 60
DAY_S = 86400


class Steady:
    """One replica, and all that it was told."""

    period_s = 1

    def __init__(self) -> None:
        self.told: list[Seen] = []

    def decide(self, seen: Seen) -> int:
        self.told.append(seen)
        return 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A trace of a day at next to nothing, and three hours, of which the last two are the peak."""
    rows = [(minute * MINUTE, 0.0 if minute < 1440 + 60 else 1.0) for minute in range(1440 + 180)]
    text = "\n".join(["timestamp_s,rps", *(f"{t},{rate}" for t, rate in rows)])
    (tmp_path / "nasa-jul95.csv").write_text(text + "\n")
    return tmp_path


def scenario(*, has_outages: bool = False, peak_replicas: int = 1) -> Scenario:
    return Scenario("nasa", 5, peak_replicas, warm_days=1, has_outages=has_outages)


def test_only_what_comes_after_the_warm_up_is_scored(folder: Path) -> None:
    score = run(folder, scenario(), Planned((2.0,)))
    assert score.hours == 3.0
    assert score.replica_s == pytest.approx(2 * 10_800, abs=1)
    assert score.minutes == 120
    assert score.requests == pytest.approx(7.0 * 7200, rel=0.05)
    assert score.is_complete


def test_the_oracle_pays_by_the_formula(folder: Path) -> None:
    assert run(folder, scenario(), Planned((1.0,))).oracle_s == 3595 + 3 * 7205  # one, then three, which 7 a second need


def test_who_learns_lives_through_the_warm_up(folder: Path) -> None:
    learns, begins_late = Steady(), Steady()
    run(folder, scenario(), learns, learns=True)
    run(folder, scenario(), begins_late)
    assert (learns.told[0].t, begins_late.told[0].t) == (1, DAY_S - 3600 + 1)


def test_a_run_beyond_the_limits_is_given_up(folder: Path) -> None:
    overloaded: Controller = Planned((1.0,))
    score = run(folder, scenario(peak_replicas=4), overloaded, gives_up=True)
    assert not score.is_complete
    assert score.hours == 2
    whole = run(folder, scenario(peak_replicas=4), overloaded)
    assert whole.is_complete
    assert whole.excess > 40


def test_in_an_outage_metrics_are_missing_for_a_minute_each_hour(folder: Path) -> None:
    blind = Steady()
    run(folder, scenario(has_outages=True), blind)
    missing = [seen.t for seen in blind.told if seen.is_missing]
    assert [t for t in missing if DAY_S <= t < DAY_S + 3600] == [DAY_S + second for second in range(60)]
    assert len(missing) == 59 + 60 + 60 + 60 + 1  # from an hour before the score to the second in which the trace ends


def test_moves() -> None:
    moves = Moves(4)
    for desired, is_blind in [(4, True), (5, False), (6, True), (5, True), (5, False), (6, False), (2, False)]:
        moves.follow(desired, is_blind=is_blind)
    assert (moves.desired, moves.turns, moves.blind_falls) == (2, 3, 1)
