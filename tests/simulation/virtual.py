"""An asyncio loop whose time is a number: where nothing is left to do, it is at once when the next timer is due.

Nothing outside is ever waited for, and what would run in a thread runs where it is called, so a run is a function of its
seed and an hour takes as long as its callbacks.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class NothingLeft(Exception):
    """All tasks wait and no timer is set: it would hang for ever."""


class _NoWaiting(selectors.SelectSelector):
    """Hands the time that would have been waited to the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.pass_time: Callable[[float], None] = lambda seconds: None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft
        if timeout > 0:
            self.pass_time(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs in virtual time, from 0."""

    def __init__(self) -> None:
        waiting = _NoWaiting()
        waiting.pass_time = self.jump
        self._seconds = 0.0
        super().__init__(waiting)

    def time(self) -> float:
        return self._seconds

    def jump(self, seconds: float) -> None:
        """So much time passes in which nothing of this loop runs."""
        self._seconds += seconds

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: object) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        done.set_result(func(*args))
        return done


def run(work: Coroutine[Any, Any, T]) -> tuple[T, list[str]]:
    """What it answers, and what the loop had to complain about: a task's fault that nobody looked at, say."""
    complaints: list[str] = []
    loop = VirtualLoop()

    def complain(_loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        complaints.append(f"{context['message']}: {context.get('exception')!r}")

    loop.set_exception_handler(complain)
    try:
        return loop.run_until_complete(work), complaints
    finally:
        loop.close()
