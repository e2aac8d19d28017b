"""How a policy did: the figures that are printed.

slo_violations               requests that were late or dropped
latency_*                    of the requests that were answered; queued + service
replica_seconds              from the order to start until the last answer
oracle_replica_seconds       what one pays who knows what comes (staffing.py)
under_provisioned_fraction   of the time, with fewer replicas ready than the oracle's formula needs at that moment's rate
over_provisioned_fraction    of the time, with more
windows_violated_fraction    of the minutes, those with more than 1% of their requests late
direction_changes            moves up after a move down, and down after up
"""

from dataclasses import dataclass
from typing import Protocol

from autoscaler.simulate.tally import Tally


@dataclass(slots=True)
class Moves:
    """How desired moved. It changes in place."""

    desired: int
    ups: int = 0
    downs: int = 0
    turns: int = 0
    _last: int = 0

    def follow(self, desired: int) -> None:
        """The next decision."""
        by = desired - self.desired
        self.desired = desired
        if by:
            self.ups += by > 0
            self.downs += by < 0
            self.turns += by * self._last < 0
            self._last = by


@dataclass(slots=True)
class Supply:
    """Replicas against what was needed, by time. It changes in place."""

    seconds: float = 0.0
    under_s: float = 0.0
    over_s: float = 0.0
    peak: int = 0

    def count(self, span_s: float, ready: int, there: int, needed: int) -> None:
        """A tick."""
        self.seconds += span_s
        self.under_s += span_s if ready < needed else 0.0
        self.over_s += span_s if ready > needed else 0.0
        self.peak = max(self.peak, there)


class Served(Protocol):
    """What the fleet tells at the end."""

    aggregate_s: float

    @property
    def in_flight(self) -> int:
        """Requests that were not answered yet."""


@dataclass(frozen=True, slots=True)
class Result:
    """The figures, by their names in JSON. `aggregate_s` is how long the aggregate engine served, the exact one the rest."""

    requests: int
    answered: int
    slo_violations: int
    dropped: int
    in_flight: int
    latency_p50_s: float | None
    latency_p95_s: float | None
    latency_p99_s: float | None
    replica_seconds: float
    oracle_replica_seconds: float
    scale_ups: int
    scale_downs: int
    direction_changes: int
    peak_replicas: int
    under_provisioned_fraction: float
    over_provisioned_fraction: float
    windows_violated_fraction: float
    seconds: float
    engine: str
    aggregate_s: float

    @classmethod
    def made(
        cls, tally: Tally, supply: Supply, moves: Moves, fleet: Served, replica_seconds: float, oracle_replica_seconds: float
    ) -> "Result":
        """The result of what was counted."""
        seconds = supply.seconds
        percentiles = [tally.latencies.quantile(share) for share in (0.50, 0.95, 0.99)]
        p50, p95, p99 = [None if value is None else round(value, 6) for value in percentiles]
        engine = "exact" if not fleet.aggregate_s else "aggregate" if fleet.aggregate_s >= seconds else "both"
        return cls(
            requests=tally.requests,
            answered=tally.answered,
            slo_violations=tally.late,
            dropped=tally.dropped,
            in_flight=fleet.in_flight,
            latency_p50_s=p50,
            latency_p95_s=p95,
            latency_p99_s=p99,
            replica_seconds=round(replica_seconds, 3),
            oracle_replica_seconds=round(oracle_replica_seconds, 3),
            scale_ups=moves.ups,
            scale_downs=moves.downs,
            direction_changes=moves.turns,
            peak_replicas=supply.peak,
            under_provisioned_fraction=round(supply.under_s / seconds, 6) if seconds else 0.0,
            over_provisioned_fraction=round(supply.over_s / seconds, 6) if seconds else 0.0,
            windows_violated_fraction=round(tally.windows_violated(), 6),
            seconds=seconds,
            engine=engine,
            aggregate_s=round(fleet.aggregate_s, 3),
        )
