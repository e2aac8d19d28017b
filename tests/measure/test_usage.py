"""Usage: fractions of what a replica may use, None where it can't be known."""

import pytest

from autoscaler.measure.usage import WARM_UP_S, Usages, is_warm
from autoscaler.model import Usage

MIB = 1024 * 1024


def used(cpu_seconds: float | None = None, memory: int | None = None) -> dict[str, Usage]:
    return {"a": Usage(cpu_seconds, memory)}


@pytest.mark.parametrize(("cpus", "fraction"), [(None, 0.25), (0.5, 0.5), (2.0, 0.125)])
def test_cpu_is_a_fraction_of_cpus_else_of_one_core(cpus: float | None, fraction: float) -> None:
    usages = Usages(cpus, None, 10.0)
    usages.read(0.0, used(100.0))
    usages.read(2.0, used(100.5))
    assert usages.cpu(2.0, ["a"]) == pytest.approx((fraction,))


def test_cpu_is_over_the_window() -> None:
    usages = Usages(None, None, 10.0)
    for t in range(31):
        usages.read(float(t), used(float(t) if t < 25 else 25.0))
    assert usages.cpu(30.0, ["a"]) == pytest.approx((0.5,))
    assert len(usages._readings["a"]) == 11


def test_the_first_reading_tells_no_cpu() -> None:
    usages = Usages(None, None, 10.0)
    usages.read(0.0, used(100.0))
    assert usages.cpu(0.0, ["a"]) == (None,)


def test_a_restart_begins_anew() -> None:
    usages = Usages(None, None, 10.0)
    usages.read(0.0, used(100.0))
    usages.read(1.0, used(0.2))
    assert usages.cpu(1.0, ["a"]) == (None,)
    usages.read(2.0, used(0.7))
    assert usages.cpu(2.0, ["a"]) == pytest.approx((0.5,))


def test_memory_is_a_fraction_of_mem_limit() -> None:
    usages = Usages(None, 256 * MIB, 10.0)
    usages.read(0.0, used(None, 64 * MIB))
    assert usages.memory(0.0, ["a"]) == (0.25,)


def test_without_a_limit_memory_is_unknown() -> None:
    usages = Usages(None, None, 10.0)
    usages.read(0.0, used(None, 64 * MIB))
    assert usages.memory(0.0, ["a"]) == (None,)


def test_there_is_one_value_a_replica_in_their_order() -> None:
    usages = Usages(None, 100, 10.0)
    usages.read(0.0, {"a": Usage(1.0, 10), "b": Usage(1.0, None), "c": Usage(None, 30)})
    usages.read(1.0, {"a": Usage(1.5, 10), "b": Usage(2.0, None), "c": Usage(None, 30)})
    assert usages.memory(1.0, ["c", "new", "a", "b"]) == (0.3, None, 0.1, None)
    assert usages.cpu(1.0, ["c", "new", "a", "b"]) == (None, None, 0.5, 1.0)


def test_what_was_not_read_lately_is_unknown_and_forgotten() -> None:
    usages = Usages(None, 100, 10.0)
    usages.read(0.0, used(1.0, 10))
    usages.read(1.0, used(1.5, 10))
    assert usages.cpu(11.5, ["a"]) == (None,)
    assert usages.memory(11.5, ["a"]) == (None,)
    usages.read(11.5, {})
    assert usages._readings == {}


def test_a_replica_is_warm_so_long_after_it_was_ready() -> None:
    assert [is_warm(100.0, t) for t in (100.0, 100.0 + WARM_UP_S - 0.1, 100.0 + WARM_UP_S)] == [False, False, True]
    assert is_warm(None, 0.0)
