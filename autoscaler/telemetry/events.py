"""Emit: one event in, every listener told, in order; and no listener can break what emitted it.

Facts are made plain on the way: numbers, texts and lists of them pass. Of a mapping only its keys do, and of anything
else the name of its type, so that a spec or an environment put into an event by mistake tells no value to anyone.
"""

import logging
import math
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from autoscaler.model import Event
from autoscaler.ports import Emit

LONGEST_TEXT = 4_000
LONGEST_LIST = 200

_log = logging.getLogger(__name__)


class Events:
    """`emit` is what control and adapters are given."""

    def __init__(self) -> None:
        self._listeners: list[Emit] = []

    def listen(self, listener: Emit) -> None:
        """Tell this one too, after those that were there before."""
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Tell everyone."""
        told = replace(
            event, cause=shortened(event.cause), facts={name: plain(value) for name, value in event.facts.items()}
        )
        for listener in self._listeners:
            try:
                listener(told)
            except Exception as error:
                _log.error("%s failed on %s: %r", _name(listener), event.kind, error)


def plain(value: object) -> object:
    """A value that can be shown to anyone as it is."""
    match value:
        case Enum():
            return value.value
        case float() if not math.isfinite(value):
            return str(value)  # JSON has no such number
        case str():
            return shortened(value)
        case None | bool() | int() | float():
            return value
        case Mapping():
            return sorted(str(key) for key in value)
        case list() | tuple():
            return [plain(item) for item in value[-LONGEST_LIST:]]
        case set() | frozenset():
            return sorted(str(plain(item)) for item in value)
        case _:
            return f"<{type(value).__name__}>"


def shortened(text: str) -> str:
    """What an app wrote in one line or an engine answered can be megabytes."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}… ({len(text)} characters)"


def _name(listener: Emit) -> str:
    return type(listener).__name__ if not hasattr(listener, "__qualname__") else str(listener.__qualname__)
