"""What a runtime tells of its containers or processes."""

from dataclasses import dataclass
from enum import StrEnum


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
