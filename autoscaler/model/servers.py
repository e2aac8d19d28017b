"""What the proxy tells: of its servers, of each route's traffic, of finished requests."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from autoscaler.model.instances import Address


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
