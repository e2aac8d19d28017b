"""One server for all tests that only ask."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.support.prometheus import PrometheusServer


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    """It runs, and scrapes nobody."""
    server = PrometheusServer(tmp_path_factory.mktemp("prometheus"))
    asyncio.run(server.start())
    yield server
    server.kill()
