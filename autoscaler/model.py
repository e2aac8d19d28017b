"""The values that flow through a tick, from what is seen to what is done about it.

All are frozen. Times are Unix seconds from one clock (control/clock.py), durations seconds, memory bytes. A number that
is not known is None with the reason beside it, never zero.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

# ---------------------------------------------------------------- seen at the runtime


class Phase(StrEnum):
    """Where a container or process is in its life."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    EXITED = "exited"


@dataclass(frozen=True, slots=True)
class Address:
    """Where a replica listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a replica ended; `code` is None where nobody could see it."""

    code: int | None
    oom: bool = False

    def __str__(self) -> str:
        if self.oom:
            return "out of memory"
        return "ended, exit status unknown" if self.code is None else f"exit status {self.code}"


@dataclass(frozen=True, slots=True)
class Instance:
    """A replica as its runtime sees it; `healthy` is the container's own HEALTHCHECK, None where it has none, False until it
    passes."""

    id: str
    replica: str
    service: str
    spec_hash: str
    phase: Phase
    created_at: float
    address: Address | None = None
    healthy: bool | None = None
    exit: Exit | None = None
    image: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a replica has used: CPU seconds since its start, and bytes of memory now."""

    cpu_seconds: float | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """The runtime tells that something happened to a replica: `start`, `kill`, `die`, `pause`, `health` and the like.

    It only brings the next tick forward; what is the case, `observe` tells.
    """

    service: str
    replica: str
    what: str


# ---------------------------------------------------------------- seen at the proxy


class ServerState(StrEnum):
    """Whether the proxy sends a replica requests."""

    CHECKING = "checking"
    UP = "up"
    DOWN = "down"
    DRAIN = "drain"


class Check(StrEnum):
    """What a replica's health check finds at present, whether or not it has failed often enough to count as failed.

    One that fails takes connections, and answers wrongly, late or not at all; one that refuses takes none.
    """

    PASSES = "passes"
    FAILS = "fails"
    REFUSES = "refuses"


@dataclass(frozen=True, slots=True)
class Server:
    """A replica as the proxy sees it. `in_flight` sums over all of the proxy's workers, old ones too; totals may reset.

    One that is not `checked` gets requests without being asked for its health, as it was ordered.
    """

    replica: str
    state: ServerState
    in_flight: int
    requests_total: int
    errors_total: int
    address: Address | None = None
    problem: str = ""
    check: Check = Check.PASSES
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """What our own asking finds of a replica that the proxy doesn't ask; `failed`: so often in a row that it has failed."""

    check: Check
    failed: bool = False
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Traffic:
    """A route's counters in one worker of the proxy; totals start at 0 with each worker.

    `in_flight` includes the `queued` ones.
    """

    worker: str
    arrivals_total: int
    responses_total: int
    errors_total: int
    in_flight: int
    queued: int


@dataclass(frozen=True, slots=True)
class ProxyView:
    """All that the proxy tells at one moment, by service."""

    t: float
    servers: Mapping[str, tuple[Server, ...]]
    traffic: Mapping[str, tuple[Traffic, ...]]


class FailureCause(StrEnum):
    """Why the proxy itself answered a request with an error."""

    NO_SERVER = "no_server"
    QUEUE = "queue"
    CONNECT = "connect"
    CUT = "cut"
    TIMEOUT = "timeout"
    HOLD = "hold"
    NO_ROUTE = "no_route"
    BAD_REQUEST = "bad_request"


@dataclass(frozen=True, slots=True)
class Request:
    """One finished request, from the proxy's log. It stands for `weight` requests where the log is sampled.

    `latency_s` is time queued + time to the first byte of the answer; None where no answer came or for a WebSocket.
    """

    service: str
    status: int
    latency_s: float | None
    failure: FailureCause | None = None
    weight: float = 1.0


# ---------------------------------------------------------------- joined


class ReplicaState(StrEnum):
    """The states of the contract's `autoscaler_replicas{state}`."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"
    WARM = "warm"
    FAILED = "failed"


class Step(StrEnum):
    """An action on a replica that is under way."""

    START = "start"
    STOP = "stop"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Replica:
    """Instance and server joined: what reconcile plans with.

    `since` is when it came into this state, or was told to drain and the proxy took that in; `ready_at` when it first was
    ready. `in_proxy` says whether the proxy has a server for it, `passed` that it passed its health check, `let_go` that the
    proxy sends it nothing any more, `drained` that it has nothing in flight with it either, `signalled` that it has, or may
    have, its stop signal. `created` is one that was made and never started. `failure` says why a failed one failed, `cause`
    why a draining one is draining. `checked` says whether the proxy asks for its health, `check` what is found.
    """

    name: str
    state: ReplicaState
    id: str = ""
    spec_hash: str = ""
    image: str = ""
    created_at: float = 0.0
    since: float = 0.0
    ready_at: float | None = None
    address: Address | None = None
    in_flight: int = 0
    in_proxy: bool = False
    passed: bool = False
    let_go: bool = False
    drained: bool = False
    signalled: bool = False
    under_way: Step | None = None
    created: bool = False
    exited: bool = False
    unhealthy: bool = False
    check: Check = Check.PASSES
    checked: bool = True
    failure: str = ""
    reason: str = ""
    cause: str = ""


# ---------------------------------------------------------------- measured


@dataclass(frozen=True, slots=True)
class Sample:
    """A number with its time, or None with the reason."""

    value: float | None
    t: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Observation:
    """What a decision sees of one service in one tick: one line of `replay`.

    `totals` holds, by metric name, the average or rate since the previous tick; a name absent was not asked. `desired` is
    what the runtime was last asked for where someone else may have changed it, else None. `per_replica` holds one value a
    ready replica, None for one that reports none. `wall_offset` is wall clock minus `t`.
    """

    service: str
    t: float
    ready: int
    unready: int
    totals: Mapping[str, Sample] = field(default_factory=dict)
    per_replica: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    desired: int | None = None
    waiting: int = 0
    wall_offset: float = 0.0


# ---------------------------------------------------------------- ordered and decided


class PauseKind(StrEnum):
    """Which moves a pause stops."""

    ALL = "all"
    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class Override:
    """An operator's word: this many replicas, or narrower bounds, until `until` (None: until taken back)."""

    replicas: int | None = None
    min: int | None = None
    max: int | None = None
    until: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Orders:
    """What an operator has ordered for a service; `down` keeps it at no replicas at all, outside of any decision."""

    override: Override | None = None
    pause: PauseKind | None = None
    down: bool = False


NO_ORDERS = Orders()


class Mode(StrEnum):
    """Why a decision is what it is, in the order in which they take precedence."""

    OVERRIDE = "override"
    PAUSED = "paused"
    IDLE = "idle"
    HOLD = "hold"
    PANIC = "panic"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Recommendation:
    """What one policy asks for; `value` is None where it gives none. `raw` is the number before rounding up.

    `policy` is its index in the file. `metric` and `reason` are for people.
    """

    policy: int
    type: str
    value: int | None
    metric: str
    raw: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that bound the count: it came in as `before`, left as `after`. `until` is when it lets go, where known."""

    name: str
    before: int
    after: int
    reason: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """How many replicas there shall be, and all that led to it. `wanted` is what the policies ask for, before limits."""

    service: str
    t: float
    desired: int
    current: int
    wanted: int
    recommendations: tuple[Recommendation, ...]
    limits: tuple[Limit, ...]
    mode: Mode
    reason: str

    @property
    def limited_by(self) -> tuple[str, ...]:
        """Names of the limits that bound it, in the order applied."""
        return tuple(limit.name for limit in self.limits)


# ---------------------------------------------------------------- planned


@dataclass(frozen=True, slots=True)
class Backend:
    """A server that the proxy shall have. A draining one gets no new requests and finishes those in flight; one that is not
    `checked` gets requests whatever its health check would say."""

    replica: str
    address: Address
    draining: bool
    cause: str
    checked: bool = True


@dataclass(frozen=True, slots=True)
class Start:
    """Make and start a replica of this name."""

    replica: str
    cause: str

    def __str__(self) -> str:
        return f"start {self.replica}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Stop:
    """Send a replica its stop signal, and kill it after `grace_s`."""

    replica: str
    grace_s: float
    cause: str

    def __str__(self) -> str:
        return f"stop {self.replica}: {self.cause}"


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove a replica that has ended; `keep_words` keeps the last lines that it wrote."""

    replica: str
    cause: str
    keep_words: bool = False

    def __str__(self) -> str:
        return f"remove {self.replica}: {self.cause}"


Action = Start | Stop | Remove


@dataclass(frozen=True, slots=True)
class Plan:
    """The next legal step of each replica, and the servers that the proxy shall have.

    `drains` and `returns` are what is new in `backends`: replica and cause. `backends` is None where the proxy can't be seen
    and stays as it is. `waits` says why something is put off.
    """

    backends: tuple[Backend, ...] | None
    actions: tuple[Action, ...]
    drains: tuple[tuple[str, str], ...] = ()
    returns: tuple[tuple[str, str], ...] = ()
    waits: str = ""

    def __str__(self) -> str:
        returns = [f"take back {replica}: {cause}" for replica, cause in self.returns]
        drains = [f"drain {replica}: {cause}" for replica, cause in self.drains]
        return "\n".join([*map(str, self.actions), *returns, *drains])


# ---------------------------------------------------------------- told


class EventKind(StrEnum):
    """The names of all events; what varies is in an event's fields."""

    DECIDED = "decided"
    WOULD = "would"
    METRICS_MISSING = "metrics_missing"
    METRICS_BACK = "metrics_back"
    REPLICA_STARTING = "replica_starting"
    REPLICA_READY = "replica_ready"
    REPLICA_DRAINING = "replica_draining"
    REPLICA_TAKEN_BACK = "replica_taken_back"
    REPLICA_STOPPING = "replica_stopping"
    REPLICA_REMOVED = "replica_removed"
    REPLICA_FAILED = "replica_failed"
    LAST_WORDS = "last_words"
    START_FAILED = "start_failed"
    ACTION_FAILED = "action_failed"
    BACK_OFF = "back_off"
    HEALTH_SUSPECT = "health_suspect"
    HEALTH_BACK = "health_back"
    IMAGE_PREPARING = "image_preparing"
    IMAGE_READY = "image_ready"
    ORDERED = "ordered"
    SERVICE_ADDED = "service_added"
    SERVICE_CHANGED = "service_changed"
    SERVICE_REMOVED = "service_removed"
    SERVICE_FAULT = "service_fault"
    RELOADED = "reloaded"
    RELOAD_FAILED = "reload_failed"
    PROXY_STARTED = "proxy_started"
    PROXY_RESTARTED = "proxy_restarted"
    PROXY_RELOADED = "proxy_reloaded"
    PROXY_FAULT = "proxy_fault"
    PROXY_BACK = "proxy_back"
    ENGINE_FAULT = "engine_fault"
    ENGINE_BACK = "engine_back"
    STATE_FAULT = "state_fault"
    STATE_BACK = "state_back"
    DAEMON_STARTED = "daemon_started"
    DAEMON_STOPPED = "daemon_stopped"


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: at `t` this happened to that service (empty: to the daemon), because of `cause`."""

    t: float
    service: str
    kind: EventKind
    replica: str = ""
    cause: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
