"""Metric sources that tell what a test says: one in memory, and one to be asked over HTTP."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from autoscaler.errors import SourceError
from autoscaler.model import Reading
from autoscaler.ports import Clock
from autoscaler.spec.models import SourceMetric

ANSWERS_IN_S = 0.02


@dataclass(eq=False)
class ToldSource:
    """Its number is `value`, unless it `fails` or `hangs`. `metrics` are the mappings that it was made for, `asked` when it
    was asked."""

    clock: Clock
    value: float = 0.0
    fails: Exception | None = None
    hangs: bool = False
    metrics: list[SourceMetric] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    async def read(self) -> Reading:
        self.asked.append(self.clock.now())
        if self.hangs:
            await asyncio.sleep(self.metrics[-1].timeout)
            raise SourceError("no answer in time", where="there")
        await asyncio.sleep(ANSWERS_IN_S)
        if self.fails is not None:
            raise self.fails
        return Reading(self.value, self.clock.now())


@contextmanager
def answers(value: str) -> Iterator[str]:
    """Something that answers as Prometheus does, on a thread; gives its address."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = {"resultType": "scalar", "result": [time.time(), value]}
            body = json.dumps({"status": "success", "data": data}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
