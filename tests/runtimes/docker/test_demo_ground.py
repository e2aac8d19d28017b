"""What the demo runs on where an engine answers that has no base image and reaches no registry."""

import pytest

from autoscaler.errors import EngineError
from autoscaler.wiring.demo import WITHOUT_REGISTRY, choose_ground
from tests.support.engines import OwnEngine

pytestmark = pytest.mark.real


async def test_without_a_base_image_it_takes_processes_and_says_why(engine: OwnEngine) -> None:
    ground = await choose_ground(engine.environ, None)
    assert (ground.runtime, ground.base) == ("process", "")
    assert ground.why.startswith("no Docker to use: python:3.11-slim can't be pulled: ")


async def test_docker_that_was_asked_for_is_an_error_with_its_fix(engine: OwnEngine) -> None:
    with pytest.raises(EngineError) as told:
        await choose_ground(engine.environ, "docker")
    assert told.value.fix == WITHOUT_REGISTRY
