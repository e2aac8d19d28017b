"""The page says what the scores are, and is the one beside the code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.evaluate.baselines import Knobs
from benchmarks.evaluate.report import duels, geometric_mean, line, page
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.table import Row, jobs, scenarios
from tests.evaluate.test_search import MET

DOCS = Path(__file__).parent.parent.parent / "docs"
SCENARIO = Scenario("twitter", 5)


def row(name: str, replica_s: float, *, kind: str = "best", scenario: Scenario = SCENARIO, violated: int = 0) -> Row:
    knobs = None if name == "auto" else Knobs(0.7, 300)
    return Row(scenario, name, kind, knobs, replace(MET, replica_s=replica_s, violated=violated))


def test_a_row_in_the_table() -> None:
    shown = line(row("HPA", 1.25, violated=3))
    assert shown == "| twitter | 5 s | 30 | HPA | best: 70%, 300 s down | 1.250 | 0.00% | 3.00% | 0.0 | **no** |"


def test_auto_is_beside_the_cheapest_that_is_within_the_limits() -> None:
    rows = [
        row("auto", 1.1, kind="default"),
        row("oracle", 1.0),
        row("HPA", 1.2, violated=2),
        row("static", 4.0),
        row("KPA", 0.9, violated=3),
        row("HPA", 0.5, kind="default"),
    ]
    (duel,) = duels(rows)
    assert duel.to_best == pytest.approx(1.1 / 1.2)
    assert duel.to_oracle_within == pytest.approx(1.1)


def test_where_none_is_within_it_is_beside_the_least_beyond() -> None:
    (duel,) = duels([row("auto", 1.1), row("HPA", 1.2, violated=9), row("AWS", 2.2, violated=5)])
    assert duel.best is not None
    assert duel.best.name == "AWS"


def test_what_holds_and_what_does_not() -> None:
    shown = page([row("auto", 1.2, kind="default"), row("HPA", 1.25)])
    assert "| twitter, 5 s: to the oracle: at most 1.15 | 1.200 | **no** |" in shown
    assert "| twitter, 5 s: to the best baseline at its best: at most 1.05 | 0.960 | yes |" in shown
    assert "| geometric mean to the best baselines, 5 s: at most 0.90 | 0.960 | **no** |" in shown


def test_crashes_are_beside_the_same_without() -> None:
    calm = replace(SCENARIO, days=10)
    crashing = replace(calm, crashes_an_hour=20.0)
    late = Row(crashing, "auto", "default", None, replace(MET, late=2))
    shown = page([row("auto", 1.0, scenario=calm), late])
    assert "| twitter | late | 0.000%, with crashes 0.200% | **no** |" in shown


def test_blind_falls_are_told() -> None:
    blind = replace(SCENARIO, days=10, has_outages=True)
    shown = page([Row(blind, "auto", "default", None, replace(MET, blind_falls=3))])
    assert "| twitter | decisions for fewer while blind | 3 | **no** |" in shown


def test_geometric_mean() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)


def test_the_whole_table_has_every_trace_start_up_and_peak() -> None:
    listed = list(scenarios(["nasa", "twitter"]))
    assert {each.startup_s for each in listed} == {5, 30, 60, 240}
    assert {each.peak_replicas for each in listed} == {5, 30, 200}
    assert {each.crashes_an_hour for each in listed} == {0.0, 20.0}
    assert all(each.warm_days == 7 for each in listed)
    assert len(set(listed)) == len(listed)


def test_with_faults_auto_runs_alone() -> None:
    crashing = jobs(scenarios(["nasa"], ("faults",)))
    assert {job.name for job in crashing} == {"auto"}


def test_what_is_missing_is_listed() -> None:
    shown = page([row("auto", 1.0, kind="default"), row("HPA", 1.2), row("AWS", 1.0, kind="default")])
    assert "- twitter, 5 s, peak 30: oracle, KEDA + HPA, KPA, AWS, static" in shown
    assert "- nasa, 5 s, peak 30, 3 days of score, outages: auto" in shown


def test_the_page_beside_the_code_is_of_the_scores_beside_it() -> None:
    rows = [Row.from_json(saved) for saved in json.loads((DOCS / "evaluation.json").read_text())]
    assert (DOCS / "evaluation.md").read_text() == page(rows), "run `make evaluate ARGS=--page`"
