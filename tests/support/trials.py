"""One daemon after another over the same replicas and proxy, to be killed, hung or failed at fault points, and looked at.

`web` is scaled out and in, `other` has its route changed and goes and comes back; requests come to `web` all the time.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from autoscaler.errors import AutoscalerError
from autoscaler.load import Kind, Live, Load, Result, constant, run
from autoscaler.proxies.haproxy.runtime_socket import ask_once
from autoscaler.web.models import ServiceAnswer
from tests.e2e.conftest import Ground
from tests.support import leftovers
from tests.support.daemons import APP, DaemonUnderTest, bind, running, states
from tests.support.forks import Nursery

RATE = 25.0
MIX = (Kind("/", 0.7), Kind("/", 0.2, "POST", b"x" * 2000), Kind("/wait?ms=700", 0.1))
WITHIN_S = 60.0
FAILED_WITHIN_S = 120.0
DOWN_WITHIN_S = 120.0
POLL_S = 0.03
MAINTENANCE = 1  # bits of HAProxy's srv_admin_state that a command has set


Move = Literal["start", "out", "in", "route", "retire"]


@dataclass
class Trial:
    """`count` replicas of web are there, one of `may` are wanted; `wants` names the services that are in force."""

    daemon: DaemonUnderTest
    ground: Ground
    address: str
    armed: Path
    count: int = 1
    may: set[int] = field(default_factory=lambda: {1})
    path: int = 0
    names: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    failures: list[Result] = field(default_factory=list)
    requests: int = 0
    other: str = field(default_factory=bind)
    wants: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.armed.mkdir(parents=True)
        self.daemon.environ |= {"AUTOSCALER_TESTING": "1", "AUTOSCALER_FAULT": f"@{self.armed}"}
        self.daemon.write_policy("web", self.ground.policy(self.address))
        self.wants.add("web")
        self.with_other()

    def __enter__(self) -> Self:
        """Daemons and downs are forked: there are many."""
        self.daemon.nursery = Nursery(os.environ | self.daemon.environ)
        self._downs = Nursery(os.environ | self.daemon.environ)
        return self

    def __exit__(self, *_: object) -> None:
        for nursery in (self.daemon.nursery, self._downs):
            if nursery is not None:
                nursery.close()

    # ------------------------------------------------------------ faults

    def arm(self, point: str, fault: str) -> None:
        """Have it happen at the next passing of the point, or a later one: `hang:2`."""
        fresh = self.armed / f".{point}"
        fresh.write_text(fault)
        fresh.rename(self.armed / point)

    def left(self) -> list[str]:
        """The points that were not passed yet."""
        return sorted(path.name for path in self.armed.iterdir() if not path.name.startswith("."))

    def disarm(self) -> None:
        """Let nothing happen that has not yet."""
        for point in self.left():
            (self.armed / point).unlink(missing_ok=True)

    async def passed(self, points: Sequence[str], within_s: float) -> bool:
        """Whether all these are passed in time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while set(points) & set(self.left()):
                    await asyncio.sleep(POLL_S)
                return True
        return False

    async def failed_at_all(self, way: Move | None) -> None:
        """Wait until all has failed that was to: a daemon that ends over it is started again, routes are asked for again."""
        try:
            async with asyncio.timeout(FAILED_WITHIN_S):
                while self.left():
                    if self.daemon.process is not None and self.daemon.process.poll() is not None:
                        self.daemon.start()
                    if way == "route":
                        await self.move("route")
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise AssertionError(f"{self.left()} were not passed\n{self.daemon.words()}") from None

    async def until_dead(self) -> int:
        """Wait until the daemon has ended; answers its status."""
        assert self.daemon.process is not None
        return await asyncio.to_thread(self.daemon.process.wait, WITHIN_S)

    # ------------------------------------------------------------ moves

    def with_other(self) -> None:
        """The second service, each time by another path."""
        self.path += 1
        text = self.ground.policy(self.other, service="other")
        self.daemon.write_policy("other", text.replace(f'"{self.other}"', f'"{self.other}", path: /{self.path}'))
        self.wants.add("other")

    def without_other(self) -> None:
        """Its policy goes."""
        (self.daemon.policies / "other.yaml").unlink()
        self.wants.discard("other")

    async def scale(self, count: int) -> None:
        """Order so many; an order that was answered is followed, one that was not may be."""
        self.may = {self.count, count}
        async with self.daemon.client() as client:
            await client.scale("web", {"replicas": count})
        self.may = {count}

    async def down(self) -> int:
        """`autoscaler down`; answers its exit status."""
        arguments = ["down", "--state-dir", str(self.daemon.state_dir), "--instance", self.daemon.instance]
        return await asyncio.to_thread(self._downs.fork(arguments, self.daemon.log).wait, DOWN_WITHIN_S)

    async def reload(self) -> None:
        """Have the policies read now."""
        async with self.daemon.client() as client:
            await client.reload()

    async def move(self, move: Move, most: int = 2) -> None:
        """Make one, with `most` replicas at the top; a daemon that dies or fails over it ends it early."""
        with contextlib.suppress(AutoscalerError, OSError, TimeoutError):
            match move:
                case "start":
                    self.daemon.kill()
                    self.daemon.start()
                case "out" | "in":
                    await self.scale(most if move == "out" else 1)
                case "route":
                    self.with_other()
                    await self.reload()
                case "retire":
                    self.without_other()
                    await self.reload()

    async def prepare(self, move: Move, most: int = 2) -> None:
        """Have what the move starts from."""
        if move == "in" and self.count != most:
            await self.scale(most)
        elif move == "out" and self.count > 1:
            await self.scale(1)
        elif move == "retire" and "other" not in self.wants:
            self.with_other()
            await self.reload()
        else:
            return
        await self.converged()

    # ------------------------------------------------------------ looks

    async def services(self) -> Mapping[str, ServiceAnswer]:
        """All that the daemon tells of its services, {} where it tells nothing."""
        with contextlib.suppress(AutoscalerError, OSError):
            async with self.daemon.client() as client:
                return {service.name: service for service in await client.services()}
        return {}

    async def until_ticked(self, at_least: int) -> None:
        """Wait until so many services have decided again."""
        before = {name: _decided_at(service) for name, service in (await self.services()).items()}
        try:
            async with asyncio.timeout(WITHIN_S):
                while True:
                    now = {name: _decided_at(service) for name, service in (await self.services()).items()}
                    if sum(t > before.get(name, t) for name, t in now.items()) >= at_least:
                        return
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise AssertionError(f"fewer than {at_least} services tick on\n{self.daemon.words()}") from None

    async def converged(self, within_s: float = WITHIN_S) -> float:
        """Wait until there is what is wanted and nothing else; answers the seconds from the first answer on."""
        loop = asyncio.get_running_loop()
        first: float | None = None
        services: Mapping[str, ServiceAnswer] = {}
        wrong = "no answer"
        try:
            async with asyncio.timeout(within_s):
                while wrong:
                    services = await self.services()
                    if services and first is None:
                        first = loop.time()
                    wrong = self._unsettled(services) or await self._leaked(services)
                    if wrong:
                        await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise AssertionError(f"not within {within_s} s: {wrong}\n{self.daemon.words()}") from None
        self.count = services["web"].desired
        self.may = {self.count}
        self._note_names(services)
        return loop.time() - (first or 0)

    def _unsettled(self, services: Mapping[str, ServiceAnswer]) -> str:
        if services.keys() != self.wants:
            return f"services {sorted(services)} instead of {sorted(self.wants)}"
        for service in services.values():
            may = self.may if service.name == "web" else {1}
            if service.desired not in may:
                return f"{service.name}: {service.desired} desired, {may} wanted"
            if not service.desired == states(service)["ready"] == len(service.replicas):
                return f"{service.name}: {service.desired} desired, {states(service)}"
            if service.errors:
                return f"{service.name}: {service.errors}"
        return ""

    async def _leaked(self, services: Mapping[str, ServiceAnswer]) -> str:
        """Where the runtime or the proxy has others than the daemon tells of."""
        told = {replica.name for service in services.values() for replica in service.replicas}
        there = self._replicas()
        if there != told:
            return f"{sorted(there)} run, {sorted(told)} are told of"
        behind = await self._behind()
        if behind != told:
            return f"{sorted(behind)} are behind the proxy, {sorted(told)} are told of"
        return ""

    def _replicas(self) -> set[str]:
        if self.ground.runtime == "docker":
            prefix = f"autoscaler-{self.daemon.instance}-"
            return {name.removeprefix(prefix) for name in leftovers.containers(self.daemon.instance)}
        folders = {path.name for path in (self.daemon.state_dir / "process").iterdir() if not path.name.startswith(".")}
        running = [p for p in leftovers.processes(self.daemon.folder) if str(APP) in p.command]
        keepers = [p for p in running if "keeper.py" in p.command]
        return folders if len(running) == 2 * len(keepers) == 2 * len(folders) else {f"{len(running)} processes"}

    async def _behind(self) -> set[str]:
        """The servers that HAProxy may send to."""
        with contextlib.suppress(AutoscalerError):
            told = await ask_once(self.daemon.state_dir / "haproxy" / "stats.sock", "show servers state", 2.0)
            rows = [line.split() for line in told.splitlines() if line and not line.startswith("#")]
            return {row[3] for row in rows if len(row) > 6 and not int(row[6]) & MAINTENANCE}
        return set()

    def _note_names(self, services: Mapping[str, ServiceAnswer]) -> None:
        names = {replica.name for service in services.values() for replica in service.replicas}
        self.gone |= self.names - names
        self.names = names
        assert not names & self.gone, f"used again: {sorted(names & self.gone)}"

    # ------------------------------------------------------------ load

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """A daemon and load; taken down whatever happens, also where it hangs."""
        async with running(self.daemon):
            try:
                await self.converged()
                async with self._load():
                    yield
            except BaseException:
                self.daemon.kill()
                raise

    @contextlib.asynccontextmanager
    async def _load(self) -> AsyncIterator[None]:
        """Requests to web all the while; each that fails is kept."""
        abort = asyncio.Event()
        load = Load(port=int(self.address.rpartition(":")[2]), rate=constant(RATE), duration_s=600, kinds=MIX, connections=8)
        sending = asyncio.create_task(run(load, Live(), abort, self._note))
        try:
            yield
        finally:
            abort.set()
            await sending

    def _note(self, result: Result) -> None:
        self.requests += 1
        if result.failure:
            self.failures.append(result)


def _decided_at(service: ServiceAnswer) -> float:
    return service.last_decision.t if service.last_decision else 0.0
