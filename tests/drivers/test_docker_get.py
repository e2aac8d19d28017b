"""The cheap way to the engine: what is in order comes over one connection, all else is left to the SDK."""

import os
import socket
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from autoscaler.drivers.docker import Engine
from autoscaler.drivers.docker_get import UnixGet
from autoscaler.runtimes.docker.labels import ours


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), _Handler)
        self.connections: list[socket.socket] = []
        self.release = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.append(self.connection)

    def address_string(self) -> str:
        return "unix"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path.startswith("/silent"):
            self.server.release.wait(10)
        body = b"[1" if self.path.startswith("/half") else b'["' + self.path.encode() + b'"]'
        self.send_response(500 if self.path.startswith("/refused") else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[_Server]:
    with _Server(tmp_path / "engine.sock") as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.release.set()
        server.shutdown()


def test_questions_share_a_connection(server: _Server) -> None:
    get = UnixGet(f"unix://{server.server_address}")
    assert get.json("/list", {"filters": '{"a": 1}'}, 2) == ["/list?filters=%7B%22a%22%3A+1%7D"]
    assert get.json("/list", {"all": "1"}, 2) == ["/list?all=1"]
    assert len(server.connections) == 1


@pytest.mark.parametrize("path", ["/refused", "/half"])
def test_an_answer_that_is_not_in_order_is_none(server: _Server, path: str) -> None:
    get = UnixGet(f"unix://{server.server_address}")
    assert get.json(path, {}, 2) is None
    assert get.json("/list", {}, 2) == ["/list?"]


def test_a_connection_that_was_cut_is_made_again(server: _Server) -> None:
    get = UnixGet(f"unix://{server.server_address}")
    get.json("/list", {}, 2)
    server.connections[0].shutdown(socket.SHUT_RDWR)
    assert get.json("/list", {}, 2) is None
    assert get.json("/list", {}, 2) == ["/list?"]


def test_silence_is_a_timeout_and_a_late_answer_is_nobodys(server: _Server) -> None:
    get = UnixGet(f"unix://{server.server_address}")
    with pytest.raises(TimeoutError):
        get.json("/silent", {}, 0.05)
    server.release.set()
    assert get.json("/list", {}, 2) == ["/list?"]


def test_nobody_there_is_none(tmp_path: Path) -> None:
    assert UnixGet(f"unix://{tmp_path}/none.sock").json("/list", {}, 2) is None


@pytest.mark.real
async def test_both_ways_tell_the_same(instance: str) -> None:
    engine = Engine(os.environ)
    sdk = await engine.look("list", lambda client: client.containers(all=True, filters=ours(instance)))
    way = await engine.get("list", "/version", {}, lambda client: {"asked": "the SDK"})
    lost = await engine.get("list", "/no/such/path", {}, lambda client: sdk)
    await engine.close()
    assert "ApiVersion" in way
    assert lost == sdk == []
