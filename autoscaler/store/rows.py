"""Events and orders as text, and back: what stands in the tables of either store.

Facts of a kind that JSON doesn't know are kept as the name of their type only, so that no value that was never meant
to be written can end up on a disk.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from math import isfinite

from autoscaler.model import Event, EventKind, Orders, Override, PauseKind

Row = tuple[int, float, str, str, str, str, str]
"""number, t, service, kind, replica, cause, facts"""

_KINDS = frozenset(EventKind)


def to_row(number: int, event: Event) -> Row:
    """An event as a row of the journal."""
    facts = json.dumps(dict(event.facts), separators=(",", ":"), default=_type_name)
    return number, event.t, event.service, event.kind.value, event.replica, event.cause, facts


def to_events(rows: Sequence[Row]) -> list[tuple[int, Event]]:
    """Rows as numbered events; kinds that this version doesn't know are left out."""
    return [
        (number, Event(t, service, EventKind(kind), replica, cause, _facts(facts)))
        for number, t, service, kind, replica, cause, facts in rows
        if kind in _KINDS
    ]


def _facts(text: str) -> Mapping[str, object]:
    """An event's facts; none where they can't be read: the event itself is worth telling."""
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def newest(rows: Sequence[Row], limit: int) -> Sequence[Row]:
    """The last `limit` of rows that stand in order."""
    return rows[max(0, len(rows) - limit) :]


def orders_to_text(orders: Orders) -> str:
    """An operator's orders as JSON."""
    override = orders.override
    return json.dumps(
        {
            "override": override
            and {
                "replicas": override.replicas,
                "min": override.min,
                "max": override.max,
                "until": override.until,
                "reason": override.reason,
            },
            "pause": orders.pause,
            "down": orders.down,
        }
    )


def orders_from_text(text: str) -> Orders:
    """Orders as `orders_to_text` wrote them. ValueError where it did not."""
    try:
        given = json.loads(text)
        orders = Orders(
            override=Override(**given["override"]) if given["override"] else None,
            pause=PauseKind(given["pause"]) if given["pause"] else None,
            down=given["down"],
        )
    except (TypeError, KeyError, RecursionError) as error:
        raise ValueError(f"no orders: {error!r:.100}") from None
    if not isinstance(orders.down, bool) or (orders.override and not _is_sound(orders.override)):
        raise ValueError("orders with a value of another type")
    return orders


def _is_sound(override: Override) -> bool:
    counts = (override.replicas, override.min, override.max)
    until = override.until
    return (
        all(count is None or (type(count) is int and count >= 0) for count in counts)
        and (until is None or (isinstance(until, int | float) and isfinite(until)))
        and isinstance(override.reason, str)
    )


def read_orders(texts: Mapping[str, str]) -> tuple[dict[str, Orders], Sequence[str]]:
    """The orders by service, and the services whose can't be read."""
    read: dict[str, Orders] = {}
    for service, text in texts.items():
        with suppress(ValueError):
            read[service] = orders_from_text(text)
    return read, [service for service in texts if service not in read]


def _type_name(value: object) -> str:
    return f"<{type(value).__name__}>"
