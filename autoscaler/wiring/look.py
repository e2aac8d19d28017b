"""One look at everything that changes nothing: for `plan`."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from autoscaler.control.clock import SystemClock
from autoscaler.control.policies import restore
from autoscaler.control.preview import Preview, preview
from autoscaler.control.saved import load
from autoscaler.errors import EngineError, ProxyError
from autoscaler.model import NO_ORDERS, Instance
from autoscaler.settings import Settings
from autoscaler.spec.load import Loaded
from autoscaler.store.memory import MemoryStore
from autoscaler.wiring import build
from autoscaler.wiring.sources import Sources


@dataclass(frozen=True, slots=True)
class Look:
    """What `run` would change.

    `removed` are replicas of services whose policy was in force and is gone, `left_alone` those of services never known,
    `problems` what couldn't be seen.
    """

    services: tuple[Preview, ...]
    removed: tuple[str, ...]
    left_alone: tuple[str, ...]
    problems: tuple[str, ...]


async def look(settings: Settings, loaded: Loaded) -> Look:
    """Look at the runtimes, the proxy and the saved state, for these policies."""
    clock = SystemClock()
    store = await MemoryStore.of_snapshot(settings.state_dir / build.STATE_FILE)
    readers = build.readers(settings, clock)
    read_kept = build.kept_policy_reader(settings)
    proxy = build.proxy_reader(settings, clock)
    sources = Sources(settings, clock)
    problems: list[str] = []
    try:
        try:
            servers = (await proxy.observe()).servers
        except ProxyError as error:
            servers = None
            problems.append(f"proxy: {error}")
        found: dict[str, list[Instance]] = {}
        unseen: set[str] = set()
        kept = [d for text in (await store.good_policies()).values() for d in restore(text, read_kept).documents]
        for name in {document.spec.runtime for document in (*loaded.documents, *kept)}:
            try:
                for instance in await readers.get(name).observe():
                    found.setdefault(instance.service, []).append(instance)
            except EngineError as error:
                unseen.add(name)
                problems.append(f"{name}: {error}")
        orders = await store.orders()
        services = []
        for document in [document for document in loaded.documents if document.spec.runtime not in unseen]:
            spec, now = document.spec, clock.now()
            saved, _problem = load(await store.load(spec.service), {}, now)
            seen = None if servers is None else servers.get(spec.service, ())
            order = orders.get(spec.service, NO_ORDERS)
            image = await readers.get(spec.runtime).image_now(spec)
            told = await sources.read(spec)
            problems += [f"{spec.service}: metric {n}: {s.problem}" for n, s in told.items() if s.value is None]
            instances = found.get(spec.service, ())
            services.append(preview(spec, instances, seen, saved.book, now, order, image, told))
    finally:
        await sources.close()
        await proxy.close()
        await readers.close()
    here = {document.spec.service for document in loaded.documents}
    gone = {document.spec.service for document in kept} - here
    return Look(
        services=tuple(services),
        removed=_replicas(found, gone),
        left_alone=_replicas(found, found.keys() - here - gone),
        problems=tuple(problems),
    )


def _replicas(found: Mapping[str, Sequence[Instance]], services: Set[str]) -> tuple[str, ...]:
    return tuple(sorted(instance.replica for service in services for instance in found.get(service, ())))
