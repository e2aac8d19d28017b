"""What the engine's events tell of ends, and for how long that is believed."""

from typing import Any

import pytest

from autoscaler.model import Exit
from autoscaler.runtimes.docker.deaths import BELIEVED_S, Deaths

ID = "abc"


def event(action: str, id: str = ID, kind: str = "container", **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Action": action, "Actor": {"ID": id, "Attributes": attributes}}


@pytest.mark.parametrize(
    ("events", "exit"),
    [
        pytest.param([], None, id="nothing told"),
        pytest.param([event("die", exitCode="137")], Exit(137), id="killed"),
        pytest.param([event("die", exitCode="0")], Exit(0), id="ended"),
        pytest.param([event("oom"), event("die", exitCode="137")], Exit(137, oom=True), id="out of memory"),
        pytest.param([event("die")], Exit(None), id="without its status"),
        pytest.param([event("die", exitCode="9" * 5000)], Exit(None), id="a status of thousands of digits"),
        pytest.param([event("die", exitCode="-1")], Exit(None), id="a status that is none"),
        pytest.param([event("die", exitCode="1"), event("start")], None, id="started again"),
        pytest.param(
            [event("oom"), event("die", exitCode="137"), event("start"), event("die", exitCode="1")], Exit(1), id="anew"
        ),
        pytest.param([event("die", exitCode="1"), event("destroy")], None, id="gone"),
        pytest.param([event("die", id="other", exitCode="1")], None, id="another one"),
        pytest.param([event("die", kind="network", exitCode="1")], None, id="not of a container"),
    ],
)
def test_what_is_known_of_an_end(events: list[dict[str, Any]], exit: Exit | None) -> None:
    deaths = Deaths()
    for told in events:
        deaths.note(told, 100.0)
    assert deaths.of(ID, 100.0) == exit


def test_it_is_believed_for_a_while_only_and_of_what_is_there() -> None:
    deaths = Deaths()
    deaths.note(event("die", exitCode="1"), 100.0)
    assert deaths.of(ID, 100.0 + BELIEVED_S) == Exit(1)
    assert deaths.of(ID, 100.1 + BELIEVED_S) is None
    deaths.keep_only(["another"])
    assert deaths.of(ID, 100.0) is None
