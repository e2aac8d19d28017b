"""What a `replica:` may not say: keys that are ours, and whatever would hand a replica the host.

Ours are refused always, the others unless the operator allows that one service: `--allow-privileged SERVICE`. Bind mounts
are judged by their real path, behind `..` and symbolic links; read-only doesn't help an engine's socket, nor a folder that
holds one.
"""

import os
from collections.abc import Iterator

from autoscaler.spec.models import NAME_PATTERN
from autoscaler.spec.nodes import ListNode, MapNode, Mark, Node, Path, Scalar, shown
from autoscaler.spec.problems import Problems
from autoscaler.spec.volumes import NOT_YET

OURS = {
    "restart": ("a replica that ends is replaced by the autoscaler", "remove it"),
    "container_name": ("replicas are named by the autoscaler", "remove it"),
    "ports": ("clients come through the proxy, replicas have no ports on the host", "write `port:` and `route.bind:`"),
    "scale": ("the policies choose the number of replicas", "write `replicas: {min: 1, max: 10}` beside `replica:`"),
    "x-autoscaler": (f"a Compose file as a policy is {NOT_YET}", "write its keys beside `replica:`"),
}
OUR_LABELS = "io.autoscaler."
HOST_NAMESPACES = ("network_mode", "pid", "ipc", "userns_mode")
CAPABILITIES = {"ALL", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYS_MODULE"}
HOST_FOLDERS = ("/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/var/lib/docker")
ENGINE_SOCKETS = (
    "/run/docker.sock",
    "/run/containerd/containerd.sock",
    "/run/podman/podman.sock",
    "/run/crio/crio.sock",
    "/run/buildkit/buildkitd.sock",
)
_ENGINES = ("docker", "containerd", "podman", "crio", "buildkit")


def check(replica: MapNode, path: Path, service: str, allowed: bool, problems: Problems) -> None:
    """Look at a normalized `replica:`."""
    for key, (reason, fix) in OURS.items():
        if key in replica.entries:
            problems.add(replica.entries[key].mark, (*path, key), f"refused: {reason}", fix)
    labels = replica.get("labels")
    for name, entry in labels.entries.items() if isinstance(labels, MapNode) else ():
        if name.startswith(OUR_LABELS):
            what = f"refused: labels {OUR_LABELS}* are the autoscaler's own"
            problems.add(entry.mark, (*path, "labels", name), what, "remove it")
    for mark, where, what in _privileges(replica, path):
        if not allowed:
            named = service if NAME_PATTERN.fullmatch(service) else "SERVICE"
            fix = f"remove it, or start with --allow-privileged {named}"
            problems.add(mark, where, f"refused: {what}", fix)
        elif len(where) == len(path) + 1:  # a key of its own, which no model has yet; capabilities and mounts have one
            problems.add(mark, where, NOT_YET, "remove it")


def _privileges(replica: MapNode, path: Path) -> Iterator[tuple[Mark, Path, str]]:
    """All that would hand a replica the host: where, which key, why."""
    for key, entry in replica.entries.items():
        if key == "privileged":
            yield entry.mark, (*path, key), "a privileged replica owns the host"
        elif key in HOST_NAMESPACES:
            yield entry.mark, (*path, key), "the host's namespaces, or another container's, are not a replica's"
        elif key == "devices":
            yield entry.mark, (*path, key), "devices of the host"
    for mark, where, text in _texts(replica.get("networks"), (*path, "networks")):
        if text == "host" or text.startswith("container:"):
            yield mark, where, f"network {shown(text)} is not a replica's own"
    for mark, where, text in _texts(replica.get("cap_add"), (*path, "cap_add")):
        if text in CAPABILITIES:
            yield mark, where, f"capability {text} gives power over the host"
    for mark, where, text in _texts(replica.get("security_opt"), (*path, "security_opt")):
        if text.lower().endswith("unconfined"):
            yield mark, where, f"{shown(text)} takes the engine's protection away"
    yield from _mounts(replica.get("volumes"), (*path, "volumes"))


def _texts(node: Node | None, path: Path) -> Iterator[tuple[Mark, Path, str]]:
    if isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            if isinstance(item, Scalar):
                yield item.mark, (*path, index), item.text


def _mounts(node: Node | None, path: Path) -> Iterator[tuple[Mark, Path, str]]:
    for index, mount in enumerate(node.items if isinstance(node, ListNode) else ()):
        if not isinstance(mount, MapNode):
            continue
        kind, source, read_only = (mount.get(key) for key in ("type", "source", "read_only"))
        if not (isinstance(kind, Scalar) and kind.value == "bind" and isinstance(source, Scalar)):
            continue
        writable = not (isinstance(read_only, Scalar) and read_only.value is True)
        if reason := dangerous(source.text, writable):
            yield mount.mark, (*path, index), reason


def dangerous(source: str, writable: bool) -> str:
    """Why a path of the host may not be mounted, "" where it may."""
    try:
        paths = {os.path.normpath(source), os.path.realpath(source)}
    except (OSError, ValueError):  # links that we may not read, a NUL
        return f"{shown(source)} can't be followed"
    for path in sorted(paths):
        path = "/" + path.lstrip("/")
        if _is_engine_socket(path):
            return f"{shown(path)} is an engine's socket, and who has it owns the host"
        if path == "/" or any(_is_within(folder, path) for folder in HOST_FOLDERS):
            return f"{shown(path)} is the host's own"
        if writable and any(_is_within(path, folder) for folder in HOST_FOLDERS):
            return f"{shown(path)} is the host's own, and writable"
        if any(_is_within(socket, path) for socket in _sockets()):
            return f"{shown(path)} holds an engine's socket"
    return ""


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_engine_socket(path: str) -> bool:
    name = os.path.basename(path)
    return path in _sockets() or (name.endswith(".sock") and name.startswith(_ENGINES))


def _sockets() -> set[str]:
    """Where engines listen, by both names of /run, and where this one is told that its engine does."""
    told = os.environ.get("DOCKER_HOST", "").removeprefix("unix://")
    own = {os.path.realpath(told)} if told.startswith("/") else set()
    return {*ENGINE_SOCKETS, *(f"/var{socket}" for socket in ENGINE_SOCKETS), *own}
