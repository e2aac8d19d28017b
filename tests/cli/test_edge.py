"""Where the program ends: exit statuses, signals, closed pipes, real terminals."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from autoscaler import cli
from autoscaler.errors import AutoscalerError, DaemonUnavailable, EngineError, PolicyError, UsageError
from tests.cli.conftest import Daemon, run
from tests.support.fake_control import event

MAIN = [sys.executable, "-c", "from autoscaler.cli import main; main()"]
DEADLINE_S = 30.0


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (AutoscalerError("x"), 1),
        (EngineError("x"), 1),
        (DaemonUnavailable("x"), 1),
        (UsageError("x"), 2),
        (PolicyError("x"), 2),
        (KeyboardInterrupt(), 130),
    ],
)
def test_exit_statuses(error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(as_json: bool = False) -> None:
        raise error

    monkeypatch.setattr("autoscaler.cli.version.version", broken)
    asked = run("version")
    assert (asked.exit_code, asked.stdout) == (status, "")
    assert asked.stderr == ("" if status == 130 else "x\n")


def test_an_error_is_its_line_with_nothing_to_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.told(EngineError("no \x1b[31mimage", where="docker", fix="pull\rit")) == r"docker: no \x1b[31mimage; pull\rit"


def test_a_bug_is_a_traceback_without_locals(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import autoscaler.cli.version as v\n"
        "def version():\n    secret = 'hunter' + '2'\n    raise RuntimeError('boom')\n"
        "v.version = version\nfrom autoscaler.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code, "version"], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "RuntimeError: boom" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_closed_pipe_is_quiet(daemon: Daemon) -> None:
    daemon.control.journal = [(n, event(cause="c" * 200)) for n in range(1, 3_000)]
    command = subprocess.Popen(
        [*MAIN, "events", "--limit", "3000", "--state-dir", str(daemon.state_dir)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None
    assert command.stderr is not None
    assert b"replica_ready" in command.stdout.readline()
    command.stdout.close()
    assert command.stderr.read() == b""
    assert command.wait(DEADLINE_S) == 1
    command.stderr.close()


@pytest.mark.parametrize("words", [("--help",), ("status",)], ids=["flushed", "left for the last flush"])
def test_a_pipe_closed_before_anything_is_written_is_quiet(daemon: Daemon, words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {**os.environ, "AUTOSCALER_STATE_DIR": str(daemon.state_dir)}
    done = subprocess.run(
        [*MAIN, *words], stdout=writing, stderr=subprocess.PIPE, timeout=DEADLINE_S, env=environment, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def read_until(terminal: int, pattern: bytes) -> bytes:
    """What comes to a terminal until it matches."""
    seen = b""
    deadline = time.monotonic() + DEADLINE_S
    while not re.search(pattern, seen):
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"{pattern!r} didn't come: {seen!r}"
        seen += os.read(terminal, 65_536)
    return seen


def on_a_terminal(daemon: Daemon, *words: str, **environment: str) -> tuple[int, subprocess.Popen[bytes]]:
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [*MAIN, *words, "--state-dir", str(daemon.state_dir)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "100", **environment},
    )
    os.close(theirs)
    return ours, command


def test_watch_lives_and_ends_by_an_interrupt(daemon: Daemon) -> None:
    terminal, command = on_a_terminal(daemon, "status", "--watch")
    assert b"\x1b[" in read_until(terminal, rb"2/3")
    daemon.control.services["web"] = daemon.control.services.pop("web")
    daemon.control.services.clear()
    read_until(terminal, rb"no services")
    command.send_signal(signal.SIGINT)
    read_until(terminal, rb"\x1b\[\?25h")
    assert command.wait(DEADLINE_S) == 130
    os.close(terminal)


def test_watch_says_that_the_daemon_is_gone_and_goes_on(daemon: Daemon) -> None:
    terminal, command = on_a_terminal(daemon, "status", "--watch")
    read_until(terminal, rb"2/3")
    daemon.stop()
    read_until(terminal, rb"is it still running")
    daemon.start()
    read_until(terminal, rb"2/3")
    command.send_signal(signal.SIGINT)
    read_until(terminal, rb"\x1b\[\?25h")
    assert command.wait(DEADLINE_S) == 130
    os.close(terminal)


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_logs_follow_in_colour_unless_told_not_to(daemon: Daemon, environment: dict[str, str], coloured: bool) -> None:
    daemon.control.lines = [("web-1", "first")]
    terminal, command = on_a_terminal(daemon, "logs", "web", "-f", **environment)
    seen = read_until(terminal, rb"first")
    daemon.call(daemon.control.more_lines.put_nowait, ("web-2", "second\x1b[2J"))
    seen += read_until(terminal, rb"second\\x1b\[2J")
    assert (b"\x1b[36m" in seen) is coloured
    command.send_signal(signal.SIGINT)
    assert command.wait(DEADLINE_S) == 130
    os.close(terminal)
