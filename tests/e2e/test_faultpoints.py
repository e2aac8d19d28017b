"""A daemon that is killed, hangs or fails at each of its fault points: no request fails, and the next one goes on.

The points are those of the registry: a new one is tried over every move of `Trial` until it is passed, or has a line here.
"""

import asyncio
import statistics
from collections.abc import Iterator, Sequence
from itertools import groupby, zip_longest
from operator import itemgetter
from pathlib import Path

import pytest

from autoscaler.faultpoints import POINTS
from tests.e2e.conftest import Ground
from tests.support import leftovers
from tests.support.daemons import DaemonUnderTest
from tests.support.trials import FAILED_WITHIN_S, WITHIN_S, Move, Trial

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

CONVERGED_WITHIN_S = 15.0  # three ticks and a replica's boot; the rest is for a busy machine
TRIED_FOR_S = 10.0  # a move that may not lead to a point at all
KILLED = -9
FIRST, LAST = "proxy.start.", ("down.", "proxy.stop.")
DEAD = ("down.drained", "down.removed", "down.tidied")  # passed where `down` finds no daemon
MOVES: tuple[Move, ...] = ("out", "in", "route", "retire", "start")

# Each line is what one daemon goes through: its points, one after the other, and the move that leads to them.
LIVES: tuple[tuple[tuple[str, Move], ...], ...] = (
    (("daemon.locked", "start"),),
    (("proxy.adopted", "start"),),
    (("tick.before", "start"),),
    (("order.before", "out"), ("policies.before", "route")),
    (("order.kept", "out"), ("policies.kept", "route")),
    (("store.commit.before", "out"), ("proxy.config.checked", "route")),
    (("store.commit.after", "out"), ("proxy.config.placed", "route")),
    (("service.empty", "retire"), ("proxy.assign.before", "out")),
    (("service.forgotten", "retire"), ("proxy.commands.before", "out")),
    (("proxy.file.written", "out"), ("proxy.reload.signalled", "route")),
    (("proxy.file.replaced", "out"), ("proxy.reload.up", "route")),
    (("proxy.commands.after", "out"),),
    (("tick.begun", "out"),),
    (("proxy.delete.before", "in"),),
    (("proxy.delete.after", "in"),),
    tuple((f"docker.{step}", "out") for step in ("create.before", "create.after", "start.after")),
    tuple((f"docker.{step}", "in") for step in ("stop.before", "stop.after", "remove.before", "remove.after")),
    tuple((f"process.{step}", "out") for step in ("claim.before", "claim.after", "spawn.after", "start.after")),
    tuple((f"process.{step}", "in") for step in ("stop.before", "stop.signalled", "stop.after", "remove.before")),
    tuple((f"process.{step}", "in") for step in ("remove.aside", "remove.after")),
)
WAY: dict[str, Move] = {point: move for life in LIVES for point, move in life}
BOTH_WAYS = ("proxy.assign.", "proxy.file.", "proxy.commands.")  # passed for those that come and for those that go


def points(runtime: str) -> list[str]:
    """What is passed while a daemon serves: its runtime's own steps; with processes those that all runtimes share too."""
    others = "docker." if runtime == "process" else tuple(p for p in POINTS if not p.startswith("docker."))
    return [point for point in POINTS if not point.startswith((FIRST, *LAST)) and not point.startswith(others)]


def kills(runtime: str) -> list[tuple[str, Move | None]]:
    """Each point with the move that leads to it, ways out and in by turns, so that one begins where another ended."""
    known = [(point, WAY.get(point)) for point in points(runtime)]
    known += [(point, "in") for point in points(runtime) if point.startswith(BOTH_WAYS)]
    out, back = ([kill for kill in known if kill[1] == way] for way in ("out", "in"))
    by_turns = [kill for pair in zip_longest(out, back) for kill in pair if kill is not None]
    return by_turns + [kill for kill in known if kill[1] not in ("out", "in")]


def lives(runtime: str) -> list[tuple[tuple[str, Move | None], ...]]:
    """The lines of LIVES for that runtime, and one for each point that has none."""
    known = [life for life in LIVES if life[0][0] in points(runtime)]
    return [*known, *(((point, None),) for point in points(runtime) if point not in WAY)]


def errors(runtime: str) -> dict[Move | None, list[str]]:
    """By the move that leads to them, the points where something from outside can fail."""
    found: dict[Move | None, list[str]] = {}
    for point in points(runtime):
        if POINTS[point].error is not None:
            found.setdefault(WAY.get(point), []).append(point)
    return found


@pytest.fixture
def trial(ground: Ground, address: str, tmp_path: Path, instance: str) -> Iterator[Trial]:
    with Trial(DaemonUnderTest(tmp_path, instance), ground, address, tmp_path / "armed") as trial:
        yield trial


async def pass_by(trial: Trial, points: Sequence[str], action: str, way: Move | None) -> "asyncio.Task[None]":
    """Have it happen at each of these; answers the move that led there, which may hang with the daemon."""
    most = len(points) + 1
    for move in MOVES if way is None else (way,):
        await trial.prepare(move, most)
        for point in points:
            trial.arm(point, action)
        moving = asyncio.create_task(trial.move(move, most), name=move)
        if await trial.passed(points, TRIED_FOR_S if way is None else WITHIN_S):
            return moving
        await moving
        trial.disarm()
    raise AssertionError(f"not all of {points} were passed\n{trial.daemon.words()}")


async def test_killed_at_each_point(trial: Trial) -> None:
    took: dict[str, float] = {}
    async with trial.serving():
        for point, way in kills(trial.ground.runtime):
            await (await pass_by(trial, [point], "crash", way))
            assert await trial.until_dead() == KILLED
            trial.daemon.start()
            took[f"{point} {way}"] = await trial.converged()
    slowest = max(took, key=lambda name: took[name])
    print(
        f"\n{trial.ground.runtime}: killed {len(took)} times, {trial.requests} requests; "
        f"converged in {statistics.median(took.values()):.2f} s, at most in {took[slowest]:.2f} s ({slowest})"
    )
    assert trial.failures == [], f"{trial.failures[:20]}\n{trial.daemon.words()}"
    assert took[slowest] < CONVERGED_WITHIN_S


async def test_hung_at_each_point(trial: Trial) -> None:
    """The others tick on; a daemon that is killed while it hangs is no worse than another."""
    async with trial.serving():
        for life in lives(trial.ground.runtime):
            ways = [(way, [point for point, _ in group]) for way, group in groupby(life, key=itemgetter(1))]
            for way, points_there in ways:
                await trial.prepare(way or "out", len(points_there) + 1)
            moves = [await pass_by(trial, points_there, "hang", way) for way, points_there in ways]
            if life[0][0] != "daemon.locked":
                await trial.until_ticked(len(trial.wants) - life[0][0].startswith("tick."))
            trial.daemon.kill()
            await asyncio.gather(*moves)
            if life[0][0].startswith("store."):
                trial.may.add(trial.count)  # an order is answered though the disk hangs, and not kept then
            trial.daemon.start()
            await trial.converged()
    assert trial.failures == [], f"{trial.failures[:20]}\n{trial.daemon.words()}"


async def test_failing_once_at_each_point(trial: Trial) -> None:
    """All that a move leads to fail once, and it gets there; one that fails before it serves is started again."""
    async with trial.serving():
        for way, failing in errors(trial.ground.runtime).items():
            most, moves = len(failing) + 1, MOVES if way is None else (way,)
            await trial.prepare(moves[0], most)
            for point in failing:
                trial.arm(point, "error")
            for move in moves:
                await trial.prepare(move, most)
                await trial.move(move, most)
                if way is None and await trial.passed(failing, TRIED_FOR_S):
                    break
            await trial.failed_at_all(way)
            await trial.converged(FAILED_WITHIN_S)
    assert trial.failures == [], f"{trial.failures[:20]}\n{trial.daemon.words()}"


@pytest.mark.parametrize(
    ("ground", "alive"), [("process", True), ("docker", True), ("process", False)], indirect=["ground"], ids=str
)
async def test_killed_at_each_point_of_a_first_start_and_of_a_down(trial: Trial, alive: bool) -> None:
    """Started again it serves, taken down again it leaves nothing; where the daemon dies over it, `down` does it alone."""
    first = [point for point in POINTS if point.startswith(FIRST)] if alive else []
    last = [point for point in POINTS if point.startswith(LAST) and alive != (point in DEAD)]
    for begins, ends in zip_longest(first, last):
        if begins is not None:
            trial.arm(begins, "crash")
            trial.daemon.start()
            assert await trial.until_dead() == KILLED
        trial.daemon.start()
        await trial.converged()
        if not alive:
            trial.daemon.kill()
        trial.arm(ends, "crash")
        status = await trial.down()
        assert trial.left() == []
        if not alive:
            assert status == KILLED
            status = await trial.down()
        assert status == 0, trial.daemon.words()
        assert leftovers.containers(trial.daemon.instance) == set()
        assert leftovers.processes(trial.daemon.state_dir) == []
        assert not (trial.daemon.state_dir / "haproxy").exists()
