"""A stop that comes late is judged for as long as anything is left to know of its order by."""

import asyncio

import pytest

from autoscaler.model import Backend, Phase
from tests.simulation import virtual
from tests.simulation.engine import Container, SimEngine
from tests.simulation.outside import Outside
from tests.simulation.proxy import SimProxy

HANGS_S = 5.0


async def late_stop(*, in_proxy: bool, lost: bool) -> list[str]:
    """The laws that are broken where one is ordered to stop by an engine that hangs, and serves when that goes on."""
    outside = Outside(0)
    proxy = SimProxy(outside)
    engine = SimEngine(outside, proxy, "")
    proxy.routes = frozenset({"web"})
    replica = engine.containers["web-1"] = Container("web-1", "web", "", "app:1", 0.0, Phase.RUNNING, serves_at=0.0)
    assert replica.address is not None
    serving = [Backend("web-1", replica.address, draining=False, cause="")]
    if in_proxy:
        await proxy.assign("web", serving)
    outside.trouble("engine stop hangs", HANGS_S)
    stopping = asyncio.create_task(engine.stop("id-web-1", 1.0))
    await asyncio.sleep(1.0)
    if lost:
        engine.forget_orders()
    await proxy.assign("web", serving)
    await stopping
    assert replica.phase is Phase.EXITED
    return outside.broken


@pytest.mark.parametrize(
    ("in_proxy", "lost", "count"),
    [
        pytest.param(False, False, 1, id="its order is on the disk"),
        pytest.param(True, True, 1, id="the state is lost, the proxy shows what became of it"),
        pytest.param(False, True, 0, id="nothing is left"),
    ],
)
def test_a_late_stop(in_proxy: bool, lost: bool, count: int) -> None:
    broken, complaints = virtual.run(late_stop(in_proxy=in_proxy, lost=lost))
    assert ["while the proxy may send to it" in law for law in broken] == [True] * count
    assert complaints == []
