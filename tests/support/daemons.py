"""A real daemon in a process of its own, as users run it: started, killed, asked and taken down by the tests."""

import asyncio
import contextlib
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import docker

from autoscaler.client import Client
from autoscaler.errors import AutoscalerError
from autoscaler.web.models import ServiceAnswer
from tests.support.forks import Forked, Nursery
from tests.support.ports import free_port

APP = Path(__file__).parents[1] / "e2e" / "replica_app.py"
POLL_S = 0.05


@dataclass
class DaemonUnderTest:
    """`policies` is its folder of policy files."""

    folder: Path
    instance: str
    policies: Path = field(init=False)
    state_dir: Path = field(init=False)
    log: Path = field(init=False)
    process: subprocess.Popen[bytes] | Forked | None = None
    flags: tuple[str, ...] = ()
    environ: dict[str, str] = field(default_factory=dict)
    nursery: Nursery | None = None  # to be forked from, where there is one

    def __post_init__(self) -> None:
        self.policies = self.folder / "policies"
        self.state_dir = self.folder / "state"
        self.log = self.folder / "daemon.log"
        self.policies.mkdir(parents=True, exist_ok=True)

    def write_policy(self, name: str, text: str) -> None:
        """Add or change a policy file."""
        (self.policies / f"{name}.yaml").write_text(text)

    def start(self) -> None:
        """Start `autoscaler run`."""
        arguments = [
            *("run", str(self.policies), "--state-dir", str(self.state_dir)),
            *("--instance", self.instance, "--listen", "127.0.0.1:0"),
            *self.flags,
        ]
        if self.nursery is not None:
            self.process = self.nursery.fork(arguments, self.log)
            return
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "autoscaler", *arguments],
                stdout=log,
                stderr=log,
                env=os.environ | self.environ,
                start_new_session=True,
            )

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 20) -> int:
        """Send a signal and answer the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout_s)

    def client(self) -> Client:
        """Its API."""
        return Client.find(None, self.state_dir, None)

    async def service(self, name: str) -> ServiceAnswer:
        """What it tells of a service."""
        async with self.client() as client:
            return await client.service(name)

    async def until(self, name: str, holds: Callable[[ServiceAnswer], bool], timeout_s: float = 30) -> ServiceAnswer:
        """Wait until something holds of a service."""
        last: object = None
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    with contextlib.suppress(AutoscalerError):
                        last = service = await self.service(name)
                        if holds(service):
                            return service
                    await asyncio.sleep(POLL_S)
        except TimeoutError:
            raise AssertionError(f"not within {timeout_s} s; last seen: {last}\n{self.words()}") from None

    async def until_ready(self, name: str, count: int, timeout_s: float = 30) -> ServiceAnswer:
        """Wait until exactly so many replicas are ready, and that many are wanted."""
        return await self.until(name, lambda s: s.desired == count and states(s)["ready"] == count, timeout_s)

    async def scale(self, name: str, replicas: int) -> None:
        """Order a replica count."""
        async with self.client() as client:
            await client.scale(name, {"replicas": replicas})

    def words(self, lines: int = 60) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def down(self) -> subprocess.CompletedProcess[str]:
        """`autoscaler down`, as a user would."""
        command = [
            sys.executable,
            "-m",
            "autoscaler",
            "down",
            "--state-dir",
            str(self.state_dir),
            "--instance",
            self.instance,
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, env=os.environ | self.environ
        )
        if self.process is not None:
            self.process.wait(20)
        return done


def states(service: ServiceAnswer) -> dict[str, int]:
    """How many replicas are in which state."""
    counts = dict.fromkeys(("starting", "ready", "draining", "warm", "failed"), 0)
    for replica in service.replicas:
        counts[replica.state] += 1
    return counts


@contextlib.asynccontextmanager
async def running(daemon: DaemonUnderTest) -> AsyncIterator[DaemonUnderTest]:
    """Started, and taken down whatever happens."""
    daemon.start()
    try:
        yield daemon
    finally:
        done = await asyncio.to_thread(daemon.down)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{daemon.words()}"


def policy(
    runtime: str, bind: str, image: str = "", *, service: str = "web", extra: str = "", most: int = 40, boot_s: float = 0
) -> str:
    """A policy for the replica app on that runtime."""
    if runtime == "docker":
        what = f"  image: {image}\n  command: [{sys.executable}, /app.py]\n  volumes: {host_volumes()}"
    else:
        what = f"  command: [{sys.executable}, {APP}]"
    return f"""\
service: {service}
runtime: {runtime}
replica:
{what}
  port: 5000
  environment: {{BOOT_S: "{boot_s}"}}
  healthcheck: {{tcp: true}}
route: {{bind: "{bind}"}}
replicas: {{min: 1, max: {most}}}
policies:
  - {{type: target_tracking, metric: request_rate, target: 50}}
{extra}"""


def host_volumes() -> str:
    """This machine's Python for a container that has nothing: mounted, not copied."""
    prefix = Path(sys.base_prefix)
    folders = {Path("/usr"), prefix if not prefix.is_relative_to("/usr") else Path("/usr"), Path(sys.prefix)}
    return str([f"{folder}:{folder}:ro" for folder in sorted(folders)] + [f"{APP}:/app.py:ro"]).replace("'", '"')


@contextlib.contextmanager
def bare_image(tag: str, host: str | None = None) -> Iterator[str]:
    """An image, on the engine at `host` or the usual one, that has what a mounted /usr needs; gone with the context."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("bin", "lib", "lib64"):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, f"usr/{name}"
            tar.addfile(link)
        for name in ("sbin", "tmp"):  # the engine puts its init into /sbin
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777
            tar.addfile(folder)
    client = docker.DockerClient(host, timeout=30).api if host else docker.from_env(timeout=30).api
    repository, _, version = tag.rpartition(":")
    client.import_image_from_data(out.getvalue(), repository=repository, tag=version)
    try:
        yield tag
    finally:
        client.remove_image(tag, force=True)
        client.close()


def bind() -> str:
    """A free address for a route."""
    return f"127.0.0.1:{free_port()}"
