"""The replicas of a count that nobody acts on."""

from hypothesis import given
from hypothesis import strategies as st

from autoscaler.decide.shadow.fleet import Fleet, there


def test_one_more_is_ready_after_the_start_up_time() -> None:
    fleet = Fleet(2).moved(5, t=10.0, startup_s=4.0)
    assert (fleet.ready, fleet.count) == (2, 5)
    assert fleet.at(13.9) == fleet
    assert fleet.at(14.0) == Fleet(5)


def test_fewer_are_gone_at_once_and_those_that_start_go_first() -> None:
    fleet = Fleet(2, ((12.0, 2), (14.0, 3)))
    assert fleet.moved(5, 10.0, 4.0) == Fleet(2, ((12.0, 2), (14.0, 1)))
    assert fleet.moved(3, 10.0, 4.0) == Fleet(2, ((12.0, 1),))
    assert fleet.moved(1, 10.0, 4.0) == Fleet(1)
    assert fleet.moved(0, 10.0, 4.0) == Fleet(0)


def test_those_that_are_seen_starting_have_just_begun() -> None:
    assert there(3, 2, t=10.0, startup_s=5.0) == Fleet(3, ((15.0, 2),))
    assert there(3, 0, t=10.0, startup_s=5.0) == Fleet(3)


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0.5, 60)), max_size=30))
def test_it_has_the_count_that_is_wanted_and_all_become_ready(moves: list[tuple[int, float]]) -> None:
    fleet = Fleet(1)
    for t, (count, startup_s) in enumerate(moves):
        fleet = fleet.at(t).moved(count, t, startup_s)
        assert fleet.count == count
        assert fleet.ready >= 0
        assert all(more > 0 for _, more in fleet.starting)
    assert fleet.at(1000.0) == Fleet(fleet.count)
