"""Calls that block, off the loop, on daemon threads: one that hangs keeps neither the loop nor the exit waiting.

The standard library's executors join their threads at exit, so that a call into a hung engine would hold the daemon's end
up. These are not joined.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class DaemonThreads:
    """At most `size` threads, made when they are needed; calls beyond them wait in order."""

    def __init__(self, size: int, name: str) -> None:
        self._size = size
        self._name = name
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._threads = 0
        self._closed = False

    async def run(self, call: Callable[[], T]) -> T:
        """The call's result. One that is cancelled before its turn is never made."""
        if self._closed:
            raise RuntimeError(f"{self._name} is closed")
        future: Future[T] = Future()
        self._calls.put((future, call))
        if not self._idle.acquire(blocking=False) and self._threads < self._size:
            self._threads += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._threads}", daemon=True).start()
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """End the threads when they have done what was asked of them so far."""
        self._closed = True
        for _ in range(self._threads):
            self._calls.put(None)

    def _work(self) -> None:
        while (item := self._calls.get()) is not None:
            _settle(*item)
            self._idle.release()


async def run_alone(call: Callable[[], T], name: str) -> T:
    """The result of a long call, on a thread of its own."""
    future: Future[T] = Future()
    threading.Thread(target=_settle, args=(future, call), name=name, daemon=True).start()
    return await asyncio.wrap_future(future)


def _settle(future: Future[Any], call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)


class Blocking(Protocol[T_co]):
    """A stream whose next item may be long in coming; `close`, from another thread, ends it."""

    def __iter__(self) -> Iterator[T_co]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None


async def draw(open_stream: Callable[[], Blocking[T]], name: str, ahead: int = 256) -> AsyncGenerator[T, None]:
    """The items of a blocking stream, read on a thread of its own, at most `ahead` of them before they are taken.

    Ends or raises as the stream does. Leaving it closes the stream.
    """
    pump = _Pump(open_stream, asyncio.get_running_loop(), ahead)
    threading.Thread(target=pump.run, name=name, daemon=True).start()
    try:
        while not isinstance(item := await pump.items.get(), _End):
            pump.room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        pump.close()


class _Pump(Generic[T]):
    """Moves a stream's items to the loop's queue, from its own thread."""

    def __init__(self, open_stream: Callable[[], Blocking[T]], loop: asyncio.AbstractEventLoop, ahead: int) -> None:
        self.items: asyncio.Queue[T | _End] = asyncio.Queue()
        self.room = threading.Semaphore(ahead)
        self._open = open_stream
        self._loop = loop
        self._lock = threading.Lock()
        self._stream: Blocking[T] | None = None
        self._closed = False

    def run(self) -> None:
        error: Exception | None = None
        try:
            self._adopt(self._open())
            for item in self._stream or ():
                self.room.acquire()
                if self._closed:
                    break
                self._hand(item)
        except Exception as caught:
            error = caught
        self._hand(_End(error))

    def close(self) -> None:
        """Wake the thread, wherever it waits, and have it end."""
        with self._lock:
            self._closed = True
            stream = self._stream
        self.room.release()
        if stream is not None:
            _close(stream)

    def _adopt(self, stream: Blocking[T]) -> None:
        with self._lock:
            self._stream = stream
            closed = self._closed
        if closed:
            _close(stream)

    def _hand(self, item: T | _End) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            self._loop.call_soon_threadsafe(self.items.put_nowait, item)


def _close(stream: Blocking[Any]) -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it may have ended by itself meanwhile
        stream.close()
