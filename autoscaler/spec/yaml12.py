"""Reads YAML 1.2 (core schema) into nodes with places, and refuses what could hurt.

`no`, `on` and `1:30` are text, as YAML 1.2 says; numbers may be 0o17 or 0x1f. A key given twice is a problem, `<<` merges.
Nesting is bounded by `MOST_DEEP`, the number of values, aliases expanded, by `MOST_VALUES`; tags other than the core ones
are refused, so that nothing is ever constructed. The parser is libyaml's, event by event: a bomb is seen before it goes off.
Source: YAML 1.2.2, 10.3 Core Schema.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from autoscaler.spec.nodes import Atom, Entry, ListNode, MapNode, Mark, Node, Path, Scalar, shown
from autoscaler.spec.problems import Problems

MOST_BYTES = 1024 * 1024
MOST_DEEP = 50
MOST_VALUES = 20_000

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")} | {"!"}
_TEXT_TAGS = {"tag:yaml.org,2002:str", "!"}
_MERGE = "<<"

_FIXES = {
    "mapping values are not allowed": "check the indentation, and quote a text that holds `: `",
    "could not find expected ':'": "a key needs a `:` behind it; quote a text of several lines",
    "did not find expected key": "check the indentation and the quotes above",
    "unexpected end of stream": "a quote is not closed",
    "expected ',' or": "a bracket is not closed, or a comma is missing",
    "cannot start any token": "quote the text",
    "block sequence entries are not allowed": "start the list on a line of its own",
}


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a file, with its own text, and what is wrong with its YAML though it can be read.

    The text starts with empty lines, so that its lines keep their numbers.
    """

    root: Node
    text: str
    problems: Problems


class _Unreadable(Exception):
    """Nothing behind this place can be read."""

    def __init__(self, mark: Mark, path: Path, what: str, fix: str) -> None:
        super().__init__(what)
        self.mark, self.path, self.what, self.fix = mark, path, what, fix


def resolve(text: str) -> Atom:
    """The value of a plain scalar by the core schema's rules."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", "").lower())
    return text


def decode(raw: bytes, file: str, problems: Problems) -> str | None:
    """The text of a file, None (and a problem) where it is too large or not UTF-8."""
    if len(raw) > MOST_BYTES:
        problems.add(Mark(file, 1, 1), (), "larger than 1 MiB", "split it into several files")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - before.rfind(b"\n")
        mark = Mark(file, before.count(b"\n") + 1, column)
        problems.add(mark, (), f"byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8")
        return None


def read(text: str, file: str, problems: Problems) -> list[YamlDocument]:
    """All documents that could be read, the empty ones left out; what could not be read is in `problems`."""
    text = text.removeprefix("\ufeff")
    if odd := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, odd.start()) + 1
        column = odd.start() - text.rfind("\n", 0, odd.start())
        problems.add(Mark(file, line, column), (), f"control character {odd[0]!a}", "remove it, or write an escape")
        return []
    reader = _Reader(text, file)
    documents: list[YamlDocument] = []
    try:
        documents.extend(reader.documents())
    except _Unreadable as error:
        problems.add(error.mark, error.path, error.what, error.fix)
    except yaml.YAMLError as error:
        mark, what, fix = _syntax(error, text, file)
        problems.add(mark, (), what, fix)
    return documents


def _syntax(error: yaml.YAMLError, text: str, file: str) -> tuple[Mark, str, str]:
    """What libyaml says, with a fix where its words are known."""
    what = getattr(error, "problem", None) or "can't be read as YAML"
    start = getattr(error, "context_mark", None)
    place = getattr(error, "problem_mark", None) or start
    if start and "end of stream" in what:
        place = start
    if place is None:
        return Mark(file, 1, 1), str(what), "check the text"
    mark = Mark(file, place.line + 1, place.column + 1)
    lines = text.splitlines()
    line = lines[place.line] if place.line < len(lines) else ""
    if "\t" in line[: place.column + 1] and not line[: place.column + 1].strip("\t "):
        return mark, "a tab in the indentation", "indent with spaces"
    if "nesting depth" in what:
        return mark, f"nested more than {MOST_DEEP} deep", "a policy has no such depth"
    context = f" {words}" if (words := getattr(error, "context", None)) else ""
    if context and start and start.line != place.line:
        context += f" that starts in line {start.line + 1}"
    fix = next((fix for words, fix in _FIXES.items() if words in what), "check indentation, brackets and quotes")
    return mark, f"not YAML: {what}{context}", fix


class _Reader:
    """Builds nodes from libyaml's events."""

    def __init__(self, text: str, file: str) -> None:
        self._lines = text.splitlines(keepends=True)
        self._file = file
        self._problems = Problems()
        self._events = yaml.parse(text, Loader=yaml.CSafeLoader)
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._count = 0

    def documents(self) -> Iterator[YamlDocument]:
        """Document after document; raises where nothing more can be read."""
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                start = self._mark(event).line - 1
                self._anchors, self._problems = {}, Problems()
                root = self._node(next(self._events), ())
                ending: Any = next(self._events).end_mark
                if not (isinstance(root, Scalar) and root.value is None):
                    text = "\n" * start + "".join(self._lines[start : ending.line + (ending.column > 0)])
                    yield YamlDocument(root, text, self._problems)

    def _mark(self, event: yaml.Event) -> Mark:
        place: Any = event.start_mark
        return Mark(self._file, place.line + 1, place.column + 1)

    def _node(self, event: yaml.Event, path: Path) -> Node:
        mark = self._mark(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark, path)
        if len(path) > MOST_DEEP:
            raise _Unreadable(mark, path[:3], f"nested more than {MOST_DEEP} deep", "a policy has no such depth")
        self._spend(1, mark)
        before = self._count
        tag = getattr(event, "tag", None)
        if tag is not None and tag not in _CORE_TAGS:
            name = shown(tag.replace("tag:yaml.org,2002:", "!!"))
            self._problems.add(mark, path, f"tag {name} is not allowed", "write a plain value")
        node: Node
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_nul(event, mark, path)
            plain = tag not in _TEXT_TAGS and (bool(event.implicit[0]) or tag is not None)
            node = Scalar(mark, resolve(event.value) if plain else event.value, event.value, plain)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._list(mark, path)
        else:
            node = self._map(mark, path)
        if anchor := getattr(event, "anchor", None):
            self._anchors[anchor] = node, 1 + self._count - before
        return node

    def _refuse_nul(self, event: yaml.ScalarEvent, mark: Mark, path: Path) -> None:
        """Written as an escape it is good YAML, but no system call and no engine takes one."""
        if "\0" in event.value:
            self._problems.add(mark, path, "a NUL in a text", "remove it")

    def _spend(self, count: int, mark: Mark) -> None:
        self._count += count
        if self._count > MOST_VALUES:
            what = f"more than {MOST_VALUES:,} values, aliases expanded"
            raise _Unreadable(mark, (), what, "split the file, and use fewer aliases")

    def _alias(self, event: yaml.AliasEvent, mark: Mark, path: Path) -> Node:
        name = str(event.anchor)
        if name not in self._anchors:
            what = f"alias *{shown(name)[1:-1]} stands for nothing complete before it"
            raise _Unreadable(mark, path, what, "define the anchor first")
        node, size = self._anchors[name]
        self._spend(size, mark)
        return node

    def _list(self, mark: Mark, path: Path) -> ListNode:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return ListNode(mark, tuple(items))

    def _map(self, mark: Mark, path: Path) -> MapNode:
        entries: dict[str, Entry] = {}
        merged: list[Node] = []
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            place = self._mark(event)
            value = self._node(next(self._events), (*path, key))
            if key == _MERGE:
                merged.extend(value.items if isinstance(value, ListNode) else [value])
            elif key in entries:
                first = entries[key].mark.line
                self._problems.add(place, (*path, key), f"given twice, first in line {first}", "remove one of the two")
            else:
                entries[key] = Entry(place, value)
        for other in merged:
            if not isinstance(other, MapNode):
                self._problems.add(other.mark, (*path, _MERGE), "merges no mapping", "write `<<: *anchor` of a mapping")
                continue
            for key, entry in other.entries.items():
                entries.setdefault(key, entry)
        return MapNode(mark, entries)

    def _key(self, event: yaml.Event, path: Path) -> str:
        if isinstance(event, yaml.ScalarEvent):
            mark = self._mark(event)
            self._spend(1, mark)
            self._refuse_nul(event, mark, path)
            return str(event.value)
        node = self._node(event, (*path, "?"))
        if isinstance(node, Scalar):
            return node.text
        raise _Unreadable(self._mark(event), path, "a key that is a list or a mapping", "write a text before the `:`")
