"""Who may ask what, over real sockets."""

import asyncio
import gzip
import os
import stat
from pathlib import Path

import aiohttp
import pytest

from autoscaler.errors import AutoscalerError, StateError, UsageError
from autoscaler.web.guards import Bucket, host_of, is_loopback
from autoscaler.web.sockets import split_address
from tests.support.fake_control import FakeControl
from tests.web.conftest import BEARER, TOKEN, Served, start

SCALE = "/api/v1/services/web/scale"


@pytest.mark.parametrize(
    "authorization",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="no token"),
        pytest.param("Bearer ", id="an empty token"),
        pytest.param("Bearer wrong", id="wrong"),
        pytest.param(f"Bearer {TOKEN}x", id="longer"),
        pytest.param(f"Bearer {TOKEN[:-1]}", id="shorter"),
        pytest.param(f"Basic {TOKEN}", id="Basic"),
        pytest.param(TOKEN, id="bare"),
        pytest.param("Bearer \xff\xfe", id="not ASCII"),
    ],
)
@pytest.mark.parametrize("path", [SCALE, "/api/v1/services/web/pause", "/api/v1/reload", "/api/v1/down"])
async def test_a_change_over_tcp_needs_the_token(served: Served, authorization: str | None, path: str) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    async with served.tcp.post(path, headers=headers) as answer:
        assert (answer.status, answer.content_type) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert TOKEN not in await answer.text()
    assert served.control.asked == []


async def test_with_the_token_a_change_is_made(served: Served) -> None:
    async with served.tcp.post(SCALE, json={"replicas": 2}, headers=BEARER) as answer:
        assert answer.status == 200
    assert len(served.control.asked) == 1


async def test_an_empty_token_opens_nothing(served: Served) -> None:
    await served.server.close()
    served.server = await start(served.control, served.path, token="")
    async with aiohttp.ClientSession(f"http://{served.server.address}") as session:
        for authorization in ("Bearer ", "Bearer", ""):
            async with session.post("/api/v1/reload", headers={"Authorization": authorization}) as answer:
                assert answer.status == 401


async def test_beyond_loopback_reading_needs_the_token_too(served: Served) -> None:
    await served.restart("0.0.0.0:0")
    address = f"http://127.0.0.1:{served.host_port[1]}"
    async with aiohttp.ClientSession(address) as session:
        for path in ("/", "/metrics", "/readyz", "/api/v1/services", "/api/v1/events", "/nowhere"):
            async with session.get(path) as answer:
                assert answer.status == 401, path
        async with session.get("/healthz") as answer:
            assert answer.status == 200
        async with session.get("/api/v1/services", headers=BEARER) as answer:
            assert answer.status == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:9600", "", "localhost.", "[::1]", "::1"]
)
async def test_a_foreign_host_is_misdirected(served: Served, host: str) -> None:
    async with served.tcp.get("/api/v1/services", headers={"Host": host}) as answer:
        assert (answer.status, answer.content_type) == (421, "application/problem+json")


async def test_the_hosts_that_are_ours(served: Served) -> None:
    await served.restart("127.0.0.1:0", allowed_hosts=("Scaler.example",))
    port = served.host_port[1]
    async with aiohttp.ClientSession(f"http://{served.server.address}") as session:
        for host in (f"127.0.0.1:{port}", "localhost", f"LOCALHOST:{port}", "scaler.example", f"scaler.example:{port}"):
            async with session.get("/healthz", headers={"Host": host}) as answer:
                assert answer.status == 200, host


async def test_the_socket_asks_for_no_host(served: Served) -> None:
    async with served.unix.get("/healthz", headers={"Host": "evil.example"}) as answer:
        assert answer.status == 200


async def raw(served: Served, request: bytes, wait_s: float = 5.0) -> bytes:
    """All that is answered to these bytes until the connection ends."""
    reader, writer = await asyncio.open_connection(*served.host_port)
    try:
        writer.write(request)
        async with asyncio.timeout(wait_s):
            return await reader.read()
    finally:
        writer.close()


async def test_a_target_that_names_another_host_is_misdirected(served: Served) -> None:
    host = f"127.0.0.1:{served.host_port[1]}".encode()
    request = b"GET http://evil.example/healthz HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n"
    assert (await raw(served, request)).startswith(b"HTTP/1.1 421")


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n"])
async def test_no_host_or_two_is_refused(served: Served, hosts: bytes) -> None:
    answer = await raw(served, b"GET /healthz HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
    assert answer.split()[1] in (b"400", b"421")


@pytest.mark.parametrize(
    ("target", "statuses"),
    [
        pytest.param("/api/v1/services/..%2f", {404}, id="encoded parent"),
        pytest.param("/api/v1/services/..%2f..%2f..%2fetc%2fpasswd", {404}, id="far up"),
        pytest.param("/api/v1/services/%2e%2e/%2e%2e/healthz", {404}, id="dots"),
        pytest.param("/api/v1/services/../../../etc/passwd", {404}, id="plain dots"),
        pytest.param("/api/v1/services/%00", {404}, id="NUL"),
        pytest.param("/api/v1/services/web%00", {404}, id="NUL behind"),
        pytest.param("/api/v1/services/web%0d%0aX-Evil:1", {404}, id="line break"),
        pytest.param("/api/v1/services/%ff%fe", {404}, id="no UTF-8"),
        pytest.param("/api/v1/services/%zz", {400, 404}, id="no escape"),
        pytest.param("/api/v1/services/WEB", {404}, id="upper case"),
        pytest.param("/api/v1/services/" + "a" * 41, {404}, id="long"),
        pytest.param("/api/v1/services/" + "a" * 9_000, {414}, id="9,000 bytes"),
        pytest.param("/api/v1/services/" + "a" * 60_000, {414}, id="60,000 bytes"),
        pytest.param("//api/v1/services", {400, 404, 421}, id="two slashes"),
        pytest.param("/api/v1/services/web/", {404}, id="slash behind"),
        pytest.param("/api/v1/events?service=..%2f", {404}, id="service of a query"),
        pytest.param("/api/v1/services/web/history?limit=%FF", {400}, id="no number"),
        pytest.param("/api/v1/services/web/history?limit=" + "9" * 100, {400}, id="a huge number"),
        pytest.param("/api/v1/services/web/history?limit=-1", {400}, id="a negative number"),
        pytest.param("/api/v1/services/web/logs?follow=maybe", {400}, id="no boolean"),
    ],
)
async def test_path_tricks(served: Served, target: str, statuses: set[int], caplog: pytest.LogCaptureFixture) -> None:
    host = f"127.0.0.1:{served.host_port[1]}"
    answer = await raw(served, f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = answer.partition(b"\r\n\r\n")
    assert int(head.split()[1]) in statuses, head
    assert b"application/problem+json" in head
    assert b"X-Evil" not in head
    assert b"Traceback" not in body
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"GARBAGE\r\n\r\n", id="garbage"),
        pytest.param(b"GET http://[::1/ HTTP/1.1\r\nHost: localhost\r\n\r\n", id="half an address"),
        pytest.param(b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", id="version"),
        pytest.param(b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", id="100 KB path"),
        pytest.param(b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000 + b"\r\n\r\n", id="200 KB header"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"A: b\r\n" * 5_000 + b"\r\n", id="5,000 headers"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", id="negative length"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            id="both",
        ),
    ],
)
async def test_what_is_no_request_is_a_problem_and_the_api_lives(
    served: Served, request_bytes: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await raw(served, request_bytes)
    assert not answer or (answer.split()[1].startswith(b"4") and b"application/problem+json" in answer)
    assert "Traceback" not in caplog.text
    async with served.tcp.get("/healthz") as after:
        assert after.status == 200


async def test_a_body_of_50_mb_is_too_large(served: Served) -> None:
    for headers in (BEARER, {}):
        async with served.tcp.post(SCALE, data=b" " * 50_000_000, headers=headers) as answer:
            assert (answer.status, answer.content_type) == (413, "application/problem+json")


async def test_a_body_without_a_length_is_cut_at_the_same_size(served: Served) -> None:
    async def chunks() -> object:
        for _ in range(64):
            yield b" " * 65536

    async with served.tcp.post(SCALE, data=chunks(), headers=BEARER) as answer:
        assert (answer.status, answer.headers["Connection"]) == (413, "close")
        assert "larger than 1048576 bytes" in await answer.text()


async def test_a_body_of_a_megabyte_is_read(served: Served) -> None:
    body = b'{"replicas": 2}'.ljust(1024 * 1024)
    async with served.tcp.post(SCALE, data=body, headers=BEARER) as answer:
        assert answer.status == 200


async def test_a_compressed_body_is_not_unpacked(served: Served) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    headers = {**BEARER, "Content-Encoding": "gzip", "Content-Type": "application/json"}
    async with served.tcp.post(SCALE, data=bomb, headers=headers) as answer:
        assert answer.status == 400


async def test_more_than_60_changes_a_second_are_too_many(served: Served) -> None:
    statuses = []
    for _ in range(80):
        async with served.unix.post("/api/v1/services/web/pause") as answer:
            statuses.append(answer.status)
            if answer.status == 429:
                assert answer.headers["Retry-After"] == "1"
                break
    assert statuses.count(200) >= 60
    assert statuses[-1] == 429
    async with served.tcp.post("/api/v1/services/web/pause", headers=BEARER) as answer:
        assert answer.status == 200  # the other way in has its own measure
    async with served.unix.get("/api/v1/services") as answer:
        assert answer.status == 200  # and reading has none


def test_a_bucket_fills_with_time() -> None:
    bucket = Bucket(2)
    assert [bucket.take(at) for at in (100, 100, 100, 100.5, 100.5, 200, 200, 200)] == [
        True, True, False, True, False, True, True, False,
    ]  # fmt: skip


async def test_the_socket_is_its_owners_alone(served: Served) -> None:
    assert stat.S_IMODE(served.path.stat().st_mode) == 0o600


async def test_a_socket_left_by_a_dead_daemon_is_replaced(served: Served, tmp_path: Path) -> None:
    second = await start(FakeControl(), served.path)
    connector = aiohttp.UnixConnector(str(served.path))
    async with aiohttp.ClientSession(connector=connector) as session, session.get("http://localhost/healthz") as answer:
        assert answer.status == 200
    await second.close()


async def test_close_removes_what_it_made_and_frees_the_port(served: Served, tmp_path: Path) -> None:
    address = served.server.address
    assert (tmp_path / "api.address").read_text() == f"{address}\n"
    await served.server.close()
    assert os.listdir(tmp_path) == []
    served.server = await start(served.control, served.path, address)
    assert served.server.address == address


async def test_a_taken_address_names_itself_and_leaves_no_socket(served: Served, tmp_path: Path) -> None:
    other = tmp_path / "other.sock"
    with pytest.raises(AutoscalerError, match=f"--listen {served.server.address}: can't listen: Address already in use"):
        await start(FakeControl(), other, served.server.address)
    assert not other.exists()


async def test_a_socket_that_cannot_be_made_names_its_path(tmp_path: Path) -> None:
    with pytest.raises(StateError, match=r"nowhere/api\.sock"):
        await start(FakeControl(), tmp_path / "nowhere" / "api.sock")


async def test_a_file_that_is_no_socket_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    path.write_text("mine")
    with pytest.raises(StateError):
        await start(FakeControl(), path)
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    "listen", ["", "9600", ":9600", "localhost", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:-1", "[]:1"]
)
def test_an_address_that_is_none(listen: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        split_address(listen)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [("127.0.0.1:9600", ("127.0.0.1", 9600)), ("[::1]:0", ("::1", 0)), ("localhost:80", ("localhost", 80))],
)
def test_an_address(listen: str, expected: tuple[str, int]) -> None:
    assert split_address(listen) == expected


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("a.b:1", "a.b"),
        ("A.b", "a.b"),
        ("[::1]:9", "::1"),
        ("[::1]", "::1"),
        ("", ""),
        ("a:b", "a:b"),
        (":80", ":80"),
    ],
)
def test_a_host_header(header: str, host: str) -> None:
    assert host_of(header) == host


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("LocalHost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("a.b", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
