"""Compose's service keys, in any of the forms that Compose allows, brought to the one that the models have.

A command is a list of words, `environment` a mapping that holds what `env_file` says too, a size of digits a number, and
paths are absolute, from the policy file's folder. Trees go in and come out, so that places stay with their values; what has
a form that Compose doesn't know either is left for the models to refuse.
Source: Compose specification, "Services top-level element".
"""

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace

from autoscaler.spec.environment import Place, add_env_files, environment, pairs, placed
from autoscaler.spec.nodes import Entry, ListNode, MapNode, Node, Path, Scalar, described, shown, text_at
from autoscaler.spec.problems import Problems
from autoscaler.spec.volumes import NOT_YET, mounts

_BUILD_LATER = (
    "additional_contexts", "cache_from", "cache_to", "dockerfile_inline", "entitlements", "extra_hosts", "isolation",
    "labels", "network", "no_cache", "platforms", "privileged", "provenance", "pull", "sbom", "secrets", "shm_size",
    "ssh", "tags", "ulimits",
)  # fmt: skip
_TESTS = ("CMD", "CMD-SHELL")
_BIND = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^:\s\[\]]+)):([0-9]{1,6})")


Normalizer = Callable[[Node, Path, Place], Node]


def normalize(replica: MapNode, path: Path, place: Place) -> MapNode:
    """The `replica:` mapping in long forms. A key without a value was not given; `x-` keys are the writer's own."""
    entries: dict[str, Entry] = {}
    for key, entry in replica.entries.items():
        empty = isinstance(entry.value, Scalar) and entry.value.value is None
        if empty or key.startswith("x-"):
            continue
        how = NORMALIZERS.get(key)
        value = how(entry.value, (*path, key), place) if how else entry.value
        entries[key] = replace(entry, value=value)
    if "env_file" in entries:
        add_env_files(entries, path, place)
    return MapNode(replica.mark, entries)


# ---------------------------------------------------------------- texts and lists


def _text(node: Node, path: Path, place: Place) -> Node:
    """`user: 1000` is the text 1000."""
    if isinstance(node, Scalar) and node.value is not None:
        return replace(node, value=node.text)
    return node


def _texts(node: Node, path: Path, place: Place) -> Node:
    """One text, or a list of them, as a list."""
    items = node.items if isinstance(node, ListNode) else (node,) if isinstance(node, Scalar) else None
    if items is None:
        return node
    return ListNode(node.mark, tuple(_text(item, path, place) for item in items))


def _words(node: Node, path: Path, place: Place) -> Node:
    """A command in one text is split as a shell would, without a shell's other doings."""
    if not isinstance(node, Scalar):
        return _texts(node, path, place)
    try:
        words = shlex.split(node.text)
    except ValueError as error:
        place.problems.add(node.mark, path, f"can't be split into words: {error}", "close the quote, or write a list")
        return node
    return ListNode(node.mark, tuple(text_at(node.mark, word, node.source) for word in words))


def _capabilities(node: Node, path: Path, place: Place) -> Node:
    """`cap_net_raw` is NET_RAW."""
    listed = _texts(node, path, place)
    if not isinstance(listed, ListNode):
        return listed
    items = (
        text_at(item.mark, item.text.upper().removeprefix("CAP_")) if isinstance(item, Scalar) else item
        for item in listed.items
    )
    return replace(listed, items=tuple(items))


def _size(node: Node, path: Path, place: Place) -> Node:
    if isinstance(node, Scalar) and isinstance(node.value, str) and node.text.isdecimal() and len(node.text) < 20:
        return replace(node, value=int(node.text))
    return node


# ---------------------------------------------------------------- mappings


def _text_pairs(node: Node, path: Path, place: Place) -> Node:
    return pairs(node, place, path, empty="")


def _extra_hosts(node: Node, path: Path, place: Place) -> Node:
    """`HOST:IP`, `HOST=IP` or a mapping, as `HOST:IP`."""
    fix = 'write "somehost:203.0.113.7"'
    told: list[Node] = []
    if isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            text = item.text if isinstance(item, Scalar) else ""
            host, _, ip = text.partition("=") if "=" in text else text.partition(":")
            if host and ip:
                told.append(text_at(item.mark, f"{host}:{ip.strip('[]')}"))
            else:
                place.problems.add(item.mark, (*path, index), f"found {described(item)}", fix)
        return ListNode(node.mark, tuple(told))
    if not isinstance(node, MapNode):
        return node
    for name, entry in node.entries.items():
        for address in entry.value.items if isinstance(entry.value, ListNode) else (entry.value,):
            if isinstance(address, Scalar) and address.value is not None:
                told.append(text_at(address.mark, f"{name}:{address.text.strip('[]')}"))
            else:
                place.problems.add(entry.mark, (*path, name), f"found {described(address)}", fix)
    return ListNode(node.mark, tuple(told))


def _networks(node: Node, path: Path, place: Place) -> Node:
    """A list of names, or a mapping of names to options, of which none is available yet."""
    if not isinstance(node, MapNode):
        return _texts(node, path, place) if isinstance(node, ListNode) else node
    for name, entry in node.entries.items():
        if not (isinstance(entry.value, Scalar) and entry.value.value is None):
            place.problems.add(entry.mark, (*path, name), f"options of a network are {NOT_YET}", "write the name alone")
    return ListNode(node.mark, tuple(text_at(entry.mark, name) for name, entry in node.entries.items()))


def _ulimits(node: Node, path: Path, place: Place) -> Node:
    if not isinstance(node, MapNode):
        return node
    entries: dict[str, Entry] = {}
    for name, entry in node.entries.items():
        value = entry.value
        if isinstance(value, Scalar):
            both = {"soft": Entry(value.mark, value), "hard": Entry(value.mark, value)}
            value = MapNode(value.mark, both, short=True)
        entries[name] = Entry(entry.mark, value)
    return MapNode(node.mark, entries)


def _logging(node: Node, path: Path, place: Place) -> Node:
    if not isinstance(node, MapNode) or "options" not in node.entries:
        return node
    options = node.entries["options"]
    texts = pairs(options.value, place, (*path, "options"), empty="")
    return MapNode(node.mark, {**node.entries, "options": replace(options, value=texts)})


def _build(node: Node, path: Path, place: Place) -> Node:
    if isinstance(node, Scalar) and isinstance(node.value, str):
        node = MapNode(node.mark, {"context": Entry(node.mark, node)})
    if not isinstance(node, MapNode):
        return node
    entries = dict(node.entries)
    for key in _BUILD_LATER:
        if key in entries:
            place.problems.add(entries[key].mark, (*path, key), NOT_YET, "remove it")
    context = node.get("context") or text_at(node.mark, ".")
    if isinstance(context, Scalar) and isinstance(context.value, str):
        if "://" in context.text or context.text.startswith("git@"):
            place.problems.add(context.mark, (*path, "context"), f"a remote context is {NOT_YET}", "name a folder")
        mark = entries["context"].mark if "context" in entries else node.mark
        entries["context"] = Entry(mark, placed(context, place))
    if "args" in entries:
        args = environment(entries["args"].value, (*path, "args"), place)
        entries["args"] = replace(entries["args"], value=args)
    return MapNode(node.mark, entries)


def _pull_policy(node: Node, path: Path, place: Place) -> Node:
    if not isinstance(node, Scalar):
        return node
    if node.text == "if_not_present":
        return text_at(node.mark, "missing")
    if node.text in ("daily", "weekly") or node.text.startswith("every_"):
        place.problems.add(node.mark, path, f"{shown(node.text)} is {NOT_YET}", "allowed: always, build, missing, never")
    return node


def _healthcheck(node: Node, path: Path, place: Place) -> Node:
    """Compose's `test` as a list that starts with CMD or CMD-SHELL; its `disable` is our `tcp: true`."""
    if not isinstance(node, MapNode):
        return node
    for key in ("disable", "start_interval"):
        if key in node.entries:
            fix = "write `tcp: true` to ask no more than a connection" if key == "disable" else "remove it"
            place.problems.add(node.entries[key].mark, (*path, key), NOT_YET, fix)
    test = node.get("test")
    if test is None:
        return node
    if isinstance(test, Scalar):
        test = ListNode(test.mark, (text_at(test.mark, "CMD-SHELL"), _text(test, path, place)))
    test = _texts(test, path, place)
    first = test.items[0] if isinstance(test, ListNode) and test.items else None
    if not isinstance(first, Scalar) or first.value not in _TESTS or (isinstance(test, ListNode) and len(test.items) < 2):
        what = f"found {described(first)}" if first else f"found {described(test)}"
        place.problems.add(test.mark, (*path, "test"), what, "start it with CMD or CMD-SHELL, or write `tcp: true`")
    return MapNode(node.mark, {**node.entries, "test": replace(node.entries["test"], value=test)})


NORMALIZERS: Mapping[str, Normalizer] = {
    "image": _text,
    "user": _text,
    "working_dir": _text,
    "platform": _text,
    "stop_signal": _text,
    "build": _build,
    "command": _words,
    "entrypoint": _words,
    "environment": environment,
    "volumes": lambda node, path, place: mounts(node, path, place.folder, place.problems),
    "tmpfs": _texts,
    "networks": _networks,
    "extra_hosts": _extra_hosts,
    "dns": _texts,
    "mem_limit": _size,
    "shm_size": _size,
    "cap_add": _capabilities,
    "cap_drop": _capabilities,
    "security_opt": _texts,
    "ulimits": _ulimits,
    "sysctls": _text_pairs,
    "labels": _text_pairs,
    "logging": _logging,
    "pull_policy": _pull_policy,
    "healthcheck": _healthcheck,
}


# ---------------------------------------------------------------- beside Compose


def with_host_paths(replica: MapNode, place: Place) -> MapNode:
    """A process's `working_dir` is a folder of the host, from the policy file's; a container's is its own."""
    given = replica.entries.get("working_dir")
    if given is None or not isinstance(given.value, Scalar) or not isinstance(given.value.value, str):
        return replica
    folder = replace(given, value=placed(given.value, place))
    return MapNode(replica.mark, {**replica.entries, "working_dir": folder})


def with_bind(route: MapNode, path: Path, problems: Problems) -> MapNode:
    """`bind: 127.0.0.1:8080` as host and port."""
    given = route.entries.get("bind")
    if given is None:
        return route
    node = given.value
    fix = "write ADDRESS:PORT, like 127.0.0.1:8080 or 0.0.0.0:8080"
    match = _BIND.fullmatch(node.text) if isinstance(node, Scalar) and isinstance(node.value, str) else None
    if not isinstance(node, Scalar) or not match:
        problems.add(node.mark, (*path, "bind"), f"found {described(node)}", fix)
        return route
    host = text_at(node.mark, match[1] or match[2], node.source)
    port = Scalar(node.mark, int(match[3]), match[3], source=node.source)
    bind = MapNode(node.mark, {"host": Entry(node.mark, host), "port": Entry(node.mark, port)}, short=True)
    return MapNode(route.mark, {**route.entries, "bind": replace(given, value=bind)})
