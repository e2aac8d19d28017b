"""What is at HAProxy's runtime socket: answers that are cut, late, garbled, or more than was asked for.

A case is how it goes on after the last answer (`cut`, or `late`: silence) and, each behind a line of `%`, the answers, sent
one after the other on each connection. What comes of it is a whole answer, or ProxyUnavailable, in time.
"""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from random import Random

from autoscaler.errors import ProxyUnavailable
from autoscaler.proxies.haproxy import workers
from autoscaler.proxies.haproxy.files import Files
from autoscaler.proxies.haproxy.runtime_socket import RuntimeSocket, ask_once
from autoscaler.proxies.haproxy.stats import SHOW_STAT
from autoscaler.proxies.haproxy.workers import Workers
from tests.fuzz import stats_pages
from tests.fuzz.mutate import NUMBERS, broken
from tests.fuzz.runs import Check, Target

PROMPT = b"\n> "
NEXT = b"\n%\n"
SHORT_S, LONG_S = 0.02, 10.0  # to wait where nothing will come, and where all is there
STUCK_S = 60.0  # a busy machine needs no part of it
INFO = f"Name: HAProxy\nPid: {os.getpid()}\ndescription: 0123456789abcdef\nDroppedLogs: 0\n".encode()
CELLS = ",1" * (len(stats_pages.COLUMNS_26) - 2)
PAGE = "".join(
    (f"# {','.join(stats_pages.COLUMNS_26)}\n", *(f"web,{name}{CELLS}\n" for name in ("web-1", "web-2", "BACKEND")))
).encode()
WORDS = (PROMPT, b"> ", b"\n", b"\n\n", b"Unknown command: 'prompt'\n", b"# pxname,svname,", b"Pid: ", b"\xff", b"\0")


def make(random: Random) -> bytes:
    """What it does."""
    info = INFO
    if random.random() < 0.3:
        info = broken(random, INFO.replace(b"Pid: ", b"Pid: " + random.choice(NUMBERS).encode()), words=WORDS)
    page = PAGE if random.random() < 0.6 else stats_pages.make(random)
    answers = [PROMPT, info + PROMPT, page + PROMPT]
    if random.random() < 0.1:
        answers.insert(random.randrange(4), random.choice((b"", PROMPT, stats_pages.make(random), b"a" * 100_000)))
    if random.random() < 0.4:
        at = random.randrange(len(answers))
        answers[at] = broken(random, answers[at], words=WORDS)
    if random.random() < 0.1:
        answers = answers[: random.randrange(len(answers))]
    return NEXT.join([b"late" if random.random() < 0.1 else b"cut", *answers])


@contextmanager
def ready() -> Iterator[Check]:
    """A folder with the socket, and a loop."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name, asyncio.Runner() as runner:
        files = Files(Path(name))
        yield lambda case: runner.run(_within(files, case))


async def _within(files: Files, case: bytes) -> None:
    async with asyncio.timeout(STUCK_S):
        end, *answers = case.split(NEXT)
        limit_s = SHORT_S if end == b"late" else LONG_S
        async with _answering(files.stats, end, answers):
            await check_socket(files.stats, answers, limit_s)
            await check_once(files.stats, answers, limit_s)
            await check_workers(files, limit_s)


@asynccontextmanager
async def _answering(path: Path, end: bytes, answers: list[bytes]) -> AsyncIterator[None]:
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            writer.write(answer)
            await asyncio.sleep(0)
        if end != b"late" and writer.can_write_eof():
            writer.write_eof()
        with suppress(OSError):
            await reader.read()  # until the other end has gone: to close before would throw away what it has not read
        writer.close()

    server = await asyncio.start_unix_server(accept, path)
    try:
        yield
    finally:
        server.close()
        os.unlink(path)
        await asyncio.gather(*serving)  # their other ends have gone


async def check_socket(path: Path, answers: list[bytes], limit_s: float) -> None:
    """Each answer is what stands between two prompts."""
    socket = RuntimeSocket(path)
    try:
        told = await socket.ask(["show info", SHOW_STAT], limit_s)
    except ProxyUnavailable as error:
        _check_error(error)
        assert not socket.connected, "a connection of which nobody knows what comes next"
    else:
        ours = b"".join(answers).split(PROMPT)
        assert len(ours) > 3, "half an answer"
        assert told == [part.decode(errors="replace").strip("\n") for part in ours[1:3]]
    finally:
        socket.close()


async def check_once(path: Path, answers: list[bytes], limit_s: float) -> None:
    """The answer goes to its blank line."""
    try:
        told = await ask_once(path, SHOW_STAT, limit_s)
    except ProxyUnavailable as error:
        _check_error(error)
    else:
        whole, blank_line, _ = b"".join(answers).partition(b"\n\n")
        assert blank_line, "half an answer"
        assert told == (whole + blank_line).decode(errors="replace")


async def check_workers(files: Files, limit_s: float) -> None:
    """A look is whole, or none."""
    asked = Workers(files)
    former, workers.ANSWER_TIMEOUT_S = workers.ANSWER_TIMEOUT_S, limit_s
    try:
        look = await asked.look()
    except ProxyUnavailable as error:
        _check_error(error)
    else:
        stats_pages.check_page(look.current)
    finally:
        workers.ANSWER_TIMEOUT_S = former
        asked.close()


def _check_error(error: ProxyUnavailable) -> None:
    assert str(error).isprintable(), f"not one line of text: {error!s:.200}"
    assert 0 < len(error.what) < 1000, f"{len(error.what)} characters"


TARGET = Target("runtime_sockets", make, ready, 50_000)
