"""State that outlives the daemon, in one SQLite file, written behind its back.

All but the journal is held in memory, which is the truth while the daemon runs; the file follows, one commit a second
at most, on one thread of its own. So no decision ever waits for a disk: one that is full, slow or gone makes the store
`degraded`, the latest of everything is kept, and it is written when that works again. kill -9 loses the last second, save
what was asked to be `written`: an operator's order before it is answered, a replica's name before it is started, its stop
before it is signalled, where the disk will have it.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from autoscaler.drivers.threads import DaemonThreads
from autoscaler.errors import StateError
from autoscaler.model import NO_ORDERS, Event, EventKind, Minutes, Orders
from autoscaler.ports import Clock, Emit
from autoscaler.store.database import Batch, Database, Saved, is_damage
from autoscaler.store.hours import are_same
from autoscaler.store.rows import Row, newest, orders_to_text, read_orders, to_events, to_row

COMMIT_EVERY_S = 1.0
RETRY_EVERY_S = 2.0
SLOW_AFTER_S = 5.0
URGENT_WAITS_S = 1.0
DEGRADED_WAITS_S = 0.1  # a disk that is full says so at once; one that doesn't answer has been waited for
READ_WAITS_S = 2.0
CLOSE_WAITS_S = 1.5
PENDING_ROWS = 10_000  # events that wait for a full disk: the oldest give way

_MAY_PASS = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY})

T = TypeVar("T")


class SQLiteStore:
    """The Store that `run` has. Made by `open`."""

    def __init__(self, path: Path, clock: Clock, emit: Emit) -> None:
        self._path = path
        self._clock = clock
        self._emit = emit
        self._database = Database(path)
        self._thread = DaemonThreads(1, "state")
        self._documents: dict[str, str] = {}
        self._orders: dict[str, Orders] = {}
        self._policies: dict[str, str] = {}
        self._minutes: dict[str, Mapping[str, Minutes]] = {}
        self._last_number = 0
        self._dirty_documents: set[str] = set()
        self._dirty_minutes: set[str] = set()
        self._dirty_orders: set[str] = set()
        self._dirty_policies = False
        self._pending: deque[Row] = deque(maxlen=PENDING_ROWS)
        self._stirred = asyncio.Event()
        self._urgent = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._degraded = ""

    @classmethod
    async def open(cls, path: Path, clock: Clock, emit: Emit) -> Self:
        """Open or make the file. One that is damaged is set aside; a newer version's, or one in use, is a StateError."""
        store = cls(path, clock, emit)
        try:
            store._remember(await store._on_thread(store._first_look))
        except sqlite3.Error as error:
            raise StateError(str(error), where=str(path), fix="does another program hold it, is it ours?") from error
        finally:
            if store._writer is None:
                store._thread.close()
        return store

    @property
    def degraded(self) -> str:
        return self._degraded

    async def load(self, service: str) -> str | None:
        return self._documents.get(service)

    async def save(self, service: str, document: str) -> None:
        if self._documents.get(service) != document:
            self._documents[service] = document
            self._dirty_documents.add(service)
            self._stirred.set()

    async def minutes(self, service: str) -> Mapping[str, Minutes]:
        return self._minutes.get(service, {})

    async def keep_minutes(self, service: str, minutes: Mapping[str, Minutes]) -> None:
        if not are_same(self._minutes.get(service, {}), minutes):
            self._minutes[service] = minutes
            self._dirty_minutes.add(service)
            self._stirred.set()

    async def written(self) -> None:
        await self._write_now(URGENT_WAITS_S if not self._degraded else DEGRADED_WAITS_S)

    async def orders(self) -> Mapping[str, Orders]:
        return dict(self._orders)

    async def set_orders(self, service: str, orders: Orders) -> None:
        if orders == NO_ORDERS:
            self._orders.pop(service, None)
        else:
            self._orders[service] = orders
        self._dirty_orders.add(service)
        await self._write_now()

    async def good_policies(self) -> Mapping[str, str]:
        return dict(self._policies)

    async def set_good_policies(self, documents: Mapping[str, str]) -> None:
        if documents != self._policies:
            self._policies = dict(documents)
            self._dirty_policies = True
            await self._write_now()

    async def append(self, events: Sequence[Event]) -> int:
        first = self._last_number + 1
        self._pending.extend(to_row(first + place, event) for place, event in enumerate(events))
        self._last_number += len(events)
        self._stirred.set()
        return first

    async def events(self, service: str | None, limit: int, after: int = 0, kind: str = "") -> Sequence[tuple[int, Event]]:
        unwritten = [row for row in self._pending if row[0] > after and service in (None, row[2]) and kind in ("", row[3])]
        written = await self._rows_on_disk(service, limit, after, kind)
        rows = {row[0]: row for row in (*written, *unwritten)}
        return to_events(newest([rows[number] for number in sorted(rows)], limit))

    async def close(self) -> None:
        """Write what is left, where that works within a moment, and let go of the file."""
        await self._write_now(CLOSE_WAITS_S)
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.wait({self._writer})
        await asyncio.wait({self._on_thread(self._database.close)}, timeout=CLOSE_WAITS_S)
        self._thread.close()

    # ---------------------------------------------------------------- at the start

    def _first_look(self) -> tuple[Saved, str, Path | None]:
        """What was saved, why the file can't be written at present, and where a damaged one was put."""
        try:
            return self._database.open(), "", None
        except (sqlite3.Error, OSError) as error:
            if isinstance(error, sqlite3.Error) and is_damage(error):
                return Saved(), "", self._database.set_aside(self._now_as_suffix())
            return self._database.read(), str(error), None

    def _remember(self, look: tuple[Saved, str, Path | None]) -> None:
        saved, problem, aside = look
        self._documents = dict(saved.documents)
        self._orders, unread = read_orders(saved.orders)
        self._policies = dict(saved.policies)
        self._minutes = dict(saved.minutes)
        self._last_number = saved.last_number
        self._writer = asyncio.create_task(self._write_for_ever(), name="state writer")
        self._writer.add_done_callback(self._writer_ended)
        if aside is not None:
            self._say_damaged(aside)
        for service in unread:
            self._fault(service, "the operator's orders can't be read, and are dropped")
        for service, hours in saved.unread.items():
            self._fault(service, f"can't read {hours} of the hours kept of its metrics; left out")
        self._say(problem)

    # ---------------------------------------------------------------- writing

    async def _write_for_ever(self) -> None:
        while True:
            await self._stirred.wait()
            self._stirred.clear()
            self._urgent.clear()
            waiting, self._waiting = self._waiting, []
            batch = self._take()
            problem = await self._write(batch)
            if problem:
                self._put_back(batch)
            self._say(problem)
            for waiter in waiting:
                if not waiter.done():
                    waiter.set_result(None)
            await _at_most(RETRY_EVERY_S if problem else COMMIT_EVERY_S, self._urgent)

    async def _write(self, batch: Batch) -> str:
        """Why it could not be written, "" where it was."""
        writing = self._on_thread(self._write_on_thread, batch)
        done, _ = await asyncio.wait({writing}, timeout=SLOW_AFTER_S)
        if not done:
            self._say(f"the disk has not answered for {SLOW_AFTER_S:g} s")
        try:
            aside = await writing
        except (sqlite3.Error, OSError, StateError) as error:
            return str(error)
        if aside is not None:
            self._say_damaged(aside)
            self._mark_all_dirty()
            return ""
        for row in batch.rows:
            if self._pending and self._pending[0][0] <= row[0]:
                self._pending.popleft()
        return ""

    def _write_on_thread(self, batch: Batch) -> Path | None:
        """Write; a file found damaged is set aside instead, and its new name answered."""
        try:
            if not self._database.is_open:
                self._database.open()
            self._database.write(batch)
        except sqlite3.Error as error:
            if is_damage(error):
                return self._database.set_aside(self._now_as_suffix())
            if error.sqlite_errorcode & 0xFF not in _MAY_PASS:
                self._database.close()  # the next try opens it again, and finds what became of it
            raise
        return None

    def _take(self) -> Batch:
        documents, self._dirty_documents = self._dirty_documents, set()
        orders, self._dirty_orders = self._dirty_orders, set()
        policies, self._dirty_policies = self._dirty_policies, False
        minutes, self._dirty_minutes = self._dirty_minutes, set()
        return Batch(
            documents={service: self._documents.get(service) for service in documents},
            orders={
                service: orders_to_text(self._orders[service]) if service in self._orders else None for service in orders
            },
            policies=dict(self._policies) if policies else None,
            minutes={service: self._minutes[service] for service in minutes},
            rows=tuple(self._pending),
        )

    def _put_back(self, batch: Batch) -> None:
        self._dirty_documents.update(batch.documents)
        self._dirty_orders.update(batch.orders)
        self._dirty_policies |= batch.policies is not None
        self._dirty_minutes.update(batch.minutes)
        self._stirred.set()

    def _mark_all_dirty(self) -> None:
        self._dirty_documents.update(self._documents)
        self._dirty_orders.update(self._orders)
        self._dirty_policies = True
        self._dirty_minutes.update(self._minutes)
        self._stirred.set()

    async def _write_now(self, within_s: float = URGENT_WAITS_S) -> None:
        """Have all written now; returns when that was tried, or after `within_s`."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._stirred.set()
        self._urgent.set()
        await asyncio.wait({waiter}, timeout=within_s)

    def _writer_ended(self, writer: asyncio.Task[None]) -> None:
        if not writer.cancelled() and (error := writer.exception()) is not None:
            self._say(f"the writer broke: {error!r}; nothing is saved until the daemon is started again")

    # ---------------------------------------------------------------- reading and telling

    async def _rows_on_disk(self, service: str | None, limit: int, after: int, kind: str) -> Sequence[Row]:
        reading = self._on_thread(self._read_on_thread, service, limit, after, kind)
        done, _ = await asyncio.wait({reading}, timeout=READ_WAITS_S)
        return reading.result() if done else ()

    def _read_on_thread(self, service: str | None, limit: int, after: int, kind: str) -> Sequence[Row]:
        """The journal is for people: where the disk won't give it, they get what memory has."""
        try:
            return self._database.events(service, limit, after, kind)
        except sqlite3.Error:
            return ()

    def _say(self, problem: str) -> None:
        """Tell a change of `degraded`, once."""
        told = f"{self._path}: {problem}" if problem else ""
        if bool(told) != bool(self._degraded):
            kind = EventKind.STATE_FAULT if told else EventKind.STATE_BACK
            cause = f"{told}; decisions go on from memory" if told else "all is written again"
            self._emit(Event(self._clock.now(), "", kind, cause=cause))
        self._degraded = told

    def _say_damaged(self, aside: Path) -> None:
        self._fault("", f"damaged, set aside as {aside.name}; a fresh one is made", {"set_aside": aside.name})

    def _fault(self, service: str, what: str, facts: Mapping[str, object] | None = None) -> None:
        cause = f"{self._path}: {what}"
        self._emit(Event(self._clock.now(), service, EventKind.STATE_FAULT, cause=cause, facts=facts or {}))

    def _now_as_suffix(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y%m%dT%H%M%SZ")

    def _on_thread(self, call: Callable[..., T], *arguments: object) -> asyncio.Future[T]:
        return asyncio.ensure_future(self._thread.run(lambda: call(*arguments)))


async def _at_most(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
