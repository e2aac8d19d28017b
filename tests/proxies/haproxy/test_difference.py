"""From the servers there are to those there shall be: cases, and two laws over any of both."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.model import Address, Backend
from autoscaler.proxies.haproxy.difference import deletable, difference
from autoscaler.proxies.haproxy.routes import ServerOptions
from autoscaler.proxies.haproxy.stats import ServerRow
from autoscaler.spec.models import HealthCheck

OPTIONS = ServerOptions(20, 0.0, HealthCheck())
COME_IN = ["set server web/web-1 state drain", "set server web/web-1 state ready"]
A, B = Address("10.0.0.1", 80), Address("10.0.0.2", 80)


def row(name: str, status: str = "UP", address: Address = A, sessions: int = 0, check: str = "L7OK") -> ServerRow:
    return ServerRow(name, status, 0, sessions, 0, 0, str(address), "" if status == "no check" else check)


def wanted(name: str, *, draining: bool = False, address: Address = A, checked: bool = True) -> Backend:
    return Backend(name, address, draining, "", checked)


@pytest.mark.parametrize(
    ("backends", "rows", "commands"),
    [
        pytest.param(
            [wanted("web-1")],
            [],
            [f"add server web/web-1 10.0.0.1:80 {OPTIONS}", "enable health web/web-1", *COME_IN],
            id="new",
        ),
        pytest.param(
            [wanted("web-1", draining=True)],
            [],
            [f"add server web/web-1 10.0.0.1:80 {OPTIONS}", "enable health web/web-1"],
            id="new, but to drain: never enabled",
        ),
        pytest.param([wanted("web-1")], [row("web-1")], [], id="there"),
        pytest.param([wanted("web-1")], [row("web-1", "DOWN")], [], id="down is the health check's matter"),
        pytest.param([wanted("web-1", draining=True)], [row("web-1")], ["set server web/web-1 state drain"], id="drain"),
        pytest.param(
            [wanted("web-1", draining=True)],
            [row("web-1", "DOWN")],
            ["set server web/web-1 state maint"],
            id="drain what is down: it would go on being shown as down",
        ),
        pytest.param([wanted("web-1", draining=True)], [row("web-1", "MAINT")], [], id="disabled by the file"),
        pytest.param([wanted("web-1")], [row("web-1", "DRAIN")], ["set server web/web-1 state ready"], id="taken back"),
        pytest.param([wanted("web-1")], [row("web-1", "MAINT")], COME_IN, id="put back"),
        pytest.param([], [row("web-1", "DRAIN")], ["set server web/web-1 state maint"], id="gone"),
        pytest.param([], [row("web-1", "MAINT")], [], id="gone already"),
        pytest.param(
            [wanted("web-1", address=B)],
            [row("web-1")],
            ["set server web/web-1 addr 10.0.0.2 port 80"],
            id="another address",
        ),
        pytest.param(
            [wanted("web-1", checked=False)],
            [],
            [f"add server web/web-1 10.0.0.1:80 {OPTIONS}", *COME_IN],
            id="new, and not to be asked",
        ),
        pytest.param(
            [wanted("web-1", checked=False)],
            [row("web-1", "DOWN")],
            ["disable health web/web-1", "set server web/web-1 health up"],
            id="not to be asked any more",
        ),
        pytest.param([wanted("web-1", checked=False)], [row("web-1", "no check")], [], id="not asked already"),
        pytest.param(
            [wanted("web-1", checked=False)],
            [row("web-1", "DOWN", check="")],
            ["disable health web/web-1", "set server web/web-1 health up"],
            id="a check that was under way has taken it down",
        ),
        pytest.param([wanted("web-1")], [row("web-1", "no check")], ["enable health web/web-1"], id="to be asked again"),
        pytest.param(
            [wanted("web-1", draining=True, checked=False)],
            [row("web-1")],
            ["set server web/web-1 state drain"],
            id="of one that drains it doesn't matter",
        ),
    ],
)
def test_cases(backends: list[Backend], rows: list[ServerRow], commands: list[str]) -> None:
    assert [c for group in difference("web", OPTIONS, backends, rows) for c in group] == commands


def test_without_a_check_none_is_enabled() -> None:
    options = ServerOptions(20, 0.0, None)
    (group,) = difference("web", options, [wanted("web-1")], [])
    assert [command.split()[0:2] for command in group] == [["add", "server"], ["set", "server"], ["set", "server"]]
    assert difference("web", options, [wanted("web-1")], [row("web-1", "no check")]) == ()
    assert difference("web", options, [wanted("web-1", checked=False)], [row("web-1", "no check")]) == ()


def test_deleted_is_what_is_wanted_no_more_and_idle() -> None:
    rows = [row("a", "MAINT"), row("b", "MAINT", sessions=1), row("c", "MAINT"), row("d")]
    assert deletable("web", {"c": wanted("c", draining=True)}, rows) == ("del server web/a",)


names = st.sampled_from(["web-1", "web-2", "web-3"])
addresses = st.sampled_from([A, B])
any_backends = st.lists(
    st.builds(Backend, names, addresses, st.booleans(), st.just(""), st.booleans()), unique_by=lambda b: b.replica
)
any_rows = st.lists(
    st.builds(row, names, st.sampled_from(["UP", "UP 1/2", "DOWN", "MAINT", "DRAIN", "no check"]), addresses),
    unique_by=lambda r: r.name,
)


def obey(rows: list[ServerRow], commands: list[str]) -> list[ServerRow]:
    """What HAProxy would make of these commands."""
    there = {row.name: row for row in rows}
    for command in commands:
        words = command.split()
        name = words[2].split("/")[1]
        was = there.get(name, ServerRow(name, "MAINT", 0, 0, 0, 0, words[3] if len(words) > 3 else ""))
        match words:
            case ["enable", "health", _]:
                there[name] = replace(was, status="UP" if was.status == "no check" else was.status, check="L7OK")
            case ["disable", "health", _]:
                there[name] = replace(was, check="")
            case ["set", "server", _, "health", "up"]:
                there[name] = replace(was, status="UP" if was.check else "no check")
            case ["set", "server", _, "addr", host, "port", port]:
                there[name] = replace(was, address=f"{host}:{port}")
            case ["set", "server", _, "state", state]:
                up = "UP" if was.check else "no check"
                status = {"drain": "DOWN" if was.status == "DOWN" else "DRAIN", "ready": up, "maint": "MAINT"}[state]
                there[name] = replace(was, status=status)
            case _:
                there[name] = was
    return list(there.values())


@given(any_backends, any_rows)
def test_once_obeyed_nothing_is_left_to_do(backends: list[Backend], rows: list[ServerRow]) -> None:
    commands = [c for group in difference("web", OPTIONS, backends, rows) for c in group]
    after = obey(rows, commands)
    assert difference("web", OPTIONS, backends, after) == ()
    serving = {row.name for row in after if not (row.in_maintenance or row.drains)}
    assert serving == {backend.replica for backend in backends if not backend.draining}


@given(any_backends, any_rows)
def test_one_that_shall_drain_is_never_enabled_on_the_way(backends: list[Backend], rows: list[ServerRow]) -> None:
    draining = {f"web/{backend.replica}" for backend in backends if backend.draining}
    for group in difference("web", OPTIONS, backends, rows):
        for command in group:
            assert not (command.split()[2] in draining and command.endswith("state ready"))
            assert not command.startswith("enable server")
