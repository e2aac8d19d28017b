"""What a daemon tells of itself: the values behind the API's answers, its metrics and its commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoscaler.model import NO_TALLY, Account, Decision, Orders, ReplicaState, Sample, Tally


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One replica. `spec` is its spec hash, `started_at` by the engine's clock, `ready_at` None until it was ready."""

    name: str
    state: ReplicaState
    spec: str
    address: str
    started_at: float
    ready_at: float | None
    inflight: int
    up_to_date: bool = True
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MetricStatus:
    """One metric that a policy looks at: its value over the policy's window, and what the policy aims for."""

    name: str
    sample: Sample
    target: float | None
    per_replica: bool


@dataclass(frozen=True, slots=True)
class ShadowStatus:
    """A shadow: its last decision, and its score since `since` in all and over the last day or so (`recent`).

    Before its first decision `decision` and `since` are None. `problem` is why it doesn't decide, "" where it does.
    `seen_full`: it was seen what a full replica carries; until then late requests are a guess.
    """

    name: str
    decision: Decision | None = None
    since: float | None = None
    recent: Tally = NO_TALLY
    total: Tally = NO_TALLY
    problem: str = ""
    seen_full: bool = False


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service now. `errors` are what is wrong at present, one line each; `next_tick_at` when it decides again."""

    name: str
    runtime: str
    bind: str
    host: str | None
    path: str
    min: int
    max: int
    policies: tuple[str, ...]
    replicas: tuple[ReplicaStatus, ...]
    orders: Orders
    decision: Decision | None
    metrics: tuple[MetricStatus, ...] = ()
    waiting: int = 0
    errors: tuple[str, ...] = ()
    log_tail: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    health_suspect: bool = False
    shadows: tuple[ShadowStatus, ...] = ()

    @property
    def desired(self) -> int:
        """The replica count asked for; before the first decision the one that is there."""
        if self.decision is not None:
            return self.decision.desired
        return sum(r.state in (ReplicaState.STARTING, ReplicaState.READY) for r in self.replicas)

    def count(self, state: ReplicaState) -> int:
        """How many replicas are in that state."""
        return sum(replica.state is state for replica in self.replicas)


@dataclass(frozen=True, slots=True)
class DaemonStatus:
    """The daemon as a whole. `problems` say what keeps it from being ready, `degraded` what it does without."""

    services: tuple[ServiceStatus, ...]
    ready: bool
    problems: tuple[str, ...] = ()
    degraded: Mapping[str, str] = field(default_factory=dict)
    last_reload_successful: bool = True
    last_tick_at: float | None = None
    proxy_dropped_logs: int = 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why there are this many replicas: for people, and the same as values, None before the first decision."""

    text: str
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Ordered:
    """What an operator's order came to; `note` says how it was bounded."""

    desired: int
    until: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that `doctor` looked at, and what puts it right; where it is `ok` and has a fix, it could be better."""

    ok: bool
    what: str
    fix: str = ""
