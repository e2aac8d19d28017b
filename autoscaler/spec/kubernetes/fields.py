"""A manifest's fields with their places, and what is told of them.

Each field that is read is marked as read, so that in the end all that nobody read can be told: a manifest may hold more than
we know, and nothing of it is dropped in silence.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from autoscaler.spec.kubernetes.quantity import parse_quantity
from autoscaler.spec.nodes import ListNode, MapNode, Mark, Node, Path, Scalar, described, key_path
from autoscaler.spec.problems import Problems


@dataclass(frozen=True, slots=True)
class Note:
    """Something of a manifest that has no counterpart, or not quite the same."""

    mark: Mark
    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.mark}: {key_path(self.path)}: {self.what}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What comes of reading one manifest: what is wrong with it, what is told of it, and which paths were read."""

    problems: Problems
    notes: list[Note] = field(default_factory=list)
    read: set[Path] = field(default_factory=set)
    whole: set[Path] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Field:
    """A field that may be there: `node` is None where it isn't, and `mark` that of the nearest thing above it."""

    node: Node | None
    mark: Mark
    path: Path
    reading: Reading

    @property
    def given(self) -> bool:
        """Whether it is there and not null."""
        return self.node is not None and not (isinstance(self.node, Scalar) and self.node.value is None)

    def at(self, *keys: str) -> "Field":
        """A field below it."""
        here = self
        for key in keys:
            path = (*here.path, key)
            entry = here.node.entries.get(key) if isinstance(here.node, MapNode) else None
            if here.given and not isinstance(here.node, MapNode):
                here.refuse(f"found {described(here.node) if here.node else 'nothing'}", "write a mapping")
            self.reading.read.add(path)
            here = Field(entry.value if entry else None, entry.mark if entry else here.mark, path, self.reading)
        return here

    def items(self) -> "list[Field]":
        """The items of a list, none where it isn't there."""
        if self.given and not isinstance(self.node, ListNode):
            self.refuse("is no list", "write a list")
        nodes = self.node.items if isinstance(self.node, ListNode) else ()
        paths = [(*self.path, index) for index in range(len(nodes))]
        self.reading.read.update(paths)
        return [Field(node, node.mark, path, self.reading) for node, path in zip(nodes, paths, strict=True)]

    def keys(self) -> tuple[str, ...]:
        """The keys of a mapping."""
        return tuple(self.node.entries) if isinstance(self.node, MapNode) else ()

    def text(self, default: str = "") -> str:
        """A text, or what stands for one."""
        if not self.given:
            return default
        if not isinstance(self.node, Scalar):
            self.refuse("is no text", "write a text")
            return default
        return self.node.text

    def whole_number(self, default: int | None = None, *, least: int = 0) -> int | None:
        """A whole number; KEDA's metadata writes it as a text."""
        if not self.given:
            return default
        text = self.node.text if isinstance(self.node, Scalar) else ""
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) >= least):
            found = described(self.node) if self.node else "nothing"
            self.refuse(f"found {found}", f"write a whole number, at least {least}")
            return default
        return int(text)

    def quantity(self) -> float | None:
        """A quantity above zero, None (and a problem) where it isn't one."""
        try:
            number = parse_quantity(self.text())
        except ValueError as error:
            what, _, fix = str(error).rpartition("; ")
            self.refuse(what if self.given else "is missing", fix)
            return None
        if number <= 0:
            self.refuse(f"found {self.text()}", "write a number above 0")
            return None
        return number

    def needed(self, example: str) -> "Field":
        """Itself; a problem where it isn't there."""
        if not self.given:
            self.refuse("is missing", f"write it, such as `{example}`")
        return self

    def note(self, what: str) -> None:
        """Tell something of it."""
        note = Note(self.mark, self.path, what)
        if note not in self.reading.notes:
            self.reading.notes.append(note)

    def refuse(self, what: str, fix: str) -> None:
        """It can't be meant."""
        self.reading.problems.add(self.mark, self.path, what, fix)

    def pass_over(self, *keys: str) -> None:
        """These and all below them mean nothing to us."""
        self.reading.whole.update((*self.path, key) for key in keys)

    def unread(self) -> Iterator["Field"]:
        """The fields below that nobody read, each the highest such."""
        children: list[tuple[str | int, Mark, Node]] = []
        if isinstance(self.node, MapNode):
            children = [(key, entry.mark, entry.value) for key, entry in self.node.entries.items()]
        elif isinstance(self.node, ListNode):
            children = [(index, node.mark, node) for index, node in enumerate(self.node.items)]
        for key, mark, node in children:
            below = Field(node, mark, (*self.path, key), self.reading)
            if below.path in self.reading.whole or not below.given:
                continue
            if below.path in self.reading.read:
                yield from below.unread()
            else:
                yield below
