"""What the log looks like, and what it keeps to itself."""

import io
import json
import logging
import time
from collections.abc import Iterator
from typing import Literal

import pytest

from autoscaler.model import Event, EventKind
from autoscaler.telemetry.events import Events
from autoscaler.telemetry.log import Log, configure_log, escaped
from autoscaler.telemetry.repeats import REMEMBERED, Repeats
from tests.support.state import EPOCH

READY = Event(EPOCH, "web", EventKind.REPLICA_READY, "web-12", "health check passed", {"start_seconds": 1.42})


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone is set, and the root logger afterwards as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    monkeypatch.undo()
    time.tzset()


def logged(
    *events: Event,
    form: Literal["text", "json"] = "text",
    level: str = "info",
    stream: io.StringIO | None = None,
    environ: dict[str, str] | None = None,
) -> list[str]:
    stream = stream or io.StringIO()
    configure_log(stream, form, level, environ or {})
    told = Events()
    told.listen(Log())
    for event in events:
        told.emit(event)
    return stream.getvalue().splitlines()


def fault(t: float, cause: str) -> Event:
    return Event(t, "", EventKind.ENGINE_FAULT, cause=cause, facts={"runtime": "docker"})


def test_an_event_is_one_line_for_people() -> None:
    assert logged(READY) == ["22:13:20 web replica_ready web-12 start_seconds=1.42 (health check passed)"]


def test_the_time_is_that_of_TZ(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert logged(READY)[0].startswith("23:13:20 ")


def test_an_event_is_one_object_as_json() -> None:
    (line,) = logged(READY, form="json")
    assert json.loads(line) == {
        "time": "2023-11-14T22:13:20.000Z",
        "level": "info",
        "service": "web",
        "kind": "replica_ready",
        "replica": "web-12",
        "cause": "health check passed",
        "facts": {"start_seconds": 1.42},
    }


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        pytest.param("plain", "fact=plain", id="a word stands as it is"),
        pytest.param("two words", 'fact="two words"', id="words are quoted"),
        pytest.param('a"b', 'fact="a\\"b"', id="so are quotes"),
        pytest.param(None, "fact=null", id="nothing known"),
        pytest.param(["max", "min"], 'fact="max | min"', id="a list"),
        pytest.param("x" * 500, "fact=" + "x" * 399 + "…", id="the start of a long text"),
        pytest.param(["x" * 500, "end"], 'fact="…' + "x" * 393 + ' | end"', id="the end of a long list"),
    ],
)
def test_a_fact_is_a_word_for_people(value: object, shown: str) -> None:
    (line,) = logged(Event(EPOCH, "web", EventKind.ORDERED, facts={"fact": value}))
    assert line == f"22:13:20 web ordered {shown}"


def test_what_failed_is_an_error_though_its_kind_is_none() -> None:
    """A reload that the proxy refused is told under the same name as one that it took."""
    lines = logged(*(Event(EPOCH, "", EventKind.PROXY_RELOADED, facts={"outcome": o}) for o in ("success", "failure")))
    assert lines == ["22:13:20 proxy_reloaded outcome=success", "22:13:20 ERROR proxy_reloaded outcome=failure"]


def test_the_level_stands_there_from_warning_on_and_chooses() -> None:
    events = (READY, Event(EPOCH, "web", EventKind.BACK_OFF, cause="next in 4 s"), fault(EPOCH, "down"))
    assert [line.split()[1] for line in logged(*events)] == ["web", "WARNING", "ERROR"]
    assert [line.split()[1] for line in logged(*events, level="error")] == ["ERROR"]


def test_a_fault_that_goes_on_is_told_once_a_minute_with_its_count() -> None:
    lines = logged(*(fault(EPOCH + second, f"no answer; next try in {second % 7} s") for second in range(130)))
    assert [line.split(" (")[0] for line in lines] == [
        "22:13:20 ERROR engine_fault runtime=docker",
        "22:14:20 ERROR engine_fault runtime=docker repeated=59",
        "22:15:20 ERROR engine_fault runtime=docker repeated=59",
    ]


def test_other_faults_and_facts_of_every_day_are_told_each_time() -> None:
    assert len(logged(fault(EPOCH, "no answer"), fault(EPOCH, "refused"), READY, READY)) == 4


def test_a_clock_put_back_holds_nothing_back() -> None:
    assert len(logged(fault(EPOCH, "down"), fault(EPOCH - 3600, "down"))) == 2


def test_what_was_told_is_not_remembered_without_end() -> None:
    repeats = Repeats()
    for count in range(REMEMBERED * 3):
        assert repeats.tell(("", "", "x" * count), EPOCH) == 0
    assert len(repeats._held) == REMEMBERED


@pytest.mark.parametrize("form", ["text", "json"])
def test_control_characters_reach_the_terminal_by_number_only(form: Literal["text", "json"]) -> None:
    """What a replica or a client has put in reaches a terminal as text."""
    evil = "a\r\n12:00:00 web decided\x1b[2J\x1b]0;title\x07\x7f\x9b31m\u202egnp.exe\u2028\x00é"
    event = Event(EPOCH, evil, EventKind.LAST_WORDS, evil, evil, {evil: evil, "lines": [evil]})
    (line,) = logged(event, form=form)
    assert all(character >= " " and character not in "\x7f\x9b\u202e\u2028" for character in line)
    if form == "json":
        assert json.loads(line)["cause"] == evil


def test_escaping_leaves_writing_alone() -> None:
    assert escaped("Größe ≤ 5 日本") == "Größe ≤ 5 日本"
    assert escaped("a\tb\ud800") == "a\\tb\\ud800"


@pytest.mark.parametrize(
    ("stream", "environ", "colored"),
    [
        pytest.param(Terminal, {}, True, id="a terminal"),
        pytest.param(Terminal, {"NO_COLOR": "1"}, False, id="NO_COLOR"),
        pytest.param(Terminal, {"TERM": "dumb"}, False, id="a dumb terminal"),
        pytest.param(io.StringIO, {}, False, id="a pipe"),
    ],
)
def test_color_is_for_terminals_that_want_it(stream: type[io.StringIO], environ: dict[str, str], colored: bool) -> None:
    (line,) = logged(fault(EPOCH, "down"), stream=stream(), environ=environ)
    assert line.startswith("\x1b[31m") is colored
    assert ("\x1b" in line) is colored


def test_libraries_are_heard_from_warning_on_in_the_same_form() -> None:
    stream = io.StringIO()
    configure_log(stream, "json", "info", {})
    library = logging.getLogger("urllib3.connectionpool")
    library.info("chat")
    for count in range(3):
        library.warning("retry %d\x1b[2J", count)
    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["kind"], told["cause"]) == ("warning", "urllib3.connectionpool", "retry 0\x1b[2J")


def test_a_librarys_exception_is_one_line_with_its_place() -> None:
    stream = io.StringIO()
    configure_log(stream, "text", "info", {})
    try:
        raise ValueError("no\nroom")
    except ValueError:
        logging.getLogger("asyncio").exception("a task failed")
    (line,) = stream.getvalue().splitlines()
    assert "ERROR asyncio at=" in line
    assert "test_log.py:" in line
    assert line.endswith("(a task failed: ValueError('no\\nroom'))")


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.1 + 0.2, "0.3"), (1.0, "1"), (1234567.8, "1234568"), (0.00012345678, "0.000123457"), (0, "0"), (False, "false")],
)
def test_a_number_is_told_as_people_read_it(value: object, told: str) -> None:
    (line,) = logged(Event(EPOCH, "web", EventKind.ORDERED, facts={"fact": value}))
    assert line.split()[-1] == f"fact={told}"


@pytest.mark.parametrize("value", ["", [], {}])
def test_of_a_fact_that_says_nothing_nothing_is_told(value: object) -> None:
    (line,) = logged(Event(EPOCH, "web", EventKind.ORDERED, facts={"fact": value, "other": 1}))
    assert line.split()[-2:] == ["ordered", "other=1"]
