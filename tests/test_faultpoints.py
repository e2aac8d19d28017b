"""Fault points: what each action does, on threads and on the loop; nothing of it is there unless it is asked for."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoscaler import faultpoints
from autoscaler.cli import app
from autoscaler.errors import AutoscalerError, EngineError, UsageError
from autoscaler.faultpoints import DELAY_S, FAULT, POINTS, TESTING, Armed, bound, parse
from autoscaler.faultpoints import Action as A

ROOT = Path(faultpoints.__file__).parent
PAGE = ROOT.parent / "docs" / "reliability.md"
POINT = "docker.create.after"
HIT = re.compile(r"\bhit(?:_async)?\(\"([^\"]+)\"\)")


def test_each_point_is_somewhere_in_the_code_and_each_in_the_code_is_listed() -> None:
    found = Counter(name for path in ROOT.rglob("*.py") for name in HIT.findall(path.read_text()))
    assert found == Counter(POINTS.keys())


async def test_nothing_is_there_unless_testing() -> None:
    hit, hit_async = bound({FAULT: f"{POINT}:crash"})
    hit(POINT)
    await hit_async(POINT)
    assert (faultpoints.hit, faultpoints.hit_async) == (hit, hit_async)


def test_testing_alone_does_nothing() -> None:
    hit, _ = bound({TESTING: "1"})
    for point in POINTS:
        hit(point)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("docker.create:crash", "no fault point 'docker.create'; there are: daemon.locked, "),
        ("crash", "no fault point 'crash'; there are: daemon.locked, "),
        (f"{POINT}:crush", "can't read 'crush' at docker.create.after; give POINT:ACTION[:N] with one of crash, hang, "),
        (f"{POINT}:", "can't read ''"),
        (f"{POINT}:crash:0", "can't read 'crash:0'"),
        (f"{POINT}:crash:two", "can't read 'crash:two'"),
        ("order.kept:error", "nothing from outside fails at order.kept"),
    ],
)
def test_what_cant_be_meant_is_one_error(asked: str, says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(f"{FAULT}: {says}")):
        bound({TESTING: "1", FAULT: asked})


def test_a_wrong_value_ends_a_command_with_one_line() -> None:
    asked = {TESTING: "1", FAULT: "nowhere:crash"}
    done = subprocess.run(
        [sys.executable, "-m", "autoscaler", "faultpoints"],
        env=os.environ | asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert all(point in done.stderr for point in POINTS)


@pytest.mark.parametrize("point", [point for point in POINTS if POINTS[point].error is not None])
def test_an_error_is_what_the_outside_would_raise(point: str) -> None:
    with pytest.raises((AutoscalerError, OSError), match=f"fault point {re.escape(point)}"):
        Armed(f"{point}:error").hit(point)


def test_it_happens_once_at_the_nth_passing() -> None:
    armed = Armed(f"{POINT}:error:3")
    armed.hit(POINT)
    armed.hit("order.kept")
    armed.hit(POINT)
    with pytest.raises(EngineError):
        armed.hit(POINT)
    armed.hit(POINT)


def test_a_folder_arms_it_while_it_runs(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    armed = Armed(f"@{tmp_path}")
    armed.hit(POINT)
    for _ in range(2):
        (tmp_path / POINT).write_text("error:2")
        armed.hit(POINT)
        with pytest.raises(EngineError):
            armed.hit(POINT)
        assert not (tmp_path / POINT).exists()
    assert capfd.readouterr().err == f"fault point {POINT}: error\n" * 2


def test_a_thread_hangs_for_ever_and_no_other_does() -> None:
    armed = Armed(f"{POINT}:hang")
    hung = threading.Thread(target=armed.hit, args=(POINT,), daemon=True)
    hung.start()
    hung.join(0.2)
    assert hung.is_alive()
    armed.hit(POINT)


@pytest.mark.looptime
async def test_a_task_hangs_until_it_is_cancelled() -> None:
    armed = Armed(f"{POINT}:hang")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1_000_000):
            await armed.hit_async(POINT)
    await armed.hit_async(POINT)


@pytest.mark.looptime
async def test_a_delay_ends() -> None:
    armed = Armed(f"{POINT}:delay")
    began = asyncio.get_running_loop().time()
    await armed.hit_async(POINT)
    assert asyncio.get_running_loop().time() - began == pytest.approx(DELAY_S)


def test_a_delay_of_a_thread_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("autoscaler.faultpoints.time.sleep", slept.append)
    Armed(f"{POINT}:delay").hit(POINT)
    assert slept == [DELAY_S]


def test_a_crash_tidies_nothing_up() -> None:
    program = f"""
import atexit
from autoscaler.faultpoints import hit
atexit.register(print, "tidied up")
try:
    hit({POINT!r})
finally:
    print("went on")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {TESTING: "1", FAULT: f"{POINT}:crash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert done.stdout == ""
    assert done.stderr == f"fault point {POINT}: crash\n"


def test_a_hidden_command_lists_them() -> None:
    runner = CliRunner()
    listed = runner.invoke(app, ["faultpoints"])
    assert [line.split()[0] for line in listed.output.splitlines()] == list(POINTS)
    told = {name: point.told for name, point in POINTS.items()}
    assert json.loads(runner.invoke(app, ["faultpoints", "--json"]).output) == told
    assert "faultpoints" not in runner.invoke(app, ["--help"]).output


def test_actions_are_those_of_the_contract() -> None:
    assert [action.value for action in A] == ["crash", "hang", "error", "delay"]
    assert parse(POINT, "hang").nth == 1


@pytest.mark.parametrize("point", sorted(POINTS))
def test_a_page_lists_each(point: str) -> None:
    assert f"| `{point}` | {POINTS[point].told} |" in PAGE.read_text()
