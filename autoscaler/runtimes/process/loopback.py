"""A free port on loopback for a replica to listen on.

Outside of the range from which the kernel takes ports for outgoing connections (ip_local_port_range): the proxy makes
many on loopback, and one of them could sit on a port between our look and the replica's bind.
"""

import random
import socket
from collections.abc import Collection
from itertools import chain
from pathlib import Path

LOWEST, HIGHEST = 10_000, 65_535
KERNEL_DEFAULT = (32_768, 60_999)


def free_port(taken: Collection[int], *, chance: random.Random) -> int | None:
    """A port that nobody listens on and that isn't `taken`; None where there is none left."""
    low, high = outgoing_range()
    ports = [*range(LOWEST, low), *range(high + 1, HIGHEST + 1)] or list(range(LOWEST, HIGHEST + 1))
    begin = chance.randrange(len(ports))  # anywhere, so that two daemons don't try the same ones
    around = chain(ports[begin:], ports[:begin])
    return next((port for port in around if port not in taken and is_free(port)), None)


def outgoing_range() -> tuple[int, int]:
    """The kernel's range for outgoing connections."""
    try:
        low, high = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    except (OSError, ValueError):
        return KERNEL_DEFAULT
    return int(low), int(high)


def is_free(port: int) -> bool:
    """Whether a server could listen on it, on loopback and on all addresses alike."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("0.0.0.0", port))
        except OSError:
            return False
    return True
