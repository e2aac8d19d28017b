"""Names of replicas, and the numbers in them."""

import pytest

from autoscaler.reconcile.names import highest_number, name, number_of


@pytest.mark.parametrize(
    ("replica", "number"),
    [
        ("web-12", 12),
        ("my-web-3", 3),
        ("web", 0),
        ("web-", 0),
        ("web-one", 0),
        ("web-²", 0),
        ("12", 12),
    ],
)
def test_a_names_number(replica: str, number: int) -> None:
    assert number_of(replica) == number


def test_the_next_number_is_beyond_all_that_are_there() -> None:
    assert name("my-web", 7) == "my-web-7"
    assert highest_number(["web-2", "web-10", "web-9", "stranger"]) == 10
    assert highest_number([]) == 0
