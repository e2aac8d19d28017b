"""What `predictive` keeps from tick to tick, and how it stands among what decisions remember: numbers and tables."""

from dataclasses import dataclass

from autoscaler.decide.auto.hold import Held
from autoscaler.decide.memory import PolicyMemory, PolicyTables, Table
from autoscaler.decide.predictive.contest import UNKNOWN, Contest
from autoscaler.decide.predictive.models import CHALLENGERS, FLATS


@dataclass(frozen=True, slots=True)
class Kept:
    """`t` is of the tick before. `forecast` is what was forecast in `minute`, None where nothing was; `held` what was asked
    for lately."""

    t: float
    contest: Contest
    minute: int
    forecast: float | None = None
    held: Held = ()


def written(kept: Kept) -> tuple[PolicyMemory, PolicyTables]:
    """As numbers and tables."""
    contest = kept.contest
    numbers = {
        "t_at": kept.t,
        "season": float(contest.season),
        "slots": float(contest.slots),
        "due": float(contest.due),
        "acts": float(contest.acts),
        "minute": float(kept.minute),
    }
    if contest.best is not None:
        numbers["best"] = float(contest.best)
    if kept.forecast is not None:
        numbers["forecast"] = kept.forecast
    return numbers, {"flats": contest.flats, "challengers": contest.challengers, "held_at": kept.held}


def read(numbers: PolicyMemory, tables: PolicyTables) -> Kept | None:
    """What was written; None where nothing was, or where it has another shape."""
    try:
        return _read(numbers, tables)
    except (KeyError, IndexError, ValueError):
        return None


def _read(numbers: PolicyMemory, tables: PolicyTables) -> Kept:
    contest = Contest(
        season=int(numbers["season"]),
        slots=int(numbers["slots"]),
        due=int(numbers["due"]),
        flats=_scores(tables["flats"], len(FLATS)),
        challengers=_scores(tables["challengers"], len(CHALLENGERS)),
        best=int(numbers["best"]) % len(CHALLENGERS) if "best" in numbers else None,
        acts=bool(numbers["acts"]),
    )
    held = tuple((t, int(count)) for t, count in tables["held_at"])
    return Kept(numbers["t_at"], contest, int(numbers["minute"]), numbers.get("forecast"), held)


def _scores(rows: Table, length: int) -> Table:
    if [len(row) for row in rows] != [len(UNKNOWN)] * length:
        raise ValueError(f"{len(rows)} scores, {length} wanted")
    return rows
