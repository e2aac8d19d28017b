"""That more replicas do not help is told once, and once that they help again."""

from autoscaler.control.decisions import Deciding
from autoscaler.control.polling import Polling
from autoscaler.decide import EMPTY
from autoscaler.measure.meter import Meter
from autoscaler.model import NO_ORDERS, EventKind, Replica, ReplicaState, Request, Traffic
from tests.decide.builders import latency_slo, service
from tests.support.controllers import Counted
from tests.support.sources import ToldSource
from tests.support.state import SetClock, Told
from tests.support.worlds import World

RATE = 40


class Backed:
    """Replicas that wait for a database, six at first, then as many as are asked for."""

    def __init__(self) -> None:
        spec = service(latency_slo(0.25))
        self.count = 6
        self.clock, self.told, self._meter, self._arrived = SetClock(), Told(), Meter(spec), 0
        counted = Counted()
        polling = Polling(spec.service, lambda metric, folder: ToldSource(self.clock), self.clock, counted)
        self.deciding = Deciding(spec, self._meter, polling, World().engine, self.clock, self.told, counted, EMPTY)

    async def run(self, seconds: int, database_s: float) -> None:
        """So long, while the database takes so long for a request."""
        for _ in range(seconds):
            self.clock.t += 1
            self._arrived += RATE
            there = int(RATE * database_s)
            self._meter.see(self.clock.t, [Traffic("1", self._arrived, self._arrived - there, 0, there, 0)])
            self._meter.hear(self.clock.t, [Request("web", 200, database_s)] * RATE)
            replicas = [Replica(f"web-{n}", ReplicaState.READY, id=f"id-{n}") for n in range(self.count)]
            await self.deciding.decide(self.clock.t, replicas, NO_ORDERS)
            self.count = self.deciding.desired(replicas)

    def kinds(self) -> list[EventKind]:
        """What was told of reach."""
        reach = (EventKind.OBJECTIVE_OUT_OF_REACH, EventKind.OBJECTIVE_IN_REACH)
        return [event.kind for event in self.told.events if event.kind in reach]


async def test_that_more_do_not_help_is_told_once_and_once_that_they_do_again() -> None:
    backed = Backed()
    await backed.run(120, 1.0)
    assert backed.kinds() == [EventKind.OBJECTIVE_OUT_OF_REACH]
    (event,) = [event for event in backed.told.events if event.kind is EventKind.OBJECTIVE_OUT_OF_REACH]
    assert event.facts == {"policy": 0, "metric": "latency_p95"}
    assert event.cause.startswith("more replicas do not help: latency_p95 is")
    await backed.run(300, 0.05)
    assert backed.kinds() == [EventKind.OBJECTIVE_OUT_OF_REACH, EventKind.OBJECTIVE_IN_REACH]


async def test_while_nothing_is_measured_nothing_is_told_of_reach() -> None:
    backed = Backed()
    await backed.run(120, 1.0)
    for _ in range(30):
        backed.clock.t += 1
        await backed.deciding.decide(backed.clock.t, [], NO_ORDERS)
    assert backed.kinds() == [EventKind.OBJECTIVE_OUT_OF_REACH]


async def test_a_policy_file_read_again_begins_anew() -> None:
    backed = Backed()
    await backed.run(120, 1.0)
    backed.deciding.respecify(service(latency_slo(60.0)))
    await backed.run(5, 1.0)
    assert backed.kinds() == [EventKind.OBJECTIVE_OUT_OF_REACH]
