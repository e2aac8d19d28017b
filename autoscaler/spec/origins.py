"""Where each value in force comes from: a place in a file, a variable, a flag, or our default and why.

Values are written as people write them (`10s`, `256m`), those of `environment` and build arguments never.
"""

import functools
import json
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from autoscaler.spec.fields import DURATION, SIZE
from autoscaler.spec.models import Amount, Bind, Secret, ServiceSpec, keys_of
from autoscaler.spec.nodes import ListNode, MapNode, Node, Path, key_path
from autoscaler.spec.validation import OUR_FIELDS, PACED_BY_BEHAVIOR
from autoscaler.spec.yaml12 import resolve
from autoscaler.units import format_duration, format_size

HIDDEN = '"***"'
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@+-]*")
_WIDEST = 60
_DEFAULTS: dict[Path, str] = {
    ("behavior", "scale_up"): "default (HPA's)",
    ("behavior", "scale_down"): "default (HPA's)",
    ("replica", "init"): "default (hardening)",
    ("replica", "pids_limit"): "default (hardening)",
    ("replica", "security_opt"): "default (hardening: no-new-privileges is added)",
    ("replica", "cap_drop"): "default (hardening: all but what ordinary web images need)",
}
_OPEN = dict.fromkeys((("behavior", "scale_up"), ("behavior", "scale_down")), "default (the policies' own pace)")


@dataclass(frozen=True, slots=True)
class Origin:
    """A value as people write it, and where it comes from."""

    value: str
    source: str


def origins(spec: ServiceSpec, tree: MapNode) -> Mapping[str, Origin]:
    """By key path (`policies[0].tolerance.up`), in the order of the models."""
    return {key_path(path): Origin(text, _origin(spec, tree, path)) for path, text in leaves(spec)}


def _origin(spec: ServiceSpec, tree: MapNode, path: Path) -> str:
    """A shadow's `behavior` is the service's where it says nothing of its own."""
    number = path[1] if path[0] == "shadow" and len(path) > 1 else None
    policies = spec.shadow[number].policies if isinstance(number, int) else spec.policies
    why = _DEFAULTS if any(policy.type in PACED_BY_BEHAVIOR for policy in policies) else _DEFAULTS | _OPEN
    source = _source(tree, path, why)
    inherits = number is not None and path[2] == "behavior" and source == "default"
    return _source(tree, path[2:], why) if inherits else source


def _source(tree: MapNode, path: Path, defaults: Mapping[Path, str]) -> str:
    node: Node = tree
    for part in path:
        if isinstance(node, MapNode):
            found = node.get(str(part))
        elif isinstance(node, ListNode):
            found = node.items[part] if isinstance(part, int) and part < len(node.items) else None
        else:
            break  # one scalar stands for all of this: `tolerance: 10%`
        if found is None:
            return next((why for where, why in defaults.items() if path[: len(where)] == where), "default")
        node = found
    return getattr(node, "source", "") or str(node.mark)


def leaves(spec: ServiceSpec) -> Iterator[tuple[Path, str]]:
    """Every value of a service with its path, written as YAML; keys that were not given and have no default are left out."""
    yield from _model(spec, ())


def _model(model: BaseModel, path: Path) -> Iterator[tuple[Path, str]]:
    for key, name, metadata in _fields(type(model)):
        if path or name not in OUR_FIELDS:
            yield from _value(getattr(model, name), (*path, key), metadata)


@functools.cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str, list[Any]], ...]:
    names = zip(keys_of(model).items(), model.model_fields, strict=True)
    return tuple((key, name, metadata_of(field)) for (key, field), name in names)


def _value(value: Any, path: Path, metadata: list[Any]) -> Iterator[tuple[Path, str]]:
    if value is None:
        return
    if isinstance(value, Secret):
        yield path, _secret(value)
    elif isinstance(value, Bind):
        yield path, json.dumps(str(value))
    elif isinstance(value, Amount):
        yield path, str(value)
    elif isinstance(value, BaseModel):
        yield from _model(value, path)
    elif isinstance(value, tuple | dict) and not value:
        yield path, "[]" if isinstance(value, tuple) else "{}"
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _value(item, (*path, index), [])
    elif isinstance(value, dict):
        hidden = path in (("replica", "environment"), ("replica", "build", "args"))
        for key, item in value.items():
            if hidden and not isinstance(item, Secret):
                yield (*path, key), HIDDEN
            else:
                yield from _value(item, (*path, key), [])
    else:
        yield path, _atom(value, metadata)


def _secret(secret: Secret) -> str:
    return f"{{env: {quoted(secret.env)}}}" if secret.env is not None else f"{{file: {quoted(secret.file or '')}}}"


def _atom(value: Any, metadata: list[Any]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if DURATION in metadata:
        return format_duration(value)
    if SIZE in metadata:
        return format_size(value)
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return quoted(value) if isinstance(value, str) else str(value)


def quoted(text: str) -> str:
    """A text as YAML, quoted where it would be read as something else."""
    return text if _PLAIN.fullmatch(text) and isinstance(resolve(text), str) else json.dumps(text)


def metadata_of(field: FieldInfo) -> list[Any]:
    """What is annotated to a field, also within `X | None`."""
    found = list(field.metadata)
    for argument in typing.get_args(field.annotation):
        found.extend(getattr(argument, "__metadata__", ()))
    return found


Branch = dict[str | int, "str | Branch"]


def as_yaml(spec: ServiceSpec, told: Mapping[str, Origin]) -> str:
    """The policy in force as YAML, each value with its origin behind it."""
    root: Branch = {}
    for path, text in leaves(spec):
        branch = root
        for part in path[:-1]:
            below = branch.setdefault(part, {})
            assert isinstance(below, dict)  # a path that goes on has no value of its own
            branch = below
        branch[path[-1]] = text
    lines = list(_lines(root, (), told))
    width = max((len(line) for line, source in lines if source and len(line) <= _WIDEST), default=0)
    return "".join(f"{line:<{width}}  # {source}\n" if source else f"{line}\n" for line, source in lines)


def _lines(branch: Branch, path: Path, told: Mapping[str, Origin]) -> Iterator[tuple[str, str]]:
    """Line and origin; what is below a key is indented by two, what is in a list behind a dash."""
    for part, value in branch.items():
        here = (*path, part)
        dash = "- " if isinstance(part, int) else "  " if path else ""
        key = "" if isinstance(part, int) else quoted(part)
        if isinstance(value, str):
            yield f"{key}: {value}" if key else f"- {value}", told[key_path(here)].source
            continue
        if key:
            yield f"{key}:", ""
        for number, (line, source) in enumerate(_lines(value, here, told)):
            yield f"{dash if key == '' and number == 0 else '  '}{line}", source
