"""One HAProxy's life: found or started, brought from one config to the next, ended.

    nothing runs             map, config, check, start
    runs with these routes   nothing
    runs with others         map, config, check, SIGUSR2 to the master, wait until a new worker has them

A config counts as in force when the worker behind the runtime socket tells its digest. One that doesn't come in force
leaves the former file and, as the older worker serves on, the former routes.
"""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

from autoscaler.drivers.children import ProcessId, is_alive, send, wait_gone
from autoscaler.drivers.threads import run_alone
from autoscaler.errors import ProxyError, ProxyUnavailable
from autoscaler.faultpoints import hit_async
from autoscaler.proxies.haproxy import process
from autoscaler.proxies.haproxy.files import Files, write_atomic
from autoscaler.proxies.haproxy.render import Config
from autoscaler.proxies.haproxy.runtime_socket import ask_once
from autoscaler.proxies.haproxy.states import write_config, write_states
from autoscaler.proxies.haproxy.workers import MOST_OLDER_WORKERS, Workers

IN_FORCE_TIMEOUT_S = 5.0
POLL_S = 0.01
IDLE_POLL_S = 0.1
STOP_GRACE_S = 10.0
MESSAGES_AT_MOST = 1024 * 1024


class Life:
    """Master and workers of one folder, `workers` being how they are asked."""

    def __init__(self, files: Files, workers: Workers) -> None:
        self._files = files
        self._workers = workers

    @property
    def master(self) -> ProcessId | None:
        """The master that is known, alive or not."""
        return self._workers.master

    @property
    def is_alive(self) -> bool:
        """Whether the master that is known lives."""
        return self.master is not None and is_alive(self.master)

    async def running_digest(self) -> str | None:
        """The digest of the routes that are served, None where nothing runs. Raises ProxyUnavailable."""
        if not self.is_alive:
            self._workers.close()
            self._workers.master = await asyncio.to_thread(process.find, self._files)
        if not self.is_alive:
            return None
        self._workers.close()
        info = await self._workers.info()
        return info.digest

    async def start(self, binary: Path, config: Config, text: str) -> None:
        """Start with this config. Raises ProxyError."""
        await process.end(await asyncio.to_thread(process.everyone, self._files))
        await hit_async("proxy.start.before")
        await self._write(binary, config, text)
        self._workers.close()
        self._workers.master = await run_alone(lambda: process.start(binary, self._files), "haproxy-start")
        await self._in_force(config, former=())
        await hit_async("proxy.start.up")
        self._files.keep_map(config.map_file)

    def may_reload(self) -> None:
        """Raises ProxyError where so many older workers still finish requests that no reload may leave another one."""
        assert self.master is not None
        *older, _current = process.worker_pids(self.master) or (0,)
        if len(older) >= MOST_OLDER_WORKERS:
            pids = ", ".join(map(str, older))
            raise ProxyError(f"new routes wait for older workers that still finish requests: {pids}", where="haproxy")

    async def reload(self, binary: Path, config: Config, text: str) -> None:
        """Go over to this config without losing a connection. Raises ProxyError, and the former one serves on."""
        assert self.master is not None
        former = process.worker_pids(self.master)
        before = self._files.read_config()
        await self._write(binary, config, text)
        send(self.master, signal.SIGUSR2)
        try:
            await hit_async("proxy.reload.signalled")
            await self._in_force(config, former)
            await hit_async("proxy.reload.up")
        except ProxyError:
            await run_alone(lambda: write_config(self._files, before), "haproxy-config")
            raise
        self._files.keep_map(config.map_file)

    async def end(self) -> None:
        """End all of it: no new connections, requests under way may finish within `STOP_GRACE_S`; nothing of it is left."""
        if not self.is_alive:
            self._workers.master = await asyncio.to_thread(process.find, self._files)
        await hit_async("proxy.stop.before")
        if self.master and self.is_alive:
            send(self.master, signal.SIGUSR1)
            with suppress(TimeoutError, ProxyUnavailable):
                async with asyncio.timeout(STOP_GRACE_S):
                    await self._until_idle(self.master)
        self._workers.close()
        left = await asyncio.to_thread(process.everyone, self._files)
        await process.end(left)
        await hit_async("proxy.stop.ended")
        self._workers.master = None
        self._files.remove()

    def bound_messages(self) -> None:
        """Throw HAProxy's messages away where they have become many."""
        with suppress(OSError):
            if self._files.messages.stat().st_size > MESSAGES_AT_MOST:
                os.truncate(self._files.messages, 0)

    async def _write(self, binary: Path, config: Config, text: str) -> None:
        try:
            await run_alone(lambda: write_atomic(config.map_file, config.routes.map), "haproxy-map")
            await run_alone(lambda: write_atomic(self._files.candidate, text), "haproxy-config")
            await run_alone(lambda: write_states(self._files, text), "haproxy-states")
            await process.check_config(binary, self._files.candidate)
            await hit_async("proxy.config.checked")
            self._files.candidate.replace(self._files.config)
            await hit_async("proxy.config.placed")
        except OSError as error:
            raise ProxyError(f"config can't be written: {error.strerror}", where=str(self._files.folder)) from error

    async def _in_force(self, config: Config, former: tuple[int, ...]) -> None:
        assert self.master is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(IN_FORCE_TIMEOUT_S):
                while is_alive(self.master):
                    self._workers.close()
                    with suppress(ProxyUnavailable):
                        info = await self._workers.info()
                        if info.digest == config.digest and info.pid not in former:
                            await ask_once(self._files.master, "show proc", IN_FORCE_TIMEOUT_S)
                            return  # the master too: it starts itself anew after the worker
                    await asyncio.sleep(POLL_S)
        self._workers.close()
        state = "does not come up" if is_alive(self.master) else "ended at once"
        raise ProxyError(f"{state}: {process.last_alerts(self._files)}", where="haproxy")

    async def _until_idle(self, master: ProcessId) -> None:
        while not await wait_gone(master, IDLE_POLL_S):
            if await self._workers.in_flight(master) == 0:
                return
