"""What the engine, or the way to it, says of a failure: as one of our errors, in the engine's own words, with the fix.

The type tells whether trying again can help: EngineUnavailable where nobody answered, EngineError where it was refused.
"""

import errno
import re
from collections.abc import Iterator

import requests
from docker.errors import APIError, DockerException, ImageNotFound
from urllib3.exceptions import HTTPError, ReadTimeoutError

from autoscaler.drivers.docker_answers import FIX
from autoscaler.errors import AutoscalerError, EngineError, EngineUnavailable, ImageError

NOT_ANSWERED = "is dockerd running? see `systemctl status docker`"

FIXES = (
    (r"no space left on device", "free some disk: see `docker system df`, then `docker system prune`"),
    (r"network \S+ not found", "create it with `docker network create`, or take it out of `networks`"),
    (r"bind source path does not exist", "create the folder, or correct `volumes`"),
    (r"docker-init", "install docker-init (tini), or say `init: false`"),
    (r"executable file not found|exec format error", "is that the image's command, and the image for this platform?"),
    (r"unable to find user|no matching entries in passwd", "correct `user`: the image knows no such user"),
    (r"minimum memory limit", "raise `mem_limit`"),
    (r"range of cpus", "lower `cpus`: the host has no more"),
    (r"no available ipv4|address pool|pool .*exhausted", "the network has no free address: use one with a larger subnet"),
    (r"invalid capability|unknown capability", "correct `cap_add` or `cap_drop`"),
    (r"client version \S+ is too (old|new)", "the engine was up- or downgraded: it is asked again"),
    (r"logging driver", "use the logging driver json-file, local or journald"),
    (r"already in use by container", "that container isn't ours and is left alone: rename or remove it"),
)


def explain(error: Exception, *, where: str, doing: str, timeout_s: float) -> AutoscalerError | None:
    """Our error for one of the SDK's, None where it is none of the outside's."""
    what = f"{doing}: " if doing else ""
    if isinstance(error, APIError):
        return _refused(error, where, what)
    if _is_timeout(error):
        return EngineUnavailable(f"{what}no answer in {timeout_s:g} s", where=where, fix=NOT_ANSWERED)
    if isinstance(error, requests.exceptions.InvalidJSONError | RecursionError):
        return EngineError(f"{what}the engine answered no JSON that can be read", where=where, fix=FIX)
    if isinstance(error, requests.RequestException | HTTPError | OSError):
        words, fix = _unreachable(error)
        return EngineUnavailable(f"{what}{words}", where=where, fix=fix)
    if isinstance(error, DockerException):
        return EngineError(f"{what}{error}", where=where, fix=fix_of(str(error)))
    return None


def fix_of(words: str) -> str:
    """How to put right what the engine complains of, "" where we don't know."""
    return next((fix for pattern, fix in FIXES if re.search(pattern, words, re.IGNORECASE)), "")


def status_of(error: APIError) -> int:
    """The HTTP status of the engine's answer."""
    return error.response.status_code if error.response is not None else 0


def words_of(error: APIError) -> str:
    """What the engine said, on one line."""
    return " ".join((error.explanation or str(error)).split())


def _refused(error: APIError, where: str, what: str) -> AutoscalerError:
    words, status = words_of(error), status_of(error)
    if status == 403 and error.response is not None and "Api-Version" not in error.response.headers:
        fix = "a proxy in front of the engine is not available yet: use the engine's own socket"
        return EngineError(f"{what}forbidden, and not by the engine: {words}", where=where, fix=fix)
    if isinstance(error, ImageNotFound):
        return ImageError(f"{what}{words}", where=where, fix="pull or build it again")
    if status == 503:
        return EngineUnavailable(f"{what}{words}", where=where, fix=NOT_ANSWERED)
    return EngineError(f"{what}{words}", where=where, fix=fix_of(words))


def _unreachable(error: Exception) -> tuple[str, str]:
    for cause in _causes(error):
        if isinstance(cause, OSError) and cause.errno in (errno.EACCES, errno.EPERM):
            return "permission denied", "run as root, or as a member of the group `docker`"
        if isinstance(cause, OSError) and cause.errno == errno.ENOENT:
            return "no such socket", "is Docker installed and running? see `systemctl status docker`"
        if isinstance(cause, OSError) and cause.errno == errno.ECONNREFUSED:
            return "connection refused", NOT_ANSWERED
    last = list(_causes(error))[-1]
    return f"the connection failed: {last}", NOT_ANSWERED


def _is_timeout(error: Exception) -> bool:
    timeouts = (TimeoutError, requests.Timeout, ReadTimeoutError)
    return any(isinstance(cause, timeouts) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what brought it about; requests hides the socket's error in arguments."""
    seen: set[int] = set()
    waiting: list[BaseException] = [error]
    while waiting:
        cause = waiting.pop(0)
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        hidden = [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
        waiting.extend(candidate for candidate in hidden if isinstance(candidate, BaseException))
