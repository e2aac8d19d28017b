"""Each version of HAProxy in turn, in a folder of its own, ended after the test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from autoscaler.proxies.haproxy import HAProxy
from tests.support.proxied import BINARIES, haproxy


@pytest.fixture(params=sorted(BINARIES))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "p"


@pytest.fixture
async def proxy(folder: Path, version: str) -> AsyncIterator[HAProxy]:
    adapter = haproxy(folder, version)
    yield adapter
    await adapter.stop()
    await adapter.close()
