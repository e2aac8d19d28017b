"""Decide, reconcile and the replicas' lives without a loop, over many more orders of events."""

import pytest

from tests.simulation.soak import bare, failures

RUNS = 20_000
CHUNK = 1000


@pytest.mark.parametrize("first", range(0, RUNS, CHUNK))
def test_whatever_the_order_the_laws_hold_and_calm_brings_what_is_wanted(first: int) -> None:
    told = failures(bare, first, CHUNK)
    assert not told, "\n".join(told)
