"""The runtime socket when the other end is slow, cut, endless or gone: whole answers or none."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from autoscaler.errors import ProxyUnavailable
from autoscaler.proxies.haproxy import runtime_socket
from autoscaler.proxies.haproxy.runtime_socket import RuntimeSocket, ask_once

Answering = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(path: Path, answer: Answering) -> AsyncIterator[None]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line == b"prompt\n":
                writer.write(b"\n> ")
            else:
                await answer(line, writer)
        writer.close()

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield
    finally:
        server.close()


async def echo(line: bytes, writer: asyncio.StreamWriter) -> None:
    for command in line.strip().split(b";"):
        writer.write(b"did " + command + b"\n\n> ")


async def test_an_answer_a_command(tmp_path: Path) -> None:
    async with answering(tmp_path / "s", echo):
        socket = RuntimeSocket(tmp_path / "s")
        assert await socket.ask(["a", "b"], 1) == ["did a", "did b"]
        many = [f"command {number} {'x' * 100}" for number in range(500)]
        assert await socket.ask(many, 1) == [f"did {command}" for command in many]
        assert await socket.ask([], 1) == []
        socket.close()


async def test_a_late_answer_is_none_and_is_never_taken_for_the_next(tmp_path: Path) -> None:
    slow = [True]

    async def late(line: bytes, writer: asyncio.StreamWriter) -> None:
        if slow.pop() if slow else False:
            await asyncio.sleep(0.3)
        await echo(line, writer)

    async with answering(tmp_path / "s", late):
        socket = RuntimeSocket(tmp_path / "s")
        with pytest.raises(ProxyUnavailable, match=r"no answer in 0\.1 s"):
            await socket.ask(["first"], 0.1)
        assert await socket.ask(["second"], 1) == ["did second"]
        socket.close()


async def test_a_cancelled_question_leaves_no_answer_behind(tmp_path: Path) -> None:
    async def late(line: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await echo(line, writer)

    async with answering(tmp_path / "s", late):
        socket = RuntimeSocket(tmp_path / "s")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await socket.ask(["first"], 5)
        assert await socket.ask(["second"], 1) == ["did second"]
        socket.close()


async def test_an_answer_cut_in_the_middle_is_none(tmp_path: Path) -> None:
    async def cut(line: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"# pxname,svname,\nweb,BACK")
        writer.close()

    async with answering(tmp_path / "s", cut):
        with pytest.raises(ProxyUnavailable):
            await RuntimeSocket(tmp_path / "s").ask(["show stat"], 1)
        with pytest.raises(ProxyUnavailable):
            await ask_once(tmp_path / "s", "show stat", 1)


async def test_an_endless_answer_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime_socket, "LONGEST_ANSWER", 1000)

    async def endless(line: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x" * 10_000)

    async with answering(tmp_path / "s", endless):
        with pytest.raises(ProxyUnavailable):
            await RuntimeSocket(tmp_path / "s").ask(["show stat"], 2)


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(ProxyUnavailable):
        await RuntimeSocket(tmp_path / "s").ask(["show info"], 1)
