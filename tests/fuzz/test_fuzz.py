"""What reads from outside, over some ten thousand cases, always the same; more of them, and others: `make soak`."""

import pytest

from tests.fuzz.configs import refused
from tests.fuzz.kept import KEPT
from tests.fuzz.runs import Target, case_of, failures, judged, plain, wrong_with
from tests.fuzz.soak import shares
from tests.fuzz.targets import TARGETS

RUNS = 13_000
CHUNK = 250
CHUNKS = [(name, first) for name, runs in shares(RUNS).items() if name in TARGETS for first in range(0, runs, CHUNK)]


@pytest.mark.timeout(300)  # a failure is shortened, on a machine that may be busy
@pytest.mark.parametrize(("name", "first"), CHUNKS)
def test_whatever_comes_in_is_read_or_refused(name: str, first: int) -> None:
    told = failures(TARGETS[name], first, CHUNK)
    assert not told, "\n".join(told)


@pytest.mark.parametrize(("what", "name", "case"), KEPT, ids=[what for what, *_ in KEPT])
def test_what_once_went_wrong_does_not(what: str, name: str, case: bytes) -> None:
    assert judged(TARGETS[name], case) == "", what


@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", [0, 250])
def test_haproxy_takes_every_config_that_a_policy_can_lead_to(first: int) -> None:
    told = refused(first, 250)
    assert not told, "\n".join(told)


def test_a_seed_gives_the_same_case() -> None:
    for target in TARGETS.values():
        assert case_of(target, 7) == case_of(target, 7)
        assert len({case_of(target, seed) for seed in range(50)}) > 25, target.name


def test_a_check_that_never_ends_is_told() -> None:
    def forever(_: bytes) -> None:
        while True:
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.fuzz.runs.LIMIT_S", 0.05)
        told = judged(Target("forever", lambda _: b"x", plain(forever), 1), b"x")
    assert told.startswith("more than 0.05 s")
    assert wrong_with(lambda _: None, b"") == ""
