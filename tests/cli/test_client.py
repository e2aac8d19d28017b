"""How a daemon is found, and what is made of odd answers."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from autoscaler import client as client_module
from autoscaler.client import Client
from autoscaler.errors import AutoscalerError, DaemonUnavailable, EngineUnavailable, UsageError
from tests.cli.conftest import TOKEN, Daemon
from tests.support.fake_control import event


async def scale(client: Client) -> int:
    async with client:
        return (await client.scale("web", {"replicas": 1})).desired


async def test_the_socket_comes_first_and_needs_no_token(daemon: Daemon) -> None:
    (daemon.state_dir / "token").unlink()
    client = Client.find(None, daemon.state_dir, None)
    assert await scale(client) == 1
    assert client._target.socket == daemon.state_dir / "api.sock"


async def test_then_the_address_in_the_state_dir_with_the_token(daemon: Daemon) -> None:
    os.rename(daemon.state_dir / "api.sock", daemon.state_dir / "elsewhere")
    client = Client.find(None, daemon.state_dir, None)
    assert await scale(client) == 1
    assert client._target.url == daemon.url


async def test_a_socket_that_nobody_listens_on_is_passed_over(daemon: Daemon, tmp_path: Path) -> None:
    os.rename(daemon.state_dir / "api.sock", daemon.state_dir / "elsewhere")
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(daemon.state_dir / "api.sock"))
    assert await scale(Client.find(None, daemon.state_dir, None)) == 1


async def test_api_by_url_takes_the_token_file(daemon: Daemon, tmp_path: Path) -> None:
    other = tmp_path / "mine"
    other.write_text(TOKEN)
    assert await scale(Client.find(f"{daemon.url}/", tmp_path / "nowhere", other)) == 1
    with pytest.raises(AutoscalerError, match="this needs the daemon's token; send `Authorization"):
        await scale(Client.find(daemon.url, tmp_path / "nowhere", None))


async def test_api_by_socket(daemon: Daemon, tmp_path: Path) -> None:
    assert await scale(Client.find(f"unix://{daemon.state_dir}/api.sock", tmp_path, None)) == 1


@pytest.mark.parametrize(
    "api", ["", "localhost:9600", "ftp://localhost", "http://", "unix://", "http://h:x", "http://h:99999", "//h"]
)
def test_an_api_that_is_no_url(api: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--api"):
        Client.find(api, tmp_path, None)


async def test_a_daemon_that_is_gone(daemon: Daemon) -> None:
    daemon.stop()
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(daemon.state_dir / "api.sock"))
    with pytest.raises(DaemonUnavailable, match=r"api\.sock: connection refused; is it running\?"):
        await scale(Client.find(None, daemon.state_dir, None))
    os.unlink(daemon.state_dir / "api.sock")
    daemon.start()


Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def stranger(answering: Answering) -> AsyncIterator[str]:
    """Something that listens and isn't our API."""
    server = await asyncio.start_server(answering, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    yield f"http://{host}:{port}"
    server.close()


def saying(answer: bytes) -> Answering:
    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    return answering


def http(status: str, body: bytes, kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(b"", "the connection failed", id="nothing"),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", "the connection failed", id="another protocol"),
        pytest.param(http("200 OK", b"<html>", "text/html"), "none of ours", id="a web page"),
        pytest.param(http("200 OK", b"{}"), "none of ours", id="another document"),
        pytest.param(http("404 Not Found", b"nope", "text/plain"), "it answered 404", id="404 of its own"),
        pytest.param(http("302 Found\r\nLocation: http://127.0.0.1:1/", b""), "it answered 302", id="elsewhere"),
        pytest.param(http("500 Oops", b"[]", "application/problem+json"), "it answered 500", id="a problem that is none"),
        pytest.param(http("503 No", b'{"title":"","status":503,"detail":"x"}', "application/problem+json"), "x", id="ours"),
    ],
)
async def test_odd_answers(answer: bytes, told: str, tmp_path: Path) -> None:
    async with stranger(saying(answer)) as url, Client.find(url, tmp_path, None) as client:
        with pytest.raises((DaemonUnavailable, EngineUnavailable, AutoscalerError), match=told):
            await client.service("web")


async def test_an_answer_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "ANSWER_MAX", 100_000)

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        try:
            while True:
                writer.write(b" " * 65_536)
                await writer.drain()
        except ConnectionError:
            writer.close()

    async with stranger(endless) as url, Client.find(url, tmp_path, None) as client:
        with pytest.raises(DaemonUnavailable, match="more than 100000 bytes"):
            await client.services()


async def test_an_answer_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await ended.wait()
        writer.close()

    async with stranger(silent) as url, Client.find(url, tmp_path, None) as client:
        with pytest.raises(DaemonUnavailable, match="no answer in time"):
            await client._exchange("GET", "/readyz", timeout_s=0.2)
        ended.set()


async def test_events_come_back_after_a_restart_from_where_they_were(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "RECONNECT_S", 0.05)
    daemon.control.journal = [(n, event()) for n in (1, 2)]
    async with Client.find(None, daemon.state_dir, None) as client:
        events = client.events(limit=1)
        assert (await anext(events)).id == 2
        daemon.stop()
        missed = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0.3)  # some attempts find nobody
        daemon.control.journal += [(3, event()), (4, event())]
        daemon.start()
        async with asyncio.timeout(5):
            assert [(await missed).id, (await anext(events)).id] == [3, 4]
        daemon.call(daemon.control.happen, 5, event())
        async with asyncio.timeout(5):
            assert (await anext(events)).id == 5
        await events.aclose()


async def test_events_end_where_the_daemon_stays_away(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "RECONNECT_S", 0.01)
    monkeypatch.setattr(client_module, "RECONNECTS", 3)
    daemon.control.journal = [(1, event())]
    async with Client.find(None, daemon.state_dir, None) as client:
        events = client.events(limit=1)
        assert (await anext(events)).id == 1
        daemon.stop()
        with pytest.raises(DaemonUnavailable, match="is it still running"):
            await anext(events)
    daemon.start()
