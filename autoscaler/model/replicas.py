"""A replica: what runtime and proxy tell of it, joined by name, and the state that follows from it."""

from dataclasses import dataclass
from enum import StrEnum

from autoscaler.model.instances import Address
from autoscaler.model.servers import Check


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
