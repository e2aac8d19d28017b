"""What is judged of a daemon's memory and descriptors."""

from pathlib import Path

import pytest

from tests.chaos.lives import MEGABYTE, Life, Lives, Sample
from tests.support.daemons import DaemonUnderTest


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    return Lives(DaemonUnderTest(tmp_path, "nobody"))


def test_its_first_minute_is_its_own_and_what_it_grew_by_afterwards_is_told(lives: Lives) -> None:
    booting = [Sample(age, 10 * MEGABYTE, 5) for age in range(60)]
    settled = [Sample(60 + age, 70 * MEGABYTE, 20) for age in range(30)]
    grown = [Sample(90 + age, 73 * MEGABYTE, 24) for age in range(30)]
    lives.samples[7] = booting + settled + grown
    assert lives.judged() == [Life(pid=7, seconds=119, rss_mb=70, grown_mb=3, descriptors=20, more_descriptors=4)]


def test_a_moment_counts_for_nothing(lives: Lives) -> None:
    steady = [Sample(60 + age, 70 * MEGABYTE, 20) for age in range(60)]
    lives.samples[7] = [*steady[:-1], Sample(119, 90 * MEGABYTE, 2)]
    (life,) = lives.judged()
    assert (life.grown_mb, life.more_descriptors) == (0, 0)


def test_one_that_died_young_is_not_judged(lives: Lives) -> None:
    lives.samples[7] = [Sample(age, 70 * MEGABYTE, 20) for age in range(90)]
    assert lives.judged() == []
