"""Prometheus itself, for tests that can do without it where it isn't installed: its checker, and a server."""

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.ports import free_port

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not there")
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus (Debian) is not there")

SCRAPES = """\
global: {{scrape_interval: 200ms, scrape_timeout: 200ms}}
scrape_configs:
  - job_name: exporter
    static_configs: [{{targets: [{target}]}}]
"""


@dataclass
class Exporter:
    """A target to scrape; `value` is its `queue_depth`, None: it has none. It is at `address` while it serves."""

    value: float | None = 0.0
    address: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            page = "" if self.value is None else f"# TYPE queue_depth gauge\nqueue_depth {self.value}\n"
            writer.write(f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n{page}".encode())
            await writer.drain()
        writer.close()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Exporter"]:
        """Serve, until the context ends; then it is gone."""
        host, _, port = self.address.rpartition(":")
        server = await asyncio.start_server(self._answer, host, int(port))
        try:
            yield self
        finally:
            server.close()


@dataclass
class PrometheusServer:
    """A server in a folder of its own, on a port of its own that it keeps over restarts."""

    folder: Path
    target: str = "127.0.0.1:1"
    web: str = ""  # its web.yml, for TLS and users
    address: str = field(default_factory=lambda: f"127.0.0.1:{free_port()}")
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"{'https' if 'tls_server_config' in self.web else 'http'}://{self.address}"

    async def start(self) -> None:
        """Start it, and wait until it says that it is ready."""
        process, log = self._begin(), self.folder / "prometheus.log"
        async with asyncio.timeout(30):
            while "ready to receive web requests" not in log.read_text():
                assert process.poll() is None, log.read_text()
                await asyncio.sleep(0.05)

    def _begin(self) -> subprocess.Popen[bytes]:
        (self.folder / "prometheus.yml").write_text(SCRAPES.format(target=self.target))
        (self.folder / "web.yml").write_text(self.web)
        command = [
            "prometheus",
            f"--config.file={self.folder}/prometheus.yml",
            f"--web.config.file={self.folder}/web.yml",
            f"--web.listen-address={self.address}",
            f"--storage.tsdb.path={self.folder}/data",
        ]
        with (self.folder / "prometheus.log").open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        return self.process

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.process = None


@asynccontextmanager
async def prometheus(folder: Path, target: str = "127.0.0.1:1", web: str = "") -> AsyncIterator[PrometheusServer]:
    """One that runs, and is killed whatever happens."""
    server = PrometheusServer(folder, target, web)
    await server.start()
    try:
        yield server
    finally:
        if server.process is not None:
            server.kill()
