"""Sends requests when they are due: over connections that are kept up throughout, and some over new ones.

Where every kept connection is busy, a request gets a new one rather than wait: that keeps the loop open.
"""

import asyncio
import ipaddress
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Literal

from autoscaler.errors import UsageError
from autoscaler.load.answer import Answer
from autoscaler.load.arrivals import Rate, arrivals
from autoscaler.load.connection import Asked, Connection
from autoscaler.load.results import Live, Result, Summary

SWEEP_S = 0.25  # how often to look for requests that take too long
RECONNECT_S = 0.1
OPENING_S = 1.0  # how long the first connections may take


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of request, and how often it is taken against the others."""

    path: str = "/"
    weight: float = 1.0
    method: Literal["GET", "POST"] = "GET"
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Load:
    """What to send where. `fresh` is the share of requests that get a connection of their own."""

    port: int
    rate: Rate
    duration_s: float
    kinds: tuple[Kind, ...] = (Kind(),)
    host: str = "127.0.0.1"
    host_header: str = ""
    connections: int = 64
    fresh: float = 0.05
    poisson: bool = True
    timeout_s: float = 60.0
    max_requests: int = 1_000_000
    max_in_flight: int = 4000
    seed: int = 1


async def run(load: Load, live: Live, abort: asyncio.Event, on_result: Callable[[Result], None] | None = None) -> Summary:
    """Send it all, wait for the last answer (`timeout_s` at most), and sum it up; `abort` ends it at once.

    `live` counts while it runs; `on_result` is told of each request as it ends. Raises UsageError for a foreign host.
    """
    check_host(load.host)
    return await _Generator(load, live, on_result).run(abort)


def check_host(host: str) -> None:
    """Only this machine may be loaded. Raises UsageError."""
    try:
        ours = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        ours = False
    if not ours:
        raise UsageError(f"load goes to this machine alone, not to {host}", fix="give 127.0.0.1 or localhost")


class _Generator:
    def __init__(self, load: Load, live: Live, on_result: Callable[[Result], None] | None) -> None:
        self._load = load
        self._live = live
        self._on_result = on_result
        self._chance = random.Random(load.seed)
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._kept = [(kind.path, _wire(load, kind, "keep-alive")) for kind in load.kinds]
        self._once = [(kind.path, _wire(load, kind, "close")) for kind in load.kinds]
        self._weights = [kind.weight for kind in load.kinds]
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._asking: set[asyncio.Task[None]] = set()

    async def run(self, abort: asyncio.Event) -> Summary:
        """From the first connection to the last answer."""
        async with asyncio.TaskGroup() as tasks:
            kept = [tasks.create_task(self._keep_up()) for _ in range(self._load.connections)]
            sweeper = tasks.create_task(self._sweep())
            sender = tasks.create_task(self._send_all(tasks))
            aborted = tasks.create_task(abort.wait())
            await asyncio.wait((sender, aborted), return_when=asyncio.FIRST_COMPLETED)
            for task in (sender, sweeper, aborted, *kept, *self._asking):
                task.cancel()
            self._live.aborted, self._live.in_flight = self._live.in_flight, 0
            for connection in self._open:
                connection.close()
        self._live.t = self._loop.time() - self._began
        return self._live.summary()

    # ------------------------------------------------------------ sending

    async def _send_all(self, tasks: asyncio.TaskGroup) -> None:
        await self._opened()
        self._began = self._loop.time()
        for count, t in enumerate(arrivals(self._load.rate, self._load.duration_s, self._owe())):
            if count >= self._load.max_requests:
                break
            due = self._began + t
            if (early := due - self._loop.time()) > 0:
                await asyncio.sleep(early)
            self._live.t = t
            self._send(due, tasks)
        await self._answered()

    def _owe(self) -> Callable[[], float]:
        if self._load.poisson:
            return lambda: self._chance.expovariate(1.0)
        return chain([0.5], repeat(1.0)).__next__  # half at first: as many as the area, whatever the rounding at the end

    async def _opened(self) -> None:
        """Wait until the connections stand, so that the first request doesn't pay for them; go on where they can't."""
        end = self._loop.time() + OPENING_S
        while len(self._idle) < self._load.connections and self._loop.time() < end:
            await asyncio.sleep(RECONNECT_S)

    async def _answered(self) -> None:
        """Wait until nothing is in flight; the sweeper sees to it that this ends."""
        while self._live.in_flight:  # at the end of a run nobody minds
            await asyncio.sleep(RECONNECT_S)

    def _send(self, due: float, tasks: asyncio.TaskGroup) -> None:
        self._live.was_due(due - self._began)
        number = self._chance.choices(range(len(self._weights)), self._weights)[0]
        connection = None if self._chance.random() < self._load.fresh else self._free_connection()
        if connection is not None:
            connection.ask(Asked(*self._kept[number], due))
        elif self._live.in_flight > self._load.max_in_flight:
            self._ended(Asked(*self._once[number], due), None, "unsent")
        else:
            asking = tasks.create_task(self._ask_once(Asked(*self._once[number], due)))
            self._asking.add(asking)
            asking.add_done_callback(self._asking.discard)

    def _free_connection(self) -> Connection | None:
        """The one that was used longest ago, so that none goes stale."""
        while self._idle:
            connection = self._idle.popleft()
            if connection.is_free:
                return connection
        return None

    # ------------------------------------------------------------ connections

    async def _keep_up(self) -> None:
        """Have one connection open, always."""
        while True:
            try:
                connection = await self._connect(self._idle.append)
            except OSError:
                await asyncio.sleep(RECONNECT_S)
            else:
                self._idle.append(connection)
                await connection.lost.wait()
                self._open.discard(connection)

    async def _ask_once(self, asked: Asked) -> None:
        """Send over a new connection that is closed afterwards."""
        try:
            connection = await self._connect(None)
        except TimeoutError:
            self._ended(asked, None, "timeout")
        except ConnectionRefusedError:
            self._ended(asked, None, "refused")
        except OSError:
            self._ended(asked, None, "connect")
        else:
            connection.ask(asked)
            await connection.lost.wait()
            self._open.discard(connection)

    async def _connect(self, on_free: Callable[[Connection], None] | None) -> Connection:
        async with asyncio.timeout(self._load.timeout_s):
            _, connection = await self._loop.create_connection(
                lambda: Connection(self._ended, on_free), self._load.host, self._load.port
            )
        self._open.add(connection)
        self._live.connections_opened += 1
        return connection

    async def _sweep(self) -> None:
        """Give up on requests that take too long."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = self._loop.time()
            self._live.t = now - self._began
            for connection in list(self._open):
                if connection.asked and now - connection.asked.due > self._load.timeout_s:
                    connection.give_up("timeout")

    def _ended(self, asked: Asked, answer: Answer | None, failure: str) -> None:
        if answer is not None and not 200 <= answer.status < 300:
            failure = f"status_{answer.status}"
        result = Result(
            t=asked.due - self._began,
            path=asked.path,
            latency_s=self._loop.time() - asked.due,
            status=answer.status if answer else 0,
            replica=answer.replica if answer else "",
            failure=failure,
        )
        self._live.ended(result)
        if self._on_result is not None:
            self._on_result(result)


def _wire(load: Load, kind: Kind, connection: str) -> bytes:
    """The request as it is sent."""
    host = load.host_header or f"{load.host}:{load.port}"
    length = f"Content-Length: {len(kind.body)}\r\n" if kind.method == "POST" else ""
    head = f"{kind.method} {kind.path} HTTP/1.1\r\nHost: {host}\r\nConnection: {connection}\r\n{length}\r\n"
    return head.encode("latin-1") + kind.body
