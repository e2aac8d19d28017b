"""What befalls the daemon: killed, ended, stopped for a while, its disk full, its policy files edited."""

import asyncio
import signal
from pathlib import Path

from tests.chaos.site import Site, names
from tests.support.ports import free_port

EDITS = 100
EDITS_S = 10.0
MOST_RELOADS = 12


async def killed(site: Site) -> None:
    """`kill -9`, and back after a while: the same replicas, and no request notices."""
    before = await site.settled()
    await site.kill_daemon()
    await asyncio.sleep(site.chance.uniform(0, 5))
    await _starts(site)
    assert names(await site.settled()) == names(before), "a restart replaced replicas"


async def killed_while_scaling(site: Site) -> None:
    """`kill -9` at any moment of a scale-out or scale-in, and back at once."""
    await site.order_another()
    await asyncio.sleep(site.chance.uniform(0, 2))
    await site.kill_daemon()
    await _starts(site)
    await site.settled()


async def killed_while_starting(site: Site) -> None:
    """`kill -9` again and again, each time at another moment of its start."""
    await site.order_another()
    for _ in range(3):
        await site.kill_daemon()
        site.daemon.start()
        await asyncio.sleep(site.chance.uniform(0.3, 2))
    await site.settled()


async def ended(site: Site) -> None:
    """SIGTERM: all serves on, it exits with 0, and the next one goes on."""
    before = await site.settled()
    assert await asyncio.to_thread(site.daemon.end) == 0
    await asyncio.sleep(site.chance.uniform(0, 2))
    await _starts(site)
    assert names(await site.settled()) == names(before), "a restart replaced replicas"


async def stopped_for_a_while(site: Site) -> None:
    """SIGSTOP and SIGCONT: no burst when it wakes."""
    before = await site.settled()
    site.signal_daemon(signal.SIGSTOP)
    await asyncio.sleep(site.chance.uniform(3, 6))
    site.signal_daemon(signal.SIGCONT)
    await asyncio.sleep(2)
    assert names(await site.settled()) == names(before), "a pause of the daemon replaced replicas"


async def _starts(site: Site) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    site.daemon.start()
    await site.until(lambda s: True)
    site.note("daemon back after its start", loop.time() - began)


async def policies_edited(site: Site) -> None:
    """A hundred edits in ten seconds: few reloads of the proxy, and the last one wins."""
    await site.settled()
    before = site.said("proxy_reloaded")
    for number in range(EDITS):
        site.daemon.write_policy("web", site.policy(queue_timeout=f"{4000 + number}ms"))
        await asyncio.sleep(EDITS_S / EDITS)
    await _in_force(site, f"timeout queue {4000 + EDITS - 1}ms")
    reloads = site.said("proxy_reloaded") - before
    assert reloads <= MOST_RELOADS, f"{reloads} reloads"
    site.daemon.write_policy("web", site.policy())
    await _in_force(site, "timeout queue 4s")
    await site.settled()


async def route_added_and_taken_away(site: Site) -> None:
    """Two reloads of the proxy while downloads run."""
    bind = f"127.0.0.1:{free_port()}"
    site.daemon.write_policy("other", site.policy("other", bind=bind, least=1))
    await site.daemon.until_ready("other", 1, 60)
    (site.daemon.policies / "other.yaml").unlink()
    await _not_in_force(site, bind)
    await site.settled()


async def _in_force(site: Site, words: str) -> None:
    async with asyncio.timeout(60):
        while words not in (site.haproxy / "haproxy.cfg").read_text():
            await asyncio.sleep(0.1)


async def _not_in_force(site: Site, words: str) -> None:
    async with asyncio.timeout(60):
        while words in (site.haproxy / "haproxy.cfg").read_text():
            await asyncio.sleep(0.1)


async def disk_full(site: Site) -> None:
    """Nothing can be written to the state dir: it decides from memory, and writes what it decided when it can."""
    await site.settled()
    ballast = site.daemon.state_dir / "ballast"
    await asyncio.to_thread(_fill, ballast)
    try:
        await asyncio.sleep(1)
        await site.order_another()
        await asyncio.sleep(3)
    finally:
        ballast.unlink()
    async with asyncio.timeout(60):
        while site.last_said("state_fault") > site.last_said("state_back"):
            await asyncio.sleep(0.1)
    await site.settled()


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return
