"""HAProxy as a `Proxy`: routes by config and reload, servers by the runtime socket, one HAProxy for a daemon.

    configure    routes -> config -> checked -> in force (start, reload, or nothing to do)
    assign       servers wanted -> config file -> difference to what is there -> commands -> looked at again
    observe      all workers' counters

The file comes before the commands: a HAProxy that is started again in between has the newer servers, and one that drains
is `disabled` in the file before it has ended. What a disk refuses to take is told, tried again each second, and keeps no
server from coming or going. One lock keeps commands, looks and reloads apart.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from pathlib import Path

from autoscaler.drivers.children import wait_gone
from autoscaler.drivers.threads import run_alone
from autoscaler.errors import ProxyError, ProxyUnavailable
from autoscaler.faultpoints import hit_async
from autoscaler.model import Backend, Event, EventKind, ProxyView, Request
from autoscaler.ports import Clock, Emit
from autoscaler.proxies.haproxy import process
from autoscaler.proxies.haproxy.binary import find_binary_async
from autoscaler.proxies.haproxy.difference import deletable, difference
from autoscaler.proxies.haproxy.files import Files
from autoscaler.proxies.haproxy.life import Life
from autoscaler.proxies.haproxy.render import Config, Setting, lines, read_binds, read_log_port, read_servers
from autoscaler.proxies.haproxy.request_log import RequestLog
from autoscaler.proxies.haproxy.routes import ServiceBackend, lay_out
from autoscaler.proxies.haproxy.states import write_config
from autoscaler.proxies.haproxy.stats import Page, ServerRow, parse_page
from autoscaler.proxies.haproxy.workers import Workers
from autoscaler.spec.models import Bind, ServiceSpec

MOST_THREADS = 4
OBSERVE_TIMEOUT_S = 1.0
WRITE_WAITS_S = 0.5  # looks wait meanwhile
CONFIGURE_TIMEOUT_S = 30.0
FREED_WITHIN_S = 1.0
LOSSES_INTERVAL_S = 5.0
KEEP_HOUSE_EACH_S = 1.0
LONGEST_BACK_OFF_S = 30.0
QUIET_S = 10.0


class HAProxy:
    """The HAProxy of `folder`. `binary` is looked for where it is not given."""

    def __init__(self, folder: Path, clock: Clock, *, binary: Path | None = None) -> None:
        self._files = Files(folder)
        self._clock = clock
        self._binary = binary
        self._lock = asyncio.Lock()
        self._workers = Workers(self._files)
        self._life = Life(self._files, self._workers)
        self._log = RequestLog()
        self._specs: tuple[ServiceSpec, ...] | None = None
        self._backends: dict[str, ServiceBackend] = {}
        self._wanted: dict[str, dict[str, Backend]] = {}
        self._seen: dict[str, tuple[ServerRow, ...]] = {}
        self._config: Config | None = None
        self._file_is_behind = False
        self._file_problem = ""
        self._writing: asyncio.Task[None] | None = None
        self._losses_due = 0.0
        self._untold: deque[Event] = deque()

    # ------------------------------------------------------------ routes

    async def configure(self, specs: Sequence[ServiceSpec]) -> Mapping[str, str]:
        """Serve exactly these services' routes from now on; start HAProxy, or adopt one that runs.

        Answers, by service, why a route could not be served; asked again, it tries again. Raises ProxyError where
        nothing could be changed: what served before serves on.
        """
        async with self._lock:
            return await self._configure(tuple(specs))

    async def _configure(self, specs: tuple[ServiceSpec, ...]) -> Mapping[str, str]:
        try:
            async with asyncio.timeout(CONFIGURE_TIMEOUT_S):
                return await self._to_routes(specs)
        except TimeoutError:
            what, fix = f"routes not in force in {CONFIGURE_TIMEOUT_S:g} s", "does the disk answer? it is tried again"
            raise ProxyUnavailable(what, where="haproxy", fix=fix) from None

    async def _to_routes(self, specs: tuple[ServiceSpec, ...]) -> Mapping[str, str]:
        self._files.make()
        running = await self._life.running_digest()
        on_disk = self._files.read_config()
        if self._specs is None and running is not None:
            self._wanted = {
                service: {backend.replica: backend for backend in backends}
                for service, backends in read_servers(on_disk).items()
            } | self._wanted
            await hit_async("proxy.adopted")
        taken = await self._taken({spec.route.bind for spec in specs}, read_binds(on_disk), running is not None)
        problems = {spec.service: why for spec in specs if (why := taken.get(spec.route.bind, ""))}
        port = self._log.listen(read_log_port(on_disk))
        threads = min(MOST_THREADS, len(os.sched_getaffinity(0)))
        routes = lay_out([spec for spec in specs if spec.service not in problems])
        config = Config(routes, Setting(self._files.folder, port, threads))
        await self._bring(config, running)
        self._specs = specs
        self._wanted = {spec.service: self._wanted.get(spec.service, {}) for spec in specs}
        return problems

    async def _taken(self, binds: Set[Bind], former: Set[str], is_running: bool) -> Mapping[Bind, str]:
        """By bind, why it can't be had. One that a HAProxy had which has just died may take a moment to be free."""
        taken = {bind: why for bind in binds if str(bind) not in former and (why := process.why_taken(bind))}
        if not is_running:
            own = [bind for bind in binds if str(bind) in former]
            taken |= await process.still_taken(own, FREED_WITHIN_S)
        return taken

    async def _bring(self, config: Config, running: str | None) -> None:
        """From the routes that run to these."""
        if running != config.digest:
            if running is not None:
                self._life.may_reload()
            binary = self._binary = self._binary or await find_binary_async(os.environ)
            text = self._text(config)
            self._seen = {}
            if running is None:
                await self._life.start(binary, config, text)
                self._tell(EventKind.PROXY_STARTED, "it was not running")
            else:
                await self._reload(binary, config, text)
        self._config = config
        self._backends = {backend.name: backend for backend in config.routes.backends}
        self._log.owners = {frontend.name: frontend.only for frontend in config.routes.frontends if frontend.only}
        self._file_is_behind = True  # servers may have come and gone since that text was made
        await self._write_file()

    async def _reload(self, binary: Path, config: Config, text: str) -> None:
        began = self._clock.now()
        try:
            await self._life.reload(binary, config, text)
        except ProxyError as error:
            self._tell(EventKind.PROXY_RELOADED, str(error), outcome="failure")
            raise
        self._tell(
            EventKind.PROXY_RELOADED, "routes changed", outcome="success", seconds=round(self._clock.now() - began, 3)
        )

    # ------------------------------------------------------------ servers

    async def assign(self, service: str, backends: Sequence[Backend]) -> None:
        """Have exactly these servers behind a route. Raises ProxyError where HAProxy didn't come to have them all.

        The servers of a route that is not served are kept until it is.
        """
        wanted = {backend.replica: backend for backend in backends}
        if lines(backends) != lines(tuple(self._wanted.get(service, {}).values())):
            self._file_is_behind = True
        self._wanted[service] = wanted
        if service not in self._backends or (not self._file_is_behind and not self._missing(service)):
            return
        async with self._lock:
            if self._file_is_behind:
                await hit_async("proxy.assign.before")
            await self._write_file()
            if service in self._backends:
                await self._tell_servers(service)

    def _missing(self, service: str) -> tuple[tuple[str, ...], ...]:
        """The commands that lead from the servers seen last to those wanted."""
        if service not in self._seen:
            return (("look",),)
        options = self._backends[service].options
        return difference(service, options, tuple(self._wanted.get(service, {}).values()), self._seen[service])

    async def _tell_servers(self, service: str) -> None:
        await self._look_at(service)
        commands = [command for group in self._missing(service) for command in group]
        if not commands:
            return
        await hit_async("proxy.commands.before")
        answers = await self._workers.ask(*commands)
        await hit_async("proxy.commands.after")
        await self._look_at(service)
        if left := self._missing(service):
            said = "; ".join(sorted({answer for answer in answers if answer})) or "nothing"
            raise ProxyError(f"did not do `{left[0][0]}`, it said: {said[:300]}", where=f"haproxy, {service}")

    async def _look_at(self, service: str) -> None:
        (text,) = await self._workers.ask(f"show stat {service} 6 -1")
        servers = parse_page(text, "").servers
        if service not in servers:
            raise ProxyUnavailable("answered half a statistics page", where=f"haproxy, {service}")
        self._seen[service] = servers[service]

    def _text(self, config: Config) -> str:
        return config.text({service: tuple(servers.values()) for service, servers in self._wanted.items()})

    async def _write_file(self) -> None:
        if self._config is None or not self._file_is_behind:
            return
        if self._writing is None or self._writing.done():
            self._file_is_behind = False  # what changes from here on is for the next writing
            text = self._text(self._config)
            writing = run_alone(lambda: write_config(self._files, text), "haproxy-config")
            self._writing = asyncio.create_task(writing, name="write haproxy.cfg")
            await asyncio.wait((self._writing,), timeout=WRITE_WAITS_S)
        problem = _why_not_written(self._writing)
        self._file_is_behind |= bool(problem)
        if problem and problem != self._file_problem:
            self._tell(EventKind.PROXY_FAULT, problem)
        self._file_problem = problem

    # ------------------------------------------------------------ looking

    async def observe(self) -> ProxyView:
        """Servers and counters of every route now. Raises ProxyUnavailable; never answers half a page."""
        try:
            async with asyncio.timeout(OBSERVE_TIMEOUT_S), self._lock:
                look = await self._workers.look()
                await self._refuse_half(look.current)
                if self._clock.now() >= self._losses_due:
                    info = await self._workers.info()
                    self._log.count_not_sent(info.pid, info.dropped)
                    self._losses_due = self._clock.now() + LOSSES_INTERVAL_S
        except TimeoutError:
            raise ProxyUnavailable(f"busy for {OBSERVE_TIMEOUT_S:g} s", where="haproxy") from None
        self._seen = dict(look.current.servers)
        return look.view(self._clock.now(), lambda service: self._wanted.get(service, {}))

    async def _refuse_half(self, page: Page) -> None:
        """A page may end early and look whole. A route that it lacks is one that HAProxy has not, or the page is refused:
        a replica that it does not show must not be taken for one without requests."""
        missing = self._backends.keys() - page.traffic.keys()
        if missing and self._config is not None and (await self._workers.info()).digest == self._config.digest:
            raise ProxyUnavailable(f"answered half a statistics page: it has nothing of {min(missing)}", where="haproxy")

    async def requests(self) -> AsyncIterator[Sequence[Request]]:
        """Finished requests in batches, as the log tells them."""
        async for batch in self._log.requests():
            yield batch

    def dropped_logs(self) -> int:
        """How many log lines were lost so far, at either end."""
        return self._log.dropped()

    # ------------------------------------------------------------ life

    async def supervise(self, emit: Emit) -> None:
        """Run for ever: start HAProxy again when it has died, with the servers it had; collect servers that are gone."""
        back_off_s, began_at = 0.0, -QUIET_S
        while True:
            while self._untold:
                emit(self._untold.popleft())
            master = self._life.master
            if master is None or self._config is None:
                await asyncio.sleep(KEEP_HOUSE_EACH_S)
            elif not await wait_gone(master, KEEP_HOUSE_EACH_S):
                await self._keep_house()
            elif self._config is not None:
                died_at = self._clock.now()
                back_off_s = _next_back_off(back_off_s) if died_at - began_at < QUIET_S else 0.0
                while not await self._restart(died_at):
                    back_off_s = _next_back_off(back_off_s)
                    emit(self._untold.pop())
                    await asyncio.sleep(back_off_s)
                began_at = self._clock.now()
                if back_off_s:
                    self._tell(
                        EventKind.PROXY_FAULT, f"HAProxy dies again and again: the next start is {back_off_s:g} s away"
                    )
                while self._untold:
                    emit(self._untold.popleft())
                await asyncio.sleep(back_off_s)

    async def _restart(self, died_at: float) -> bool:
        """Start it again; False where that failed, and it is told why."""
        lost = sum(row.in_flight for rows in self._seen.values() for row in rows)  # at the last look, some 0.2 s ago
        try:
            async with self._lock:
                if self._life.is_alive or self._specs is None:
                    return True
                problems = await self._configure(self._specs)
        except ProxyError as error:
            self._tell(EventKind.PROXY_FAULT, f"HAProxy died and can't be started again: {error}")
            return False
        self._untold.pop()  # that it was started: this says more
        gap_s = round(self._clock.now() - died_at, 3)
        self._tell(EventKind.PROXY_RESTARTED, "HAProxy died", gap_seconds=gap_s, lost=lost, not_served=dict(problems))
        return True

    async def _keep_house(self) -> None:
        self._life.bound_messages()
        commands = [
            command
            for service, rows in self._seen.items()
            for command in deletable(service, self._wanted.get(service, {}), rows)
        ]
        if not commands and not self._file_is_behind:
            return
        try:
            async with self._lock:
                await self._write_file()
                await hit_async("proxy.delete.before")
                await self._workers.ask(*commands)
                await hit_async("proxy.delete.after")
        except ProxyUnavailable:
            return  # the next look says so

    def is_running(self) -> bool:
        """Whether a HAProxy runs for this folder, whoever started it."""
        return process.find(self._files) is not None

    async def stop(self) -> None:
        """End HAProxy and remove its sockets and files, whoever started it."""
        async with self._lock:
            self._config = self._specs = None
            self._backends, self._wanted, self._seen = {}, {}, {}
            await self._life.end()
            self._log.close()

    async def close(self) -> None:
        """Let go of connections; HAProxy serves on."""
        self._workers.close()
        self._log.close()

    def _tell(self, kind: EventKind, cause: str, **facts: object) -> None:
        self._untold.append(Event(self._clock.now(), "", kind, cause=cause, facts=facts))


def _why_not_written(writing: asyncio.Task[None]) -> str:
    """Why the file is not written, "" where it is. A disk that hangs may have it some time: no other is begun meanwhile."""
    if not writing.done():
        return "config file can't be written: the disk does not answer"
    error = writing.exception()
    if isinstance(error, OSError):
        return f"config file can't be written: {error.strerror}"
    writing.result()
    return ""


def _next_back_off(back_off_s: float) -> float:
    return min(max(0.5, 2 * back_off_s), LONGEST_BACK_OFF_S)
