"""The shortest part of a plan that still fails."""

from collections.abc import Sequence

import pytest

from tests.simulation.shrink import shortest


@pytest.mark.parametrize(
    "needed",
    [
        pytest.param({7}, id="one fault"),
        pytest.param({0, 11, 19}, id="three apart, first and last among them"),
        pytest.param(set(range(20)), id="all"),
        pytest.param(set(), id="none: it fails without any"),
    ],
)
def test_only_what_is_needed_is_left_in_its_order(needed: set[int]) -> None:
    def fails(part: Sequence[int]) -> bool:
        return needed <= set(part)

    assert shortest(range(20), fails) == tuple(sorted(needed))
