"""Scores kept between runs."""

from dataclasses import replace
from pathlib import Path

from benchmarks.evaluate.results import Results
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.trial import Score
from tests.evaluate.test_search import MET

SCENARIO = Scenario("nasa", 5)


def test_what_was_scored_is_not_scored_again(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "scores.jsonl"
    made: list[bool] = []

    def score(may_give_up: bool) -> Score:
        made.append(may_give_up)
        return replace(MET, late=len(made))

    asked = {"level": 0.7}
    first = Results(path).score(SCENARIO, "HPA", asked, score, gives_up=False)
    assert Results(path).score(SCENARIO, "HPA", asked, score, gives_up=True) == first
    assert len(made) == 1
    Results(path).score(SCENARIO, "HPA", {"level": 0.8}, score, gives_up=False)
    Results(path).score(replace(SCENARIO, startup_s=30), "HPA", asked, score, gives_up=False)
    assert len(made) == 3


def test_what_was_given_up_is_scored_whole_where_that_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "scores.jsonl"

    def score(may_give_up: bool) -> Score:
        return replace(MET, is_complete=not may_give_up)

    assert not Results(path).score(SCENARIO, "HPA", {}, score, gives_up=True).is_complete
    assert not Results(path).score(SCENARIO, "HPA", {}, score, gives_up=True).is_complete
    assert Results(path).score(SCENARIO, "HPA", {}, score, gives_up=False).is_complete
    assert Results(path).score(SCENARIO, "HPA", {}, score, gives_up=True).is_complete
