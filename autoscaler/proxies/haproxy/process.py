"""HAProxy's processes: a master in a session of its own, and its workers, of which the newest serves.

Master and workers die together: a master whose current worker was killed ends the older ones and itself, and a worker
whose master was killed ends at once (both seen on 2.6.12 and 2.8.25). What is left to do is to start a new one.
Source: HAProxy management guide, 3 "Starting HAProxy", 4 "Stopping and restarting HAProxy".
"""

import asyncio
import os
import re
import signal
import socket
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from autoscaler.drivers.children import ProcessId, identify, is_alive, read_stat, send, spawn_apart, wait_gone
from autoscaler.errors import ProxyError
from autoscaler.faultpoints import hit
from autoscaler.proxies.haproxy.files import Files, write_atomic
from autoscaler.spec.models import Bind

CHECK_TIMEOUT_S = 10.0
TERM_TIMEOUT_S = 2.0
KILL_TIMEOUT_S = 2.0
FREED_POLL_S = 0.01
TOLD_AT_MOST = 4

_CONFIG_LINE = re.compile(r"\[[^\]]*haproxy\.cfg[^\]]*:(\d+)\]")


def start(binary: Path, files: Files) -> ProcessId:
    """Start a master with the config in force. Raises ProxyError where the binary can't be run."""
    argv = [str(binary), "-W", "-S", f"{files.master},mode,600", "-f", str(files.config)]
    files.messages.unlink(missing_ok=True)
    try:
        master = spawn_apart(argv, env={}, cwd=files.folder, stdout=files.messages)
        hit("proxy.start.spawned")
        write_atomic(files.pid, f"{master.pid} {master.started}\n")
    except OSError as error:
        raise ProxyError(f"can't be started: {error}", where=str(binary)) from error
    return master


def find(files: Files) -> ProcessId | None:
    """The master that runs for this folder, by the pid file, else by what the processes were started with."""
    known = files.read_pid()
    if known and is_alive(known):
        return known
    return next((process for process in everyone(files) if _leads_session(process)), None)


def everyone(files: Files) -> list[ProcessId]:
    """Every process of ours that was started as this folder's HAProxy, oldest first: masters and workers."""
    mark = f"{files.master},mode,600".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            argv = (entry / "cmdline").read_bytes().split(b"\0")
            if mark in argv and b"-W" in argv and entry.stat().st_uid == os.geteuid():
                found.append(identify(int(entry.name)))
    return sorted((p for p in found if p and is_alive(p)), key=lambda p: (p.started, p.pid))


def worker_pids(master: ProcessId) -> tuple[int, ...]:
    """The master's workers that live, the oldest first."""
    try:
        with open(f"/proc/{master.pid}/task/{master.pid}/children", "rb", buffering=0) as file:
            return tuple(int(pid) for pid in file.read().split())
    except OSError:
        return ()


async def end(processes: Iterable[ProcessId]) -> None:
    """End these now: SIGTERM, and SIGKILL for one that doesn't go."""
    left = list(processes)
    for number, timeout_s in ((signal.SIGTERM, TERM_TIMEOUT_S), (signal.SIGKILL, KILL_TIMEOUT_S)):
        for process in left:
            send(process, number)
        gone = await asyncio.gather(*(wait_gone(process, timeout_s) for process in left))
        left = [process for process, is_gone in zip(left, gone, strict=True) if not is_gone]


async def check_config(binary: Path, config: Path) -> None:
    """Have HAProxy read a config. Raises ProxyError with its words and the line they are about."""
    checker = await asyncio.create_subprocess_exec(
        str(binary),
        *("-c", "-f", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={},
    )
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_S):
            told, _ = await checker.communicate()
    except TimeoutError:
        raise ProxyError(f"config not checked in {CHECK_TIMEOUT_S:g} s", where=str(binary)) from None
    finally:
        if checker.returncode is None:
            checker.kill()
            await checker.wait()
    if checker.returncode != 0:
        said = told.decode(errors="replace")
        raise ProxyError(f"HAProxy refuses the config: {alerts(said)}{_cited(said, config)}", where=str(config))


def alerts(said: str) -> str:
    """What HAProxy's messages complain of, on one line."""
    complaints = [line.split(" : ", 1)[-1].strip() for line in said.splitlines() if line.startswith("[ALERT]")]
    return " | ".join(complaints[:TOLD_AT_MOST]) or "it told no reason"


def last_alerts(files: Files) -> str:
    """What the running HAProxy complained of since it was started."""
    try:
        return alerts(files.messages.read_text(errors="replace")[-16_384:])
    except OSError:
        return "it told no reason"


def why_taken(bind: Bind) -> str:
    """Why nobody could listen there now, "" where one can.

    HAProxy would share a port with any process that also sets SO_REUSEPORT, and would make its own older workers stop
    listening for a second when it can't have one: it is not to find that out.
    """
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((bind.host, bind.port))
            probe.listen(1)
    except PermissionError:
        return f"{bind}: not allowed to listen there; take a port from 1024 up"
    except OSError as error:
        return f"{bind}: {error.strerror}; free the port or choose another `route.bind`"
    return ""


async def still_taken(binds: Collection[Bind], within_s: float) -> dict[Bind, str]:
    """Why nobody can listen there, for those that don't become free within this time."""
    taken = {bind: why for bind in binds if (why := why_taken(bind))}
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while taken:
                await asyncio.sleep(FREED_POLL_S)
                taken = {bind: why for bind in taken if (why := why_taken(bind))}
    return taken


def _leads_session(process: ProcessId) -> bool:
    """A master does; a worker doesn't, even one whose master is dead and which is about to end."""
    stat = read_stat(process.pid)
    return stat is not None and stat.session == process.pid


def _cited(said: str, config: Path) -> str:
    found = _CONFIG_LINE.search(said)
    lines = config.read_text().splitlines()
    if found is None or not 1 <= int(found[1]) <= len(lines):
        return ""
    return f" (line {found[1]}: {lines[int(found[1]) - 1].strip()})"
