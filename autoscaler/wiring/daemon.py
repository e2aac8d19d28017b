"""A daemon, or a dry run, from its settings to its exit status."""

import asyncio
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager

from autoscaler.control.clock import SystemClock
from autoscaler.control.daemon import Daemon
from autoscaler.control.operator import Operator
from autoscaler.control.parts import Hands, Parts
from autoscaler.control.policies import InForce, first
from autoscaler.errors import EngineUnavailable, StateError
from autoscaler.faultpoints import hit_async
from autoscaler.ports import Store
from autoscaler.proxies.haproxy import find_binary
from autoscaler.settings import Settings
from autoscaler.store.lock import StateLock
from autoscaler.store.memory import MemoryStore
from autoscaler.store.sqlite import SQLiteStore
from autoscaler.store.state_dir import prepare_state_dir, read_or_make_token
from autoscaler.telemetry.counters import Counters
from autoscaler.telemetry.events import Events
from autoscaler.telemetry.journal import Broadcast, Journal
from autoscaler.telemetry.log import Log, configure_log
from autoscaler.telemetry.prometheus import Metrics
from autoscaler.web.server import serve
from autoscaler.wiring import build
from autoscaler.wiring.admission import Admission
from autoscaler.wiring.sources import Sources

FEWEST_DESCRIPTORS = 256
INTERRUPTED = 130


async def run(settings: Settings) -> int:
    """The daemon, until a signal or `down` ends it; answers the exit status."""
    async with AsyncExitStack() as stack:
        _raise_descriptor_limit()
        state_dir = prepare_state_dir(settings.state_dir)
        lock = StateLock(state_dir)
        lock.acquire()
        stack.callback(lock.release)
        await hit_async("daemon.locked")
        (state_dir / build.INSTANCE_FILE).write_text(settings.instance)
        token = read_or_make_token(settings.token_file or state_dir / build.TOKEN_FILE)
        clock, events, journal, live, counters = SystemClock(), Events(), Journal(), Broadcast(), Counters()
        configure_log(sys.stderr, settings.log_format, settings.log_level, settings.environ)
        for listener in (Log(), journal, counters):
            events.listen(listener)
        store = await SQLiteStore.open(state_dir / build.STATE_FILE, clock, events.emit)
        stack.push_async_callback(store.close)
        in_force = await _meet_policies(settings, store)
        await asyncio.to_thread(find_binary, settings.environ)
        admission = Admission(settings, clock, holds=True)
        stack.callback(admission.close)
        await _admit(admission, in_force)
        runtimes = build.runtimes(settings, clock)
        stack.push_async_callback(runtimes.close)
        proxy = build.proxy(settings, clock)
        stack.push_async_callback(proxy.close)
        sources = Sources(settings, clock)
        stack.push_async_callback(sources.close)
        stop = asyncio.Event()
        daemon = Daemon(
            Parts(
                clock=clock,
                emit=events.emit,
                store=store,
                proxy=proxy,
                runtime=runtimes.get,
                source=sources.get,
                admit=admission.admit,
                hands=Hands(proxy, runtimes.get),
                read_policies=lambda: build.read_policies(settings),
                read_kept=build.kept_policy_reader(settings),
                paths=settings.paths,
                meterings=counters,
                stop=stop,
            )
        )
        operator = Operator(daemon, live.listen)
        metrics = Metrics(operator.status, counters, clock.now)
        writing = asyncio.create_task(journal.run(store, live), name="journal")
        stack.push_async_callback(_end_journal, writing, journal, store, live)
        server = await serve(
            operator,
            listen=settings.listen,
            socket_path=state_dir / build.SOCKET_FILE,
            token=token,
            allowed_hosts=settings.allowed_hosts,
            metrics=lambda: metrics.exposition()[0],
            now=clock.now,
        )
        stack.push_async_callback(server.close)
        with _signals(daemon, operator if settings.drain_on_exit else None, stop) as got:
            await daemon.run()
        _say_what_serves_on(settings, daemon, got)
        return INTERRUPTED if signal.SIGINT in got else 0
    raise AssertionError("an exit stack swallows nothing")


async def rehearse(settings: Settings) -> int:
    """A dry run: decide and report all that `run` would do, by clients that cannot write."""
    clock, events, counters = SystemClock(), Events(), Counters()
    configure_log(sys.stderr, settings.log_format, settings.log_level, settings.environ)
    events.listen(Log())
    store = await MemoryStore.of_snapshot(settings.state_dir / build.STATE_FILE)
    admission = Admission(settings, clock, holds=False)
    await _admit(admission, await _meet_policies(settings, store))
    readers = build.readers(settings, clock)
    stop = asyncio.Event()
    proxy = build.proxy_reader(settings, clock)
    sources = Sources(settings, clock)
    daemon = Daemon(
        Parts(
            clock=clock,
            emit=events.emit,
            store=store,
            proxy=proxy,
            runtime=readers.get,
            source=sources.get,
            admit=admission.admit,
            hands=None,
            read_policies=lambda: build.read_policies(settings),
            read_kept=build.kept_policy_reader(settings),
            paths=settings.paths,
            meterings=counters,
            stop=stop,
        )
    )
    try:
        with _signals(daemon, None, stop) as got:
            await daemon.run()
    finally:
        await sources.close()
        await proxy.close()
        await readers.close()
    return INTERRUPTED if signal.SIGINT in got else 0


def _raise_descriptor_limit() -> None:
    """Replicas, streams and clients take a descriptor each. Raises StateError where there can't be enough."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FEWEST_DESCRIPTORS:
        raise StateError(
            f"this process may open {hard} files, at least {FEWEST_DESCRIPTORS} are needed",
            where="limits",
            fix="raise it: `ulimit -n 65536`, or LimitNOFILE=65536 in the systemd unit",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _meet_policies(settings: Settings, store: Store) -> InForce:
    """At a first start, what is wrong with the policies comes before anything else that is. Raises PolicyError."""
    return first(
        await asyncio.to_thread(build.read_policies, settings),
        await store.good_policies(),
        build.kept_policy_reader(settings),
    )


async def _admit(admission: Admission, in_force: InForce) -> None:
    """See that this daemon may use the runtimes that policies name. An engine that doesn't answer may do so later."""
    for runtime in sorted({document.spec.runtime for document in (*in_force.documents.values(), *in_force.gone.values())}):
        try:
            await admission.admit(runtime)
        except EngineUnavailable as error:
            print(f"{error}\nwaiting for it", file=sys.stderr)  # noqa: T201  the log begins with the first service


async def _end_journal(writing: "asyncio.Task[None]", journal: Journal, store: Store, live: Broadcast) -> None:
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    await journal.flush(store, live)


@contextmanager
def _signals(daemon: Daemon, drainer: Operator | None, stop: asyncio.Event) -> Iterator[set[signal.Signals]]:
    """SIGTERM and SIGINT stop (after the drainer, where there is one; the second signal at once); SIGHUP reloads.

    Gives those that came. Raises what kept the drainer from its end.
    """
    got: set[signal.Signals] = set()
    draining: list[asyncio.Task[None]] = []

    def ended(number: signal.Signals) -> None:
        got.add(number)
        if drainer is not None and not draining:
            draining.append(asyncio.create_task(drainer.down(None), name="drain on exit"))
            draining[0].add_done_callback(lambda _: stop.set())
        else:
            stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, ended, signal.SIGTERM)
    loop.add_signal_handler(signal.SIGINT, ended, signal.SIGINT)
    loop.add_signal_handler(signal.SIGHUP, daemon.reload_soon)
    try:
        yield got
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
    if draining and draining[0].done() and not draining[0].cancelled():
        draining[0].result()


def _say_what_serves_on(settings: Settings, daemon: Daemon, got: set[signal.Signals]) -> None:
    replicas = sum(len(service.loop.replicas) for service in daemon.services.values())
    if signal.SIGINT in got and replicas:
        left = f"{replicas} replica{'s' if replicas > 1 else ''} and the proxy serve on"
        command = f"autoscaler down --state-dir {settings.state_dir}"
        print(f"{left}; `{command}` ends them", file=sys.stderr)  # noqa: T201  the last line, for who pressed Ctrl-C
