"""A host in virtual time: the outside, the policies in force, and the daemon while it runs; and all that can befall them."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from autoscaler.control.daemon import Daemon
from autoscaler.control.operator import Operator
from autoscaler.control.parts import Hands, Parts
from autoscaler.errors import UsageError
from autoscaler.model import Event, Override, PauseKind, Phase
from autoscaler.ports import MetricSource
from autoscaler.spec.load import Loaded, load_document
from autoscaler.spec.models import SourceMetric
from tests.simulation.disk import Disk, DiskStore
from tests.simulation.engine import Container, SimEngine
from tests.simulation.faults import FAULTS_LAST_S, WINDOWS, Fault
from tests.simulation.laws import Laws
from tests.simulation.outside import DaemonClock, Outside
from tests.simulation.proxy import SimProxy
from tests.support.controllers import Counted

DRAIN_TIMEOUT_S = 6.0
BOUNDS = ((1, 6), (2, 4), (1, 2), (3, 6), (4, 6), (2, 6))
PORTS = {"web": 8080, "shop": 8081}
POLICY = """\
service: {service}
replica:
  image: app:1
  port: 80
  stop_grace_period: 2s
  healthcheck: {{docker: true, start_timeout: 8s}}
route: {{bind: "127.0.0.1:{port}", drain_timeout: {drain:g}s}}
replicas: {{min: {least}, max: {most}}}
policies: [{{type: target_tracking, metric: request_rate, target: 50, window: 3s}}]
behavior: {{scale_down: {{stabilization_window: 2s}}}}
"""


@cache
def loaded(text: str, path: Path) -> Loaded:
    """A policy's text as typed values."""
    return load_document(text, path, environ={})


@cache
def policy(service: str, least: int, most: int) -> Loaded:
    """A service's policy with these bounds."""
    text = POLICY.format(service=service, port=PORTS[service], drain=DRAIN_TIMEOUT_S, least=least, most=most)
    answer = loaded(text, Path(f"{service}.yaml"))
    assert not answer.problems, answer.problems
    return answer


class Host:
    """One machine. `bounds` are the policies in force: by service its min and max."""

    def __init__(self, seed: int) -> None:
        self.outside = Outside(seed)
        self.proxy = SimProxy(self.outside)
        chance = self.outside.chance
        self.engine = SimEngine(self.outside, self.proxy, "web-3" if chance("foreign") < 0.2 else "")
        self.engine.boot_s = 0.3 + 3 * chance("boot")
        self.engine.exit_s = 0.05 + chance("exit")
        services = ["web", "shop"] if chance("services") < 0.25 else ["web"]
        self.bounds = {service: BOUNDS[int(chance("bounds") * len(BOUNDS))] for service in services}
        self.proxy.rate = {service: rate(int(chance("rate") * 6)) for service in services}
        self.proxy.request_s = (0.05, 0.5, 2.0)[int(chance("request") * 3)]
        self.proxy.drain_timeout_s = DRAIN_TIMEOUT_S
        self.proxy.serves, self.proxy.is_steady = self.engine.serves, self.engine.is_steady
        self.disk = Disk()
        self.laws = Laws(self.outside, self.engine, self.proxy, dict(self.bounds))
        self.proxy.least = self.laws.least
        self.daemon: Daemon
        self.operator: Operator
        self._store: DiskStore
        self._task: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ the daemon's life

    async def start(self) -> None:
        """A new daemon, and it has started."""
        self._store = DiskStore(self.outside, self.disk)
        self.daemon = Daemon(self._parts())
        self.operator = Operator(self.daemon, lambda: None)  # type: ignore[arg-type,return-value]
        self.laws.begins(self.daemon)
        self._task = asyncio.create_task(self.daemon.run(), name="daemon")
        waiting = asyncio.create_task(self.daemon.started.wait())
        await asyncio.wait((self._task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            await self._task

    def _parts(self) -> Parts:
        return Parts(
            clock=self.outside.clock,
            emit=self._emit,
            store=self._store,
            proxy=self.proxy,
            runtime=lambda name: self.engine,
            source=_no_source,
            admit=_everywhere,
            hands=Hands(self.proxy, lambda name: self.engine),
            read_policies=self._read,
            read_kept=loaded,
            paths=[],
            meterings=Counted(),
            stop=asyncio.Event(),
        )

    def _emit(self, event: Event) -> None:
        self.laws.told(event)

    def _read(self) -> Loaded:
        texts = [policy(service, least, most) for service, (least, most) in self.bounds.items()]
        return Loaded(tuple(document for text in texts for document in text.documents))

    async def stop(self) -> list[str]:
        """SIGTERM; answers the tasks that the daemon left behind."""
        assert self._task is not None
        self.daemon.parts.stop.set()
        await self._task
        self._store.commit()
        self._forget_unwritten()
        return [task.get_name() for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    async def kill(self) -> None:
        """`kill -9`: nothing of the daemon goes on, and nothing more of it reaches the outside."""
        self._store = DiskStore(self.outside, Disk())
        self.daemon.parts.store.commit = lambda: None  # type: ignore[attr-defined]
        self.outside.daemon += 1
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.engine.starting.clear()
        self._forget_unwritten()

    def _forget_unwritten(self) -> None:
        """What was not written is lost with the daemon; by a full disk that is all since it was."""
        self.outside.names.killed()
        if self.disk.is_behind:
            self._lose()

    def _lose(self) -> None:
        """Of the state only what is on the disk is left, and what engine and proxy show."""
        self.outside.names.lose(self.disk.documents, self.engine.containers.keys())
        self.proxy.forget_signals()
        self.engine.forget_orders()

    # ------------------------------------------------------------ faults

    async def befall(self, fault: Fault) -> None:
        """It happens."""
        if fault.kind in WINDOWS:
            self.outside.trouble(fault.kind, min(fault.seconds, FAULTS_LAST_S - self.outside.time()))
            if fault.kind == "engine down":
                self.engine.cut_stream()
            return
        done = getattr(self, f"_{fault.kind}")(fault)
        if done is not None:
            await done

    def _one(self, fault: Fault) -> Container | None:
        running = self.engine.running()
        return running[fault.at % len(running)] if running else None

    def _service(self, fault: Fault) -> str:
        services = sorted(self.proxy.rate)
        return services[fault.at % len(services)]

    def _kill_replica(self, fault: Fault) -> None:
        if container := self._one(fault):
            self.engine.tell(container, "kill")
            self.engine.end(container, 137)

    def _end_replica(self, fault: Fault) -> None:
        if container := self._one(fault):
            self.engine.end(container, 0)

    def _hang_replica(self, fault: Fault) -> None:
        if container := self._one(fault):
            container.hung = True

    def _wake_replica(self, fault: Fault) -> None:
        """All that hang, that are paused or cut off work again."""
        for container in self.engine.containers.values():
            if container.hung or container.cut_off or container.phase is Phase.PAUSED:
                container.hung = container.cut_off = False
                container.hurt_at = self.outside.time()
                if container.phase is Phase.PAUSED:
                    container.phase = Phase.RUNNING
                self.engine.tell(container, "unpause")

    def _pause_replica(self, fault: Fault) -> None:
        if container := self._one(fault):
            container.phase = Phase.PAUSED
            self.engine.tell(container, "pause")

    def _take_off_network(self, fault: Fault) -> None:
        if container := self._one(fault):
            container.cut_off = True
            self.engine.tell(container, "disconnect")

    def _remove_replica(self, fault: Fault) -> None:
        if container := self._one(fault):
            self.engine.tell(container, "kill")
            self.engine.end(container, 137)
            self.engine.containers.pop(container.name)
            self.proxy.signalled.discard(container.name)
            self.engine.tell(container, "destroy")

    def _cut_stream(self, fault: Fault) -> None:
        self.engine.cut_stream()

    def _restart_engine(self, fault: Fault) -> None:
        self.outside.trouble("engine down", min(fault.seconds, FAULTS_LAST_S - self.outside.time()))
        self.engine.cut_stream()
        for container in self.engine.running():
            self.engine.end(container, 137)

    def _restart_proxy(self, fault: Fault) -> None:
        self.proxy.restart(min(fault.seconds, FAULTS_LAST_S - self.outside.time()))

    def _leap_counter(self, fault: Fault) -> None:
        self.proxy.forget_counts(self._service(fault), (-1e9, 1e6, -100.0)[fault.at % 3])

    def _long_request(self, fault: Fault) -> None:
        for servers in self.proxy.servers.values():
            choosable = [behind for behind in servers.values() if not behind.draining]
            if choosable:
                behind = choosable[fault.at % len(choosable)]
                behind.busy_until = max(behind.busy_until, self.outside.time() + fault.seconds)

    async def _kill_daemon(self, fault: Fault) -> None:
        await self.kill()
        await asyncio.sleep(fault.seconds)
        await self.start()

    async def _restart_daemon(self, fault: Fault) -> None:
        left = await self.stop()
        if left:
            self.outside.breaks(f"tasks left: {left}")
        self.outside.daemon += 1
        await asyncio.sleep(fault.seconds)
        await self.start()

    async def _spoil_state(self, fault: Fault) -> None:
        """The state is truncated or not of this world while the daemon is away: names may then be used again, and nothing
        shows the signal of one that was never in the proxy, be it sent or still on its way in an engine that hangs."""
        await self.kill()
        spoiled = ("", "{}", '{"memory": 3}', "\x00\x01")[fault.at % 4]
        self.disk.documents = dict.fromkeys(self.disk.documents, spoiled)
        self._lose()
        await self.start()

    def _freeze_daemon(self, fault: Fault) -> None:
        loop = asyncio.get_running_loop()
        loop.jump(fault.seconds)  # type: ignore[attr-defined]

    async def _turn_clock(self, fault: Fault) -> None:
        """The wall clock is set while the daemon is away."""
        await self.kill()
        self.outside.clock = DaemonClock((3600.0, -3600.0, 3.15e8, -40.0)[fault.at % 4])
        await self.start()

    def _turn_wall(self, fault: Fault) -> None:
        self.outside.clock.wall = (3600.0, -3600.0, 3.15e8)[fault.at % 3]

    # ------------------------------------------------------------ what people do

    def _traffic(self, fault: Fault) -> None:
        self.proxy.rate[self._service(fault)] = rate(fault.at)

    def _bounds(self, fault: Fault) -> None:
        service = self._service(fault)
        if service in self.bounds:
            self.bounds[service] = BOUNDS[fault.at % len(BOUNDS)]
            self._reload(service)

    def _reload(self, service: str) -> None:
        self.laws.bounds_change(service, self.bounds.get(service))
        self.daemon.reload_soon()

    async def _order_count(self, fault: Fault) -> None:
        await self._ordered(self.operator.scale(self._service(fault), Override(replicas=fault.at, reason="test")))

    async def _order_nothing(self, fault: Fault) -> None:
        await self._ordered(self.operator.scale(self._service(fault), None))

    async def _pause(self, fault: Fault) -> None:
        await self._ordered(self.operator.pause(self._service(fault), tuple(PauseKind)[fault.at % 3]))

    async def _down(self, fault: Fault) -> None:
        service = self._service(fault)
        if service in self.daemon.services:
            loop = self.daemon.services[service].loop
            self.laws.bounds_change(service, (0, 6))
            with suppress(UsageError):
                await self.daemon.order(service, replace(loop.orders, down=True))

    async def _resume(self, fault: Fault) -> None:
        service = self._service(fault)
        self.laws.bounds_change(service, self.bounds.get(service))
        await self._ordered(self.operator.pause(service, None))

    async def _ordered(self, order: object) -> None:
        with suppress(UsageError):  # its policy is gone, say
            await order  # type: ignore[misc]

    def _drop_policy(self, fault: Fault) -> None:
        if "shop" in self.bounds:
            del self.bounds["shop"]
            self._reload("shop")

    def _bring_policy(self, fault: Fault) -> None:
        if "shop" in self.proxy.rate and "shop" not in self.bounds:
            self.bounds["shop"] = BOUNDS[fault.at % len(BOUNDS)]
            self._reload("shop")

    # ------------------------------------------------------------ where it ends up

    def trace(self) -> list[str]:
        """All that was told, a line an event."""
        return [f"{e.t:.3f} {e.service} {e.kind} {e.replica} ({e.cause})" for e in self.laws.events]

    def unconverged(self) -> Sequence[str]:
        """What is not yet as it shall be; nothing of ours may be left over."""
        left: list[str] = []
        for service in self.bounds.keys() - self.daemon.services.keys():
            left.append(f"{service} has no loop")
        for service, running in self.daemon.services.items():
            loop = running.loop
            if service not in self.bounds:
                left.append(f"{service} is still there")
            desired = 0 if loop.orders.down else loop.deciding.desired(loop.replicas)
            wants = self._wanted(service)
            if wants is not None and wants != desired:
                left.append(f"{service} desires {desired}, {wants} are needed")
            there = [c for c in self.engine.containers.values() if c.service == service]
            serving = [b.replica for b in self.proxy.servers.get(service, {}).values() if not b.draining]
            if len(there) != desired or sorted(c.name for c in there) != sorted(serving):
                told = [f"{c.name} {c.phase}" for c in there]
                left.append(f"{service}: {desired} desired, there are {told}, the proxy serves {serving}")
            left += [f"{c.name} does not serve" for c in there if not self.engine.serves(c.name)]
        return left

    def _wanted(self, service: str) -> int | None:
        """What its traffic needs, None where an operator's order says otherwise."""
        orders = self.daemon.services[service].loop.orders
        if service not in self.bounds or orders.down or orders.pause:
            return None
        least, most = self.bounds[service]
        override = orders.override
        wants = replicas_for(self.proxy.rate[service]) if override is None else override.replicas or 0
        return min(max(wants, least), most)

    def backing_off_until(self) -> float:
        """When the last back-off lets go, in seconds since the run began."""
        now = self.daemon.parts.clock.now()
        return (
            max([s.loop.book.backoff.until - now for s in self.daemon.services.values()], default=0.0) + self.outside.time()
        )


def _no_source(metric: SourceMetric, folder: str) -> MetricSource:
    raise AssertionError(f"no policy here names {metric.name} of another system")


async def _everywhere(runtime: str) -> None:
    """The simulated daemon may use any runtime."""


def rate(count: int) -> float:
    """Requests a second that need so many replicas, clear of any tolerance."""
    return max(50.0 * count - 20.0, 0.0)


def replicas_for(rate: float) -> int:
    """The replicas that carry it."""
    return int((rate + 20.0) / 50.0) if rate else 0
