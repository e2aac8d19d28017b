"""Children apart: real processes, identified, signalled, waited for and reaped."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from autoscaler.drivers import children
from autoscaler.drivers.children import ProcessId, identify, is_alive, read_stat, send, spawn_apart, wait_gone

ENV = {"PATH": os.environ["PATH"]}


@pytest.fixture
def spawned() -> Iterator[list[ProcessId]]:
    """Processes of a test, ended with it."""
    started: list[ProcessId] = []
    yield started
    for process in started:
        send(process, signal.SIGKILL)


def until(condition: Callable[[], bool], timeout_s: float = 5) -> bool:
    """Poll the outside until it is so."""
    end = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def test_identity_is_pid_and_start_time() -> None:
    mine = identify(os.getpid())
    assert mine is not None
    assert is_alive(mine)
    assert not is_alive(ProcessId(mine.pid, mine.started + 1)), "the same pid, another process"


def test_a_pid_that_nobody_has_is_none() -> None:
    assert identify(2**22 + 1) is None


def test_a_name_with_brackets_and_blanks_is_read(tmp_path: Path, spawned: list[ProcessId]) -> None:
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to("/bin/sleep")
    process = spawn_apart([str(odd), "30"], env=ENV)
    spawned.append(process)
    stat = read_stat(process.pid)
    assert stat is not None
    assert (stat.id, stat.session) == (process, process.pid)


def test_it_has_its_own_session_no_input_and_only_its_environment(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "import os, sys; print(os.getsid(0) == os.getpid(), repr(sys.stdin.read()), sorted(os.environ), os.getcwd())"
    process = spawn_apart([sys.executable, "-I", "-c", script], env={"A": "1"}, cwd=tmp_path, stdout=out)
    assert until(lambda: not is_alive(process))
    assert out.read_text().split(" ", 2)[:2] == ["True", "''"]
    assert "['A'" in out.read_text()
    assert str(tmp_path) in out.read_text()


def test_output_is_appended_and_not_readable_by_others(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for word in ("one", "two"):
        process = spawn_apart(["/bin/sh", "-c", f"echo {word} >&2"], env=ENV, stdout=out)
        assert until(lambda process=process: not is_alive(process))  # type: ignore[misc]
    assert out.read_text() == "one\ntwo\n"
    assert out.stat().st_mode & 0o777 == 0o600


def test_descriptors_are_closed_but_those_passed(tmp_path: Path) -> None:
    held, passed = os.pipe()
    os.set_inheritable(held, True)
    out = tmp_path / "out"
    process = spawn_apart(["/bin/ls", "/proc/self/fd"], env=ENV, stdout=out, pass_fds=[passed])
    assert until(lambda: not is_alive(process))
    os.close(held)
    os.close(passed)
    seen = out.read_text().split()
    assert str(passed) in seen
    assert str(held) not in seen


def test_one_that_ended_leaves_no_zombie() -> None:
    process = spawn_apart(["/bin/sleep", "0.1"], env=ENV)
    assert until(lambda: read_stat(process.pid) is None or identify(process.pid) != process)


def test_a_zombie_is_not_alive() -> None:
    child = subprocess.Popen(["/bin/true"])
    stat = read_stat(child.pid)
    assert stat is not None
    assert until(lambda: (now := read_stat(child.pid)) is not None and now.state == "Z")
    assert not is_alive(stat.id)
    child.wait()


def test_a_command_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        spawn_apart(["/nonexistent/command"], env=ENV)


def test_it_survives_the_one_who_started_it(tmp_path: Path, spawned: list[ProcessId]) -> None:
    script = (
        "import os, signal; from autoscaler.drivers.children import spawn_apart;"
        "p = spawn_apart(['/bin/sleep', '30'], env={}); print(p.pid, p.started, flush=True);"
        "os.killpg(0, signal.SIGKILL)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, start_new_session=True, check=False
    )
    assert parent.returncode == -signal.SIGKILL
    process = ProcessId(*map(int, parent.stdout.split()))
    spawned.append(process)
    assert is_alive(process)


def test_a_signal_reaches_it_and_no_one_else(spawned: list[ProcessId]) -> None:
    process = spawn_apart(["/bin/sleep", "30"], env=ENV)
    spawned.append(process)
    send(ProcessId(process.pid, process.started - 1), signal.SIGKILL)
    assert is_alive(process), "a signal meant for the pid's former owner"
    send(process, signal.SIGTERM)
    assert until(lambda: not is_alive(process))
    send(process, signal.SIGTERM)


@pytest.mark.parametrize("pidfd", [True, False], ids=["pidfd", "polling"])
async def test_its_end_is_told_at_once(pidfd: bool, spawned: list[ProcessId], monkeypatch: pytest.MonkeyPatch) -> None:
    if not pidfd:
        monkeypatch.setattr(children, "open_pidfd", lambda p: None)
    process = spawn_apart(["/bin/sleep", "30"], env=ENV)
    spawned.append(process)
    assert not await wait_gone(process, 0.05)
    asyncio.get_running_loop().call_later(0.1, send, process, signal.SIGKILL)
    before = time.monotonic()
    assert await wait_gone(process, 5)
    assert time.monotonic() - before < 1
    assert await wait_gone(process, 0), "gone already"
