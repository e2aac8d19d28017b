"""The order of the faults: from the seed, none forgotten, each on its runtime."""

import random
from collections import Counter
from itertools import islice

import pytest

from tests.chaos.deck import FAULTS, Fault, dealt

RUNTIMES = ["docker", "process"]


def deal(runtime: str, count: int, seed: int = 1) -> list[Fault]:
    return list(islice(dealt(runtime, random.Random(seed)), count))


def deck_size(runtime: str) -> int:
    return sum(fault.weight for fault in FAULTS if runtime in fault.runtimes)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_each_deck_has_every_fault_of_the_runtime_as_often_as_it_weighs(runtime: str) -> None:
    size = deck_size(runtime)
    dealt_twice = deal(runtime, 2 * size)
    expected = {fault.name: fault.weight for fault in FAULTS if runtime in fault.runtimes}
    assert Counter(fault.name for fault in dealt_twice[:size]) == expected
    assert Counter(fault.name for fault in dealt_twice[size:]) == expected


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_seed_gives_one_order_and_another_seed_another(runtime: str) -> None:
    assert deal(runtime, 60, seed=7) == deal(runtime, 60, seed=7)
    assert deal(runtime, 60, seed=7) != deal(runtime, 60, seed=8)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_in_the_first_part_of_each_deck_nothing_ends_the_daemon(runtime: str) -> None:
    size = deck_size(runtime)
    first = deal(runtime, size)[: size // 3]
    assert [fault.name for fault in first if fault.ends_daemon] == []


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_short_form_deals_each_quick_fault_once_and_ends(runtime: str) -> None:
    names = [fault.name for fault in dealt(runtime, random.Random(1), quick=True)]
    assert sorted(names) == sorted(fault.name for fault in FAULTS if fault.quick and runtime in fault.runtimes)
