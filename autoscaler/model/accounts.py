"""The account of a decision: the numbers behind it, what each limit cost, and what would change it.

Values of metrics are in their own units, times Unix seconds, durations seconds.
"""

from dataclasses import dataclass

from autoscaler.model.decisions import Decision


@dataclass(frozen=True, slots=True)
class Basis:
    """What one policy looked at: a metric's mean over `window` (of replicas or a percentile: as measured, None).

    `value` is None where the metric is missing. `target` is what the policy wants of it, `per_replica` or in all.
    """

    policy: int
    metric: str
    value: float | None
    window: float | None
    target: float | None
    per_replica: bool


@dataclass(frozen=True, slots=True)
class Without:
    """The count that the same tick would have come to without a limit, or without an operator's `override`."""

    limit: str
    desired: int


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a metric, all else the same, would make the policies ask for another count: `asks`, just beyond `at`.

    `inclusive`: at that value already.
    """

    metric: str
    per_replica: bool
    at: float
    inclusive: bool
    asks: int


@dataclass(frozen=True, slots=True)
class Move:
    """The next move one way. `at` is when it is possible at the earliest, None where no time is known.

    `reach` is how far it could go then, `waits_for` the name of what it waits for ("" where it could be now), `told` both
    for people. `turns` is what would ask for it, empty where the policies do already, or where no single metric would.
    """

    at: float | None
    reach: int | None
    waits_for: str
    told: str
    turns: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """A decision with all that explains it."""

    decision: Decision
    ready: int
    starting: int
    bases: tuple[Basis, ...]
    without: tuple[Without, ...]
    more: Move
    fewer: Move
