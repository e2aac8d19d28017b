"""A whole daemon: replicas follow the load, and none is stopped that may still be sent a request."""

import pytest

from autoscaler.model import EventKind
from tests.support.controllers import Controller, policy
from tests.support.worlds import until

pytestmark = pytest.mark.looptime


async def test_replicas_follow_the_load_out_and_in(host: Controller) -> None:
    host.write(policy(least=1, most=6))
    await host.start()
    await until(lambda: len(host.world.choosable()) == 1)
    host.world.proxy.rate["web"] = 200.0
    took = await until(lambda: len(host.world.choosable()) == 4)
    assert took < 30
    host.world.proxy.rate["web"] = 40.0
    await until(lambda: len(host.world.engine.containers) == 1)
    assert len(host.world.choosable()) == 1
    await host.stop()
    assert host.told(EventKind.SERVICE_FAULT) == []
