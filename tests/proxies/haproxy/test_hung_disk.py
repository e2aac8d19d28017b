"""A disk that hangs: a file of HAProxy's is being written, and nobody knows how long that takes."""

import asyncio
import threading
from pathlib import Path

import pytest

from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Event, EventKind
from autoscaler.proxies.haproxy import HAProxy, adapter
from autoscaler.proxies.haproxy.files import Files, write_atomic
from tests.support.proxied import backend, of, replicas, service, until_told

pytestmark = pytest.mark.real

LONG_S = 10.0


async def test_it_keeps_no_server_away_and_the_file_follows(
    proxy: HAProxy, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd, events = await replicas(2), list[Event]()
    await proxy.configure([service()])
    answers = threading.Event()

    def write(files: Files, text: str) -> None:
        assert answers.wait(LONG_S * 3)
        write_atomic(files.config, text)

    monkeypatch.setattr(adapter, "write_config", write)
    watch = asyncio.create_task(proxy.supervise(events.append))
    async with asyncio.timeout(LONG_S):
        for count in (1, 2):
            await proxy.assign("web", [backend(replica) for replica in crowd[:count]])
        assert set(of(await proxy.observe())) == {"web-1", "web-2"}
        told = await until_told(events, EventKind.PROXY_FAULT)
    assert told.cause == "config file can't be written: the disk does not answer"
    assert "server web-1 " not in (folder / "haproxy.cfg").read_text()
    answers.set()
    async with asyncio.timeout(LONG_S):
        while "server web-2 " not in (folder / "haproxy.cfg").read_text():
            await asyncio.sleep(0.02)
    watch.cancel()


async def test_routes_that_never_come_into_force_are_given_up(proxy: HAProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "CONFIGURE_TIMEOUT_S", 0.5)
    monkeypatch.setattr("autoscaler.proxies.haproxy.life.Life.start", lambda *_: asyncio.Event().wait())
    with pytest.raises(ProxyUnavailable, match=r"haproxy: routes not in force in 0\.5 s"):
        await proxy.configure([service()])
    monkeypatch.undo()
    assert await proxy.configure([service()]) == {}
