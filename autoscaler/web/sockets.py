"""Where the API listens: an address of `--listen`, and a socket in the state dir."""

import asyncio
import logging
import os
import socket
from pathlib import Path

from autoscaler.errors import AutoscalerError, StateError, UsageError

BACKLOG = 1024
RESOLVE_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)


def split_address(listen: str) -> tuple[str, int]:
    """`127.0.0.1:9600` or `[::1]:9600` as host and port."""
    host, colon, port = listen.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise UsageError("no address to listen at", where=f"--listen {listen}", fix="write it like 127.0.0.1:9600")
    return host, int(port)


async def bind_address(host: str, port: int) -> socket.socket:
    """A socket that listens there."""
    where = f"--listen {host}:{port}"
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError) as error:
        raise UsageError(f"no such address ({error})", where=where, fix="write it like 127.0.0.1:9600") from error
    family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        raise AutoscalerError(
            f"can't listen: {error.strerror}", where=where, fix="is another daemon there? choose another --listen"
        ) from error
    return bound


def bind_path(path: Path) -> socket.socket:
    """A unix socket that listens there, for its owner alone; one that a dead daemon left is replaced."""
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        if path.is_socket():
            path.unlink()
        bound.bind(str(path))
        path.chmod(0o600)  # before it listens: until then nobody can connect
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        what = f"can't make the API's socket: {error.strerror or error}"
        raise StateError(what, where=str(path), fix="choose another --state-dir") from error
    return bound


def told_address(bound: socket.socket) -> str:
    """The address of a bound socket, as people write it."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def write_address(path: Path, address: str) -> None:
    """Tell commands where the API listens."""
    draft = path.with_name(f"{path.name}.new")
    try:
        draft.write_text(f"{address}\n", encoding="utf-8")
        os.replace(draft, path)
    except OSError as error:
        log.warning("%s can't be written, so commands find this daemon by its socket alone: %s", path, error)
