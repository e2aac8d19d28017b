"""The adapters by name, each made when it is first asked for."""

from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from autoscaler.ports import Clock, ReplicaRuntime, RuntimeReader
from autoscaler.proxies.haproxy import HAProxy, HAProxyReader
from autoscaler.runtimes.docker import DockerReader, DockerRuntime
from autoscaler.runtimes.process import ProcessReader, ProcessRuntime
from autoscaler.settings import Settings
from autoscaler.spec.load import Loaded, load_document, load_policies

RUNTIMES = ("docker", "process")
STATE_FILE = "state.db"
SOCKET_FILE = "api.sock"
TOKEN_FILE = "token"
INSTANCE_FILE = "instance"
PROXY_FOLDER = "haproxy"
PROCESS_FOLDER = "process"

R = TypeVar("R", bound=RuntimeReader)


class Runtimes(Generic[R]):
    """The runtimes that services name. What `make` makes decides whether they can write."""

    def __init__(self, make: Callable[[str], R]) -> None:
        self._make = make
        self._made: dict[str, R] = {}

    def get(self, name: str) -> R:
        """The runtime of that name."""
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    async def close(self) -> None:
        """Let go of all."""
        for runtime in self._made.values():
            await runtime.close()


def runtimes(settings: Settings, clock: Clock) -> Runtimes[ReplicaRuntime]:
    """Those that start and end replicas."""

    def make(name: str) -> ReplicaRuntime:
        if name == "process":
            return ProcessRuntime(settings.state_dir / PROCESS_FOLDER, clock, settings.environ)
        return DockerRuntime(settings.instance, settings.environ, clock)

    return Runtimes(make)


def readers(settings: Settings, clock: Clock) -> Runtimes[RuntimeReader]:
    """Those that can only look."""

    def make(name: str) -> RuntimeReader:
        if name == "process":
            return ProcessReader(settings.state_dir / PROCESS_FOLDER)
        return DockerReader(settings.instance, settings.environ, clock)

    return Runtimes(make)


def proxy(settings: Settings, clock: Clock) -> HAProxy:
    """The proxy of this state dir."""
    return HAProxy(settings.state_dir / PROXY_FOLDER, clock)


def proxy_reader(settings: Settings, clock: Clock) -> HAProxyReader:
    """The same, for looking only."""
    return HAProxyReader(settings.state_dir / PROXY_FOLDER, clock)


def read_policies(settings: Settings) -> Loaded:
    """What the policy files say."""
    return load_policies(
        settings.paths,
        environ=settings.environ,
        default_runtime=settings.runtime,
        allow_privileged=settings.allow_privileged,
        allow_writable=settings.allow_writable,
    )


def kept_policy_reader(settings: Settings) -> Callable[[str, Path], Loaded]:
    """Reads a policy again from the text that the state dir kept of it."""

    def read(text: str, path: Path) -> Loaded:
        return load_document(
            text,
            path,
            environ=settings.environ,
            default_runtime=settings.runtime,
            allow_privileged=settings.allow_privileged,
        )

    return read
