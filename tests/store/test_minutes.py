"""Minutes in the state file: over restarts, an upgrade, damage and a full disk."""

import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscaler.model import EventKind, Minutes
from autoscaler.store.database import Batch, Database, migrations
from autoscaler.store.hours import HOUR, Hour, to_text
from autoscaler.store.memory import MemoryStore, read_snapshot
from autoscaler.store.sqlite import SQLiteStore
from tests.support.state import SetClock, Told, fill, needs_root, tiny_disk, until

FIRST = 28_333_333
RATE = Minutes(FIRST, (1.5, None, *[2.5] * 200))
WEB = {"request_rate": RATE, "depth": Minutes(FIRST + 100, (0.0,))}


async def opened(path: Path, told: Told | None = None) -> SQLiteStore:
    return await SQLiteStore.open(path, SetClock(), told or Told())


def hours_in(path: Path) -> list[tuple[str, str, int]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT service, metric, hour FROM hours ORDER BY service, metric, hour").fetchall()
    finally:
        connection.close()


def change(path: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement, values)
    connection.close()


async def test_they_are_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    await store.keep_minutes("web", WEB)
    await store.keep_minutes("shop", {"request_rate": RATE})
    await store.close()

    again = await opened(path)
    assert await again.minutes("web") == WEB
    await again.keep_minutes("shop", {})
    await again.close()
    assert read_snapshot(path).minutes == {"web": WEB}
    assert await (await MemoryStore.of_snapshot(path)).minutes("web") == WEB


async def test_they_are_on_the_disk_with_the_document_that_follows_them(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    for count in range(1, 4):
        await store.keep_minutes("web", {"request_rate": Minutes(FIRST, (1.5,) * count)})
        await store.save("web", f"{count}")
        await store.written()
        saved = read_snapshot(path)
        assert saved.documents == {"web": f"{count}"}
        assert len(saved.minutes["web"]["request_rate"].means) == count
    await store.close()


async def test_the_same_minutes_again_are_not_written(tmp_path: Path) -> None:
    store = await opened(tmp_path / "state.db")
    await store.keep_minutes("web", WEB)
    await store.written()
    await store.keep_minutes("web", {metric: Minutes(m.first, m.means) for metric, m in WEB.items()})
    assert not store._stirred.is_set()
    await store.close()


means = st.lists(st.none() | st.floats(0, 1e6), max_size=200).map(tuple)
kept = st.dictionaries(st.sampled_from(["a", "b"]), st.builds(Minutes, st.integers(0, 400), means), max_size=2)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(kept, min_size=1, max_size=4))
def test_whatever_was_there_the_file_has_what_was_kept_last(tmp_path: Path, steps: list[Mapping[str, Minutes]]) -> None:
    path = tmp_path / "state.db"
    path.unlink(missing_ok=True)
    database = Database(path)
    database.open()
    for minutes in steps:
        database.write(Batch(minutes={"web": minutes}))
    database.close()
    found = database.open().minutes.get("web", {})
    database.close()
    last = {metric: each for metric, each in steps[-1].items() if any(mean is not None for mean in each.means)}
    assert found.keys() == last.keys()
    for metric, each in last.items():
        assert found[metric].between(0, 700) == each.between(0, 700)


async def test_of_a_long_history_an_hour_is_written_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state.db"
    written: list[Hour] = []
    store = await opened(path)
    await store.keep_minutes("web", {"request_rate": RATE})
    await store.written()

    def counted(means: Hour) -> str:
        written.append(means)
        return to_text(means)

    monkeypatch.setattr("autoscaler.store.database.to_text", counted)
    await store.keep_minutes("web", {"request_rate": Minutes(FIRST + 60, (*RATE.means[60:], 4.0))})
    await store.written()
    assert len(written) == 2  # that with the new minute, and that of which the first minutes went
    await store.close()
    assert hours_in(path)[0] == ("web", "request_rate", (FIRST + 60) // HOUR)


async def test_a_state_of_before_they_were_kept_is_brought_to_this_version(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    connection = sqlite3.connect(path)
    connection.executescript(f"{migrations()[0][1]}\nPRAGMA user_version = 1;")
    connection.execute("INSERT INTO documents VALUES ('web', 'one')")
    connection.commit()
    connection.close()
    assert read_snapshot(path).minutes == {}

    store = await opened(path)
    assert await store.load("web") == "one"
    assert await store.minutes("web") == {}
    await store.keep_minutes("web", WEB)
    await store.close()
    assert read_snapshot(path).minutes == {"web": WEB}


async def test_damaged_hours_are_told_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    await store.keep_minutes("web", WEB)
    await store.close()
    damaged = hours_in(path)[2][2]
    change(path, "UPDATE hours SET means = 'oops' WHERE metric = 'request_rate' AND hour = ?", damaged)

    told = Told()
    store = await opened(path, told)
    found = (await store.minutes("web"))["request_rate"]
    await store.close()
    start, stop = damaged * HOUR, (damaged + 1) * HOUR
    assert found.between(start, stop) == (None,) * HOUR
    assert found.between(RATE.first, start) == RATE.between(RATE.first, start)
    assert found.between(stop, RATE.end) == RATE.between(stop, RATE.end)
    (event,) = told.events
    assert (event.kind, event.service) == (EventKind.STATE_FAULT, "web")
    assert event.cause == f"{path}: can't read 1 of the hours kept of its metrics; left out"


async def test_after_damage_under_way_they_are_written_anew_from_memory(tmp_path: Path) -> None:
    path, told = tmp_path / "state.db", Told()
    store = await opened(path, told)
    await store.keep_minutes("web", WEB)
    await store.written()
    await store._on_thread(store._database.close)  # as after an I/O error
    path.write_bytes(b"x" * 8192)
    await store.save("web", "anything")
    await until(lambda: bool(told.events))
    await store.close()
    assert read_snapshot(path).minutes == {"web": WEB}


@needs_root
@pytest.mark.real
async def test_on_a_full_disk_the_latest_are_held_and_written_when_there_is_room(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk") as disk:
        path = disk / "state.db"
        store = await opened(path)
        await store.keep_minutes("web", {"request_rate": RATE})
        await store.written()
        filler = fill(disk)
        much = {"request_rate": Minutes(FIRST, tuple(float(place) for place in range(5000)))}
        await store.keep_minutes("web", much)
        await until(lambda: "disk is full" in store.degraded)
        assert await store.minutes("web") == much
        filler.unlink()
        await until(lambda: store.degraded == "")
        await store.close()
        assert read_snapshot(path).minutes == {"web": much}
