"""The auto policy: through what it sees of a service, tick by tick."""

import random
from dataclasses import replace

import pytest

from autoscaler.decide import EMPTY, Memory, decide
from autoscaler.decide.auto.kept import Kept, read
from autoscaler.decide.history import restored as rejoined
from autoscaler.decide.history import told
from autoscaler.model import Decision, Observation, Sample
from autoscaler.spec.models import Auto, ServiceSpec
from tests.decide.builders import auto, service, tracking


def one_slot(policy: Auto | None = None) -> ServiceSpec:
    spec = service(policy or auto())
    return spec.model_copy(update={"route": spec.route.model_copy(update={"max_concurrency": 1})})


WEB = one_slot()


def tick(t: float, rate: float, ready: int, *, waiting: int = 0, service_s: float = 0.1, unready: int = 0) -> Observation:
    """A tick in which requests take 100 ms where nothing else is said, and none waits."""
    totals = {
        "request_rate": rate,
        "concurrency": min(rate * service_s, float(ready)) + waiting,
        "queue_length": float(waiting),
    }
    samples = {name: Sample(value, t) for name, value in totals.items()}
    return Observation("web", t, ready, unready, samples, waiting=waiting)


def remembered(memory: Memory) -> Kept:
    """What `auto` keeps for itself there."""
    kept = read(memory.policies["0:auto"], memory.tables["0:auto"])
    assert kept is not None
    return kept


def lived(
    seconds: int, rate: float, memory: Memory = EMPTY, ready: int = 15, spec: ServiceSpec = WEB
) -> tuple[Decision, Memory]:
    """Some seconds of a steady load, replicas ready at once."""
    start = 0.0 if memory.t is None else memory.t + 1
    decision = None
    for second in range(seconds):
        decision, memory = decide(spec, tick(start + second, rate, ready), memory)
        ready = decision.desired
    assert decision is not None
    return decision, memory


def test_before_requests_were_answered_the_count_stays() -> None:
    decision, _ = decide(WEB, tick(0, 5.0, 7), EMPTY)
    assert decision.desired == 7
    assert "learning what a replica carries (0 of 20 requests seen)" in decision.reason


def test_before_anything_is_known_waiting_requests_double_the_count() -> None:
    decision, _ = decide(WEB, tick(0, 5.0, 3, waiting=9), EMPTY)
    assert decision.desired == 6


def test_a_steady_load_gets_what_the_formula_asks_for_and_then_stays_still() -> None:
    decision, memory = lived(1800, 100.0)
    counts = set()
    for _ in range(900):
        decision, memory = lived(1, 100.0, memory, decision.desired)
        counts.add(decision.desired)
    assert counts == {13}
    assert "a replica carries 10/s (100ms each, the mean of 10m, 1 at once)" in decision.reason


def test_nothing_is_taken_away_in_the_first_minute() -> None:
    decision, memory = lived(60, 10.0, ready=15)
    assert decision.desired == 15
    decision, _ = lived(3, 10.0, memory, 15)
    assert decision.desired < 15


def test_nothing_is_taken_away_in_the_first_minute_after_a_long_absence() -> None:
    _, memory = lived(1200, 100.0)
    counts = []
    for second in range(75):
        decision, memory = decide(WEB, tick(1500.0 + second, 10.0, 13), memory)
        counts.append(decision.desired)
    assert counts[:59] == [13] * 59
    assert counts[-1] < 13


def test_twice_the_load_is_answered_within_three_seconds() -> None:
    decision, memory = lived(1200, 100.0)
    counts = []
    for second in range(3):
        decision, memory = decide(WEB, tick(1200.0 + second, 200.0, 13, waiting=20 * second), memory)
        counts.append(decision.desired)
    assert counts[-1] >= 22


def test_requests_that_wait_get_replicas_that_drain_them() -> None:
    _, memory = lived(1200, 100.0)
    decision, _ = decide(WEB, tick(1200.0, 100.0, 10, waiting=100), memory)
    assert decision.desired == 30
    assert "100 requests wait at request_rate 100" in decision.reason


def test_a_queue_that_the_ready_replicas_are_done_with_soon_asks_for_no_more() -> None:
    _, memory = lived(1200, 100.0)
    decision, _ = decide(WEB, tick(1200.0, 100.0, 13, waiting=20), memory)
    assert decision.desired == 13


def test_requests_that_wait_now_and_then_make_no_replica_full() -> None:
    """Eight with four slots each, seven eighths busy: some requests wait, and more than one on average."""
    four = service(auto()).model_copy(update={"route": WEB.route.model_copy(update={"max_concurrency": 4})})
    memory = EMPTY
    for second in range(3600):
        wait = 6.0 if second % 4 == 0 and second > 600 else 0.0
        busy = 31.5 if second < 600 else 28.0
        values = {"request_rate": busy, "concurrency": busy + wait, "queue_length": wait}
        totals = {name: Sample(value, float(second)) for name, value in values.items()}
        _, memory = decide(four, Observation("web", float(second), 8, 0, totals), memory)
    assert remembered(memory).capacity.slots(4) == pytest.approx(4.0, rel=0.05)


def test_another_policy_that_looks_back_further_changes_nothing_of_what_is_learned() -> None:
    """A load that rises and falls, with some minutes in which requests wait all along."""
    further = [tracking(metric, window=300.0, total=1e6) for metric in ("concurrency", "queue_length", "request_rate")]
    beside = WEB.model_copy(update={"policies": (*WEB.policies, *further)})
    alone, both = EMPTY, EMPTY
    for second in range(1200):
        rate = 60.0 + 40.0 * (second // 60 % 3)
        seen = tick(float(second), rate, 10, waiting=30 if second // 60 % 3 == 2 else 0)
        _, alone = decide(WEB, seen, alone)
        _, both = decide(beside, seen, both)
    assert remembered(both).capacity == remembered(alone).capacity
    assert remembered(both).count == remembered(alone).count


def test_a_metric_that_is_missing_gives_none_and_forgets_nothing() -> None:
    _, memory = lived(1200, 100.0)
    blind = Observation("web", 1230.0, 13, 0, {"request_rate": Sample(None, 1230.0, "gone")})
    decision, after = decide(WEB, blind, memory)
    assert (decision.desired, decision.recommendations[0].value) == (13, None)
    was, now = remembered(memory), remembered(after)
    assert (now.count, now.capacity, now.band) == (was.count, was.capacity, was.band)
    assert lived(30, 100.0, after)[0].desired == 13


@pytest.mark.parametrize("outage_s", [9, 50, 60, 300])
def test_an_outage_takes_none_away_while_it_lasts_and_for_a_minute_after_it(outage_s: int) -> None:
    decision, memory = lived(1200, 100.0)
    for second in range(outage_s):
        blind = Observation("web", 1200.0 + second, decision.desired, 0, {"request_rate": Sample(None, 0.0, "gone")})
        decision, memory = decide(WEB, blind, memory)
        assert decision.desired == 13
    for _ in range(58):
        decision, memory = lived(1, 50.0, memory, ready=13)
        assert decision.desired == 13


def test_an_outage_of_a_minute_changes_nothing_that_was_learned() -> None:
    decision, memory = lived(1200, 100.0)
    for second in range(60):
        blind = Observation("web", 1200.0 + second, decision.desired, 0, {"request_rate": Sample(None, 0.0, "gone")})
        decision, memory = decide(WEB, blind, memory)
        assert decision.desired == 13
    assert lived(5, 100.0, memory)[0].desired == 13


def test_a_stricter_objective_asks_for_more() -> None:
    loose = one_slot(auto(percentile=90, wait=1.0))
    strict = one_slot(auto(percentile=99.9, wait=0.05))
    counts = [lived(1800, 100.0, spec=spec)[0].desired for spec in (loose, WEB, strict)]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("at", [1, 61, 400, 1100])
def test_saving_and_loading_at_any_tick_changes_no_later_decision(at: int) -> None:
    chance = random.Random(at)
    rates = [max(0.0, 100 + 40 * chance.gauss(0, 1)) for _ in range(at + 200)]
    ready, memory, restored = 15, EMPTY, EMPTY
    for second, rate in enumerate(rates):
        seen = tick(float(second), rate, ready)
        decision, memory = decide(WEB, seen, memory)
        if second >= at:
            again, restored = decide(WEB, seen, restored)
            assert again == decision
        ready = decision.desired
        if second == at - 1:
            loaded = Memory.from_json(memory.to_json(), now=float(second))
            restored = replace(loaded, history=rejoined(loaded.history, told(memory.history)))
            assert restored == memory


def test_what_was_saved_in_another_shape_is_begun_anew() -> None:
    _, memory = lived(200, 100.0)
    broken = replace(memory, tables={slot: dict(tables) | {"margins": ((1.0,),)} for slot, tables in memory.tables.items()})
    decision, _ = decide(WEB, tick(200.0, 100.0, 13), broken)
    assert "learning what a replica carries" in decision.reason


def test_its_memory_does_not_grow() -> None:
    _, memory = lived(2000, 100.0)
    early = len(memory.to_json())
    _, memory = lived(4000, 100.0, memory)
    assert len(memory.to_json()) < 1.2 * early
