"""What stands in an engine's place at its unix socket: HTTP that is cut, chunked, framed wrongly, or none at all.

The answer is the JSON in it, or None, and the next question has a connection of its own where this one can't be trusted.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from autoscaler.drivers.docker_get import UnixGet
from tests.fuzz.docker_answers import RUNNING
from tests.fuzz.mutate import NUMBERS, broken
from tests.fuzz.runs import Check, Target

TIMEOUT_S = 5.0  # every case is sent at once and ends there
GOOD = json.dumps([RUNNING]).encode()
HEADERS = (
    b"Api-Version: 1.41", b"Content-Type: application/json", b"Server: Docker/20.10 (linux)", b"Connection: close",
    b"Connection: keep-alive", b"Transfer-Encoding: gzip", b"X: " + b"a" * 300, b"no colon", b" folded", b": ",
    b"\xff\xfe: \x00", b"Content-Length: 1, 2", b"Content-Length: -1", b"Transfer-Encoding: chunked",
)  # fmt: skip
STARTS = (
    *(b"HTTP/1.1 200 OK",) * 30, b"HTTP/1.0 200 OK", b"HTTP/1.1 500 No", b"HTTP/1.1 204 None", b"HTTP/1.1 100 Continue",
    b"HTTP/1.1 101 Up", b"HTTP/9.9 200", b"HTTP/1.1 2000 OK", b"HTTP/1.1 -200 OK", b"", b"SSH-2.0-x", b"GET / HTTP/1.1",
)  # fmt: skip
BODIES = (GOOD, GOOD, GOOD, b"null", b"", b"[", b"[1", b"\xff", b"[" * 30_000, b'"' + b"a" * 60_000 + b'"')


def make(random: Random) -> bytes:
    """One answer."""
    body = random.choice(BODIES)
    headers = random.choices(HEADERS, k=random.choice((0, 0, 1, 2)))
    if random.random() < 0.05:
        headers += random.choice(([b"X: " + b"a" * 70_000], [b"X: y"] * 120))
    if random.random() < 0.5:
        headers.append(b"Content-Length: " + random.choice((str(len(body)).encode(),) * 60 + tuple(_numbers())))
    else:
        headers.append(b"Transfer-Encoding: chunked")
        body = _chunks(random, body)
    answer = b"\r\n".join([random.choice(STARTS), *headers, b"", b""]) + body
    return broken(random, answer) if random.random() < 0.4 else answer


def _numbers() -> Iterator[bytes]:
    return (number.encode() for number in ("1", str(10**13), *NUMBERS))


def _chunks(random: Random, body: bytes) -> bytes:
    size = random.choice((1000, 7, len(body) or 1)) if len(body) < 10_000 else 30_000
    written = b""
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        told = f"{len(piece):x}" if random.random() < 0.98 else random.choice((*NUMBERS, "-5", "fffffffffffffff"))
        written += told.encode() + b"\r\n" + piece + b"\r\n"
    return written + random.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\n", b"0\r\nA: b\r\n\r\n", b""))


class _Answered(UnixGet):
    """Connected to what has answered already."""

    def __init__(self, mine: socket.socket) -> None:
        super().__init__("unix:///nowhere")
        self._connection.sock = mine


@contextmanager
def ready() -> Iterator[Check]:
    yield check


def check(case: bytes) -> None:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        theirs.setblocking(False)
        sent = theirs.send(case) if case else 0
        assert sent == len(case), "a case of more than the socket takes at once"
        theirs.shutdown(socket.SHUT_WR)
        get = _Answered(mine)
        answer = get.json("/containers/json", {"all": "1"}, TIMEOUT_S)
        again = get.json("/containers/json", {}, TIMEOUT_S)
    if answer is not None:
        assert json.dumps(answer)
        assert b"200" in case
    assert again is None or case.count(b"HTTP/") > 1, "an answer to another question"


TARGET = Target("docker_gets", make, ready, 50_000)
