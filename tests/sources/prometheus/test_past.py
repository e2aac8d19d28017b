"""What a query gave in the past, minute by minute: of Prometheus itself, and of servers that go wrong."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web as serving

from autoscaler.drivers.credentials import Who
from autoscaler.drivers.web import Web
from autoscaler.errors import SourceError, SourceUnavailable
from autoscaler.model import Minutes
from autoscaler.sources.prometheus import past, read_minutes
from tests.sources.answers import Answer, answering, says, told
from tests.support.ports import free_port
from tests.support.prometheus import PrometheusServer, needs_prometheus

FIRST = 28_333_320
WEEK = 7 * 1440


async def asked(
    server: str, query: str = "vector(42)", first: int = FIRST, minutes: int = 10, who: Who | None = None
) -> Minutes:
    web = Web()
    try:
        return await read_minutes(server, query, first, first + minutes, who or Who(), "give a token", web)
    finally:
        await web.close()


async def failure(answer: Answer) -> SourceError:
    async with answering(answer) as url:
        with pytest.raises(SourceError) as caught:
            await asked(url)
        assert caught.value.where == url
    assert caught.value.fix
    return caught.value


def series(*points: tuple[float, str]) -> str:
    return told([{"metric": {}, "values": [list(point) for point in points]}], "matrix")


# ---------------------------------------------------------------- of Prometheus itself


@pytest.mark.real
@needs_prometheus
async def test_a_week_in_several_questions_has_for_each_minute_the_number_at_its_end(server: PrometheusServer) -> None:
    found = await asked(server.url, "time()", minutes=WEEK)
    assert past.POINTS < WEEK
    assert found == Minutes(FIRST, tuple((FIRST + place + 1) * 60.0 for place in range(WEEK)))


@pytest.mark.real
@needs_prometheus
async def test_a_question_of_as_many_points_as_are_asked_for_at_once_fits_in_an_answer(server: PrometheusServer) -> None:
    found = await asked(server.url, "time() / 3", minutes=past.POINTS)  # numbers as long as they get
    assert len(found.means) == past.POINTS
    assert None not in found.means


@pytest.mark.real
@needs_prometheus
@pytest.mark.parametrize(
    ("query", "means"),
    [
        pytest.param("42.5", (42.5,) * 6, id="a scalar"),
        pytest.param("vector(5) and on() minute() % 3 != 0", (5.0, 5.0, None) * 2, id="where it has a number"),
        pytest.param("no_such_metric", (None,) * 6, id="nothing at all"),
        pytest.param("vector(0) / 0", (None,) * 6, id="NaN"),
        pytest.param("vector(1) / 0", (None,) * 6, id="infinity"),
    ],
)
async def test_where_there_is_no_number_a_minute_is_missing(
    server: PrometheusServer, query: str, means: tuple[float | None, ...]
) -> None:
    assert (await asked(server.url, query, minutes=6)).means == means


@pytest.mark.real
@needs_prometheus
@pytest.mark.parametrize(
    ("query", "told"),
    [
        pytest.param("vector(-3)", "the query gives -3", id="negative"),
        pytest.param('label_replace(vector(1), "a", "b", "", "") or vector(1)', "the query gives 2 series", id="several"),
        pytest.param("sum(", "it answered 400: ", id="broken"),
        pytest.param("up[5m]", "it answered 400: ", id="a range"),
    ],
)
async def test_a_query_that_gives_no_load_is_an_error(server: PrometheusServer, query: str, told: str) -> None:
    with pytest.raises(SourceError) as caught:
        await asked(server.url, query)
    assert caught.value.what.startswith(told)
    assert caught.value.where == server.url
    assert caught.value.fix


# ---------------------------------------------------------------- of servers that go wrong


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (told([{"metric": {}, "value": [0, "1"]}]), "the answer has no result"),
        (told({}, "matrix"), "the answer has no result"),
        (told([{"metric": {}}], "matrix"), "the answer has no sample"),
        (told([7], "matrix"), "the answer has no sample"),
        (told([{"metric": {}, "values": [[1]]}], "matrix"), "the answer has no sample"),
        (told([{"metric": {}, "values": [], "histograms": [[1, {}]]}], "matrix"), "the query gives a histogram"),
        (series((FIRST * 60.0, "1")), "it answered for another time than it was asked"),
        (series(((FIRST + 11) * 60.0, "1")), "it answered for another time than it was asked"),
        (series(((FIRST + 1) * 60.0, "many")), "the answer's sample is no number"),
        (series(((FIRST + 1) * 60.0, "1e300")), "the query gives 1e+300"),
        ('{"status": "success", "warnings": ["no store"], "data": {}}', "the answer is partial: no store"),
        ("[]", "the answer is no mapping"),
    ],
)
async def test_an_answer_that_can_not_be_meant_is_an_error(body: str, what: str) -> None:
    assert (await failure(says(body))).what == what


async def test_who_is_not_let_in_is_told_how_to_be() -> None:
    error = await failure(says("no", "401 Unauthorized"))
    assert (error.what, error.fix) == ("it answered 401", "give a token")


async def test_a_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "TIMEOUT_S", 0.2)

    async def hangs(_writer: object) -> None:
        await asyncio.Event().wait()

    error = await failure(hangs)
    assert isinstance(error, SourceUnavailable)
    assert error.what == "no answer in 200ms"


async def test_nobody_listens() -> None:
    with pytest.raises(SourceUnavailable, match="Connection refused"):
        await asked(f"http://127.0.0.1:{free_port()}")


@asynccontextmanager
async def recording(questions: list[dict[str, str]]) -> AsyncIterator[str]:
    """A server that keeps what it is asked, and has no number."""

    async def answer(request: serving.Request) -> serving.Response:
        asked = {key: values[0] for key, values in parse_qs(urlsplit(str(request.url)).query).items()}
        questions.append({**asked, "authorization": request.headers.get("Authorization", "")})
        return serving.Response(text=told([], "matrix"))

    app = serving.Application()
    app.router.add_get("/prom/api/v1/query_range", answer)
    runner = serving.AppRunner(app)
    await runner.setup()
    site = serving.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/prom"
    finally:
        await runner.cleanup()


async def test_each_question_is_for_some_minutes_and_says_who_asks() -> None:
    questions: list[dict[str, str]] = []
    async with recording(questions) as url:
        found = await asked(url, "a + b", minutes=past.POINTS + 1, who=Who("Bearer s3cret"))
    assert found == Minutes(FIRST, (None,) * (past.POINTS + 1))
    assert [(q["start"], q["end"]) for q in questions] == [
        (f"{(FIRST + 1) * 60}", f"{(FIRST + past.POINTS) * 60}"),
        (f"{(FIRST + past.POINTS + 1) * 60}", f"{(FIRST + past.POINTS + 1) * 60}"),
    ]
    assert {(q["query"], q["step"], q["authorization"]) for q in questions} == {("a + b", "60", "Bearer s3cret")}
