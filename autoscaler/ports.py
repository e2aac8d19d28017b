"""What the core asks of the outside, as small protocols. Adapters implement them and are strangers to each other.

Every method has its own bound on time; errors are those of errors.py. All changes are idempotent: starting what runs,
stopping what is gone or removing twice is no error.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from autoscaler.model import (
    Backend,
    Change,
    Event,
    Instance,
    Minutes,
    Orders,
    Override,
    PauseKind,
    ProxyView,
    Reading,
    Request,
    Usage,
)
from autoscaler.spec.models import ServiceSpec
from autoscaler.status import DaemonStatus, Explanation, Ordered, ServiceStatus

Emit = Callable[[Event], None]
Progress = Callable[[str], None]


class Clock(Protocol):
    """`now` is Unix time at the process's start plus monotonic time since; `wall_offset` the wall clock minus that."""

    def now(self) -> float: ...

    def wall_offset(self) -> float: ...


class RuntimeReader(Protocol):
    """Looks at a runtime and changes nothing: all that a dry run is given."""

    async def observe(self) -> Sequence[Instance]:
        """Every replica of this controller's instance, whatever its phase. Raises EngineUnavailable."""

    async def image_now(self, spec: ServiceSpec) -> str:
        """The image id that the spec's image has here now; "" where there is no such thing. Nothing is pulled."""

    async def usage(self, ids: Sequence[str]) -> Mapping[str, Usage]:
        """What each of these has used; one that can't be read is left out."""

    def changes(self) -> AsyncIterator[Change]:
        """Changes as they happen; ends with EngineUnavailable when the stream is cut, to be asked for again."""

    async def logs(self, id: str, lines: int) -> Sequence[str]:
        """The last lines that a replica wrote, oldest first."""

    def follow(self, id: str, lines: int) -> AsyncIterator[str]:
        """The last `lines` that a replica wrote and then each new one, until it ends."""

    async def close(self) -> None:
        """Let go of connections and threads."""


class ReplicaRuntime(RuntimeReader, Protocol):
    """A runtime whose replicas we start and end one by one."""

    async def prepare(self, spec: ServiceSpec, progress: Progress) -> str:
        """Have the image at hand (pull or build it as the spec says) and answer its id, "" where there is no such thing.

        Raises ImageError, EngineUnavailable.
        """

    async def start(self, spec: ServiceSpec, replica: str, image: str) -> None:
        """Create and start one replica of that name from that image id, unless it is there already."""

    async def stop(self, id: str, grace_s: float) -> None:
        """Send the stop signal, kill after `grace_s`, and return when it has ended."""

    async def remove(self, id: str) -> None:
        """Remove one that has ended; one that still runs is killed first, but not by an order whose daemon is gone."""


class ProxyReader(Protocol):
    """Looks at a proxy and changes nothing."""

    async def observe(self) -> ProxyView:
        """Servers and counters of every route now. Raises ProxyUnavailable; never answers half a page."""

    def requests(self) -> AsyncIterator[Sequence[Request]]:
        """Finished requests in batches, as its log tells them."""

    def dropped_logs(self) -> int:
        """How many log lines were lost so far, at either end."""

    async def close(self) -> None:
        """Let go of connections; the proxy itself serves on."""


class Proxy(ProxyReader, Protocol):
    """The reverse proxy in front of all services of a daemon."""

    async def configure(self, specs: Sequence[ServiceSpec]) -> Mapping[str, str]:
        """Serve exactly these services' routes from now on; start the proxy, or adopt one that runs.

        Reloads only where the routes differ. Answers, by service, why a route could not be served (its port is taken,
        say); the others are served. Raises ProxyError where nothing could be changed: what served before serves on.
        """

    async def assign(self, service: str, backends: Sequence[Backend]) -> None:
        """Have exactly these servers behind a route, without a reload, and the config file say so too."""

    async def supervise(self, emit: Emit) -> None:
        """Run for ever: start the proxy again when it has died, with the servers it had."""

    async def stop(self) -> None:
        """End the proxy and remove its sockets and files."""


class MetricSource(Protocol):
    """One number that another system knows. Reading it changes nothing."""

    async def read(self) -> Reading:
        """The number now, within the time that its policy gives it. Raises SourceError where it can't be had, and
        SourceUnavailable where the system itself doesn't answer as it should; never answers 0 for "don't know"."""


class Store(Protocol):
    """What outlives a restart. `degraded` says why writing fails at present, "" while it works."""

    @property
    def degraded(self) -> str: ...

    async def load(self, service: str) -> str | None:
        """The service's saved document (JSON), None where there is none."""

    async def save(self, service: str, document: str) -> None:
        """Keep the service's document, before anything is waited for. A disk that is full raises nothing: `degraded` tells,
        and the latest is kept in memory and written when it can be."""

    async def minutes(self, service: str) -> Mapping[str, Minutes]:
        """By metric, the minutes that are kept of the service."""

    async def keep_minutes(self, service: str, minutes: Mapping[str, Minutes]) -> None:
        """Keep exactly these, as `save` keeps documents; with a document that is saved right after it goes in one piece."""

    async def written(self) -> None:
        """Have all that was saved before this call on the disk. Returns when that was tried, or after a moment: a disk that
        is full or slow keeps nobody waiting."""

    async def orders(self) -> Mapping[str, Orders]: ...

    async def set_orders(self, service: str, orders: Orders) -> None: ...

    async def good_policies(self) -> Mapping[str, str]:
        """By service, the text of the document that was last in force."""

    async def set_good_policies(self, documents: Mapping[str, str]) -> None: ...

    async def append(self, events: Sequence[Event]) -> int:
        """Add to the journal; answers the number of the first, the others follow it. Never waits for a disk."""

    async def events(self, service: str | None, limit: int, after: int = 0, kind: str = "") -> Sequence[tuple[int, Event]]:
        """The journal's newest `limit` events with a number above `after`, of one kind where it is given, oldest first."""

    async def close(self) -> None: ...


class Control(Protocol):
    """A running daemon, as its API sees it. Unknown services raise UsageError."""

    def status(self) -> DaemonStatus: ...

    def service(self, name: str) -> ServiceStatus: ...

    def explain(self, name: str) -> Explanation:
        """Why there are this many replicas."""

    async def history(self, service: str | None, limit: int, after: int = 0, kind: str = "") -> Sequence[tuple[int, Event]]:
        """As the store's `events`."""

    def listen(self) -> AsyncIterator[tuple[int, Event]]:
        """Events as they happen; a listener too slow to keep up is cut off."""

    def logs(self, service: str, tail: int, follow: bool) -> AsyncIterator[tuple[str, str]]:
        """(replica, line) of all replicas of a service."""

    async def scale(self, service: str, override: Override | None) -> Ordered:
        """Order a replica count or narrower bounds, or (None) take that back."""

    async def pause(self, service: str, kind: PauseKind | None) -> Ordered:
        """Stop moves of that kind, or (None) let the policies move again, and end a `down`."""

    async def reload(self) -> Sequence[str]:
        """Read the policy files again; answers what is wrong with them, one line each, [] where all is well."""

    async def down(self, services: Sequence[str] | None) -> None:
        """Drain and remove these services' replicas and keep them down; None: all, the proxy too, then end the daemon."""
