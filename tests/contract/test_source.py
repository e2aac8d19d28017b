"""What every MetricSource does, seen at each of them with its own real system behind it."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest

from autoscaler.errors import SourceError, SourceUnavailable
from autoscaler.ports import MetricSource
from tests.sources.build import metric, source
from tests.support.prometheus import Exporter, PrometheusServer, needs_prometheus, prometheus

pytestmark = pytest.mark.real

TIMEOUT_S = 1.0
SOON_S = 20.0


class Ground(Protocol):
    """A system that knows a number, and the source of it."""

    source: MetricSource

    def tell(self, value: float | None) -> None:
        """From soon on the number is this; None: there is none."""

    def hang(self) -> None:
        """From now on it takes questions and answers none."""

    def die(self) -> None:
        """It is gone."""

    async def revive(self) -> None:
        """It is back after that."""


class OfPrometheus:
    """A server that scrapes an exporter."""

    def __init__(self, exporter: Exporter, server: PrometheusServer, source: MetricSource) -> None:
        self.source = source
        self._exporter = exporter
        self._server = server

    def tell(self, value: float | None) -> None:
        self._exporter.value = value

    def hang(self) -> None:
        assert self._server.process is not None
        os.kill(self._server.process.pid, signal.SIGSTOP)

    def die(self) -> None:
        self._server.kill()

    async def revive(self) -> None:
        await self._server.start()


@asynccontextmanager
async def of_prometheus(folder: Path) -> AsyncIterator[Ground]:
    exporter = Exporter(None)
    async with (
        exporter.serving(),
        prometheus(folder, exporter.address) as server,
        source(metric(server.url, "sum(queue_depth)", timeout=TIMEOUT_S)) as asked,
    ):
        yield OfPrometheus(exporter, server, asked)


GROUNDS = {"prometheus": of_prometheus}


@pytest.fixture(params=[pytest.param("prometheus", marks=needs_prometheus)])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    async with GROUNDS[request.param](tmp_path) as made:
        yield made


async def until(ground: Ground, value: float) -> float:
    """Wait until the source tells this, and answer the time that it tells it of."""
    async with asyncio.timeout(SOON_S):
        while True:
            with suppress(SourceError):
                reading = await ground.source.read()
                if reading.value == value:
                    return reading.t
            await asyncio.sleep(0.05)


async def test_the_number_comes_with_its_time(ground: Ground) -> None:
    ground.tell(17.5)
    assert abs(await until(ground, 17.5) - time.time()) < 5
    ground.tell(18.0)
    await until(ground, 18.0)


async def test_0_is_a_number(ground: Ground) -> None:
    ground.tell(0.0)
    await until(ground, 0.0)


async def test_no_number_is_an_error_and_never_0(ground: Ground) -> None:
    with pytest.raises(SourceError) as caught:
        await ground.source.read()
    assert not isinstance(caught.value, SourceUnavailable)
    assert caught.value.what
    assert caught.value.where
    assert caught.value.fix


async def test_one_that_hangs_is_given_up_in_time(ground: Ground) -> None:
    ground.tell(5.0)
    await until(ground, 5.0)
    ground.hang()
    for _ in range(2):
        with pytest.raises(SourceUnavailable) as caught:
            async with asyncio.timeout(TIMEOUT_S + 5):
                await ground.source.read()
        assert caught.value.where
        assert caught.value.fix


async def test_one_that_died_is_told_and_found_again(ground: Ground) -> None:
    ground.tell(5.0)
    await until(ground, 5.0)
    ground.die()
    with pytest.raises(SourceUnavailable) as caught:
        await ground.source.read()
    assert caught.value.where
    assert caught.value.fix
    await ground.revive()
    await until(ground, 5.0)
