"""A whole daemon in a world of worlds.py, with real policy files and a store that outlives it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.control.daemon import Daemon
from autoscaler.control.operator import Operator
from autoscaler.control.parts import Hands, Parts
from autoscaler.errors import AutoscalerError
from autoscaler.model import Event, EventKind, Minutes, Orders, ReplicaState
from autoscaler.ports import MetricSource, ReplicaRuntime
from autoscaler.spec.load import Loaded, load_document, load_policies
from autoscaler.spec.models import SourceMetric
from autoscaler.store.memory import MemoryStore
from autoscaler.store.sqlite import COMMIT_EVERY_S
from tests.support.sources import ToldSource
from tests.support.worlds import World

WEB = """\
service: {name}
replica: {{image: "app:1", port: 80, stop_grace_period: 10s, healthcheck: {{docker: true}}}}
route: {{bind: "127.0.0.1:{port}"}}
replicas: {{min: {least}, max: {most}}}
policies: [{{type: target_tracking, metric: request_rate, target: 50}}]
behavior: {{scale_down: {{stabilization_window: 5s}}}}
"""


def policy(name: str = "web", *, least: int = 1, most: int = 10, port: int = 8080) -> str:
    """50 requests a second a replica; down after 5 s."""
    return WEB.format(name=name, least=least, most=most, port=port)


class Counted:
    """Meterings that keep what they are told."""

    def __init__(self) -> None:
        self.ticks = 0
        self.seconds: dict[str, float] = {}
        self.metric_errors: list[tuple[str, str]] = []

    def observe_tick(self, seconds: float) -> None:
        self.ticks += 1

    def replica_seconds(self, service: str, seconds: float) -> None:
        self.seconds[service] = self.seconds.get(service, 0.0) + seconds

    def failed_requests(self, service: str, cause: str, weight: float) -> None: ...

    def runtime_error(self, runtime: str, operation: str) -> None: ...

    def metric_error(self, service: str, source: str) -> None:
        self.metric_errors.append((service, source))


class Disk(MemoryStore):
    """A store that outlives its daemons. A kill loses the documents of the last second, save those asked to be written; what
    a killed daemon still writes does not reach it."""

    writable = True

    def __init__(self) -> None:
        super().__init__()
        self._on_disk: dict[str, str] = {}
        self._minutes_on_disk: dict[str, Mapping[str, Minutes]] = {}
        self._committed_at = float("-inf")

    async def save(self, service: str, document: str) -> None:
        if self.writable:
            await super().save(service, document)
            if asyncio.get_running_loop().time() - self._committed_at >= COMMIT_EVERY_S:
                await self.written()

    async def keep_minutes(self, service: str, minutes: Mapping[str, Minutes]) -> None:
        if self.writable:
            await super().keep_minutes(service, minutes)

    async def written(self) -> None:
        if self.writable:
            self._on_disk = dict(self._documents)
            self._minutes_on_disk = dict(self._minutes)
            self._committed_at = asyncio.get_running_loop().time()

    async def set_orders(self, service: str, orders: Orders) -> None:
        if self.writable:
            await super().set_orders(service, orders)
            await self.written()

    async def set_good_policies(self, documents: Mapping[str, str]) -> None:
        if self.writable:
            await super().set_good_policies(documents)
            await self.written()

    def lose_what_is_unwritten(self) -> None:
        """Its daemon was killed."""
        self._documents = dict(self._on_disk)
        self._minutes = dict(self._minutes_on_disk)


@dataclass
class Controller:
    """One host: a folder of policies, a state, a world, and the daemon while it runs."""

    folder: Path
    world: World = field(default_factory=World)
    store: Disk = field(default_factory=Disk)
    events: list[Event] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)
    dry: bool = False
    engines: Mapping[str, ReplicaRuntime] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict)
    sources: dict[str, ToldSource] = field(default_factory=dict)  # by the metric's name
    refuses: dict[str, AutoscalerError] = field(default_factory=dict)  # by runtime, why its services may not run there

    def __post_init__(self) -> None:
        self.daemon: Daemon
        self.operator: Operator
        self._task: asyncio.Task[None] | None = None

    def write(self, text: str, name: str = "web.yaml") -> None:
        (self.folder / name).write_text(text)

    # ------------------------------------------------------------ its life

    async def start(self) -> None:
        """A new daemon."""
        self.daemon = Daemon(self._parts())
        self.operator = Operator(self.daemon, lambda: None)  # type: ignore[arg-type,return-value]
        self._task = asyncio.create_task(self.daemon.run(), name="daemon")
        waiting = asyncio.create_task(self.daemon.started.wait())
        await asyncio.wait((self._task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            await self._task

    def _parts(self) -> Parts:
        world = self.world

        def runtime(name: str) -> ReplicaRuntime:
            return self.engines.get(name, world.engine)

        return Parts(
            clock=world.clock,
            emit=self.events.append,
            store=self.store,
            proxy=world.proxy,
            runtime=runtime,
            source=self._source,
            admit=self._admit,
            hands=None if self.dry else Hands(world.proxy, runtime),
            read_policies=self._read,
            read_kept=lambda text, path: load_document(text, path, environ=self.environ),
            paths=[self.folder],
            meterings=self.counted,
            stop=asyncio.Event(),
        )

    def _source(self, metric: SourceMetric, folder: str) -> MetricSource:
        source = self.sources.setdefault(metric.name, ToldSource(self.world.clock))
        source.metrics.append(metric)
        return source

    async def _admit(self, runtime: str) -> None:
        if runtime in self.refuses:
            raise self.refuses[runtime]

    def _read(self) -> Loaded:
        return load_policies([self.folder], environ=self.environ)

    async def stop(self) -> None:
        """SIGTERM; fails where the daemon leaves a task behind."""
        assert self._task is not None
        self.daemon.parts.stop.set()
        await self._task
        left = [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert left == [], left

    async def ended(self) -> None:
        assert self._task is not None
        await self._task

    async def kill(self) -> None:
        """`kill -9`: nothing of the daemon goes on."""
        self.store.writable = False
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.store.lose_what_is_unwritten()
        self.store.writable = True

    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    # ------------------------------------------------------------ what is seen

    def told(self, kind: EventKind, service: str = "") -> list[Event]:
        return [event for event in self.events if event.kind is kind and service in ("", event.service)]

    def desired(self, service: str = "web") -> int:
        return self.operator.service(service).desired

    def states(self, service: str = "web") -> dict[str, ReplicaState]:
        return {replica.name: replica.state for replica in self.daemon.services[service].loop.replicas}

    def ready(self, service: str = "web") -> list[str]:
        return [name for name, state in self.states(service).items() if state is ReplicaState.READY]
