"""The config file's text: routes, the current servers, and where this HAProxy's own files are.

The digest is of everything but the servers: two texts of one digest differ in servers alone, and going from one to the
other needs no reload. `description` carries it, so that a running process tells which routes it has.
"""

import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from autoscaler.model import Address, Backend
from autoscaler.proxies.haproxy import words
from autoscaler.proxies.haproxy.routes import NO_ROUTE, Routes

FULL_LOG_RATE = 300  # requests/s of one bind; a line costs its reader some 10 us
SAMPLING = 20
FD_LIMIT = 100_000  # where the system allows a billion HAProxy would lay out tables for them

_LOG_PORT = re.compile(r"^    log 127\.0\.0\.1:(\d+) ", re.MULTILINE)
_BACKEND = re.compile(r"backend (\S+)")
_BIND = re.compile(r"^    bind (\S+)$", re.MULTILINE)
_SERVER = re.compile(r"    server (\S+) (\[[0-9a-f:.]+\]|[0-9.]+):(\d+)( disabled)?( # not checked)?")


@dataclass(frozen=True, slots=True)
class Setting:
    """What a config needs to know of this machine. `folder` holds the sockets and the map."""

    folder: Path
    log_port: int
    threads: int


@dataclass(frozen=True, slots=True)
class ServerLine:
    """One server of the config."""

    name: str
    endpoint: str
    draining: bool
    checked: bool


@dataclass(frozen=True, slots=True)
class FileNames:
    """The files that a config names."""

    stats: Path
    states: Path
    map: Path


class Config:
    """Routes in their setting: the text for any set of servers."""

    def __init__(self, routes: Routes, setting: Setting) -> None:
        self.routes = routes
        self.setting = setting
        self.map_file = setting.folder / f"routes-{_hash(routes.map)}.map"
        self.digest = _hash(self._text("", {}))

    def text(self, servers: Mapping[str, Sequence[Backend]]) -> str:
        """The config file with these servers. Raises ProxyError for a value that no config may hold."""
        return self._text(self.digest, {service: lines(backends) for service, backends in servers.items()})

    def _text(self, digest: str, servers: Mapping[str, Sequence[ServerLine]]) -> str:
        return _template().render(
            digest=digest,
            routes=self.routes,
            servers=servers,
            threads=self.setting.threads,
            log_port=self.setting.log_port,
            files=FileNames(self.setting.folder / "stats.sock", self.setting.folder / "servers.state", self.map_file),
            fd_limit=FD_LIMIT,
            full_log_rate=FULL_LOG_RATE,
            sampling=SAMPLING,
            no_route=NO_ROUTE,
        )


def lines(backends: Sequence[Backend]) -> tuple[ServerLine, ...]:
    """The server lines of these backends."""
    return tuple(ServerLine(words.name(b.replica), words.endpoint(b.address), b.draining, b.checked) for b in backends)


# ---------------------------------------------------------------- read back


def read_log_port(text: str) -> int | None:
    """The port that a config sends its log to."""
    found = _LOG_PORT.search(text)
    return int(found[1]) if found else None


def read_binds(text: str) -> frozenset[str]:
    """Where a config listens for clients."""
    return frozenset(_BIND.findall(text))


def read_servers(text: str) -> dict[str, tuple[Backend, ...]]:
    """The servers that a config names, by service."""
    servers: dict[str, list[Backend]] = {}
    service = NO_ROUTE
    for line in text.splitlines():
        if backend := _BACKEND.fullmatch(line):
            service = backend[1]
            if service != NO_ROUTE:
                servers[service] = []
        elif found := _SERVER.fullmatch(line):
            name, host, port, disabled, unchecked = found.groups()
            address = Address(host.strip("[]"), int(port))
            servers[service].append(Backend(name, address, bool(disabled), "in the config file", not unchecked))
    return {service: tuple(backends) for service, backends in servers.items()}


# ---------------------------------------------------------------- template


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["ms"] = _milliseconds
    environment.filters["up"] = math.ceil
    return environment.get_template("haproxy.cfg.j2")


def _milliseconds(seconds: float) -> str:
    """A duration as HAProxy writes it."""
    milliseconds = words.milliseconds(seconds)
    return f"{milliseconds // 1000}s" if milliseconds % 1000 == 0 else f"{milliseconds}ms"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
