"""A fake daemon's API that is served beside the test, in a thread, so that commands can be run as they are."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from autoscaler.cli import app
from autoscaler.web.server import Server, serve
from tests.support.fake_control import FakeControl, T

TOKEN = "s3cret-token"


@dataclass
class Daemon:
    """What answers the commands, and where."""

    state_dir: Path
    control: FakeControl = field(default_factory=FakeControl)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    server: Server | None = None

    def start(self) -> None:
        """Serve, or serve again at the same address."""
        listen = self.server.address if self.server is not None else "127.0.0.1:0"
        self.server = self.run(
            serve(
                self.control,
                listen=listen,
                socket_path=self.state_dir / "api.sock",
                token=TOKEN,
                allowed_hosts=(),
                metrics=lambda: b"",
                now=lambda: T,
            )
        )

    def stop(self) -> None:
        """End, as a daemon does."""
        assert self.server is not None
        self.run(self.server.close())

    def run(self, coroutine: Any) -> Any:
        """Run something where the API runs."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def call(self, function: Callable[..., object], *args: object) -> None:
        """Have something done there."""
        self.loop.call_soon_threadsafe(function, *args)

    def ask(self, *words: str) -> Result:
        """A command, told where this daemon is."""
        return CliRunner().invoke(app, [*words, "--state-dir", str(self.state_dir)], prog_name="autoscaler")

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://{self.server.address}"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    daemon = Daemon(tmp_path)
    thread = threading.Thread(target=daemon.loop.run_forever)
    thread.start()
    daemon.start()
    try:
        yield daemon
    finally:
        daemon.stop()
        daemon.call(daemon.loop.stop)
        thread.join(10)
        daemon.loop.close()


def run(*words: str) -> Result:
    """A command as it is typed."""
    return CliRunner().invoke(app, list(words), prog_name="autoscaler")
