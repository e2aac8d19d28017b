"""Image registries on loopback: Debian's docker-registry, with a password where asked, and one that only refuses."""

import contextlib
import http.server
import json
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker

from tests.support.ports import free_port

USER, PASSWORD = "ann", "s3cret-pass"
HTPASSWD = "$2b$04$.x4XJbW9NSXNX62Ttgzqo.6Kx7hcXE09cbeTtZlfgaK0v91YM4Q2."  # bcrypt of it, cost 4
START_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Registry:
    """One that runs at `host` (127.0.0.1:PORT)."""

    host: str

    def push(self, image: str, name: str) -> str:
        """Put an image of the host's engine there and take the new tag away again; its name there."""
        client = docker.from_env(timeout=30).api
        there = f"{self.host}/{name}"
        client.tag(image, there)
        answer = client.push(there, auth_config={"username": USER, "password": PASSWORD}, stream=True, decode=True)
        errors = [piece["error"] for piece in answer if "error" in piece]
        client.remove_image(there)
        client.close()
        if errors:
            raise RuntimeError(errors[0])
        return there


@contextlib.contextmanager
def registry(folder: Path, *, locked: bool = False) -> Iterator[Registry]:
    """A docker-registry with its files below `folder`; `locked`: for USER with PASSWORD only."""
    folder.mkdir(parents=True, exist_ok=True)
    host = f"127.0.0.1:{free_port()}"
    storage = {"filesystem": {"rootdirectory": str(folder / "data")}}
    config: dict[str, object] = {"version": 0.1, "storage": storage, "http": {"addr": host}}
    if locked:
        passwords = folder / "htpasswd"
        passwords.write_text(f"{USER}:{HTPASSWD}\n")
        config["auth"] = {"htpasswd": {"realm": "test", "path": str(passwords)}}
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log)
    try:
        _wait(f"http://{host}/v2/")
        yield Registry(host)
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextlib.contextmanager
def refusing_registry(status: int, headers: dict[str, str], body: dict[str, object]) -> Iterator[Registry]:
    """One that answers every request so."""

    class Refuse(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_HEAD = do_GET

        def log_message(self, format: str, *args: object) -> None:
            return

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refuse)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Registry(f"127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def _wait(url: str) -> None:
    until = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            urllib.request.urlopen(url, timeout=1).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
