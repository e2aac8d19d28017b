"""The exact engine: every request on its own.

Requests come as a Poisson process. Each takes a free slot of a ready replica, else waits in one queue, first come, first
served, as in the proxy; who waited `queue_timeout` is dropped (503). A slot that becomes free takes the queue's head. Of
free slots one is taken at random, so that the replica with the most of them is the likeliest. A draining replica takes
nothing new and is gone with its last answer. A crash puts what a replica had in flight back at the queue's head, as the
proxy's retries do.
It costs about 2 us a request. Times are seconds since the trace's start.
"""

from collections import deque
from heapq import heapify, heappop, heappush, heapreplace
from math import inf
from random import Random

from autoscaler.simulate.load import Load
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Tally

JUDGED = inf  # the arrival of a request whose latency the other engine has counted


class Slots:
    """A replica: `slots` requests at a time. `signed_s` is its answered requests' finish - start, since the last tick."""

    __slots__ = ("in_flight", "ready", "signed_s", "since")

    def __init__(self, since: float) -> None:
        self.in_flight = 0
        self.ready = True
        self.signed_s = 0.0
        self.since = since


Running = tuple[float, int, Slots, float, float]  # finish, number, replica, came, wait


class Exact:
    """Replicas and their queue. It changes in place."""

    def __init__(
        self, service: ServiceTime, slots: int, queue_timeout_s: float, rng: Random, tally: Tally, now: float = 0.0
    ) -> None:
        self._service = service
        self._slots = slots
        self._timeout_s = queue_timeout_s
        self._rng = rng
        self._tally = tally
        self._ready: list[Slots] = []
        self._draining: list[Slots] = []
        self._free: list[Slots] = []
        self._running: list[Running] = []
        self._queue: deque[float] = deque()
        self._number = 0
        self._now = now
        self._tick_t = now
        self._drained_s = 0.0

    # ------------------------------------------------------------ what is there

    @property
    def ready(self) -> int:
        """Replicas that take requests."""
        return len(self._ready)

    @property
    def draining(self) -> int:
        """Replicas that finish what they have."""
        return len(self._draining)

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return len(self._queue)

    @property
    def in_service(self) -> int:
        """Requests that replicas work on."""
        return len(self._running)

    @property
    def drained_s(self) -> float:
        """Replica-seconds of those that drained, and drain."""
        return self._drained_s + sum(self._now - replica.since for replica in self._draining)

    def busy(self, now: float) -> tuple[float, ...]:
        """The share of each ready replica's slots that was busy since the last tick, oldest first; begins a new tick."""
        shares = []
        for replica in self._ready:
            span = now - max(self._tick_t, replica.since)
            worked = replica.signed_s + replica.in_flight * (now - self._tick_t)
            shares.append(min(1.0, max(0.0, worked / (span * self._slots))) if span > 0 else 0.0)
        for replica in (*self._ready, *self._draining):
            replica.signed_s = 0.0
        self._tick_t = now
        return tuple(shares)

    # ------------------------------------------------------------ replicas come and go

    def add(self, count: int = 1) -> None:
        """So many replicas become ready."""
        for _ in range(count):
            replica = Slots(self._now)
            self._ready.append(replica)
            self._free.extend([replica] * self._slots)
        self._fill()

    def drain(self, count: int) -> None:
        """The newest so many replicas take nothing new."""
        for _ in range(min(count, len(self._ready))):
            replica = self._ready.pop()
            replica.ready = False
            replica.since = self._now
            if replica.in_flight:
                self._draining.append(replica)
        self._free = [replica for replica in self._free if replica.ready]

    def crash(self) -> None:
        """Some ready replica is gone at once."""
        if not self._ready:
            return
        gone = self._ready.pop(self._rng.randrange(len(self._ready)))
        gone.ready = False
        self._free = [replica for replica in self._free if replica.ready]
        lost = [came for _, _, replica, came, _ in self._running if replica is gone]
        self._running = [each for each in self._running if each[2] is not gone]
        heapify(self._running)
        self._queue = deque(sorted([*lost, *self._queue]))
        self._fill()

    # ------------------------------------------------------------ taking over from the other engine

    def give(self) -> Load:
        """What is there, for the other engine, which counts latencies as services begin: those under way are counted now."""
        tally = self._tally
        objective = tally.objective
        for finish, _, _, came, wait in self._running:
            latency = finish - came
            if latency >= 0:
                tally.tick.latencies.add((latency,))
            if latency > objective.latency_s or wait > objective.wait_s:
                tally.count_late(came)
        return Load(self.ready, self.in_service, tuple(self._queue))

    def take(self, load: Load) -> None:
        """Go on from there, in an engine that is empty."""
        self.add(load.ready)
        for rest in self._service.residuals(self._rng, load.in_service):
            replica = _take(self._free, self._rng.random())
            replica.in_flight += 1
            self._number += 1
            heappush(self._running, (self._now + rest, self._number, replica, JUDGED, 0.0))
        self._queue.extend(load.queued)

    # ------------------------------------------------------------ time goes on

    def run(self, until: float, rate: float) -> None:
        """Requests come at this rate until then."""
        start, tally = self._now, self._tally
        there = len(self._running) + len(self._queue)
        working = len(self._running)
        self._serve(self._arrivals(until, rate), until)
        self._expire(until)
        self._now = until
        tally.tick.in_flight_s += there * (until - start)
        tally.tick.busy_s += working * (until - start)

    def _arrivals(self, until: float, rate: float) -> list[float]:
        if rate <= 0:
            return []
        arrivals = []
        t, gap = self._now, self._rng.expovariate
        while (t := t + gap(rate)) < until:
            arrivals.append(t)
        if arrivals:
            self._tally.count_arrivals((self._now + until) / 2, len(arrivals))
        self._tally.tick.in_flight_s += len(arrivals) * until - sum(arrivals)
        return arrivals

    def _serve(self, arrivals: list[float], until: float) -> None:
        """The hot loop: arrivals in order, and before each of them what finishes until then."""
        running, queue, free = self._running, self._queue, self._free
        tick_t, uniform = self._tick_t, self._rng.random
        services = iter(self._service.draws(self._rng, len(arrivals) + len(queue)))  # as many as can start
        number, answered, left_s, busy_s = self._number, 0, 0.0, 0.0
        latencies: list[float] = []
        latency_slo, wait_slo = self._tally.objective.latency_s, self._tally.objective.wait_s
        arrivals.append(until)
        for came in arrivals:
            while running and running[0][0] <= came:
                finish, _, replica, began_at, wait = running[0]
                answered += 1
                left_s += until - finish
                busy_s -= until - finish
                replica.signed_s += finish - tick_t
                latency = finish - began_at
                if latency >= 0:
                    latencies.append(latency)
                if latency > latency_slo or wait > wait_slo:
                    self._tally.count_late(began_at)
                if queue and finish - queue[0] > self._timeout_s:
                    self._expire(finish, until)
                if queue and replica.ready:
                    head = queue.popleft()
                    number += 1
                    heapreplace(running, (finish + next(services), number, replica, head, finish - head))
                    replica.signed_s -= finish - tick_t
                    busy_s += until - finish
                    continue
                heappop(running)
                replica.in_flight -= 1
                if replica.ready:
                    free.append(replica)
                elif not replica.in_flight:
                    self._gone(replica, finish)
            if came == until:
                break
            if free:
                replica = _take(free, uniform())
                replica.in_flight += 1
                replica.signed_s -= came - tick_t
                number += 1
                heappush(running, (came + next(services), number, replica, came, 0.0))
                busy_s += until - came
            else:
                queue.append(came)
        self._number = number
        tick = self._tally.tick
        tick.answered += answered
        tick.in_flight_s -= left_s
        tick.busy_s += busy_s
        tick.latencies.add(latencies)

    def _fill(self) -> None:
        """Free slots take what waits."""
        self._expire(self._now)
        while self._queue and self._free:
            came, replica = self._queue.popleft(), _take(self._free, self._rng.random())
            (service,) = self._service.draws(self._rng, 1)
            self._number += 1
            replica.in_flight += 1
            replica.signed_s -= self._now - self._tick_t
            heappush(self._running, (self._now + service, self._number, replica, came, self._now - came))

    def _expire(self, now: float, until: float | None = None) -> None:
        """Drop who waited too long by now; `until` is the end of the time that is being counted."""
        queue, timeout = self._queue, self._timeout_s
        while queue and now - queue[0] > timeout:
            came = queue.popleft()
            self._tally.count_drops(came)
            self._tally.tick.in_flight_s -= max(0.0, (now if until is None else until) - max(came + timeout, self._now))

    def _gone(self, replica: Slots, at: float) -> None:
        self._draining.remove(replica)
        self._drained_s += at - replica.since


def _take(free: list[Slots], chance: float) -> Slots:
    """One of the free slots' replicas; `chance` from 0 to 1 says which. The last one takes its place."""
    place = int(chance * len(free))
    taken, free[place] = free[place], free[-1]
    free.pop()
    return taken
