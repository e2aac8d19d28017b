"""Where a container's processes listen, from the kernel's socket tables of its network namespace.

/proc/PID/net/tcp and tcp6 list sockets as `ADDRESS:PORT` in hexadecimal, addresses in words of the host's byte order;
state 0A is LISTEN. Docker's own name server listens on 127.0.0.11 there. Source: proc(5).
"""

import ipaddress
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

LISTEN = "0A"
DOCKERS_NAME_SERVER = ipaddress.ip_address("127.0.0.11")

Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """A listening socket."""

    port: int
    host: str
    loopback: bool

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def listeners_of(pid: int, proc: Path = Path("/proc")) -> Sequence[Listener] | None:
    """Where the processes in that process's network namespace listen, None where it can't be seen from here."""
    try:
        tables = [(proc / str(pid) / "net" / name).read_text() for name in ("tcp", "tcp6")]
    except FileNotFoundError:
        return _without_ipv6(pid, proc)
    except OSError:
        return None
    return sorted({listener for table in tables for listener in parse(table)})


def parse(table: str) -> Iterator[Listener]:
    """The listening sockets of one table."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 3 and fields[3] == LISTEN:
            address, _, port = fields[1].partition(":")
            ip = _address(address)
            if ip != DOCKERS_NAME_SERVER:
                yield Listener(int(port, 16), str(ip), ip.is_loopback)


def _without_ipv6(pid: int, proc: Path) -> Sequence[Listener] | None:
    try:
        return sorted(set(parse((proc / str(pid) / "net" / "tcp").read_text())))
    except OSError:
        return None


def _address(text: str) -> Ip:
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    packed = b"".join(word[::-1] if sys.byteorder == "little" else word for word in words)
    ip = ipaddress.ip_address(packed)
    return ip.ipv4_mapped or ip if isinstance(ip, ipaddress.IPv6Address) else ip
