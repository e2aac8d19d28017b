"""The whole installation as faults see it: daemon, proxy, replicas, clients, and what each fault notes."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.web.models import EventAnswer, ServiceAnswer
from tests.chaos.accounts import Accounts, Allowance
from tests.chaos.ground import Ground, children_of
from tests.chaos.load import Clients
from tests.support.daemons import DaemonUnderTest, states

FEWEST, MOST = 3, 7
RECOVERY_LIMIT_S = 90.0  # far beyond what recovery takes; how long it took is in the report
POLL_S = 0.02
POLICY = """\
service: {service}
runtime: {runtime}
replica:
{replica}
  port: 5000
  stop_grace_period: 3s
  healthcheck: {{http: /healthz, timeout: {patience}, start_timeout: {boot_limit}}}
route:
  bind: "{bind}"
  queue_timeout: {queue_timeout}
  timeout_server: 8s
  timeout_tunnel: 8s
  drain_timeout: 20s
replicas: {{min: {least}, max: 10}}
policies: [{{type: target_tracking, metric: request_rate, target: 50}}]
"""


@dataclass
class Site:
    """`notes` are figures by name: what a fault measured. `patient`: a machine that is too busy to answer a health check
    in time is none of the faults."""

    daemon: DaemonUnderTest
    ground: Ground
    clients: Clients
    accounts: Accounts
    chance: random.Random
    bind: str
    shared: Path
    patient: bool = False
    notes: dict[str, list[float]] = field(default_factory=dict)
    kills: int = 0
    ordered: int = FEWEST

    def __post_init__(self) -> None:
        (self.shared / "wishes").mkdir(parents=True)
        (self.shared / "journal").touch()

    # ------------------------------------------------------------ the policy and the count

    def policy(self, service: str = "web", *, bind: str = "", queue_timeout: str = "4s", least: int = FEWEST) -> str:
        """A policy file's text."""
        return POLICY.format(
            service=service,
            runtime=self.ground.name,
            replica=self.ground.replica(self.shared),
            bind=bind or self.bind,
            queue_timeout=queue_timeout,
            least=least,
            patience="5s" if self.patient else "1s",
            boot_limit="60s" if self.patient else "12s",
        )

    async def order(self, replicas: int) -> None:
        """Order a count, and don't wait for it; once accepted it holds, whatever becomes of the daemon."""
        await self.daemon.scale("web", replicas)
        self.ordered = replicas

    async def order_another(self) -> None:
        """Some other count than now."""
        await self.order(self.chance.choice([n for n in range(FEWEST, MOST + 1) if n != self.ordered]))

    async def web(self) -> ServiceAnswer:
        """What the daemon tells of the service."""
        return await self.daemon.service("web")

    async def until(self, holds: Callable[[ServiceAnswer], bool], timeout_s: float = RECOVERY_LIMIT_S) -> ServiceAnswer:
        """Wait until something holds of the service."""
        return await self.daemon.until("web", holds, timeout_s)

    async def settled(self) -> ServiceAnswer:
        """Wait until all is well: as many as ordered are ready, and there is nothing else."""
        return await self.until(self.is_settled)

    async def gone(self, replica: str) -> ServiceAnswer:
        """Wait until a replica is no more, and all is well."""
        return await self.until(lambda s: self.is_settled(s) and all(r.name != replica for r in s.replicas))

    async def events(self, kind: str, since: float) -> list[EventAnswer]:
        """The service's newest events of a kind, after a time of day."""
        async with self.daemon.client() as client:
            history = await client.history("web", 200)
        return [event for event in history.events if event.kind == kind and event.t > since]

    def said(self, event: str) -> int:
        """How often the daemon's log has an event."""
        return self.daemon.log.read_text(errors="replace").count(f" {event} ")

    def last_said(self, event: str) -> int:
        """Where in the daemon's log an event is told last; below 0: nowhere."""
        return self.daemon.log.read_text(errors="replace").rfind(f" {event} ")

    def is_settled(self, service: ServiceAnswer) -> bool:
        """As many as ordered are ready, nothing else is there, and nothing is wrong."""
        counts = {len(service.replicas), states(service)["ready"], service.desired}
        return counts == {self.ordered} and not service.errors

    # ------------------------------------------------------------ what is allowed, measured and wished

    @contextlib.contextmanager
    def allowed(
        self, fault: str, replica: str = "", *, spares_safe: bool = False, outcomes: tuple[str, ...] = ()
    ) -> Iterator[Allowance]:
        """Requests under way meanwhile may fail."""
        loop = asyncio.get_running_loop()
        allowance = Allowance(fault, loop.time(), replica=replica, spares_safe=spares_safe, outcomes=frozenset(outcomes))
        self.accounts.allowances.append(allowance)
        yield allowance
        allowance.end = loop.time()

    def note(self, name: str, seconds: float) -> None:
        """A figure for the report."""
        self.notes.setdefault(name, []).append(seconds)

    @contextlib.contextmanager
    def wish(self, wish: str, replica: str = "") -> Iterator[None]:
        """All replicas, or one (by its name in the journal), misbehave so meanwhile."""
        path = self.shared / "wishes" / (f"{wish}-{replica}" if replica else wish)
        path.touch()
        try:
            yield
        finally:
            path.unlink()

    async def pick(self) -> str:
        """Any ready replica, once all is well; preferably one that is no longer young, whose death is no crash loop."""
        service = await self.settled()
        oldest = sorted(service.replicas, key=lambda replica: replica.ready_at or 0)
        return self.chance.choice(oldest[:2]).name

    # ------------------------------------------------------------ the proxy's processes

    @property
    def haproxy(self) -> Path:
        """HAProxy's folder."""
        return self.daemon.state_dir / "haproxy"

    def master(self) -> int:
        """HAProxy's master."""
        return int((self.haproxy / "haproxy.pid").read_text().split()[0])

    def workers(self) -> list[int]:
        """Its workers, the newest last."""
        return children_of(self.master())

    def haproxies(self) -> set[int]:
        """All processes of our HAProxy's folder."""
        found = set()
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if f"{self.haproxy}/".encode() in (entry / "cmdline").read_bytes() and "haproxy" in os.readlink(
                    entry / "exe"
                ):
                    found.add(int(entry.name))
        return found

    async def until_served(self) -> None:
        """Wait until a client gets an answer from a replica."""
        host, _, port = self.bind.rpartition(":")
        async with asyncio.timeout(RECOVERY_LIMIT_S):
            while True:
                with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                    reader, writer = await asyncio.open_connection(host, int(port))
                    writer.write(b"GET / HTTP/1.0\r\n\r\n")
                    answer = await reader.readuntil(b"\r\n")
                    writer.close()
                    if answer.startswith(b"HTTP/1.1 200 "):
                        return
                await asyncio.sleep(POLL_S)

    # ------------------------------------------------------------ the daemon's process

    async def kill_daemon(self) -> None:
        """kill -9."""
        self.kills += 1
        await asyncio.to_thread(self.daemon.kill)

    def signal_daemon(self, number: signal.Signals) -> None:
        """Any other signal."""
        assert self.daemon.process is not None
        self.daemon.process.send_signal(number)


def names(service: ServiceAnswer) -> list[str]:
    """Its replicas."""
    return sorted(replica.name for replica in service.replicas)
