"""One look at everything that changes nothing: for `plan`."""

from collections.abc import Sequence
from dataclasses import dataclass

from autoscaler.control.clock import SystemClock
from autoscaler.control.preview import Preview, preview
from autoscaler.control.saved import load
from autoscaler.errors import EngineError, ProxyError
from autoscaler.model import NO_ORDERS, Instance
from autoscaler.settings import Settings
from autoscaler.spec.load import Loaded
from autoscaler.store.memory import MemoryStore
from autoscaler.wiring import build


@dataclass(frozen=True, slots=True)
class Look:
    """What `run` would change.

    `left_alone` are replicas of services that no file names, `problems` what couldn't be seen.
    """

    services: tuple[Preview, ...]
    left_alone: tuple[str, ...]
    problems: tuple[str, ...]


async def look(settings: Settings, loaded: Loaded) -> Look:
    """Look at the runtimes, the proxy and the saved state, for these policies."""
    clock = SystemClock()
    store = await MemoryStore.of_snapshot(settings.state_dir / build.STATE_FILE)
    readers = build.readers(settings, clock)
    proxy = build.proxy_reader(settings, clock)
    problems: list[str] = []
    try:
        try:
            servers = (await proxy.observe()).servers
        except ProxyError as error:
            servers = None
            problems.append(f"proxy: {error}")
        found: dict[str, list[Instance]] = {}
        for name in {document.spec.runtime for document in loaded.documents}:
            try:
                for instance in await readers.get(name).observe():
                    found.setdefault(instance.service, []).append(instance)
            except EngineError as error:
                problems.append(f"{name}: {error}")
        orders = await store.orders()
        services = []
        for document in loaded.documents:
            spec, now = document.spec, clock.now()
            saved, _problem = load(await store.load(spec.service), now)
            seen = None if servers is None else servers.get(spec.service, ())
            services.append(
                preview(spec, found.get(spec.service, ()), seen, saved.book, now, orders.get(spec.service, NO_ORDERS))
            )
    finally:
        await proxy.close()
        await readers.close()
    return Look(tuple(services), _left_alone(found, [d.spec.service for d in loaded.documents]), tuple(problems))


def _left_alone(found: dict[str, list[Instance]], services: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(i.replica for service, members in found.items() if service not in services for i in members))
