"""One run: a controller on a trace, scored after the warm-up.

late        share of requests that waited longer than 200 ms, or were dropped      at most 1%
violated    share of the minutes with requests in which more than 1% were late     at most 2%
ratio       replica-seconds / those of the oracle: as many as the formula needs for P = 1%, started in time
turns       moves up after a move down, and down after up, an hour
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.evaluate.controllers import Controller
from benchmarks.evaluate.fleet import HOUR_S, Fleet
from benchmarks.evaluate.scenario import Scenario
from benchmarks.evaluate.staffing import needed, planned

LATE_ALLOWED = 0.01
VIOLATED_ALLOWED = 0.02
LEAD_S = 3600  # baselines look back fifteen minutes at most: they begin an hour before the score does
OUTAGE_EVERY_S = 3600
OUTAGE_S = 60


@dataclass(frozen=True, slots=True)
class Score:
    """How it did. A run that was given up, because it could no longer meet the limits, is not `is_complete`.

    `blind_falls` counts decisions for fewer replicas while metrics were missing.
    """

    requests: int
    late: int
    minutes: int
    violated: int
    replica_s: float
    oracle_s: float
    turns: int
    hours: float
    blind_falls: int
    is_complete: bool

    @property
    def late_share(self) -> float:
        """Of the requests."""
        return self.late / max(self.requests, 1)

    @property
    def violated_share(self) -> float:
        """Of the minutes."""
        return self.violated / max(self.minutes, 1)

    @property
    def ratio(self) -> float:
        """To the oracle."""
        return self.replica_s / self.oracle_s

    @property
    def turns_an_hour(self) -> float:
        """Direction changes."""
        return self.turns / self.hours

    @property
    def is_within(self) -> bool:
        """It met both limits."""
        return self.is_complete and self.excess <= 1

    @property
    def excess(self) -> float:
        """How far beyond the limit that is missed the most; up to 1 both are met."""
        return max(self.late_share / LATE_ALLOWED, self.violated_share / VIOLATED_ALLOWED)

    def to_json(self) -> dict[str, Any]:
        """What `from_json` reads."""
        return asdict(self)

    @staticmethod
    def from_json(saved: Mapping[str, Any]) -> "Score":
        """What was saved."""
        return Score(**saved)


@dataclass(slots=True)
class Moves:
    """How the count moved. It changes in place."""

    desired: int
    turns: int = 0
    blind_falls: int = 0
    _last: int = 0

    def follow(self, desired: int, *, is_blind: bool) -> None:
        """The next decision."""
        by = desired - self.desired
        self.desired = desired
        if by:
            self.turns += by * self._last < 0
            self.blind_falls += is_blind and by < 0
            self._last = by


def run(folder: Path, scenario: Scenario, controller: Controller, *, learns: bool = False, gives_up: bool = False) -> Score:
    """The score. Who `learns` is there from the trace's start; `gives_up` ends a run that can't meet the limits."""
    rates = scenario.rates(folder)
    counts = needed(rates, LATE_ALLOWED, scenario.most)
    start = 0 if learns else max(0, scenario.warm_s - LEAD_S)
    fleet = Fleet(
        rates,
        start=start,
        startup_s=float(scenario.startup_s),
        replicas=int(counts[start]),
        seed=scenario.seed,
        crashes_an_hour=scenario.crashes_an_hour,
    )
    first = scenario.warm_s // 60
    allowed = VIOLATED_ALLOWED * (len(rates) - scenario.warm_s) / 60
    moves, spent_before = Moves(int(counts[start])), 0.0
    t = start
    while t + controller.period_s <= len(rates):
        seen = fleet.run(controller.period_s, moves.desired)
        t += controller.period_s
        is_blind = scenario.has_outages and t % OUTAGE_EVERY_S < OUTAGE_S
        moves.follow(controller.decide(replace(seen, is_missing=True) if is_blind else seen), is_blind=is_blind)
        if t == scenario.warm_s:
            spent_before, moves = fleet.replica_s, Moves(moves.desired)
        if gives_up and t % HOUR_S == 0 and fleet.violated(first, t // 60, LATE_ALLOWED) > allowed:
            break
    last = t // 60
    return Score(
        requests=int(sum(fleet.came[first:last])),
        late=int(sum(fleet.late[first:last])),
        minutes=sum(1 for count in fleet.came[first:last] if count > 0),
        violated=fleet.violated(first, last, LATE_ALLOWED),
        replica_s=float(fleet.replica_s - spent_before),
        oracle_s=float(sum(planned(counts, scenario.startup_s)[scenario.warm_s : t])),
        turns=moves.turns,
        hours=(t - scenario.warm_s) / HOUR_S,
        blind_falls=moves.blind_falls,
        is_complete=t + controller.period_s > len(rates),
    )
