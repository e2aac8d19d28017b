"""A small world in memory for a daemon to run in: an engine whose replicas boot, hang, crash and are killed, and a proxy
whose requests take their time. It lives on the loop's clock, so that with virtual time an hour is a moment.

The world watches the main promise itself: `broken` tells of each stop signal to a replica that the proxy may still send to.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from autoscaler.errors import AutoscalerError, EngineUnavailable, ProxyUnavailable
from autoscaler.model import (
    Address,
    Backend,
    Change,
    Exit,
    Instance,
    Phase,
    ProxyView,
    Request,
    Server,
    ServerState,
    Traffic,
    Usage,
)
from autoscaler.ports import Emit, Progress
from autoscaler.reconcile.names import number_of
from autoscaler.spec.models import ServiceSpec

EPOCH = 1_800_000_000.0
STEP_S = 0.01  # what a quick call takes
CHECKS_FAIL_S = 2.0  # the proxy's checks notice by then
DRAIN_TIMEOUT_S = 300.0


class LoopClock:
    """Unix time that runs with the loop; `set_by_s`: someone has set it."""

    def __init__(self, set_by_s: float = 0.0) -> None:
        self._set_by_s = set_by_s

    def now(self) -> float:
        return EPOCH + self._set_by_s + asyncio.get_running_loop().time()

    def wall_offset(self) -> float:
        return 0.0


@dataclass(slots=True)
class Container:
    """One replica; it answers from `serves_at` on, unless it is `hung`."""

    name: str
    service: str
    spec_hash: str
    image: str
    created_at: float
    phase: Phase = Phase.CREATED
    serves_at: float | None = None
    hung: bool = False
    signalled: bool = False
    exit: Exit | None = None

    @property
    def address(self) -> Address:
        return Address("127.0.0.1", 1000 + number_of(self.name))

    def serves(self, now: float) -> bool:
        return self.phase is Phase.RUNNING and not self.hung and self.serves_at is not None and now >= self.serves_at


class Engine:
    """A ReplicaRuntime. What is set here goes wrong until it is set back."""

    def __init__(self, world: "World") -> None:
        self.containers: dict[str, Container] = {}
        self.boot_s = 2.0
        self.create_s = 0.3
        self.pull_s = 0.0
        self.exit_s = 0.5
        self.crash_after_s: float | None = None  # each new replica ends so long after its start
        self.never_ready = False
        self.clock_ahead_s = 0.0  # of the daemon's
        self.down = ""
        self.hangs: set[str] = set()  # of observe, start, stop
        self.refuses: dict[str, AutoscalerError] = {}  # of prepare, start, stop, remove
        self.began: list[tuple[float, str]] = []
        self.signals: list[str] = []
        self.prepared = 0
        self.looks = 0
        self.usage_now: Callable[[str], Usage] | None = None
        self.closed = False
        self._world = world
        world.engines.append(self)
        self._listeners: list[asyncio.Queue[Change | None]] = []

    async def _answer(self, operation: str, seconds: float = STEP_S) -> None:
        if operation in self.hangs:
            await asyncio.Event().wait()
        await asyncio.sleep(seconds)
        if self.down:
            raise EngineUnavailable(self.down, where="engine")
        if operation in self.refuses:
            raise self.refuses[operation]

    def tell(self, container: Container, what: str) -> None:
        for listener in self._listeners:
            listener.put_nowait(Change(container.service, container.name, what))

    # ------------------------------------------------------------ the port

    async def observe(self) -> Sequence[Instance]:
        self.looks += 1
        await self._answer("observe")
        now = self._world.now()
        return [
            Instance(
                id=f"id-{c.name}",
                replica=c.name,
                service=c.service,
                spec_hash=c.spec_hash,
                phase=c.phase,
                created_at=c.created_at + self.clock_ahead_s,
                address=None if c.phase is Phase.CREATED else c.address,
                healthy=c.serves(now) if c.phase is Phase.RUNNING else None,
                exit=c.exit,
                image=c.image,
            )
            for c in self.containers.values()
        ]

    async def image_now(self, spec: ServiceSpec) -> str:
        return ""

    async def usage(self, ids: Sequence[str]) -> Mapping[str, Usage]:
        return {} if self.usage_now is None else {id: self.usage_now(id) for id in ids}

    async def changes(self) -> AsyncIterator[Change]:
        if self.down:
            raise EngineUnavailable(self.down)
        listener: asyncio.Queue[Change | None] = asyncio.Queue()
        self._listeners.append(listener)
        try:
            while (change := await listener.get()) is not None:
                yield change
        finally:
            self._listeners.remove(listener)
        raise EngineUnavailable("the stream was cut")

    def cut_stream(self) -> None:
        for listener in self._listeners:
            listener.put_nowait(None)

    async def prepare(self, spec: ServiceSpec, progress: Progress) -> str:
        self.prepared += 1
        progress("pulling")
        await self._answer("prepare", self.pull_s)
        return f"sha256:{spec.replica.image}"

    async def start(self, spec: ServiceSpec, replica: str, image: str) -> None:
        self.began.append((self._world.now(), replica))
        await self._answer("start", self.create_s / 2)
        container = self.containers.get(replica)
        if container is None:
            if replica in self._world.ever:
                self._world.broken.append(f"{replica} is started again, its name was used")
            self._world.ever.add(replica)
            container = Container(replica, spec.service, spec.spec_hash, image, self._world.now())
            self.containers[replica] = container
        await asyncio.sleep(self.create_s / 2)
        self.run(container)

    def run(self, container: Container) -> None:
        """It runs from now on."""
        now, loop = self._world.now(), asyncio.get_running_loop()
        container.phase = Phase.RUNNING
        container.serves_at = None if self.never_ready else now + self.boot_s
        loop.call_later(self.boot_s, self.tell, container, "health")
        if self.crash_after_s is not None:
            loop.call_later(self.crash_after_s, self.end, container, 1)
        self.tell(container, "start")

    async def stop(self, id: str, grace_s: float) -> None:
        container = self.containers.get(id.removeprefix("id-"))
        if container is None:
            return
        await self._answer("stop")
        self._world.check_stop(container.name)
        container.signalled = True
        self.signals.append(container.name)
        self.tell(container, "kill")
        asyncio.get_running_loop().call_later(self.exit_s, self.end, container, 0)
        while container.phase is not Phase.EXITED:
            await asyncio.sleep(STEP_S)

    async def remove(self, id: str) -> None:
        await self._answer("remove")
        container = self.containers.get(id.removeprefix("id-"))
        if container is not None:
            if container.phase is Phase.RUNNING:
                self._world.check_stop(container.name)
            del self.containers[container.name]
            self.tell(container, "destroy")

    async def logs(self, id: str, lines: int) -> Sequence[str]:
        await self._answer("logs")
        return (f"last words of {id.removeprefix('id-')}",)

    async def follow(self, id: str, lines: int) -> AsyncIterator[str]:
        number = 0
        while id.removeprefix("id-") in self.containers:
            yield f"line {number}"
            number += 1
            await asyncio.sleep(0)

    async def close(self) -> None:
        self.closed = True

    # ------------------------------------------------------------ what happens to replicas

    def end(self, container: Container, code: int) -> None:
        """It has ended."""
        if container.phase is not Phase.EXITED:
            container.phase, container.exit = Phase.EXITED, Exit(code)
            self.tell(container, "die")

    def kill(self, name: str) -> None:
        """Someone kills it."""
        self.tell(self.containers[name], "kill")
        self.end(self.containers[name], 137)

    def running(self) -> list[str]:
        return [c.name for c in self.containers.values() if c.phase is Phase.RUNNING]


@dataclass(slots=True)
class Behind:
    """A server of the proxy; `busy_until`: its requests have ended by then."""

    replica: str
    address: Address
    draining: bool = False
    drained_at: float | None = None
    up: bool = True
    fails_since: float | None = None
    busy_until: float = 0.0


class FakeProxy:
    """A Proxy. `rate` requests a second come to each service, each takes `request_s`."""

    def __init__(self, world: "World") -> None:
        self.rate: dict[str, float] = {}
        self.request_s = 0.1
        self.down = ""
        self.refuses_assign = ""
        self.refuses_routes: dict[str, str] = {}
        self.check_is_bad = False
        self.routes: dict[str, ServiceSpec] = {}
        self.servers: dict[str, dict[str, Behind]] = {}
        self.assigned: list[tuple[str, tuple[Backend, ...]]] = []
        self.configured = 0
        self.stopped = False
        self._arrived: dict[str, float] = {}
        self._counted_at: dict[str, float] = {}
        self._worker = 1
        self._world = world

    # ------------------------------------------------------------ the port

    async def observe(self) -> ProxyView:
        await asyncio.sleep(STEP_S)
        if self.down:
            raise ProxyUnavailable(self.down, where="proxy")
        now = self._world.now()
        services = self.routes.keys() | self.servers.keys()
        for service in services:
            self._live(service, now)
        servers = {s: tuple(self._told(b, now) for b in self.servers.get(s, {}).values()) for s in services}
        return ProxyView(self._world.clock.now(), servers, {s: (self._traffic(s, servers[s]),) for s in services})

    async def requests(self) -> AsyncIterator[Sequence[Request]]:
        await asyncio.Event().wait()
        yield ()

    def dropped_logs(self) -> int:
        return 0

    async def close(self) -> None:
        """Nothing to let go of."""

    async def configure(self, specs: Sequence[ServiceSpec]) -> Mapping[str, str]:
        await asyncio.sleep(STEP_S)
        if self.down:
            raise ProxyUnavailable(self.down, where="proxy")
        self.configured += 1
        self.routes = {s.service: s for s in specs if s.service not in self.refuses_routes}
        for service in self.servers.keys() - self.routes.keys():
            del self.servers[service]
        return {s.service: self.refuses_routes[s.service] for s in specs if s.service in self.refuses_routes}

    async def assign(self, service: str, backends: Sequence[Backend]) -> None:
        await asyncio.sleep(STEP_S)
        if self.down or self.refuses_assign or service not in self.routes:
            raise ProxyUnavailable(self.down or self.refuses_assign or f"no route {service}", where="proxy")
        now = self._world.now()
        self._live(service, now)
        self.assigned.append((service, tuple(backends)))
        before = self.servers.get(service, {})
        after = {b.replica: before.get(b.replica) or Behind(b.replica, b.address) for b in backends}
        for wanted in backends:
            behind = after[wanted.replica]
            if wanted.draining != behind.draining:
                behind.draining = wanted.draining
                behind.drained_at = now if wanted.draining else None
        self.servers[service] = after

    async def supervise(self, emit: Emit) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.stopped = True
        self.servers, self.routes = {}, {}

    # ------------------------------------------------------------ what happens at it

    def _live(self, service: str, now: float) -> None:
        """Let the time since it was last looked at have passed."""
        since = self._counted_at.get(service, now)
        self._counted_at[service] = now
        rate = self.rate.get(service, 0.0)
        self._arrived[service] = self._arrived.get(service, 0.0) + rate * (now - since)
        for behind in self.servers.get(service, {}).values():
            passes = self._world.serves(behind.replica) and not self.check_is_bad
            if passes:
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
        return Traffic(f"worker-{self._worker}", arrived, arrived, 0, sum(s.in_flight for s in servers), 0)

    def behind(self, replica: str) -> Behind | None:
        for servers in self.servers.values():
            if replica in servers:
                return servers[replica]
        return None

    def hold(self, replica: str, seconds: float) -> None:
        """A request that takes so long is in flight with it."""
        behind = self.behind(replica)
        assert behind is not None
        behind.busy_until = self._world.now() + seconds

    def restart(self, gap_s: float) -> None:
        """It dies, and is back with its servers and counters from 0."""
        self.down, self._arrived = "no answer", {}
        self._worker += 1

        def back() -> None:
            self.down = ""

        asyncio.get_running_loop().call_later(gap_s, back)


@dataclass
class World:
    """Engine and proxy, and what must never happen there. `ever` are all names that were used.

    `clock` is the daemon's, which a test may set; what runs here has the loop's time.
    """

    clock: LoopClock = field(default_factory=LoopClock)
    broken: list[str] = field(default_factory=list)
    ever: set[str] = field(default_factory=set)
    engines: list[Engine] = field(default_factory=list)
    engine: Engine = field(init=False)
    proxy: FakeProxy = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self)
        self.proxy = FakeProxy(self)

    def now(self) -> float:
        """The time in this world."""
        return EPOCH + asyncio.get_running_loop().time()

    def check_stop(self, name: str) -> None:
        """A stop signal comes: the proxy must have let go of the replica."""
        behind, now = self.proxy.behind(name), self.now()
        if behind is None:
            return
        if not behind.draining or behind.drained_at is None:
            self.broken.append(f"{name} gets its stop signal while the proxy may send to it")
        elif now < behind.busy_until and now - behind.drained_at < DRAIN_TIMEOUT_S:
            self.broken.append(f"{name} gets its stop signal with requests in flight")

    def found(self, name: str, service: str = "web", *, behind: bool = True) -> Container:
        """A replica that ran before."""
        container = Container(name, service, "", "sha256:app:1", self.now() - 60, Phase.RUNNING, 0.0)
        self.engine.containers[name] = container
        self.ever.add(name)
        if behind:
            self.proxy.servers.setdefault(service, {})[name] = Behind(name, container.address)
        return container

    def choosable(self, service: str = "web") -> list[str]:
        """The replicas that the proxy sends requests and that answer."""
        behind = self.proxy.servers.get(service, {}).values()
        return [b.replica for b in behind if not b.draining and self.serves(b.replica)]

    def serves(self, replica: str) -> bool:
        """Whether it answers, wherever it runs."""
        now = self.now()
        return any(replica in e.containers and e.containers[replica].serves(now) for e in self.engines)


async def until(holds: Callable[[], object], within_s: float = 60.0) -> float:
    """Wait until this holds; answers how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.05)
    return loop.time() - began
