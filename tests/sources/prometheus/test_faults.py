"""A server that is slow, cuts off, talks nonsense or lies: an error with its reason, in time, and in little memory."""

import asyncio
import gzip
import json
import re
import time
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest

from autoscaler.errors import SourceError, SourceUnavailable
from tests.sources.answers import ENOUGH_S, Answer, answering, says, told
from tests.sources.build import metric, source
from tests.support.ports import free_port

TIMEOUT_S = 0.5
MOST_BYTES = 10 * 1024**2


def sample(value: object, age_s: float = 0.0, more: Mapping[str, object] | None = None) -> str:
    """A vector of one."""
    return json.dumps(json.loads(told([{"metric": {}, "value": [time.time() - age_s, value]}])) | dict(more or {}))


async def failure(answer: Answer, **more: Any) -> SourceError:
    """What a read of such a server comes to; within its timeout."""
    async with answering(answer) as url, source(metric(url, timeout=TIMEOUT_S, **more)) as asked:
        with pytest.raises(SourceError) as caught:
            async with asyncio.timeout(ENOUGH_S):
                await asked.read()
        assert caught.value.where == url
    return caught.value


# ---------------------------------------------------------------- no answer, or none to be read


async def hangs(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(ENOUGH_S)


async def drips(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.1)


async def drips_its_head(writer: asyncio.StreamWriter) -> None:
    for byte in b"HTTP/1.1 200 OK\r\n" * 100:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.1)


async def closes_at_once(writer: asyncio.StreamWriter) -> None:
    """Takes the request and says nothing."""


async def cuts_its_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    await writer.drain()


async def is_half_closed(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
    writer.write_eof()
    await asyncio.sleep(ENOUGH_S)


async def is_no_http(writer: asyncio.StreamWriter) -> None:
    writer.write(bytes(range(256)) * 40 + b"\r\n\r\n")
    await writer.drain()


async def has_an_endless_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-Y: " + b"z" * 60_000 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (hangs, "no answer in 500ms"),
        (drips, "no answer in 500ms"),
        (drips_its_head, "no answer in 500ms"),
        (closes_at_once, "it closed the connection without an answer"),
        (cuts_its_body, ""),
        (is_half_closed, ""),
        (is_no_http, ""),
        (has_an_endless_head, ""),
        (says("oops", "500 Internal Server Error"), "it answered 500"),
        (says("", "204 No Content"), "it answered 204"),
        (says("", "302 Found", "Location: http://127.0.0.1/\r\n"), "it answered 302, and is not followed"),
        (says("no", "403 Forbidden"), "it answered 403"),
        (says('{"status": "error", "error": "too many\\u001b[31m"}', "503 No"), "it answered 503: too many [31m"),
        (says(""), "the answer is no JSON"),
        (says("<html>"), "the answer is no JSON"),
        (says(b"\xff\xfe{"), "the answer is no JSON"),
        (says("[" * 200_000), "the answer is no JSON"),
        (says("1" * 200_000), "the answer is no JSON"),
        (says(gzip.compress(sample("1").encode()), head="Content-Encoding: gzip\r\n"), "the answer is no JSON"),
        (says("[]"), "the answer is no mapping"),
        (says('{"status": "success"}'), "the answer has no result"),
        (says('{"status": "success", "data": []}'), "the answer has no result"),
        (says(told({})), "the answer has no result"),
        (says(told([1])), "the answer has no sample"),
        (says(told([{"metric": {}, "value": [1]}])), "the answer has no sample"),
        (says(told([0, 5], "scalar")), "the answer has no sample"),
        (says(told([None, "5"], "scalar")), "the answer's sample is no number"),
        (says(told([0, "five"], "scalar")), "the answer's sample is no number"),
        (says(told(["NaN", "5"], "scalar")), "the answer's sample has no time"),
    ],
)
async def test_a_server_that_does_not_answer_as_it_should_is_unavailable(answer: Answer, what: str) -> None:
    error = await failure(answer)
    assert isinstance(error, SourceUnavailable)
    assert error.what.startswith(what)
    assert error.what
    assert error.fix
    assert error.what.isprintable()


async def test_nobody_listens() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    async with source(metric(url)) as asked:
        with pytest.raises(SourceUnavailable, match="Connection refused") as caught:
            await asked.read()
    assert caught.value.where == url


async def test_a_name_that_is_none() -> None:
    async with source(metric("http://no-such-host.invalid")) as asked:
        with pytest.raises(SourceUnavailable) as caught:
            await asked.read()
    assert caught.value.what


async def test_a_name_that_leads_to_a_clouds_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[dict[str, Any]]:
        return [{"hostname": host, "host": "169.254.169.254", "port": port, "family": 2, "proto": 6, "flags": 0}]

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", resolve)
    async with source(metric("http://metadata.example")) as asked:
        with pytest.raises(SourceUnavailable, match=r"is 169\.254\.169\.254, where clouds keep credentials"):
            await asked.read()


# ---------------------------------------------------------------- an answer that is no load


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (sample("NaN"), "the query gives NaN"),
        (sample("+Inf"), "the query gives +Inf"),
        (sample("1e308"), "the query gives 1e+308"),
        (sample("9007199254740994"), "the query gives 9.0072e+15"),
        (sample("-0.5"), "the query gives -0.5"),
        (told([]), "the query gives no series"),
        (told([{"metric": {}, "histogram": [1, {}]}]), "the query gives a histogram"),
        (sample("5", more={"warnings": ["no store\n"]}), "the answer is partial: no store "),
        (sample("5", more={"isPartial": True}), "the answer is partial: it says not why"),
        (json.dumps({"status": "error", "error": "bad data"}), "it answered an error: bad data"),
        (json.dumps({"status": "error", "error": 5}), "it answered an error: it says not why"),
    ],
)
async def test_a_lie_or_nonsense_is_missing_with_its_reason(body: str, what: str) -> None:
    error = await failure(says(body), interval=5.0)
    assert not isinstance(error, SourceUnavailable)
    assert error.what == what
    assert error.fix


@pytest.mark.parametrize(
    ("age_s", "what"), [(600.0, r"its sample is 60\d s old"), (-600.0, r"its sample is (59\d|600) s from the future")]
)
async def test_a_sample_of_another_time_is_none(age_s: float, what: str) -> None:
    error = await failure(says(sample("5", age_s)), interval=5.0)
    assert not isinstance(error, SourceUnavailable)
    assert re.fullmatch(what, error.what)


@pytest.mark.parametrize(
    "more",
    [{"warnings": []}, {"warnings": ["PromQL info: not a counter"]}, {"isPartial": False}, {"infos": ["PromQL info"]}],
)
async def test_an_answer_about_all_data_is_whole(more: dict[str, object]) -> None:
    async with answering(says(sample("5", more=more))) as url, source(metric(url)) as asked:
        assert (await asked.read()).value == 5


@pytest.mark.parametrize("value", ["0", "-0", "9007199254740992", "1e3", "0.25"])
async def test_a_load_is_read(value: str) -> None:
    async with answering(says(sample(value, age_s=4))) as url, source(metric(url)) as asked:
        reading = await asked.read()
    assert reading.value == float(value)
    assert 3.5 < time.time() - reading.t < 10


# ---------------------------------------------------------------- in little memory


async def has_50_mb(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n")
    for _ in range(800):
        writer.write(b'{"a": ' * 10_922)
        await writer.drain()


async def has_no_end(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (has_50_mb, "the answer is larger than 256 KiB"),
        (has_no_end, "the answer is larger than 256 KiB"),
        (says("[" + "{}," * 87_000 + "1]"), "the answer is no mapping"),
        (says("[" + "[]," * 87_000 + "1]"), "the answer is no mapping"),
        (says("[" + '"",' * 87_000 + "1]"), "the answer is no mapping"),
    ],
    ids=["50 MB", "endless", "mappings", "lists", "texts"],
)
async def test_a_large_answer_costs_less_than_10_mb(answer: Answer, what: str) -> None:
    async with answering(answer) as url, source(metric(url, timeout=ENOUGH_S)) as asked:
        tracemalloc.start()
        try:
            with pytest.raises(SourceUnavailable) as caught:
                await asked.read()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert caught.value.what == what
    assert peak < MOST_BYTES
