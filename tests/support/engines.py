"""An engine of a test's own, for what must not be done to the host's: hang it, end it, cut its streams."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException

STOP_TIMEOUT_S = 5
START_TIMEOUT_S = 30.0
# In a network namespace of its own: `--bridge none` deletes docker0 where it finds one, and so cuts off the host's engine.
APART = ("unshare", "--net", "dockerd")
NETWORKLESS = ("--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false")


@dataclass
class OwnEngine:
    """A dockerd without networks, its files below `folder`."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def host(self) -> str:
        return f"unix://{self.folder}/docker.sock"

    @property
    def environ(self) -> dict[str, str]:
        """What leads a client to it."""
        return {**os.environ, "DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.folder)}

    @contextlib.contextmanager
    def hung(self) -> Iterator[None]:
        """It takes connections and answers nothing."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            _wait_until_stopped(self.process.pid)
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        self.process.wait(timeout=30)

    def start(self) -> None:
        """Start it, or start it again."""
        self.process = _dockerd(self.folder)
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        until = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                docker.DockerClient(self.host, timeout=5).close()
            except DockerException:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return


@contextlib.contextmanager
def own_engine(folder: Path) -> Iterator[OwnEngine]:
    """A running engine; gone with all its files when the context ends."""
    folder.mkdir(parents=True, exist_ok=True)
    engine = OwnEngine(folder, _dockerd(folder))
    try:
        engine.wait()
        yield engine
    finally:
        engine.end()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_stopped(pid: int) -> None:
    """The signal is sent before it has reached every thread, and one that goes on may still answer."""
    until = time.monotonic() + STOP_TIMEOUT_S
    while any(_state(thread) != "T" for thread in Path(f"/proc/{pid}/task").iterdir()):
        if time.monotonic() > until:
            raise TimeoutError(f"process {pid} still runs {STOP_TIMEOUT_S} s after SIGSTOP")
        time.sleep(0.005)


def _state(thread: Path) -> str:
    """The state's letter, proc(5)."""
    return (thread / "stat").read_text().rpartition(")")[2].split()[0]


def _dockerd(folder: Path) -> subprocess.Popen[bytes]:
    places = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    with (folder / "log").open("ab") as log:
        command = [*APART, *places, "--host", f"unix://{folder}/docker.sock", *NETWORKLESS]
        return subprocess.Popen(command, stdout=log, stderr=log)


@contextlib.contextmanager
def bridged_engine(folder: Path, bridge: str) -> Iterator["BridgedEngine"]:
    """An engine whose containers can be reached from here, over a bridge of its own, and live on while it is away."""
    network = f"10.{213 + os.getpid() % 40}.{os.getpid() // 40 % 250}"
    subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], check=True)
    try:
        subprocess.run(["ip", "address", "add", f"{network}.1/24", "dev", bridge], check=True)
        subprocess.run(["ip", "link", "set", bridge, "up"], check=True)
        folder.mkdir(parents=True, exist_ok=True)
        engine = BridgedEngine(folder, _bridged_dockerd(folder, bridge), bridge)
        try:
            engine.wait()
            yield engine
        finally:
            engine.remove_containers()
            engine.end()
            engine.let_go_of_its_files()
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        subprocess.run(["ip", "link", "delete", bridge], check=True)


@dataclass
class BridgedEngine(OwnEngine):
    """Its containers are on `bridge`."""

    bridge: str = ""

    def remove_containers(self) -> None:
        """They would outlive the engine, and its files with them."""
        with contextlib.closing(docker.DockerClient(self.host, timeout=30)) as client:
            for container in client.containers.list(all=True):
                container.remove(force=True)

    def let_go_of_its_files(self) -> None:
        """With live-restore, an engine that was started again leaves its data root mounted when it ends."""
        data = str(self.folder / "data")
        if f" {data} " in Path("/proc/mounts").read_text():  # a folder of the same disk, so Path.is_mount sees no difference
            subprocess.run(["umount", data], check=True)

    def start(self) -> None:
        """Start it, or start it again."""
        self.process = _bridged_dockerd(self.folder, self.bridge)
        self.wait()


def _bridged_dockerd(folder: Path, bridge: str) -> subprocess.Popen[bytes]:
    places = ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    apart = ["--bridge", bridge, "--iptables=false", "--ip6tables=false", "--ip-masq=false", "--live-restore"]
    with (folder / "log").open("ab") as log:
        command = ["dockerd", *places, "--host", f"unix://{folder}/docker.sock", *apart]
        return subprocess.Popen(command, stdout=log, stderr=log)
