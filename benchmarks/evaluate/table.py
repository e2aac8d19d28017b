"""The table: which scenarios, and each controller's rows on them.

table     all traces, 5 and 30 s start-up, 30 replicas at the peak
shorter   three days of score: 60 and 240 s start-up; 5 and 200 replicas at the peak
faults    three days of score, `auto` alone: 20 crashes an hour beside none; metrics missing a minute each hour
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.evaluate.auto import auto
from benchmarks.evaluate.baselines import BASELINES, Knobs
from benchmarks.evaluate.oracle import oracle
from benchmarks.evaluate.results import Results, digest_of_auto
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.search import best
from benchmarks.evaluate.trial import Score, run

AUTO = "auto"
ORACLE = "oracle"
PARTS = ("table", "shorter", "faults")
SHORTER_DAYS = 10
CRASHES_AN_HOUR = 20.0


@dataclass(frozen=True, slots=True)
class Row:
    """A controller's score on a scenario, at its `default` or its `best` setting."""

    scenario: Scenario
    name: str
    kind: str
    knobs: Knobs | None
    score: Score

    def to_json(self) -> dict[str, Any]:
        """For the file of results."""
        knobs = None if self.knobs is None else {"level": self.knobs.level, "variant": self.knobs.variant}
        return {
            "scenario": self.scenario.to_json(),
            "name": self.name,
            "kind": self.kind,
            "knobs": knobs,
            "score": self.score.to_json(),
        }

    @staticmethod
    def from_json(saved: dict[str, Any]) -> "Row":
        """What was saved."""
        knobs = None if saved["knobs"] is None else Knobs(**saved["knobs"])
        return Row(Scenario(**saved["scenario"]), saved["name"], saved["kind"], knobs, Score.from_json(saved["score"]))


@dataclass(frozen=True, slots=True)
class Job:
    """One controller on one scenario: what one process works at."""

    scenario: Scenario
    name: str


def scenarios(names: Iterable[str], parts: tuple[str, ...] = PARTS, *, quick: bool = False) -> Iterator[Scenario]:
    """The scenarios of these parts. `quick`: one day of warm-up and one of score, at one start-up time."""
    names = list(names)
    for startup_s in (5,) if quick else (5, 30):
        for name in names:
            table = Scenario(name, startup_s)
            if quick:
                table = replace(table, warm_days=1, days=2)
            if "table" in parts:
                yield table
    if quick:
        return
    for name in names:
        short = Scenario(name, 5, days=SHORTER_DAYS)
        if "shorter" in parts:
            yield from (replace(short, startup_s=startup_s) for startup_s in (60, 240))
            yield from (replace(short, peak_replicas=replicas) for replicas in (5, 200))
        if "faults" in parts:
            yield from (short, replace(short, crashes_an_hour=CRASHES_AN_HOUR), replace(short, has_outages=True))


def jobs(listed: Iterable[Scenario], only: tuple[str, ...] = ()) -> list[Job]:
    """Who runs on what: with faults, `auto` alone; `only` these controllers, where any are named."""
    made = []
    for scenario in listed:
        is_calm = replace(scenario, crashes_an_hour=0.0, has_outages=False) == Scenario(scenario.trace, 5, days=SHORTER_DAYS)
        names = [AUTO] if is_calm else [AUTO, ORACLE, *(baseline.name for baseline in BASELINES)]
        made += [Job(scenario, name) for name in names if not only or name in only]
    return made


def rows(job: Job, folder: Path, saved: Path) -> list[Row]:
    """The job's rows: `auto` has one, all others one at the default and one at the best setting."""
    results, scenario = Results(saved), job.scenario
    if job.name == AUTO:
        score = results.score(
            scenario,
            AUTO,
            {"code": digest_of_auto()},
            lambda _: run(folder, scenario, auto(scenario), learns=True),
            gives_up=False,
        )
        return [Row(scenario, AUTO, "default", None, score)]
    baseline = next(each for each in (*BASELINES, oracle(folder)) if each.name == job.name)

    def attempt(knobs: Knobs, gives_up: bool) -> Score:
        return results.score(
            scenario,
            baseline.name,
            {"level": knobs.level, "variant": knobs.variant},
            lambda may: run(folder, scenario, baseline.make(knobs, scenario), gives_up=may),
            gives_up=gives_up,
        )

    first = Row(scenario, baseline.name, "default", baseline.default, attempt(baseline.default, False))
    return [first, Row(scenario, baseline.name, "best", *best(baseline, attempt))]
