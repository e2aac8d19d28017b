"""Pull an image, with its progress: many failures come inside of the answer's stream, after its 200.

Source: Engine API 1.41, `POST /images/create`; the texts are those of moby and of distribution.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import requests
from docker import APIClient
from docker.errors import APIError
from docker.types import CancellableStream
from docker.utils import parse_repository_tag

from autoscaler.drivers.docker_answers import count, json_lines, mapping, text
from autoscaler.drivers.docker_errors import fix_of, words_of
from autoscaler.errors import ImageError
from autoscaler.runtimes.docker.credentials import registry_of
from autoscaler.units import format_size

Piece = Mapping[str, Any]

PULL_SILENCE_S = 300.0  # an engine says nothing while another pull of the same layers is on
PIECE = 64 * 1024  # at most; each comes as it was sent
DEFAULT_TAG = "latest"
DONE = ("Pull complete", "Already exists")
_RETRY_AFTER = re.compile(r"retry[- ]?after:? *\"?(\d+)", re.IGNORECASE)


class PullStream:
    """The engine's account of one pull."""

    def __init__(self, response: requests.Response, image: str) -> None:
        self._response = response
        self._image = image

    def __iter__(self) -> Iterator[Piece]:
        for piece in json_lines(self._response.iter_content(PIECE)):
            if "error" in piece:
                raise pull_error(self._image, str(piece["error"]), _retry_after(self._response, str(piece["error"])))
            yield piece

    def close(self) -> None:
        """End it, and with it the pull, from another thread."""
        CancellableStream(iter(()), self._response).close()


def open_pull(client: APIClient, image: str, platform: str | None, headers: Mapping[str, str]) -> PullStream:
    """Begin a pull; ImageError where the engine or the registry refuses at once."""
    repository, tag = parse_repository_tag(image)
    params = {"fromImage": repository, "tag": tag or DEFAULT_TAG, "platform": platform or ""}
    url = f"{client.base_url}/v{client.api_version}/images/create"
    response = client.post(url, params=params, headers=dict(headers), stream=True, timeout=client.timeout)
    if response.status_code >= 400:
        words = words_of(_api_error(response))
        raise pull_error(image, words, _retry_after(response, words))
    return PullStream(response, image)


def pull_error(image: str, words: str, retry_after_s: float | None = None) -> ImageError:
    """What the engine said of a failed pull, and how to put it right."""
    registry = registry_of(image)
    text = words.lower().replace(image.lower(), "")  # its name and port say nothing of what went wrong
    if re.search(r"toomanyrequests|too many requests|\b429\b", text):
        wait = f"in {retry_after_s:g} s" if retry_after_s is not None else "later"
        fix = f"{registry} limits pulls: it is tried again {wait}; `docker login {registry}` may raise the limit"
    elif re.search(r"unauthorized|authentication required|no basic auth|denied|forbidden|\b401\b|\b403\b", text):
        fix = f"check the name, and run `docker login {registry}` as the daemon's user"
    elif re.search(r"not found|manifest unknown|does not exist|name unknown|\b404\b", text):
        fix = "check name and tag; an image of this host only needs `pull_policy: never`"
    elif re.search(r"no such host|dial tcp|i/o timeout|connection refused|tls|deadline|lookup ", text):
        fix = f"is {registry} reachable from this host?"
    elif "no matching manifest" in text:
        fix = "the image isn't made for this platform: see `platform`"
    else:
        fix = fix_of(words)
    return ImageError(f"pull: {words}", where=f"image {image}", fix=fix, retry_after_s=retry_after_s)


class PullProgress:
    """What to say of a pull at present: `2 of 5 layers, 12m of 40m`."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}
        self._done: set[str] = set()

    def add(self, piece: Piece) -> None:
        """Take in one piece of the engine's account."""
        layer, status = text(piece.get("id", ""), "id"), text(piece.get("status", ""), "status")
        if not layer or status.startswith("Pulling from"):
            return
        detail = mapping(piece.get("progressDetail"), "progressDetail")
        self._layers.setdefault(layer, (0, 0))
        current, total = count(detail.get("current", 0), "current"), count(detail.get("total", 0), "total")
        if status == "Downloading" and total:
            self._layers[layer] = (current, total)
        if status in DONE:
            self._done.add(layer)
            total = self._layers[layer][1]
            self._layers[layer] = (total, total)

    def __str__(self) -> str:
        current, total = (sum(sizes) for sizes in zip(*self._layers.values(), strict=True)) if self._layers else (0, 0)
        return f"{len(self._done)} of {len(self._layers)} layers, {_megabytes(current)} of {_megabytes(total)}"


def _megabytes(size: int) -> str:
    return format_size(round(size / 1024**2) * 1024**2) if size >= 1024**2 else f"{size // 1024}k"


def _retry_after(response: requests.Response, words: str) -> float | None:
    told = response.headers.get("Retry-After", "")
    match = _RETRY_AFTER.search(words)
    return float(told) if told.isdecimal() else float(match[1]) if match else None


def _api_error(response: requests.Response) -> APIError:
    try:
        explanation = response.json()["message"]
    except (ValueError, KeyError, TypeError):
        explanation = response.text.strip() or f"status {response.status_code}"
    return APIError(explanation, response=response, explanation=explanation)
