"""A whole daemon through plans of faults in virtual time: at every step no law is broken, and calm puts everything right.

More of them: `make soak`.
"""

import gc
from collections.abc import Iterator

import pytest

from tests.simulation.soak import failures, whole

RUNS = 2000
CHUNK = 100


@pytest.fixture(autouse=True)
def _rarely_collected() -> Iterator[None]:
    """Each run leaves its cycles behind at once; looking through all of the tests' modules each time costs a fifth."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.mark.parametrize("first", range(0, RUNS, CHUNK))
def test_whatever_goes_wrong_the_laws_hold_and_calm_puts_all_right(first: int) -> None:
    told = failures(whole, first, CHUNK)
    assert not told, "\n".join(told)
