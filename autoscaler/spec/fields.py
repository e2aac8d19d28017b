"""Single values of a policy file: how people write them, what we compute with, and what is refused.

Durations become seconds, sizes bytes, fractions plain numbers. Host names, paths and addresses end up in a proxy's config,
so only characters that mean nothing there are allowed.
"""

import ipaddress
import re
import signal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from autoscaler.units import parse_duration, parse_fraction, parse_size

_PATH = re.compile(r"/(?:[A-Za-z0-9._~@:+,=/-]|%[0-9A-Fa-f]{2})*")
_HEALTH_PATH = re.compile(r"/(?:[A-Za-z0-9._~@:+,=/?&-]|%[0-9A-Fa-f]{2})*")
_REAL_TIME = re.compile(r"SIGRT(MIN\+|MAX-)[0-9]{1,2}")
_LONGEST_PATH = 2000
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")

FROM_FILE: dict[str, bool] = {"from_file": True}  # validation context: people's own writing, where a duration has a unit


def _duration(given: Any, info: ValidationInfo) -> Any:
    if isinstance(given, str):
        return parse_duration(given)
    if info.context and isinstance(given, bool):
        raise ValueError("no duration; write it like 250ms, 10s, 5m or 24h")
    if info.context and isinstance(given, int | float):
        raise ValueError(f"{given!r} has no unit; write it like 250ms, 10s, 5m or 24h")
    return given


def _size(given: Any) -> Any:
    return parse_size(given) if isinstance(given, str) else given


def _fraction(given: Any) -> Any:
    return parse_fraction(given) if isinstance(given, str) else given


def _number(given: Any) -> Any:
    """Compose writes `cpus: "0.5"` as well as `cpus: 0.5`."""
    if isinstance(given, str):
        try:
            return float(given)
        except ValueError:
            raise ValueError(f"{given!r} is no number; write it like 0.5") from None
    return given


def _of_bearable_length(path: str) -> None:
    if len(path) > _LONGEST_PATH:
        raise ValueError(f"a path of {len(path)} characters; write {_LONGEST_PATH} at most")


def _route_path(given: str) -> str:
    """`/api/` and `/api` are one path. What could mean something to a proxy's config is refused."""
    _of_bearable_length(given)
    if not _PATH.fullmatch(given):
        raise ValueError(f"found {given!r}; write it like /api, with letters, digits and . _ ~ - %20 alone")
    if "//" in given or "/./" in f"{given}/" or "/../" in f"{given}/":
        raise ValueError(f"found {given!r}; write the path as clients send it, without //, . and ..")
    return given.rstrip("/") or "/"


def _health_path(given: str) -> str:
    _of_bearable_length(given)
    if not _HEALTH_PATH.fullmatch(given):
        raise ValueError(f"found {given!r}; write it like /healthz or /healthz?full=1")
    return given


def _host(given: str) -> str:
    if len(given) > 253 or not _HOST.fullmatch(given.lower()):
        raise ValueError(f"found {given!r}; write a name like shop.example.com, without scheme, port or *")
    return given.lower()


def _address(given: str) -> str:
    try:
        return str(ipaddress.ip_address(given))
    except ValueError:
        raise ValueError(f"{given!r} is no IP address; write it like 127.0.0.1:8080 or 0.0.0.0:8080") from None


def _network(given: str) -> str:
    try:
        return str(ipaddress.ip_network(given))
    except ValueError:
        raise ValueError(f"{given!r} is no network; write it like 10.0.0.0/8 or 192.0.2.7") from None


def _signal(given: str) -> str:
    """`term`, `SIGTERM` and `15` are SIGTERM; the real-time ones keep their number."""
    name = given.upper() if given.upper().startswith("SIG") else f"SIG{given.upper()}"
    known = {each.value: each.name for each in signal.Signals}
    if given.isdecimal() and int(given[:3]) in known:
        return known[int(given[:3])]
    if name in known.values() or _REAL_TIME.fullmatch(name):
        return name
    raise ValueError(f"{given!r} is no signal; write it like SIGTERM")


DURATION = BeforeValidator(_duration, json_schema_input_type=str)
SIZE = BeforeValidator(_size, json_schema_input_type=str | int)

Duration = Annotated[float, DURATION, Field(ge=0)]
PositiveDuration = Annotated[float, DURATION, Field(gt=0)]
Size = Annotated[int, SIZE, Field(gt=0)]
Fraction = Annotated[float, BeforeValidator(_fraction, json_schema_input_type=str | float), Field(ge=0)]
Number = Annotated[float, BeforeValidator(_number, json_schema_input_type=str | float), Field(gt=0)]
HostName = Annotated[str, AfterValidator(_host)]
RoutePath = Annotated[str, AfterValidator(_route_path)]
HealthPath = Annotated[str, AfterValidator(_health_path)]
IpAddress = Annotated[str, AfterValidator(_address)]
IpNetwork = Annotated[str, AfterValidator(_network)]
StopSignal = Annotated[str, AfterValidator(_signal)]
Port = Annotated[int, Field(ge=1, le=65535)]
