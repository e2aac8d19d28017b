"""What replicas have used, from the kernel's own files: no call to the engine, some 50 us a replica.

    CPU      v1 cpuacct/…/cpuacct.usage (ns)             v2 …/cpu.stat usage_usec (us)
    memory   v1 memory/…/memory.usage_in_bytes           v2 …/memory.current
             less total_inactive_file, v2 inactive_file of memory.stat, as `docker stats` counts

Where a container's folder is depends on the engine's cgroup driver: docker/ID (cgroupfs) or
system.slice/docker-ID.scope (systemd). Source: kernel cgroup-v1 and cgroup-v2 documentation, docker/cli `stats_helpers.go`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autoscaler.drivers.docker_answers import count, mapping
from autoscaler.model import Usage

CGROUPS = Path("/sys/fs/cgroup")
FOLDERS = ("docker/{id}", "system.slice/docker-{id}.scope")


def read_usage(id: str, root: Path = CGROUPS) -> Usage | None:
    """What the kernel counts for this container, None where its files can't be seen from here."""
    for folder in FOLDERS:
        place = folder.format(id=id)
        usage = _unified(root / place) if (root / "cgroup.controllers").exists() else _legacy(root, place)
        if usage is not None:
            return usage
    return None


def from_stats(answer: Any) -> Usage | None:
    """The same from the engine's own answer, where the files can't be seen."""
    stats = mapping(answer, "stats")
    cpu_ns = _count_in(mapping(mapping(stats.get("cpu_stats"), "cpu_stats").get("cpu_usage"), "cpu_usage"), "total_usage")
    memory = mapping(stats.get("memory_stats"), "memory_stats")
    used, detail = _count_in(memory, "usage"), mapping(memory.get("stats"), "memory_stats.stats")
    if cpu_ns is None and used is None:
        return None
    cached = count(detail.get("total_inactive_file", detail.get("inactive_file", 0)), "inactive_file")
    return Usage(None if cpu_ns is None else cpu_ns / 1e9, None if used is None else max(0, used - cached))


def _count_in(counters: Mapping[str, Any], name: str) -> int | None:
    return None if counters.get(name) is None else count(counters[name], name)


def _unified(folder: Path) -> Usage | None:
    cpu_us = _field(folder / "cpu.stat", "usage_usec")
    memory = _memory(folder / "memory.current", folder / "memory.stat", "inactive_file")
    return None if cpu_us is None and memory is None else Usage(None if cpu_us is None else cpu_us / 1e6, memory)


def _legacy(root: Path, place: str) -> Usage | None:
    cpu_ns = _number(root / "cpuacct" / place / "cpuacct.usage")
    folder = root / "memory" / place
    memory = _memory(folder / "memory.usage_in_bytes", folder / "memory.stat", "total_inactive_file")
    return None if cpu_ns is None and memory is None else Usage(None if cpu_ns is None else cpu_ns / 1e9, memory)


def _memory(total: Path, stat: Path, cached: str) -> int | None:
    used, inactive = _number(total), _field(stat, cached)
    return None if used is None or inactive is None else max(0, used - inactive)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _field(path: Path, name: str) -> int | None:
    try:
        text = path.read_text()
    except OSError:
        return None
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdecimal():
            return int(value)
    return None
