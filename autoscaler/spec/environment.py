"""The variables of a replica: `environment` in Compose's two forms, `env_file`, and secrets by reference.

A name without a value takes the variable's value here and now, and is left out where that is not set. What `environment`
says stands before what `env_file` says, a later file before an earlier one.
Source: Compose specification, "environment" and "env_file".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from autoscaler.spec import dotenv
from autoscaler.spec.files import read_text
from autoscaler.spec.interpolation import Lookup
from autoscaler.spec.nodes import Entry, ListNode, MapNode, Mark, Node, Path, Scalar, described, shown, text_at
from autoscaler.spec.problems import Problems
from autoscaler.spec.volumes import NOT_YET, absolute


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document lies, and what its variables are. `files` gathers what was read beside it."""

    folder: str
    shown_folder: FilePath
    lookup: Lookup
    problems: Problems
    files: list[FilePath]


def pairs(node: Node, place: Place, path: Path, empty: str | None) -> Node:
    """A mapping of texts, or a list of `NAME=value`, as a mapping of texts; a name alone has the value `empty`."""
    entries: dict[str, Entry] = {}
    if isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            if not isinstance(item, Scalar) or item.value is None or item.text.startswith("="):
                place.problems.add(item.mark, (*path, index), f"found {described(item)}", "write NAME=value")
                continue
            name, equals, value = item.text.partition("=")
            told = value if equals else empty
            entries[name] = Entry(item.mark, Scalar(item.mark, told, told or "", source=item.source))
    elif isinstance(node, MapNode):
        for name, entry in node.entries.items():
            value_node = entry.value
            if isinstance(value_node, Scalar):
                text = empty if value_node.value is None else value_node.text
                value_node = replace(value_node, value=text)
            entries[name] = Entry(entry.mark, value_node)
    else:
        return node
    return MapNode(node.mark, entries)


def environment(node: Node, path: Path, place: Place) -> Node:
    """A name without a value takes the variable's value here and now, and is left out where that is not set."""
    paired = pairs(node, place, path, empty=None)
    if not isinstance(paired, MapNode):
        return paired
    entries: dict[str, Entry] = {}
    for name, entry in paired.entries.items():
        value = entry.value
        if isinstance(value, Scalar) and value.value is None:
            variable = place.lookup(name)
            if variable:
                entries[name] = Entry(entry.mark, text_at(entry.mark, variable.value, variable.source))
        elif isinstance(value, MapNode):
            entries[name] = Entry(entry.mark, _secret(value, (*path, name), place))
        elif isinstance(value, ListNode):
            place.problems.add(value.mark, (*path, name), "found a list", "write a text, {env: NAME} or {file: PATH}")
        else:
            entries[name] = entry
    return MapNode(node.mark, entries)


def _secret(node: MapNode, path: Path, place: Place) -> MapNode:
    keys = set(node.entries)
    source = next(iter(node.entries.values())).value if node.entries else None
    if keys not in ({"env"}, {"file"}) or not isinstance(source, Scalar) or not isinstance(source.value, str):
        place.problems.add(node.mark, path, "not a secret", "write {env: NAME} or {file: PATH}")
        return node
    if "file" not in keys:
        return node
    entry = node.entries["file"]
    return MapNode(node.mark, {"file": replace(entry, value=placed(source, place))})


def placed(node: Scalar, place: Place) -> Scalar:
    return text_at(node.mark, absolute(place.folder, node.text), node.source)


def add_env_files(entries: dict[str, Entry], path: Path, place: Place) -> None:
    """Put the variables of `env_file` into `environment`, where that doesn't say otherwise."""
    given = entries.pop("env_file")
    merged: dict[str, Entry] = {}
    if isinstance(given.value, ListNode):
        for index, item in enumerate(given.value.items):
            merged.update(_env_file(item, (*path, "env_file", index), place))
    else:
        merged.update(_env_file(given.value, (*path, "env_file"), place))
    own = entries.get("environment", Entry(given.mark, MapNode(given.mark)))
    if isinstance(own.value, MapNode):
        merged.update(own.value.entries)
        entries["environment"] = replace(own, value=MapNode(own.value.mark, merged))


def _env_file(node: Node, path: Path, place: Place) -> Mapping[str, Entry]:
    required = True
    if isinstance(node, MapNode):
        wanted = node.get("required")
        required = not (isinstance(wanted, Scalar) and wanted.value is False)
        for key in sorted(set(node.entries) - {"path", "required"}):
            place.problems.add(node.entries[key].mark, (*path, key), NOT_YET, "allowed: path, required")
        node = node.get("path") or node
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        place.problems.add(node.mark, path, f"found {described(node)}", "write the path of a file")
        return {}
    file = FilePath(absolute(place.folder, node.text))
    told = str(place.shown_folder / node.text)
    place.files.append(file)
    try:
        text = read_text(file, place.problems)
    except OSError as error:
        if required or not isinstance(error, FileNotFoundError):
            what = f"{shown(node.text)} can't be read: {error.strerror}"
            place.problems.add(node.mark, path, what, "paths are relative to the policy file")
        return {}
    variables = dotenv.parse(text or "", told, place.lookup, place.problems)
    return {
        name: Entry(Mark(told, 1, 1), text_at(node.mark, variable.value, variable.source))
        for name, variable in variables.items()
    }
