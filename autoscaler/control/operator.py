"""The daemon as its operators see and order it: behind the API, and so behind every command."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from autoscaler.control.assembly import Service
from autoscaler.control.daemon import Daemon
from autoscaler.decide.bounds import fence, in_force
from autoscaler.decide.shadow.words import told_of
from autoscaler.errors import AutoscalerError, UsageError
from autoscaler.faultpoints import hit_async
from autoscaler.model import Event, EventKind, Fence, Orders, Override, PauseKind, Replica, ReplicaState, Step
from autoscaler.reconcile.plan import suspected
from autoscaler.spec.models import Policy, ServiceSpec
from autoscaler.status import DaemonStatus, Explanation, Ordered, ReplicaStatus, ServiceStatus

LOG_QUEUE_LINES = 1000
LOOK_FOR_NEW_S = 0.5


class Operator:
    """Implements ports.Control over a daemon. `listen` gives its events as the journal numbers them."""

    def __init__(self, daemon: Daemon, listen: Callable[[], AsyncIterator[tuple[int, Event]]]) -> None:
        self._daemon = daemon
        self._parts = daemon.parts
        self._listen = listen

    # ------------------------------------------------------------ seen

    def status(self) -> DaemonStatus:
        daemon = self._daemon
        services = tuple(self._status(daemon.services[name]) for name in sorted(daemon.services))
        problems = self._problems()
        degraded = {"state": self._parts.store.degraded} if self._parts.store.degraded else {}
        return DaemonStatus(
            services=services,
            ready=not problems,
            problems=problems,
            degraded=degraded,
            last_reload_successful=not daemon.policy_problems,
            last_tick_at=daemon.last_tick_at,
            proxy_dropped_logs=self._parts.proxy.dropped_logs(),
        )

    def _problems(self) -> tuple[str, ...]:
        """What keeps the daemon from being ready."""
        daemon = self._daemon
        problems = [f"{name}: {engine.problem}" for name, engine in daemon.engines.items() if engine.problem]
        proxy = daemon.routing.problem or ("" if daemon.proxy_watch.view() else daemon.proxy_watch.problem)
        if proxy:
            problems.append(f"proxy: {proxy}")
        problems += [f"{name}: the proxy doesn't serve its route yet" for name in sorted(daemon.routing.unserved())]
        problems += [f"{name}: no tick yet" for name, s in daemon.services.items() if not s.loop.ticked]
        return tuple(problems)

    def service(self, name: str) -> ServiceStatus:
        return self._status(self._service(name))

    def _service(self, name: str) -> Service:
        try:
            return self._daemon.services[name]
        except KeyError:
            known = ", ".join(sorted(self._daemon.services)) or "none"
            raise UsageError(f"no service {name!r}", fix=f"there are: {known}") from None

    def _status(self, service: Service) -> ServiceStatus:
        loop, spec = service.loop, service.loop.spec
        orders = replace(loop.orders, override=in_force(loop.orders, self._parts.clock.now()))
        within = self._within(spec, orders.override)
        return ServiceStatus(
            name=spec.service,
            runtime=spec.runtime,
            bind=str(spec.route.bind),
            host=spec.route.host,
            path=spec.route.path,
            min=within.min,
            max=within.max,
            policies=tuple(_named(policy) for policy in spec.policies),
            replicas=tuple(self._replica(service, replica) for replica in loop.replicas),
            orders=orders,
            decision=loop.deciding.decision,
            metrics=loop.deciding.metrics(),
            waiting=loop.deciding.waiting,
            errors=self._errors(service),
            log_tail=loop.executor.log_tails,
            health_suspect=bool(suspected(loop.replicas)),
            shadows=loop.deciding.shadows.status(),
        )

    def _within(self, spec: ServiceSpec, override: Override | None) -> Fence:
        clock = self._parts.clock
        return fence(spec, override, clock.now(), clock.wall_offset())

    def _replica(self, service: Service, replica: Replica) -> ReplicaStatus:
        loop = service.loop
        problem = loop.starting_problems().get(replica.name, "")
        doing = {Step.START: "being started", Step.STOP: "being stopped", Step.REMOVE: "being removed"}
        under_way = doing[replica.under_way] if replica.under_way else ""
        stale = bool(replica.spec_hash) and replica.spec_hash != loop.spec.spec_hash
        stale = stale or (service.images is not None and service.images.is_outdated(loop.spec, replica.image))
        return ReplicaStatus(
            name=replica.name,
            state=replica.state,
            spec=replica.spec_hash,
            address=str(replica.address or ""),
            started_at=replica.created_at,
            ready_at=replica.ready_at,
            inflight=replica.in_flight,
            up_to_date=not stale,
            detail=replica.failure or replica.cause or under_way or problem,
        )

    def _errors(self, service: Service) -> tuple[str, ...]:
        loop = service.loop
        name = loop.spec.service
        errors = [loop.problem, self._daemon.routing.problems.get(name, ""), loop.executor.problem, loop.waits]
        if name in self._daemon.routing.unserved():
            errors.append(f"{loop.spec.route.bind} is not served: the proxy has no route for it, and is given one")
        if name in self._daemon.outdated:
            errors.append(
                "its policy file can't be used, the last good version stays in force: `autoscaler validate` says why"
            )
        return tuple(error for error in errors if error)

    def explain(self, name: str) -> Explanation:
        service = self._service(name)
        status = self._status(service)
        why = service.loop.deciding.explain()
        lines = [why.text]
        if status.orders.down:
            why = Explanation("")
            lines = [f"{name}: taken down by an operator; `autoscaler resume {name}` brings it back"]
        else:
            lines += told_of(status.shadows)
        counts = ", ".join(f"{status.count(state)} {state}" for state in ReplicaState if status.count(state)) or "none"
        lines += ["", f"replicas: {counts}"]
        lines += [f"  {r.name} {r.state}{f': {r.detail}' if r.detail else ''}" for r in status.replicas]
        outdated = [r.name for r in status.replicas if not r.up_to_date]
        if outdated:
            lines += [f"  out of date: {', '.join(outdated)} run an older spec or image than the file says"]
        lines += [f"error: {error}" for error in status.errors]
        for replica, words in status.log_tail.items():
            lines += ["", f"last lines of {replica}:", *(f"  {line}" for line in words)]
        return replace(why, text="\n".join(lines))

    async def history(self, service: str | None, limit: int, after: int = 0, kind: str = "") -> Sequence[tuple[int, Event]]:
        return await self._parts.store.events(service, limit, after, kind)

    def listen(self) -> AsyncIterator[tuple[int, Event]]:
        return self._listen()

    async def logs(self, service: str, tail: int, follow: bool) -> AsyncIterator[tuple[str, str]]:
        loop = self._service(service).loop
        runtime = self._parts.runtime(loop.spec.runtime)
        replicas = [replica for replica in loop.replicas if replica.id]
        if not follow:
            for replica in replicas:
                for line in await runtime.logs(replica.id, tail):
                    yield replica.name, line
            return
        async with aclosing(self._follow(service, tail)) as lines:
            async for told in lines:
                yield told

    async def _follow(self, service: str, tail: int) -> AsyncGenerator[tuple[str, str], None]:
        """The lines of all replicas, of those that start meanwhile too."""
        loop = self._service(service).loop
        runtime = self._parts.runtime(loop.spec.runtime)
        queue: asyncio.Queue[tuple[str, str]] = asyncio.Queue(LOG_QUEUE_LINES)
        readers: dict[str, asyncio.Task[None]] = {}
        try:
            while True:
                for replica in loop.replicas:
                    if replica.id and replica.name not in readers:
                        reading = _read_log(runtime.follow(replica.id, tail), replica.name, queue)
                        readers[replica.name] = asyncio.create_task(reading, name=f"logs of {replica.name}")
                try:
                    async with asyncio.timeout(LOOK_FOR_NEW_S):
                        told = await queue.get()
                except TimeoutError:
                    continue
                yield told
        finally:
            for reader in readers.values():
                reader.cancel()
            await asyncio.gather(*readers.values(), return_exceptions=True)

    # ------------------------------------------------------------ ordered

    async def scale(self, service: str, override: Override | None) -> Ordered:
        loop = self._service(service).loop
        bounds = loop.spec.replicas
        if override is not None and override.min is not None and override.max is not None and override.min > override.max:
            raise UsageError(f"min {override.min} is above max {override.max}", fix="give a min that is at most max")
        await self._order(service, replace(loop.orders, override=override))
        if override is None:
            self._told(service, "back to the policies", override)
            return Ordered(loop.deciding.desired(loop.replicas), None)
        note = ""
        within = self._within(loop.spec, override)
        desired = loop.deciding.desired(loop.replicas)
        if override.replicas is not None:
            desired = min(max(override.replicas, within.min), within.max)
            if desired != override.replicas:
                note = f"bounded by min {within.min} and max {within.max} of the policy"
        else:
            desired = min(max(desired, within.min), within.max)
            asked = (override.min or within.min, override.max or within.max)
            if asked != (within.min, within.max):
                note = f"bounds narrow the policy's {bounds.min} to {bounds.max}, never widen it"
        self._told(service, override.reason or "an operator's order", override)
        return Ordered(desired, override.until, note)

    async def pause(self, service: str, kind: PauseKind | None) -> Ordered:
        loop = self._service(service).loop
        await self._order(service, replace(loop.orders, pause=kind, down=loop.orders.down and kind is not None))
        self._told(service, "resumed" if kind is None else f"paused: {kind}", None)
        return Ordered(loop.deciding.desired(loop.replicas), None)

    async def _order(self, service: str, orders: Orders) -> None:
        await self._daemon.order(service, orders)

    def _told(self, service: str, cause: str, override: Override | None) -> None:
        facts: Mapping[str, object] = {}
        if override is not None:
            facts = {"replicas": override.replicas, "min": override.min, "max": override.max}
        self._parts.emit(Event(self._parts.clock.now(), service, EventKind.ORDERED, cause=cause, facts=facts))

    async def reload(self) -> Sequence[str]:
        return await self._daemon.reload()

    async def down(self, services: Sequence[str] | None) -> None:
        if services is not None:
            await self._down(services)
            return
        async with self._daemon.reloading:  # a policy that changes meanwhile must bring nothing back
            await self._down(list(self._daemon.services))
            await hit_async("down.empty")
            await self._daemon.stop_proxy()
            await hit_async("down.ended")
            self._parts.stop.set()

    async def _down(self, names: Sequence[str]) -> None:
        loops = [self._service(name).loop for name in names]
        for name, loop in zip(names, loops, strict=True):
            await self._order(name, replace(loop.orders, down=True))
            self._told(name, "taken down", None)
        await hit_async("down.ordered")
        await self._daemon.until_gone(names)


def _named(policy: Policy) -> str:
    aim = "" if policy.aim is None else f"{policy.aim:g} {'a replica' if policy.per_replica else 'in all'}"
    return " ".join(filter(None, (policy.type, policy.metric, aim)))


async def _read_log(lines: AsyncIterator[str], replica: str, into: asyncio.Queue[tuple[str, str]]) -> None:
    """Hand on a replica's lines until it ends; a reader too slow to keep up slows this down, never the replica."""
    try:
        async for line in lines:
            await into.put((replica, line))
    except AutoscalerError as error:
        await into.put((replica, f"[{error}]"))
