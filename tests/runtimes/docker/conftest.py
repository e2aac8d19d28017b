"""A stage on the host's engine for each test, and one engine of our own for the tests that hurt it."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.engines import OwnEngine, own_engine
from tests.support.runtimes import Stage, docker_stage


@pytest.fixture
async def stage(instance: str, tmp_path: Path) -> AsyncIterator[Stage]:
    async with docker_stage(instance, tmp_path) as stage:
        yield stage


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnEngine]:
    with own_engine(tmp_path_factory.mktemp("engine")) as engine:
        yield engine
