"""Whether the engine is one that we know how to use: Docker's own, on this host's kernel, run by root, with nobody between.

On another host, in a virtual machine (Docker Desktop) or without root, a container's address can't be reached from here,
so the proxy could not send it a request.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from docker import APIClient

from autoscaler.drivers.docker import Engine
from autoscaler.drivers.docker_answers import mapping, sequence
from autoscaler.errors import EngineError

SYSTEM_ENGINE = "use the system's own engine: `docker context use default`, and unset DOCKER_HOST"


@dataclass(frozen=True, slots=True)
class Facts:
    """What an engine tells of itself; `server` is the name in its answers' header."""

    version: Mapping[str, Any]
    info: Mapping[str, Any]
    server: str
    api: str


async def ask_facts(engine: Engine) -> Facts:
    """What the engine tells of itself."""

    def ask(client: APIClient) -> Facts:
        ping = client.get(f"{client.base_url}/_ping", timeout=client.timeout)
        server = ping.headers.get("Server", "")
        version, info = mapping(client.version(), "the version"), mapping(client.info(), "the engine")
        return Facts(version, info, server, client.api_version)

    return await engine.look("look at the engine", ask)


def check_is_supported(facts: Facts, where: str, kernel: str = os.uname().release) -> None:
    """EngineError with what isn't available yet, and what to use instead."""
    kind = _unsupported(facts, kernel)
    if kind:
        raise EngineError(f"{kind} is not available yet", where=where, fix=SYSTEM_ENGINE)


def _unsupported(facts: Facts, kernel: str) -> str:
    platform = mapping(facts.version.get("Platform"), "Platform").get("Name", "")
    components = [mapping(component, "a component") for component in sequence(facts.version.get("Components"), "Components")]
    security = sequence(facts.info.get("SecurityOptions"), "SecurityOptions")
    if any("podman" in str(component.get("Name", "")).lower() for component in components):
        return "Podman"
    if "docker desktop" in f"{platform} {facts.info.get('OperatingSystem', '')}".lower():
        return "Docker Desktop"
    if any(str(option).startswith("name=rootless") for option in security):
        return "a rootless engine"
    if not facts.server.startswith("Docker/"):
        return f"a proxy in front of the engine ({facts.server or 'unnamed'})"
    if facts.info.get("KernelVersion") not in (kernel, None):
        return f"an engine of another host or virtual machine ({facts.info.get('Name')})"
    return ""
