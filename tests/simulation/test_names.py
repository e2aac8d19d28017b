"""A name counts as used for as long as anything is left that a daemon could know it by."""

import json

import pytest

from tests.simulation.names import Names

THREE = {"web-1", "web-2", "web-3"}


def documents(next_number: int) -> dict[str, str]:
    return {"web": json.dumps({"next_number": next_number})}


@pytest.mark.parametrize("spoiled", ["", "{}", '{"memory": 3}', "\x00\x01"])
def test_of_a_lost_state_nothing_is_left_but_what_a_look_shows(spoiled: str) -> None:
    names = Names(set(THREE))
    names.lose({"web": spoiled}, {"web-2", "web-3"})
    assert names.used == set()
    names.shown({"web-2"})
    assert names.used == {"web-2"}


def test_what_is_on_the_disk_is_not_lost() -> None:
    names = Names(set(THREE))
    names.lose(documents(3), {"web-3"})
    assert names.used == {"web-1", "web-2"}


def test_what_a_look_showed_outlives_a_kill_once_it_is_written() -> None:
    names = Names(set(THREE))
    names.lose({}, THREE)
    names.shown(THREE)
    names.written(documents(3))
    names.killed()
    assert names.used == {"web-1", "web-2"}
