"""openapi.json (OpenAPI 3.1), made from the routes and the models that check and write their documents."""

import re
from collections.abc import Sequence

from openapi_pydantic import OpenAPI
from openapi_pydantic.util import PydanticSchema, construct_open_api_with_schema_class
from pydantic import BaseModel

from autoscaler import __version__
from autoscaler.web.models import Problem
from autoscaler.web.problems import CONTENT_TYPE
from autoscaler.web.routes import Route

QUERY = {
    "limit": ("integer", "at most so many, the newest"),
    "after": ("integer", "only those with a number above this"),
    "kind": ("string", "only events of this kind"),
    "tail": ("integer", "the last so many lines of each replica"),
    "follow": ("boolean", "go on with what comes new"),
    "service": ("string", "only this service's"),
}
REFUSALS = {
    400: "It can't be meant",
    401: "No token, or a wrong one",
    404: "No such service",
    413: "The body is too large",
    421: "Not this daemon's Host",
    422: "The policy files have problems",
    429: "Too many changes",
}


def openapi_document(routes: Sequence[Route]) -> bytes:
    """The document, as JSON."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    document = OpenAPI.model_validate(
        {
            "info": {
                "title": "autoscaler",
                "version": __version__,
                "description": "What a running daemon tells and can be asked. Times are Unix seconds.",
            },
            "paths": paths,
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        }
    )
    made = construct_open_api_with_schema_class(document)
    return made.model_dump_json(by_alias=True, exclude_none=True, indent=1).encode()


def _operation(route: Route) -> dict[str, object]:
    operation: dict[str, object] = {
        "summary": route.summary,
        "operationId": _operation_id(route),
        "parameters": _parameters(route),
        "responses": _responses(route),
    }
    if route.method != "GET":
        operation["security"] = [{"token": []}]
    if route.ask is not None:
        operation["requestBody"] = {
            "content": {"application/json": {"schema": {"anyOf": [_schema(route.ask), {"type": "null"}]}}}
        }
    return operation


def _operation_id(route: Route) -> str:
    """`get_services_name_explain`."""
    words = re.findall(r"[a-z]+", route.path.removeprefix("/api/v1").lower())
    return "_".join([route.method.lower(), *words])


def _parameters(route: Route) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    if "{name}" in route.path:
        found.append({"name": "name", "in": "path", "required": True, "schema": {"type": "string"}})
    for name in route.query:
        kind, description = QUERY[name]
        found.append({"name": name, "in": "query", "description": description, "schema": {"type": kind}})
    return found


def _responses(route: Route) -> dict[str, object]:
    schema = {"type": "string"} if route.answer is None else _schema(route.answer)
    if route.path.endswith("openapi.json"):
        schema = {"type": "object"}
    changes = route.method != "GET"
    refusals = {*route.refusals, *((401, 429) if changes else ()), *((400, 413) if route.ask else ())}
    if "{name}" in route.path:
        refusals.add(404)
    responses: dict[str, object] = {}
    if route.answer is not None or not changes:
        description = "Done" if changes else "What was asked"
        responses["200"] = {"description": description, "content": {route.media: {"schema": schema}}}
    for status in sorted({*refusals, 421}):
        responses[str(status)] = {"description": REFUSALS[status], "content": {CONTENT_TYPE: {"schema": _schema(Problem)}}}
    return responses


def _schema(model: type[BaseModel]) -> PydanticSchema[BaseModel]:
    return PydanticSchema(schema_class=model)
