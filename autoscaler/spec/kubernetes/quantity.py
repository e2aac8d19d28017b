"""Kubernetes' quantities: `500m` is 0.5, `2k` 2000, `1Gi` 1073741824, `1e3` 1000.

Source: Kubernetes API, "Quantity": a decimal number, and one of n u m k M G T P E, or Ki Mi Gi Ti Pi Ei, or an exponent.
"""

import re
from decimal import Decimal

LARGEST = 2**63 - 1

_QUANTITY = re.compile(r"([+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40}))([numkMGTPE]|[KMGTPE]i|[eE][+-]?\d{1,2})?")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


def parse_quantity(text: str) -> float:
    """The number of a quantity. Raises ValueError."""
    match = _QUANTITY.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r:.40} is no quantity; write it like 500m, 10, 2k or 1Gi")
    number, suffix = Decimal(match[1]), match[2] or ""
    if suffix in _BINARY:
        return float(number * 1024 ** _BINARY[suffix])
    return float(number.scaleb(_DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:] or 0)))


def format_quantity(number: float) -> str:
    """The shortest quantity of a number, exact to 9 decimals: 0.5 is `500m`. Raises ValueError where it has none."""
    exact = round(Decimal(repr(number)), 9) if 0 < number <= LARGEST else Decimal(0)
    if not exact:
        raise ValueError(f"{number:g} is no positive quantity")
    scales = (("", 0), ("m", 3), ("u", 6), ("n", 9))
    return next(f"{int(exact.scaleb(n))}{suffix}" for suffix, n in scales if exact.scaleb(n) == int(exact.scaleb(n)))
