"""What befalls HAProxy: killed, a port taken, its runtime socket cut, its queues full."""

import asyncio
import socket

from tests.chaos.ground import kill
from tests.chaos.load import BURST
from tests.chaos.site import Site
from tests.support.daemons import states

PER_REPLICA = 20  # the default max_concurrency
BEYOND = 40
CUT_S = 4.0


async def worker_killed(site: Site) -> None:
    """`kill -9`: its connections are lost, then it is back with today's servers."""
    await _dies(site, "proxy's worker killed", site.workers()[-1:])


async def master_killed(site: Site) -> None:
    """`kill -9` of master and worker."""
    await _dies(site, "proxy's master killed", [site.master(), *site.workers()])


async def _dies(site: Site, fault: str, pids: list[int]) -> None:
    loop = asyncio.get_running_loop()
    died = loop.time()
    with site.allowed(fault):
        await kill(*pids)
        await site.until_served()
    site.note("proxy back", loop.time() - died)
    await site.settled()
    left = site.haproxies() - {site.master(), *site.workers()}
    assert not left, f"HAProxy processes beside the supervised one: {left}"


async def port_taken(site: Site) -> None:
    """A new route's port is someone else's: that service says so, the others serve on."""
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        taken = f"127.0.0.1:{squatter.getsockname()[1]}"
        site.daemon.write_policy("blocked", site.policy("blocked", bind=taken, least=1))
        await site.daemon.until("blocked", lambda s: any(taken in error for error in s.errors), 60)
    (site.daemon.policies / "blocked.yaml").unlink()
    async with asyncio.timeout(60):
        while "blocked" in (site.haproxy / "haproxy.cfg").read_text() or await _is_known(site, "blocked"):
            await asyncio.sleep(0.1)
    await site.settled()


async def _is_known(site: Site, service: str) -> bool:
    async with site.daemon.client() as client:
        return any(answer.name == service for answer in await client.services())


async def socket_cut(site: Site) -> None:
    """The daemon starts and finds a runtime socket that ends in the middle of each answer."""
    before = await site.settled()
    await site.kill_daemon()
    real, aside = site.haproxy / "stats.sock", site.haproxy / "stats.aside"
    real.rename(aside)
    server = await asyncio.start_unix_server(_half_an_answer, real)
    try:
        site.daemon.start()
        await asyncio.sleep(CUT_S)
    finally:
        server.close()
        aside.rename(real)
    after = await site.settled()
    assert {r.name for r in after.replicas} == {r.name for r in before.replicas}


async def _half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readline()
    writer.write(b"# pxname,svname,qcur,qmax\nweb,web-1,0")
    await writer.drain()
    writer.close()


async def queue_full(site: Site) -> None:
    """More 5 s requests at once than all replicas may have: those that wait too long get 503 with Retry-After."""
    service = await site.settled()
    count = PER_REPLICA * states(service)["ready"] + BEYOND
    with site.allowed("queue full", outcomes=("status_503",)):
        answers = await asyncio.gather(*(site.clients.ask(BURST) for _ in range(count)))
    assert sum(answer.outcome == "ok" for answer in answers) >= count // 2
    await site.settled()
