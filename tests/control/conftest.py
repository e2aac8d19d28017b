"""A host to run a daemon on. In virtual time threads have no place: what would run in one runs at once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from tests.support.controllers import Controller

P = ParamSpec("P")
R = TypeVar("R")


async def _at_once(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    return call(*args, **kwargs)


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Controller]:
    """A host with no policy yet; its daemon is ended when the test is, and nothing may have been broken by then."""
    monkeypatch.setattr(asyncio, "to_thread", _at_once)
    folder = tmp_path / "policies"
    folder.mkdir()
    host = Controller(folder)
    yield host
    if host.is_alive():
        await host.stop()
    assert host.world.broken == []
