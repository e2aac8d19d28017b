"""Doing what a plan says, one task a replica, without ever holding up a tick. It decides nothing.

`under_way` is part of what the next plan sees. A step that failed keeps its replica under way for a moment, so that it isn't
tried again at once. The proxy is told the latest list of backends, never an older one after it; one that it has not taken in
yet is given up where it drains a replica that shall serve again.

A start and a stop signal wait until what the loop remembers of them is kept: a daemon that is killed right after would else
use the name again, or take a replica that is ending for one that starts.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, assert_never

from autoscaler.control.images import Images
from autoscaler.errors import AutoscalerError, ImageError
from autoscaler.model import Action, Backend, Event, EventKind, Plan, Remove, Start, Step, Stop
from autoscaler.ports import Clock, Emit, Proxy, ReplicaRuntime
from autoscaler.spec.models import ServiceSpec

START_TIMEOUT_S = 120.0
STOP_MARGIN_S = 15.0
REMOVE_TIMEOUT_S = 60.0
ASSIGN_TIMEOUT_S = 10.0
PAUSE_AFTER_FAILURE_S = 2.0
WORDS_KEPT = 20  # lines
TAILS_KEPT = 5  # replicas

Work = Coroutine[Any, Any, None]


@dataclass(frozen=True, slots=True)
class FailedStart:
    """A start that the runtime refused, begun at `t`; no other should begin within `wait_s`, where a registry said so."""

    replica: str
    t: float
    why: str
    wait_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Begun:
    """The replicas that the proxy is told of, and those whose drain, return (both with the cause), start, stop and removal
    began."""

    assigned: tuple[str, ...] = ()
    draining: tuple[tuple[str, str], ...] = ()
    returning: tuple[tuple[str, str], ...] = ()
    starting: tuple[str, ...] = ()
    stopping: tuple[str, ...] = ()
    removing: tuple[str, ...] = ()


class Acting(Protocol):
    """What a service's loop needs of whoever acts for it: the executor, or a dry run's rehearsal."""

    @property
    def serving(self) -> frozenset[str]:
        """The replicas that the proxy has taken in and sends requests."""

    @property
    def drained_at(self) -> Mapping[str, float]:
        """When the proxy took in that a replica drains."""

    @property
    def log_tails(self) -> Mapping[str, tuple[str, ...]]:
        """The last lines of the replicas that failed last."""

    @property
    def problem(self) -> str:
        """Why the proxy does not have the servers that it shall have, "" where it has."""

    def under_way(self) -> Mapping[str, Step]:
        """What is being done to which replica, as of now."""

    def dispatch(self, spec: ServiceSpec, plan: Plan, ids: Mapping[str, str]) -> Begun:
        """Begin all that the plan says; returns at once."""

    def take_failed_starts(self) -> list[FailedStart]:
        """The starts that failed since this was last asked."""

    async def close(self) -> None: ...


class Executor:
    """The actions of one service. `kept` waits until what was saved is on the disk, `stir` is called when one ended."""

    def __init__(
        self,
        service: str,
        runtime: ReplicaRuntime,
        proxy: Proxy,
        images: Images,
        clock: Clock,
        emit: Emit,
        kept: Callable[[], Awaitable[None]],
        stir: Callable[[], None],
    ) -> None:
        self.serving: frozenset[str] = frozenset()
        self.drained_at: dict[str, float] = {}
        self.log_tails: dict[str, tuple[str, ...]] = {}
        self.problem = ""
        self._failed_starts: list[FailedStart] = []
        self._service = service
        self._runtime = runtime
        self._proxy = proxy
        self._images = images
        self._clock = clock
        self._emit = emit
        self._kept = kept
        self._stir = stir
        self._under_way: dict[str, tuple[Step, asyncio.Task[None]]] = {}
        self._known: frozenset[str] = frozenset()
        self._runtime_name = ""
        self._backends: tuple[Backend, ...] = ()
        self._telling: Sequence[Backend] = ()  # empty while the proxy is being told nothing
        self._patience = asyncio.timeout(None)
        self._assigning: asyncio.Task[None] | None = None
        self._assign_again = False

    def under_way(self) -> Mapping[str, Step]:
        return {replica: step for replica, (step, _) in self._under_way.items()}

    def take_failed_starts(self) -> list[FailedStart]:
        taken, self._failed_starts = self._failed_starts, []
        return taken

    def dispatch(self, spec: ServiceSpec, plan: Plan, ids: Mapping[str, str]) -> Begun:
        self._known, self._runtime_name = frozenset(ids), spec.runtime
        if plan.backends is not None or plan.returns:
            self.assign(plan.to_tell(self._backends))
        begun: dict[Step, list[str]] = {step: [] for step in Step}
        for action in plan.actions:
            if action.replica not in self._under_way:
                step, work = self._work(spec, action, ids)
                task = asyncio.create_task(self._guarded(action, work), name=str(action))
                self._under_way[action.replica] = (step, task)
                task.add_done_callback(partial(self._ended, action.replica))
                begun[step].append(action.replica)
        return Begun(
            assigned=tuple(backend.replica for backend in plan.backends or ()),
            draining=plan.drains,
            returning=plan.returns,
            starting=tuple(begun[Step.START]),
            stopping=tuple(begun[Step.STOP]),
            removing=tuple(begun[Step.REMOVE]),
        )

    def _ended(self, replica: str, _task: asyncio.Task[None]) -> None:
        self._under_way.pop(replica, None)
        self._stir()

    async def _guarded(self, action: Action, work: Work) -> None:
        """The edge of an action: a fault of ours is told, and no reason to try again at once."""
        began = self._clock.now()
        try:
            await work
        except Exception as error:
            if isinstance(action, Start):
                self._failed_starts.append(FailedStart(action.replica, began, f"fault in the controller: {error!r}"))
            self._tell(EventKind.SERVICE_FAULT, action.replica, f"{action}: {error!r}")
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)

    def _work(self, spec: ServiceSpec, action: Action, ids: Mapping[str, str]) -> tuple[Step, Work]:
        match action:
            case Start():
                return Step.START, self._start(spec, action)
            case Stop():
                return Step.STOP, self._stop(action, ids[action.replica])
            case Remove():
                return Step.REMOVE, self._remove(action, ids[action.replica])
            case _:
                assert_never(action)

    async def _start(self, spec: ServiceSpec, action: Start) -> None:
        began = self._clock.now()
        self._tell(EventKind.REPLICA_STARTING, action.replica, action.cause)
        try:
            image = await self._images.image_of(spec)
            await self._kept()
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._runtime.start(spec, action.replica, image)
        except (AutoscalerError, TimeoutError) as error:
            wait_s = 0.0
            if isinstance(error, ImageError):
                self._images.forget(spec)
                wait_s = error.retry_after_s or 0.0
            why = str(error) or f"start took longer than {START_TIMEOUT_S:g} s"
            self._failed_starts.append(FailedStart(action.replica, began, why, wait_s))
            self._tell(EventKind.START_FAILED, action.replica, why, {"operation": "start", "runtime": spec.runtime})

    async def _stop(self, action: Stop, id: str) -> None:
        self._tell(EventKind.REPLICA_STOPPING, action.replica, action.cause)
        await self._kept()
        await self._bounded(action, self._runtime.stop(id, action.grace_s), action.grace_s + STOP_MARGIN_S)

    async def _remove(self, action: Remove, id: str) -> None:
        if action.keep_words:
            await self._keep_words(action.replica, id)
        await self._kept()
        await self._bounded(action, self._runtime.remove(id), REMOVE_TIMEOUT_S)

    async def _keep_words(self, replica: str, id: str) -> None:
        with suppress(AutoscalerError, TimeoutError):
            async with asyncio.timeout(REMOVE_TIMEOUT_S):
                lines = tuple(await self._runtime.logs(id, WORDS_KEPT))
            newest = [*self.log_tails.items(), (replica, lines)][-TAILS_KEPT:]
            self.log_tails = dict(newest)
            self._tell(EventKind.LAST_WORDS, replica, f"{len(lines)} lines", {"lines": lines})

    async def _bounded(self, action: Stop | Remove, work: Work, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await work
        except (AutoscalerError, TimeoutError) as error:
            why = f"{action}: {error or f'not done in {timeout_s:g} s'}"
            facts = {"operation": type(action).__name__.lower(), "runtime": self._runtime_name}
            self._tell(EventKind.ACTION_FAILED, action.replica, why, facts)
            await asyncio.sleep(PAUSE_AFTER_FAILURE_S)

    def assign(self, backends: tuple[Backend, ...]) -> None:
        """Have the proxy told the latest list; while it is being told an older one, right after that.

        One that shall serve again drains no more, whatever the proxy has taken in so far.
        """
        self._backends = backends
        self.drained_at = {name: t for name, t in self.drained_at.items() if name not in _serving(backends)}
        if self._assigning is not None and not self._assigning.done():
            self._assign_again = True
            if _serving(backends) & _draining(self._telling) and not self._patience.expired():
                self._patience.reschedule(asyncio.get_running_loop().time())
            return
        self._assigning = asyncio.create_task(self._assign(), name=f"assign {self._service}")

    async def _assign(self) -> None:
        while True:
            self._assign_again = False
            backends, began = self._backends, self._clock.now()
            try:
                await self._tell_proxy(backends)
            except (AutoscalerError, TimeoutError) as error:
                self.problem = str(error) or f"the proxy did not take its servers in {self._clock.now() - began:.0f} s"
            except Exception as error:
                if repr(error) not in self.problem:
                    self._tell(EventKind.SERVICE_FAULT, "", f"assign: {error!r}")
                self.problem = f"fault in the controller: {error!r}"
            else:
                self.problem = ""
                self._confirm(backends)
            if not self._assign_again:
                return

    async def _tell_proxy(self, backends: Sequence[Backend]) -> None:
        try:
            async with asyncio.timeout(ASSIGN_TIMEOUT_S) as self._patience:
                self._telling = backends
                await self._proxy.assign(self._service, backends)
        finally:
            self._telling = ()

    def _confirm(self, backends: Sequence[Backend]) -> None:
        """The proxy has taken these in: who is draining, or not among them any more, gets nothing new from now on."""
        now = self._clock.now()
        serving = _serving(backends)
        left = self._known - serving - _serving(self._backends)
        self.drained_at = {name: self.drained_at.get(name, now) for name in left}
        if serving - self.serving:
            self._stir()
        self.serving = serving

    def _tell(self, kind: EventKind, replica: str, cause: str, facts: Mapping[str, object] | None = None) -> None:
        self._emit(Event(self._clock.now(), self._service, kind, replica, cause, facts or {}))

    async def close(self) -> None:
        """Let go of what is under way; the next daemon goes on from what it finds."""
        tasks = [task for _, task in self._under_way.values()]
        if self._assigning is not None:
            tasks.append(self._assigning)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._images.close()


def _serving(backends: Sequence[Backend]) -> frozenset[str]:
    return frozenset(backend.replica for backend in backends if not backend.draining)


def _draining(backends: Sequence[Backend]) -> frozenset[str]:
    return frozenset(backend.replica for backend in backends if backend.draining)
