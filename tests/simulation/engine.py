"""A simulated engine: containers that boot, hang, crash, are paused or removed by others; ours, and one that is not."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.errors import AutoscalerError, EngineError, EngineUnavailable
from autoscaler.model import Address, Change, Exit, Instance, Phase, Usage
from autoscaler.ports import Progress
from autoscaler.reconcile.names import number_of
from autoscaler.spec.models import ServiceSpec
from tests.simulation.outside import QUICK_S, Outside
from tests.simulation.proxy import SimProxy

STEADY_S = 6.0  # one that has served for so long is seen as healthy by everybody
LATE_S = 1.0


@dataclass(slots=True)
class Container:
    """One replica. It answers from `serves_at` on; `hurt_at` is when it last was not well. Who ordered it to stop before
    `forgotten_at` is gone with all that told of it."""

    name: str
    service: str
    spec_hash: str
    image: str
    created_at: float
    phase: Phase = Phase.CREATED
    serves_at: float | None = None
    hung: bool = False
    cut_off: bool = False
    signalled: bool = False
    hurt_at: float = 0.0
    forgotten_at: float = 0.0
    exit: Exit | None = None

    @property
    def address(self) -> Address | None:
        if self.phase in (Phase.CREATED, Phase.EXITED) or self.cut_off:
            return None
        return Address("127.0.0.1", 1000 + number_of(self.name))

    def serves(self, now: float) -> bool:
        well = self.phase is Phase.RUNNING and not (self.hung or self.cut_off)
        return well and self.serves_at is not None and now >= self.serves_at

    def is_steady(self, now: float) -> bool:
        """Whether nobody can have a reason to think it ill."""
        return self.serves(now) and not self.signalled and now - max(self.serves_at or 0.0, self.hurt_at) >= STEADY_S


class SimEngine:
    """A ReplicaRuntime. `boots` and `exits` are how long that takes, `obeys` whether replicas end at their signal."""

    def __init__(self, outside: Outside, proxy: SimProxy, foreign: str) -> None:
        self.containers: dict[str, Container] = {}
        self.foreign = foreign
        self.boot_s = 1.0
        self.exit_s = 0.3
        self.starting: dict[str, int] = {}
        self._outside = outside
        self._proxy = proxy
        self._listeners: list[asyncio.Queue[Change | None]] = []

    def _failing(self, why: str) -> AutoscalerError:
        return EngineUnavailable(why, where="engine") if "refused" in why or "lost" in why else EngineError(why)

    # ------------------------------------------------------------ looking

    async def observe(self) -> Sequence[Instance]:
        listed = await self._outside.call("engine", "observe", self._listed, self._failing)
        self._outside.names.shown({instance.replica for instance in listed})
        return listed

    def _listed(self) -> Sequence[Instance]:
        now = self._outside.time()
        return [
            Instance(
                id=f"id-{c.name}",
                replica=c.name,
                service=c.service,
                spec_hash=c.spec_hash,
                phase=c.phase,
                created_at=c.created_at,
                address=c.address,
                healthy=c.serves(now) if c.phase is Phase.RUNNING else None,
                exit=c.exit,
                image=c.image,
            )
            for c in self.containers.values()
        ]

    async def image_now(self, spec: ServiceSpec) -> str:
        return ""

    async def usage(self, ids: Sequence[str]) -> Mapping[str, Usage]:
        return {}

    async def changes(self) -> AsyncIterator[Change]:
        if self._outside.has("engine down"):
            raise EngineUnavailable("connection refused")
        listener: asyncio.Queue[Change | None] = asyncio.Queue()
        self._listeners.append(listener)
        try:
            while (change := await listener.get()) is not None:
                yield change
        finally:
            self._listeners.remove(listener)
        raise EngineUnavailable("the stream was cut")

    def cut_stream(self) -> None:
        """All who listen lose the stream."""
        for listener in self._listeners:
            listener.put_nowait(None)

    def tell(self, container: Container, what: str) -> None:
        """An event goes out: it may get lost, come late and so out of order, or come twice."""
        if self._outside.has("events lost"):
            return
        self._hand_out(Change(container.service, container.name, what))
        if self._outside.has("events twice"):
            self._hand_out(Change(container.service, container.name, what))

    def _hand_out(self, change: Change) -> None:
        late_s = LATE_S * self._outside.chance("event") if self._outside.has("events late") else 0.0
        asyncio.get_running_loop().call_later(late_s, self._arrives, change)

    def _arrives(self, change: Change) -> None:
        for listener in self._listeners:
            listener.put_nowait(change)

    async def logs(self, id: str, lines: int) -> Sequence[str]:
        return await self._outside.call("engine", "logs", lambda: (f"last words of {id}",), self._failing)

    async def follow(self, id: str, lines: int) -> AsyncIterator[str]:
        for line in await self.logs(id, lines):
            yield line

    async def close(self) -> None:
        """Nothing to let go of."""

    # ------------------------------------------------------------ acting

    async def prepare(self, spec: ServiceSpec, progress: Progress) -> str:
        progress("pulling")
        return await self._outside.call("engine", "prepare", lambda: f"sha256:{spec.replica.image}", self._failing)

    async def start(self, spec: ServiceSpec, replica: str, image: str) -> None:
        self.starting[spec.service] = self.starting.get(spec.service, 0) + 1
        try:
            await self._outside.call("engine", "create", lambda: self._create(spec, replica, image), self._failing)
            await self._outside.call("engine", "start", lambda: self._run(replica), self._failing)
        finally:
            self.starting[spec.service] -= 1

    def _create(self, spec: ServiceSpec, replica: str, image: str) -> None:
        if replica == self.foreign:
            raise EngineError(f"the name {replica} is in use")
        if replica in self.containers:
            return
        if replica in self._outside.names.used:
            self._outside.breaks(f"{replica} is made again, its name was used")
        self._outside.names.used.add(replica)
        made = Container(replica, spec.service, spec.spec_hash, image, self._outside.time())
        self.containers[replica] = made
        self.tell(made, "create")

    def _run(self, replica: str) -> None:
        container = self.containers.get(replica)
        if container is None:
            raise EngineError(f"no such container {replica}")
        if container.phase is not Phase.CREATED:
            return
        container.phase = Phase.RUNNING
        self.tell(container, "start")
        if self._outside.has("replicas never ready"):
            return
        container.serves_at = self._outside.time() + self.boot_s
        loop = asyncio.get_running_loop()
        loop.call_later(self.boot_s, self.tell, container, "health")
        if self._outside.has("replicas crash"):
            loop.call_later(self.boot_s * 2 * self._outside.chance("crash"), self.end, container, 1)

    async def stop(self, id: str, grace_s: float) -> None:
        name = id.removeprefix("id-")
        container = self.containers.get(name)
        if container is None:
            return
        ordered_at = self._outside.time()
        await self._outside.call("engine", "stop", lambda: self._signal(container, grace_s, ordered_at), self._failing)
        while container.phase is not Phase.EXITED and name in self.containers:
            await asyncio.sleep(QUICK_S)
            if self._outside.has("engine down"):
                raise EngineUnavailable("connection reset")

    def _signal(self, container: Container, grace_s: float, ordered_at: float) -> None:
        """It comes. One that nobody can know of any more is like a stranger's: no daemon can help where it comes."""
        if container.phase is Phase.EXITED:
            return
        if ordered_at >= container.forgotten_at:
            self._proxy.check_stop(container.name)
        container.signalled = True
        self.tell(container, "kill")
        deaf = container.hung or container.phase is Phase.PAUSED or self._outside.has("replicas deaf")
        asyncio.get_running_loop().call_later(grace_s if deaf else self.exit_s, self.end, container, 137 if deaf else 0)

    async def remove(self, id: str) -> None:
        """Without force first: an order that a hung engine carries out late ends nobody who was started since."""
        name = id.removeprefix("id-")
        if not await self._outside.call("engine", "remove", lambda: self._remove(name, by_force=False), self._failing):
            await self._outside.call("engine", "remove", lambda: self._remove(name, by_force=True), self._failing)

    def _remove(self, name: str, *, by_force: bool) -> bool:
        """Whether it was removed, or is gone already."""
        if name == self.foreign:
            self._outside.breaks(f"the foreign container {name} is removed")
        container = self.containers.get(name)
        if container is None:
            return True
        if container.phase in (Phase.RUNNING, Phase.PAUSED):
            if not by_force:
                return False
            self._proxy.check_stop(name)
        container.phase = Phase.EXITED
        del self.containers[name]
        self._proxy.signalled.discard(name)
        self.tell(container, "destroy")
        return True

    # ------------------------------------------------------------ what happens to replicas

    def forget_orders(self) -> None:
        """Nothing is left that shows the orders to stop replicas that the proxy does not have, as they were starting."""
        for container in self.containers.values():
            if self._proxy.behind(container.name) is None:
                container.forgotten_at = self._outside.time()

    def serves(self, name: str) -> bool:
        """Whether it answers requests."""
        return name in self.containers and self.containers[name].serves(self._outside.time())

    def is_steady(self, name: str) -> bool:
        """Whether nobody can have a reason to think it ill."""
        return name in self.containers and self.containers[name].is_steady(self._outside.time())

    def end(self, container: Container, code: int) -> None:
        """It has ended."""
        if container.phase is not Phase.EXITED and container.name in self.containers:
            container.phase, container.exit = Phase.EXITED, Exit(code, oom=code == 137)
            self.tell(container, "die")

    def running(self) -> list[Container]:
        """Those that run, the oldest first."""
        return [c for c in self.containers.values() if c.phase is Phase.RUNNING]
