"""Named steps at which a test has the daemon die, hang, fail or dawdle; without AUTOSCALER_TESTING=1 nothing of it is there.

    AUTOSCALER_FAULT=POINT:ACTION[:N]    at the N-th passing of the point (the first), once
    AUTOSCALER_FAULT=@FOLDER             while it runs: a file POINT holds ACTION[:N], and is removed when it comes true

    crash   SIGKILL to the process itself: nothing is tidied up
    hang    stays there for ever: the task waits, the thread blocks
    error   raises what a failing outside would raise there
    delay   stays there for DELAY_S

`hit` is for code on a thread of its own, `hit_async` for the loop; both are bound once, when this is imported.
"""

import asyncio
import errno
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from autoscaler.errors import EngineError, EngineUnavailable, ProxyError, StateError, UsageError

DELAY_S = 2.0
TESTING, FAULT = "AUTOSCALER_TESTING", "AUTOSCALER_FAULT"


class Action(StrEnum):
    """What happens at a point."""

    CRASH = "crash"
    HANG = "hang"
    ERROR = "error"
    DELAY = "delay"


def disk_error(what: str) -> OSError:
    """As a failing disk says it."""
    return OSError(errno.EIO, what)


@dataclass(frozen=True, slots=True)
class Point:
    """What is done by then and what is not, and what may be raised there: None where nothing from outside can fail."""

    told: str
    error: Callable[[str], Exception] | None = None


POINTS: Mapping[str, Point] = {
    "daemon.locked": Point("The state dir is taken, nothing was read from it yet.", StateError),
    "policies.before": Point("Policies came into force, the state dir still has the former ones."),
    "policies.kept": Point("The state dir has the policies in force, the proxy may not have their routes yet."),
    "order.before": Point("An operator's order came, the state dir has the former one."),
    "order.kept": Point("An operator's order is followed and the state dir has it, nobody was told."),
    "tick.before": Point("A service's tick begins, nothing was looked at yet.", EngineError),
    "tick.begun": Point("A tick has begun its steps, what it decided is not saved."),
    "store.commit.before": Point("A commit is written, and not yet made.", StateError),
    "store.commit.after": Point("A commit is made, and nobody was told.", StateError),
    "service.empty": Point("A service whose policy is gone has no replica left, its route and state are there."),
    "service.forgotten": Point("A service that is gone has no state left, its route is there."),
    "proxy.adopted": Point("A HAProxy that runs was found, nothing was changed at it.", ProxyError),
    "proxy.start.before": Point("HAProxy shall be started, its config is not written.", ProxyError),
    "proxy.start.spawned": Point("HAProxy was started, its pid is not written down.", disk_error),
    "proxy.start.up": Point("HAProxy was started and serves, nobody was told.", ProxyError),
    "proxy.config.checked": Point("A config with other routes was found good, the former one is in its place.", disk_error),
    "proxy.config.placed": Point("A config with other routes is in its place, HAProxy was not told.", ProxyError),
    "proxy.reload.signalled": Point("HAProxy was told to reload, its new worker may not serve yet.", ProxyError),
    "proxy.reload.up": Point("HAProxy's new worker serves, older ones may still finish requests.", ProxyError),
    "proxy.assign.before": Point("Other servers are wanted, neither the config file nor HAProxy has them.", ProxyError),
    "proxy.file.written": Point("A file of HAProxy's is written beside the one it is to replace.", disk_error),
    "proxy.file.replaced": Point("A file of HAProxy's was replaced, nobody was told.", disk_error),
    "proxy.commands.before": Point("The config file has other servers, HAProxy was not told of them.", ProxyError),
    "proxy.commands.after": Point("HAProxy took in other servers, its answer was not read.", ProxyError),
    "proxy.delete.before": Point("A server that is gone is still known to HAProxy, in maintenance.", ProxyError),
    "proxy.delete.after": Point("HAProxy was told to delete a server.", ProxyError),
    "proxy.stop.before": Point("HAProxy shall end, and serves.", ProxyError),
    "proxy.stop.ended": Point("HAProxy has ended, its files are there.", ProxyError),
    "docker.create.before": Point("A container shall be created.", EngineError),
    "docker.create.after": Point("A container is created, and not started.", EngineError),
    "docker.start.after": Point("A container is started, nobody was told.", EngineError),
    "docker.stop.before": Point("A container is drained, and got no stop signal.", EngineError),
    "docker.stop.after": Point("A container has ended, nobody was told.", EngineError),
    "docker.remove.before": Point("A container that has ended shall be removed.", EngineError),
    "docker.remove.after": Point("A container is removed, nobody was told.", EngineError),
    "process.claim.before": Point("A replica shall be started, nothing is written down.", EngineError),
    "process.claim.after": Point("A replica's folder is there, nothing runs in it.", EngineError),
    "process.spawn.after": Point("A replica's keeper was started, the replica may not be written down.", EngineError),
    "process.start.after": Point("A replica runs, nobody was told.", EngineError),
    "process.stop.before": Point("A replica is drained, and got no stop signal.", EngineError),
    "process.stop.signalled": Point("A replica has its stop signal, and may not have ended.", EngineError),
    "process.stop.after": Point("A replica has ended, nobody was told.", EngineError),
    "process.remove.before": Point("A replica that has ended shall be removed.", EngineError),
    "process.remove.aside": Point("A replica's folder is out of sight, and not deleted.", EngineError),
    "process.remove.after": Point("A replica is removed, nobody was told.", EngineError),
    "down.ordered": Point("All services are ordered down, their replicas may serve.", EngineUnavailable),
    "down.empty": Point("No replica is left, HAProxy and the daemon run.", EngineUnavailable),
    "down.ended": Point("Neither replica nor HAProxy is left, the daemon runs."),
    "down.drained": Point("Without a daemon: the replicas are drained, and not stopped.", EngineUnavailable),
    "down.removed": Point("Without a daemon: no replica is left, HAProxy runs.", EngineUnavailable),
    "down.tidied": Point("Without a daemon: nothing is left but the lock and the history."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """An action at the n-th passing of a point."""

    action: Action
    nth: int = 1


def parse(point: str, fault: str) -> Fault:
    """A point's `ACTION[:N]`. Raises UsageError."""
    action, _, nth = fault.partition(":")
    if point not in POINTS:
        raise UsageError(f"no fault point {point!r}", where=FAULT, fix=f"there are: {', '.join(POINTS)}")
    if action not in tuple(Action) or not (nth or "1").isdecimal() or nth == "0":
        wanted = f"POINT:ACTION[:N] with one of {', '.join(Action)} at one of {', '.join(POINTS)}"
        raise UsageError(f"can't read {fault!r} at {point}", where=FAULT, fix=f"give {wanted}")
    if action == Action.ERROR and POINTS[point].error is None:
        raise UsageError(f"nothing from outside fails at {point}", where=FAULT, fix="have it crash, hang or delay")
    return Fault(Action(action), int(nth or "1"))


class Armed:
    """The faults that AUTOSCALER_FAULT asks for, and how often each point was passed."""

    def __init__(self, asked: str) -> None:
        self._folder = Path(asked[1:]) if asked.startswith("@") else None
        self._faults: dict[str, Fault] = {}
        self._passed: Counter[str] = Counter()
        self._lock = threading.Lock()
        if asked and self._folder is None:
            point, _, fault = asked.partition(":")
            self._faults[point] = parse(point, fault)

    def hit(self, point: str) -> None:
        """Pass a point on a thread."""
        match self._due(point):
            case Action.HANG:
                threading.Event().wait()
            case Action.DELAY:
                time.sleep(DELAY_S)

    async def hit_async(self, point: str) -> None:
        """Pass a point on the loop."""
        match self._due(point):
            case Action.HANG:
                await asyncio.Event().wait()
            case Action.DELAY:
                await asyncio.sleep(DELAY_S)

    def _due(self, point: str) -> Action | None:
        """What is to happen now; of that, what is the same everywhere has happened."""
        with self._lock:
            fault = self._fault(point)
            if fault is None:
                return None
            self._passed[point] += 1
            if self._passed[point] != fault.nth:
                return None
            self._disarm(point)
        os.write(2, f"fault point {point}: {fault.action}\n".encode())
        if fault.action is Action.CRASH:
            os.kill(os.getpid(), signal.SIGKILL)
        error = POINTS[point].error
        if fault.action is Action.ERROR and error is not None:
            raise error(f"fault point {point}")
        return fault.action

    def _fault(self, point: str) -> Fault | None:
        if self._folder is None:
            return self._faults.get(point)
        try:
            return parse(point, (self._folder / point).read_text())
        except FileNotFoundError:
            return None

    def _disarm(self, point: str) -> None:
        if self._folder is None:
            del self._faults[point]
        else:
            (self._folder / point).unlink()
            del self._passed[point]


def _pass(_point: str) -> None:
    """Nobody tests."""


async def _pass_async(_point: str) -> None:
    """Nobody tests."""


def bound(environ: Mapping[str, str]) -> tuple[Callable[[str], None], Callable[[str], Awaitable[None]]]:
    """`hit` and `hit_async` as this environment asks for them. Raises UsageError."""
    if environ.get(TESTING) != "1":
        return _pass, _pass_async
    armed = Armed(environ.get(FAULT, ""))
    return armed.hit, armed.hit_async


hit, hit_async = bound(os.environ)
