"""A part of the minutes, whatever is known of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.model import Minutes

KNOWN = Minutes(10, (1.0, None, 3.0))


@pytest.mark.parametrize(
    ("start", "stop", "means"),
    [
        pytest.param(10, 13, (1.0, None, 3.0), id="all"),
        pytest.param(11, 12, (None,), id="a part"),
        pytest.param(8, 11, (None, None, 1.0), id="some before"),
        pytest.param(12, 15, (3.0, None, None), id="some after"),
        pytest.param(3, 5, (None, None), id="all before"),
        pytest.param(20, 22, (None, None), id="all after"),
        pytest.param(11, 11, (), id="none"),
    ],
)
def test_what_is_not_known_is_none(start: int, stop: int, means: tuple[float | None, ...]) -> None:
    assert KNOWN.between(start, stop) == means


@given(st.integers(-5, 30), st.integers(0, 30))
def test_a_part_is_as_long_as_asked_for(start: int, length: int) -> None:
    means = KNOWN.between(start, start + length)
    assert len(means) == length
    assert all(mean is None or mean == KNOWN.means[start + place - 10] for place, mean in enumerate(means))


def test_they_end_after_the_last() -> None:
    assert KNOWN.end == 13
    assert Minutes(7, ()).end == 7
