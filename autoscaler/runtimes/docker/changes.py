"""The engine's events as Changes, none lost between two connections and none told twice.

The engine keeps its last events and replays those since a time: each connection starts where the last event ended, by the
engine's own clock. A connection that was silent for `SILENCE_S` is made anew, so that one cut without a word, or an
engine that hangs, is noticed. What exec and health checks do each second is filtered out by the engine. Network events
carry no labels of ours: they are known by the container's id. Source: Engine API 1.41, `GET /events`.
"""

import json
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from docker import APIClient
from docker.types import CancellableStream
from urllib3.exceptions import ReadTimeoutError

from autoscaler.drivers.docker_answers import BITS_64, json_lines, mapping, text, texts
from autoscaler.errors import EngineUnavailable
from autoscaler.model import Change
from autoscaler.runtimes.docker import labels

SILENCE_S = 20.0
PIECE = 64 * 1024  # at most; each comes as it was sent
ACTIONS = ("start", "kill", "die", "oom", "pause", "unpause", "destroy", "rename", "health_status", "connect", "disconnect")

Event = Mapping[str, Any]
Known = Mapping[str, tuple[str, str]]


class EventFeed:
    """Where in the engine's events we are: nanoseconds by the engine's clock."""

    def __init__(self) -> None:
        self._last_ns: int | None = None

    def open(self, client: APIClient) -> "EventStream":
        """The events since the last one taken; at the very first, those from now on. Ends after a silence."""
        filters = {"type": ["container", "network"], "event": list(ACTIONS)}
        params = {"filters": json.dumps(filters)}
        if self._last_ns is not None:
            params["since"] = f"{self._last_ns // 10**9}.{self._last_ns % 10**9:09d}"
        url = f"{client.base_url}/v{client.api_version}/events"
        response = client.get(url, params=params, stream=True, timeout=client.timeout)
        response.raise_for_status()
        if self._last_ns is None:
            self._last_ns = _answered_at_ns(response)
        return EventStream(response)

    def is_new(self, event: Event) -> bool:
        """Whether it hasn't been seen; from now on it has."""
        at = event.get("timeNano")
        if not isinstance(at, int) or not 0 < at < BITS_64:
            return True  # nobody knows; a change told twice only brings a tick forward
        if self._last_ns is not None and at <= self._last_ns:
            return False
        self._last_ns = at
        return True


class EventStream:
    """One connection's events. It ends where the engine was silent for long, and raises where it was cut."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response

    def __iter__(self) -> Iterator[Event]:
        try:
            for event in json_lines(self._response.iter_content(PIECE)):
                yield read_event(event)
        except requests.ConnectionError as error:
            if error.args and isinstance(error.args[0], ReadTimeoutError):
                return
            raise
        raise EngineUnavailable("the event stream was cut", fix="it is asked for again")

    def close(self) -> None:
        """End it from another thread: the SDK knows how to reach the socket."""
        CancellableStream(iter(()), self._response).close()


def read_event(given: Event) -> Event:
    """An event whose parts are what they should be."""
    actor = mapping(given.get("Actor"), "Actor")
    attributes = texts(actor.get("Attributes"), "Attributes")
    action = text(given.get("Action", ""), "Action")
    return {**given, "Action": action, "Actor": {**actor, "Attributes": attributes}}


def to_change(event: Event, instance: str, known: Known) -> Change | None:
    """What an event tells of a replica of ours, None where it is of no concern. `known`: id -> (service, replica)."""
    actor = event.get("Actor") or {}
    attributes: Mapping[str, str] = actor.get("Attributes") or {}
    what = event.get("Action", "").partition(":")[0]
    if event.get("Type") == "network":
        owner = known.get(attributes.get("container", ""))
        return Change(*owner, what) if owner else None
    if (attributes.get(labels.MANAGED), attributes.get(labels.INSTANCE)) != ("true", instance):
        return None
    return Change(attributes.get(labels.SERVICE, ""), attributes.get(labels.REPLICA, ""), what)


def _answered_at_ns(response: requests.Response) -> int | None:
    """When the engine answered, by its own clock."""
    try:
        return int(parsedate_to_datetime(response.headers.get("Date", "")).timestamp()) * 10**9
    except (ValueError, OverflowError):
        return None
