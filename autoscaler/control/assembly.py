"""Putting one service's loop together: what it remembers, decides and acts with."""

import asyncio
from dataclasses import dataclass

from autoscaler.control.decisions import Deciding
from autoscaler.control.executor import Acting, Executor
from autoscaler.control.images import Images
from autoscaler.control.meters import Meters
from autoscaler.control.parts import Parts
from autoscaler.control.polling import Polling
from autoscaler.control.rehearsal import Rehearsal
from autoscaler.control.saved import load
from autoscaler.control.service import ServiceLoop
from autoscaler.control.watches import EngineWatch, ProxyWatch
from autoscaler.model import Event, EventKind, Orders
from autoscaler.spec.models import ServiceSpec


@dataclass(slots=True)
class Service:
    """One service's loop, its task and its images."""

    loop: ServiceLoop
    images: Images | None
    task: asyncio.Task[None] | None = None

    async def end(self) -> None:
        """End the loop."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)


async def assemble(
    parts: Parts, spec: ServiceSpec, engine: EngineWatch, proxy: ProxyWatch, meters: Meters, orders: Orders
) -> Service:
    """A loop that goes on from what the store has of the service."""
    document, minutes = await parts.store.load(spec.service), await parts.store.minutes(spec.service)
    saved, problem = load(document, minutes, parts.clock.now())
    if problem:
        parts.emit(Event(parts.clock.now(), spec.service, EventKind.STATE_FAULT, cause=problem))
    stirred = asyncio.Event()
    images = None
    acting: Acting = Rehearsal(parts.clock, parts.emit)
    if parts.hands is not None:
        runtime = parts.hands.runtime(spec.runtime)
        images = Images(runtime, parts.clock, parts.emit, saved.images)
        proxy_hand, kept = parts.hands.proxy, parts.store.written
        acting = Executor(spec.service, runtime, proxy_hand, images, parts.clock, parts.emit, kept, stirred.set)
    deciding = Deciding(
        spec,
        meters.add(spec),
        Polling(spec.service, parts.source, parts.clock, parts.meterings),
        parts.runtime(spec.runtime),
        parts.clock,
        parts.emit,
        parts.meterings,
        saved.memory,
        saved.shadows,
    )
    loop = ServiceLoop(
        spec=spec,
        engine=engine,
        proxy=proxy,
        executor=acting,
        deciding=deciding,
        store=parts.store,
        images=images,
        clock=parts.clock,
        emit=parts.emit,
        saved=saved,
        orders=orders,
        stirred=stirred,
    )
    return Service(loop, images)
