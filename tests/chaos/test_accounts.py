"""Which failed requests are explained, and which broken promises are told."""

import pytest

from tests.chaos.accounts import Accounts, Allowance, Journal, Request, Stop, read_journal

KILLED = Allowance("replica killed", start=10, end=11, replica="web-1", spares_safe=True)


def request(
    id: str = "r-1",
    *,
    method: str = "POST",
    start: float = 9,
    end: float = 12,
    outcome: str = "status_502",
    begun: bool = False,
) -> Request:
    return Request(id, "kept", method, start, end, outcome, begun)


@pytest.mark.parametrize(
    ("failed", "takers", "explained"),
    [
        pytest.param(request(), ["web-1"], True, id="a POST that it took"),
        pytest.param(request(), [], True, id="a POST that lay in its buffers"),
        pytest.param(request(), ["web-2"], False, id="a POST that another one took"),
        pytest.param(request(end=9.5), ["web-1"], False, id="it had ended before"),
        pytest.param(request(start=11.5), ["web-1"], False, id="it began afterwards"),
        pytest.param(request(method="GET"), ["web-1"], False, id="a GET without an answer goes elsewhere"),
        pytest.param(request(method="GET", begun=True, outcome="cut"), ["web-1"], True, id="a GET whose answer had begun"),
        pytest.param(request(outcome="wrong"), ["web-1"], False, id="a wrong answer is never allowed"),
    ],
)
def test_what_the_death_of_a_replica_explains(failed: Request, takers: list[str], explained: bool) -> None:
    assert KILLED.explains(failed, takers) is explained


def test_an_allowance_for_some_outcomes_explains_no_other() -> None:
    full = Allowance("queue full", start=0, outcomes=frozenset({"status_503"}))
    assert full.explains(request(method="GET", outcome="status_503"), [])
    assert not full.explains(request(method="GET", outcome="status_502"), [])


def test_a_failed_request_that_nothing_explains_is_told_and_one_that_is_explained_is_counted() -> None:
    accounts = Accounts([request("a"), request("b", method="GET"), request("c", outcome="ok")], [KILLED])
    journal = Journal({"a": ["web-1"], "b": ["web-1"], "c": ["web-2"]}, ())
    assert [line.split(":")[0] for line in accounts.unexplained(journal)] == ["failed"]
    assert "id='b'" in accounts.unexplained(journal)[0]
    assert {fault: [r.id for r in requests] for fault, requests in accounts.explained(journal).items()} == {
        "replica killed": ["a"]
    }


def test_a_post_that_was_sent_twice_is_told_though_it_was_answered() -> None:
    accounts = Accounts([request("a", outcome="ok"), request("b", method="GET", outcome="ok")])
    told = accounts.unexplained(Journal({"a": ["web-1", "web-2"], "b": ["web-1", "web-2"]}, ()))
    assert len(told) == 1
    assert told[0].startswith("sent twice")


@pytest.mark.parametrize(
    ("stop", "takers", "broken"),
    [
        pytest.param(Stop("web-2", 11, ["r-1"]), ["web-2"], True, id="its client still waits"),
        pytest.param(Stop("web-2", 13, ["r-1"]), ["web-2"], False, id="its client went away before"),
        pytest.param(Stop("web-2", 11, ["r-1"]), ["web-2", "web-3"], False, id="it was sent elsewhere before"),
        pytest.param(Stop("web-2", 11, []), ["web-2"], False, id="nothing in flight"),
        pytest.param(Stop("web-1", 11, ["r-1"]), ["web-1"], False, id="that replica had failed"),
    ],
)
def test_a_stop_signal_while_a_client_waits_is_told(stop: Stop, takers: list[str], broken: bool) -> None:
    accounts = Accounts([request(method="GET", outcome="ok")], [KILLED])
    assert bool(accounts.unexplained(Journal({"r-1": takers}, [stop]))) is broken


def test_a_journal_is_read_though_its_last_line_was_cut() -> None:
    journal = read_journal(["took r-1 web-1", "took r-1 web-2", "term web-1 7.5 r-1 r-2", "took r-"])
    assert journal.takers == {"r-1": ["web-1", "web-2"]}
    assert journal.stops == [Stop("web-1", 7.5, ["r-1", "r-2"])]
