"""What one replica is: Docker Compose's own service keys."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from autoscaler.spec.fields import Duration, HealthPath, Number, Port, PositiveDuration, Size, StopSignal
from autoscaler.spec.models.base import Model, at_key


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
