"""`down` where no daemon is alive: by labels, pid files and what the state dir keeps, so that nothing of ours is left.

    one service   drained at the proxy, stopped, removed; the proxy serves the others
    all           the proxy ends (what is in flight finishes), then every replica, then our sockets and files

History stays unless it is to be purged.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from autoscaler.control.clock import SystemClock
from autoscaler.control.policies import restore
from autoscaler.errors import EngineError, EngineUnavailable, ProxyUnavailable, StateError, UsageError
from autoscaler.model import Backend, Instance, Phase
from autoscaler.ports import ReplicaRuntime
from autoscaler.proxies.haproxy import HAProxy
from autoscaler.settings import Settings
from autoscaler.spec.models import ServiceSpec
from autoscaler.store.lock import StateLock, lock_holder
from autoscaler.store.memory import MemoryStore
from autoscaler.wiring import build

DEFAULT_GRACE_S = 10.0
POLL_S = 0.1
DAEMON_ENDS_WITHIN_S = 15.0
OURS = (build.SOCKET_FILE, "api.address")
HISTORY = (build.STATE_FILE, f"{build.STATE_FILE}-wal", f"{build.STATE_FILE}-shm", build.TOKEN_FILE)


async def down(settings: Settings, services: Sequence[str] | None, purge: bool) -> str:
    """Remove these services' replicas, or all that this instance manages; answers what was removed, for people."""
    if not settings.state_dir.is_dir():
        return await _removed(settings, None, {}, services)
    lock = StateLock(settings.state_dir)
    lock.acquire()
    try:
        specs = await _kept_specs(settings)
        proxy = build.proxy(settings, SystemClock())
        try:
            if services is None:
                await proxy.stop()
            return await _removed(settings, None if services is None else proxy, specs, services)
        finally:
            await proxy.close()
    finally:
        if services is None:
            tidy(settings.state_dir, purge)
        lock.release(remove=services is None)


async def down_in(state_dir: Path, instance: str) -> str:
    """Remove all of one state dir and instance, and the state too."""
    return await down(Settings(environ=dict(os.environ), paths=(), state_dir=state_dir, instance=instance), None, purge=True)


async def until_ended(state_dir: Path) -> None:
    """Wait until the daemon of this state dir has ended. Raises StateError where it doesn't."""
    async with asyncio.timeout(DAEMON_ENDS_WITHIN_S):
        while lock_holder(state_dir) is not None:
            await asyncio.sleep(POLL_S)


def tidy(state_dir: Path, purge: bool) -> None:
    """Remove what is left in the state dir but its history; that too where it is to be purged."""
    for name in OURS:
        (state_dir / name).unlink(missing_ok=True)
    for folder in (build.PROXY_FOLDER, build.PROCESS_FOLDER):
        shutil.rmtree(state_dir / folder, ignore_errors=True)
    if purge:
        shutil.rmtree(state_dir, ignore_errors=True)


async def _kept_specs(settings: Settings) -> dict[str, ServiceSpec]:
    """The policies that were in force last, as far as they can be read."""
    try:
        store = await MemoryStore.of_snapshot(settings.state_dir / build.STATE_FILE)
    except StateError:
        return {}
    read = build.kept_policy_reader(settings)
    documents = [d for text in (await store.good_policies()).values() for d in restore(text, read).documents]
    return {document.spec.service: document.spec for document in documents}


async def _removed(
    settings: Settings, proxy: HAProxy | None, specs: dict[str, ServiceSpec], services: Sequence[str] | None
) -> str:
    runtimes = build.runtimes(settings, SystemClock())
    count = 0
    try:
        for name in build.RUNTIMES:
            runtime = runtimes.get(name)
            try:
                found = [i for i in await runtime.observe() if services is None or i.service in services]
            except EngineUnavailable:
                if any(spec.runtime == name for spec in specs.values()):
                    raise
                continue
            if proxy is not None and found:
                await _drain(proxy, specs, found)
            await asyncio.gather(*(_end(runtime, instance, specs) for instance in found))
            count += len(found)
    finally:
        await runtimes.close()
    return f"{count} replica{'' if count == 1 else 's'} removed"


async def _drain(proxy: HAProxy, specs: dict[str, ServiceSpec], instances: Sequence[Instance]) -> None:
    """Have the proxy send these nothing more, and wait for what they have in flight."""
    if not specs:
        raise UsageError("the state dir keeps no policy", fix="`autoscaler down` without a service removes all")
    try:
        await proxy.observe()
    except ProxyUnavailable:
        return
    await proxy.configure(list(specs.values()))
    for service in {instance.service for instance in instances}:
        members = [i for i in instances if i.service == service and i.address is not None and i.phase is Phase.RUNNING]
        backends = [Backend(i.replica, i.address, True, "down") for i in members if i.address is not None]
        await proxy.assign(service, backends)
        limit_s = specs[service].route.drain_timeout if service in specs else DEFAULT_GRACE_S
        try:
            async with asyncio.timeout(limit_s):
                while any(server.in_flight for server in (await proxy.observe()).servers.get(service, ())):
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            continue


async def _end(runtime: ReplicaRuntime, instance: Instance, specs: dict[str, ServiceSpec]) -> None:
    spec = specs.get(instance.service)
    grace_s = spec.replica.stop_grace_period if spec else DEFAULT_GRACE_S
    if instance.phase in (Phase.RUNNING, Phase.PAUSED):
        try:
            await runtime.stop(instance.id, grace_s)
        except EngineUnavailable:
            raise
        except EngineError:
            pass  # a removal ends it too
    await runtime.remove(instance.id)
