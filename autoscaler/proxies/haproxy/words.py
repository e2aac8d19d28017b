"""Words that may stand in HAProxy's config and map files. Anything else is refused, not quoted.

The policy's own validation comes first and says it better; this is the second lock. A config line is split at blanks
and knows quotes, backslashes, `#` comments and `${VAR}`; `%[` starts an expression, `;` ends a command on the runtime
socket. None of these can be spelled with the characters below.
Source: HAProxy configuration manual, 2.2 "Quoting and escaping", 8.2.6 "Custom log format".
"""

import ipaddress
import re
from functools import lru_cache

from autoscaler.errors import ProxyError
from autoscaler.model import Address

LONGEST_TIMER_MS = 2**31 - 1

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_])?")
_IP = re.compile(r"[0-9a-f.:]+")
_PATH = re.compile(r"/[A-Za-z0-9/._~%+@:,=&!*()-]{0,2000}")
_TARGET = re.compile(r"/[A-Za-z0-9/._~%+@:,=&!*()?-]{0,2000}")


@lru_cache(maxsize=10_000)  # asked of every server at every tick
def name(text: str) -> str:
    """A service's or a replica's name."""
    return _only(_NAME, text, "name")


def host(text: str) -> str:
    """A host name as clients send it, in lower case."""
    return _only(_HOST, text.lower(), "host")


def path(text: str) -> str:
    """A route's path."""
    return _only(_PATH, text, "path")


def target(text: str) -> str:
    """A path with or without a query, as a health check asks for."""
    return _only(_TARGET, text, "health check path")


def ip(text: str) -> str:
    """An IP address, without a zone: behind `%` that may be any text."""
    try:
        return _only(_IP, str(ipaddress.ip_address(text)), "IP address")
    except ValueError:
        raise _refused("IP address", text) from None


def network(text: str) -> str:
    """An IP address or network such as 10.0.0.0/8."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise _refused("network", text) from None


def milliseconds(seconds: float) -> int:
    """A duration in HAProxy's timers, which have no zero and end at 24 days."""
    return min(max(1, round(seconds * 1000)), LONGEST_TIMER_MS)


def port(number: int) -> int:
    """A TCP port."""
    if not 1 <= number <= 65535:
        raise _refused("port", str(number))
    return number


@lru_cache(maxsize=10_000)
def endpoint(address: Address) -> str:
    """Where a replica listens, as a server line says it."""
    literal = ip(address.host)
    return f"[{literal}]:{port(address.port)}" if ":" in literal else f"{literal}:{port(address.port)}"


def _only(pattern: re.Pattern[str], text: str, kind: str) -> str:
    if not pattern.fullmatch(text):
        raise _refused(kind, text)
    return text


def _refused(kind: str, text: str) -> ProxyError:
    return ProxyError(f"{text[:80]!r} can't be a {kind} in HAProxy's config", fix="use letters, digits and -")
