"""What an engine answered, taken for what it should be, or refused with the place that is something else.

JSON of another shape is no engine's: a proxy in between, another program at the socket, an answer that was cut. Nothing is
guessed from it: the whole answer is an EngineError, and what was known before stays.
"""

import json
import re
import reprlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from autoscaler.errors import EngineError

LONGEST_LINE = 4 * 1024 * 1024  # the engine's own are some kilobytes
BITS_64 = 2**64
_VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}")
FIX = "is that a Docker engine? see `docker version`"


def parsed(text: bytes) -> Any:
    """JSON as values."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise _refused(text, "JSON") from None


def mapping(given: Any, what: str) -> Mapping[str, Any]:
    """An object; one that is left out or null is empty."""
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise _refused(given, f"object for {what}")
    return given


def sequence(given: Any, what: str) -> Sequence[Any]:
    """A list; one that is left out or null is empty."""
    if given is None:
        return ()
    if not isinstance(given, list):
        raise _refused(given, f"list for {what}")
    return given


def text(given: Any, what: str) -> str:
    """A text that others can be given: it has to be there, and hold no half of a character."""
    if not isinstance(given, str) or any("\ud800" <= character <= "\udfff" for character in given):
        raise _refused(given, f"text for {what}")
    return given


def texts(given: Any, what: str) -> Mapping[str, str]:
    """An object of texts, such as labels."""
    return {text(key, what): text(value, f"{what}[{reprlib.repr(key)}]") for key, value in mapping(given, what).items()}


def count(given: Any, what: str) -> int:
    """A number of 64 bits, not below zero."""
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < BITS_64:
        raise _refused(given, f"count for {what}")
    return given


def version(given: Any, what: str) -> str:
    """A version of the API such as 1.41; one that is left out is 0."""
    if given is None:
        return "0"
    if not isinstance(given, str) or not _VERSION.fullmatch(given):
        raise _refused(given, f"version for {what}")
    return given


def json_lines(pieces: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """The objects of a stream, one a line, whose pieces end anywhere."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        *ends, rest = piece.split(b"\n")
        for end in ends:
            yield from _object(b"".join((*held, end)))
            held, size = [], 0
        held.append(rest)
        size += len(rest)
        if size > LONGEST_LINE:
            raise EngineError(f"the engine answered a line of more than {LONGEST_LINE} bytes", fix=FIX)
    yield from _object(b"".join(held))


def _object(line: bytes) -> Iterator[Mapping[str, Any]]:
    if line.strip():
        given = parsed(line)
        if not isinstance(given, dict):
            raise _refused(given, "object")
        yield given


def _refused(given: Any, wanted: str) -> EngineError:
    return EngineError(f"the engine answered {reprlib.repr(given):.200}, which is no {wanted}", fix=FIX)
