"""An entry of the engine's list of containers as an Instance: one call for all, no look at each.

The list tells state, addresses, labels, and health and exit status as text ("Up 2 seconds (healthy)", "Exited (137) 4
seconds ago"). Only whether an ended one was out of memory needs a look of its own, once. `created_at` is the engine's
clock, in whole seconds: never compare it with another clock. Source: Engine API 1.41, `GET /containers/json`.
"""

import re
from collections.abc import Mapping
from typing import Any

from autoscaler.model import Address, Exit, Instance, Phase
from autoscaler.runtimes.docker import labels

Entry = Mapping[str, Any]

PHASES = {
    "created": Phase.CREATED,
    "running": Phase.RUNNING,
    "restarting": Phase.RUNNING,
    "paused": Phase.PAUSED,
    "exited": Phase.EXITED,
    "removing": Phase.EXITED,
    "dead": Phase.EXITED,
}
_EXITED = re.compile(r"^Exited \((-?\d+)\)")


def to_instance(entry: Entry, exit: Exit | None) -> Instance:
    """What the list tells of one container; `exit` is what a look of its own told of an ended one."""
    marked: Mapping[str, str] = entry["Labels"]
    return Instance(
        id=entry["Id"],
        replica=marked[labels.REPLICA],
        service=marked[labels.SERVICE],
        spec_hash=marked.get(labels.SPEC, ""),
        phase=phase_of(entry),
        created_at=float(entry["Created"]),
        address=_address(entry),
        healthy=_healthy(entry.get("Status", "")),
        exit=exit,
        image=entry.get("ImageID", ""),
    )


def is_complete(entry: Entry) -> bool:
    """Whether it carries the labels that name it; someone may have committed an image with some of ours."""
    return labels.REPLICA in entry["Labels"] and labels.SERVICE in entry["Labels"]


def phase_of(entry: Entry) -> Phase:
    """Where it is in its life."""
    return PHASES.get(entry.get("State", ""), Phase.EXITED)


def exit_from_status(entry: Entry) -> Exit | None:
    """How it ended, as far as the list tells."""
    if phase_of(entry) is not Phase.EXITED:
        return None
    match = _EXITED.match(entry.get("Status", ""))
    return Exit(int(match[1]) if match else None)


def exit_from_state(state: Mapping[str, Any]) -> Exit:
    """How it ended, from a look at it alone."""
    return Exit(state.get("ExitCode"), oom=bool(state.get("OOMKilled")))


def _address(entry: Entry) -> Address | None:
    if phase_of(entry) not in (Phase.RUNNING, Phase.PAUSED):
        return None
    networks: Mapping[str, Any] = (entry.get("NetworkSettings") or {}).get("Networks") or {}
    first = (entry.get("HostConfig") or {}).get("NetworkMode", "")
    ordered = sorted(networks, key=lambda name: (name != first, name))
    hosts = (networks[name].get("IPAddress") or networks[name].get("GlobalIPv6Address") for name in ordered)
    host = next((host for host in hosts if host), None)
    port = entry["Labels"].get(labels.PORT, "")
    return Address(host, int(port)) if host and port.isdecimal() else None


def _healthy(status: str) -> bool | None:
    if "(healthy)" in status:
        return True
    return False if "(unhealthy)" in status or "(health: starting)" in status else None
