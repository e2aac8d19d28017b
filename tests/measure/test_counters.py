"""Counters: what happened since the last tick, whatever workers and readings do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.measure.counters import WORKERS_KEPT, Counters, Flow
from autoscaler.model import Traffic
from tests.measure.builders import traffic


def told(*readings: tuple[float, list[Traffic]]) -> Flow:
    """The flow of one tick, after a tick with the first of these readings."""
    counters = Counters()
    counters.see(*readings[0])
    counters.close()
    for reading in readings[1:]:
        counters.see(*reading)
    return counters.close()


def test_the_first_view_is_only_a_baseline() -> None:
    counters = Counters()
    counters.see(0.0, [traffic(arrivals=5000, responses=4990, errors=3, in_flight=10, queued=4)])
    assert counters.close() == Flow(None, 0, 0, 0, 10.0, 4.0)


def test_arrivals_over_the_time_between_good_readings() -> None:
    flow = told((0.0, [traffic(arrivals=100)]), (0.5, [traffic(arrivals=140)]), (1.25, [traffic(arrivals=150)]))
    assert (flow.arrivals, flow.elapsed_s) == (50, 1.25)


def test_each_tick_counts_from_where_the_one_before_ended() -> None:
    counters = Counters()
    flows = []
    for t, arrivals in [(0.0, 100), (1.0, 130), (3.0, 150)]:
        counters.see(t, [traffic(arrivals=arrivals)])
        flows.append(counters.close())
    assert [(flow.arrivals, flow.elapsed_s) for flow in flows] == [(0, None), (30, 1.0), (20, 2.0)]


def test_workers_add_up() -> None:
    first = [traffic(arrivals=100, worker="old"), traffic(arrivals=10, worker="new")]
    second = [traffic(arrivals=101, worker="old"), traffic(arrivals=30, worker="new")]
    assert told((0.0, first), (1.0, second)).arrivals == 21


def test_a_worker_that_appears_later_counts_from_0() -> None:
    second = [traffic(arrivals=101, worker="old"), traffic(arrivals=30, responses=20, errors=1, worker="new")]
    flow = told((0.0, [traffic(arrivals=100, worker="old")]), (1.0, second))
    assert (flow.arrivals, flow.responses, flow.errors) == (31, 20, 1)


@pytest.mark.parametrize(
    "after",
    [
        pytest.param(traffic(7, 6, 5), id="all"),
        pytest.param(traffic(7, 95, 10), id="arrivals"),
        pytest.param(traffic(200, 6, 5), id="responses"),
        pytest.param(traffic(200, 190, 4), id="errors"),
    ],
)
def test_a_counter_that_went_down_is_a_reset_of_all_of_its_worker(after: Traffic) -> None:
    flow = told((0.0, [traffic(100, 90, 5)]), (1.0, [after]))
    assert (flow.arrivals, flow.responses, flow.errors) == (
        after.arrivals_total,
        after.responses_total,
        after.errors_total,
    )


def test_a_worker_that_vanishes_loses_only_what_came_since_its_last_reading() -> None:
    both = [traffic(arrivals=150, worker="a"), traffic(arrivals=5, worker="b")]
    flow = told((0.0, [traffic(arrivals=100, worker="a")]), (0.5, both), (1.0, [traffic(arrivals=9, worker="b")]))
    assert flow.arrivals == 50 + 9


def test_a_worker_left_out_of_one_reading_does_not_count_again() -> None:
    a, b = traffic(arrivals=100_000, worker="a"), traffic(arrivals=5, worker="b")
    later = traffic(arrivals=100_007, worker="a")
    assert told((0.0, [a, b]), (0.25, [b]), (0.5, [later, b])).arrivals == 7


def test_workers_of_old_reloads_are_forgotten() -> None:
    counters = Counters()
    for number in range(500):
        counters.see(float(number), [traffic(arrivals=1, worker=f"w{number}")])
    assert len(counters._known) == WORKERS_KEPT


def test_concurrency_is_the_time_weighted_mean_of_the_readings() -> None:
    readings = [(1.0, 10, 2), (1.25, 20, 4), (2.0, 0, 0)]
    counters = Counters()
    counters.see(0.0, [traffic(in_flight=99, queued=99)])
    counters.close()
    for t, in_flight, queued in readings:
        counters.see(t, [traffic(in_flight=in_flight, queued=queued)])
    flow = counters.close()
    assert flow.concurrency == pytest.approx((10 * 1.0 + 20 * 0.25) / 2)
    assert flow.queue_length == pytest.approx((2 * 1.0 + 4 * 0.25) / 2)


def test_a_reading_weighs_no_time_in_which_nobody_could_read() -> None:
    counters = Counters()
    counters.see(0.0, [traffic(in_flight=1)])
    counters.close()
    counters.miss(9.0, "no answer")
    counters.see(10.0, [traffic(in_flight=30)])
    counters.see(11.0, [traffic(in_flight=10)])
    assert counters.close().concurrency == pytest.approx(20.0)


def test_no_good_reading_says_why() -> None:
    counters = Counters()
    assert counters.close().problem == "the proxy was not asked since the last tick"
    counters.see(0.0, [traffic(arrivals=10)])
    counters.close()
    counters.miss(1.0, "haproxy: no answer in 0.8 s")
    assert counters.close() == Flow(problem="haproxy: no answer in 0.8 s")


def test_after_a_gap_the_rate_is_over_all_of_it() -> None:
    counters = Counters()
    counters.see(0.0, [traffic(arrivals=10)])
    counters.close()
    counters.miss(1.0, "gone")
    counters.close()
    counters.see(60.0, [traffic(arrivals=610)])
    flow = counters.close()
    assert (flow.arrivals, flow.elapsed_s) == (600, 60.0)


def test_the_queue_now_is_the_last_readings() -> None:
    counters = Counters()
    counters.see(0.0, [traffic(queued=3, worker="a"), traffic(queued=4, worker="b")])
    assert counters.queued == 7


worker_steps = st.tuples(
    st.sampled_from("abc"),
    st.sampled_from(["serve", "serve", "serve", "restart", "start"]),
    st.integers(0, 50),
    st.booleans(),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(worker_steps, max_size=40))
def test_the_sum_is_the_true_arrivals_whatever_restarts(steps: list[tuple[str, str, int, bool]]) -> None:
    """Each worker serves and restarts; every step is read, so that each restart is seen, and some are closed."""
    totals: dict[str, int] = {"a": 1000}
    counters = Counters()
    counters.see(0.0, [traffic(arrivals=total, worker=name) for name, total in totals.items()])
    true = counted = 0
    for t, (worker, what, requests, is_closed) in enumerate(steps, 1):
        if what == "restart" and totals.get(worker, 0) > requests:
            totals[worker] = requests
        else:
            totals[worker] = totals.get(worker, 0) + requests
        true += requests
        counters.see(float(t), [traffic(arrivals=total, worker=name) for name, total in totals.items()])
        if is_closed:
            flow = counters.close()
            assert flow.arrivals is not None
            assert flow.arrivals >= 0
            counted += flow.arrivals
    counted += counters.close().arrivals or 0
    assert counted == true


readings = st.lists(
    st.none()
    | st.lists(
        st.builds(traffic, *[st.integers(0, 1000)] * 5, st.sampled_from("abcd")), max_size=4, unique_by=lambda w: w.worker
    ),
    max_size=30,
)


@settings(max_examples=300, deadline=None)
@given(readings, st.lists(st.booleans(), min_size=30, max_size=30))
def test_no_readings_give_a_negative_or_a_leap(read: list[list[Traffic] | None], closes: list[bool]) -> None:
    counters = Counters()
    highest = 0
    for t, (workers, is_closed) in enumerate(zip(read, closes, strict=False)):
        if workers is None:
            counters.miss(float(t), "gone")
        else:
            counters.see(float(t), workers)
            highest += sum(worker.arrivals_total for worker in workers)
        if is_closed:
            flow = counters.close()
            assert flow.problem or (flow.arrivals is not None and 0 <= flow.arrivals <= highest)
            assert flow.concurrency is None or 0 <= flow.concurrency <= 4000
