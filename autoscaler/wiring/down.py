"""`down` where no daemon is alive: by labels, pid files and what the state dir keeps, so that nothing of ours is left.

    drained at the proxy, stopped, removed          each service, or those named
    the proxy ends, our sockets and files go        where all of them went

History stays unless it is to be purged. Where a runtime can't be asked, all that can be done is, nothing is tidied away, and
it is said.
"""

import asyncio
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from autoscaler.control.clock import SystemClock
from autoscaler.control.policies import restore
from autoscaler.drivers.claim import Claim
from autoscaler.drivers.docker_endpoint import find_endpoint
from autoscaler.errors import AutoscalerError, EngineError, EngineUnavailable, ProxyError, StateError, UsageError
from autoscaler.faultpoints import hit_async
from autoscaler.model import Backend, Instance, Phase
from autoscaler.ports import ReplicaRuntime
from autoscaler.proxies.haproxy import HAProxy
from autoscaler.reconcile.lifecycle import SETTLED_S
from autoscaler.settings import DEFAULT_INSTANCE, Settings
from autoscaler.spec.models import ServiceSpec
from autoscaler.store.lock import StateLock, lock_holder
from autoscaler.store.memory import MemoryStore
from autoscaler.wiring import build

DEFAULT_GRACE_S = 10.0
POLL_S = 0.1
DAEMON_ENDS_WITHIN_S = 15.0
OURS = (build.SOCKET_FILE, "api.address", build.INSTANCE_FILE)

Specs = Mapping[str, ServiceSpec]


async def down(settings: Settings, services: Sequence[str] | None, purge: bool) -> str:
    """Remove these services' replicas, or all that this instance manages; answers what was removed, for people."""
    claim = await _claimed(settings)
    try:
        if not settings.state_dir.is_dir():
            return _told(await _removed(settings, None, {}, services))
        lock = StateLock(settings.state_dir)
        lock.acquire()
        try:
            return await _down(settings, services, purge)
        finally:
            lock.release(remove=services is None)
    finally:
        if claim is not None:
            claim.release()


async def _down(settings: Settings, services: Sequence[str] | None, purge: bool) -> str:
    specs = await _kept_specs(settings)
    if services is not None and not specs:
        raise UsageError("the state dir keeps no policy", fix="`autoscaler down` without a service removes all")
    proxy = build.proxy(settings, SystemClock())
    try:
        count = await _removed(settings, proxy, specs, services)
        await hit_async("down.removed")
        if services is None:
            await proxy.stop()
            tidy(settings.state_dir, purge)
            await hit_async("down.tidied")
    finally:
        await proxy.close()
    return _told(count)


def _told(count: int) -> str:
    return f"{count} replica{'' if count == 1 else 's'} removed"


async def _claimed(settings: Settings) -> Claim | None:
    """Hold the instance meanwhile. Raises StateError where a live daemon has it: its replicas aren't ours to end."""
    try:
        claim = Claim(find_endpoint(settings.environ).host, settings.instance)
    except EngineError:
        return None  # none whose containers could be ours
    await claim.take()
    return claim


def instance_of(state_dir: Path, given: str | None) -> str:
    """The instance that last ran on a state dir. Raises UsageError where another is given."""
    try:
        kept = (state_dir / build.INSTANCE_FILE).read_text()
    except FileNotFoundError:
        return DEFAULT_INSTANCE if given is None else given
    if given not in (None, kept):
        raise UsageError(f"{state_dir} is of the instance {kept!r}, not {given!r}", fix="leave --instance out")
    return kept


async def down_in(state_dir: Path, instance: str) -> str:
    """Remove all of one state dir and instance, and the state too."""
    return await down(Settings(environ=dict(os.environ), paths=(), state_dir=state_dir, instance=instance), None, purge=True)


async def until_ended(state_dir: Path) -> None:
    """Wait until the daemon of this state dir has ended. Raises StateError where it doesn't."""
    try:
        async with asyncio.timeout(DAEMON_ENDS_WITHIN_S):
            while lock_holder(state_dir) is not None:
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        pid = lock_holder(state_dir)
        raise StateError(f"the daemon (pid {pid}) does not end", where=str(state_dir), fix="it may hang; end it") from None


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


async def _removed(settings: Settings, proxy: HAProxy | None, specs: Specs, services: Sequence[str] | None) -> int:
    """How many replicas were removed. Raises what kept others from being, once all that could be done is."""
    runtimes = build.runtimes(settings, SystemClock())
    count, errors = 0, list[AutoscalerError]()
    try:
        for name in build.RUNTIMES:
            runtime = runtimes.get(name)
            try:
                found = [i for i in await runtime.observe() if services is None or i.service in services]
                if proxy is not None and found:
                    await _drain(proxy, specs, found)
                    await hit_async("down.drained")
                await asyncio.gather(*(_end(runtime, instance, specs) for instance in found))
                count += len(found)
                if proxy is not None and services is not None and found and proxy.is_running():
                    await asyncio.gather(*(proxy.assign(service, ()) for service in services if service in specs))
            except EngineUnavailable as error:
                if any(spec.runtime == name for spec in specs.values()):
                    errors.append(error)
    finally:
        await runtimes.close()
    if errors:
        raise errors[0]
    return count


async def _drain(proxy: HAProxy, specs: Specs, instances: Sequence[Instance]) -> None:
    """Have the proxy send these nothing more, and wait for what they have in flight; nothing to do where none runs."""
    if not proxy.is_running():
        return
    await proxy.configure(list(specs.values()))
    services = {instance.service for instance in instances if instance.service in specs}
    await asyncio.gather(*(_drain_service(proxy, specs[s], [i for i in instances if i.service == s]) for s in services))


async def _drain_service(proxy: HAProxy, spec: ServiceSpec, instances: Sequence[Instance]) -> None:
    running = [(i.replica, i.address) for i in instances if i.address is not None and i.phase is Phase.RUNNING]
    await proxy.assign(spec.service, [Backend(replica, address, True, "down") for replica, address in running])
    await asyncio.sleep(SETTLED_S)
    try:
        async with asyncio.timeout(spec.route.drain_timeout):
            while not await _is_drained(proxy, spec.service):
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        return  # its time is over: the contract's drain_timeout


async def _is_drained(proxy: HAProxy, service: str) -> bool:
    """A proxy that doesn't answer now may do so in a moment."""
    try:
        servers = (await proxy.observe()).servers.get(service, ())
    except ProxyError:
        return not proxy.is_running()
    return not any(server.in_flight for server in servers)


async def _end(runtime: ReplicaRuntime, instance: Instance, specs: Specs) -> None:
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
