"""State that nobody keeps: what a dry run and tests have.

A dry run may start from a copy of what a daemon saved. It is read from copies of its files, so that looking changes
nothing: opening a write-ahead log, even for reading, makes files beside it.
"""

import asyncio
import shutil
import sqlite3
import tempfile
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from autoscaler.errors import StateError
from autoscaler.model import NO_ORDERS, Event, Minutes, Orders
from autoscaler.store.database import JOURNAL_ROWS, NEWEST_VERSION, Database, Saved, version_in_header
from autoscaler.store.rows import Row, newest, read_orders, to_events, to_row

OURS = "is it ours, is it damaged?"
SNAPSHOT_TRIES = 3  # a daemon may fold its log into the file between our two copies


class MemoryStore:
    """The Store of a dry run and of tests."""

    def __init__(self, saved: Saved | None = None) -> None:
        saved = saved or Saved()
        self._documents = dict(saved.documents)
        self._orders, _ = read_orders(saved.orders)
        self._policies = dict(saved.policies)
        self._minutes = dict(saved.minutes)
        self._last_number = saved.last_number
        self._rows: deque[Row] = deque(maxlen=JOURNAL_ROWS)

    @classmethod
    async def of_snapshot(cls, path: Path) -> Self:
        """Start from what the state file at `path` holds now; from nothing where there is none."""
        return cls(await asyncio.to_thread(read_snapshot, path))

    @property
    def degraded(self) -> str:
        return ""

    async def load(self, service: str) -> str | None:
        return self._documents.get(service)

    async def save(self, service: str, document: str) -> None:
        self._documents[service] = document

    async def minutes(self, service: str) -> Mapping[str, Minutes]:
        return self._minutes.get(service, {})

    async def keep_minutes(self, service: str, minutes: Mapping[str, Minutes]) -> None:
        self._minutes[service] = minutes

    async def written(self) -> None:
        """Memory is all there is."""

    async def orders(self) -> Mapping[str, Orders]:
        return dict(self._orders)

    async def set_orders(self, service: str, orders: Orders) -> None:
        if orders == NO_ORDERS:
            self._orders.pop(service, None)
        else:
            self._orders[service] = orders

    async def good_policies(self) -> Mapping[str, str]:
        return dict(self._policies)

    async def set_good_policies(self, documents: Mapping[str, str]) -> None:
        self._policies = dict(documents)

    async def append(self, events: Sequence[Event]) -> int:
        first = self._last_number + 1
        self._rows.extend(to_row(first + place, event) for place, event in enumerate(events))
        self._last_number += len(events)
        return first

    async def events(self, service: str | None, limit: int, after: int = 0, kind: str = "") -> Sequence[tuple[int, Event]]:
        chosen = [row for row in self._rows if row[0] > after and service in (None, row[2]) and kind in ("", row[3])]
        return to_events(newest(chosen, limit))

    async def close(self) -> None:
        """Nothing to let go of."""


def read_snapshot(path: Path) -> Saved:
    """What a state file holds, touching neither it nor its folder. Raises StateError where it can't be read."""
    try:
        version = version_in_header(path)
    except OSError as error:
        raise StateError(error.strerror or str(error), where=str(path), fix=OURS) from error
    if version > NEWEST_VERSION:
        raise StateError(
            f"this state is of version {version}, this autoscaler knows versions up to {NEWEST_VERSION}",
            where=str(path),
            fix="use the newer autoscaler",
        )
    for _ in range(SNAPSHOT_TRIES):
        try:
            return _read_copy(path)
        except sqlite3.Error as error:
            problem = str(error)
        except OSError as error:
            problem = error.strerror or str(error)
    raise StateError(problem, where=str(path), fix=OURS)


def _read_copy(path: Path) -> Saved:
    with tempfile.TemporaryDirectory(prefix="autoscaler-") as folder:
        copy = Path(folder) / path.name
        for ending in ("", "-wal"):
            try:
                shutil.copyfile(f"{path}{ending}", f"{copy}{ending}")
            except FileNotFoundError:
                continue
        return Database(copy).read()
