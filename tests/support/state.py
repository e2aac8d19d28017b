"""A clock that is told the time, a list of events, a disk of a megabyte, and waiting for what a real disk does."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autoscaler.model import Event, EventKind

EPOCH = 1_700_000_000.0


@dataclass
class SetClock:
    """A clock that stands where it was put."""

    t: float = EPOCH
    offset: float = 0.0

    def now(self) -> float:
        return self.t

    def wall_offset(self) -> float:
        return self.offset


@dataclass
class Told:
    """An `emit` that keeps what it was given."""

    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: EventKind) -> list[Event]:
        return [event for event in self.events if event.kind is kind]


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own needs root to mount it")


@contextmanager
def tiny_disk(path: Path, size: str = "1m", inodes: int = 100) -> Iterator[Path]:
    """A real file system of that size at `path`."""
    path.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes},mode=0700", "tmpfs", str(path)], check=True
    )
    try:
        yield path
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)


def fill(folder: Path) -> Path:
    """Write a file until the disk is full."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return filler
    raise AssertionError("the disk never got full")


async def until(true: Callable[[], bool], within_s: float = 10.0) -> None:
    """Wait for something outside; fails where it doesn't come."""
    async with asyncio.timeout(within_s):
        while not true():
            await asyncio.sleep(0.02)
