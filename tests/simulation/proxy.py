"""A simulated proxy: servers that it sends requests and checks, counters, and a file that outlives it.

`check_stop` is where the main promise is watched: no stop signal to a replica that the proxy may still send to, nor, before
the drain's time is over, to one with requests in flight.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Address, Backend, ProxyView, Request, Server, ServerState, Traffic
from autoscaler.ports import Emit
from autoscaler.spec.models import ServiceSpec
from tests.simulation.outside import Outside

CHECKS_FAIL_S = 2.0  # by then failing checks are noticed
NOTICED_S = CHECKS_FAIL_S + 1.5  # and the daemon has seen that, and what it then began has come to the proxy
FORGIVEN_S = 8.0  # what was in trouble so lately may still be thought to be


@dataclass(slots=True)
class Behind:
    """A server; `busy_until`: its requests have ended by then."""

    replica: str
    address: Address
    draining: bool = False
    drained_at: float = 0.0
    up: bool = True
    fails_since: float | None = None
    busy_until: float = 0.0


class SimProxy:
    """A Proxy. `rate` requests a second come to each service, each takes `request_s`. `given_up` are those that were told to
    leave while there was reason to, and have not been told to serve since."""

    def __init__(self, outside: Outside) -> None:
        self.rate: dict[str, float] = {}
        self.request_s = 0.1
        self.drain_timeout_s = 300.0
        self.least: Callable[[str], int] = lambda service: 0
        self.serves: Callable[[str], bool] = lambda replica: False
        self.is_steady: Callable[[str], bool] = lambda replica: False
        self.signalled: set[str] = set()
        self.given_up: set[str] = set()
        self.routes: frozenset[str] = frozenset()
        self.servers: dict[str, dict[str, Behind]] = {}
        self.answered_at = 0.0
        self._file: dict[str, tuple[Backend, ...]] = {}
        self._arrived: dict[str, float] = {}
        self._counted_at: dict[str, float] = {}
        self._worker = 1
        self._outside = outside

    def _failing(self, why: str) -> ProxyUnavailable:
        return ProxyUnavailable(why, where="proxy")

    # ------------------------------------------------------------ looking

    async def observe(self) -> ProxyView:
        if not self._outside.quiet("proxy", "observe"):
            return await self._outside.call("proxy", "observe", self._page, self._failing)
        return self._page()

    def _page(self) -> ProxyView:
        now = self._outside.time()
        servers, traffic = {}, {}
        for service in self.routes:
            self._live(service, now)
            servers[service] = tuple([self._told(behind, now) for behind in self.servers.get(service, {}).values()])
            traffic[service] = (self._traffic(service, servers[service]),)
        self.answered_at = now
        return ProxyView(self._outside.clock.now(), servers, traffic)

    async def requests(self) -> AsyncIterator[Sequence[Request]]:
        await asyncio.Event().wait()
        yield ()

    def dropped_logs(self) -> int:
        return 0

    async def close(self) -> None:
        """Nothing to let go of."""

    # ------------------------------------------------------------ acting

    async def configure(self, specs: Sequence[ServiceSpec]) -> Mapping[str, str]:
        return await self._outside.call("proxy", "configure", lambda: self._configured(specs), self._failing)

    def _configured(self, specs: Sequence[ServiceSpec]) -> Mapping[str, str]:
        self.routes = frozenset(spec.service for spec in specs)
        for service in self.servers.keys() - self.routes:
            del self.servers[service]
            self._file.pop(service, None)
        for service in sorted(self.routes):
            self._take(service, self._file.get(service, ()))
        return {}

    async def assign(self, service: str, backends: Sequence[Backend]) -> None:
        """The file is written first, so that a proxy that is down has these when it comes back."""
        self.given_up -= {backend.replica for backend in backends if not backend.draining}
        if self._file.get(service) == tuple(backends) and self._has(service, backends):
            return
        self._file[service] = tuple(backends)
        half = self._outside.has("proxy assign half")
        await self._outside.call("proxy", "assign", lambda: self._assigned(service, half), self._failing)

    def _has(self, service: str, backends: Sequence[Backend]) -> bool:
        there = {behind.replica: behind.draining for behind in self.servers.get(service, {}).values()}
        return service not in self.routes or there == {backend.replica: backend.draining for backend in backends}

    def _assigned(self, service: str, half: bool) -> None:
        if service not in self.routes:
            return
        backends = self._file[service]
        if half:
            there = self.servers.get(service, {})
            kept = [Backend(b.replica, b.address, b.draining, "") for b in there.values()]
            first = backends[: (len(backends) + 1) // 2]
            told = {backend.replica for backend in first}
            self._take(service, (*first, *(backend for backend in kept if backend.replica not in told)))
            raise ProxyUnavailable("cut off in the middle", where="proxy")
        self._take(service, backends)

    def _take(self, service: str, backends: Sequence[Backend]) -> None:
        """Have these servers. A healthy one may only be drained while the least that there shall be stay; one that was ill
        when it was given up leaves, however late the proxy takes that in."""
        now = self._outside.time()
        self._live(service, now)
        before = self.servers.get(service, {})
        after = {b.replica: before.get(b.replica) or Behind(b.replica, b.address) for b in backends}
        left = [name for name in before if not before[name].draining]
        stay = {backend.replica for backend in backends if not backend.draining}
        gone = [name for name in left if name not in stay and name not in self.given_up and self.is_steady(name)]
        for wanted in backends:
            behind = after[wanted.replica]
            if wanted.draining and not behind.draining:
                behind.drained_at = now
            behind.draining = wanted.draining
        self.servers[service] = after
        if again := sorted(stay & self.signalled & after.keys()):
            self._outside.breaks(f"{', '.join(again)} serves again after its stop signal")
        fine = [name for name in stay if now - (after[name].fails_since or now) < NOTICED_S]
        if gone and not self.is_suspect() and len(fine) < self.least(service):
            self._outside.breaks(f"{', '.join(gone)} taken from {service}, which leaves less than min")

    def is_suspect(self) -> bool:
        """Whether all checks failed at once lately."""
        return self._outside.had("proxy checks fail", FORGIVEN_S)

    async def supervise(self, emit: Emit) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.servers, self.routes, self._file = {}, frozenset(), {}

    # ------------------------------------------------------------ what happens at it

    def _live(self, service: str, now: float) -> None:
        """Let the time since it was last looked at have passed."""
        since = self._counted_at.get(service, now)
        self._counted_at[service] = now
        rate = self.rate.get(service, 0.0)
        self._arrived[service] = self._arrived.get(service, 0.0) + rate * (now - since)
        bad = self._outside.has("proxy checks fail")
        for behind in self.servers.get(service, {}).values():
            if not bad and self.serves(behind.replica):
                behind.fails_since, behind.up = None, True
            elif behind.fails_since is None:
                behind.fails_since = now
            elif now - behind.fails_since >= CHECKS_FAIL_S:
                behind.up = False
            if rate and behind.up and not behind.draining:
                behind.busy_until = max(behind.busy_until, now + self.request_s)

    def _told(self, behind: Behind, now: float) -> Server:
        state = ServerState.DRAIN if behind.draining else ServerState.UP if behind.up else ServerState.DOWN
        problem = "L4CON" if state is ServerState.DOWN else ""
        return Server(behind.replica, state, int(now < behind.busy_until), 0, 0, behind.address, problem)

    def _traffic(self, service: str, servers: Sequence[Server]) -> Traffic:
        arrived = int(self._arrived[service])
        return Traffic(f"worker-{self._worker}", arrived, arrived, 0, sum([s.in_flight for s in servers]), 0)

    def behind(self, replica: str) -> Behind | None:
        """The server of that name."""
        for servers in self.servers.values():
            if replica in servers:
                return servers[replica]
        return None

    def check_stop(self, replica: str) -> None:
        """A stop signal arrives."""
        behind, now = self.behind(replica), self._outside.time()
        if behind is not None and not behind.draining:
            self._outside.breaks(f"{replica} gets its stop signal while the proxy may send to it")
            return
        self.signalled.add(replica)
        if behind is None:
            return
        if now < behind.busy_until and now - behind.drained_at < self.drain_timeout_s:
            self._outside.breaks(f"{replica} gets its stop signal with requests in flight")

    def forget_signals(self) -> None:
        """Nothing is left that shows the stop signals of replicas that it does not have."""
        self.signalled = {replica for replica in self.signalled if self.behind(replica) is not None}

    def restart(self, gap_s: float) -> None:
        """It dies with its connections, and is back from its file with counters from 0."""
        self._outside.trouble("proxy down", gap_s)
        for servers in self.servers.values():
            for behind in servers.values():
                behind.busy_until = 0.0
        self._arrived, self._worker = {}, self._worker + 1
        for service in sorted(self.routes):
            self._take(service, self._file.get(service, ()))

    def forget_counts(self, service: str, by: float) -> None:
        """Its counter leaps."""
        self._arrived[service] = max(self._arrived.get(service, 0.0) + by, 0.0)
