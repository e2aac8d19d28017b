"""The whole, by a metric of a real Prometheus: replicas follow it, and none is lost when it dies."""

import asyncio
from pathlib import Path

import pytest

from autoscaler.web.models import ServiceAnswer
from tests.e2e.conftest import Ground
from tests.support.daemons import DaemonUnderTest, running, states
from tests.support.prometheus import Exporter, needs_prometheus, prometheus

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), needs_prometheus]

LOOK_S = 0.25
HELD_S = 8.0  # far beyond three intervals and both windows


def policy(ground: Ground, address: str, url: str) -> str:
    """10 jobs a replica, asked for twice a second; down as soon as it is asked for."""
    depth = f'{{name: depth, source: prometheus, server: "{url}", query: sum(queue_depth), interval: 500ms, window: 1s}}'
    by_depth = f"metric: {depth}, target: 10"
    text = ground.policy(address).replace("metric: request_rate, target: 50", by_depth)
    return f"{text}behavior: {{scale_down: {{stabilization_window: 1s}}}}\n"


def ready(service: ServiceAnswer) -> list[str]:
    """The names of those that serve."""
    return [replica.name for replica in service.replicas if replica.state == "ready"]


async def test_replicas_follow_prometheus_and_stay_when_it_dies(address: str, tmp_path: Path, instance: str) -> None:
    ground, folder = Ground("process", ""), tmp_path / "prometheus"
    folder.mkdir()
    exporter = Exporter(25.0)
    daemon = DaemonUnderTest(tmp_path, instance)
    async with exporter.serving(), prometheus(folder, exporter.address) as server:
        daemon.write_policy("web", policy(ground, address, server.url))
        async with running(daemon):
            await daemon.until_ready("web", 3)
            exporter.value = 38.0
            await daemon.until_ready("web", 4)
            exporter.value = 18.0
            before = await daemon.until_ready("web", 2)
            server.kill()
            exporter.value = 1.0
            await daemon.until("web", lambda s: s.mode == "hold")
            for _ in range(int(HELD_S / LOOK_S)):
                held = await daemon.service("web")
                assert (held.desired, states(held)["ready"]) == (2, 2)
                await asyncio.sleep(LOOK_S)
            assert ready(held) == ready(before)
            assert "metrics_missing" in daemon.words()
            await server.start()
            await daemon.until_ready("web", 1)
