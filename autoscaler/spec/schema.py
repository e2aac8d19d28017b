"""JSON Schema (draft 2020-12) of a policy file, as the file accepts it: short forms, units and `${VARIABLES}` too.

Made from the models: pydantic's own schema, told in people's units, with what normalization accepts besides. For editors
(yaml-language-server) and for CI; it can't know all that `validate` knows.
"""

import copy
import json
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from autoscaler.spec.descriptions import DESCRIPTIONS
from autoscaler.spec.fields import DURATION, SIZE
from autoscaler.spec.models import MOST_SHADOWS, MetricName, Policy, ReplicaSpec, ServiceSpec, keys_of
from autoscaler.spec.origins import metadata_of
from autoscaler.spec.validation import OUR_FIELDS, models_in
from autoscaler.units import format_duration, format_size

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXT_OR_NUMBER: Schema = {"type": ["string", "number"]}
_ATOM: Schema = {"type": ["string", "number", "boolean", "null"]}
_TEXTS: Schema = {"type": "array", "items": _TEXT_OR_NUMBER}
_VARIABLE: Schema = {"type": "string", "pattern": r"\$"}
_SECRET: Schema = {"$ref": "#/$defs/Secret"}
_DURATION: Schema = {"type": "string", "pattern": r"^([0-9]+(\.[0-9]+)?(ms|us|d|h|m|s))+$"}
_SIZE: Schema = {
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*[bkmgtBKMGT]?([iI]?[bB])?$"},
        {"type": "integer", "exclusiveMinimum": 0},
    ]
}


def _any(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _mapping(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_ENV_FILE_ITEM = _any(
    _TEXT,
    {
        "type": "object",
        "properties": {"path": _TEXT, "required": {"type": "boolean"}},
        "required": ["path"],
        "additionalProperties": False,
    },
)

_POLICIES: list[Schema] = [
    {"$ref": f"#/$defs/{model.__name__}"} for model in models_in(Policy) if "type" in model.model_fields
]
_AMOUNT = _any({"type": "integer", "minimum": 1}, {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?\s*%$"})

_METRIC = _any({"enum": list(get_args(MetricName))}, {"$ref": "#/$defs/PrometheusMetric"})

# What a file may say where the models have one form only.
_FORMS: dict[str, Schema] = {
    "ServiceSpec.service": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"},
    "ReplicaSpec.image": _TEXT,
    "ReplicaSpec.build": _any(_TEXT, {"$ref": "#/$defs/Build"}),
    "ReplicaSpec.command": _any(_TEXT, _TEXTS),
    "ReplicaSpec.entrypoint": _any(_TEXT, _TEXTS),
    "ReplicaSpec.environment": _any(_mapping(_any(_ATOM, _SECRET)), _TEXTS),
    "ReplicaSpec.env_file": _any(_TEXT, {"type": "array", "items": _ENV_FILE_ITEM}),
    "ReplicaSpec.user": _TEXT_OR_NUMBER,
    "ReplicaSpec.volumes": {"type": "array", "items": _any(_TEXT, {"$ref": "#/$defs/Mount"})},
    "ReplicaSpec.tmpfs": _any(_TEXT, _TEXTS),
    "ReplicaSpec.networks": _any(_TEXTS, _mapping({"type": "null"})),
    "ReplicaSpec.extra_hosts": _any(_TEXTS, _mapping(_any(_TEXT, _TEXTS))),
    "ReplicaSpec.dns": _any(_TEXT, _TEXTS),
    "ReplicaSpec.cpus": _any({"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": r"^[0-9.]+$"}),
    "ReplicaSpec.ulimits": _mapping(_any({"type": "integer"}, {"$ref": "#/$defs/Ulimit"})),
    "ReplicaSpec.sysctls": _any(_mapping(_ATOM), _TEXTS),
    "ReplicaSpec.labels": _any(_mapping(_ATOM), _TEXTS),
    "ReplicaSpec.pull_policy": {"enum": ["always", "missing", "if_not_present", "never", "build"]},
    "ReplicaSpec.stop_signal": _TEXT_OR_NUMBER,
    "ReplicaSpec.cap_add": _TEXTS,
    "ReplicaSpec.cap_drop": _TEXTS,
    "ReplicaSpec.security_opt": _TEXTS,
    "HealthCheck.http": {"type": "string", "pattern": "^/"},
    "HealthCheck.test": _any(_TEXT, {"type": "array", "minItems": 2, "items": _TEXT}),
    "Build.args": _any(_mapping(_ATOM), _TEXTS),
    "Build.context": _TEXT,
    "Logging.options": _mapping(_ATOM),
    "Route.bind": {"type": "string", "pattern": r"^(\[[0-9A-Fa-f:.]+\]|[0-9.]+):[0-9]+$"},
    "Route.path": {"type": "string", "pattern": "^/"},
    "ServiceSpec.policies": {"type": "array", "minItems": 1, "items": _any(*_POLICIES)},
    "ServiceSpec.shadow": {"type": "array", "maxItems": MOST_SHADOWS, "items": {"$ref": "#/$defs/Shadow"}},
    "Shadow.policies": {"type": "array", "minItems": 1, "items": _any(*_POLICIES)},
    "TargetTracking.metric": _METRIC,
    "PrometheusMetric.server": {"type": "string", "pattern": "^https?://"},
    "Step.metric": _METRIC,
    "Step.steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/StepRule"}},
    "StepRule.above": _TEXT_OR_NUMBER,
    "StepRule.below": _TEXT_OR_NUMBER,
    "StepRule.add": _AMOUNT,
    "StepRule.remove": _AMOUNT,
    "Schedule.rules": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/ScheduleRule"}},
    "Tolerance.up": _TEXT_OR_NUMBER,
    "Tolerance.down": _TEXT_OR_NUMBER,
}
_REQUIRED = {
    "ServiceSpec": ["service", "replica", "route"],
    "ReplicaSpec": ["port"],
    "Build": [],
    "ScalingRules": [],
}
_OPEN = ("ServiceSpec", "ReplicaSpec")  # where the writer's own `x-` keys may stand


def json_schema() -> Schema:
    """The whole schema."""
    raw = ServiceSpec.model_json_schema(mode="validation", union_format="any_of")
    models = {model.__name__: model for model in models_in(ServiceSpec)}
    definitions = {
        name: _object(models[name], definition)
        for name, definition in sorted(raw.pop("$defs").items())
        if name in models and name not in ("Amount", "Bind")
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "autoscaler policy",
        **_object(ServiceSpec, raw),
        "$defs": definitions,
    }


def _object(model: type[BaseModel], raw: Schema) -> Schema:
    name = model.__name__
    keys = [key for key in keys_of(model) if not (model is ServiceSpec and key in OUR_FIELDS)]
    properties = {key: _property(model, key, raw["properties"][key]) for key in keys}
    if name == "ReplicaSpec":
        properties["env_file"] = _described(_with_variables(_FORMS[f"{name}.env_file"]), f"{name}.env_file")
        properties["privileged"] = {"const": False, "description": "Power over the host: not available yet."}
    if name == "ServiceSpec":
        properties["priority"] = {
            "const": 0,
            "description": "Which service goes first on a host too small: not available yet.",
        }
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if name in _OPEN:
        schema["patternProperties"] = {"^x-": {}}
    required = _REQUIRED.get(name, raw.get("required", []))
    return schema | ({"required": required} if required else {})


def _property(model: type[BaseModel], key: str, raw: Schema) -> Schema:
    """One key as people write it: units, short forms, variables, default and meaning."""
    where, field = f"{model.__name__}.{key}", keys_of(model)[key]
    metadata = metadata_of(field)
    schema = _FORMS.get(where) or _without_null(raw)
    default = field.default
    if DURATION in metadata:
        schema, default = _DURATION, _told(default, format_duration)
    elif SIZE in metadata:
        schema, default = _SIZE, _told(default, format_size)
    schema = _with_variables(schema)
    if model is ReplicaSpec and field.default is not PydanticUndefined:
        schema = _any(schema, {"type": "null"})  # a key of Compose's without a value was not given
    schema = _described(schema, where)
    if isinstance(default, str | int | float):
        schema["default"] = default
    return schema


def _told(default: Any, told: Any) -> Any:
    return told(default) if isinstance(default, int | float) else default


def _described(schema: Schema, where: str) -> Schema:
    return {"description": DESCRIPTIONS[where], **schema}


def _without_null(raw: Schema) -> Schema:
    schema = {key: value for key, value in raw.items() if key not in ("title", "default", "description")}
    options = [option for option in schema.get("anyOf", []) if option != {"type": "null"}]
    if not options:
        return schema
    return options[0] if len(options) == 1 else {**schema, "anyOf": options}


def _with_variables(schema: Schema) -> Schema:
    """A number, choice or pattern may also be a `${VARIABLE}`."""
    schema = copy.deepcopy(schema)
    if "anyOf" in schema:
        return {**schema, "anyOf": [_with_variables(option) for option in schema["anyOf"]]}
    narrow = schema.get("type") in ("integer", "number", "boolean") or "enum" in schema or "pattern" in schema
    return {"anyOf": [schema, _VARIABLE]} if narrow else schema


def as_text() -> str:
    """The schema as the file `autoscaler.schema.json` holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
