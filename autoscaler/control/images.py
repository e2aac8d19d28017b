"""One image id for all replicas of a spec: pulled or built once, kept, and used until a rollout.

Preparing is single-flight: replicas that start meanwhile wait for the same pull.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from autoscaler.errors import EngineError
from autoscaler.model import Event, EventKind
from autoscaler.ports import Clock, Emit, ReplicaRuntime
from autoscaler.spec.models import ServiceSpec

LOOK_TIMEOUT_S = 5.0


class Images:
    """The image ids of one service by spec hash."""

    def __init__(self, runtime: ReplicaRuntime, clock: Clock, emit: Emit, known: Mapping[str, str]) -> None:
        self._runtime = runtime
        self._clock = clock
        self._emit = emit
        self._known = dict(known)
        self._now = ""
        self._preparing: dict[str, asyncio.Task[str]] = {}

    def known(self) -> dict[str, str]:
        """What to keep over a restart."""
        return dict(self._known)

    async def look(self, spec: ServiceSpec) -> None:
        """See what the spec's image stands for now: someone may have built or pulled another of its name."""
        with suppress(EngineError, TimeoutError):
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                self._now = await self._runtime.image_now(spec)

    def is_outdated(self, spec: ServiceSpec, image: str) -> bool:
        """Whether a replica with this image runs another one than the spec stands for."""
        current = self._now or self._known.get(spec.spec_hash, "")
        return bool(image and current and image != current)

    def keep_only(self, spec_hashes: frozenset[str]) -> None:
        """Forget the images of specs that no replica has any more."""
        self._known = {spec_hash: image for spec_hash, image in self._known.items() if spec_hash in spec_hashes}

    def forget(self, spec: ServiceSpec) -> None:
        """The image is not there any more: prepare it again."""
        self._known.pop(spec.spec_hash, None)

    async def image_of(self, spec: ServiceSpec) -> str:
        """The image id, prepared where it isn't known yet. Raises ImageError, EngineUnavailable."""
        if spec.spec_hash in self._known:
            return self._known[spec.spec_hash]
        if spec.spec_hash not in self._preparing:
            task = asyncio.create_task(self._prepare(spec), name=f"prepare {spec.service}")
            self._preparing[spec.spec_hash] = task
            task.add_done_callback(lambda _: self._preparing.pop(spec.spec_hash, None))
        return await asyncio.shield(self._preparing[spec.spec_hash])

    async def _prepare(self, spec: ServiceSpec) -> str:
        last = ""

        def progress(line: str) -> None:
            nonlocal last
            if line != last:
                last = line
                self._emit(Event(self._clock.now(), spec.service, EventKind.IMAGE_PREPARING, cause=line))

        image = await self._runtime.prepare(spec, progress)
        self._known[spec.spec_hash] = image
        if image:
            self._emit(Event(self._clock.now(), spec.service, EventKind.IMAGE_READY, cause=image))
        return image

    async def close(self) -> None:
        """Give up on what is being prepared."""
        tasks = list(self._preparing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
