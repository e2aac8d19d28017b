"""Policies and manifests as YAML 1.2 text, in the order they were put together. What is yet to be filled in is left empty.

An empty value is refused by `autoscaler validate` with its line, so nothing runs by mistake. `$` is doubled: in a policy
file `${NAME}` is a variable.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autoscaler.spec.yaml12 import resolve

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@%+-]*")
_ESCAPED = re.compile("[\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_MOST_KEYS_A_LINE = 4
_WIDEST_FLOW = 80


@dataclass(frozen=True, slots=True)
class Blank:
    """A value that its owner has to fill in."""

    what: str


def policy_text(policy: Mapping[str, Any]) -> str:
    """A policy's text."""
    return "".join(f"{line}\n" for line in _lines(_without_variables(policy)))


def manifest_text(manifest: Mapping[str, Any]) -> str:
    """A manifest's text: no variables there."""
    return "".join(f"{line}\n" for line in _lines(manifest))


def blanks(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The keys that are to be filled in, each with what."""
    if isinstance(value, Blank):
        yield path, value.what
    elif isinstance(value, Mapping):
        for key, below in value.items():
            yield from blanks(below, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, below in enumerate(value):
            yield from blanks(below, f"{path}[{index}]")


def comment(text: str) -> str:
    """A text as one line of comment, whatever is in it."""
    return "# " + "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


def _without_variables(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_variables(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_without_variables(below) for below in value]
    return value.replace("$", "$$") if isinstance(value, str) else value


def _lines(value: Mapping[str, Any] | Sequence[Any]) -> Iterator[str]:
    if isinstance(value, Mapping):
        pairs = [(f"{_text(key)}:", below) for key, below in value.items()]
    else:
        pairs = [("-", below) for below in value]
    for head, below in pairs:
        flow = _flow(below)
        if isinstance(below, Blank):
            yield f"{head}  {comment(f'fill in: {below.what}')}"
        elif flow is not None:
            yield f"{head} {flow}"
        elif head == "-":
            for number, line in enumerate(_lines(below)):
                yield f"  {line}" if number else f"- {line}"
        else:
            yield head
            yield from (f"  {line}" for line in _lines(below))


def _flow(value: Any) -> str | None:
    """A value in one line, None where it is too much for one."""
    if isinstance(value, Blank):
        return None
    if isinstance(value, Mapping):
        inner = [(key, _flow(below)) for key, below in value.items()]
        if len(inner) > _MOST_KEYS_A_LINE or any(text is None or text[:1] in "{[" for _, text in inner):
            return None
        line = "{" + ", ".join(f"{_text(key)}: {text}" for key, text in inner) + "}"
    elif isinstance(value, list):
        each = [_flow(below) for below in value]
        if any(text is None for text in each):
            return None
        line = "[" + ", ".join(str(text) for text in each) + "]"
    else:
        return _atom(value)
    return line if len(line) <= _WIDEST_FLOW else None


def _atom(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return _text(value) if isinstance(value, str) else str(value)


def _text(text: str) -> str:
    """A text that YAML reads as that text, quoted where it must be."""
    if _PLAIN.fullmatch(text) and isinstance(resolve(text), str):
        return text
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))
