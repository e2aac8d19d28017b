"""Whole lives without a loop: decide, reconcile and the replicas' lives in a world of a few sets, at some hundred ticks a
second of ours, so that many more orders of events are tried than a whole daemon could live through.

A life is a list of steps made from a seed; any part of it is a life too.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from autoscaler.decide.decider import decide
from autoscaler.decide.memory import EMPTY, Memory
from autoscaler.model import NO_ORDERS, Observation, Orders, Override, PauseKind, Phase, Sample
from autoscaler.spec.models import Bounds, ServiceSpec
from tests.reconcile.build import WEB
from tests.reconcile.test_lives import Lives

Step = tuple[Any, ...]
BOUNDS = ((1, 4), (1, 3), (2, 5), (3, 3))
CALM_TICKS = 20
CALM_TICK_S = 30.0  # longer than any window but the one for falls
FALL_S = 400.0
WINDOW_S = 10.0


@dataclass
class Deciding(Lives):
    """Lives whose count is decided, from traffic that is measured or missing, within bounds that change."""

    spec: ServiceSpec = WEB
    memory: Memory = EMPTY
    rate: float | None = 120.0
    orders: Orders = NO_ORDERS
    saved: Memory = EMPTY
    measured_at: float = 0.0

    def tick(self) -> None:
        t = self.now + 1
        running = sum(instance.phase is Phase.RUNNING for instance in self.instances.values())
        sample = Sample(None, t, "missing") if self.rate is None else Sample(self.rate, t)
        seen = Observation("web", t, running, len(self.instances) - running, {"request_rate": sample})
        before = self.memory.desired
        decision, self.memory = decide(self.spec, seen, self.memory, self.orders)
        self.desired = decision.desired
        limits = self.spec.replicas
        assert limits.min <= self.desired <= limits.max, "outside of its bounds"
        if self.rate is not None:
            self.measured_at = t
        unknown = t - self.measured_at > WINDOW_S
        if unknown and before is not None and self.orders == NO_ORDERS:
            assert self.desired >= min(before, limits.max), "it shrinks though nothing is known"
        assert decision.reason, "a count without a reason"
        super().tick()

    # ------------------------------------------------------------ what happens

    def traffic(self, count: int) -> None:
        self.rate = 50.0 * count - 20 if count else 0.0

    def metrics_miss(self) -> None:
        self.rate = None

    def bounds(self, at: int) -> None:
        least, most = BOUNDS[at % len(BOUNDS)]
        self.spec = self.spec.model_copy(update={"replicas": Bounds(min=least, max=most)})

    def save(self) -> None:
        self.saved = self.memory

    def daemon_restarts(self) -> None:
        super().daemon_restarts()
        self.memory = Memory.from_json(self.saved.to_json(), self.now)

    def order(self, count: int) -> None:
        self.orders = Orders(override=Override(replicas=count, until=self.now + 10))

    def pause(self, at: int) -> None:
        self.orders = replace(NO_ORDERS, pause=(*PauseKind, None)[at % 4])

    def settle(self) -> None:
        """All is calm until what is wanted is there; it fails where that takes too long."""
        self.orders = NO_ORDERS
        self.rate = 100.0 if self.rate is None else self.rate
        self.blind = False
        self.now += FALL_S
        for _ in range(CALM_TICKS):
            self.now += CALM_TICK_S
            self.boot()
            self.answer()
            self.tick()
            self.assign()
            while self.under_way:
                self.finish()
            self.assign()
            if not self.left() and self._is_served():
                return
        raise AssertionError(f"not converged in {CALM_TICKS} ticks: {self.left()}")

    def _is_served(self) -> bool:
        wants = -(-int(self.rate or 0) // 50)
        limits = self.spec.replicas
        return self.desired == min(max(wants, limits.min), limits.max)

    def left(self) -> str:
        """What is not yet as it shall be."""
        running = {name for name, i in self.instances.items() if i.phase is Phase.RUNNING}
        serving = {name for name, behind in self.servers.items() if not behind.draining}
        if len(running) == len(self.instances) == self.desired and serving == running:
            return ""
        return f"{self.desired} desired, {sorted(running)} of {sorted(self.instances)} run, the proxy has {sorted(serving)}"


ALONE = (
    "tick",
    "assign",
    "boot",
    "answer",
    "proxy_restarts",
    "proxy_is_back",
    "daemon_restarts",
    "wait",
    "save",
    "metrics_miss",
)
CHOOSING = ("finish", "fail", "crash", "request", "traffic", "bounds", "order", "pause")


def make_steps(seed: int) -> tuple[Step, ...]:
    """The seed's life."""
    random = Random(seed)
    names = ("go", "go", "finish", "boot", *random.sample((*ALONE, *CHOOSING), 6))
    chosen = [random.choice(names) for _ in range(random.randint(5, 40))]
    return tuple((name, random.randint(0, 4)) if name in CHOOSING else (name,) for name in chosen)


def live(steps: tuple[Step, ...]) -> str:
    """Which law was broken, "" where all held."""
    world = Deciding()
    try:
        world.settle()
        for name, *arguments in steps:
            getattr(world, name)(*arguments)
        world.settle()
    except AssertionError as error:
        return str(error) or repr(error)
    return ""
