"""A replica's log: bounded, whole lines, followed over the change of files."""

import asyncio
from pathlib import Path

import pytest

from autoscaler.runtimes.process import ProcessRuntime, keeper, logs
from tests.runtimes.process.conftest import SpecOf, ended


def test_the_log_is_bounded_and_cut_between_lines(tmp_path: Path) -> None:
    log = keeper.Log(str(tmp_path), 1000)
    for number in range(1000):
        log.add(f"line {number}\n".encode() * 3)
    assert (tmp_path / "log").stat().st_size <= 1000
    assert (tmp_path / "log.1").stat().st_size <= 1100
    written = logs.tail(tmp_path, 10_000)
    assert written[-1] == "line 999"
    assert written == [f"line {n // 3}" for n in range(3000 - len(written), 3000)]


def test_a_line_without_end_is_bounded_too(tmp_path: Path) -> None:
    log = keeper.Log(str(tmp_path), 1000)
    for _ in range(100):
        log.add(b"x" * 600)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2000


@pytest.mark.parametrize("lines", [0, 1, 3, 5000, 100_000])
def test_the_tail_is_the_last_lines_whatever_their_length(tmp_path: Path, lines: int) -> None:
    everything = [f"{n} " + "y" * (n % 200) for n in range(9000)]
    (tmp_path / "log.1").write_text("\n".join(everything[:6000]) + "\n")
    (tmp_path / "log").write_text("\n".join(everything[6000:]) + "\n")
    assert logs.tail(tmp_path, lines) == (everything[-lines:] if lines else [])


def test_what_is_no_utf8_is_shown_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"caf\xe9\r\nno end")
    assert logs.tail(tmp_path, 5) == ["caf\ufffd", "no end"]


async def test_following_goes_over_the_change_of_files(tmp_path: Path) -> None:
    log = keeper.Log(str(tmp_path), 60)
    log.add(b"old 1\nold 2\n")
    writing = True
    seen = []

    async def write() -> None:
        nonlocal writing
        for number in range(20):
            log.add(f"new {number}\n".encode())
            await asyncio.sleep(logs.FOLLOW_S / 4)
        log.add(b"unfinished")
        writing = False

    task = asyncio.create_task(write())
    async with asyncio.timeout(20):
        async for line in logs.follow(tmp_path, 1, lambda: writing):
            seen.append(line)
    await task
    assert seen == ["old 2", *(f"new {n}" for n in range(20)), "unfinished"]


async def test_much_output_neither_stops_a_replica_nor_fills_the_disk(runtime: ProcessRuntime, spec_of: SpecOf) -> None:
    await runtime.start(spec_of("head -c 30000000 /dev/zero | tr '\\0' '\\n'; echo last"), "web-1", "")
    await ended(runtime)
    async for _ in runtime.follow("web-1", 0):
        pass
    assert await runtime.logs("web-1", 1) == ["last"]
    assert sum(path.stat().st_size for path in (runtime.folder / "web-1").glob("log*")) <= 2 * 5 * 1024**2 + 65536
