"""Against Prometheus itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from autoscaler.errors import SourceError, SourceUnavailable
from autoscaler.model import Reading
from tests.sources.build import metric, source
from tests.support.certificates import certificates
from tests.support.prometheus import Exporter, PrometheusServer, needs_prometheus, prometheus

pytestmark = [pytest.mark.real, needs_prometheus]

USERS = "basic_auth_users: {scaler: $2b$04$abcdefghijklmnopqrstuuV3duMsC0HpUex6N9qapiuOHHWkwRXVm}\n"  # hunter2
TLS = "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"
BOTH_ENDS = """\
tls_server_config:
  cert_file: cert.pem
  key_file: key.pem
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.pem
"""


@pytest.mark.parametrize(
    ("query", "value"),
    [
        pytest.param("vector(42)", 42.0, id="a vector of one"),
        pytest.param("42.5", 42.5, id="a scalar"),
        pytest.param("scalar(vector(0))", 0.0, id="0 is a number"),
        pytest.param("sum(vector(3)) or vector(0)", 3.0, id="operators"),
        pytest.param("vector(1) + on() vector(1) # α", 2.0, id="what must be quoted on the way"),
    ],
)
async def test_a_number(server: PrometheusServer, query: str, value: float) -> None:
    async with source(metric(server.url, query)) as asked:
        reading = await asked.read()
    assert reading.value == value
    assert abs(reading.t - time.time()) < 5


@pytest.mark.parametrize(
    ("query", "told"),
    [
        pytest.param("vector(0) / 0", "the query gives NaN", id="NaN"),
        pytest.param("vector(1) / 0", "the query gives +Inf", id="+Inf"),
        pytest.param("-1 / 0", "the query gives -Inf", id="-Inf"),
        pytest.param("1e308", "the query gives 1e+308", id="1e308"),
        pytest.param("vector(-3)", "the query gives -3", id="negative"),
        pytest.param("no_such_metric", "the query gives no series", id="empty vector"),
        pytest.param('label_replace(vector(1), "a", "b", "", "") or vector(1)', "the query gives 2 series", id="several"),
        pytest.param("up[5m]", "the query gives a matrix", id="matrix"),
        pytest.param('"text"', "the query gives a string", id="string"),
    ],
)
async def test_no_number_is_missing_with_its_reason(server: PrometheusServer, query: str, told: str) -> None:
    async with source(metric(server.url, query)) as asked:
        with pytest.raises(SourceError) as caught:
            await asked.read()
    assert caught.value.what == told
    assert caught.value.where == server.url
    assert caught.value.fix
    assert not isinstance(caught.value, SourceUnavailable)


async def test_a_broken_query_is_told_in_prometheus_words(server: PrometheusServer) -> None:
    async with source(metric(server.url, "sum(")) as asked:
        with pytest.raises(SourceUnavailable, match=r"it answered 400: .*parse error") as caught:
            await asked.read()
    assert caught.value.fix == "correct the query"


async def test_a_wrong_path(server: PrometheusServer) -> None:
    async with source(metric(f"{server.url}/prom")) as asked:
        with pytest.raises(SourceUnavailable, match="it answered 404"):
            await asked.read()


async def test_the_number_follows_what_is_scraped_and_goes_with_the_target(tmp_path: Path) -> None:
    exporter = Exporter(12.0)
    async with prometheus(tmp_path, exporter.address) as server, source(metric(server.url, "sum(queue_depth)")) as asked:
        async with exporter.serving():
            assert await _first(asked.read) == 12.0
            exporter.value = 30.0
            await _while(asked.read, 12.0)
            assert (await asked.read()).value == 30.0
        with pytest.raises(SourceError, match="no series"):
            await _while(asked.read, 30.0)


async def _first(read: Callable[[], Awaitable[Reading]]) -> float:
    """The first number that comes."""
    async with asyncio.timeout(10):
        while True:
            try:
                return (await read()).value
            except SourceError:
                await asyncio.sleep(0.05)


async def _while(read: Callable[[], Awaitable[Reading]], value: float) -> None:
    """Read for as long as it is this."""
    async with asyncio.timeout(10):
        while (await read()).value == value:
            await asyncio.sleep(0.05)


async def test_it_is_found_again_when_it_was_restarted(tmp_path: Path) -> None:
    async with prometheus(tmp_path) as server, source(metric(server.url, timeout=5.0)) as asked:
        assert (await asked.read()).value == 42.0
        server.kill()
        with pytest.raises(SourceUnavailable, match="Connection refused"):
            await asked.read()
        await server.start()
        assert await _first(asked.read) == 42.0


async def test_a_user_and_a_password_that_changes(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hunter2\n")
    auth = {"username": "scaler", "password": {"file": "password"}}
    async with (
        prometheus(tmp_path, web=USERS) as server,
        source(metric(server.url, auth=auth), str(tmp_path)) as asked,
        source(metric(server.url)) as stranger,
    ):
        assert (await asked.read()).value == 42.0
        with pytest.raises(SourceUnavailable, match="it answered 401"):
            await stranger.read()
        password.write_text("wrong")
        with pytest.raises(SourceUnavailable, match="it answered 401") as caught:
            await asked.read()
        assert "auth:" in caught.value.fix
        password.write_text("hunter2")
        assert (await asked.read()).value == 42.0


async def test_tls_by_a_ca_of_ones_own(tmp_path: Path) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    async with prometheus(tmp_path, web=TLS) as server:
        async with source(metric(server.url, tls={"ca_file": "ca.pem"}), str(tmp_path)) as asked:
            assert (await asked.read()).value == 42.0
        async with source(metric(server.url, tls={"insecure_skip_verify": True})) as asked:
            assert (await asked.read()).value == 42.0
        async with source(metric(server.url)) as stranger:
            with pytest.raises(SourceUnavailable, match="certificate is not trusted: ") as caught:
                await stranger.read()
        assert "ca_file" in caught.value.fix


async def test_certificates_at_both_ends(tmp_path: Path) -> None:
    await asyncio.to_thread(certificates, tmp_path)
    ours = {"ca_file": "ca.pem", "cert_file": "cert.pem", "key_file": "key.pem"}
    async with prometheus(tmp_path, web=BOTH_ENDS) as server:
        async with source(metric(server.url, tls=ours), str(tmp_path)) as asked:
            assert (await asked.read()).value == 42.0
        async with source(metric(server.url, tls={"ca_file": "ca.pem"}), str(tmp_path)) as stranger:
            with pytest.raises(SourceUnavailable):
                await stranger.read()
