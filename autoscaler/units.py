"""What people write and what we compute with: `"250ms"` <-> 0.25, `"256m"` <-> 268435456, `"70%"` <-> 0.7.

Durations are seconds, sizes bytes, fractions plain numbers. A text that is none of these raises ValueError with a
message that shows what would be.
"""

import re

DURATION_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6}
SIZE_UNITS = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}

_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|d|h|m|s))+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|d|h|m|s)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgt])(?:i?b)?", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_LONGEST_S = 10 * 365 * 86400.0
_LARGEST = 1024**5


def parse_duration(text: str) -> float:
    """Seconds of a duration such as `250ms`, `10s`, `1m30s` or `24h`."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration; write it like 250ms, 10s, 5m or 24h")
    seconds = sum(float(number) * DURATION_UNITS[unit] for number, unit in _DURATION_PART.findall(text))
    if seconds > _LONGEST_S:
        raise ValueError(f"{text!r} is longer than ten years; write 3650d at most")
    return round(seconds, 9)


def format_duration(seconds: float) -> str:
    """The shortest exact writing of a duration: `90` is `1m30s`, `0.25` is `250ms`."""
    if seconds == 0:
        return "0s"
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    left = round(seconds, 3)
    parts = []
    for unit in ("d", "h", "m"):
        count, left = divmod(left, DURATION_UNITS[unit])
        if count:
            parts.append(f"{count:.0f}{unit}")
    if round(left, 3):
        parts.append(f"{round(left, 3):g}s")
    return "".join(parts)


def parse_size(text: str) -> int:
    """Bytes of a size such as `256m` or `1g`, in Docker's powers of 1024."""
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no size; write it like 512k, 256m or 1g")
    size = float(match[1]) * SIZE_UNITS[match[2].lower()]
    if size > _LARGEST:
        raise ValueError(f"{text!r:.40} is more than a petabyte; write 1024t at most")
    return int(size)


def format_size(size: int) -> str:
    """The shortest exact writing of a size: 268435456 is `256m`."""
    for unit in ("t", "g", "m", "k"):
        if size >= SIZE_UNITS[unit] and size % SIZE_UNITS[unit] == 0:
            return f"{size // SIZE_UNITS[unit]}{unit}"
    return f"{size}b"


def parse_fraction(text: str) -> float:
    """A fraction written as a percentage: `70%` is 0.7."""
    match = _PERCENT.fullmatch(text.strip())
    if not match:
        raise ValueError(f"{text!r} is no fraction; write it like 70% or 0.7")
    return round(float(match[1]) / 100, 9)
