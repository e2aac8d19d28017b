"""All processes of a replica: those of the session that its first process leads, whoever their parents are.

A process that leaves the session (a daemon that daemonizes itself) is out of reach. Memory is the sum of resident
memory, so pages that several processes share are counted in each. Source: proc(5), setsid(2), credentials(7).
"""

import asyncio
import os
import signal
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from autoscaler.drivers.children import POLL_S, ProcessId, ProcessStat, read_stat, send
from autoscaler.model import Usage

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def members(leader: ProcessId) -> Sequence[ProcessStat]:
    """The processes of this session that run."""
    return _by_session([leader]).get(leader, [])


def usage(leaders: Collection[ProcessId]) -> Mapping[ProcessId, Usage]:
    """What each of these sessions has used, from one walk through /proc; one that has ended is left out."""
    return {
        leader: Usage(
            cpu_seconds=sum(stat.cpu_ticks for stat in stats) / TICKS_PER_SECOND,
            memory_bytes=sum(stat.rss_pages for stat in stats) * PAGE_BYTES,
        )
        for leader, stats in _by_session(leaders).items()
    }


def _by_session(leaders: Collection[ProcessId]) -> dict[ProcessId, list[ProcessStat]]:
    wanted = {leader.pid: leader for leader in leaders}
    found: dict[ProcessId, list[ProcessStat]] = defaultdict(list)
    taken_over = set()
    for pid in map(int, filter(str.isdigit, os.listdir("/proc"))):
        stat = read_stat(pid) if _session(pid) in wanted else None
        if stat is None or stat.session not in wanted:
            continue
        leader = wanted[stat.session]
        # The kernel gives away no pid that is still a session's id: a new owner means that the old session has ended.
        if stat.id.pid == leader.pid and stat.id != leader:
            taken_over.add(leader)
        elif not stat.ended:
            found[leader].append(stat)
    return {leader: stats for leader, stats in found.items() if leader not in taken_over}


def _session(pid: int) -> int | None:
    """One call, where reading /proc/PID/stat takes twenty times as long: it is asked of every process of the machine."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def signal_all(leader: ProcessId, number: int) -> None:
    """Send a signal to every process of the session."""
    for stat in members(leader):
        send(stat.id, number)


async def wait_all_gone(leader: ProcessId, timeout_s: float) -> bool:
    """Wait until no process of the session runs; False where one still does after `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            while members(leader):  # nothing tells of the last one's end
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        return not members(leader)
    return True


async def kill_all(leader: ProcessId, timeout_s: float) -> bool:
    """End every process of the session by force, those too that are forked meanwhile."""
    try:
        async with asyncio.timeout(timeout_s):
            while members(leader):
                signal_all(leader, signal.SIGKILL)
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        return not members(leader)
    return True
