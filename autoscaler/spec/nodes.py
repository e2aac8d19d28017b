"""A YAML document as values that know where they stand in the file.

A `Mark` counts lines and columns from 1, as editors do. A key path such as `policies[0].tolerance` is a tuple of keys and
indices inside, and written with `key_path` for people.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]
Atom = str | int | float | bool | None

_ORDINARY_KEY = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place in a file."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value. `text` is what is written, `value` what YAML's rules make of it; `source` says where the value came from
    when it isn't in the file itself."""

    mark: Mark
    value: Atom
    text: str
    plain: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a mapping, with the place of the key itself."""

    mark: Mark
    value: "Node"


@dataclass(frozen=True, slots=True)
class MapNode:
    """A mapping. `short` says that the file has a text or number in its place, which stands for all of it."""

    mark: Mark
    entries: Mapping[str, Entry] = field(default_factory=dict)
    short: bool = False

    def get(self, key: str) -> "Node | None":
        """The value of a key, None where it isn't there."""
        entry = self.entries.get(key)
        return entry.value if entry else None


@dataclass(frozen=True, slots=True)
class ListNode:
    """A sequence."""

    mark: Mark
    items: tuple["Node", ...] = ()


Node = Scalar | MapNode | ListNode


def text_at(mark: Mark, text: str, source: str = "") -> Scalar:
    """A text that stands (or would stand) at `mark`."""
    return Scalar(mark, text, text, source=source)


def values(node: Node) -> Any:
    """Plain dicts, tuples and atoms of a tree."""
    match node:
        case Scalar():
            return node.value
        case MapNode():
            return {key: values(entry.value) for key, entry in node.entries.items()}
        case ListNode():
            return tuple(values(item) for item in node.items)


def find(root: Node, path: Path) -> tuple[Mark, Node]:
    """The place of a key (of an item: its value's) and its value, or of the nearest thing above that is in the file.

    Parts that name no key or item are passed over: validators put the names of alternatives among them.
    """
    mark, node = root.mark, root
    for part in path:
        if isinstance(node, MapNode) and (entry := node.entries.get(str(part))):
            mark, node = entry.mark, entry.value
        elif isinstance(node, ListNode) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
            mark = node.mark
    return mark, node


def key_path(path: Path) -> str:
    """`policies[0].tolerance`; an odd or long key is quoted."""
    told = ""
    for part in path:
        if isinstance(part, int):
            told += f"[{part}]"
        elif _ORDINARY_KEY.fullmatch(part):
            told += f".{part}" if told else part
        else:
            told += f"[{shown(part)}]"
    return told


def shown(value: object) -> str:
    """A value in one short line that no terminal takes for a command."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 4] + "..." + text[0]


def described(node: Node) -> str:
    """What stands there, in a few words."""
    match node:
        case MapNode():
            return "a mapping"
        case ListNode():
            return "a list"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=str()):
            return shown(node.text)
        case _:
            return node.text[:_LONGEST_SHOWN]
