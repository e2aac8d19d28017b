"""The modelled replicas: started, ready after a while, drained, crashed; and which engine serves.

Fewer are wanted: starting ones go first, at once, then the newest ready ones drain. Replica-seconds count from the order to
start until the last answer of one that drains. The aggregate engine serves from AGGREGATE_RPS and AGGREGATE_BUSY (requests
in service) on, where it agrees with the exact one and is faster, and hands over below four fifths of them. Who drains stays
with its engine, so no hand-over is made meanwhile.
"""

from math import inf
from random import Random

from autoscaler.measure.usage import is_warm
from autoscaler.simulate.aggregate import Aggregate
from autoscaler.simulate.exact import Exact
from autoscaler.simulate.model import Model
from autoscaler.simulate.tally import Tally

AGGREGATE_RPS = 250.0
AGGREGATE_BUSY = 20.0
BACK = 0.8
HOUR_S = 3600.0


class Fleet:
    """All replicas of one service. It changes in place. Times are seconds since the trace's start."""

    def __init__(self, model: Model, queue_timeout_s: float, tally: Tally, replicas: int) -> None:
        self._model = model
        self._queue_timeout_s = queue_timeout_s
        self._rng = Random(model.seed)
        self._tally = tally
        self._starting: list[float] = []
        self._ready_at: list[float] = []  # of those that warm up, the newest last
        self._now = 0.0
        self._next_crash = self._crash_after(0.0)
        self.aggregate_s = 0.0
        self._held_s = 0.0
        self._drained_s = 0.0
        self._engine: Exact | Aggregate = self._made(Exact)
        self._engine.add(replicas)

    # ------------------------------------------------------------ what is there

    @property
    def ready(self) -> int:
        """Replicas that take requests."""
        return self._engine.ready

    @property
    def starting(self) -> int:
        """Replicas that will be ready."""
        return len(self._starting)

    @property
    def queued(self) -> int:
        """Requests that wait."""
        return self._engine.queued

    @property
    def in_flight(self) -> int:
        """Requests that wait or are worked on."""
        return self._engine.queued + self._engine.in_service

    @property
    def warming(self) -> int:
        """Ready replicas that have just become it."""
        self._ready_at = [at for at in self._ready_at if not is_warm(at, self._now)]
        return min(len(self._ready_at), self.ready)

    def busy(self) -> tuple[float, ...]:
        """The share of each ready replica's slots that was busy since this was last asked, oldest first, all but those that
        warm up."""
        shares = self._engine.busy(self._now)
        return shares[: len(shares) - self.warming]

    def replica_seconds(self) -> float:
        """All that replicas have cost so far."""
        return self._held_s + self._drained_s + self._engine.drained_s

    # ------------------------------------------------------------ orders

    def order(self, desired: int) -> None:
        """So many replicas are wanted, starting ones included."""
        missing = desired - self.ready - self.starting
        if missing > 0:
            self._starting.extend([self._now + self._model.startup_s] * missing)
            self._become_ready()
            return
        cancelled = min(-missing, self.starting)
        if cancelled:
            del self._starting[-cancelled:]
        fewer = -missing - cancelled
        if fewer:
            del self._ready_at[-fewer:]
        self._engine.drain(fewer)

    # ------------------------------------------------------------ time goes on

    def run(self, until: float, rate: float) -> None:
        """Requests come at this rate until then."""
        self._choose(rate)
        if isinstance(self._engine, Aggregate):
            self.aggregate_s += until - self._now
        while True:
            next_ready = self._starting[0] if self._starting else inf
            end = min(until, next_ready, self._next_crash)
            if end > self._now:
                self._held_s += (self.ready + self.starting) * (end - self._now)
                self._engine.run(end, rate)
                self._now = end
            self._become_ready()
            if self._next_crash <= self._now:
                self._engine.crash()
                self._next_crash = self._crash_after(self._now)
            if end >= until:
                return

    def _become_ready(self) -> None:
        while self._starting and self._starting[0] <= self._now:
            self._ready_at.append(self._starting.pop(0))
            self._engine.add(1)

    def _crash_after(self, t: float) -> float:
        rate = self._model.crashes_per_hour / HOUR_S
        return t + self._rng.expovariate(rate) if rate > 0 else inf

    def _choose(self, rate: float) -> None:
        """The engine for this rate."""
        busy = rate * self._model.service.mean_s
        if isinstance(self._engine, Exact):
            if rate >= AGGREGATE_RPS and busy >= AGGREGATE_BUSY and not self._engine.draining:
                self._hand_over(self._made(Aggregate))
        elif (rate < BACK * AGGREGATE_RPS or busy < BACK * AGGREGATE_BUSY) and not self._engine.draining:
            self._hand_over(self._made(Exact))

    def _hand_over(self, to: Exact | Aggregate) -> None:
        self._drained_s += self._engine.drained_s
        to.take(self._engine.give())
        self._engine = to

    def _made(self, kind: type[Exact] | type[Aggregate]) -> Exact | Aggregate:
        model = self._model
        return kind(model.service, model.slots, self._queue_timeout_s, self._rng, self._tally, self._now)
