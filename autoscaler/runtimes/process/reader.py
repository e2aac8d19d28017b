"""Looks at process replicas and changes nothing: all that a dry run is given."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from autoscaler.drivers.children import is_alive, wait_gone
from autoscaler.errors import EngineUnavailable
from autoscaler.model import Address, Change, Exit, Instance, Phase, Usage
from autoscaler.runtimes.process import logs, records, sessions
from autoscaler.runtimes.process.records import Record, Running
from autoscaler.spec.models import ServiceSpec

LOOK_S = 1.0  # how soon a start by somebody else is told
NOTE_S = 0.3  # how long a keeper takes, at most, to note an exit status


class ProcessReader:
    """The replicas recorded below `folder` (STATE_DIR/process). A replica's id is its name, which is never used again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._records: dict[str, Record] = {}
        self._running: dict[str, Running] = {}
        self._stirred: set[asyncio.Event] = set()

    async def observe(self) -> Sequence[Instance]:
        """Every replica that has a folder. Raises EngineUnavailable where they can't be read."""
        names = self._names()
        for cache in (self._records, self._running):
            for name in cache.keys() - set(names):
                del cache[name]
        try:
            found = [await self._look(name) for name in names]
        except OSError as error:
            raise self._unavailable(error) from error
        return [instance for instance in found if instance]

    async def image_now(self, spec: ServiceSpec) -> str:
        """There are no images."""
        return ""

    async def usage(self, ids: Sequence[str]) -> Mapping[str, Usage]:
        """What each replica's session has used: see sessions.py."""
        leaders = {id: running.leader for id in ids if (running := self._processes(id))}
        used = sessions.usage(leaders.values())
        return {id: used[leader] for id, leader in leaders.items() if leader in used}

    async def changes(self) -> AsyncIterator[Change]:
        """`start` and `die`: a death at once, whoever started it; a start by another daemon within a second."""
        stirred = asyncio.Event()
        self._stirred.add(stirred)
        endings: dict[str, asyncio.Task[bool]] = {}
        told = {name for name in self._names() if not self._runs(name)}
        before = {name for name in self._names() if self._processes(name)}
        try:
            while True:
                for name in self._watch(endings, stirred) - before:
                    yield self._change(name, "start")
                for name in {name for name, ending in endings.items() if ending.done()} - told:
                    told.add(name)
                    yield self._change(name, "die")
                before = set(endings)
                await _within(LOOK_S, stirred)
        finally:
            self._stirred.discard(stirred)
            for ending in endings.values():
                ending.cancel()

    async def logs(self, id: str, lines: int) -> Sequence[str]:
        """The last lines that a replica wrote, oldest first."""
        return logs.tail(self._place(id), lines)

    async def follow(self, id: str, lines: int) -> AsyncIterator[str]:
        """The last `lines` and then each new one, until the replica has ended."""
        async for line in logs.follow(self._place(id), lines, lambda: self._is_written(id)):
            yield line

    async def close(self) -> None:
        """Nothing is held open."""

    # ------------------------------------------------------------ one replica

    async def _look(self, name: str) -> Instance | None:
        record = self._record(name)
        if record is None:
            return None
        phase = self._phase(name)
        return Instance(
            id=name,
            replica=record.replica,
            service=record.service,
            spec_hash=record.spec_hash,
            phase=phase,
            created_at=record.created_at,
            address=Address("127.0.0.1", record.port) if record.port else None,
            exit=await self._exit(name) if phase is Phase.EXITED else None,
        )

    async def _exit(self, name: str) -> Exit:
        running, code = self._processes(name), records.read_exit_code(self._place(name))
        if running and code is None:
            await wait_gone(running.keeper, NOTE_S)  # it is just noting the exit status
            code = records.read_exit_code(self._place(name))
        return Exit(code)

    def _phase(self, name: str) -> Phase:
        if self._runs(name):
            return Phase.RUNNING
        return Phase.EXITED if records.was_started(self._place(name)) else Phase.CREATED

    def _runs(self, name: str) -> bool:
        running = self._processes(name)
        return running is not None and is_alive(running.leader)

    def _is_written(self, name: str) -> bool:
        """Whether its log may still grow."""
        running = self._processes(name)
        return running is not None and (is_alive(running.leader) or is_alive(running.keeper))

    def _record(self, name: str) -> Record | None:
        if name not in self._records and (record := records.read_record(self._place(name))):
            self._records[name] = record
        return self._records.get(name)

    def _processes(self, name: str) -> Running | None:
        if name not in self._running and (running := records.read_running(self._place(name))):
            self._running[name] = running
        return self._running.get(name)

    def _place(self, name: str) -> Path:
        return self.folder / name

    # ------------------------------------------------------------ all of them

    def _names(self) -> Sequence[str]:
        try:
            return records.names(self.folder)
        except OSError as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: OSError) -> EngineUnavailable:
        return EngineUnavailable(str(error), where=str(self.folder), fix="is the state dir ours, and its disk not full?")

    def _watch(self, endings: dict[str, asyncio.Task[bool]], stirred: asyncio.Event) -> set[str]:
        """Have a task for the end of every replica that was started, and none for those removed."""
        names = self._names()
        for name in endings.keys() - set(names):
            if endings[name].done():
                del endings[name]
        for name in names:
            if name not in endings and (running := self._processes(name)):
                endings[name] = asyncio.create_task(wait_gone(running.leader, None))
                endings[name].add_done_callback(lambda _: stirred.set())
        return set(endings)

    def _change(self, name: str, what: str) -> Change:
        record = self._record(name)
        return Change(record.service if record else name.rpartition("-")[0], name, what)


async def _within(timeout_s: float, event: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
    event.clear()
