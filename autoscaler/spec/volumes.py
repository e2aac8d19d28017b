"""Compose's `volumes`, in their short form `SOURCE:TARGET[:MODE]` and their long one, as mounts.

A source that starts with `/`, `.` or `~` is a path on the host, relative to the policy file; any other is a volume's name.
Source: Compose specification, "volumes".
"""

import os

from autoscaler.spec.nodes import Entry, ListNode, MapNode, Mark, Node, Path, Scalar, described, shown, text_at
from autoscaler.spec.problems import Problems, nearest

NOT_YET = "not available yet"
_NO_EFFECT = {"rw", "cached", "consistent", "delegated"}
_LONG_KEYS = {"type", "source", "target", "read_only"}
_LATER_KEYS = {"bind", "volume", "tmpfs", "consistency", "image"}


def absolute(folder: str, written: str) -> str:
    """A path as the policy file means it."""
    return os.path.normpath(os.path.join(folder, os.path.expanduser(written)))


def mounts(node: Node, path: Path, folder: str, problems: Problems) -> Node:
    """All volumes as mappings with `type`, `source`, `target` and `read_only`."""
    if not isinstance(node, ListNode):
        return node
    items: list[Node] = []
    for index, item in enumerate(node.items):
        where = (*path, index)
        if isinstance(item, MapNode):
            items.append(_long(item, where, folder, problems))
        elif mount := _short(item, where, folder, problems):
            items.append(mount)
    return ListNode(node.mark, tuple(items))


def _short(node: Node, path: Path, folder: str, problems: Problems) -> Node | None:
    fix = "write SOURCE:TARGET or SOURCE:TARGET:ro, with an absolute TARGET"
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        problems.add(node.mark, path, f"found {described(node)}", fix)
        return None
    parts = node.text.split(":")
    source, target, mode = None, parts[0], ""
    if len(parts) > 1:
        source, target, mode = parts[0], parts[1], ":".join(parts[2:])
    if not target.startswith("/") or source == "" or len(parts) > 3:
        problems.add(node.mark, path, f"found {shown(node.text)}", fix)
        return None
    read_only = False
    for option in filter(None, mode.split(",")):
        if option == "ro":
            read_only = True
        elif option not in _NO_EFFECT:
            problems.add(node.mark, path, f"mode {shown(option)} is {NOT_YET}", "allowed: ro, rw")
    kind = "bind" if source and source.startswith(("/", ".", "~")) else "volume"
    if source and kind == "bind":
        source = absolute(folder, source)
    return _mount(node.mark, kind, source, target, read_only)


def _mount(mark: Mark, kind: str, source: str | None, target: str, read_only: bool) -> MapNode:
    parts: dict[str, Node] = {
        "type": text_at(mark, kind),
        "source": Scalar(mark, source, source or ""),
        "target": text_at(mark, target),
        "read_only": Scalar(mark, read_only, str(read_only).lower()),
    }
    return MapNode(mark, {key: Entry(mark, value) for key, value in parts.items()}, short=True)


def _long(node: MapNode, path: Path, folder: str, problems: Problems) -> MapNode:
    entries = dict(node.entries)
    for key, entry in node.entries.items():
        if key in _LATER_KEYS:
            problems.add(entry.mark, (*path, key), NOT_YET, "remove it")
        elif key not in _LONG_KEYS:
            problems.add(entry.mark, (*path, key), "unknown key", nearest(key, _LONG_KEYS))
    kind, source, target = node.get("type"), node.get("source"), node.get("target")
    if isinstance(kind, Scalar) and kind.value == "bind":
        if isinstance(source, Scalar) and isinstance(source.value, str):
            placed = text_at(source.mark, absolute(folder, source.text), source.source)
            entries["source"] = Entry(entries["source"].mark, placed)
        elif source is None:
            problems.add(node.mark, (*path, "source"), "is missing", "say which path of the host: `source: ./files`")
    if isinstance(target, Scalar) and not target.text.startswith("/"):
        problems.add(target.mark, (*path, "target"), f"found {described(target)}", "write an absolute path")
    return MapNode(node.mark, entries)
