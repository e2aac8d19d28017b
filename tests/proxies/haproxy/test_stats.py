"""The statistics page as values; half a page is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Address, Backend, Check, ServerState
from autoscaler.proxies.haproxy.stats import ServerRow, parse_page, read_address, view_servers

HEAD = "# pxname,svname,qcur,scur,stot,econ,eresp,status,check_status,hrsp_5xx,req_tot,addr,"
PAGE = f"""{HEAD}
127.0.0.1:80,FRONTEND,,7,9,,,OPEN,,0,9,,
web,web-1,1,2,30,1,2,UP,L7OK,3,30,10.0.0.1:80,
web,web-2,0,1,4,0,0,DRAIN,,,4,[::1]:80,
web,BACKEND,1,4,35,1,2,UP,,5,31,,
no_route,BACKEND,0,0,3,0,0,UP,,0,3,,
"""
WANTED = {"web-1": Backend("web-1", Address("10.0.0.1", 80), False, "")}


def test_a_page() -> None:
    page = parse_page(PAGE, "w")
    assert page.servers.keys() == page.traffic.keys() == {"web"}
    traffic = page.traffic["web"]
    assert (traffic.arrivals_total, traffic.responses_total, traffic.errors_total) == (35, 31, 5)
    assert (traffic.in_flight, traffic.queued, page.idle_clients) == (4, 1, 3)
    one, two = page.servers["web"]
    assert (one.in_flight, one.sessions_total, one.errors_total) == (3, 30, 6)
    assert (two.errors_total, two.drains) == (0, True)


@given(st.integers(min_value=0, max_value=len(PAGE) - 2))
def test_a_page_cut_anywhere_is_refused_or_has_whole_lines_only(length: int) -> None:
    whole = parse_page(PAGE, "w")
    try:
        page = parse_page(PAGE[:length], "w")
    except ProxyUnavailable:
        return
    assert set(page.servers.get("web", ())) <= set(whole.servers["web"])
    assert set(page.traffic.values()) <= set(whole.traffic.values())


@pytest.mark.parametrize("text", ["", "Unknown command", "# pxname,svname,x\nweb,BACKEND,1\n", f"{HEAD}\nweb,BACKEND,x,,\n"])
def test_what_is_no_page_is_unavailable(text: str) -> None:
    with pytest.raises(ProxyUnavailable):
        parse_page(text, "w")


@pytest.mark.parametrize(
    ("status", "draining", "state"),
    [
        ("UP", False, ServerState.UP),
        ("UP 1/2", False, ServerState.UP),
        ("no check", False, ServerState.UP),
        ("DOWN", False, ServerState.DOWN),
        ("DOWN 1/2", False, ServerState.CHECKING),
        ("DRAIN", False, ServerState.DRAIN),
        ("MAINT", True, ServerState.DRAIN),
        ("MAINT", False, ServerState.CHECKING),
    ],
)
def test_states(status: str, draining: bool, state: ServerState) -> None:
    row = ServerRow("web-1", status, 0, 0, 0, 0, "10.0.0.1:80")
    (server,) = view_servers([row], {"web-1": Backend("web-1", Address("10.0.0.1", 80), draining, "")}, {}, 0)
    assert server.state is state


@pytest.mark.parametrize(
    ("status", "said", "check"),
    [
        ("UP", "L7OK", Check.PASSES),
        ("UP", "L7STS", Check.PASSES),  # said to be up, and not asked since
        ("UP 1/2", "INI", Check.PASSES),
        ("UP 1/2", "L7STS", Check.FAILS),
        ("UP 1/2", "L7TOUT", Check.FAILS),
        ("UP 1/2", "L4CON", Check.REFUSES),
        ("DOWN", "L7RSP", Check.FAILS),
        ("DOWN", "L4TOUT", Check.REFUSES),
        ("no check", "", Check.PASSES),
        ("DRAIN", "L7STS", Check.PASSES),
    ],
)
def test_what_the_check_finds(status: str, said: str, check: Check) -> None:
    (server,) = view_servers([ServerRow("web-1", status, 0, 0, 0, 0, "", said)], WANTED, {}, 0)
    assert server.check is check


def test_one_is_not_checked_where_that_was_ordered_and_is_so() -> None:
    off, on = ServerRow("web-1", "no check", 0, 0, 0, 0, ""), ServerRow("web-1", "UP", 0, 0, 0, 0, "", "L7OK")
    ordered = {"web-1": Backend("web-1", Address("10.0.0.1", 80), False, "", checked=False)}
    asked = [view_servers([row], wanted, {}, 0)[0].checked for row in (off, on) for wanted in (WANTED, ordered)]
    assert asked == [True, False, True, True]


def test_a_check_that_is_under_way_does_not_hide_what_the_last_one_said() -> None:
    (one, _two) = parse_page(PAGE.replace("L7OK", "* L7OK"), "w").servers["web"]
    assert one.check == "L7OK"


def test_one_that_waits_to_be_deleted_is_not_seen() -> None:
    assert view_servers([ServerRow("web-9", "MAINT", 0, 0, 0, 0, "")], WANTED, {}, 0) == ()


def test_in_flight_sums_over_workers_and_idle_clients_hold_a_draining_one() -> None:
    up, drain = ServerRow("web-1", "UP", 1, 2, 0, 0, ""), ServerRow("web-2", "DRAIN", 0, 1, 0, 0, "")
    one, two = view_servers([up, drain], WANTED, {"web-1": 4, "web-2": 1}, 2)
    assert (one.in_flight, two.in_flight) == (7, 4)


def test_addresses() -> None:
    assert read_address("[fd00::1]:80") == Address("fd00::1", 80)
    assert read_address("") is None
