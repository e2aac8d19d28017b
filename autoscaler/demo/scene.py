"""What the demo sets up and takes down: a folder, a policy, a daemon of its own instance."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path

from autoscaler.client import Client
from autoscaler.errors import AutoscalerError, DaemonUnavailable
from autoscaler.wiring import down
from autoscaler.wiring.demo import Ground

APP = "flask-docker-demo"
SERVICE = "demo"
TARGET_RPS = 20
MOST_REPLICAS = 8
ENDS_WITHIN_S = 30.0
POLL_S = 0.1

POLICY = """\
service: {service}
runtime: {runtime}
replica:
{replica}
  port: 5000
  environment: {{PYTHONUNBUFFERED: "1"{host}}}
  stop_grace_period: 10s
  healthcheck: {{http: /healthz}}
route:
  bind: 127.0.0.1:{port}
  max_concurrency: 20
replicas: {{min: 1, max: {most}}}
policies:
  - {{type: target_tracking, metric: request_rate, target: {target}, window: 5s}}
behavior:
  scale_down:
    stabilization_window: 5s
    policies: [{{percent: 50, period: 5s}}]
"""


def app_folder() -> Path:
    """Where the app is: beside this module in an installed package, else in the checkout."""
    packaged = Path(__file__).parent / APP
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "examples" / APP


class Scene:
    """A daemon with one service on free ports, and everything of it in one folder. `async with` tidies up."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.folder = Path(tempfile.mkdtemp(prefix="autoscaler-demo-"))
        self.state_dir = self.folder / "state"
        self.instance = f"demo-{os.getpid()}"
        self.port = free_port()
        self.policy = self.folder / "policies" / "demo.yaml"
        self.log = self.folder / "daemon.log"
        self._daemon: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "Scene":
        self.policy.parent.mkdir()
        self.policy.write_text(self._policy())
        with self.log.open("wb") as log:
            self._daemon = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "autoscaler", "run", str(self.policy.parent)),
                *("--state-dir", str(self.state_dir), "--instance", self.instance, "--listen", "127.0.0.1:0"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take everything down, however far it got."""
        try:
            await self._down()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    async def _down(self) -> None:
        assert self._daemon is not None
        try:
            async with asyncio.timeout(ENDS_WITHIN_S), self.client() as client:
                await client.down(None)
        except (AutoscalerError, TimeoutError):
            with contextlib.suppress(ProcessLookupError):
                self._daemon.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await self._daemon.wait()
        except TimeoutError:
            self._daemon.kill()
            await self._daemon.wait()
        await down.down_in(self.state_dir, self.instance)

    def client(self) -> Client:
        """The daemon's API."""
        return Client.find(None, self.state_dir, None)

    async def until_serving(self, timeout_s: float) -> None:
        """Wait for the first replica. Raises DaemonUnavailable with the daemon's last words where there comes none."""
        try:
            async with asyncio.timeout(timeout_s):
                while not await self._is_serving():
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise DaemonUnavailable(f"no replica was ready in {timeout_s:g} s:\n{self.last_words()}") from None

    async def _is_serving(self) -> bool:
        assert self._daemon is not None
        if self._daemon.returncode is not None:
            raise DaemonUnavailable(f"the daemon ended:\n{self.last_words()}")
        try:
            async with self.client() as client:
                ready, _ = await client.ready()
                service = await client.service(SERVICE)
        except AutoscalerError:
            return False
        return ready and any(replica.state == "ready" for replica in service.replicas)

    def last_words(self) -> str:
        """The end of the daemon's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])

    def _policy(self) -> str:
        app = app_folder()
        if self.ground.runtime == "docker":
            replica = f"  build: {{context: {app}, args: {{BASE: {self.ground.base}}}}}"
        else:
            replica = f"  command: [{sys.executable}, app.py]\n  working_dir: {app}"
        return POLICY.format(
            service=SERVICE,
            runtime=self.ground.runtime,
            replica=replica,
            host="" if self.ground.runtime == "docker" else ", HOST: 127.0.0.1",
            port=self.port,
            most=MOST_REPLICAS,
            target=TARGET_RPS,
        )


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
