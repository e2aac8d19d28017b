"""Emit tells everyone, and tells no secret."""

import asyncio
import io
import json
import logging

import pytest

from autoscaler.model import Address, Event, EventKind, Mode
from autoscaler.spec.models import Bind, ReplicaSpec, Route, Secret, ServiceSpec, TargetTracking
from autoscaler.store.memory import MemoryStore
from autoscaler.telemetry.events import Events, plain
from autoscaler.telemetry.journal import Broadcast, Journal
from autoscaler.telemetry.kinds import EVENTS
from autoscaler.telemetry.log import Log, configure_log
from tests.support.state import EPOCH, Told

SPEC = ServiceSpec(
    service="web",
    replica=ReplicaSpec(
        image="web:1",
        port=5000,
        environment={"PASSWORD": "hunter2", "TOKEN": Secret(env="HOLDER"), "KEY": "s3cr3t"},
    ),
    route=Route(bind=Bind(host="127.0.0.1", port=8080)),
    policies=(TargetTracking(type="target_tracking", metric="request_rate", target=50.0),),
)


def test_listeners_are_told_in_order_and_one_that_raises_harms_none(caplog: pytest.LogCaptureFixture) -> None:
    order: list[str] = []
    events = Events()
    events.listen(lambda event: order.append("first"))

    def broken(event: Event) -> None:
        raise ValueError("no room")

    events.listen(broken)
    events.listen(lambda event: order.append("last"))
    events.emit(Event(EPOCH, "web", EventKind.DECIDED))
    events.emit(Event(EPOCH, "web", EventKind.DECIDED))
    assert order == ["first", "last", "first", "last"]
    assert "broken failed on decided: ValueError('no room')" in caplog.text


@pytest.mark.parametrize(
    ("value", "told"),
    [
        pytest.param(1.5, 1.5, id="numbers"),
        pytest.param(float("nan"), "nan", id="JSON has no NaN"),
        pytest.param(Mode.PANIC, "panic", id="names of ours"),
        pytest.param(("a", 1, None, True), ["a", 1, None, True], id="lists"),
        pytest.param("x" * 10**6, "x" * 4000 + "… (1000000 characters)", id="the start of endless text"),
        pytest.param(list(range(1000)), list(range(800, 1000)), id="the end of endless lists"),
        pytest.param({"b", "a"}, ["a", "b"], id="sets, in an order"),
        pytest.param({"PASSWORD": "hunter2"}, ["PASSWORD"], id="of a mapping the keys only"),
        pytest.param([{"PASSWORD": "hunter2"}], [["PASSWORD"]], id="also in a list"),
        pytest.param(SPEC, "<ServiceSpec>", id="of a model its type"),
        pytest.param(Address("h", 1), "<Address>", id="of anything else too"),
        pytest.param(b"hunter2", "<bytes>", id="of bytes too"),
    ],
)
def test_facts_are_made_plain(value: object, told: object) -> None:
    assert plain(value) == told


async def test_a_spec_put_into_an_event_leaves_no_trace_of_its_environment() -> None:
    stream, store, live, counted = io.StringIO(), MemoryStore(), Broadcast(), Told()
    events, journal = Events(), Journal()
    for listener in (Log(), journal, counted):
        events.listen(listener)
    facts = {"spec": SPEC, "replica": SPEC.replica, "environment": SPEC.replica.environment, "all": [SPEC, {"spec": SPEC}]}
    for form in ("text", "json"):
        configure_log(stream, "text" if form == "text" else "json", "debug", {})
        for kind in EventKind:
            events.emit(Event(EPOCH, "web", kind, "web-1", f"{form} {kind}", facts))
    await journal.flush(store, live)
    kept = [event for _, event in await store.events(None, 1000)]
    assert len(kept) == 2 * len(EventKind)
    assert "PASSWORD" in stream.getvalue()
    for trace in (stream.getvalue(), repr(kept), repr(counted.events), json.dumps([dict(e.facts) for e in kept])):
        assert "hunter2" not in trace
        assert "s3cr3t" not in trace


def test_a_cause_is_bounded_too() -> None:
    told, events = Told(), Events()
    events.listen(told)
    events.emit(Event(EPOCH, "web", EventKind.START_FAILED, cause="no" * 10**6))
    assert len(told.events[0].cause) < 4100


@pytest.mark.parametrize("kind", list(EventKind))
def test_every_kind_has_a_level_a_meaning_and_facts_with_one(kind: EventKind) -> None:
    known = EVENTS[kind]
    assert known.level in (logging.INFO, logging.WARNING, logging.ERROR)
    assert known.means.endswith(".")
    assert all(known.facts.values())


async def test_the_journal_gives_listeners_the_stores_numbers() -> None:
    store, live, journal = MemoryStore(), Broadcast(), Journal()
    await store.append([Event(EPOCH, "web", EventKind.DECIDED)] * 4)  # from before a restart
    journal(Event(EPOCH, "web", EventKind.DAEMON_STARTED))  # before it runs
    heard = live.listen()
    running = asyncio.create_task(journal.run(store, live))
    journal(Event(EPOCH + 1, "web", EventKind.DECIDED, cause="x"))
    got = [await anext(heard), await anext(heard)]
    assert [number for number, _ in got] == [5, 6]
    assert list(await store.events(None, 2)) == got
    running.cancel()


async def test_a_full_queue_lets_the_oldest_go_and_counts_it() -> None:
    store, journal = MemoryStore(), Journal(queue_events=3)
    for count in range(5):
        journal(Event(EPOCH + count, "web", EventKind.DECIDED))
    await journal.flush(store, Broadcast())
    assert journal.dropped == 2
    assert [event.t - EPOCH for _, event in await store.events(None, 10)] == [2, 3, 4]


async def test_a_slow_listener_is_cut_off_and_others_hear_on() -> None:
    live = Broadcast(listener_events=2)
    slow, quick = live.listen(), live.listen()
    heard = []
    for number in range(1, 6):
        live.tell(number, Event(EPOCH, "web", EventKind.DECIDED))
        heard.append((await anext(quick))[0])
    assert heard == [1, 2, 3, 4, 5]
    assert [number async for number, _ in slow] == [1, 2]


async def test_a_listener_that_goes_is_forgotten() -> None:
    live = Broadcast()
    heard = live.listen()
    live.tell(1, Event(EPOCH, "web", EventKind.DECIDED))
    async for number, _ in heard:
        assert number == 1
        break
    await heard.aclose()
    assert live.listeners == 0
