"""From a document's tree to a typed service, and from what pydantic finds to problems with a place.

Each of pydantic's errors has a `loc`; the tree knows where that stands. What was said of a key before is not said again.
"""

import hashlib
import json
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from autoscaler.spec.fields import FROM_FILE
from autoscaler.spec.models import HPA_SCALE_DOWN, HPA_SCALE_UP, OPEN, MetricName, Policy, ScalingRules, ServiceSpec, keys_of
from autoscaler.spec.nodes import ListNode, MapNode, Node, Path, Scalar, described, find, shown, values
from autoscaler.spec.problems import Problems, nearest
from autoscaler.units import format_duration

OUR_FIELDS = ("spec_hash", "folder")  # filled in here, no keys of the file
FILE_KEYS: Mapping[str, tuple[str, ...]] = {"replica": ("env_file",)}  # keys of the file that models don't have

PACED_BY_BEHAVIOR = ("target_tracking", "step")

_MISSING = {
    "service": "name the service: `service: web`",
    "replica": "say what a replica is: `replica: {image: NAME, port: 5000}`",
    "replica.port": "say what the replica listens on: `port: 5000`",
    "route": "say where clients connect: `route: {bind: 127.0.0.1:8080}`",
    "route.bind": "say where clients connect: `bind: 127.0.0.1:8080`",
    "cron": 'say when it starts: `cron: "0 8 * * 1-5"`',
    "for": "say for how long: `for: 10h`",
    "rules": 'write one, such as {cron: "0 8 * * 1-5", for: 10h, min: 4}',
    "steps": "write one, such as {above: 100, add: 2}",
    "source": "allowed: prometheus",
    "server": "say where it answers: `server: http://127.0.0.1:9090`",
    "query": "write a query for one number: `query: 'sum(queue_depth)'`",
    "name": "name it, such as `name: cheaper`",
    "policies": "write one, such as {type: concurrency, target: 16}",
    "target": "write what one replica bears, such as `target: 10`",
    "metric": f"allowed: {', '.join(typing.get_args(MetricName))}, or a mapping with `source`",
    "objective": "say the longest good latency: `objective: 250ms`",
    "period": "write it like `period: 15s`",
}
_SECRETS = ("bearer_token", "password")
_WANTED = {
    "string_type": "write a text",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_type": "write a number",
    "bool_type": "write true or false",
    "dict_type": "write a mapping",
    "model_type": "write a mapping",
    "model_attributes_type": "write a mapping, such as {type: auto}",
    "tuple_type": "write a list",
    "finite_number": "write a finite number",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least {}"),
    "greater_than": ("gt", "more than {}"),
    "less_than_equal": ("le", "at most {}"),
    "less_than": ("lt", "less than {}"),
}
_PATTERNS = {
    "service": "use lower-case letters, digits and -, at most 40, no - at the ends",
    "name": "use letters, digits and _ . : -, at most 60, a letter first",
    "username": "use at most 200 characters, without : and control characters",
}


def spec_hash(replica: Node | None, variables: Node | None) -> str:
    """A short hash of what the file says in `replica:`, never of our defaults: an upgrade of ours changes none.

    `variables` are those of `environment` and `env_file` together, where there is an `env_file`.
    """
    said = [_said(replica), _said(variables)] if variables else _said(replica)
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _said(node: Node | None) -> Any:
    """The texts of a tree: 1.10 and 1.1 are two versions."""
    match node:
        case MapNode():
            return {key: _said(entry.value) for key, entry in node.entries.items()}
        case ListNode():
            return [_said(item) for item in node.items]
        case Scalar():
            return None if node.value is None else node.text
        case None:
            return None


def validated(tree: MapNode, ours: Mapping[str, str], problems: Problems) -> ServiceSpec | None:
    """The typed service; None where anything about it is wrong."""
    for key in OUR_FIELDS:
        if key in tree.entries:
            problems.add(tree.entries[key].mark, (key,), "unknown key", "remove it")
    given = values(tree)
    said = given.get("behavior", {})
    given["behavior"] = _with_defaults(said, paced=_is_paced(given.get("policies")))
    if isinstance(given.get("shadow"), tuple):
        given["shadow"] = tuple(_shadow(shadow, said) for shadow in given["shadow"])
    try:
        spec = ServiceSpec.model_validate({**given, **ours}, context=FROM_FILE)
    except ValidationError as error:
        details = [typing.cast("dict[str, Any]", detail) for detail in error.errors(include_url=False)]
        for detail in details:
            if not _is_inherited(detail, details):
                _tell(tree, detail, problems)
        return None
    return None if problems.found else spec


def _shadow(shadow: Any, said: Any) -> Any:
    """A shadow with all of its `behavior`: what it leaves out is as the service's is `said` to be, else its own policies'
    default, as it would be had the file these policies."""
    if not isinstance(shadow, dict):
        return shadow
    own = shadow.get("behavior", {})
    if isinstance(said, dict) and isinstance(own, dict):
        rules = {key: said[key] | own[key] for key in said.keys() & own.keys() if _both_mappings(said[key], own[key])}
        own = said | own | rules
    return {**shadow, "behavior": _with_defaults(own, paced=_is_paced(shadow.get("policies")))}


def _is_inherited(error: Mapping[str, Any], errors: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a shadow has it from the service's `behavior`, of which it is told."""
    place, found = error["loc"], error["input"]
    return place[:1] == ("shadow",) and any(each["loc"] == place[2:] and each["input"] == found for each in errors)


def _both_mappings(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


def _is_paced(policies: Any) -> bool:
    """Whether some policy leaves the pace to `behavior`; the others bring a pace of their own."""
    kinds = [policy.get("type") for policy in policies if isinstance(policy, dict)] if isinstance(policies, tuple) else []
    return any(kind in PACED_BY_BEHAVIOR for kind in kinds)


def _with_defaults(behavior: Any, *, paced: bool) -> Any:
    """Each field of `behavior` left out takes its default, its siblings whatever was given: the HPA's where the pace is left
    to it, else none at all. Source: DECISIONS, "behavior"."""
    if not isinstance(behavior, dict):
        return behavior
    filled = dict(behavior)
    defaults = (HPA_SCALE_UP, HPA_SCALE_DOWN) if paced else (OPEN, OPEN)
    for direction, rules in zip(("scale_up", "scale_down"), defaults, strict=True):
        given = behavior.get(direction, {})
        if isinstance(given, dict):
            filled[direction] = _written(rules) | given
    return filled


def _written(rules: ScalingRules) -> dict[str, Any]:
    return {"stabilization_window": format_duration(rules.stabilization_window), "policies": rules.policies}


def _tell(tree: MapNode, error: dict[str, Any], problems: Problems) -> None:
    if error["type"] == "default_factory_not_called":  # only since something else is wrong, which is told
        return
    path = _path(tree, error["loc"])
    if error["type"] == "key":
        path = (*path, error["ctx"]["key"])
    elif error["type"] in ("union_tag_not_found", "union_tag_invalid"):
        path = (*path, "type")
    if problems.said_of(path):
        return
    mark, node = find(tree, path)
    what, fix = _words(error, tree, path, node)
    problems.add(mark, path, what, fix)


def _path(tree: MapNode, loc: Path) -> Path:
    """`loc` without the names of alternatives that pydantic puts in it."""
    path: list[str | int] = []
    node: Node | None = tree
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        if isinstance(node, MapNode) and node.short:
            break
        if isinstance(node, MapNode):
            if (str(part) in node.entries or last) and not _is_type_of(node, part):
                path.append(part)
                node = node.get(str(part))
        elif isinstance(part, int) or node is None:
            path.append(part)
            node = find(tree, tuple(path))[1] if node is not None else None
    return tuple(path)


def _is_type_of(node: MapNode, part: str | int) -> bool:
    """Whether `part` is no key of the node but names its `type`, or a metric's `source`."""
    kinds = (node.get("type"), node.get("source"))
    return str(part) not in node.entries and any(isinstance(kind, Scalar) and kind.text == part for kind in kinds)


def _words(error: dict[str, Any], tree: MapNode, path: Path, node: Node) -> tuple[str, str]:
    """What is wrong and how to put it right, in our own words."""
    kind, context, key = error["type"], error.get("ctx", {}), str(path[-1]) if path else ""
    told = shown(error["input"]) if isinstance(node, MapNode) and node.short else described(node)
    found = f"found {told}" if _may_be_shown(path) else "found something else"
    if kind == "extra_forbidden":
        return "unknown key", nearest(key, _allowed_keys(tree, path[:-1]))
    if kind == "union_tag_not_found":
        return "is missing", f"allowed: {', '.join(POLICY_TYPES)}"
    if kind == "union_tag_invalid":
        suggestion = nearest(str(context["tag"]), list(POLICY_TYPES))
        return found, suggestion
    if kind == "missing":
        dotted = ".".join(str(part) for part in path)
        return "is missing", _MISSING.get(dotted, _MISSING.get(key, "add it"))
    if kind == "model_type" and key in _SECRETS:
        return found, "write {env: NAME} or {file: PATH}"
    if kind in _WANTED:
        return found, _WANTED[kind]
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        is_duration = isinstance(node, Scalar) and isinstance(node.value, str) and node.text[-1:].isalpha()
        limit = format_duration(context[bound]) if is_duration else f"{context[bound]:g}"
        return found, f"write {words.format(limit)}"
    if kind == "literal_error":
        choices = context["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        suggestion = nearest(node.text, choices) if isinstance(node, Scalar) else ""
        meant = f"{suggestion} " if suggestion.startswith("did you mean") else ""
        return found, f"{meant}allowed: {', '.join(choices)}"
    if kind == "string_pattern_mismatch":
        return found, _PATTERNS.get(key, f"must match {context['pattern']}")
    if kind in ("value_error", "key"):
        what, _, fix = str(context.get("error") or context["told"]).rpartition("; ")  # `what` may quote one
        return what, fix
    return found, str(error["msg"])


def _may_be_shown(path: Path) -> bool:
    return path[:2] != ("replica", "environment") and "auth" not in path


def _allowed_keys(tree: MapNode, path: Path) -> list[str]:
    """The keys of the mapping at `path`."""
    model: type[BaseModel] = ServiceSpec
    for position, part in enumerate(path):
        field = keys_of(model).get(str(part))
        if field is not None:
            model = _meant([*models_in(field.annotation)] or [model], find(tree, (*path[: position + 2], "type"))[1])
    extra = FILE_KEYS.get(".".join(str(part) for part in path), ())
    return [key for key in keys_of(model) if key not in OUR_FIELDS] + list(extra)


def _meant(models: list[type[BaseModel]], kind: Node | None) -> type[BaseModel]:
    """Of several models that may stand there the one of this `type`."""
    text = kind.text if isinstance(kind, Scalar) else None
    return next((model for model in models if "type" in model.model_fields and text in types_of(model)), models[0])


def types_of(policy: type[BaseModel]) -> tuple[str, ...]:
    """What `type:` may be of a policy's model."""
    return typing.get_args(policy.model_fields["type"].annotation)


def models_in(annotation: Any) -> typing.Iterator[type[BaseModel]]:
    """All models that an annotation speaks of, theirs included."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for argument in typing.get_args(annotation):
        yield from models_in(argument)


POLICY_TYPES = tuple(name for model in models_in(Policy) if "type" in model.model_fields for name in types_of(model))
