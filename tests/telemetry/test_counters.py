"""What the counters make of events."""

import pytest

from autoscaler.model import Event, EventKind
from autoscaler.telemetry.counters import Counters, Histogram
from tests.support.state import EPOCH


def scaled(t: float, before: int, desired: int) -> Event:
    return Event(t, "web", EventKind.DECIDED, facts={"before": before, "desired": desired})


def starting(t: float, replica: str) -> Event:
    return Event(t, "web", EventKind.REPLICA_STARTING, replica)


def ready(t: float, replica: str, start_seconds: float | None = None) -> Event:
    facts = {} if start_seconds is None else {"start_seconds": start_seconds}
    return Event(t, "web", EventKind.REPLICA_READY, replica, facts=facts)


def failed(t: float, replica: str, **facts: object) -> Event:
    return Event(t, "web", EventKind.REPLICA_FAILED, replica, facts=facts)


def draining(t: float, replica: str, seconds: float = 3.0) -> tuple[Event, Event]:
    return (
        Event(t, "web", EventKind.REPLICA_DRAINING, replica),
        Event(t + seconds, "web", EventKind.REPLICA_STOPPING, replica),
    )


def removed_service(t: float) -> Event:
    return Event(t, "web", EventKind.SERVICE_REMOVED)


def counted(*events: Event) -> dict[str, float]:
    """The totals of the service that are not 0, and the count and sum of its histograms."""
    counters = Counters()
    for event in events:
        counters(event)
    service = counters.services["web"]
    totals = {" ".join([name, *labels]): total for (name, labels), total in service.totals.items() if total}
    times = {name: histogram.sum_s for name, histogram in service.seconds.items()}
    return {name.removeprefix("autoscaler_"): value for name, value in {**totals, **times}.items()}


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        pytest.param([scaled(0, 1, 3), scaled(400, 3, 2)], {"up": 1, "down": 1}, id="one each way"),
        pytest.param([scaled(0, 3, 3)], {}, id="the same count is none"),
        pytest.param([Event(0, "web", EventKind.DECIDED)], {}, id="without facts none"),
        pytest.param([scaled(0, 1, 3), scaled(5, 3, 2)], {"up": 1, "down": 1}, id="what is a flap is told by its own event"),
        pytest.param([Event(5, "web", EventKind.FLAPPED)], {"flaps": 1}, id="a flap"),
    ],
)
def test_scale_events_and_flaps(events: list[Event], counts: dict[str, int]) -> None:
    names = {"up": "scale_events_total up", "down": "scale_events_total down", "flaps": "flaps_total"}
    assert counted(*events) == {names[name]: count for name, count in counts.items()}


@pytest.mark.parametrize(
    ("event", "counts"),
    [
        pytest.param(ready(0, "web-1", 1.5), {"replica_starts_total ready": 1, "replica_start_seconds": 1.5}, id="ready"),
        pytest.param(ready(0, "web-1"), {}, id="found running, not started"),
        pytest.param(Event(0, "web", EventKind.START_FAILED), {"replica_starts_total error": 1}, id="error"),
        pytest.param(
            failed(0, "web-1", was_ready=False, reason="exited"), {"replica_starts_total crashed": 1}, id="crashed"
        ),
        pytest.param(
            failed(0, "web-1", was_ready=False, reason="timeout"), {"replica_starts_total timeout": 1}, id="timeout"
        ),
        pytest.param(
            failed(0, "web-1", was_ready=True, reason="oom"), {"replica_replacements_total oom": 1}, id="out of memory"
        ),
        pytest.param(failed(0, "web-1"), {"replica_replacements_total exited": 1}, id="for no reason given: exited"),
    ],
)
def test_starts_and_replacements(event: Event, counts: dict[str, float]) -> None:
    assert counted(event) == counts


def test_reaction_is_from_the_decision_to_the_first_replica_started_for_it() -> None:
    events = (
        starting(EPOCH, "web-1"),
        scaled(EPOCH + 1, 1, 3),
        starting(EPOCH + 1, "web-2"),
        starting(EPOCH + 1, "web-3"),
        scaled(EPOCH + 1.5, 3, 4),  # the same rise goes on
        ready(EPOCH + 2, "web-1"),  # was started before
        ready(EPOCH + 3.5, "web-3"),
        ready(EPOCH + 9, "web-2"),
    )
    assert counted(*events)["scale_reaction_seconds"] == 2.5


def test_a_fall_ends_the_wait_for_a_reaction() -> None:
    events = (scaled(EPOCH, 1, 3), starting(EPOCH, "web-2"), scaled(EPOCH + 1, 3, 1), ready(EPOCH + 2, "web-2"))
    assert "scale_reaction_seconds" not in counted(*events)


def test_drain_is_from_draining_to_the_stop_signal() -> None:
    assert counted(*draining(EPOCH, "web-1", 4.0))["drain_seconds"] == 4.0


def test_a_replica_taken_back_has_not_drained() -> None:
    began, stopped = draining(EPOCH, "web-1", 60.0)
    taken_back = Event(EPOCH + 1, "web", EventKind.REPLICA_TAKEN_BACK, "web-1")
    assert counted(began, taken_back, stopped) == {}


def test_the_daemons_own_counts() -> None:
    counters = Counters()
    for kind, facts in (
        (EventKind.RELOADED, {}),
        (EventKind.RELOAD_FAILED, {}),
        (EventKind.PROXY_RELOADED, {}),
        (EventKind.PROXY_RELOADED, {"outcome": "failure"}),
        (EventKind.PROXY_FAULT, {}),
        (EventKind.PROXY_RESTARTED, {}),
    ):
        counters(Event(EPOCH, "", kind, facts=facts))
    assert dict(counters.daemon) == {
        ("autoscaler_config_reload_total", ("success",)): 1,
        ("autoscaler_config_reload_total", ("failure",)): 1,
        ("autoscaler_proxy_reloads_total", ("success",)): 1,
        ("autoscaler_proxy_reloads_total", ("failure",)): 1,
        ("autoscaler_proxy_restarts_total", ()): 1,
        ("autoscaler_proxy_dropped_logs_total", ()): 0,
    }


def test_what_control_tells_is_added_up() -> None:
    counters = Counters()
    for _ in range(2):
        counters.failed_requests("web", "queue", 20.0)
        counters.replica_seconds("web", 2.5)
        counters.metric_error("web", "prometheus")
    totals = counters.services["web"].totals
    assert totals["autoscaler_requests_failed_total", ("queue",)] == 40
    assert totals["autoscaler_replica_seconds_total", ()] == 5
    assert totals["autoscaler_metric_errors_total", ("prometheus",)] == 2


def test_a_bucket_holds_what_is_at_most_its_bound_and_no_time_is_negative() -> None:
    histogram = Histogram((1.0, 2.0))
    for seconds in (-5.0, 1.0, 1.5, 2.0, 2.1):
        histogram.observe(seconds)
    assert histogram.counts == [2, 2, 1]
    assert histogram.sum_s == pytest.approx(6.6)
