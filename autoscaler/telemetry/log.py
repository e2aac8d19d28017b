"""The log: each event one line, for people or as JSON, and what the libraries say in the same form.

    12:04:07 web replica_ready web-12 start_seconds=1.42 (health check passed)
    12:04:09 ERROR engine_fault runtime=docker repeated=59 (docker unix:///var/run/docker.sock: no answer in 0.8 s)

The level stands there from WARNING on. Times are the event's own, in `TZ` for people and UTC in JSON. A warning that
says the same again is told once a minute with the number of times. Whatever came from outside is escaped.
Source: structlog, "Standard Library Logging" (ProcessorFormatter).
"""

import json
import logging
import re
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import structlog

from autoscaler.model import Event
from autoscaler.telemetry.kinds import EVENTS
from autoscaler.telemetry.repeats import Repeats

LONGEST_FACT = 400
DIGITS = 6  # of a number, for people; JSON has all
NAME = "autoscaler.events"

_COLORS = {"WARNING": "\x1b[33m", "ERROR": "\x1b[31m", "CRITICAL": "\x1b[31m"}
_RESET = "\x1b[0m"
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_NEEDS_QUOTES = re.compile(r'[\s"=()]')

_NOTHING: tuple[object, ...] = ("", [], {}, ())  # of 0 and False there is something to say

Record = dict[str, Any]


class Log:
    """Listens to events, and writes them where `configure_log` said."""

    def __init__(self) -> None:
        self._repeats = Repeats()
        self._logger = structlog.stdlib.get_logger(NAME)

    def __call__(self, event: Event) -> None:
        level = _level(event)
        repeated = 0
        if level >= logging.WARNING:
            told = self._repeats.tell((event.service, event.kind.value, event.cause), event.t)
            if told is None:
                return
            repeated = told
        facts = dict(event.facts) | ({"repeated": repeated} if repeated else {})
        self._logger.log(
            level,
            event.kind.value,
            t=event.t,
            service=event.service,
            replica=event.replica,
            cause=event.cause,
            facts=facts,
        )


def configure_log(stream: TextIO, form: Literal["text", "json"], level: str, environ: Mapping[str, str]) -> logging.Handler:
    """Write events from that level up to `stream` from now on, and the libraries' warnings (at `debug` all they say)."""
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    render = _to_json if form == "json" else _to_color if in_color(stream, environ) else _to_text
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, _from_library],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _rendered(render)],
        )
    )
    handler.addFilter(_OnceAMinute())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    ours = logging.getLevelNamesMapping()[level.upper()]
    logging.getLogger("autoscaler").setLevel(ours)
    root.setLevel(ours if ours < logging.INFO else max(ours, logging.WARNING))  # the libraries chat at INFO
    return handler


def in_color(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """On a terminal, unless `NO_COLOR` (no-color.org) is set to anything or the terminal is a dumb one."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def escaped(text: str) -> str:
    """Text that moves no cursor, ends no line and turns no writing around: such characters are shown by number."""
    return _UNSEEN.sub(lambda found: _shown(found[0]), text)


def event_line(record: Mapping[str, Any]) -> str:
    """One record as a line for people."""
    at = datetime.fromtimestamp(record["t"]).astimezone()
    level = record["level"].upper()
    words = [
        f"{at:%H:%M:%S}",
        level if level in _COLORS else "",
        escaped(record["service"]),
        escaped(record["event"]),
        escaped(record["replica"]),
        *(f"{escaped(name)}={_fact(value)}" for name, value in record["facts"].items() if value not in _NOTHING),
        f"({escaped(record['cause'])})" if record["cause"] else "",
    ]
    return " ".join(word for word in words if word)


def _level(event: Event) -> int:
    level = EVENTS[event.kind].level
    return max(level, logging.ERROR) if event.facts.get("outcome") == "failure" else level


def _fact(value: object) -> str:
    shown = escaped(_as_text(value))
    return '"' + shown.replace('"', '\\"') + '"' if _NEEDS_QUOTES.search(shown) else shown


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_FACT else value[: LONGEST_FACT - 1] + "…"
    if isinstance(value, list):
        joined = " | ".join(map(str, value))  # the end of a list of log lines says most
        return joined if len(joined) <= LONGEST_FACT else "…" + joined[1 - LONGEST_FACT :]
    if isinstance(value, float):
        return f"{value:.{DIGITS}g}" if abs(value) < 10**DIGITS else f"{value:.0f}"
    return json.dumps(value, default=str)


def _shown(character: str) -> str:
    names = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    code = ord(character)
    return names.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def _to_text(record: Record) -> str:
    return event_line(record)


def _to_color(record: Record) -> str:
    color = _COLORS.get(record["level"].upper(), "")
    return f"{color}{event_line(record)}{_RESET}" if color else event_line(record)


def _to_json(record: Record) -> str:
    """ASCII only, so that a terminal it is shown on can't be moved by it."""
    told = {
        "time": datetime.fromtimestamp(record["t"], UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record["level"],
        "service": record["service"],
        "kind": record["event"],
        "replica": record["replica"],
        "cause": record["cause"],
        "facts": record["facts"],
    }
    return json.dumps(told, default=str)


def _rendered(render: Any) -> structlog.typing.Processor:
    """A renderer as structlog calls it."""

    def processor(_logger: Any, _method: str, record: structlog.typing.EventDict) -> str:
        return str(render(record))

    return processor


def _from_library(_logger: Any, _method: str, record: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A library's record in the form of ours: its logger is the kind, what it said the cause."""
    given: logging.LogRecord = record["_record"]
    error = given.exc_info[1] if given.exc_info else None
    said = str(record["event"])
    record.update(
        t=given.created,
        service="",
        event=given.name,
        replica="",
        cause=f"{said}: {error!r}" if error is not None else said,
        facts={} if error is None else {"at": _place(error)},
    )
    return record


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"


class _OnceAMinute(logging.Filter):
    """The same for the libraries' warnings; ours are counted before they get here."""

    def __init__(self) -> None:
        super().__init__()
        self._repeats = Repeats()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == NAME or record.levelno < logging.WARNING:
            return True
        repeated = self._repeats.tell((record.name, record.levelname, record.getMessage()), record.created)
        if repeated:
            record.msg = f"{record.getMessage()} ({repeated} times more in the last minute)"
            record.args = ()
        return repeated is not None
