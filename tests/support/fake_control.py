"""A daemon that is only its port: what it was told to tell, and what it was asked."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from autoscaler.errors import AutoscalerError, UsageError
from autoscaler.model import (
    Account,
    Basis,
    Decision,
    Event,
    EventKind,
    Fence,
    Limit,
    Mode,
    Move,
    Orders,
    Override,
    PauseKind,
    Recommendation,
    ReplicaState,
    Sample,
    Turn,
    Without,
)
from autoscaler.status import DaemonStatus, Explanation, MetricStatus, Ordered, ReplicaStatus, ServiceStatus

T = 1_700_000_000.0


def replica_status(name: str, state: ReplicaState = ReplicaState.READY, **rest: object) -> ReplicaStatus:
    """A replica that started at T, ready 1.5 s later."""
    given: dict[str, object] = {
        "spec": "3f9ac1d2e4b5",
        "address": "172.17.0.2:5000",
        "started_at": T,
        "ready_at": T + 1.5 if state is ReplicaState.READY else None,
        "inflight": 0,
    }
    return ReplicaStatus(name, state, **{**given, **rest})  # type: ignore[arg-type]


def decision(service: str = "web", desired: int = 3, mode: Mode = Mode.STABLE) -> Decision:
    """Four asked for, three allowed."""
    asked = Recommendation(0, "target_tracking", 4, "request_rate", 3.2, "160 at 50 a replica")
    bound = Limit("max", 4, 3, "the policy's max is 3")
    return Decision(service, T, desired, 3, 4, (asked,), (bound,), mode, "request_rate asks for 4", Fence(1, 3))


def account(service: str = "web") -> Account:
    """Three would be four without max, and two under a lower rate."""
    fewer = Move(T + 300.0, 1, "stabilization", "in 5m", (Turn("request_rate", True, 100.0, True, 2),))
    return Account(
        decision=decision(service),
        ready=2,
        starting=1,
        bases=(Basis(0, "request_rate", 160.0, 10.0, 50.0, True),),
        without=(Without("max", 4),),
        more=Move(None, None, "max", "not beyond max 3", ()),
        fewer=fewer,
    )


def service_status(name: str = "web", **rest: object) -> ServiceStatus:
    """A service with two ready replicas and one that starts."""
    given: dict[str, object] = {
        "runtime": "docker",
        "bind": "127.0.0.1:8080",
        "host": "shop.example.com",
        "path": "/",
        "min": 1,
        "max": 3,
        "policies": ("target_tracking request_rate",),
        "replicas": (
            replica_status(f"{name}-1", inflight=4),
            replica_status(f"{name}-2"),
            replica_status(f"{name}-3", ReplicaState.STARTING),
        ),
        "orders": Orders(),
        "decision": decision(name),
        "metrics": (MetricStatus("request_rate", Sample(160.0, T), 50.0, True),),
    }
    return ServiceStatus(name, **{**given, **rest})  # type: ignore[arg-type]


def event(kind: EventKind = EventKind.REPLICA_READY, service: str = "web", **rest: object) -> Event:
    """A replica got ready."""
    given: dict[str, object] = {"replica": f"{service}-1", "cause": "health check passed", "facts": {"start_seconds": 1.42}}
    return Event(T, service, kind, **{**given, **rest})  # type: ignore[arg-type]


@dataclass
class FakeControl:
    """ports.Control. `asked` are the orders it was given, in order; `fail` what every order raises; `gate` holds them up."""

    services: dict[str, ServiceStatus] = field(default_factory=lambda: {"web": service_status()})
    journal: list[tuple[int, Event]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)
    asked: list[tuple[object, ...]] = field(default_factory=list)
    problems: tuple[str, ...] = ()
    degraded: dict[str, str] = field(default_factory=dict)
    wrong: tuple[str, ...] = ()
    fail: Exception | None = None
    listeners: list[asyncio.Queue[tuple[int, Event] | None]] = field(default_factory=list)
    more_lines: asyncio.Queue[tuple[str, str] | None] = field(default_factory=asyncio.Queue)
    gate: asyncio.Event | None = None
    arrivals: asyncio.Queue[str] = field(default_factory=asyncio.Queue)
    done: asyncio.Event = field(default_factory=asyncio.Event)

    def status(self) -> DaemonStatus:
        return DaemonStatus(tuple(self.services.values()), not self.problems, self.problems, self.degraded)

    def service(self, name: str) -> ServiceStatus:
        if name not in self.services:
            raise UsageError(f"there is no service {name!r}", fix="see `autoscaler status`")
        return self.services[name]

    def explain(self, name: str) -> Explanation:
        if self.fail is not None:
            raise self.fail
        return Explanation(f"{name}: 3 replicas\n  request_rate asks for 4, max allows 3", account(name))

    async def history(self, service: str | None, limit: int, after: int = 0, kind: str = "") -> Sequence[tuple[int, Event]]:
        found = [entry for entry in self.journal if entry[0] > after and service in (None, entry[1].service)]
        found = [entry for entry in found if kind in ("", entry[1].kind.value)]
        return found[-limit:]

    async def listen(self) -> AsyncIterator[tuple[int, Event]]:
        queue: asyncio.Queue[tuple[int, Event] | None] = asyncio.Queue()
        self.listeners.append(queue)
        self.arrivals.put_nowait("listen")
        try:
            while (entry := await queue.get()) is not None:
                yield entry
        finally:
            self.listeners.remove(queue)

    def happen(self, number: int, happened: Event) -> None:
        """Put an event in the journal and tell it to all who listen."""
        self.journal.append((number, happened))
        for queue in self.listeners:
            queue.put_nowait((number, happened))

    async def logs(self, service: str, tail: int, follow: bool) -> AsyncIterator[tuple[str, str]]:
        for line in self.lines[-tail:] if tail else ():
            yield line
        if isinstance(self.fail, AutoscalerError):
            raise self.fail
        while follow and (more := await self.more_lines.get()) is not None:
            yield more

    async def scale(self, service: str, override: Override | None) -> Ordered:
        await self._ordered("scale", service, override)
        wanted = override.replicas if override is not None and override.replicas is not None else 2
        bounded = min(wanted, self.services[service].max)
        note = f"bounded by max {bounded}" if bounded < wanted else ""
        return Ordered(bounded, override.until if override else None, note)

    async def pause(self, service: str, kind: PauseKind | None) -> Ordered:
        await self._ordered("pause", service, kind)
        return Ordered(2, None)

    async def reload(self) -> Sequence[str]:
        await self._ordered("reload")
        return self.wrong

    async def down(self, services: Sequence[str] | None) -> None:
        await self._ordered("down", services)

    async def _ordered(self, *order: object) -> None:
        self.arrivals.put_nowait(str(order[0]))
        if self.gate is not None:
            await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        self.asked.append(order)
        self.done.set()
