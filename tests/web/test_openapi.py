"""openapi.json tells of every path, and what is answered is what it says."""

import re
from typing import Any

import aiohttp
import pytest

from tests.web.conftest import BEARER, Served

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
    "boolean": (bool,),
}


@pytest.fixture
async def document(served: Served) -> dict[str, Any]:
    async with served.tcp.get("/api/v1/openapi.json") as answer:
        assert (answer.status, answer.content_type) == (200, "application/json")
        told: dict[str, Any] = await answer.json()
        return told


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item}


async def test_every_path_of_the_router_is_told(served: Served, document: dict[str, Any]) -> None:
    app = served.server._runner.app
    routed = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource}
    assert operations(document) == {(method, path) for method, path in routed if method != "HEAD"}
    assert len(operations(document)) == 17


async def test_the_contracts_paths_are_there(document: dict[str, Any]) -> None:
    one = "/api/v1/services/{name}"
    reading = ["/", "/metrics", "/healthz", "/readyz", "/api/v1/services", one, "/api/v1/events", "/api/v1/openapi.json"]
    contract = {("GET", path) for path in (*reading, f"{one}/explain", f"{one}/history")}
    contract |= {("POST", f"{one}/{what}") for what in ("scale", "pause", "resume", "undo")} | {("POST", "/api/v1/reload")}
    assert operations(document) >= contract


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def check(document: dict[str, Any], schema: dict[str, Any], value: Any, at: str = "$") -> None:
    """A small part of JSON Schema: what our models write."""
    schema = resolve(document, schema)
    if "anyOf" in schema:
        problems = []
        for choice in schema["anyOf"]:
            try:
                return check(document, choice, value, at)
            except AssertionError as error:
                problems.append(str(error))
        raise AssertionError(f"{at}: {value!r} is none of {problems}")
    if "type" in schema:
        assert isinstance(value, KINDS[schema["type"]]), f"{at}: {value!r} is no {schema['type']}"
    for name in schema.get("required", ()):
        assert name in value, f"{at}: no {name}"
    if isinstance(value, dict):
        for name, inner in value.items():
            told = schema.get("properties", {}).get(name)
            assert told is not None or schema.get("additionalProperties"), f"{at}: {name} is not told of"
            if told is not None:
                check(document, told, inner, f"{at}.{name}")
    for index, inner in enumerate(value if isinstance(value, list) else ()):
        check(document, schema["items"], inner, f"{at}[{index}]")
    return None


@pytest.mark.parametrize("path", ["services", "services/web", "services/web/explain", "services/web/history"])
async def test_answers_are_as_told(served: Served, document: dict[str, Any], path: str) -> None:
    told = document["paths"]["/api/v1/" + path.replace("web", "{name}")]["get"]
    async with served.tcp.get(f"/api/v1/{path}") as answer:
        check(document, told["responses"]["200"]["content"]["application/json"]["schema"], await answer.json())


async def every_refusal(session: aiohttp.ClientSession, method: str, path: str) -> list[tuple[int, str, Any]]:
    """What a path answers to one without a token, of another Host, and about a service that isn't there."""
    found = []
    for asked, headers in ((path, {"Host": "evil.example"}), (path, {}), (path.replace("web", "nope"), BEARER)):
        async with session.request(method, asked, headers=headers, data=b"[" if method == "POST" else None) as answer:
            if answer.status >= 400 and answer.content_type != "text/plain":
                found.append((answer.status, answer.content_type, await answer.json(content_type=None)))
    return found


async def test_every_refusal_is_a_problem_document_that_is_told_of(served: Served, document: dict[str, Any]) -> None:
    for method, path in sorted(operations(document)):
        if path in ("/api/v1/down", "/api/v1/reload") or path.endswith(("/events", "/logs")):
            continue
        told = document["paths"][path][method.lower()]["responses"]
        refusals = await every_refusal(served.tcp, method, path.replace("{name}", "web"))
        assert refusals, (method, path)
        for status, content_type, problem in refusals:
            assert content_type == "application/problem+json", (method, path)
            check(document, told[str(status)]["content"]["application/problem+json"]["schema"], problem)


def test_changes_need_the_token_in_the_document_too(document: dict[str, Any]) -> None:
    for method, path in operations(document):
        assert ("security" in document["paths"][path][method.lower()]) == (method == "POST"), path


def test_each_operation_has_an_id_of_its_own(document: dict[str, Any]) -> None:
    ids = [document["paths"][path][method.lower()]["operationId"] for method, path in operations(document)]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z_]+", one) for one in ids)
    assert document["openapi"].startswith("3.1")
