"""What the API answers, over real sockets."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from autoscaler.errors import EngineUnavailable, UsageError
from autoscaler.model import EventKind, Orders, Override, PauseKind
from tests.support.fake_control import FakeControl, T, event, service_status
from tests.web.conftest import BEARER, Served

SERVICE_KEYS = {
    "name", "runtime", "route", "desired", "min", "max", "mode", "override", "policies", "replicas", "rollout",
    "last_decision", "errors",
}  # fmt: skip
REPLICA_KEYS = {"name", "state", "spec", "address", "started_at", "ready_at", "inflight"}
DECISION_KEYS = {"t", "service", "desired", "recommendations", "limited_by", "mode"}


async def got(session: aiohttp.ClientSession, path: str) -> Any:
    async with session.get(path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def posted(session: aiohttp.ClientSession, path: str, document: object = None) -> tuple[int, Any]:
    async with session.post(path, json=document) as answer:
        return answer.status, await answer.json(content_type=None)


async def test_a_service_object_has_the_contracts_keys(served: Served) -> None:
    one = await got(served.tcp, "/api/v1/services/web")
    assert one.keys() >= SERVICE_KEYS
    assert one["replicas"][0].keys() >= REPLICA_KEYS
    assert one["last_decision"].keys() >= DECISION_KEYS
    assert (one["name"], one["desired"], one["mode"], one["override"], one["rollout"]) == ("web", 3, "stable", None, None)
    assert one["route"] == {"bind": "127.0.0.1:8080", "host": "shop.example.com", "path": "/"}
    assert one["last_decision"]["limited_by"] == ["max"]
    assert [r["inflight"] for r in one["replicas"]] == [4, 0, 0]


async def test_all_services_are_an_array_by_name(served: Served) -> None:
    served.control.services = {name: service_status(name) for name in ("web", "api")}
    assert [service["name"] for service in await got(served.unix, "/api/v1/services")] == ["api", "web"]


async def test_an_override_in_force_is_told(served: Served) -> None:
    order = Orders(Override(replicas=2, until=T + 60, reason="sale"), PauseKind.IN)
    served.control.services["web"] = service_status(orders=order)
    one = await got(served.tcp, "/api/v1/services/web")
    assert one["override"] == {"replicas": 2, "min": None, "max": None, "until": T + 60, "reason": "sale"}
    assert one["paused"] == "in"


async def test_before_the_first_decision_there_is_none(served: Served) -> None:
    served.control.services["web"] = service_status(decision=None)
    one = await got(served.tcp, "/api/v1/services/web")
    assert (one["mode"], one["last_decision"], one["desired"]) == (None, None, 3)


async def test_explain_has_the_text_and_the_numbers(served: Served) -> None:
    told = await got(served.tcp, "/api/v1/services/web/explain")
    assert "max allows 3" in told["text"]
    assert told["decision"]["limits"][0] == {
        "name": "max", "before": 4, "after": 3, "reason": "the policy's max is 3", "until": None,
    }  # fmt: skip
    assert told["metrics"][0]["value"] == 160.0
    why = told["account"]
    assert (why["ready"], why["starting"], why["without"]) == (2, 1, [{"limit": "max", "desired": 4}])
    assert why["bases"] == [
        {"policy": 0, "metric": "request_rate", "value": 160.0, "window": 10.0, "target": 50.0, "per_replica": True}
    ]
    assert (why["more"]["told"], why["more"]["at"], why["more"]["turns"]) == ("not beyond max 3", None, [])
    assert (why["fewer"]["reach"], why["fewer"]["waits_for"]) == (1, "stabilization")
    turn = {"metric": "request_rate", "per_replica": True, "at": 100.0, "inclusive": True, "asks": 2}
    assert why["fewer"]["turns"] == [turn]


async def test_history_is_bounded_and_goes_on_after_a_number(served: Served) -> None:
    served.control.journal = [(n, event(service="web" if n % 2 else "api")) for n in range(1, 10)]
    assert [e["id"] for e in (await got(served.tcp, "/api/v1/services/web/history?limit=2"))["events"]] == [7, 9]
    assert [e["id"] for e in (await got(served.tcp, "/api/v1/services/web/history?after=5"))["events"]] == [7, 9]
    served.control.journal += [(10, event(EventKind.DECIDED)), (11, event())]
    decided = await got(served.tcp, "/api/v1/services/web/history?kind=decided")
    assert [e["id"] for e in decided["events"]] == [10]
    async with served.tcp.get("/api/v1/services/web/history?kind=decide") as answer:
        assert (answer.status, (await answer.json())["detail"]) == (400, "`kind` is no kind of event, such as decided")
    one = (await got(served.tcp, "/api/v1/services/web/history?limit=1"))["events"][0]
    assert (one["kind"], one["cause"], one["facts"]) == ("replica_ready", "health check passed", {"start_seconds": 1.42})


async def test_a_fact_that_is_no_json_becomes_text(served: Served) -> None:
    served.control.journal = [(1, event(facts={"error": UsageError("no")}))]
    assert (await got(served.tcp, "/api/v1/services/web/history"))["events"][0]["facts"] == {"error": "no"}


async def test_plain_pages(served: Served) -> None:
    for path, word in (("/", "/api/v1/openapi.json"), ("/healthz", "ok"), ("/metrics", "autoscaler_desired_replicas 3")):
        async with served.tcp.get(path) as answer:
            assert answer.status == 200
            assert word in await answer.text()
            assert "Access-Control-Allow-Origin" not in answer.headers
    async with served.tcp.get("/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_readyz_says_what_is_not_ready_and_what_is_degraded(served: Served) -> None:
    served.control.degraded = {"state": "disk full"}
    async with served.tcp.get("/readyz") as answer:
        assert (answer.status, await answer.text()) == (200, "ready\ndegraded: state: disk full\n")
    served.control.problems = ("docker: no answer", "haproxy: starting")
    async with served.tcp.get("/readyz") as answer:
        assert answer.status == 503
        assert (await answer.text()).splitlines()[:3] == ["not ready", "docker: no answer", "haproxy: starting"]


async def test_scale_answers_what_came_of_it(served: Served) -> None:
    order = {"replicas": 2, "for": "10m", "reason": "sale"}
    assert await posted(served.unix, "/api/v1/services/web/scale", order) == (
        200, {"desired": 2, "until": T + 600, "note": ""},
    )  # fmt: skip
    assert served.control.asked == [("scale", "web", Override(replicas=2, until=T + 600, reason="sale"))]


async def test_scale_says_that_it_was_bounded(served: Served) -> None:
    status, answer = await posted(served.unix, "/api/v1/services/web/scale", {"replicas": 9})
    assert (status, answer) == (200, {"desired": 3, "until": None, "note": "bounded by max 3"})


async def test_scale_takes_bounds_and_null(served: Served) -> None:
    await posted(served.unix, "/api/v1/services/web/scale", {"min": 2, "max": 3})
    await posted(served.unix, "/api/v1/services/web/scale", None)
    assert served.control.asked == [("scale", "web", Override(min=2, max=3)), ("scale", "web", None)]


@pytest.mark.parametrize(
    ("body", "word"),
    [
        pytest.param("{", "no JSON", id="not JSON"),
        pytest.param("[" * 20_000, "no JSON", id="deep"),
        pytest.param("{}", "is needed", id="nothing ordered"),
        pytest.param('{"replicas": -1}', "`replicas`", id="negative"),
        pytest.param('{"replicas": 3.5}', "`replicas`", id="a fraction"),
        pytest.param('{"replicas": "3"}', "`replicas`", id="text"),
        pytest.param('{"replicas": true}', "`replicas`", id="a boolean"),
        pytest.param('{"replicas": 99999999}', "`replicas`", id="too many"),
        pytest.param('{"replicas": 3, "min": 2}', "not both", id="both kinds"),
        pytest.param('{"min": 3, "max": 2}', "above `max`", id="crossed"),
        pytest.param('{"replicas": 3, "for": 10}', "no unit", id="no unit"),
        pytest.param('{"replicas": 3, "for": "soon"}', "no duration", id="no duration"),
        pytest.param('{"replicas": 3, "for": "0s"}', "`for`", id="for no time"),
        pytest.param('{"replicas": 3, "hurry": 1}', "`hurry`", id="unknown key"),
        pytest.param('"auto"', "", id="not a mapping"),
    ],
)
async def test_an_order_that_cannot_be_meant_is_a_problem(served: Served, body: str, word: str) -> None:
    async with served.unix.post("/api/v1/services/web/scale", data=body.encode()) as answer:
        assert (answer.status, answer.content_type) == (400, "application/problem+json")
        problem = json.loads(await answer.read())
    assert problem.keys() >= {"type", "title", "status", "detail"}
    assert word in problem["detail"]
    assert served.control.asked == []


@pytest.mark.parametrize(
    ("paused", "asked", "left"),
    [
        pytest.param(PauseKind.ALL, None, None, id="all of all"),
        pytest.param(PauseKind.ALL, "in", PauseKind.OUT, id="in of all"),
        pytest.param(PauseKind.ALL, "out", PauseKind.IN, id="out of all"),
        pytest.param(PauseKind.IN, "in", None, id="in of in"),
        pytest.param(PauseKind.IN, "out", PauseKind.IN, id="out of in"),
        pytest.param(None, "in", None, id="of nothing"),
    ],
)
async def test_resume_lets_go_what_it_names(
    served: Served, paused: PauseKind | None, asked: str | None, left: PauseKind | None
) -> None:
    served.control.services["web"] = service_status(orders=Orders(pause=paused))
    status, _ = await posted(served.unix, "/api/v1/services/web/resume", {"only": asked})
    assert (status, served.control.asked) == (200, [("pause", "web", left)])


@pytest.mark.parametrize(("body", "kind"), [(None, PauseKind.ALL), ({"only": "in"}, PauseKind.IN), ({}, PauseKind.ALL)])
async def test_pause(served: Served, body: object, kind: PauseKind) -> None:
    assert (await posted(served.unix, "/api/v1/services/web/pause", body))[0] == 200
    assert served.control.asked == [("pause", "web", kind)]


async def test_reload_tells_problems(served: Served) -> None:
    assert await posted(served.unix, "/api/v1/reload") == (200, {"problems": []})
    served.control.wrong = ("a.yaml:3:1: policies: unknown key", "b.yaml:1:1: no service")
    status, problem = await posted(served.unix, "/api/v1/reload")
    assert (status, problem["problems"]) == (422, list(served.control.wrong))


async def test_down_takes_names_or_all(served: Served) -> None:
    assert await posted(served.unix, "/api/v1/down", {"services": ["web"]}) == (200, {"services": ["web"]})
    assert await posted(served.unix, "/api/v1/down") == (200, {"services": None})
    assert (await posted(served.unix, "/api/v1/down", {"services": ["nope"]}))[0] == 404
    assert (await posted(served.unix, "/api/v1/down", {"services": []}))[0] == 400
    assert served.control.asked == [("down", ("web",)), ("down", None)]


async def test_undo_is_not_available_yet(served: Served) -> None:
    status, problem = await posted(served.unix, "/api/v1/services/web/undo")
    assert (status, problem["detail"]) == (404, "rollouts are not available yet")


async def test_errors_of_the_outside_keep_their_words(served: Served) -> None:
    served.control.fail = EngineUnavailable("no answer in 0.8 s", where="docker unix:///d.sock", fix="is dockerd running?")
    status, problem = await posted(served.unix, "/api/v1/services/web/scale", None)
    assert status == 503
    assert (problem["detail"], problem["where"], problem["fix"]) == (
        "no answer in 0.8 s", "docker unix:///d.sock", "is dockerd running?",
    )  # fmt: skip


async def test_a_bug_is_logged_and_not_told(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    served.control.fail = RuntimeError("password=hunter2")
    async with served.tcp.get("/api/v1/services/web/explain") as answer:
        assert (answer.status, answer.content_type) == (500, "application/problem+json")
        assert "hunter2" not in await answer.text()
    assert "hunter2" in caplog.text
    assert "GET /api/v1/services/web/explain failed" in caplog.text


async def test_an_order_is_carried_out_though_its_client_goes_away(served: Served) -> None:
    served.control.gate = asyncio.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await served.unix.post("/api/v1/services/web/scale", json={"replicas": 2})
    connections = served.server._listeners[0]._connections
    async with asyncio.timeout(5):
        while connections._busy:  # the far end of a real socket tells nothing
            await asyncio.sleep(0.01)
    for _ in range(20):
        await asyncio.sleep(0)  # let the cancellation come as far as it gets
    served.control.gate.set()
    async with asyncio.timeout(2):
        await served.control.done.wait()
    assert served.control.asked == [("scale", "web", Override(replicas=2))]


async def test_head_and_options_and_wrong_methods(served: Served) -> None:
    async with served.tcp.head("/api/v1/services") as answer:
        assert (answer.status, await answer.read()) == (200, b"")
    async with served.tcp.delete("/api/v1/services", headers=BEARER) as answer:
        assert (answer.status, answer.content_type) == (405, "application/problem+json")
        assert answer.headers["Allow"] == "GET,HEAD"


def test_the_fake_is_the_port() -> None:
    from autoscaler.ports import Control

    control: Control = FakeControl()
    assert control.status().ready
