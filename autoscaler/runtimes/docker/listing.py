"""An entry of the engine's list of containers as an Instance: one call for all, no look at each.

The list tells state, addresses, labels, and health and exit status as text ("Up 2 seconds (healthy)", "Exited (137) 4
seconds ago"). Only whether an ended one was out of memory needs a look of its own, once. `created_at` is the engine's
clock, in whole seconds: never compare it with another clock. An entry that is none fails the whole list: one replica left
out of it would be taken for gone. Source: Engine API 1.41, `GET /containers/json`.
"""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from autoscaler.drivers.docker_answers import count, mapping, sequence, text, texts
from autoscaler.errors import EngineError
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
_EXITED = re.compile(r"^Exited \((-?[0-9]{1,10})\)")


def read_list(given: Any) -> Sequence[Entry]:
    """The entries that carry the labels that name a replica; someone may have committed an image with some of ours."""
    if given is None:
        raise EngineError("the engine answered nothing to the list of containers")
    entries = [mapping(entry, "a container") for entry in sequence(given, "containers")]
    return [entry for entry in entries if is_complete(entry)]


def to_instance(entry: Entry, exit: Exit | None) -> Instance:
    """What the list tells of one container; `exit` is what a look of its own told of an ended one."""
    marked = texts(entry.get("Labels"), "Labels")
    return Instance(
        id=text(entry.get("Id"), "Id"),
        replica=marked[labels.REPLICA],
        service=marked[labels.SERVICE],
        spec_hash=marked.get(labels.SPEC, ""),
        phase=phase_of(entry),
        created_at=float(count(entry.get("Created"), "Created")),
        address=_address(entry, marked.get(labels.PORT, "")),
        healthy=_healthy(_status(entry)),
        exit=exit,
        image=text(entry.get("ImageID", ""), "ImageID"),
    )


def is_complete(entry: Entry) -> bool:
    """Whether it carries the labels that name it."""
    marked = mapping(entry.get("Labels"), "Labels")
    return labels.REPLICA in marked and labels.SERVICE in marked


def phase_of(entry: Entry) -> Phase:
    """Where it is in its life."""
    return PHASES.get(text(entry.get("State"), "State"), Phase.EXITED)


def exit_from_status(entry: Entry) -> Exit | None:
    """How it ended, as far as the list tells."""
    if phase_of(entry) is not Phase.EXITED:
        return None
    match = _EXITED.match(_status(entry))
    return Exit(int(match[1]) if match else None)


def exit_from_state(state: Mapping[str, Any]) -> Exit:
    """How it ended, from a look at it alone."""
    code = state.get("ExitCode")
    known = isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**32
    return Exit(code if known else None, oom=state.get("OOMKilled") is True)


def _status(entry: Entry) -> str:
    return text(entry.get("Status", ""), "Status")


def _address(entry: Entry, port: str) -> Address | None:
    if phase_of(entry) not in (Phase.RUNNING, Phase.PAUSED):
        return None
    networks = mapping(mapping(entry.get("NetworkSettings"), "NetworkSettings").get("Networks"), "Networks")
    first = mapping(entry.get("HostConfig"), "HostConfig").get("NetworkMode")
    ordered = sorted(networks, key=lambda name: (name != first, name))
    found = [mapping(networks[name], "a network") for name in ordered]
    host = next((host for network in found if (host := network.get("IPAddress") or network.get("GlobalIPv6Address"))), None)
    if host is None or not _is_port(port):
        return None
    try:
        return Address(str(ipaddress.ip_address(text(host, "IPAddress"))), int(port))
    except ValueError:
        raise EngineError(f"the engine answered the address {host!r:.60} for a replica, which is none") from None


def _is_port(written: str) -> bool:
    return re.fullmatch(r"[0-9]{1,5}", written) is not None and 0 < int(written) < 65536


def _healthy(status: str) -> bool | None:
    if "(healthy)" in status:
        return True
    return False if "(unhealthy)" in status or "(health: starting)" in status else None
