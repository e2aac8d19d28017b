"""A served API over a fake daemon, and a client of each way in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from autoscaler.web.server import Server, serve
from tests.support.fake_control import FakeControl, T

TOKEN = "s3cret-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Served:
    """The API that runs, and two sessions: over TCP and over the socket."""

    control: FakeControl
    server: Server
    path: Path
    tcp: aiohttp.ClientSession
    unix: aiohttp.ClientSession

    @property
    def host_port(self) -> tuple[str, int]:
        host, _, port = self.server.address.rpartition(":")
        return host, int(port)

    async def restart(self, listen: str, allowed_hosts: tuple[str, ...] = ()) -> None:
        """Serve at another address, or with other hosts."""
        await self.server.close()
        self.server = await start(self.control, self.path, listen, allowed_hosts)


async def start(
    control: FakeControl, path: Path, listen: str = "127.0.0.1:0", allowed_hosts: tuple[str, ...] = (), token: str = TOKEN
) -> Server:
    """Serve a fake daemon; its clock stands at T."""
    return await serve(
        control,
        listen=listen,
        socket_path=path,
        token=token,
        allowed_hosts=allowed_hosts,
        metrics=lambda: b"autoscaler_desired_replicas 3\n",
        now=lambda: T,
    )


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    control = FakeControl()
    path = tmp_path / "api.sock"
    server = await start(control, path)
    async with (
        aiohttp.ClientSession(f"http://{server.address}") as tcp,
        aiohttp.ClientSession("http://localhost", connector=aiohttp.UnixConnector(str(path))) as unix,
    ):
        served = Served(control, server, path, tcp, unix)
        yield served
        await served.server.close()
