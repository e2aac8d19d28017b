"""Names of replicas: `SERVICE-N`, N never used again, so that a late message about an old one can't hit a new one."""

from collections.abc import Iterable


def number_of(replica: str) -> int:
    """N of `SERVICE-N`; 0 for a name that is none of ours."""
    digits = replica.rpartition("-")[2]
    return int(digits) if digits.isascii() and digits.isdigit() else 0


def name(service: str, number: int) -> str:
    """The name of a service's replica of that number."""
    return f"{service}-{number}"


def highest_number(replicas: Iterable[str]) -> int:
    """The highest number that any of these has, 0 where there are none."""
    return max(map(number_of, replicas), default=0)
