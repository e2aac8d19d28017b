"""A failure of the engine, or on the way to it, in its own words and with the fix."""

import errno

import pytest
import requests
from docker.errors import APIError, DockerException, ImageNotFound
from urllib3.exceptions import ProtocolError, ReadTimeoutError

from autoscaler.drivers.docker_errors import explain
from autoscaler.errors import AutoscalerError, EngineError, EngineUnavailable, ImageError


def answer(status: int, *, engine: bool = True) -> requests.Response:
    """An engine's answer, or one of something in front of it."""
    response = requests.Response()
    response.status_code = status
    if engine:
        response.headers["Api-Version"] = "1.41"
    return response


def told(error: Exception) -> AutoscalerError | None:
    return explain(error, where="docker x", doing="start web-1", timeout_s=2.0)


def refused(status: int, words: str, *, engine: bool = True) -> AutoscalerError | None:
    return told(APIError("", answer(status, engine=engine), words))


def connection(cause: OSError) -> requests.ConnectionError:
    """As requests wraps a socket's error."""
    return requests.ConnectionError(ProtocolError("Connection aborted.", cause))


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (
            connection(FileNotFoundError(errno.ENOENT, "No such file")),
            EngineUnavailable,
            "no such socket; is Docker installed",
        ),
        (connection(ConnectionRefusedError(errno.ECONNREFUSED, "x")), EngineUnavailable, "connection refused; is dockerd"),
        (
            connection(PermissionError(errno.EACCES, "x")),
            EngineUnavailable,
            "permission denied; run as root, or as a member",
        ),
        (connection(ConnectionResetError(errno.ECONNRESET, "reset")), EngineUnavailable, "the connection failed: .*reset"),
        (requests.ReadTimeout("slow"), EngineUnavailable, "no answer in 2 s; is dockerd running"),
        (requests.ConnectionError(ReadTimeoutError(None, "", "slow")), EngineUnavailable, "no answer in 2 s"),  # type: ignore[arg-type]
        (TimeoutError(), EngineUnavailable, "no answer in 2 s"),
        (DockerException("odd"), EngineError, "start web-1: odd"),
        (ImageNotFound("", answer(404), "No such image: x"), ImageError, "No such image: x; pull or build it again"),
    ],
)
def test_failures(error: Exception, kind: type[AutoscalerError], text: str) -> None:
    ours = told(error)
    assert type(ours) is kind
    with pytest.raises(kind, match=f"docker x: start web-1: .*{text}|docker x: {text}"):
        raise ours


def test_the_engines_own_words_on_one_line() -> None:
    assert str(refused(500, "no\n  luck")) == "docker x: start web-1: no luck"
    assert type(refused(503, "starting")) is EngineUnavailable
    assert "docker system prune" in str(refused(500, "write x: no space left on device"))


def test_a_403_of_something_in_front_of_the_engine() -> None:
    assert "a proxy in front of the engine is not available yet" in str(refused(403, "Forbidden", engine=False))
    assert "proxy" not in str(refused(403, "Forbidden"))


def test_what_is_not_of_the_outside_is_a_bug() -> None:
    assert told(KeyError("x")) is None
