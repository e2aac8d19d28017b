"""Addresses of other systems that a policy file may name, and those that it may not.

Only http and https. A secret in the address would be shown wherever the address is, so there may be none. Link-local
addresses are where clouds hand out a machine's own credentials (169.254.169.254), in whatever way the number is written.
Source: RFC 3927, RFC 4291 (2.5.5, 2.5.6), RFC 3056, RFC 6052.
"""

import ipaddress
import re
import socket
from urllib.parse import urlsplit

_PRINTABLE = re.compile(r"[!-~]+")
_HOST_NAME = re.compile(r"[A-Za-z0-9._-]+")
_LONGEST = 2000
_EXAMPLE = "write it like http://127.0.0.1:9090"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_CREDENTIALS_V6 = ipaddress.ip_address("fd00:ec2::254")  # where EC2 answers over IPv6, outside of the link-local range


def server_url(given: str) -> str:
    """The address of a server, without the `/` at its end. Raises ValueError, and never shows a password."""
    if not _PRINTABLE.fullmatch(given) or len(given) > _LONGEST:
        raise ValueError(f"no address; {_EXAMPLE}")
    try:
        parts = urlsplit(given)
        host, has_port = parts.hostname or "", parts.port is not None
    except ValueError:
        raise ValueError(f"no address; {_EXAMPLE}") from None
    if "@" in parts.netloc:
        raise ValueError("has a user or password in it; give them by `auth:`")
    if parts.scheme not in ("http", "https") or not host or (parts.netloc.endswith(":") and not has_port):
        raise ValueError(f"found {given!r}; {_EXAMPLE}")
    if not _HOST_NAME.fullmatch(host) and not _is_ipv6(host):
        raise ValueError(f"found {given!r}; {_EXAMPLE}")
    if parts.query or parts.fragment:
        raise ValueError(f"found {given!r}; write it without ? and #")
    if is_link_local(host):
        raise ValueError(f"found {given!r}, where clouds keep credentials; name a server of metrics")
    return given.rstrip("/")


def is_link_local(host: str) -> bool:
    """Whether a host is a link-local address, or the number of one; a name is not looked up."""
    try:
        return ipaddress.ip_address(socket.inet_aton(host)).is_link_local
    except OSError:
        pass
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    if not isinstance(address, ipaddress.IPv6Address):
        return address.is_link_local
    within = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        within = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.is_link_local or address == _CREDENTIALS_V6 or (within is not None and within.is_link_local)


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
