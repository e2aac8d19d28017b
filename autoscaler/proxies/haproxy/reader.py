"""Looks at a HAProxy that a daemon runs, and has no method that changes it: what a dry run is given."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Backend, ProxyView, Request
from autoscaler.ports import Clock
from autoscaler.proxies.haproxy import process
from autoscaler.proxies.haproxy.files import Files
from autoscaler.proxies.haproxy.render import read_servers
from autoscaler.proxies.haproxy.workers import Workers


class HAProxyReader:
    """The HAProxy of `folder`, to look at. Its log goes to the daemon that runs it, so no request is ever heard here."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._files = Files(folder)
        self._clock = clock
        self._workers = Workers(self._files)
        self._lock = asyncio.Lock()

    async def observe(self) -> ProxyView:
        """Servers and counters of every route now. Raises ProxyUnavailable; never answers half a page."""
        async with self._lock:
            if self._workers.master is None:
                self._workers.master = process.find(self._files)
            if self._workers.master is None:
                raise ProxyUnavailable("is not running", where=str(self._files.folder))
            try:
                look = await self._workers.look()
            except ProxyUnavailable:
                self._workers.master = None  # it may be another by now
                raise
        servers = read_servers(self._files.read_config())

        def wanted(service: str) -> Mapping[str, Backend]:
            return {backend.replica: backend for backend in servers.get(service, ())}

        return look.view(self._clock.now(), wanted)

    async def requests(self) -> AsyncIterator[Sequence[Request]]:
        """Waits for ever."""
        await asyncio.Event().wait()
        yield ()

    def dropped_logs(self) -> int:
        """None of ours: see `requests`."""
        return 0

    async def close(self) -> None:
        """Let go of the connection."""
        self._workers.close()
