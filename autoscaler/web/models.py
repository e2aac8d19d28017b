"""What the API is asked and answers: one model a document, from which requests are checked and openapi.json is made.

Times are Unix seconds, durations in answers seconds, in requests written as in a policy file (`10m`). A client ignores
keys that it doesn't know, so that a newer daemon may tell more.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, model_validator

from autoscaler.units import parse_duration

REPLICAS_MAX = 10_000
REASON_MAX = 500


class Answer(BaseModel):
    """Something that the API answers."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)


class Ask(BaseModel):
    """Something that the API is asked; a key that we don't know is an error."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", populate_by_name=True, defer_build=True)


# ---------------------------------------------------------------- asked


def _duration(given: Any) -> Any:
    if isinstance(given, str):
        return parse_duration(given)
    if isinstance(given, int | float) and not isinstance(given, bool):
        raise ValueError(f"{given!r} has no unit; write it like 30s, 10m or 24h")
    return given


ForDuration = Annotated[float, BeforeValidator(_duration, json_schema_input_type=str), Field(gt=0)]
Count = Annotated[int, Field(ge=0, le=REPLICAS_MAX)]


class ScaleAsk(Ask):
    """A manual override: so many `replicas`, or narrower bounds `min` and `max`; `for` a while, else until taken back."""

    replicas: Count | None = None
    min: Count | None = None
    max: Annotated[int, Field(ge=1, le=REPLICAS_MAX)] | None = None
    for_s: ForDuration | None = Field(default=None, alias="for", description="a duration such as 10m")
    reason: Annotated[str, Field(max_length=REASON_MAX)] = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        bounds = self.min is not None or self.max is not None
        if self.replicas is not None and bounds:
            raise ValueError("either `replicas`, or `min` and `max`, not both")
        if self.replicas is None and not bounds:
            raise ValueError("one of `replicas`, `min` and `max` is needed; null ends an override")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min} is above `max` {self.max}")
        return self


class PauseAsk(Ask):
    """Which moves: only scale-in (`in`), only scale-out (`out`), or (left out) both."""

    only: Literal["in", "out"] | None = None


class DownAsk(Ask):
    """Which services to remove; null: all, the proxy too, and then the daemon ends."""

    services: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None


# ---------------------------------------------------------------- answered


class RouteAnswer(Answer):
    """Where clients connect, and which requests are the service's."""

    bind: str
    host: str | None
    path: str


class ReplicaAnswer(Answer):
    """One replica. `spec` is the hash of what it was made from; `up_to_date` false where the file says otherwise now."""

    name: str
    state: str
    spec: str
    address: str
    started_at: float
    ready_at: float | None
    inflight: int
    up_to_date: bool = True
    detail: str = ""
    log_tail: Sequence[str] = ()


class OverrideAnswer(Answer):
    """An operator's override in force."""

    replicas: int | None
    min: int | None
    max: int | None
    until: float | None
    reason: str


class RecommendationAnswer(Answer):
    """What one policy asks for; `value` is null where it gives none."""

    policy: int
    type: str
    value: int | None
    metric: str
    raw: float | None
    reason: str


class LimitAnswer(Answer):
    """A limit that bound the count from `before` to `after`; `until` is when it lets go, where known."""

    name: str
    before: int
    after: int
    reason: str
    until: float | None


class DecisionAnswer(Answer):
    """A decision, as `replay` prints it and with the numbers behind it."""

    t: float
    service: str
    desired: int
    recommendations: Sequence[RecommendationAnswer]
    limited_by: Sequence[str]
    mode: str
    current: int
    wanted: int
    limits: Sequence[LimitAnswer]
    reason: str


class BasisAnswer(Answer):
    """What one policy looked at: a metric's mean over `window`, null where it is taken as measured."""

    policy: int
    metric: str
    value: float | None
    window: float | None
    target: float | None
    per_replica: bool


class WithoutAnswer(Answer):
    """The count that the same tick would have come to without a limit, or without an operator's `override`."""

    limit: str
    desired: int


class TurnAnswer(Answer):
    """Beyond `at` (at it already, where `inclusive`) this metric alone makes the policies ask for `asks`."""

    metric: str
    per_replica: bool
    at: float
    inclusive: bool
    asks: int


class MoveAnswer(Answer):
    """The next move one way: `at` the earliest time, how far it could `reach`, what it `waits_for`, and what asks for it."""

    at: float | None
    reach: int | None
    waits_for: str
    told: str
    turns: Sequence[TurnAnswer]


class AccountAnswer(Answer):
    """What explains a decision: the numbers behind it, what each limit cost, and what would change it."""

    ready: int
    starting: int
    bases: Sequence[BasisAnswer]
    without: Sequence[WithoutAnswer]
    more: MoveAnswer
    fewer: MoveAnswer


class MetricAnswer(Answer):
    """A metric over its policy's window; `value` is null where it is missing, and `problem` says why."""

    name: str
    value: float | None
    t: float
    problem: str
    target: float | None
    per_replica: bool


class TallyAnswer(Answer):
    """Sums over `seconds`; what begins with `ran` is of the replicas that there were. Late: waits over 200 ms, modelled."""

    seconds: float
    replica_seconds: float
    ran_replica_seconds: float
    requests: float
    late_requests: float
    ran_late_requests: float


class ShadowAnswer(Answer):
    """A shadow: what it would have `desired` and why, and its score in all and over the last day or so (`recent`).

    `seen_full`: it is known what a full replica carries; until then late requests are a guess.
    """

    name: str
    desired: int | None
    decision: DecisionAnswer | None
    since: float | None
    recent: TallyAnswer
    total: TallyAnswer
    problem: str
    seen_full: bool


class ServiceAnswer(Answer):
    """One service now. `errors` are what is wrong at present, one line each."""

    name: str
    runtime: str
    route: RouteAnswer
    desired: int
    min: int
    max: int
    mode: str | None
    override: OverrideAnswer | None
    policies: Sequence[str]
    replicas: Sequence[ReplicaAnswer]
    rollout: None = None
    last_decision: DecisionAnswer | None
    errors: Sequence[str]
    paused: Literal["all", "in", "out"] | None = None
    down: bool = False
    metrics: Sequence[MetricAnswer] = ()
    waiting: int = 0
    health_suspect: bool = False
    shadows: Sequence[ShadowAnswer] = ()


class ServicesAnswer(RootModel[tuple[ServiceAnswer, ...]]):
    """All services, by name."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class ExplainAnswer(Answer):
    """Why there are this many replicas: `text` for people, and the numbers in it."""

    service: str
    text: str
    desired: int
    mode: str | None
    override: OverrideAnswer | None
    decision: DecisionAnswer | None
    metrics: Sequence[MetricAnswer]
    errors: Sequence[str]
    account: AccountAnswer | None = None
    shadows: Sequence[ShadowAnswer] = ()


class EventAnswer(Answer):
    """A fact of the journal; `id` grows, `service` is empty for the daemon's own."""

    id: int
    t: float
    service: str
    kind: str
    replica: str
    cause: str
    facts: Mapping[str, Any]


class HistoryAnswer(Answer):
    """The journal's newest events of a service, oldest first."""

    service: str
    events: Sequence[EventAnswer]


class OrderedAnswer(Answer):
    """What an order came to; `note` says how it was bounded."""

    desired: int
    until: float | None
    note: str = ""


class ReloadAnswer(Answer):
    """The policy files were read again, and all is well."""

    problems: Sequence[str] = ()


class DownAnswer(Answer):
    """What was removed; null: all, and the daemon ends."""

    services: Sequence[str] | None


class LogLine(Answer):
    """One line that a replica wrote."""

    replica: str
    line: str


class Problem(Answer):
    """RFC 9457: what went wrong (`detail`), with `where` and how to put it right (`fix`); `problems` where they are many."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    where: str = ""
    fix: str = ""
    problems: Sequence[str] = ()
