"""One service's loop: look, decide, plan, act; each second, and at once when something stirs.

A whole tick decides. One that an event brought forward only plans again with the count decided last, so that a half-second's
metrics decide nothing; an operator's order brings a whole tick forward. Nothing in here waits for an action.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from autoscaler.control.decisions import Deciding
from autoscaler.control.executor import Acting
from autoscaler.control.health import Prober
from autoscaler.control.images import Images
from autoscaler.control.rechecks import Rechecks
from autoscaler.control.saved import Saved, dump
from autoscaler.control.watches import EngineWatch, ProxyWatch
from autoscaler.decide.history import told
from autoscaler.errors import AutoscalerError, EngineUnavailable
from autoscaler.faultpoints import hit_async
from autoscaler.model import Event, EventKind, Instance, Orders, Plan, Replica, ReplicaState
from autoscaler.ports import Clock, Emit, Store
from autoscaler.reconcile.backoff import failed
from autoscaler.reconcile.lifecycle import Seen, Track, join, taken_back, told_to_drain
from autoscaler.reconcile.names import highest_number
from autoscaler.reconcile.plan import Book, passing, plan, suspected
from autoscaler.reconcile.transitions import Became, Transition, account, transitions
from autoscaler.spec.models import ServiceSpec

TICK_S = 1.0
SHORTEST_PAUSE_S = 0.05  # between ticks that events bring forward
TICK_TIMEOUT_S = 10.0
UNSEEN_FOR_S = 5.0

OnTick = Callable[[str, int, float, float], None]  # service, replicas, seconds it took, seconds since the last


def _nobody_listens(service: str, replicas: int, seconds: float, since_last: float) -> None:
    """Until a daemon listens."""


class ServiceLoop:
    """A service under its policy. `problems` is what is wrong at present."""

    def __init__(
        self,
        spec: ServiceSpec,
        engine: EngineWatch,
        proxy: ProxyWatch,
        executor: Acting,
        deciding: Deciding,
        store: Store,
        images: Images | None,
        clock: Clock,
        emit: Emit,
        saved: Saved,
        orders: Orders,
        stirred: asyncio.Event,
    ) -> None:
        self.spec = spec
        self.orders = orders
        self.book = saved.book
        self.on_tick: OnTick = _nobody_listens
        self.replicas: tuple[Replica, ...] = ()
        self.tracks: dict[str, Track] = {}
        self.waits = ""
        self._is_suspicious = False
        self.ticked = False
        self.problem = ""
        self.seen_empty = asyncio.Event()
        self.executor = executor
        self.deciding = deciding
        self._engine = engine
        self._proxy = proxy
        self._clock = clock
        self._emit = emit
        self._store = store
        self._images = images
        self._prober = Prober(self.stir)
        self._rechecks = Rechecks(self.stir)
        self._stirred = stirred
        self._was_ready_at = saved.ready_at
        self._was_stopping = saved.stopping
        self._last_tick_at = clock.now()
        self._decide_now = False
        self._has_ended = False

    # ------------------------------------------------------------ when

    def stir(self) -> None:
        """Something happened: bring the next tick forward."""
        self._stirred.set()

    def order(self, orders: Orders) -> None:
        """An operator's word, to be decided on at once."""
        self.orders = orders
        self._decide_now = True
        self.stir()

    def respecify(self, spec: ServiceSpec) -> None:
        """The policy file says something else now."""
        self.spec = spec
        self.deciding.respecify(spec)
        self._decide_now = True
        self.stir()

    def killed(self, replica: str) -> None:
        """Someone else sent a replica a deadly signal: leave it before it ends."""
        track = self.tracks.get(replica)
        if track is not None and replica not in self.executor.under_way():
            self.tracks[replica] = replace(track, killed=True)

    async def run(self) -> None:
        """Tick for ever."""
        self.deciding.polling.follow(self.spec)
        next_whole = self._clock.now()
        try:
            while True:
                whole = self._decide_now or self._clock.now() >= next_whole
                if whole:
                    self._decide_now = False
                    next_whole = TICK_S * (self._clock.now() // TICK_S + 1)
                await self._guarded(whole)
                earliest = self._clock.now() + SHORTEST_PAUSE_S
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(next_whole - self._clock.now(), 0)):
                        await self._stirred.wait()
                if (early := earliest - self._clock.now()) > 0:
                    await asyncio.sleep(early)
        finally:
            await self._prober.close()
            await self._rechecks.close()
            await self.deciding.polling.close()
            await self.executor.close()
            await self._save()
            self._has_ended = True
            self.seen_empty.set()

    async def _guarded(self, whole: bool) -> None:
        """The edge of a service: what goes wrong in here is told, and harms no other."""
        began = self._clock.now()
        self._stirred.clear()
        try:
            async with asyncio.timeout(TICK_TIMEOUT_S):
                await self.tick(whole)
        except (AutoscalerError, TimeoutError) as error:
            self.problem = str(error) or f"a tick took longer than {TICK_TIMEOUT_S:g} s"
        except Exception as error:
            if repr(error) not in self.problem:
                self._event(EventKind.SERVICE_FAULT, "", repr(error))
            self.problem = f"fault in the controller: {error!r}"
        else:
            self.problem = ""
        serving = sum(r.state in (ReplicaState.READY, ReplicaState.STARTING) for r in self.replicas)
        self.on_tick(self.spec.service, serving, self._clock.now() - began, began - self._last_tick_at)
        self._last_tick_at = began

    async def empty(self) -> None:
        """Wait until the service is seen to have no replica left, or its loop has ended."""
        if not self._has_ended:
            self.seen_empty.clear()
        self.stir()
        await self.seen_empty.wait()

    async def empty_or_unseen(self) -> None:
        """The same. Raises EngineUnavailable where the engine does not answer for a while."""
        waiting = asyncio.create_task(self.empty(), name=f"empty {self.spec.service}")
        try:
            while not (await asyncio.wait((waiting,), timeout=UNSEEN_FOR_S))[0]:
                if self._engine.problem:
                    raise EngineUnavailable(self._engine.problem, fix="it goes on when the engine is back; ask again then")
        finally:
            waiting.cancel()

    # ------------------------------------------------------------ what

    async def tick(self, whole: bool) -> None:
        """See what is there, decide how many there shall be, and begin the next steps towards it."""
        await hit_async("tick.before")
        now = self._clock.now()
        under_way = self.executor.under_way()
        instances = (await self._engine.look()).get(self.spec.service, ())
        view = self._proxy.view()
        servers = None if view is None else view.servers.get(self.spec.service, ())
        view_t = view.t if view else now
        verdicts = {} if servers is None else self._rechecks.watch(self.spec, instances, servers)
        self._join(Seen(now, instances, servers, view_t, under_way, self._was_ready_at, self._was_stopping, verdicts))
        if whole and not self.orders.down:
            await self.deciding.decide(now, self.replicas, self.orders)
        desired = 0 if self.orders.down else self.deciding.desired(self.replicas)
        step = plan(self.spec, self.replicas, desired, now, self.book, blind=servers is None)
        self._begin(step)
        if servers is not None:
            self._tell_suspicion()
        await hit_async("tick.begun")
        self.ticked = True
        if not self.replicas and not self.executor.under_way():
            self.seen_empty.set()
        if whole or step.actions:  # starts and stops begin once what is saved here is on the disk
            await self._save()

    async def _save(self) -> None:
        """What the next daemon goes on from; nothing new is known before the first tick."""
        if not self.ticked:
            return
        ready_at = {name: track.ready_at for name, track in self.tracks.items() if track.ready_at is not None}
        stopping = frozenset(name for name, track in self.tracks.items() if track.stopping or track.killed)
        images: dict[str, str] = {}
        if self._images:
            self._images.keep_only(frozenset([self.spec.spec_hash, *(r.spec_hash for r in self.replicas)]))
            images = self._images.known()
        saved = Saved(self.deciding.memory, self.book, images, ready_at, stopping, self.deciding.shadows.kept)
        await self._store.keep_minutes(self.spec.service, told(self.deciding.memory.history))
        await self._store.save(self.spec.service, dump(saved))

    def _join(self, seen: Seen) -> None:
        before = self._noted(seen)
        timeout_s = self.spec.replica.healthcheck.start_timeout
        self.replicas, after = join(seen, before, timeout_s)
        changes = transitions(self.tracks, after, self.replicas, seen.now)
        self.tracks = after
        for change in changes:
            self._tell(change)
        backoff = account(self.book.backoff, changes, after, seen.now)
        for start in self.executor.take_failed_starts():
            backoff = failed(backoff, f"{start.replica}: {start.why}", start.t, seen.now, wait_s=start.wait_s)
        numbers = highest_number([r.name for r in self.replicas] + [s.replica for s in seen.servers or ()])
        self.book = Book(max(self.book.next_number, numbers + 1), backoff)

    def _noted(self, seen: Seen) -> dict[str, Track]:
        """The tracks with what the prober and the executor have found out since."""
        starting = [i for i in seen.instances if _is_starting(self.tracks.get(i.replica), i, seen)]
        passed = self._prober.watch(self.spec, starting)
        drained_at = self.executor.drained_at
        return {
            name: replace(
                track,
                passed=track.passed or name in passed,
                serving=track.serving or name in self.executor.serving,
                drained_at=drained_at.get(name, track.drained_at) if track.cause else None,
            )
            for name, track in self.tracks.items()
        }

    def _begin(self, step: Plan) -> None:
        """Have it done, and remember and tell what was begun; in a dry run that is nothing."""
        begun = self.executor.dispatch(self.spec, step, {r.name: r.id for r in self.replicas})
        told_to_drain(self.tracks, begun.draining, self._clock.now())
        taken_back(self.tracks, begun.returning)
        for name, cause in begun.draining:
            self._event(EventKind.REPLICA_DRAINING, name, cause)
        for name, cause in begun.returning:
            self._event(EventKind.REPLICA_TAKEN_BACK, name, cause)
        if step.waits and not self.waits:
            self._event(EventKind.BACK_OFF, "", step.waits)
        self.waits = step.waits
        for name in begun.assigned:
            self.tracks[name] = replace(self.tracks[name], assigned=True)
        for name in begun.stopping:
            self.tracks[name] = replace(self.tracks[name], stopping=True)
        for name in begun.removing:
            self.tracks[name] = replace(self.tracks[name], removing=True)
        self.book = replace(self.book, next_number=max(self.book.next_number, highest_number(begun.starting) + 1))

    # ------------------------------------------------------------ told

    def _tell(self, change: Transition) -> None:
        facts: dict[str, object] = {}
        match change.became:
            case Became.READY:
                if change.start_seconds is not None:
                    facts["start_seconds"] = round(change.start_seconds, 3)
                self._event(EventKind.REPLICA_READY, change.replica, "health check passed", facts)
            case Became.FAILED:
                facts = {"was_ready": change.was_ready, "reason": change.reason}
                self._event(EventKind.REPLICA_FAILED, change.replica, change.cause, facts)
            case Became.GONE:
                self._event(EventKind.REPLICA_REMOVED, change.replica, change.cause, {"was_ready": change.was_ready})

    def _tell_suspicion(self) -> None:
        """That the health check is the suspect, or is no more."""
        suspects = suspected(self.replicas)
        if suspects and not self._is_suspicious:
            facts: dict[str, object] = {"failing": len(suspects), "passing": passing(self.replicas)}
            self._event(EventKind.HEALTH_SUSPECT, "", f"{suspects[0].name} is {suspects[0].failure}", facts)
        if self._is_suspicious and not suspects:
            self._event(EventKind.HEALTH_BACK, "", "none is left that fails it")
        self._is_suspicious = bool(suspects)

    def _event(self, kind: EventKind, replica: str, cause: str, facts: dict[str, object] | None = None) -> None:
        self._emit(Event(self._clock.now(), self.spec.service, kind, replica, cause, facts or {}))

    def starting_problems(self) -> dict[str, str]:
        """Why each starting replica isn't ready yet."""
        return dict(self._prober.problems)


def _is_starting(track: Track | None, instance: Instance, seen: Seen) -> bool:
    """Whether a replica has yet to pass its health check: in the proxy, it has."""
    if track is not None:
        return track.state is ReplicaState.STARTING and not track.passed
    return all(server.replica != instance.replica for server in seen.servers or ())
