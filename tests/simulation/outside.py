"""What engine, proxy and disk share: time, windows of trouble, chance, and the laws that must hold.

A call has two halves. Its effect comes after the first, whoever waits for it: a caller that gave up, was cancelled or was
killed does not undo it. The answer comes after the second.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar
from zlib import crc32

from autoscaler.errors import AutoscalerError
from tests.simulation.names import Names

EPOCH = 1_800_000_000.0
QUICK_S = 0.02

T = TypeVar("T")


@dataclass(slots=True)
class DaemonClock:
    """A daemon's clock: `shift` is where somebody had set the wall clock when it began."""

    shift: float = 0.0
    wall: float = 0.0

    def now(self) -> float:
        return EPOCH + self.shift + asyncio.get_running_loop().time()

    def wall_offset(self) -> float:
        return self.wall


@dataclass
class Outside:
    """`broken` are the laws that were broken. `daemon` counts the daemons that began."""

    seed: int
    broken: list[str] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    daemon: int = 0
    clock: DaemonClock = field(default_factory=DaemonClock)
    _until: dict[str, float] = field(default_factory=dict)
    _drawn: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def time(self) -> float:
        """Seconds since the run began; nobody can set this clock."""
        return asyncio.get_running_loop().time()

    def chance(self, what: str) -> float:
        """A number in 0..1, by the seed and how often it was asked for: what else happens does not change it."""
        self._drawn[what] += 1
        return crc32(f"{self.seed}/{what}/{self._drawn[what]}".encode()) / 2**32

    def breaks(self, law: str) -> None:
        """A law was broken."""
        self.broken.append(f"{self.time():.2f} s: {law}")

    # ------------------------------------------------------------ windows of trouble

    def trouble(self, what: str, seconds: float) -> None:
        """From now on and for so long this goes wrong."""
        self._until[what] = max(self._until.get(what, 0.0), self.time() + seconds)

    def has(self, what: str) -> bool:
        """Whether this goes wrong now."""
        return self._until.get(what, 0.0) > self.time()

    def left(self, what: str) -> float:
        """How long it will go wrong."""
        return self._until.get(what, 0.0) - self.time()

    def had(self, what: str, within_s: float) -> bool:
        """Whether it went wrong so short a time ago."""
        return self._until.get(what, -within_s) + within_s > self.time()

    # ------------------------------------------------------------ calls

    def quiet(self, where: str, operation: str) -> bool:
        """Whether such a call has no trouble to go through."""
        now, name = self.time(), f"{where} {operation}"
        windows = (f"{where} down", f"{where} slow", f"{name} hangs", f"{name} refused", f"{name} unanswered")
        return not any(self._until.get(window, 0.0) > now for window in windows)

    async def call(
        self, where: str, operation: str, effect: Callable[[], T], failing: Callable[[str], AutoscalerError]
    ) -> T:
        """One call of the daemon's, through whatever trouble there is at `where` and with this `operation`."""
        caller, name = self.daemon, f"{where} {operation}"
        there = QUICK_S * self.chance(name)
        if self.has(f"{where} slow"):
            there += 3.0 * self.chance(name)
        there += max(self.left(f"{name} hangs"), 0.0)
        refused = self.has(f"{name} refused")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def arrive() -> None:
            try:
                if refused or self.has(f"{where} down"):
                    raise failing(f"{operation} refused" if refused else "connection refused")
                done = effect()
            except AutoscalerError as error:
                if not answer.done():
                    answer.set_exception(error)
            else:
                if not answer.done():
                    answer.set_result(done)

        loop.call_later(there, arrive)
        result = await answer
        if self.has(f"{where} slow"):
            await asyncio.sleep(1.0 * self.chance(name))
        if caller != self.daemon:
            raise AssertionError(f"a daemon that was killed goes on with {name}")
        if self.has(f"{name} unanswered"):
            raise failing("the answer was lost")
        return result
