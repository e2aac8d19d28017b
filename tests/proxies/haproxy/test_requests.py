"""What becomes of single requests: queued, retried, cut, abused. Each by real bytes through a real HAProxy."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence

import pytest

from autoscaler.model import Address, Backend, FailureCause, Request, ServerState
from autoscaler.proxies.haproxy import HAProxy
from autoscaler.proxies.haproxy.adapter import MOST_THREADS
from autoscaler.spec.models import HealthCheck
from tests.support.proxied import backend, free_bind, of, replicas, service, until
from tests.support.web_client import Answer, Connection, ask, load, send_raw
from tests.support.web_replica import SWITCHED, WebReplica

pytestmark = pytest.mark.real

TCP = HealthCheck(tcp=True)


class Heard:
    """The requests that the log has told of so far."""

    def __init__(self, proxy: HAProxy) -> None:
        self._batches: AsyncIterator[Sequence[Request]] = aiter(proxy.requests())

    async def next(self) -> list[Request]:
        async with asyncio.timeout(3):
            return list(await anext(self._batches))


# ---------------------------------------------------------------- queue


async def test_queued_too_long_is_503_with_retry_after(proxy: HAProxy) -> None:
    web = service(max_concurrency=1, queue_timeout=0.4)
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    busy = asyncio.create_task(ask(web.route.bind, "/slow?1500"))
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 1)
    began = time.monotonic()
    answer = await ask(web.route.bind)
    assert (answer.status, answer.header("Retry-After")) == (503, "1")
    assert 0.3 < time.monotonic() - began < 1
    assert [(r.service, r.status, r.failure) for r in await Heard(proxy).next()] == [("web", 503, FailureCause.QUEUE)]
    assert (await busy).status == 200
    assert one.busiest == 1


async def test_latency_is_time_queued_and_to_the_first_byte(proxy: HAProxy) -> None:
    web = service(max_concurrency=1)
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])

    async def waited() -> float:
        began = time.monotonic()
        await ask(web.route.bind, "/slow?800")
        return time.monotonic() - began

    first = asyncio.create_task(waited())
    await until(proxy, lambda view: of(view)["web-1"].in_flight == 1)  # before that two threads may let in one each
    clients = sorted(await asyncio.gather(first, waited(), waited()))
    heard = Heard(proxy)
    told = await heard.next()
    while len(told) < 3:
        told += await heard.next()
    latencies = sorted(request.latency_s or 0.0 for request in told)
    assert one.busiest == 1
    assert latencies[0] >= 0.8
    assert latencies[2] >= 1.6  # the last was queued for as long as the second took, and was served itself
    assert all(-0.01 <= client - latency < 0.6 for client, latency in zip(clients, latencies, strict=True))
    assert {request.weight for request in told} == {1.0}


async def test_one_that_comes_in_while_requests_wait_takes_no_more_than_it_may(proxy: HAProxy) -> None:
    web = service(max_concurrency=8)
    crowd = await replicas(6)
    await proxy.configure([web])
    await proxy.assign("web", [backend(crowd[0])])
    async with load(web.route.bind, 80, path=lambda n: "/slow?100") as seen:
        for count in range(2, 7):
            await until(proxy, lambda view: view.traffic["web"][0].queued > 16, 20)
            await proxy.assign("web", [backend(replica) for replica in crowd[:count]])
            await until(proxy, lambda view: of(view)[f"web-{count}"].in_flight >= 8, 20)  # noqa: B023
    assert seen.failed == []
    # each of HAProxy's threads sees for itself whether there is room, so that a few may go in at the same moment
    assert max(replica.busiest for replica in crowd) < 8 + MOST_THREADS


# ---------------------------------------------------------------- retries


async def sent_to_one_that_dies(proxy: HAProxy, retries: str, method: str) -> tuple[Answer, WebReplica, WebReplica]:
    web = service(retries=retries, balance="roundrobin", check=TCP)
    dying, sound = await replicas(2)
    dying.raw_answer = b""
    await proxy.configure([web])
    await proxy.assign("web", [backend(dying)])
    await ask(web.route.bind, "/warm", "HEAD")
    await proxy.assign("web", [backend(dying), backend(sound)])
    dying.heads.clear()
    for _ in range(4):
        answer = await ask(web.route.bind, "/", method, b"x" if method == "POST" else b"")
        if dying.requests:
            return answer, dying, sound
    raise AssertionError("the dying replica was never chosen")


@pytest.mark.parametrize(
    ("retries", "method", "status"),
    [
        ("safe", "GET", 200),
        ("safe", "HEAD", 200),
        ("safe", "OPTIONS", 200),
        ("safe", "POST", 502),
        ("safe", "DELETE", 502),
        ("connect", "GET", 502),
        ("none", "GET", 502),
    ],
)
async def test_a_delivered_request_is_sent_again_only_where_that_is_safe(
    proxy: HAProxy, retries: str, method: str, status: int
) -> None:
    answer, dying, sound = await sent_to_one_that_dies(proxy, retries, method)
    assert answer.status == status
    if status == 502:
        assert (dying.requests, sound.requests) == (1, 0) or dying.requests + sound.requests <= 4
        assert [h for h in dying.heads if h.startswith(method.encode())]


@pytest.mark.parametrize("retries", ["safe", "connect"])
async def test_an_undelivered_request_goes_elsewhere_whatever_its_method(proxy: HAProxy, retries: str) -> None:
    web = service(retries=retries, balance="roundrobin", check=HealthCheck(docker=True))
    gone, sound = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(gone), backend(sound)])
    await gone.stop()
    answers = [await ask(web.route.bind, "/", "POST", b"x") for _ in range(6)]
    assert {(answer.status, answer.body) for answer in answers} == {(200, b"web-2")}
    assert sound.requests == 6


async def test_a_5xx_of_the_replicas_own_is_never_sent_again(proxy: HAProxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one), backend(two)])
    assert (await ask(web.route.bind, "/status?503")).status == 503
    assert one.requests + two.requests == 1
    (told,) = await Heard(proxy).next()
    assert (told.status, told.failure) == (503, None)


async def test_posts_to_replicas_that_close_what_is_idle_for_a_second(proxy: HAProxy) -> None:
    """The Node.js race: each of 100 services has one replica and one client, so that each connection does turn idle."""
    bind = free_bind()
    specs = [service(f"s{number}", bind=bind, path=f"/{number}", check=TCP) for number in range(100)]
    await proxy.configure(specs)
    for spec in specs:
        (one,) = await replicas(1, spec.service)
        one.idle_timeout_s = 1.0
        await proxy.assign(spec.service, [backend(one)])

    async def client(number: int) -> list[int | str]:
        connection = await Connection.to(bind)
        seen: list[int | str] = []
        for turn in range(10):
            try:
                seen.append((await connection.ask(f"/{number}", "POST", b"order")).status)
            except (OSError, asyncio.IncompleteReadError) as error:
                seen.append(type(error).__name__)
                connection = await Connection.to(bind)
            await asyncio.sleep(0.994 + 0.001 * ((number + turn) % 10))
        connection.close()
        return seen

    told = await asyncio.gather(*(client(number) for number in range(100)))
    assert [status for statuses in told for status in statuses if status != 200] == []


# ---------------------------------------------------------------- failures, by cause


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"a" * 300_000, FailureCause.CUT, id="a header without end"),
        pytest.param(b"\x00\xff garbage\r\n\r\n", FailureCause.CUT, id="garbage"),
        pytest.param(b"<html>hello</html>\n", FailureCause.CUT, id="HTTP/0.9"),
        pytest.param(b"", FailureCause.CUT, id="nothing"),
    ],
)
async def test_a_replicas_nonsense_is_502_for_that_request_alone(proxy: HAProxy, raw: bytes, cause: FailureCause) -> None:
    web = service(retries="none", check=TCP)
    (one,) = await replicas(1)
    one.raw_answer = raw
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    assert (await ask(web.route.bind)).status == 502
    (told,) = await Heard(proxy).next()
    assert (told.service, told.status, told.failure, told.latency_s) == ("web", 502, cause, None)
    one.raw_answer = None
    assert (await ask(web.route.bind)).status == 200


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"GET /web HTTP/1.1\r\nHost: a\r\n\r\n", ("web", 200, None)),
        (b"GET /slow?900 HTTP/1.1\r\nHost: a\r\n\r\n", ("all", 504, FailureCause.TIMEOUT)),
        (b"GET /empty HTTP/1.1\r\nHost: a\r\n\r\n", ("empty", 503, FailureCause.NO_SERVER)),
        (b"GET /gone HTTP/1.1\r\nHost: a\r\n\r\n", ("gone", 503, FailureCause.CONNECT)),
        (b"GET / HTTP/1.1\r\nHost a\r\n\r\n", ("", 400, FailureCause.BAD_REQUEST)),
    ],
)
async def test_failures_of_the_proxys_own_are_told_with_their_cause(
    proxy: HAProxy, sent: bytes, told: tuple[str, int, FailureCause | None]
) -> None:
    bind = free_bind()
    names = {"all": "/", "web": "/web", "empty": "/empty", "gone": "/gone"}
    unchecked = HealthCheck(docker=True)
    specs = [
        service(name, bind=bind, path=path, timeout_server=0.3, retries="none", check=unchecked)
        for name, path in names.items()
    ]
    one, gone = await replicas(2)
    await proxy.configure(specs)
    await proxy.assign("all", [backend(one)])
    await proxy.assign("web", [backend(one)])
    await proxy.assign("gone", [backend(gone)])
    await gone.stop()
    await send_raw(bind, sent, 1)
    (heard,) = await Heard(proxy).next()
    assert (heard.service, heard.status, heard.failure) == told


async def test_what_no_route_matched_is_told_without_a_service(proxy: HAProxy) -> None:
    web = service(path="/web")
    await proxy.configure([web])
    await ask(web.route.bind, "/other")
    (heard,) = await Heard(proxy).next()
    assert (heard.service, heard.status, heard.failure) == ("", 404, FailureCause.NO_ROUTE)


async def test_a_bad_request_is_the_services_that_takes_all_of_the_bind(proxy: HAProxy) -> None:
    web = service()
    await proxy.configure([web])
    await send_raw(web.route.bind, b"GET / HTTP/1.1\r\nHost a\r\n\r\n", 1)
    (heard,) = await Heard(proxy).next()
    assert (heard.service, heard.status, heard.failure) == ("web", 400, FailureCause.BAD_REQUEST)


# ---------------------------------------------------------------- headers


async def headers_at_the_replica(proxy: HAProxy, sent: str, trusted: tuple[str, ...] = ()) -> dict[str, list[str]]:
    web = service(trusted_proxies=trusted, check=TCP)
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    assert (await ask(web.route.bind, headers=sent)).status == 200
    seen: dict[str, list[str]] = {}
    for line in one.heads[-1].decode().split("\r\n")[1:-2]:
        name, _, value = line.partition(": ")
        seen.setdefault(name.lower(), []).append(value)
    return seen


CLAIMS = "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 443\r\n"


async def test_a_strangers_forwarded_headers_are_not_believed(proxy: HAProxy) -> None:
    seen = await headers_at_the_replica(proxy, CLAIMS)
    assert seen["x-forwarded-for"] == ["127.0.0.1"]
    assert seen["x-forwarded-proto"] == ["http"]
    assert seen["x-forwarded-host"] == ["localhost"]
    assert seen["x-forwarded-port"] != ["443"]


async def test_a_trusted_proxys_forwarded_headers_are(proxy: HAProxy) -> None:
    seen = await headers_at_the_replica(proxy, CLAIMS, trusted=("127.0.0.0/8", "::1"))
    assert ", ".join(seen["x-forwarded-for"]) == "1.2.3.4, 127.0.0.1"
    assert seen["x-forwarded-proto"] == ["https"]
    assert seen["x-forwarded-host"] == ["evil"]
    assert seen["x-forwarded-port"] == ["443"]


async def test_headers_named_in_connection_still_reach_the_replica(proxy: HAProxy) -> None:
    seen = await headers_at_the_replica(proxy, "Connection: close, X-Forwarded-For, X-Request-Id\r\n")
    assert seen["x-forwarded-for"] == ["127.0.0.1"]
    assert len(seen["x-request-id"]) == 1
    assert all("forwarded" not in value.lower() for value in seen.get("connection", []))


async def test_a_request_id_is_kept_or_made(proxy: HAProxy) -> None:
    assert (await headers_at_the_replica(proxy, "X-Request-Id: mine\r\n"))["x-request-id"] == ["mine"]
    (made,) = (await headers_at_the_replica(proxy, ""))["x-request-id"]
    assert len(made) == 36


async def test_headers_of_16_kib_are_served(proxy: HAProxy) -> None:
    seen = await headers_at_the_replica(proxy, f"X-Big: {'a' * 16_000}\r\n")
    assert len(seen["x-big"][0]) == 16_000


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


async def test_a_websocket_passes(proxy: HAProxy) -> None:
    web = service(check=TCP)
    (one,) = await replicas(1)
    one.raw_answer = SWITCHED + b"hello"
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    got = await send_raw(web.route.bind, UPGRADE, 1)
    assert got.startswith(b"HTTP/1.1 101")
    assert got.endswith(b"hello")
    assert b"upgrade: websocket" in one.heads[-1].lower()
    (told,) = await Heard(proxy).next()
    assert (told.status, told.latency_s) == (101, None)


# ---------------------------------------------------------------- abuse

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="CL and TE"),
        pytest.param(b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", id="two CL"),
        pytest.param(b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="TE xchunked"),
        pytest.param(b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", id="TE with a blank"),
        pytest.param(b"Content-Length: 18446744073709551617\r\n\r\nhello", id="CL 2^64+1"),
        pytest.param(b"Content-Length: +5\r\n\r\nhello", id="CL +5"),
        pytest.param(b"X: a\x00b\r\n\r\n", id="NUL"),
        pytest.param(b": empty\r\n\r\n", id="empty name"),
        pytest.param(b"X: " + b"a" * 200_000 + b"\r\n\r\n", id="200 KB header"),
    ],
)
async def test_ambiguous_framing_has_one_answer_at_most(proxy: HAProxy, head: bytes) -> None:
    web = service(check=TCP)
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    got = await send_raw(web.route.bind, b"POST / HTTP/1.1\r\nHost: a\r\n" + head + SMUGGLED, 1)
    assert got.count(b"HTTP/1.1 ") <= 1
    assert not [h for h in one.heads if b"smuggled" in h.split(b"\r\n")[0]]
    assert (await ask(web.route.bind)).status == 200


async def test_a_bare_line_feed_reads_the_same_at_the_replica(proxy: HAProxy) -> None:
    web = service(check=TCP)
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    await send_raw(web.route.bind, b"GET /first HTTP/1.1\nHost: a\nX: y\n\n" + SMUGGLED, 1)
    assert [head.split(b" ")[1] for head in one.heads] == [b"/first", b"/smuggled"]  # two for HAProxy, two for it
    assert all(b"\n" not in head.replace(b"\r\n", b"") for head in one.heads)


async def test_a_slow_head_is_cut_at_the_header_timeout(proxy: HAProxy) -> None:
    web = service(timeout_header=0.5)
    await proxy.configure([web])
    began = time.monotonic()
    got = await send_raw(web.route.bind, b"GET / HTTP/1.1\r\nHost: a\r\nX: ", 5)
    assert got.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - began < 2


# ---------------------------------------------------------------- replicas that hang


async def test_one_that_takes_no_connection_is_passed_over_within_the_connect_timeout(proxy: HAProxy) -> None:
    web = service(balance="roundrobin", check=HealthCheck(docker=True))
    (sound,) = await replicas(1)
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for client in (first, second):  # the kernel lets one more wait than it was told
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        await proxy.configure([web])
        stuck = Backend("web-9", Address("127.0.0.1", full.getsockname()[1]), False, "")
        await proxy.assign("web", [stuck, backend(sound)])
        began = time.monotonic()
        answers = await asyncio.gather(*(ask(web.route.bind, "/", "POST", b"x") for _ in range(8)))
        assert {answer.status for answer in answers} == {200}
        assert sound.requests == 8
        assert 0.9 < time.monotonic() - began < 2


async def test_one_that_hangs_is_out_of_choice_within_four_seconds(proxy: HAProxy) -> None:
    web = service()
    one, two = await replicas(2)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one), backend(two)])
    one.hangs = True
    began = time.monotonic()
    await until(proxy, lambda view: of(view)["web-1"].state is ServerState.DOWN)
    assert time.monotonic() - began < 4.5
    assert {(await ask(web.route.bind)).body for _ in range(6)} == {b"web-2"}


async def test_requests_that_one_that_hangs_has_taken_wait_for_timeout_server_and_go_elsewhere_where_that_is_safe(
    proxy: HAProxy,
) -> None:
    web = service(balance="roundrobin", timeout_server=0.6, check=HealthCheck(docker=True))
    hung, sound = await replicas(2)
    hung.hangs = True
    await proxy.configure([web])
    await proxy.assign("web", [backend(hung), backend(sound)])
    began = time.monotonic()
    gets = await asyncio.gather(*(ask(web.route.bind) for _ in range(6)))
    assert {(answer.status, answer.body) for answer in gets} == {(200, b"web-2")}
    posts = await asyncio.gather(*(ask(web.route.bind, "/", "POST", b"x") for _ in range(6)))
    assert [answer.status for answer in posts].count(504) == len([h for h in hung.heads if h.startswith(b"POST")]) > 0
    assert {answer.status for answer in posts} == {200, 504}
    assert time.monotonic() - began >= 1.2


async def test_slow_heads_from_many_are_cut_and_others_are_served(proxy: HAProxy) -> None:
    web = service(timeout_header=5.0)
    (one,) = await replicas(1)
    await proxy.configure([web])
    await proxy.assign("web", [backend(one)])
    opened = [await asyncio.open_connection(web.route.bind.host, web.route.bind.port) for _ in range(1000)]
    slow = [asyncio.create_task(a_byte_at_a_time(*each)) for each in opened]
    took = []
    while not all(task.done() for task in slow):
        asked = time.monotonic()
        assert (await ask(web.route.bind)).status == 200
        took.append(time.monotonic() - asked)
        await asyncio.sleep(0.1)
    ends = [task.result() for task in slow]
    assert {answer[:12] for answer, _ in ends} <= {b"HTTP/1.1 408", b""}
    assert max(lasted for _, lasted in ends) < 20
    assert sorted(took)[len(took) // 2] < 3


async def a_byte_at_a_time(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> tuple[bytes, float]:
    """A request that never gets to its end; answers what came back, and after how long the connection was cut."""
    began = time.monotonic()
    answer = asyncio.create_task(reader.read())
    writer.write(b"GET / HTTP/1.1\r\nX: ")
    while not (await asyncio.wait((answer,), timeout=1.0))[0]:
        writer.write(b"a")
    writer.close()
    reset = isinstance(answer.exception(), ConnectionError)  # what was sent after the cut may come before the answer is read
    return b"" if reset else answer.result(), time.monotonic() - began
