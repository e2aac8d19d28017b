"""Looking at the outside once for all services: at a runtime by demand and by its events, at the proxy all the time.

A look is shared by those who ask at the same time, but never one that had begun before it was asked for: a tick must not
mistake what it has just done for not done.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress

from autoscaler.control.meters import Meters
from autoscaler.control.parts import Meterings
from autoscaler.errors import EngineError, ProxyError
from autoscaler.model import Change, Check, Event, EventKind, Instance, ProxyView
from autoscaler.ports import Clock, Emit, ProxyReader, RuntimeReader

LOOK_TIMEOUT_S = 5.0
READ_INTERVAL_S = 0.2  # five readings a second: concurrency is their mean
READ_TIMEOUT_S = 1.0
STALE_AFTER_S = 1.5
RECONNECT_S = 0.5

ByService = Mapping[str, tuple[Instance, ...]]


class EngineWatch:
    """One runtime, for all services that run there."""

    def __init__(
        self,
        name: str,
        runtime: RuntimeReader,
        clock: Clock,
        emit: Emit,
        meterings: Meterings,
        stir: Callable[[Change], None],
    ) -> None:
        self.name = name
        self.problem = ""
        self._meterings = meterings
        self._runtime = runtime
        self._clock = clock
        self._emit = emit
        self._stir = stir
        self._next: asyncio.Task[ByService] | None = None
        self._looks: set[asyncio.Task[ByService]] = set()
        self._one_at_a_time = asyncio.Lock()

    async def look(self) -> ByService:
        """All replicas by service, seen after this call began. Raises EngineError."""
        if self._next is None:
            self._next = asyncio.create_task(self._look(), name=f"look at {self.name}")
            self._looks.add(self._next)
            self._next.add_done_callback(self._looked)
        return await asyncio.shield(self._next)

    async def _look(self) -> ByService:
        async with self._one_at_a_time:
            self._next = None
            try:
                async with asyncio.timeout(LOOK_TIMEOUT_S):
                    instances = await self._runtime.observe()
            except TimeoutError:
                error = EngineError(f"no answer in {LOOK_TIMEOUT_S:g} s", where=self.name, fix="is it up?")
                self._failed(error)
                raise error from None
            except EngineError as error:
                self._failed(error)
                raise
        self._answered(len(instances))
        found = defaultdict(list)
        for instance in instances:
            found[instance.service].append(instance)
        return {service: tuple(members) for service, members in found.items()}

    def _looked(self, look: asyncio.Task[ByService]) -> None:
        """Nobody may be waiting any more for a look that failed: its error was told already."""
        self._looks.discard(look)
        if not look.cancelled():
            look.exception()

    def _failed(self, error: EngineError) -> None:
        self._meterings.runtime_error(self.name, "observe")
        if not self.problem:
            self._emit(Event(self._clock.now(), "", EventKind.ENGINE_FAULT, cause=str(error), facts={"runtime": self.name}))
        self.problem = str(error)

    def _answered(self, count: int) -> None:
        if self.problem:
            facts = {"runtime": self.name, "replicas": count}
            self._emit(Event(self._clock.now(), "", EventKind.ENGINE_BACK, cause="it answers again", facts=facts))
        self.problem = ""

    async def follow(self) -> None:
        """Run for ever: hand on each change; where the stream is cut, listen again and have all look again."""
        try:
            while True:
                with suppress(EngineError):
                    async for change in self._runtime.changes():
                        self._stir(change)
                self._stir(Change("", "", "reconnect"))
                await asyncio.sleep(RECONNECT_S)
        finally:
            looks = list(self._looks)
            for look in looks:
                look.cancel()
            await asyncio.gather(*looks, return_exceptions=True)


class ProxyWatch:
    """The proxy's view, read five times a second, and its log; both go to the meters. `stir` is called with a service of
    which a replica begins to fail its health check, and with each that could not be seen and can.

    A proxy may get servers from its files when it is adopted, so until then no replica is judged by what it shows.
    """

    def __init__(self, proxy: ProxyReader, clock: Clock, meters: Meters, emit: Emit, stir: Callable[[str], None]) -> None:
        self.problem = "not read yet"
        self._proxy = proxy
        self._clock = clock
        self._meters = meters
        self._emit = emit
        self._stir = stir
        self._view: ProxyView | None = None
        self._adopted_at: float | None = None
        self._told = False

    def adopted(self) -> None:
        """The proxy serves the routes of this daemon from now on, with what servers it had."""
        if self._adopted_at is None:
            self._adopted_at = self._clock.now()

    def view(self) -> ProxyView | None:
        """The latest view, None where it is too old to act on, or from before the proxy was adopted."""
        if self._view is None or self._adopted_at is None or self._view.t < self._adopted_at:
            return None
        return None if self._is_old(self._view) else self._view

    def _is_old(self, view: ProxyView) -> bool:
        return self._clock.now() - view.t > STALE_AFTER_S

    async def read(self) -> None:
        """Run for ever: read the proxy's counters."""
        due = self._clock.now()
        while True:
            await self.read_once()
            due = max(due + READ_INTERVAL_S, self._clock.now())
            await asyncio.sleep(due - self._clock.now())

    async def read_once(self) -> None:
        """Read the proxy's counters now; what can't be read is missing."""
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                view = await self._proxy.observe()
        except (ProxyError, TimeoutError) as error:
            self._failed(str(error) or f"no answer in {READ_TIMEOUT_S:g} s")
            return
        was_blind = self.view() is None
        before, self._view = self._view, view
        self._meters.see(view)
        sees_again = was_blind and self.view() is not None
        for service in view.servers if sees_again else _begin_to_fail(before, view):
            self._stir(service)
        if self._told:
            self._emit(Event(self._clock.now(), "", EventKind.PROXY_BACK, cause="it answers again"))
        self.problem, self._told = "", False

    def _failed(self, problem: str) -> None:
        if self._view is None:
            problem = "the proxy is not up yet"
        self.problem = problem
        self._meters.miss(self._clock.now(), problem)
        stale = self._view is not None and self._is_old(self._view)
        if stale and not self._told:
            self._told = True
            self._emit(Event(self._clock.now(), "", EventKind.PROXY_FAULT, cause=problem))

    async def hear(self) -> None:
        """Run for ever: take in finished requests from the proxy's log."""
        while True:
            with suppress(ProxyError):
                async for batch in self._proxy.requests():
                    self._meters.hear(self._clock.now(), batch)
            await asyncio.sleep(RECONNECT_S)


def _begin_to_fail(before: ProxyView | None, view: ProxyView) -> set[str]:
    """The services of which a server fails its check now that didn't at the last look."""
    former = {} if before is None else before.servers
    begin = set()
    for service, servers in view.servers.items():
        failing = {server.replica for server in former.get(service, ()) if server.check is not Check.PASSES}
        if any(server.check is not Check.PASSES and server.replica not in failing for server in servers):
            begin.add(service)
    return begin
