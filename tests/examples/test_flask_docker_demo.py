"""The example's app: says who it is, works as told, ends gracefully; and its image, built without a registry."""

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from autoscaler.drivers.children import ProcessId, is_alive, send, spawn_apart
from autoscaler.runtimes.process import sessions
from tests.support.ports import free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
DEMO = EXAMPLES / "flask-docker-demo"


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


class Client:
    """A kept-alive connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, path: str, method: str = "GET") -> None:
        """Send a request."""
        self.writer.write(f"{method} {path} HTTP/1.1\r\nHost: demo\r\nContent-Length: 0\r\n\r\n".encode())

    async def answer(self) -> Answer:
        """Read an answer."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
        body = await self.reader.readexactly(int(headers["content-length"]))
        return Answer(int(head[0].split()[1]), headers, body)

    async def get(self, path: str) -> Answer:
        """Ask and read."""
        self.send(path)
        return await self.answer()


async def connect(port: int) -> Client:
    """Connect, once it listens."""
    async with asyncio.timeout(20):
        while True:
            try:
                return Client(*await asyncio.open_connection("127.0.0.1", port))
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)


async def first_answer(port: int) -> Answer:
    """What `/` answers, once it does: the engine's port takes connections before the app does."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await (await connect(port)).get("/")
            except (asyncio.IncompleteReadError, ConnectionError):
                await asyncio.sleep(0.05)


@dataclass(frozen=True, slots=True)
class App:
    """The app as a process."""

    process: ProcessId
    port: int


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[App]:
    port = free_port()
    env = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(port), "AUTOSCALER_REPLICA": "web-7"}
    process = spawn_apart([sys.executable, "app.py"], env=env, cwd=DEMO, stdout=tmp_path / "log")
    yield App(process, port)
    await sessions.kill_all(process, 5)


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/", 200, b"Hello from web-7\n"),
        ("/healthz", 200, b"ok\n"),
        ("/wait?ms=1", 200, b"web-7 waited 1 ms\n"),
        ("/work?ms=0.5", 200, b"web-7 worked 0.5 ms\n"),
        ("/work?ms=soon", 400, b"ms is a number from 0 to 60000\n"),
        ("/work?ms=nan", 400, b"ms is a number from 0 to 60000\n"),
        ("/wait?ms=60001", 400, b"ms is a number from 0 to 60000\n"),
        ("/stream?mb=-1", 400, b"mb is a number from 0 to 100\n"),
    ],
)
async def test_what_it_answers(app: App, path: str, status: int, body: bytes) -> None:
    answer = await (await connect(app.port)).get(path)
    assert (answer.status, answer.body, answer.headers["x-replica"]) == (status, body, "web-7")


async def test_every_answer_names_the_replica(app: App) -> None:
    client = await connect(app.port)
    missing = await client.get("/nowhere")
    client.send("/", "DELETE")
    refused = await client.answer()
    assert [(answer.status, answer.headers["x-replica"]) for answer in (missing, refused)] == [
        (404, "web-7"),
        (405, "web-7"),
    ]


async def test_a_stream_is_as_long_as_asked(app: App) -> None:
    answer = await (await connect(app.port)).get("/stream?mb=1")
    assert len(answer.body) == 2**20


async def test_work_burns_cpu_and_waiting_does_not(app: App) -> None:
    client = await connect(app.port)
    await client.get("/")

    def cpu_s() -> float:
        used = sessions.usage([app.process])[app.process].cpu_seconds
        assert used is not None
        return used

    before = cpu_s()
    await client.get("/wait?ms=500")
    waited = cpu_s()
    await client.get("/work?ms=500")
    assert waited - before < 0.2
    assert 0.45 <= cpu_s() - waited < 1.0


async def test_told_to_end_it_answers_what_is_in_flight_and_what_still_comes(app: App) -> None:
    idle, *busy = [await connect(app.port) for _ in range(11)]
    await idle.get("/")
    for client in busy:
        client.send("/wait?ms=1500")
    await asyncio.sleep(0.3)
    send(app.process, signal.SIGTERM)
    await asyncio.sleep(0.3)
    late = await idle.get("/")
    in_flight = [await client.answer() for client in busy]
    assert [answer.status for answer in in_flight] == [200] * 10
    assert (late.status, late.headers["connection"]) == (200, "close")
    async with asyncio.timeout(5):
        while is_alive(app.process):
            await asyncio.sleep(0.05)


async def test_idle_it_ends_at_once(app: App) -> None:
    client = await connect(app.port)
    await client.get("/")
    client.writer.close()
    before = time.monotonic()
    send(app.process, signal.SIGTERM)
    async with asyncio.timeout(5):
        while is_alive(app.process):
            await asyncio.sleep(0.02)
    assert time.monotonic() - before < 1.5


# ---------------------------------------------------------------- its image


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The demo's image, on a base of our own: the first time that takes a minute or two."""
    base = docker_output(str(EXAMPLES / "make-base-image.sh"))
    tag = f"flask-docker-demo-test:{secrets.token_hex(4)}"
    docker_output("docker", "build", "--quiet", "--build-arg", f"BASE={base}", "--tag", tag, str(DEMO))
    yield tag
    docker_output("docker", "rmi", tag)


def docker_output(*command: str) -> str:
    """What a command prints; its errors where it fails."""
    env = os.environ | {"PYTHON": sys.executable}
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=280, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.real
@pytest.mark.timeout(600)
async def test_its_image_runs_as_in_the_talk(image: str) -> None:
    port = free_port()
    container = docker_output("docker", "run", "--detach", "--publish", f"127.0.0.1:{port}:5000", image)
    try:
        answer = await first_answer(port)
        assert answer.body == f"Hello from {container[:12]}\n".encode()
        docker_output("docker", "stop", container)
        assert docker_output("docker", "inspect", "--format", "{{.State.ExitCode}}", container) == "0"
    finally:
        docker_output("docker", "rm", "--force", container)
