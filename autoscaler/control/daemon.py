"""The daemon: one loop a service, and what they share: the policy files, the runtimes, the proxy, the store.

A reload changes the set of loops; a service whose document went is drained first and its route goes last.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from autoscaler.control import policies
from autoscaler.control.assembly import Service, assemble
from autoscaler.control.meters import Meters
from autoscaler.control.parts import Parts
from autoscaler.control.routing import Routing
from autoscaler.control.saved import Saved, dump
from autoscaler.control.watch import watch
from autoscaler.control.watches import EngineWatch, ProxyWatch
from autoscaler.errors import AutoscalerError, EngineUnavailable, UsageError
from autoscaler.faultpoints import hit_async
from autoscaler.model import NO_ORDERS, Change, Event, EventKind, Orders
from autoscaler.reconcile.plan import Book
from autoscaler.spec.load import Document, Loaded
from autoscaler.spec.models import ServiceSpec

LOOK_AT_IMAGES_S = 15.0
AGAIN_S = 1.0
DEADLY = ("kill", "stop")


class _Stopped(Exception):
    """Ends the daemon's task group."""


def _foremost(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What an operator can do something about, else what came first."""
    known = group.subgroup(AutoscalerError)
    first: BaseException = known or group
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first


def _counted(services: Collection[str]) -> str:
    return "1 service" if len(services) == 1 else f"{len(services)} services"


class Daemon:
    """All services of one controller instance. `problems` of proxy and policies are what is wrong at present."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.meters = Meters(parts.meterings)
        self.services: dict[str, Service] = {}
        self.documents: Mapping[str, Document] = {}
        self.policy_problems: tuple[str, ...] = ()
        self.outdated: frozenset[str] = frozenset()
        self.engines: dict[str, EngineWatch] = {}
        self.proxy_watch = ProxyWatch(parts.proxy, parts.clock, self.meters, parts.emit, self._stir)
        proxy = parts.hands.proxy if parts.hands else None
        self.routing = Routing(proxy, self.proxy_watch, parts.clock, parts.emit, self._specs, self._stir_all)
        self.last_tick_at: float | None = None
        self.started = asyncio.Event()
        self.reloading = asyncio.Lock()
        self._files: tuple[Path, ...] = ()
        self._orders: dict[str, Orders] = {}
        self._retiring: dict[str, Document] = {}
        self._seeing_out: dict[str, asyncio.Task[None]] = {}
        self._reload_now = asyncio.Event()
        self._tasks: asyncio.TaskGroup
        self._configuring: asyncio.Task[None]
        self._supervising: asyncio.Task[None]

    # ------------------------------------------------------------ life

    async def run(self) -> None:
        """Serve until `parts.stop` is set. Raises PolicyError at a first start without a good policy, and what else keeps a
        daemon from starting."""
        try:
            await self._serve()
        except BaseExceptionGroup as group:
            raise _foremost(group) from group

    async def _serve(self) -> None:
        self._orders = {s: replace(orders, down=False) for s, orders in (await self.parts.store.orders()).items()}
        loaded = await self._read_policies()
        kept = await self.parts.store.good_policies()
        in_force = await self._admitted(policies.first(loaded, kept, self.parts.read_kept))
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tell(EventKind.DAEMON_STARTED, _counted(in_force.documents))
                async with self.reloading:
                    await self._take(in_force)
                self._for_ever(self.proxy_watch.read, "read proxy")
                self._for_ever(self.proxy_watch.hear, "hear proxy")
                self._configuring = self._for_ever(self.routing.configure, "configure proxy")
                self._supervising = self._for_ever(self._supervise, "supervise proxy")
                self._for_ever(self._reload_when_asked, "reload")
                self._for_ever(self._look_at_images, "look at images")
                self._for_ever(lambda: watch(self._watched, self.reload_soon), "watch policies")
                self.started.set()
                await self.parts.stop.wait()
                raise _Stopped
        except* _Stopped:
            serving = any(service.loop.replicas for service in self.services.values()) and self.parts.hands is not None
            self._tell(EventKind.DAEMON_STOPPED, "replicas and proxy serve on" if serving else "nothing of it runs on")

    def _for_ever(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        """A task that a fault of ours doesn't end: it is told, and the work begins again."""

        async def again_and_again() -> None:
            told = ""
            while True:
                try:
                    return await work()
                except Exception as error:
                    if repr(error) != told:
                        self._tell(EventKind.SERVICE_FAULT, f"{name}: {error!r}")
                    told = repr(error)
                await asyncio.sleep(AGAIN_S)

        return self._spawn(again_and_again(), name)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        return self._tasks.create_task(work, name=name)

    def _tell(self, kind: EventKind, cause: str, service: str = "") -> None:
        self.parts.emit(Event(self.parts.clock.now(), service, kind, cause=cause))

    def _ticked(self, service: str, replicas: int, seconds: float, since_last: float) -> None:
        self.last_tick_at = self.parts.clock.now()
        self.parts.meterings.observe_tick(seconds)
        self.parts.meterings.replica_seconds(service, replicas * since_last)

    # ------------------------------------------------------------ policies

    async def _read_policies(self) -> Loaded:
        loaded = await asyncio.to_thread(self.parts.read_policies)
        self._files = loaded.files
        return loaded

    def _watched(self) -> Sequence[Path]:
        return [*self.parts.paths, *self._files]

    def reload_soon(self) -> None:
        """Have the policy files read again."""
        self._reload_now.set()

    async def _reload_when_asked(self) -> None:
        """Run for ever. What goes wrong with a reload is told, and ends nobody."""
        while True:
            await self._reload_now.wait()
            self._reload_now.clear()
            try:
                await self.reload()
            except Exception as error:
                self._tell(EventKind.RELOAD_FAILED, str(error) if isinstance(error, AutoscalerError) else repr(error))

    async def reload(self) -> tuple[str, ...]:
        """Read the policy files again and go over to what they say; answers what is wrong with them."""
        async with self.reloading:
            loaded = await self._read_policies()
            in_force = await self._admitted(policies.combine(loaded, self.documents))
            if in_force.documents != self.documents or in_force.problems != self.policy_problems:
                await self._take(in_force)
            elif self.routing.problems or self.routing.problem:
                self.routing.configure_soon()
            if in_force.problems:
                self._tell(EventKind.RELOAD_FAILED, "; ".join(in_force.problems))
            else:
                self._tell(EventKind.RELOADED, f"{_counted(in_force.documents)} in force")
            return in_force.problems

    async def _admitted(self, in_force: policies.InForce) -> policies.InForce:
        """Without the new services of runtimes that this daemon may not use; all else goes on."""
        refused: dict[str, str] = {}
        for runtime in {d.spec.runtime for s, d in in_force.documents.items() if s not in self.documents}:
            try:
                await self.parts.admit(runtime)
            except EngineUnavailable:
                continue  # it may come up; until then its services wait for it
            except AutoscalerError as error:
                refused[runtime] = str(error)
        return policies.refuse(in_force, self.documents, refused)

    async def _take(self, in_force: policies.InForce) -> None:
        """Have exactly these documents in force. Where a service can't be added all stays as it was, to be tried again."""
        for service, document in {**in_force.documents, **in_force.gone}.items():
            if service not in self.services:
                await self._add(document.spec)
        self.documents = in_force.documents
        self.policy_problems, self.outdated = in_force.problems, in_force.outdated
        for service, document in in_force.documents.items():
            comes_back = self._retiring.pop(service, None) is not None
            if comes_back:
                self._seeing_out.pop(service).cancel()
            if comes_back or document.spec != self.services[service].loop.spec:
                await self._change(document.spec)
        for document in in_force.gone.values():
            self._retire(document)
        await self._keep_policies()
        self.routing.configure_soon()

    async def _keep_policies(self) -> None:
        """Those in force, and those of services that are still being removed, so that the next daemon goes on with it."""
        kept = {**self._retiring, **self.documents}
        await hit_async("policies.before")
        await self.parts.store.set_good_policies({service: policies.keep(document) for service, document in kept.items()})
        await hit_async("policies.kept")

    async def _add(self, spec: ServiceSpec) -> None:
        orders = self._orders.get(spec.service, NO_ORDERS)
        service = await assemble(self.parts, spec, self._engine(spec.runtime), self.proxy_watch, self.meters, orders)
        service.loop.on_tick = self._ticked
        service.task = self._spawn(service.loop.run(), f"service {spec.service}")
        self.services[spec.service] = service
        self._tell(EventKind.SERVICE_ADDED, "its policy is in force", spec.service)

    async def _change(self, spec: ServiceSpec) -> None:
        loop = self.services[spec.service].loop
        if loop.orders.down:
            await self.order(spec.service, replace(loop.orders, down=False))
        loop.respecify(spec)
        self._tell(EventKind.SERVICE_CHANGED, "its policy changed", spec.service)

    def _retire(self, document: Document) -> None:
        """A service's document is gone: drain and remove its replicas, then its route."""
        service = document.spec.service
        loop = self.services[service].loop
        self._retiring[service] = document
        loop.order(replace(loop.orders, down=True))
        self._seeing_out[service] = self._spawn(self._see_out(service), f"retire {service}")

    async def _see_out(self, service: str) -> None:
        """Once it is empty, and no reload is bringing it back, nothing is kept of it but the numbers that were used."""
        await self.services[service].loop.empty()
        await hit_async("service.empty")
        async with self.reloading:
            await self._forget(service)

    async def _forget(self, service: str) -> None:
        del self._retiring[service], self._seeing_out[service]
        leaving = self.services.pop(service)
        await leaving.end()
        self.meters.drop(service)
        self._orders.pop(service, None)
        await self.parts.store.keep_minutes(service, {})
        await self.parts.store.save(service, dump(Saved(book=Book(leaving.loop.book.next_number))))
        await self.parts.store.set_orders(service, NO_ORDERS)
        await hit_async("service.forgotten")
        await self._keep_policies()
        self.routing.configure_soon()
        self._tell(EventKind.SERVICE_REMOVED, "its policy is gone", service)

    async def until_gone(self, services: Sequence[str]) -> None:
        """Wait until these have no replica left; each drain and each stop has a limit of its own.

        Raises EngineUnavailable where an engine does not answer.
        """
        for loop in [self.services[service].loop for service in services if service in self.services]:
            await loop.empty_or_unseen()

    # ------------------------------------------------------------ orders

    async def order(self, service: str, orders: Orders) -> None:
        """Have an operator's order followed at once, and kept over restarts. Raises UsageError where none can be.

        It is in force before anything is waited for: the next order builds on it.
        """
        await hit_async("order.before")
        if service in self._retiring and orders != self.services[service].loop.orders:
            raise UsageError(f"{service} is being removed", fix="its policy is gone: bring that back")
        self._orders[service] = orders
        self.services[service].loop.order(orders)
        await self.parts.store.set_orders(service, orders)
        await hit_async("order.kept")

    async def stop_proxy(self) -> None:
        """End the proxy for good: nothing is left for it to serve."""
        for task in (self._supervising, self._configuring):
            task.cancel()
        await asyncio.wait((self._supervising, self._configuring))
        if self.parts.hands is not None:
            await self.parts.hands.proxy.stop()

    # ------------------------------------------------------------ outside

    def _engine(self, runtime: str) -> EngineWatch:
        if runtime not in self.engines:
            reader = self.parts.runtime(runtime)
            parts = self.parts
            watch_it = EngineWatch(runtime, reader, parts.clock, parts.emit, parts.meterings, self._changed)
            self.engines[runtime] = watch_it
            self._for_ever(self.engines[runtime].follow, f"follow {runtime}")
        return self.engines[runtime]

    def _changed(self, change: Change) -> None:
        """A runtime says that something happened: look now."""
        for name, service in self.services.items():
            if change.service in ("", name):
                if change.what in DEADLY:
                    service.loop.killed(change.replica)
                service.loop.stir()

    def _stir(self, name: str) -> None:
        """The proxy shows that something happened to a service: look now."""
        if service := self.services.get(name):
            service.loop.stir()

    def _stir_all(self) -> None:
        for service in self.services.values():
            service.loop.stir()

    def _specs(self) -> list[ServiceSpec]:
        """All that shall have a route: one that is seen out keeps its own until it is gone."""
        return [document.spec for document in (*self.documents.values(), *self._retiring.values())]

    async def _look_at_images(self) -> None:
        """Run for ever: see whether an image's name has come to mean another image."""
        while True:
            await asyncio.sleep(LOOK_AT_IMAGES_S)
            for service in list(self.services.values()):
                if service.images is not None:
                    await service.images.look(service.loop.spec)

    async def _supervise(self) -> None:
        if self.parts.hands is not None:
            await self.parts.hands.proxy.supervise(self.parts.emit)
