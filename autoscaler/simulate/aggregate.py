"""The aggregate engine: requests by number, in steps of a fifth of a service time. For rates where one by one is too slow.

In a step h, with b requests in service, c slots and A ~ Poisson(rate h) arrivals:

    b' = min(c, b + queue + A - b h / S)                   in service about the step's end
    D  ~ Normal(m, m v),   m = (h / S) (b + b') / 2        answers; what is cut to whole, possible numbers is carried on
    v  = cv^2 where all slots are busy, else 1 - h / S

The mean is of second order in h. The first variance is that of many renewal processes, so that the queue is as in heavy
traffic, (1 + cv^2) / 2 of M/M/c's; the second gives the Poisson numbers of M/G/infinity, whatever the cv. The queue is kept
as cohorts by arrival: each has its own wait, whatever capacity does meanwhile, and drops at `queue_timeout`. Not seen are
waits within a step. Latencies are a sample of some requests a step, weighted by all; how many are late is drawn by their
chances. Sources: Halfin and Whitt 1981 (diffusion of many servers); Whitt, "Stochastic-Process Limits", chapter 10.
"""

from collections import deque
from heapq import heappop, heappush
from math import ceil, sqrt
from random import Random

from autoscaler.simulate.chance import binomial, poisson
from autoscaler.simulate.load import Load
from autoscaler.simulate.service_time import ServiceTime
from autoscaler.simulate.tally import Tally

STEPS_PER_SERVICE = 5.0
LEAST_STEPS = 10.0  # a second
LEAST_SAMPLED = 60  # latencies of those that did not wait, each time

Cohort = list[float]  # when they came, how many


class Aggregate:
    """Replicas and their queue, as numbers. It changes in place."""

    def __init__(
        self, service: ServiceTime, slots: int, queue_timeout_s: float, rng: Random, tally: Tally, now: float = 0.0
    ) -> None:
        self._service = service
        self._slots = slots
        self._timeout_s = queue_timeout_s
        self._rng = rng
        self._tally = tally
        self._step_s = min(service.mean_s / STEPS_PER_SERVICE, 1 / LEAST_STEPS)
        self.ready = 0
        self._busy = 0
        self._carried = 0.0  # answers
        self._queue: deque[Cohort] = deque()
        self.queued = 0
        self._finishing: list[float] = []  # when draining replicas' requests will be answered
        self._leaving: list[tuple[float, float]] = []  # when draining replicas will be gone, and since when they drain
        self._now = now
        self._busy_s = 0.0
        self._slots_s = 0.0
        self._drained_s = 0.0

    # ------------------------------------------------------------ what is there

    @property
    def draining(self) -> int:
        """Replicas that finish what they have."""
        return len(self._leaving)

    @property
    def in_service(self) -> int:
        """Requests that replicas work on."""
        return self._busy + len(self._finishing)

    @property
    def drained_s(self) -> float:
        """Replica-seconds of those that drained, and drain."""
        return self._drained_s + sum(self._now - since for _, since in self._leaving)

    def busy(self, now: float) -> tuple[float, ...]:
        """The share of each ready replica's slots that was busy since the last tick: all alike; begins a new tick."""
        share = min(1.0, self._busy_s / self._slots_s) if self._slots_s > 0 else 0.0
        self._busy_s = self._slots_s = 0.0
        return (share,) * self.ready

    # ------------------------------------------------------------ replicas come and go

    def add(self, count: int = 1) -> None:
        """So many replicas become ready."""
        self.ready += count

    def drain(self, count: int) -> None:
        """So many replicas take nothing new, and finish their share of what is in service."""
        for _ in range(min(count, self.ready)):
            share = self._share()
            rests = self._service.residuals(self._rng, share)
            for rest in rests:
                heappush(self._finishing, self._now + rest)
            if rests:
                heappush(self._leaving, (self._now + max(rests), self._now))
            self._busy -= share
            self.ready -= 1

    def crash(self) -> None:
        """Some replica is gone; its share of what is in service waits again, before all others."""
        if self.ready:
            share = self._share()
            if share:
                self._queue.appendleft([self._now - self._service.mean_s, share])
                self.queued += share
            self._busy -= share
            self.ready -= 1

    def _share(self) -> int:
        return min(self._slots, binomial(self._rng, self._busy, 1 / self.ready)) if self.ready > 1 else self._busy

    # ------------------------------------------------------------ taking over from the other engine

    def give(self) -> Load:
        """What is there, for the other engine, once nothing drains."""
        return Load(self.ready, self._busy, tuple(came for came, count in self._queue for _ in range(int(count))))

    def take(self, load: Load) -> None:
        """Go on from there, in an engine that is empty."""
        self.ready, self._busy, self.queued = load.ready, load.in_service, len(load.queued)
        self._queue = deque([came, 1] for came in load.queued)

    # ------------------------------------------------------------ time goes on

    def run(self, until: float, rate: float) -> None:
        """Requests come at this rate until then."""
        steps = max(1, ceil((until - self._now) / self._step_s - 1e-9))
        length = (until - self._now) / steps
        start = self._now
        slots = self.ready * self._slots
        at_once = 0
        busy_twice, queued_twice = self._busy, self.queued
        arrived = poisson(self._rng, rate * length, steps)
        part = length / self._service.mean_s
        for number, arrivals in enumerate(arrived, start=1):
            self._now = start + number * length
            at_once += self._step(arrivals, slots, part, length)
            busy_twice += 2 * self._busy
            queued_twice += 2 * self.queued
        busy_s = (busy_twice - self._busy) / 2 * length  # each step by the mean of its ends
        queued_s = (queued_twice - self.queued) / 2 * length
        tally = self._tally
        if came := sum(arrived):
            tally.count_arrivals((start + until) / 2, came)
        if at_once:
            self._judge((start + until) / 2, 0.0, at_once)
            sampled = max(steps, LEAST_SAMPLED)
            tally.tick.latencies.add(self._service.draws(self._rng, sampled), at_once / sampled)
        finishing_s = self._finish(start, until)
        tally.tick.busy_s += busy_s + finishing_s
        tally.tick.in_flight_s += busy_s + queued_s + finishing_s
        self._busy_s += busy_s
        self._slots_s += slots * (until - start)

    def _step(self, arrivals: int, slots: int, part: float, length: float) -> int:
        """One step, `part` of a service time; how many of its arrivals found a free slot."""
        busy = self._busy
        there = busy + self.queued + arrivals
        ahead = there - busy * part
        if ahead >= slots:
            mean = part * (busy + slots) / 2
            variance = mean * self._service.cv**2
        else:
            mean = part * (busy + ahead) / 2
            variance = mean * max(0.0, 1 - part)
        drawn = self._carried + (self._rng.gauss(mean, sqrt(variance)) if variance else mean)
        answers = max(0, min(int(drawn + 0.5), busy + arrivals, there))
        self._carried = max(-5.0 * (1 + mean), min(drawn - answers, 1.0))
        self._busy = min(slots, there - answers)
        self._tally.tick.answered += answers
        started = self._busy - busy + answers
        at_once = started
        if self.queued:
            from_queue = min(started, self.queued)
            if from_queue:
                self._start(from_queue, length)
            at_once -= from_queue
        if arrivals > at_once:
            self._queue.append([self._now, arrivals - at_once])
            self.queued += arrivals - at_once
        if self.queued:
            self._expire()
        return at_once

    def _start(self, count: int, length: float) -> None:
        """The head of the queue goes into service, some time in the step; it came some time in its own."""
        self.queued -= count
        while count:
            came, waiting = self._queue[0]
            taken = min(count, int(waiting))
            wait = max(0.0, self._now - came + (self._rng.random() - 0.5) * length)
            (service,) = self._service.draws(self._rng, 1)
            self._tally.tick.latencies.add((wait + service,), taken)
            self._judge(came, wait, taken)
            count -= taken
            if taken == waiting:
                self._queue.popleft()
            else:
                self._queue[0][1] -= taken

    def _judge(self, came: float, wait: float, count: int) -> None:
        """Draw how many of so many are late that waited so long."""
        objective = self._tally.objective
        chance = 1.0 if wait > objective.wait_s else self._service.tail(objective.latency_s - wait)
        self._tally.count_late(came, binomial(self._rng, count, chance))

    def _expire(self) -> None:
        while self._queue and self._now - self._queue[0][0] > self._timeout_s:
            came, count = self._queue.popleft()
            self.queued -= int(count)
            self._tally.count_drops(came, int(count))

    def _finish(self, start: float, until: float) -> float:
        """Draining replicas answer and go; the seconds x requests of it."""
        in_service_s = 0.0
        while self._finishing and self._finishing[0] <= until:
            in_service_s += heappop(self._finishing) - start
            self._tally.tick.answered += 1
        while self._leaving and self._leaving[0][0] <= until:
            gone, since = heappop(self._leaving)
            self._drained_s += gone - since
        return in_service_s + len(self._finishing) * (until - start)
