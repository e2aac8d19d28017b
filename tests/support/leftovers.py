"""What a test run has left behind: processes that still know its folder, containers of its instances.

A process is of the run if its command line, environment, working directory or an open file names the run's folder. That
finds those too that have a session and an environment of their own, as HAProxy and process replicas have.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException

MANAGED = "io.autoscaler.managed=true"
INSTANCE = "io.autoscaler.instance"


@dataclass(frozen=True, slots=True)
class Process:
    """A process and what it was started as."""

    pid: int
    command: str


def processes(folder: Path) -> list[Process]:
    """The processes that have to do with the folder, save this one."""
    pids = {int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()} - {os.getpid()}
    return [Process(pid, _command(pid)) for pid in sorted(pids) if _names(pid, f"{folder}/")]


def containers(prefix: str) -> set[str]:
    """The names of the containers that belong to an instance with that prefix; none where no engine answers."""
    try:
        listed = docker.from_env(timeout=10).api.containers(all=True, filters={"label": MANAGED})
    except DockerException:
        return set()
    return {entry["Names"][0].lstrip("/") for entry in listed if entry["Labels"].get(INSTANCE, "").startswith(prefix)}


def _names(pid: int, folder: str) -> bool:
    if any(folder.encode() in _read(pid, file) for file in ("cmdline", "environ")):
        return True
    try:
        links = [Path(f"/proc/{pid}/cwd"), *Path(f"/proc/{pid}/fd").iterdir()]
        return any(f"{os.readlink(link)}/".startswith(folder) for link in links)
    except OSError:
        return False


def _command(pid: int) -> str:
    return _read(pid, "cmdline").replace(b"\0", b" ").decode(errors="replace").strip()


def _read(pid: int, file: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{file}").read_bytes()
    except OSError:
        return b""
