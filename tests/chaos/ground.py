"""What differs between runtimes: what replicas are started from, who a replica is in the journal, and how it is harmed."""

import asyncio
import contextlib
import signal
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import docker

from autoscaler.drivers.children import identify, send, wait_gone
from autoscaler.runtimes.process import records
from tests.support.daemons import bare_image
from tests.support.engines import BridgedEngine, bridged_engine

APP = Path(__file__).with_name("app.py")
IMAGE = "autoscaler-chaos/app:1"
DEATH_LIMIT_S = 30.0


class Ground(Protocol):
    """A runtime, and what of the outside there is for faults to strike."""

    name: str
    environ: Mapping[str, str]

    def replica(self, shared: Path) -> str:
        """The lines of `replica:` that say what is run."""

    async def identity(self, replica: str) -> str:
        """Its name in the journal."""

    async def pid(self, replica: str) -> int:
        """The app's own process."""


@dataclass
class ProcessGround:
    """Processes of this machine, by the files of the daemon's state dir."""

    state_dir: Path
    name: str = "process"
    environ: Mapping[str, str] = field(default_factory=dict)

    def replica(self, shared: Path) -> str:
        return f'  command: ["{sys.executable}", "{APP}"]\n  environment: {{SHARED: "{shared}"}}'

    async def identity(self, replica: str) -> str:
        return replica

    async def pid(self, replica: str) -> int:
        running = records.read_running(self.state_dir / "process" / replica)
        assert running is not None
        return running.leader.pid


@dataclass
class DockerGround:
    """Containers of an engine of the suite's own, which may be hung and ended."""

    engine: BridgedEngine
    instance: str
    name: str = "docker"

    def __post_init__(self) -> None:
        self.environ: Mapping[str, str] = self.engine.environ
        self.api: Any = docker.DockerClient(self.engine.host, timeout=60).api

    def replica(self, shared: Path) -> str:
        mounts = [*_python(), f"{APP}:/app.py:ro", f"{shared}:/shared"]
        volumes = ", ".join(f'"{mount}"' for mount in mounts)
        return (
            f'  image: {IMAGE}\n  command: ["{sys.executable}", "/app.py"]\n  volumes: [{volumes}]\n'
            "  environment: {SHARED: /shared}\n  mem_limit: 128m"
        )

    async def identity(self, replica: str) -> str:
        told = await asyncio.to_thread(self.api.inspect_container, self.container(replica))
        return str(told["Config"]["Hostname"])

    async def pid(self, replica: str) -> int:
        """The child of the container's init."""
        told = await asyncio.to_thread(self.api.inspect_container, self.container(replica))
        return children_of(told["State"]["Pid"])[0]

    def container(self, replica: str) -> str:
        """The container's name."""
        return f"autoscaler-{self.instance}-{replica}"

    @contextlib.contextmanager
    def strangers(self) -> Iterator[None]:
        """Containers that look like ours: one by its name, one by another instance's labels. Untouched, or it fails."""
        labels = {"io.autoscaler.managed": "true", "io.autoscaler.service": "web", "io.autoscaler.replica": "web-9002"}
        others = {**labels, "io.autoscaler.instance": "someone-else"}
        made = [self._stranger(self.container("web-9001"), {}), self._stranger("stranger-9002", others)]
        before = [self._started_at(id) for id in made]
        yield
        after = [self._started_at(id) for id in made]
        for id in made:
            self.api.remove_container(id, force=True)
        assert after == before, "a stranger's container was touched"

    def _stranger(self, name: str, labels: dict[str, str]) -> str:
        binds = self.api.create_host_config(binds=_python())
        command = [sys.executable, "-c", "import signal; signal.pause()"]
        id = str(self.api.create_container(IMAGE, command, name=name, labels=labels, host_config=binds)["Id"])
        self.api.start(id)
        return id

    def _started_at(self, id: str) -> tuple[str, str]:
        state = self.api.inspect_container(id)["State"]
        return state["Status"], state["StartedAt"]


@contextlib.contextmanager
def docker_ground(instance: str) -> Iterator[DockerGround]:
    """An engine of our own with the replica's image, and strangers on it."""
    name = uuid.uuid4().hex[:8]
    with bridged_engine(Path(f"/var/tmp/as-{name}"), f"as{name}") as engine, bare_image(IMAGE, engine.host):
        ground = DockerGround(engine, instance)
        with contextlib.closing(ground.api), ground.strangers():
            yield ground


def _python() -> list[str]:
    """This machine's Python, for a container that has nothing."""
    prefix = Path(sys.base_prefix)
    folders = {Path("/usr"), prefix if not prefix.is_relative_to("/usr") else Path("/usr"), Path(sys.prefix)}
    return [f"{folder}:{folder}:ro" for folder in sorted(folders)]


def children_of(pid: int) -> list[int]:
    """The processes that a process has started, the newest last; none of one that is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


async def kill(*pids: int) -> None:
    """`kill -9`, and wait until they are dead: on a busy machine they go on for a while."""
    processes = [process for pid in pids if (process := identify(pid)) is not None]
    for process in processes:
        send(process, signal.SIGKILL)
    for process in processes:
        assert await wait_gone(process, DEATH_LIMIT_S), f"{process} lives {DEATH_LIMIT_S:g} s after kill -9"
