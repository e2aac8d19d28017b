"""Minutes as a trace, with what is missing bridged and counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.model import Minutes
from autoscaler.simulate import Measured, TraceError, of_minutes
from autoscaler.simulate.trace import Segment, Trace, read_trace


def test_without_a_gap_it_is_the_trace_of_the_same_rows() -> None:
    rows = ["timestamp_s,rps", "600,4", "660,8", "720,0"]
    assert of_minutes(Minutes(10, (4.0, 8.0, 0.0)), "web") == Measured(read_trace(rows, "web.csv"), 3, 0, 0)


def test_over_a_gap_the_rate_runs_straight_and_it_is_counted() -> None:
    measured = of_minutes(Minutes(10, (None, 4.0, None, 8.0, None, None, 6.0, None)), "web")
    assert measured.trace == Trace(
        (
            Segment(660.0, 720.0, 4.0, 4.0),
            Segment(720.0, 780.0, 4.0, 8.0),
            Segment(780.0, 840.0, 8.0, 8.0),
            Segment(840.0, 960.0, 8.0, 6.0),
            Segment(960.0, 1020.0, 6.0, 6.0),
        )
    )
    assert (measured.minutes, measured.missing, measured.longest_gap) == (6, 3, 2)


@given(st.integers(0, 30_000_000), st.lists(st.none() | st.floats(0, 1e6), min_size=2, max_size=60))
def test_its_rate_in_each_known_minute_is_that_minutes_and_never_beyond_any(first: int, means: list[float | None]) -> None:
    known = [mean for mean in means if mean is not None]
    if len(known) < 2:
        return
    measured = of_minutes(Minutes(first, tuple(means)), "web")
    rates = [(round(end / 60) - 1 - first, rate) for end, rate in measured.trace.rates(60.0)]
    assert len(rates) == measured.minutes
    for place, rate in rates:
        mean = means[place]
        assert min(known) - 1e-6 <= rate <= max(known) + 1e-6
        assert mean is None or rate == pytest.approx(mean)


@pytest.mark.parametrize(
    ("means", "told"),
    [
        ((), "web: not one minute was measured; "),
        ((None, None), "web: not one minute was measured; "),
        ((None, 1.0), "web: only one minute was measured; "),
        ((1.0, 2e7), "web: 2e+07 at 660 is out of range; "),
        ((-1.0, 2.0), "web: -1 at 600 is out of range; "),
    ],
)
def test_what_makes_no_trace_is_an_error(means: tuple[float | None, ...], told: str) -> None:
    with pytest.raises(TraceError) as caught:
        of_minutes(Minutes(10, means), "web")
    assert str(caught.value).startswith(told)
    assert caught.value.fix
