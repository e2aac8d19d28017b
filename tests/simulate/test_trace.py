"""Traces: what a rate is between rows, and what a file may not hold."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.simulate.trace import TraceError, constant, read_trace
from autoscaler.simulate.trace_file import load_trace


def rates(*rows: str, tick: float) -> list[tuple[float, float]]:
    """The ticks of the trace of these rows."""
    return list(read_trace(["timestamp_s,rps", *rows], "t.csv").rates(tick))


def test_the_rate_is_held_within_a_bucket_of_a_minute() -> None:
    assert rates("0,10", "60,20", tick=30.0) == [(30.0, 10.0), (60.0, 10.0), (90.0, 20.0), (120.0, 20.0)]


def test_a_tick_over_two_buckets_has_their_mean() -> None:
    assert rates("0,10", "2,40", tick=3.0) == [(3.0, 20.0), (4.0, 40.0)]


def test_between_hours_the_rate_runs_straight_from_middle_to_middle() -> None:
    told = rates("0,10", "3600,20", tick=1800.0)
    assert told == [(1800.0, 10.0), (3600.0, 12.5), (5400.0, 17.5), (7200.0, 20.0)]


def test_buckets_may_differ_and_the_last_is_as_long_as_the_one_before() -> None:
    assert rates("5,1", "6,2", "9,3", tick=1.0) == [
        (6.0, 1.0),
        *((t, 2.0) for t in (7.0, 8.0, 9.0)),
        *((t, 3.0) for t in (10.0, 11.0, 12.0)),
    ]


def test_a_bucket_of_an_hour_beside_one_of_a_minute_keeps_its_rate_at_their_edge() -> None:
    assert rates("0,10", "60,20", "3660,30", tick=60.0)[:2] == [(60.0, 10.0), (120.0, 20.0)]


def test_a_trace_of_one_rate() -> None:
    assert list(constant(7.0, 2.5).rates(1.0)) == [(1.0, 7.0), (2.0, 7.0), (2.5, 7.0)]


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1e4), min_size=2, max_size=20),
    st.sampled_from([1.0, 7.0, 60.0, 61.0, 3600.0]),
    st.floats(0.5, 100),
)
def test_ticks_cover_the_trace_and_never_leave_its_range(given: list[float], bucket: float, tick: float) -> None:
    trace = read_trace(["timestamp_s,rps", *(f"{bucket * n},{rps!r}" for n, rps in enumerate(given))], "t.csv")
    told = list(trace.rates(tick))
    assert told[-1][0] == trace.end == bucket * len(given)
    assert all(min(given) * 0.999 - 1e-9 <= rate <= max(given) * 1.001 + 1e-9 for _, rate in told)
    starts = [trace.start, *(end for end, _ in told)]
    counted = sum(rate * (end - start) for start, (end, rate) in zip(starts, told, strict=False))
    assert counted == pytest.approx(sum(part.requests(trace.start, trace.end) for part in trace.segments), rel=1e-6)


BAD = {
    "wrong header": (
        b"time,rate\n0,1\n",
        "{}:1: 'time,rate' is no header of a trace; write timestamp_s,rps in the first line",
    ),
    "empty": (b"", "{}: no row of numbers; write timestamp_s,rps and at least two rows below it, like 0,120"),
    "header alone": (
        b"timestamp_s,rps\n",
        "{}: no row of numbers; write timestamp_s,rps and at least two rows below it, like 0,120",
    ),
    "one row": (
        b"timestamp_s,rps\n0,1\n",
        "{}: one row of numbers; write timestamp_s,rps and at least two rows below it, like 0,120",
    ),
    "gap": (
        b"timestamp_s,rps\n0,1\n60,1\n120,1\n180,1\n300,1\n",
        "{}:6: a gap of 120 s where rows are 60 s apart; fill in the missing rows, with 0 where no request came",
    ),
    "empty line": (b"timestamp_s,rps\n0,1\n\n60,1\n", "{}:3: an empty line; take it out, or fill in its row"),
    "no value": (b"timestamp_s,rps\n0,1\n60,\n", "{}:3: rps: missing; give a number, 0 where no request came"),
    "NaN": (b"timestamp_s,rps\n0,nan\n", "{}:2: rps: 'nan' is no number; give a number, 0 where no request came"),
    "infinite": (
        b"timestamp_s,rps\ninf,1\n",
        "{}:2: timestamp_s: 'inf' is no number; give a number, 0 where no request came",
    ),
    "no number": (b"timestamp_s,rps\n0,ten\n", "{}:2: rps: 'ten' is no number; give a number, 0 where no request came"),
    "negative": (b"timestamp_s,rps\n0,-1\n", "{}:2: rps: -1 is out of range; give requests per second from 0 to 10000000"),
    "time back": (
        b"timestamp_s,rps\n60,1\n0,1\n",
        "{}:3: timestamp_s: 0 is before 60 of the line above; sort the rows by time, one row a time",
    ),
    "a time twice": (
        b"timestamp_s,rps\n60,1\n60,1\n",
        "{}:3: timestamp_s: 60 is there twice; sort the rows by time, one row a time",
    ),
    "three values": (
        b"timestamp_s,rps\n0,1,2\n",
        "{}:2: '0,1,2' has 3 values, not two; write one time and one rate, like 60,120.5",
    ),
    "milliseconds": (
        b"timestamp_s,rps\n1700000000000,1\n",
        "{}:2: timestamp_s: 1.7e+12 is too far away; give seconds, not milliseconds or nanoseconds",
    ),
    "a line of 10 MB": (
        b"timestamp_s,rps\n0,1\n" + b"9" * 10_000_000 + b",1\n60,1\n",
        "{}:3: longer than 1024 bytes; write one row a line",
    ),
    "no UTF-8": (b"timestamp_s,rps\n0,1\n\xff,1\n", "{}:3: no UTF-8 at byte 1; save the file as UTF-8"),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_a_malformed_trace_is_one_clear_error_with_its_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(BAD[name][0])
    with pytest.raises(TraceError) as refused:
        load_trace(path)
    assert str(refused.value) == BAD[name][1].format(path)


def test_a_trace_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TraceError) as refused:
        load_trace(tmp_path / "none.csv")
    assert str(refused.value) == f"{tmp_path / 'none.csv'}: No such file or directory; name a CSV file by --trace"


def test_carriage_returns_and_a_byte_order_mark_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xef\xbb\xbftimestamp_s,rps\r\n0,1\r\n1,2\r\n")
    assert list(load_trace(path).rates(1.0)) == [(1.0, 1.0), (2.0, 2.0)]
