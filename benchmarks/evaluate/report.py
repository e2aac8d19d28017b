"""docs/evaluation.md, made from the rows: what must hold and whether it does, then every row."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, log
from pathlib import Path

from benchmarks.evaluate.generated import SHAPES
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.table import AUTO, ORACLE, Row, jobs, scenarios
from benchmarks.evaluate.traces import FILES

TEXT = Path(__file__).parent / "page.md"
WORST_TO_BEST = 1.05
MEAN_TO_BEST = {5: 0.90, 30: 0.94}
TO_ORACLE = {
    ("wikipedia", 5): 1.06,
    ("wikipedia", 30): 1.06,
    ("worldcup98", 5): 1.06,
    ("worldcup98", 30): 1.06,
    ("twitter", 5): 1.15,
    ("twitter", 30): 1.22,
    ("nasa", 5): 1.38,
    ("nasa", 30): 1.42,
}
TURNS_AN_HOUR = 12.0
CRASHES_COST = 0.0005

HEADER = (
    "| trace | start-up | peak | controller | setting | replica-seconds to oracle | late | minutes violated | turns/h |"
    " within |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Duel:
    """`auto` beside the best of the others on a scenario, and the oracle that meets both limits."""

    auto: Row
    best: Row | None
    oracle: Row | None

    @property
    def to_best(self) -> float | None:
        """Replica-seconds, to those of the best baseline at its best knob."""
        return None if self.best is None else self.auto.score.replica_s / self.best.score.replica_s

    @property
    def to_oracle_within(self) -> float | None:
        """Replica-seconds, to those of the oracle that meets both limits."""
        return None if self.oracle is None else self.auto.score.replica_s / self.oracle.score.replica_s


def page(rows: Sequence[Row]) -> str:
    """The whole page."""
    parts = {
        "holds": _claims(rows),
        "duels": _duels(rows),
        "rows": _table(rows),
        "faults": _faults(rows),
        "missing": _missing(rows),
    }
    text = TEXT.read_text()
    for name, part in parts.items():
        text = text.replace(f"<!-- {name} -->", part)
    return text


def tables(rows: Sequence[Row]) -> str:
    """The tables alone."""
    return "\n\n".join([_claims(rows), _duels(rows), _table(rows), _faults(rows)])


def line(row: Row) -> str:
    """A row of the table."""
    scenario, score = row.scenario, row.score
    cells = [
        scenario.trace,
        f"{scenario.startup_s} s",
        str(scenario.peak_replicas),
        row.name,
        _setting(row),
        f"{score.ratio:.3f}",
        f"{score.late_share:.2%}",
        f"{score.violated_share:.2%}",
        f"{score.turns_an_hour:.1f}",
        "yes" if score.is_within else "**no**",
    ]
    return f"| {' | '.join(cells)} |"


def _setting(row: Row) -> str:
    if row.knobs is None:
        return "none to set"
    level = f"P = {row.knobs.level:.2%}" if row.name == ORACLE else f"{row.knobs.level:.1%}".replace(".0%", "%")
    variant = f", {row.knobs.variant} s down" if row.name in ("HPA", "KEDA + HPA") else ""
    return f"{row.kind}: {level}{variant}"


# ---------------------------------------------------------------- who is beside whom


def duels(rows: Iterable[Row]) -> list[Duel]:
    """One for each scenario of `auto` with others on it."""
    by_scenario: dict[Scenario, list[Row]] = {}
    for row in rows:
        by_scenario.setdefault(row.scenario, []).append(row)
    made = []
    for there in by_scenario.values():
        auto = next((row for row in there if row.name == AUTO), None)
        others = [row for row in there if row.name not in (AUTO, ORACLE) and row.kind == "best"]
        oracle = next((row for row in there if row.name == ORACLE and row.kind == "best"), None)
        if auto is not None and (others or oracle):
            made.append(Duel(auto, min(others, key=_rank, default=None), oracle))
    return made


def _rank(row: Row) -> tuple[float, float]:
    """Within both limits the cheapest, else the one least beyond them."""
    return (0.0, row.score.replica_s) if row.score.is_within else (row.score.excess, row.score.replica_s)


def geometric_mean(values: Sequence[float]) -> float:
    """Of ratios."""
    return exp(sum(log(value) for value in values) / len(values))


def _is_of_table(scenario: Scenario) -> bool:
    return scenario.days is None and scenario.peak_replicas == 30


# ---------------------------------------------------------------- what must hold


def _claims(rows: Sequence[Row]) -> str:
    table = [duel for duel in duels(rows) if _is_of_table(duel.auto.scenario)]
    lines = ["| what must hold | found | holds |", "|---|---|---|"]
    for duel in table:
        scenario, score = duel.auto.scenario, duel.auto.score
        name = f"{scenario.trace}, {scenario.startup_s} s"
        lines.append(
            _claim(
                f"{name}: at most 1% late, 2% of minutes violated",
                f"{score.late_share:.2%}, {score.violated_share:.2%}",
                score.is_within,
            )
        )
        if (goal := TO_ORACLE.get((scenario.trace, scenario.startup_s))) is not None:
            lines.append(_at_most(f"{name}: to the oracle", score.ratio, goal))
        if duel.to_best is not None:
            lines.append(_at_most(f"{name}: to the best baseline at its best", duel.to_best, WORST_TO_BEST))
    lines += _means(table)
    return "\n".join(lines)


def _means(table: Sequence[Duel]) -> list[str]:
    lines = []
    for startup_s, goal in MEAN_TO_BEST.items():
        ratios = [duel.to_best for duel in table if duel.auto.scenario.startup_s == startup_s and duel.to_best is not None]
        if ratios:
            lines.append(_at_most(f"geometric mean to the best baselines, {startup_s} s", geometric_mean(ratios), goal))
    turns = [duel.auto.score.turns_an_hour for duel in table]
    if turns:
        mean = sum(turns) / len(turns)
        lines.append(_claim("direction changes an hour, mean: at most 12", f"{mean:.1f}", mean <= TURNS_AN_HOUR))
    return lines


def _at_most(what: str, found: float, goal: float) -> str:
    return _claim(f"{what}: at most {goal:.2f}", f"{found:.3f}", found <= goal)


def _claim(what: str, found: str, holds: bool) -> str:
    return f"| {what} | {found} | {'yes' if holds else '**no**'} |"


# ---------------------------------------------------------------- the tables


def _duels(rows: Sequence[Row]) -> str:
    lines = [
        "| trace | start-up | peak | best baseline | `auto` to it | to the oracle | to the oracle within the limits |",
        "|---|---|---|---|---|---|---|",
    ]
    for duel in duels(rows):
        scenario = duel.auto.scenario
        best = "" if duel.best is None else f"{duel.best.name}, {_setting(duel.best)}"
        if duel.best is not None and not duel.best.score.is_within:
            best += " (beyond the limits, as all of them)"
        cells = [
            scenario.trace,
            f"{scenario.startup_s} s",
            str(scenario.peak_replicas),
            best,
            _number(duel.to_best),
            _number(duel.auto.score.ratio),
            _number(duel.to_oracle_within),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _table(rows: Sequence[Row]) -> str:
    return "\n".join([HEADER, *(line(row) for row in rows if not _has_faults(row.scenario))])


def _has_faults(scenario: Scenario) -> bool:
    return scenario.crashes_an_hour > 0 or scenario.has_outages


def _faults(rows: Sequence[Row]) -> str:
    lines = ["| trace | what | found | holds |", "|---|---|---|---|"]
    for row in rows:
        if row.scenario.crashes_an_hour:
            calm = _same_without(rows, row)
            if calm is not None:
                more = row.score.late_share - calm.score.late_share
                found = f"{calm.score.late_share:.3%}, with crashes {row.score.late_share:.3%}"
                lines.append(f"| {row.scenario.trace} | late | {found} | {_yes(more <= CRASHES_COST)} |")
        elif row.scenario.has_outages:
            falls = row.score.blind_falls
            lines.append(f"| {row.scenario.trace} | decisions for fewer while blind | {falls} | {_yes(falls == 0)} |")
    return "\n".join(lines)


def _missing(rows: Sequence[Row]) -> str:
    """What the whole table has and these rows have not."""
    there = {(row.scenario, row.name) for row in rows if row.name == AUTO or row.kind == "best"}
    names = FILES if any(row.scenario.trace in FILES for row in rows) else SHAPES
    lines = []
    for scenario in dict.fromkeys(scenarios(names)):
        absent = [job.name for job in jobs([scenario]) if (scenario, job.name) not in there]
        if absent:
            lines.append(f"- {_told(scenario)}: {', '.join(absent)}")
    return "\n".join(lines) if lines else "Nothing: this is the whole table."


def _told(scenario: Scenario) -> str:
    days = "" if scenario.days is None else f", {scenario.days - scenario.warm_days} days of score"
    faults = ", crashes" if scenario.crashes_an_hour else ", outages" if scenario.has_outages else ""
    return f"{scenario.trace}, {scenario.startup_s} s, peak {scenario.peak_replicas}{days}{faults}"


def _same_without(rows: Sequence[Row], row: Row) -> Row | None:
    """The row of the same conditions without crashes."""
    same = replace(row.scenario, crashes_an_hour=0.0)
    return next((other for other in rows if other.name == row.name and other.scenario == same), None)


def _yes(holds: bool) -> str:
    return "yes" if holds else "**no**"
