"""Processes that outlive whoever started them, known by pid and start time.

A pid alone is used again by the kernel; pid and start time (field 22 of /proc/PID/stat, clock ticks since boot) together
are not. A process started here has its own session, so that neither its parent's death nor a closed terminal ends it.
Source: proc(5), pidfd_open(2), setsid(2).
"""

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.02
ENDED = frozenset("ZXx")  # zombie, dead: proc(5)


@dataclass(frozen=True, slots=True)
class ProcessId:
    """One process and no other: `started` is in clock ticks since boot."""

    pid: int
    started: int


@dataclass(frozen=True, slots=True)
class ProcessStat:
    """What /proc/PID/stat tells of a process; `session` is its session's id, memory is in pages.

    CPU is in clock ticks, its own and that of the children it waited for.
    """

    id: ProcessId
    state: str
    session: int
    cpu_ticks: int
    rss_pages: int

    @property
    def ended(self) -> bool:
        """Whether it only waits for its parent to look."""
        return self.state in ENDED


def read_stat(pid: int) -> ProcessStat | None:
    """What the kernel tells of this pid now, None where there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # a third of what Path.read_text costs
            told = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = told[told.rindex(b")") + 2 :].split()  # field 3 on: the name in field 2 may hold blanks and brackets
    return ProcessStat(
        id=ProcessId(pid, int(fields[19])),
        state=fields[0].decode(),
        session=int(fields[3]),
        cpu_ticks=sum(map(int, fields[11:15])),
        rss_pages=int(fields[21]),
    )


def identify(pid: int) -> ProcessId | None:
    """The process that has this pid now, None where there is none."""
    stat = read_stat(pid)
    return stat.id if stat else None


def is_alive(p: ProcessId) -> bool:
    """Whether it still runs; a zombie doesn't."""
    stat = read_stat(p.pid)
    return stat is not None and stat.id == p and not stat.ended


def spawn_apart(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path | None = None,
    stdout: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> ProcessId:
    """Start a process of its own session; output and errors are appended to `stdout`, or thrown away where it is None.

    All other file descriptors but `pass_fds` are closed, and the environment is `env` alone. Raises OSError where it
    can't be started.
    """
    out = subprocess.DEVNULL if stdout is None else os.open(stdout, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        child = subprocess.Popen(
            argv,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
    finally:
        if stdout is not None:
            os.close(out)
    started = identify(child.pid)
    # Reaped where it ends while it is our child: a thread costs some kilobytes, a zombie its pid.
    threading.Thread(target=child.wait, name=f"reap-{child.pid}", daemon=True).start()
    if started is None:
        raise OSError(f"/proc has no process {child.pid}; is /proc mounted?")
    return started


def send(p: ProcessId, number: int) -> None:
    """Send a signal to this one process; one that is gone is no error."""
    pidfd = open_pidfd(p)  # between a look and a kill by number the pid could have found another owner
    try:
        if pidfd is not None:
            signal.pidfd_send_signal(pidfd, number)
        elif is_alive(p):
            os.kill(p.pid, number)
    except ProcessLookupError:
        return
    finally:
        if pidfd is not None:
            os.close(pidfd)


async def wait_gone(p: ProcessId, timeout_s: float | None) -> bool:
    """Wait until it has ended; False where it still runs after `timeout_s` (None: wait for ever)."""
    pidfd = open_pidfd(p)
    try:
        async with asyncio.timeout(timeout_s):
            if pidfd is not None:
                await _readable(pidfd)
            while is_alive(p):  # no event tells of it where there is no pidfd
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        return not is_alive(p)
    finally:
        if pidfd is not None:
            os.close(pidfd)
    return True


def open_pidfd(p: ProcessId) -> int | None:
    """A descriptor that becomes readable when this process ends; None where it is gone or the kernel has none (< 5.3)."""
    try:
        pidfd = os.pidfd_open(p.pid)
    except (OSError, AttributeError):
        return None
    if is_alive(p):
        return pidfd
    os.close(pidfd)
    return None


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(descriptor, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(descriptor)
