"""A policy file as typed values: what a service is, how it is reached, and how its replica count is decided.

These are the values every other room reads. Durations are seconds, sizes bytes, fractions plain numbers, all defaults
filled in. How text becomes them, and what is said where it can't, is in the other modules of this room.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from autoscaler.spec.fields import (
    Duration,
    Fraction,
    HealthPath,
    HostName,
    IpAddress,
    IpNetwork,
    Number,
    Port,
    PositiveDuration,
    RoutePath,
    Size,
    StopSignal,
)
from autoscaler.units import parse_duration, parse_fraction

SERVICE_NAME = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"

LATENCIES = ("latency_p50", "latency_p90", "latency_p95", "latency_p99")
PROXY_METRICS = ("request_rate", "concurrency", "queue_length", *LATENCIES, "error_ratio")
REPLICA_METRICS = ("cpu", "memory")
TOTAL_ONLY_METRICS = (*LATENCIES, "error_ratio")
FRACTION_METRICS = ("error_ratio", *REPLICA_METRICS)


class Model(BaseModel):
    """Frozen, strict, and no key that we don't know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


def at_key(key: str, told: str) -> PydanticCustomError:
    """What is wrong with one key of a model, told as `what; fix`, for checks that look at several keys."""
    return PydanticCustomError("key", "{told}", {"key": key, "told": told})


def _aim(given: Any, info: ValidationInfo) -> Any:
    """A target in its metric's unit: a fraction may be written as a percentage, a latency as a duration."""
    metric = info.data.get("metric")
    if not isinstance(given, str) or metric is None:
        return given
    if metric in LATENCIES:
        return parse_duration(given)
    if metric in FRACTION_METRICS:
        return parse_fraction(given)
    raise ValueError(f"found {given!r}; {metric} takes a plain number such as 50")


Aim = Annotated[float, BeforeValidator(_aim, json_schema_input_type=str | float), Field(gt=0)]
ServiceName = Annotated[str, StringConstraints(pattern=f"^{SERVICE_NAME}$")]


# ---------------------------------------------------------------- replica


class Secret(Model):
    """A value that is not in the file: an environment variable of the daemon's, or the content of a file."""

    env: str | None = None
    file: str | None = None

    @model_validator(mode="after")
    def _one_of(self) -> "Secret":
        if (self.env is None) == (self.file is None):
            raise ValueError("not a secret; write {env: NAME} or {file: PATH}")
        return self


class HealthCheck(Model):
    """How the proxy and the controller ask a replica whether it can serve: by `http` path, by `tcp`, by the image's own
    HEALTHCHECK (`docker`), or by a `test` of Docker's own. None of the four given: the image's HEALTHCHECK, else tcp."""

    http: HealthPath | None = None
    tcp: bool = False
    docker: bool = False
    test: tuple[str, ...] | str | None = None
    interval: PositiveDuration = 1.0
    timeout: PositiveDuration = 1.0
    retries: Annotated[int, Field(ge=1, le=1000)] = 2
    start_period: Duration = 30.0
    start_timeout: PositiveDuration = 120.0

    @property
    def by_proxy(self) -> bool:
        """Whether the proxy asks: what only the engine can tell, the controller alone asks."""
        return not (self.docker or self.test)

    @model_validator(mode="after")
    def _one_of(self) -> "HealthCheck":
        asked = [key for key in ("http", "tcp", "docker", "test") if getattr(self, key)]
        if len(asked) > 1:
            raise at_key(asked[1], f"given beside `{asked[0]}`; choose one of http, tcp, docker, test")
        return self


class Build(Model):
    """Compose's `build`: paths are absolute by now."""

    context: str
    dockerfile: str | None = None
    args: dict[str, str] = {}
    target: str | None = None


class Ulimit(Model):
    """Compose's `ulimits` entry."""

    soft: int
    hard: int


class Logging(Model):
    """Compose's `logging`."""

    driver: str
    options: dict[str, str] = {}


class Mount(Model):
    """One of Compose's `volumes`: `bind` paths are absolute by now, `source` is None for an anonymous volume."""

    type: Literal["bind", "volume", "tmpfs"]
    source: str | None = None
    target: str
    read_only: bool = False


class ReplicaSpec(Model):
    """What one replica is: Docker Compose's own service keys, with Compose's meaning, normalized to their long forms.

    `command` and `entrypoint` are lists, `environment` holds what `env_file` said too. A key that is None was not given.
    """

    image: str | None = None
    build: Build | None = None
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: dict[str, str | Secret | None] = {}
    user: str | None = None
    working_dir: str | None = None
    volumes: tuple[Mount, ...] = ()
    tmpfs: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    extra_hosts: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    cpus: Number | None = None
    mem_limit: Size | None = None
    pids_limit: int = 4096
    cap_add: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    read_only: bool = False
    init: bool = True
    ulimits: dict[str, Ulimit] = {}
    sysctls: dict[str, str] = {}
    shm_size: Size | None = None
    labels: dict[str, str] = {}
    logging: Logging | None = None
    platform: str | None = None
    pull_policy: Literal["always", "missing", "never", "build"] | None = None
    stop_signal: StopSignal | None = None
    stop_grace_period: Duration = 10.0
    port: Port
    healthcheck: HealthCheck = HealthCheck()


# ---------------------------------------------------------------- route


class Bind(Model):
    """Where clients connect, from `127.0.0.1:8080`; `host` is an IP address."""

    host: IpAddress
    port: Port

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Route(Model):
    """How requests come to the service, and how they are dealt out to its replicas."""

    bind: Bind
    host: HostName | None = None
    path: RoutePath = "/"
    balance: Literal["leastconn", "roundrobin", "random"] = "leastconn"
    max_concurrency: Annotated[int, Field(ge=1, le=100_000)] = 20
    queue_timeout: PositiveDuration = 10.0
    retries: Literal["safe", "connect", "none"] = "safe"
    slow_start: Duration = 0.0
    drain_timeout: PositiveDuration = 300.0
    timeout_client: PositiveDuration = 60.0
    timeout_server: PositiveDuration = 60.0
    timeout_header: PositiveDuration = 10.0
    timeout_tunnel: PositiveDuration = 3600.0
    trusted_proxies: tuple[IpNetwork, ...] = ()


class Bounds(Model):
    """How few and how many replicas there may be."""

    min: Annotated[int, Field(ge=0)] = 1
    max: Annotated[int, Field(ge=1, le=10_000)] = 10

    @model_validator(mode="after")
    def _ordered(self) -> "Bounds":
        if self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}; lower min or raise max")
        return self


# ---------------------------------------------------------------- policies

MetricName = Literal[
    "request_rate",
    "concurrency",
    "queue_length",
    "latency_p50",
    "latency_p90",
    "latency_p95",
    "latency_p99",
    "error_ratio",
    "cpu",
    "memory",
]


class Tolerance(Model):
    """How far a ratio may be from 1 before anything moves, each way."""

    up: Fraction = 0.1
    down: Annotated[Fraction, Field(lt=1)] = 0.1


def _tolerance(given: Any) -> Any:
    if isinstance(given, str | int | float) and not isinstance(given, bool):
        return {"up": given, "down": given}
    return given


Tolerances = Annotated[Tolerance, BeforeValidator(_tolerance, json_schema_input_type=str | float | Tolerance)]


LARGEST_FRACTION = 10.0  # a replica without `cpus` may use several cores; seventy of them is a forgotten %


class TargetTracking(Model):
    """Kubernetes HPA v2's algorithm. `target` is one replica's share of the metric, `total` the whole service's.

    For `cpu`, `memory` and `error_ratio` that is a fraction; for the others a number in the metric's unit (latencies:
    seconds).
    """

    type: Literal["target_tracking"]
    metric: MetricName
    target: Aim | None = None
    total: Aim | None = None
    tolerance: Tolerances = Tolerance()
    window: Annotated[Duration, Field(le=3600)] = 10.0

    @model_validator(mode="after")
    def _aimed(self) -> "TargetTracking":
        """Exactly one of `target` and `total`, and the one that the metric can have."""
        metric = self.metric
        if self.target is not None and self.total is not None:
            raise at_key("total", "given beside `target`; keep `target` (one replica's share) or `total` (the service's)")
        if metric in TOTAL_ONLY_METRICS and self.total is None:
            example = "`total: 250ms`" if metric in LATENCIES else "`total: 1%`"
            key, what = ("total", "is missing") if self.target is None else ("target", "can't be shared out among replicas")
            raise at_key(key, f"{metric} {what}; write {example}")
        if metric in REPLICA_METRICS and self.target is None:
            key, what = ("target", "needs it") if self.total is None else ("total", "is measured at each replica")
            raise at_key(key, f"{metric} {what}; write `target: 70%`")
        aim = self.target if self.target is not None else self.total
        if metric in FRACTION_METRICS and aim is not None and aim > LARGEST_FRACTION:
            raise at_key(
                "total" if self.target is None else "target",
                f"is {aim:.0%} of what there is; write `{aim:g}%` for {aim:g} %",
            )
        if aim is None:
            raise at_key("target", "is missing; write `target: 50` (one replica's share) or `total: 500` (the service's)")
        return self


Policy = TargetTracking

# ---------------------------------------------------------------- behavior


class Rate(Model):
    """So much change is allowed in a period: `percent` of the count at its start, or so many `replicas`."""

    percent: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    replicas: Annotated[int, Field(gt=0)] | None = None
    period: Annotated[PositiveDuration, Field(le=1800)]

    @model_validator(mode="after")
    def _one_of(self) -> "Rate":
        if (self.percent is None) == (self.replicas is None):
            raise ValueError("a rate is either `percent` or `replicas`; give one of them")
        return self


class ScalingRules(Model):
    """One direction's stabilization and rates. No rates at all: as fast as asked."""

    stabilization_window: Annotated[Duration, Field(le=3600)]
    select: Literal["max", "min", "disabled"] = "max"
    policies: tuple[Rate, ...]


HPA_SCALE_UP = ScalingRules(
    stabilization_window=0.0, policies=(Rate(percent=100.0, period=15.0), Rate(replicas=4, period=15.0))
)
HPA_SCALE_DOWN = ScalingRules(stabilization_window=300.0, policies=(Rate(percent=100.0, period=15.0),))


class Behavior(Model):
    """Kubernetes HPA v2's `behavior`, each field left out already filled in (DECISIONS.md says with what)."""

    scale_up: ScalingRules = HPA_SCALE_UP
    scale_down: ScalingRules = HPA_SCALE_DOWN
    on_missing_metrics: Literal["hold", "scale_up", "fallback"] = "hold"
    fallback_replicas: Annotated[int, Field(ge=1)] | None = 3


# ---------------------------------------------------------------- service


class ServiceSpec(Model):
    """One service under a policy. `spec_hash` is of what the file says in `replica:`, `folder` where the file lies."""

    service: ServiceName
    runtime: Literal["docker", "process"] = "docker"
    replica: ReplicaSpec
    route: Route
    replicas: Bounds = Bounds()
    policies: tuple[Policy, ...]
    behavior: Behavior = Behavior()
    spec_hash: str = ""
    folder: str = "."


NAME_PATTERN = re.compile(SERVICE_NAME)
