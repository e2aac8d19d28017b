"""Blocking calls and streams off the loop: bounded, cancellable, and never in the way of the exit."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator

import pytest

from autoscaler.drivers.retry import retrying
from autoscaler.drivers.threads import DaemonThreads, draw, run_alone


async def test_results_and_errors_come_back() -> None:
    threads = DaemonThreads(2, "test")
    assert await threads.run(lambda: 41 + 1) == 42
    with pytest.raises(ZeroDivisionError):
        await threads.run(lambda: 1 // 0)
    assert await run_alone(lambda: threading.current_thread().daemon, "alone") is True
    threads.close()


async def test_no_more_threads_than_asked_for_and_the_rest_waits() -> None:
    threads, gate, running = DaemonThreads(3, "counted"), threading.Event(), threading.Semaphore(0)

    def call() -> str:
        running.release()
        gate.wait(5)
        return threading.current_thread().name

    calls = [asyncio.create_task(threads.run(call)) for _ in range(9)]
    for _ in range(3):
        assert await asyncio.to_thread(running.acquire, timeout=5)
    assert not running.acquire(blocking=False)
    gate.set()
    assert len(set(await asyncio.gather(*calls))) <= 3
    threads.close()


async def test_a_call_that_was_given_up_before_its_turn_is_never_made() -> None:
    threads, gate, made = DaemonThreads(1, "busy"), threading.Event(), []
    first = asyncio.create_task(threads.run(lambda: gate.wait(5)))
    second = asyncio.create_task(threads.run(lambda: made.append(1)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    gate.set()
    assert await first
    assert await threads.run(lambda: len(made)) == 0
    threads.close()
    with pytest.raises(RuntimeError, match="busy is closed"):
        await threads.run(lambda: None)


class Numbers:
    """A stream of numbers, which waits for `close` at its end, or fails."""

    def __init__(self, count: int, *, fails: bool = False, waits: bool = False) -> None:
        self.count, self.fails, self.waits = count, fails, waits
        self.taken = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[int]:
        for number in range(1, self.count + 1):
            self.taken = number
            yield number
        if self.waits:
            self.closed.wait(5)
        if self.fails:
            raise ConnectionError("cut")

    def close(self) -> None:
        self.closed.set()


async def test_a_stream_is_drawn_to_its_end() -> None:
    assert [number async for number in draw(lambda: Numbers(1000), "numbers", ahead=10)] == list(range(1, 1001))


async def test_a_streams_error_comes_after_its_items() -> None:
    drawn = draw(lambda: Numbers(3, fails=True), "numbers")
    assert [await anext(drawn) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(ConnectionError):
        await anext(drawn)


async def test_leaving_a_stream_closes_it() -> None:
    numbers = Numbers(1, waits=True)
    drawn = draw(lambda: numbers, "numbers")
    assert await anext(drawn) == 1
    await drawn.aclose()
    assert numbers.closed.is_set()


async def test_no_more_is_read_ahead_than_asked_for() -> None:
    numbers = Numbers(100)
    drawn = draw(lambda: numbers, "numbers", ahead=5)
    assert await anext(drawn) == 1
    for _ in range(20):
        await asyncio.sleep(0.01)  # give it time to read too much
    assert numbers.taken <= 8
    await drawn.aclose()


async def try_until_it_works(call: Callable[[], None]) -> None:
    """As callers of `retrying` do."""
    async for attempt in retrying(ConnectionError, tries=5):
        with attempt:
            call()


@pytest.mark.looptime
async def test_retries_wait_longer_each_time_and_end() -> None:
    loop, times = asyncio.get_running_loop(), list[float]()

    def fail() -> None:
        times.append(loop.time())
        raise ConnectionError

    with pytest.raises(ConnectionError):
        await try_until_it_works(fail)
    waits = [after - before for before, after in itertools.pairwise(times)]
    assert all(least <= wait <= least + 0.1 for least, wait in zip((0.1, 0.2, 0.4, 0.8), waits, strict=True))


async def test_other_errors_are_not_tried_again() -> None:
    tries: list[int] = []

    def fail() -> None:
        tries.append(1)
        raise KeyError

    with pytest.raises(KeyError):
        await try_until_it_works(fail)
    assert tries == [1]
