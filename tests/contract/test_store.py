"""What every Store does, seen at each of them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.model import NO_ORDERS, Event, EventKind, Minutes, Orders, Override, PauseKind
from autoscaler.ports import Store
from autoscaler.store.memory import MemoryStore
from autoscaler.store.sqlite import SQLiteStore
from tests.support.state import EPOCH, SetClock, Told

ORDERS = Orders(
    override=Override(replicas=3, min=1, max=5, until=EPOCH + 600, reason="sale — 50%"), pause=PauseKind.IN, down=True
)


@pytest.fixture(params=["sqlite", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    made: Store
    if request.param == "sqlite":
        made = await SQLiteStore.open(tmp_path / "state.db", SetClock(), Told())
    else:
        made = MemoryStore()
    yield made
    await made.close()


def happened(t: float, service: str = "web", **facts: object) -> Event:
    return Event(t, service, EventKind.REPLICA_READY, f"{service}-1", "health check passed", facts)


async def test_a_document_is_there_once_saved(store: Store) -> None:
    assert await store.load("web") is None
    await store.save("web", '{"desired": 3}')
    await store.save("shop", "other")
    await store.save("web", '{"desired": 4}')
    assert await store.load("web") == '{"desired": 4}'
    assert await store.load("shop") == "other"


async def test_orders_come_back_as_they_were_given(store: Store) -> None:
    assert await store.orders() == {}
    await store.set_orders("web", ORDERS)
    await store.set_orders("shop", Orders(pause=PauseKind.ALL))
    assert await store.orders() == {"web": ORDERS, "shop": Orders(pause=PauseKind.ALL)}
    await store.set_orders("shop", NO_ORDERS)
    assert await store.orders() == {"web": ORDERS}


async def test_good_policies_are_replaced_as_a_whole(store: Store) -> None:
    await store.set_good_policies({"web": "service: web", "shop": "service: shop"})
    await store.set_good_policies({"shop": "service: shop # 2"})
    assert await store.good_policies() == {"shop": "service: shop # 2"}


async def test_minutes_are_exactly_those_of_the_service_that_were_kept_last(store: Store) -> None:
    rate, depth = Minutes(28_333_333, (1.5, None, 2.5)), Minutes(28_333_334, (0.0,))
    assert await store.minutes("web") == {}
    await store.keep_minutes("web", {"request_rate": rate, "depth": depth})
    await store.keep_minutes("shop", {"request_rate": depth})
    assert await store.minutes("web") == {"request_rate": rate, "depth": depth}
    longer = Minutes(rate.first, (*rate.means, 7.0))
    await store.keep_minutes("web", {"request_rate": longer})
    assert await store.minutes("web") == {"request_rate": longer}
    await store.keep_minutes("web", {})
    assert await store.minutes("web") == {}
    assert await store.minutes("shop") == {"request_rate": depth}


async def test_events_come_back_whole_and_numbered_from_one(store: Store) -> None:
    first = happened(EPOCH, start_seconds=1.42, names=["a", "b"], ok=True, missing=None)
    assert await store.append([first, happened(EPOCH + 1)]) == 1
    assert await store.append([happened(EPOCH + 2)]) == 3
    found = await store.events(None, 10)
    assert [number for number, _ in found] == [1, 2, 3]
    assert found[0][1] == first


async def test_events_are_the_newest_above_a_number_of_one_service(store: Store) -> None:
    await store.append([happened(EPOCH + place, service) for place, service in enumerate(["web", "shop", "web", "web", ""])])
    assert [number for number, _ in await store.events("web", 2)] == [3, 4]
    assert [number for number, _ in await store.events("web", 10, after=1)] == [3, 4]
    assert [number for number, _ in await store.events(None, 2, after=2)] == [4, 5]
    assert [number for number, _ in await store.events("", 10)] == [5]
    assert await store.events(None, 0) == []
    assert [number for number, _ in await store.events("web", 10, kind="replica_ready")] == [1, 3, 4]
    assert await store.events("web", 10, kind="decided") == []
    assert await store.events(None, 10, after=5) == []


async def test_the_journal_keeps_the_order_of_things_when_the_clock_jumps_back(store: Store) -> None:
    await store.append([happened(EPOCH + 3600), happened(EPOCH)])
    await store.append([happened(EPOCH + 315_360_000), happened(EPOCH + 1)])
    assert [event.t - EPOCH for _, event in await store.events(None, 10)] == [3600, 0, 315_360_000, 1]


async def test_a_fact_that_is_no_plain_value_is_kept_as_its_types_name(store: Store) -> None:
    await store.append([happened(EPOCH, spec=ORDERS)])
    ((_, event),) = await store.events(None, 1)
    assert event.facts == {"spec": "<Orders>"}


async def test_a_healthy_store_is_not_degraded(store: Store) -> None:
    await store.save("web", "x")
    assert store.degraded == ""
