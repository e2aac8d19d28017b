"""What is wrong with an engine, or could be better, for `doctor`: one line and one fix each. Nothing is changed."""

import ipaddress
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from autoscaler.drivers.docker import Engine
from autoscaler.drivers.docker_answers import mapping, sequence, text
from autoscaler.errors import AutoscalerError, EngineError
from autoscaler.runtimes.docker.support import Facts, ask_facts, check_is_supported
from autoscaler.status import Finding
from autoscaler.units import format_size

LEAST_FREE_BYTES = 1024**3
INIT_FOLDERS = ("/usr/libexec/docker", "/usr/local/libexec/docker", "/usr/lib/docker")
LIMITS = {"MemoryLimit": "mem_limit", "CpuCfsQuota": "cpus", "PidsLimit": "pids_limit"}
READABLE_LOGS = ("json-file", "local", "journald")


async def diagnose_engine(engine: Engine) -> Sequence[Finding]:
    """Whether it answers, is one that we can use, and has what replicas need."""
    try:
        facts = await ask_facts(engine)
        check_is_supported(facts, engine.where)
    except AutoscalerError as error:
        return [failure(error)]
    version = facts.version.get("Version")
    findings = [Finding(True, f"{engine.where} answers: Engine {version}, API {facts.api}")]
    return [*findings, *_of_info(facts), await _bridge(engine)]


def failure(error: AutoscalerError) -> Finding:
    """An error as a finding."""
    return Finding(False, f"{error.where}: {error.what}" if error.where else error.what, error.fix)


def _of_info(facts: Facts) -> Iterator[Finding]:
    info = facts.info
    if info.get("LiveRestoreEnabled"):
        yield Finding(True, "live-restore is on: replicas outlive a restart of dockerd")
    else:
        fix = 'set "live-restore": true in /etc/docker/daemon.json and reload dockerd'
        yield Finding(True, "live-restore is off: a restart of dockerd ends every replica", fix)
    yield _storage(info)
    yield from _limits(info)
    yield _init(str(info.get("InitBinary") or "docker-init"))
    if (driver := info.get("LoggingDriver")) not in READABLE_LOGS:
        yield Finding(True, f"logging driver {driver}: `logs` may have nothing to show", "use json-file, local or journald")


def _storage(info: Mapping[str, Any]) -> Finding:
    driver, root = info.get("Driver"), str(info.get("DockerRootDir") or "")
    try:
        free = shutil.disk_usage(root).free
    except OSError:
        return Finding(True, f"storage driver {driver}; {root} can't be seen from here")
    what = f"storage driver {driver}, {format_size(free // 1024**2 * 1024**2)} free in {root}"
    if free < LEAST_FREE_BYTES:
        return Finding(False, what, "free some disk: see `docker system df`, then `docker system prune`")
    if driver == "vfs":
        return Finding(True, what, "vfs copies every image for every replica: use overlay2")
    return Finding(True, what)


def _limits(info: Mapping[str, Any]) -> Iterator[Finding]:
    missing = [key for fact, key in LIMITS.items() if info.get(fact) is False]
    if missing:
        fix = "enable these cgroup controllers in the kernel (on Debian: cgroup_enable=memory)"
        yield Finding(False, f"this host can't limit {', '.join(missing)}", fix)
    else:
        yield Finding(True, f"memory, CPU and process limits work (cgroup v{info.get('CgroupVersion', '1')})")


def _init(binary: str) -> Finding:
    places = [Path(folder, binary) for folder in INIT_FOLDERS]
    if Path(binary).is_file() or shutil.which(binary) or any(place.is_file() for place in places):
        return Finding(True, f"{binary} is there")
    return Finding(
        True, f"{binary} was not found on this host", "install it (package tini or docker-init), or say `init: false`"
    )


async def _bridge(engine: Engine) -> Finding:
    """Whether we have an address in the engine's bridge network: then replicas' addresses can be reached."""
    try:
        bridge = await engine.look(
            "look at network bridge", lambda client: mapping(client.inspect_network("bridge"), "a network")
        )
        subnet = _subnet(bridge)
    except AutoscalerError as error:
        return failure(error)
    if subnet is None:
        return Finding(True, "network bridge has no subnet: whether replicas can be reached shows when one runs")
    if _has_address_in(subnet):
        return Finding(True, f"network bridge ({subnet}) is reachable from here")
    fix = "run autoscaler in the host's network (in a container: network_mode: host)"
    return Finding(False, f"network bridge ({subnet}) can't be reached from here, nor can replicas", fix)


def _subnet(bridge: Mapping[str, Any]) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Its first, None where it has none."""
    configs = sequence(mapping(bridge.get("IPAM"), "IPAM").get("Config"), "IPAM.Config")
    given = next((mapping(config, "IPAM.Config").get("Subnet") for config in configs), None)
    try:
        return None if given is None else ipaddress.ip_network(text(given, "Subnet"))
    except ValueError:
        raise EngineError(f"the engine answered {given!r:.60}, which is no subnet") from None


def _has_address_in(subnet: ipaddress.IPv4Network | ipaddress.IPv6Network) -> bool:
    """Which address the kernel would speak to that network from; nothing is sent."""
    family = socket.AF_INET6 if subnet.version == 6 else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(subnet.network_address + 1), 9))
        except OSError:
            return False
        return ipaddress.ip_address(probe.getsockname()[0]) in subnet
