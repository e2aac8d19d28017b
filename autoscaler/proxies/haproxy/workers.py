"""Reads the counters of all of HAProxy's workers: the current one by its own socket, older ones through the master's."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from autoscaler.drivers.children import ProcessId, identify, wait_gone
from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Backend, ProxyView, Server, Traffic
from autoscaler.proxies.haproxy import process
from autoscaler.proxies.haproxy.files import Files
from autoscaler.proxies.haproxy.runtime_socket import RuntimeSocket, ask_once
from autoscaler.proxies.haproxy.stats import SHOW_STAT, SHOW_STAT_WITH_CLIENTS, Page, parse_page, view_servers

ANSWER_TIMEOUT_S = 0.7
LEAVING_S = 0.2  # one that has closed its end, but not ended yet
MOST_OLDER_WORKERS = 3

_INFO = re.compile(r"^(Pid|description|DroppedLogs): (.*)$", re.MULTILINE)
_NUMBER = re.compile(r"[0-9]{1,20}")  # 64 bits at most

Wanted = Mapping[str, Mapping[str, Backend]]


@dataclass(frozen=True, slots=True)
class Info:
    """What a worker says of itself: `digest` is that of its routes, `dropped` the log lines that it could not send."""

    pid: int
    digest: str
    dropped: int


@dataclass(frozen=True, slots=True)
class Look:
    """All workers' counters at one moment."""

    current: Page
    older: tuple[Page, ...]

    def view(self, t: float, wanted: Callable[[str], Mapping[str, Backend]]) -> ProxyView:
        """As the core sees it; `wanted` tells which servers a service shall have."""
        idle_clients = sum(page.idle_clients for page in self.older)
        servers: dict[str, tuple[Server, ...]] = {}
        traffic: dict[str, tuple[Traffic, ...]] = {}
        for service, rows in self.current.servers.items():
            elsewhere = self._in_older(service) if self.older else {}
            servers[service] = view_servers(rows, wanted(service), elsewhere, idle_clients)
            older = [page.traffic[service] for page in self.older if service in page.traffic]
            traffic[service] = (self.current.traffic[service], *older)
        return ProxyView(t, servers, traffic)

    def _in_older(self, service: str) -> dict[str, int]:
        counts: dict[str, int] = {}
        for page in self.older:
            for row in page.servers.get(service, ()):
                counts[row.name] = counts.get(row.name, 0) + row.in_flight
        return counts


class Workers:
    """Asks workers; one question at a time. `master` is whose workers they are, None where that is not known."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._socket = RuntimeSocket(files.stats)
        self._current: ProcessId | None = None
        self._pids: tuple[int, ...] = ()
        self.master: ProcessId | None = None

    async def look(self) -> Look:
        """All counters now. Raises ProxyUnavailable where a worker that lives can't be read."""
        current = await self._find_current()
        (text,) = await self._socket.ask([SHOW_STAT], ANSWER_TIMEOUT_S)
        page = parse_page(text, _worker_name(current))
        older = [await self._older(pid) for pid in self._pids if pid != current.pid]
        return Look(page, tuple(page for page in older if page))

    async def ask(self, *commands: str) -> list[str]:
        """The current worker's answers. Raises ProxyUnavailable."""
        await self._find_current()
        return await self._socket.ask(commands, ANSWER_TIMEOUT_S)

    async def in_flight(self, master: ProcessId) -> int:
        """Requests under way in all workers, by the master's socket: it answers while their own no longer do."""
        pages = [await self._older(pid) for pid in process.worker_pids(master)]
        return sum(traffic.in_flight for page in pages if page for traffic in page.traffic.values())

    async def info(self) -> Info:
        """What the current worker says of itself. Raises ProxyUnavailable."""
        (text,) = await self._socket.ask(["show info"], ANSWER_TIMEOUT_S)
        told = dict(_INFO.findall(text))
        if not all(_NUMBER.fullmatch(number) for number in (told.get("Pid", ""), told.get("DroppedLogs", "0"))):
            raise ProxyUnavailable(f"answered {text[:60]!r} to `show info`", where=str(self._files.stats))
        return Info(int(told["Pid"]), told.get("description", ""), int(told.get("DroppedLogs", 0)))

    def close(self) -> None:
        """Let go of the connection: the next question finds out anew who the current worker is."""
        self._socket.close()
        self._current = None

    async def _find_current(self) -> ProcessId:
        pids = process.worker_pids(self.master) if self.master else ()
        if self._current is None or pids != self._pids or not self._socket.connected:
            self.close()  # the connection may be to a worker that has become an older one
            info = await self.info()
            self._current = identify(info.pid)
            if self._current is None:
                raise ProxyUnavailable("its worker has just ended", where=str(self._files.stats))
            self._pids = pids
        return self._current

    async def _older(self, pid: int) -> Page | None:
        worker = identify(pid)
        if worker is None:
            return None
        try:
            text = await ask_once(self._files.master, f"@!{pid} {SHOW_STAT_WITH_CLIENTS}", ANSWER_TIMEOUT_S)
            page = parse_page(text, _worker_name(worker))
            if not page.traffic:
                raise ProxyUnavailable("answered half a statistics page: an older worker has its routes", where="haproxy")
            return page
        except ProxyUnavailable:
            if await wait_gone(worker, LEAVING_S):
                return None
            raise


def _worker_name(worker: ProcessId) -> str:
    return f"{worker.pid}-{worker.started}"
