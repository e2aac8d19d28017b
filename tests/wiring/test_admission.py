"""Where a daemon may run services: an engine that no other daemon of the instance holds, and of a kind that we know."""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest

from autoscaler.control.clock import SystemClock
from autoscaler.drivers.claim import Claim
from autoscaler.errors import EngineError, EngineUnavailable, StateError
from autoscaler.settings import Settings
from autoscaler.wiring.admission import Admission


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    """An engine of this host that is down."""
    return {"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}


def admission(environ: Mapping[str, str], instance: str, *, holds: bool = True) -> Admission:
    settings = Settings(environ=environ, paths=(), state_dir=Path("state"), instance=instance)
    return Admission(settings, SystemClock(), holds=holds)


async def test_an_engine_that_is_down_is_held_until_it_is_back(environ: Mapping[str, str]) -> None:
    instance = f"test-{uuid4().hex[:8]}"
    ours = admission(environ, instance)
    for _ in range(2):
        with pytest.raises(EngineUnavailable):
            await ours.admit("docker")
    other = Claim(environ["DOCKER_HOST"], instance)
    with pytest.raises(StateError):
        await other.take()
    ours.close()
    await other.take()
    other.release()


async def test_an_instance_that_another_daemon_holds_is_refused_until_it_lets_go(environ: Mapping[str, str]) -> None:
    instance = f"test-{uuid4().hex[:8]}"
    other = Claim(environ["DOCKER_HOST"], instance)
    await other.take()
    ours = admission(environ, instance)
    with pytest.raises(StateError, match="another daemon holds the instance"):
        await ours.admit("docker")
    other.release()
    with pytest.raises(EngineUnavailable):
        await ours.admit("docker")
    ours.close()


async def test_a_dry_run_holds_nothing_and_minds_no_other(environ: Mapping[str, str]) -> None:
    instance = f"test-{uuid4().hex[:8]}"
    other = Claim(environ["DOCKER_HOST"], instance)
    await other.take()
    with pytest.raises(EngineUnavailable):
        await admission(environ, instance, holds=False).admit("docker")
    other.release()


async def test_an_engine_of_another_kind_is_refused_and_processes_need_none() -> None:
    ours = admission({"DOCKER_HOST": "ssh://host"}, "test")
    with pytest.raises(EngineError, match="not available yet"):
        await ours.admit("docker")
    await ours.admit("process")
    ours.close()
