"""What befalls replicas: they die, hang, refuse, lie, boot badly, and do not go when told."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable

from tests.chaos.ground import DockerGround, kill
from tests.chaos.load import NONSENSE
from tests.chaos.site import FEWEST, MOST, Site, names
from tests.support.daemons import states

REFUSE_S = 4.0
SICK_S = 6.0
BACKED_OFF = 3.0


async def killed(site: Site) -> None:
    """`kill -9` under load: what is in flight on it fails, save what can be sent elsewhere."""
    replica = await site.pick()
    pid = await site.ground.pid(replica)
    await _dies(site, replica, lambda: kill(pid))


async def out_of_memory(site: Site) -> None:
    """It takes more memory than it may have."""
    replica = await site.pick()
    identity = await site.ground.identity(replica)
    with site.allowed("out of memory", identity, spares_safe=True), site.wish("eat", identity):
        await site.until(lambda s: all(r.name != replica or r.state == "failed" for r in s.replicas))
    await site.gone(replica)


async def removed(site: Site) -> None:
    """Someone says `docker rm -f`."""
    ground = _docker(site)
    replica = await site.pick()
    remove = ground.api.remove_container
    await _dies(site, replica, lambda: asyncio.to_thread(remove, ground.container(replica), force=True))


async def _dies(site: Site, replica: str, end: Callable[[], Awaitable[None]]) -> None:
    identity = await site.ground.identity(replica)
    died = time.time()
    with site.allowed("replica killed", identity, spares_safe=True):
        await end()
    await site.gone(replica)
    first = min(await site.events("replica_ready", died), key=lambda event: event.t)
    if "start_seconds" in first.facts:
        site.note("replaced, beyond its boot", first.t - died - float(first.facts["start_seconds"]))


async def hung(site: Site) -> None:
    """SIGSTOP: it takes connections and answers nothing, until it is replaced."""
    replica = await site.pick()
    pid = await site.ground.pid(replica)
    await _hangs(site, replica, lambda: asyncio.to_thread(os.kill, pid, signal.SIGSTOP))


async def paused(site: Site) -> None:
    """Someone says `docker pause`."""
    ground = _docker(site)
    replica = await site.pick()
    await _hangs(site, replica, lambda: asyncio.to_thread(ground.api.pause, ground.container(replica)))


async def disconnected(site: Site) -> None:
    """Someone says `docker network disconnect`."""
    ground = _docker(site)
    replica = await site.pick()
    disconnect = ground.api.disconnect_container_from_network
    await _hangs(site, replica, lambda: asyncio.to_thread(disconnect, ground.container(replica), "bridge"))


async def _hangs(site: Site, replica: str, hang: Callable[[], Awaitable[None]]) -> None:
    identity = await site.ground.identity(replica)
    began = asyncio.get_running_loop().time()
    with site.allowed("replica hung", identity, spares_safe=True):
        await hang()
        await site.until(lambda s: all(r.name != replica or r.state != "ready" for r in s.replicas))
        site.note("hung replica out of choice", asyncio.get_running_loop().time() - began)
        await site.gone(replica)


async def refuses(site: Site) -> None:
    """It takes no new connections for a while: what comes goes elsewhere, and none fails."""
    replica = await site.pick()
    with site.wish("refuse", await site.ground.identity(replica)):
        await asyncio.sleep(REFUSE_S)
    await site.settled()


async def nonsense(site: Site) -> None:
    """It answers what is no HTTP: 502 for that request alone."""
    for _ in range(5):
        with site.allowed("nonsense answered"):
            request = await site.clients.ask(NONSENSE)
        assert request.outcome == "status_502", request
    await site.settled()


async def crashes_at_boot(site: Site) -> None:
    """Each new one ends while it boots: the others serve on, and starts are few."""
    await site.settled()
    began = time.time()
    with site.wish("crash"):
        await site.order(site.ordered + 2)
        await asyncio.sleep(4)
        starts = len(await site.events("replica_starting", began))
        assert starts <= 2 + BACKED_OFF, f"{starts} starts in 4 s of a crash loop"
    await site.settled()


async def never_ready(site: Site) -> None:
    """A new one never answers: ended at start_timeout, and one more is tried at a time."""
    await site.settled()
    started = time.time()
    with site.wish("mute"):
        await site.order(site.ordered + 1)
        async with asyncio.timeout(60):
            while not await site.events("replica_failed", started):
                await asyncio.sleep(0.2)
    await site.settled()


async def boots_slowly(site: Site) -> None:
    """No more are started than wanted, however long they take."""
    await site.settled()
    await site.order(FEWEST)
    await site.settled()
    with site.wish("slow"):
        await site.order(FEWEST + 2)
        service = await site.until(lambda s: states(s)["starting"] > 0)
        while not site.is_settled(service):
            assert len(service.replicas) <= FEWEST + 2, service.replicas
            await asyncio.sleep(0.1)
            service = await site.web()


async def deaf(site: Site) -> None:
    """It goes on after its stop signal: killed when its grace is over, and gone."""
    await site.settled()
    await site.order(MOST)
    await site.settled()
    with site.wish("deaf"):
        await site.order(FEWEST)
        await site.settled()


async def all_sick(site: Site) -> None:
    """All fail their health check at once, new ones too: the check is the suspect, and they serve on."""
    before = set(names(await site.settled()))
    with site.wish("sick"):
        await asyncio.sleep(SICK_S)
        gone = before - set(names(await site.web()))
    assert len(gone) <= 1, f"{gone} went"
    await site.settled()


async def scaled(site: Site) -> None:
    """Replicas are drained while 5 s requests, streams and WebSockets are in flight there."""
    await site.order_another()
    await site.settled()


def _docker(site: Site) -> DockerGround:
    assert isinstance(site.ground, DockerGround)
    return site.ground
