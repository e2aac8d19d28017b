"""The state file on real disks: killed in the middle, damaged, newer than us, full."""

import hashlib
import json
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from autoscaler.errors import StateError
from autoscaler.model import Event, EventKind, Orders
from autoscaler.store import database
from autoscaler.store.database import NEWEST_VERSION, Batch, Database
from autoscaler.store.memory import MemoryStore, read_snapshot
from autoscaler.store.rows import to_row
from autoscaler.store.sqlite import SQLiteStore
from tests.support.state import EPOCH, SetClock, Told, fill, needs_root, tiny_disk, until

DOWN = Orders(down=True)


def happened(t: float = EPOCH, cause: str = "") -> Event:
    return Event(t, "web", EventKind.DECIDED, cause=cause)


async def opened(path: Path, told: Told | None = None) -> SQLiteStore:
    return await SQLiteStore.open(path, SetClock(), told or Told())


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def commits(path: Path) -> str:
    """Changes with every commit: the file's and its log's bytes."""
    parts = [path, path.with_name(path.name + "-wal")]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts if part.exists())).hexdigest()


async def test_all_is_there_after_a_restart_and_numbers_go_on(tmp_path: Path) -> None:
    store = await opened(tmp_path / "state.db")
    await store.save("web", "one")
    await store.set_orders("web", DOWN)
    await store.set_good_policies({"web": "service: web"})
    await store.append([happened(cause="first"), happened(cause="second")])
    await store.close()

    again = await opened(tmp_path / "state.db")
    assert await again.load("web") == "one"
    assert await again.orders() == {"web": DOWN}
    assert await again.good_policies() == {"web": "service: web"}
    assert [(number, event.cause) for number, event in await again.events(None, 10)] == [(1, "first"), (2, "second")]
    assert await again.append([happened(cause="third")]) == 3
    assert [event.cause for _, event in await again.events(None, 2)] == ["second", "third"]
    await again.close()


async def test_what_is_asked_to_be_written_outlives_a_kill_right_after(tmp_path: Path) -> None:
    store = await opened(tmp_path / "state.db")
    for number in range(3):  # within one second, of which a kill would else lose all but the first
        await store.save("web", f"{number}")
        await store.written()
        assert read_snapshot(tmp_path / "state.db").documents == {"web": f"{number}"}
    await store.close()


async def test_a_closed_store_leaves_one_file(tmp_path: Path) -> None:
    store = await opened(tmp_path / "state.db")
    await store.save("web", "one")
    await store.close()
    assert list(contents(tmp_path)) == ["state.db"]


async def test_the_file_and_its_log_are_for_our_eyes_only(tmp_path: Path) -> None:
    store = await opened(tmp_path / "state.db")
    await store.set_orders("web", DOWN)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in map(tmp_path.joinpath, contents(tmp_path))}
    assert modes == {"state.db": 0o600, "state.db-wal": 0o600}
    await store.close()


async def test_saving_the_same_again_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    await store.set_good_policies({"web": "service: web"})
    await store.save("web", "one")
    await store.set_orders("web", DOWN)  # returns when all of it is written
    before = commits(path)
    await store.save("web", "one")
    await store.set_good_policies({"web": "service: web"})
    assert not store._stirred.is_set()
    assert commits(path) == before
    await store.close()


async def test_documents_are_written_once_a_second_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[Batch] = []
    write = Database.write

    def counted(self: Database, batch: Batch) -> None:
        batches.append(batch)
        write(self, batch)

    monkeypatch.setattr(Database, "write", counted)
    store = await opened(tmp_path / "state.db")
    await store.save("web", "0")
    await until(lambda: len(batches) == 1)
    began = time.monotonic()
    for count in range(1, 50):
        await store.save("web", str(count))
        await store.save("shop", str(count))
    await until(lambda: len(batches) == 2)
    assert time.monotonic() - began > 0.9
    assert batches[1].documents == {"web": "49", "shop": "49"}
    await store.close()


async def test_an_order_is_on_the_disk_when_it_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    for down in (True, False, True):
        await store.set_orders("web", Orders(down=down))
        assert bool(read_snapshot(path).orders) is down
    await store.close()


KILLED = """
import asyncio, sys
from pathlib import Path
from autoscaler.model import Event, EventKind, Orders
from autoscaler.store import sqlite
from tests.support.state import SetClock, Told

sqlite.COMMIT_EVERY_S = 0.005

async def main():
    store = await sqlite.SQLiteStore.open(Path(sys.argv[1]), SetClock(), Told())
    for count in range(1_000_000):
        await store.save("web", str(count) + " " * 5000)
        number = await store.append([Event(0.0, "web", EventKind.DECIDED, cause=str(count))])
        if count % 10 == 0:
            await store.set_orders("web", Orders(down=count % 20 == 0))
            print(count, number, flush=True)

asyncio.run(main())
"""


def write_and_be_killed(path: Path, orders: int) -> tuple[int, int]:
    """Another process writes and is killed after so many orders; answers what it last said was on the disk."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(orders)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    count, number = said[-1].split()
    return int(count), int(number)


@pytest.mark.parametrize("kill_after", [1, 7, 40])
async def test_kill_in_the_middle_of_writing_loses_the_last_batch_at_most(tmp_path: Path, kill_after: int) -> None:
    path = tmp_path / "state.db"
    count, number = write_and_be_killed(path, kill_after)
    told = Told()
    store = await opened(path, told)
    document = await store.load("web")
    found = await store.events(None, 1_000_000)
    assert document is not None
    assert int(document) >= count
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    assert len(found) >= number
    assert found[-1][1].cause == document.strip()  # one commit holds both, or neither
    assert told.events == []
    await store.close()


def garbled(file: bytes) -> bytes:
    return random.Random(1).randbytes(len(file))


def with_a_garbled_page(file: bytes) -> bytes:
    return file[:4096] + random.Random(2).randbytes(4096) + file[8192:]


def with_its_last_page_garbled(file: bytes) -> bytes:
    return file[:-4096] + random.Random(4).randbytes(4096)


def with_its_index_garbled(file: bytes) -> bytes:
    """Nothing reads the index at a start, so only a check finds this."""
    copy = sqlite3.connect(":memory:")
    copy.deserialize(file[:18] + b"\x01\x01" + file[20:])  # a database in memory has no write-ahead log
    (page,) = copy.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events_of_service'").fetchone()
    start = (page - 1) * 4096
    return file[:start] + random.Random(5).randbytes(4096) + file[start + 4096 :]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(garbled, id="random bytes"),
        pytest.param(with_a_garbled_page, id="one page of random bytes"),
        pytest.param(with_its_last_page_garbled, id="a page of the journal's"),
        pytest.param(with_its_index_garbled, id="a page of the index"),
        pytest.param(lambda file: file[: len(file) // 2], id="truncated in the middle"),
        pytest.param(lambda file: file[:1000], id="truncated in the first page"),
        pytest.param(lambda file: file[:20], id="truncated in the header"),
    ],
)
async def test_a_damaged_file_is_set_aside_with_one_warning_and_a_fresh_one_made(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    await store.save("web", "old" * 3000)
    await store.append([happened(cause="x" * 300)] * 50)
    await store.close()
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)

    told = Told()
    store = await opened(path, told)
    assert await store.load("web") is None
    await store.save("web", "new")
    await store.set_orders("web", DOWN)
    await store.close()
    aside = path.with_name("state.db.damaged-20231114T221320Z")
    assert aside.read_bytes() == damaged
    assert [(event.kind, event.facts) for event in told.events] == [(EventKind.STATE_FAULT, {"set_aside": aside.name})]
    assert read_snapshot(path).documents == {"web": "new"}


async def test_damage_under_way_is_set_aside_and_all_is_written_anew_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    told = Told()
    store = await opened(path, told)
    await store.save("web", "kept" * 3000)
    await store.set_good_policies({"web": "service: web"})
    await store.set_orders("web", DOWN)
    await store._on_thread(store._database.close)  # as after an I/O error
    path.write_bytes(garbled(path.read_bytes()))
    await store.save("shop", "more" * 5000)
    await until(lambda: bool(told.events) and "shop" in _documents(path))
    await store.close()
    saved = read_snapshot(path)
    assert saved.documents == {"web": "kept" * 3000, "shop": "more" * 5000}
    assert saved.policies == {"web": "service: web"}
    assert "web" in saved.orders
    assert len(told.events) == 1


def _documents(path: Path) -> set[str]:
    try:
        return set(read_snapshot(path).documents)
    except (StateError, sqlite3.Error):
        return set()


async def test_a_newer_versions_file_is_refused_and_not_a_byte_written(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    await store.save("web", "one")
    await store.close()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE later (x)")
    connection.execute(f"PRAGMA user_version = {NEWEST_VERSION + 1}")
    connection.close()
    before = contents(tmp_path)

    newer = f"this state is of version {NEWEST_VERSION + 1}, this autoscaler knows versions up to {NEWEST_VERSION}"
    with pytest.raises(StateError, match=newer):
        await opened(path)
    with pytest.raises(StateError, match=newer):
        read_snapshot(path)
    assert contents(tmp_path) == before


async def test_a_newer_version_that_was_killed_leaves_a_log_and_that_stays_too(tmp_path: Path) -> None:
    """Closing a database folds its log into it, even where only its version was asked for."""
    path, killed = tmp_path / "state.db", tmp_path / "killed"
    await (await opened(path)).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute(f"PRAGMA user_version = {NEWEST_VERSION + 1}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("CREATE TABLE later (x)")
    killed.mkdir()
    for name in ("state.db", "state.db-wal"):
        (killed / name).write_bytes((tmp_path / name).read_bytes())
    connection.close()
    before = contents(killed)
    assert before["state.db-wal"]
    with pytest.raises(StateError, match="this state is of version"):
        await opened(killed / "state.db")
    assert contents(killed) == before


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    file = Database(tmp_path / "state.db")
    file.open()
    without_time = (1, None, "web", "decided", "", "", "{}")
    with pytest.raises(sqlite3.IntegrityError):
        file.write(Batch(documents={"web": "half"}, rows=[without_time]))  # type: ignore[list-item]
    file.close()
    assert read_snapshot(tmp_path / "state.db").documents == {}


async def test_a_file_that_another_program_holds_is_an_error_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    await (await opened(path)).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StateError, match=f"{path}: database is locked"):
        await opened(path)
    holder.close()


@needs_root
@pytest.mark.real
async def test_a_full_disk_degrades_then_recovers_with_the_latest_of_everything(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk") as disk:
        path, told = disk / "state.db", Told()
        store = await opened(path, told)
        await store.save("web", "before")
        await store.set_orders("web", DOWN)
        filler = fill(disk)

        slowest = 0.0
        for count in range(30):
            began = time.monotonic()
            await store.save("web", f"{count} " * 3000)
            await store.append([happened(EPOCH + count, "x" * 300)] * 20)
            slowest = max(slowest, time.monotonic() - began)
        await until(lambda: "disk is full" in store.degraded)
        assert slowest < 0.05
        assert await store.load("web") == "29 " * 3000
        assert len(await store.events(None, 1000)) == 600
        assert len(told.events) == 1

        filler.unlink()
        await until(lambda: store.degraded == "")
        assert [event.kind for event in told.events] == [EventKind.STATE_FAULT, EventKind.STATE_BACK]
        assert read_snapshot(path).documents == {"web": "29 " * 3000}
        assert [number for number, _ in await store.events("web", 1000)] == list(range(1, 601))
        await store.close()


@needs_root
@pytest.mark.real
async def test_a_start_on_a_full_disk_has_what_was_saved_and_writes_later(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk") as disk:
        path, told = disk / "state.db", Told()
        store = await opened(path)
        await store.save("web", "before" * 1000)
        await store.set_orders("web", DOWN)
        await store.close()
        filler = fill(disk)

        store = await opened(path, told)
        assert await store.load("web") == "before" * 1000
        assert await store.orders() == {"web": DOWN}
        await store.save("web", "after" * 1000)
        await until(lambda: "disk is full" in store.degraded)
        began = time.monotonic()
        await store.written()
        assert time.monotonic() - began < 1.0
        filler.unlink()
        await until(lambda: store.degraded == "")
        await store.close()
        assert read_snapshot(path).documents == {"web": "after" * 1000}


@needs_root
@pytest.mark.real
async def test_a_start_where_not_even_a_log_can_be_made_has_what_was_saved(tmp_path: Path) -> None:
    """A disk without inodes: no new file, though there is room."""
    with tiny_disk(tmp_path / "disk", inodes=4) as disk:
        path = disk / "state.db"
        store = await opened(path)
        await store.save("web", "before")
        await store.set_orders("web", DOWN)
        await store.close()
        others = [disk / "other", disk / "another"]
        for other in others:
            other.touch()

        store = await opened(path)
        assert "unable to open" in store.degraded
        assert await store.load("web") == "before"
        assert await store.orders() == {"web": DOWN}
        await store.save("web", "after")
        for other in others:
            other.unlink()
        await until(lambda: store.degraded == "")
        await store.close()
        assert read_snapshot(path).documents == {"web": "after"}


@needs_root
@pytest.mark.real
async def test_a_first_start_on_a_full_disk_goes_on_from_memory(tmp_path: Path) -> None:
    with tiny_disk(tmp_path / "disk") as disk:
        filler = fill(disk)
        store = await opened(disk / "state.db")
        assert store.degraded
        await store.save("web", "kept")
        filler.unlink()
        await until(lambda: store.degraded == "")
        await store.close()
        assert read_snapshot(disk / "state.db").documents == {"web": "kept"}


def test_the_journal_is_bounded_in_rows_and_age_and_a_clock_ahead_empties_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "JOURNAL_ROWS", 3000)
    monkeypatch.setattr(database, "JOURNAL_KEPT_ROWS", 1500)
    file = Database(tmp_path / "state.db")
    file.open()
    file.write(Batch(rows=[to_row(number, happened(EPOCH)) for number in range(1, 5001)]))
    assert [row[0] for row in file.events(None, 10_000, 0)] == list(range(2001, 5001))
    file.write(Batch(rows=[to_row(number, happened(EPOCH + 315_360_000)) for number in range(5001, 6001)]))
    assert [row[0] for row in file.events(None, 10_000, 0)] == list(range(4501, 6001))
    file.close()


async def test_numbers_are_never_used_again_though_the_journal_was_emptied(tmp_path: Path) -> None:
    store = await opened(tmp_path / "state.db")
    await store.append([happened()] * 5)
    await store.close()
    connection = sqlite3.connect(tmp_path / "state.db")
    with connection:
        connection.execute("DELETE FROM events")
    connection.close()
    store = await opened(tmp_path / "state.db")
    assert await store.append([happened()]) == 6
    await store.close()


async def test_an_event_kind_of_another_version_is_left_out(tmp_path: Path) -> None:
    store = await opened(tmp_path / "state.db")
    await store.append([happened(), happened()])
    await store.close()
    connection = sqlite3.connect(tmp_path / "state.db")
    with connection:
        connection.execute("UPDATE events SET kind = 'from_the_future' WHERE number = 1")
    connection.close()
    store = await opened(tmp_path / "state.db")
    assert [number for number, _ in await store.events(None, 10)] == [2]
    await store.close()


async def test_a_dry_run_starts_from_a_live_daemons_state_and_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = await opened(path)
    await store.save("web", json.dumps({"desired": 7}))
    await store.set_orders("web", DOWN)
    before = contents(tmp_path)
    dry = await MemoryStore.of_snapshot(path)
    assert await dry.load("web") == '{"desired": 7}'
    assert await dry.orders() == {"web": DOWN}
    await dry.save("web", "other")
    assert contents(tmp_path) == before
    await store.close()


async def test_a_dry_run_without_state_starts_from_nothing(tmp_path: Path) -> None:
    dry = await MemoryStore.of_snapshot(tmp_path / "state.db")
    assert await dry.good_policies() == {}
    assert contents(tmp_path) == {}
