"""What is planned from what is there, as text."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.model import Check, Remove, Replica, ReplicaState, Start, Step, Stop
from autoscaler.reconcile.backoff import Backoff
from autoscaler.reconcile.plan import NEW_BOOK, Book, plan
from autoscaler.spec.models import HealthCheck
from tests.reconcile.build import NOW, WEB, draining, failed, ready, starting

BOOK = Book(next_number=9)


def steps(replicas: list[Replica], desired: int, book: Book = BOOK, *, blind: bool = False) -> str:
    return str(plan(WEB, replicas, desired, NOW, book, blind=blind))


@pytest.mark.parametrize(
    ("replicas", "desired", "text"),
    [
        pytest.param([], 2, "start web-9: 2 wanted, 0 there\nstart web-10: 2 wanted, 0 there", id="too few: new names"),
        pytest.param([ready("web-1"), starting("web-2")], 2, "", id="starting ones count"),
        pytest.param([ready("web-1"), starting("web-2", under_way=Step.START)], 2, "", id="a start under way counts"),
        pytest.param(
            [ready("web-1", in_flight=3), ready("web-2", in_flight=1)],
            1,
            "drain web-2: 1 in flight, 1 wanted of 2",
            id="too many: fewest open requests first",
        ),
        pytest.param([ready("web-1"), ready("web-2")], 1, "drain web-2: idle, 1 wanted of 2", id="then the newest"),
        pytest.param(
            [ready("web-1"), starting("web-2")],
            1,
            "stop web-2: still starting, 1 wanted of 2",
            id="a starting one goes first, without a drain",
        ),
        pytest.param(
            [ready("web-1"), starting("web-2", under_way=Step.START)], 1, "", id="but not before its start has ended"
        ),
        pytest.param(
            [ready("web-1"), draining("web-2", in_flight=2)], 1, "", id="a draining one waits for what is in flight"
        ),
        pytest.param(
            [ready("web-1"), draining("web-2")], 1, "stop web-2: drained: idle, 1 wanted of 2", id="then gets its signal"
        ),
        pytest.param(
            [ready("web-1"), draining("web-2", in_flight=2, age=301)],
            1,
            "stop web-2: still 2 in flight after route.drain_timeout",
            id="or when its time is over",
        ),
        pytest.param(
            [ready("web-1"), draining("web-2", in_flight=2, age=301, let_go=False)],
            1,
            "",
            id="but never while the proxy may send to it",
        ),
        pytest.param([ready("web-1"), draining("web-2", under_way=Step.STOP)], 1, "", id="one signal, not two"),
        pytest.param(
            [ready("web-1"), draining("web-2", exited=True)],
            1,
            "remove web-2: idle, 1 wanted of 2",
            id="what has ended is removed",
        ),
        pytest.param(
            [ready("web-1"), draining("web-2", in_flight=2)],
            3,
            "start web-9: 3 wanted, 1 there\ntake back web-2: 3 wanted, 1 there",
            id="a draining one is taken back before a new one is started",
        ),
        pytest.param(
            [ready("web-1"), draining("web-2", under_way=Step.STOP)],
            2,
            "start web-9: 2 wanted, 1 there",
            id="but not after its signal",
        ),
        pytest.param(
            [ready("web-1"), draining("web-2", signalled=True)],
            2,
            "stop web-2: drained: idle, 1 wanted of 2\nstart web-9: 2 wanted, 1 there",
            id="nor when its stop has failed",
        ),
        pytest.param(
            [ready("web-1"), draining("web-2", failure="unhealthy", in_flight=1)],
            2,
            "start web-9: 2 wanted, 1 there",
            id="nor one that drains because it failed",
        ),
        pytest.param(
            [ready("web-1"), failed("web-2", exited=True)],
            2,
            "remove web-2: exited: exit status 1\nstart web-9: 2 wanted, 1 there",
            id="a dead one is replaced at once",
        ),
        pytest.param(
            [ready("web-1"), ready("web-3"), failed("web-2", unhealthy=True)],
            3,
            "start web-9: 3 wanted, 2 there\ndrain web-2: unhealthy: L4CON",
            id="an unhealthy one too, and leaves",
        ),
        pytest.param(
            [failed("web-1", unhealthy=True), failed("web-2", unhealthy=True), ready("web-3")],
            3,
            "start web-9: 3 wanted, 2 there",
            id="most unhealthy: the check is the suspect, one is replaced, the new one first",
        ),
        pytest.param(
            [failed("web-1", unhealthy=True), failed("web-2", unhealthy=True), ready("web-3"), ready("web-9")],
            3,
            "start web-9: 3 wanted, 2 there\ndrain web-1: unhealthy: L4CON\ndrain web-2: unhealthy: L4CON",
            id="half unhealthy is not most",
        ),
        pytest.param(
            [failed("web-1", unhealthy=True)],
            1,
            "start web-9: 1 wanted, 0 there",
            id="the only one: the new one ready first",
        ),
        pytest.param(
            [failed("web-1", unhealthy=True), ready("web-2", check=Check.FAILS), ready("web-3")],
            3,
            "start web-9: 3 wanted, 2 there",
            id="the first of most that begin to fail: a suspect as well",
        ),
        pytest.param(
            [
                failed("web-1", unhealthy=True, checked=False),
                failed("web-2", unhealthy=True, checked=False),
                ready("web-3"),
                ready("web-4"),
                ready("web-9"),
            ],
            4,
            "drain web-1: unhealthy: L4CON",
            id="suspects stay so until the last one is replaced or passes",
        ),
        pytest.param(
            [ready("web-1"), starting("web-2", created=True)],
            2,
            "start web-2: made but not started",
            id="a daemon died between making and starting it",
        ),
        pytest.param(
            [ready("web-1"), starting("web-2", created=True)],
            1,
            "remove web-2: still starting, 1 wanted of 2",
            id="and nobody needs it any more",
        ),
    ],
)
def test_the_next_steps(replicas: list[Replica], desired: int, text: str) -> None:
    assert steps(replicas, desired) == text


def test_while_backing_off_nothing_starts_and_it_says_why() -> None:
    book = Book(
        next_number=9, backoff=Backoff(streak=3, failed_at=NOW - 1, until=NOW + 3, why="web-8 exited: exit status 1")
    )
    planned = plan(WEB, [ready("web-1")], 3, NOW, book)
    assert planned.actions == ()
    assert planned.waits == "backing off for 3 s: web-8 exited: exit status 1"


def test_after_a_failure_one_starts_at_a_time() -> None:
    book = Book(next_number=9, backoff=Backoff(streak=3, failed_at=NOW - 60, why="web-8 exited"))
    assert steps([ready("web-1")], 4, book) == "start web-9: 4 wanted, 1 there"
    assert steps([ready("web-1"), starting("web-9")], 4, book) == ""


def test_one_that_was_made_but_could_not_be_started_is_removed() -> None:
    book = Book(next_number=9, backoff=Backoff(streak=1, failed_at=NOW, until=NOW + 1, why="web-2: no such command"))
    assert steps([ready("web-1"), starting("web-2", created=True)], 2, book) == "remove web-2: could not be started"


def test_blind_to_the_proxy_nothing_is_drained_or_stopped_and_the_dead_are_replaced() -> None:
    replicas = [ready("web-1"), ready("web-2"), draining("web-3"), failed("web-4", exited=True)]
    planned = plan(WEB, replicas, 1, NOW, BOOK, blind=True)
    assert str(planned) == "remove web-4: exited: exit status 1"
    assert planned.backends is None
    assert steps([ready("web-1")], 2, blind=True) == "start web-9: 2 wanted, 1 there"


def test_blind_to_the_proxy_what_was_told_to_drain_is_taken_back_before_a_new_one_is_started() -> None:
    replicas = [ready("web-1"), draining("web-2", let_go=False), draining("web-3", signalled=True)]
    assert steps(replicas, 3, blind=True) == "start web-9: 3 wanted, 1 there\ntake back web-2: 3 wanted, 1 there"


def test_the_proxy_has_the_ready_and_the_draining_ones() -> None:
    replicas = [
        ready("web-1"),
        ready("web-2", in_proxy=False),
        draining("web-3", in_flight=1),
        starting("web-4"),
        failed("web-5", exited=True),
        failed("web-6", in_proxy=False),
        draining("web-7", exited=True),
    ]
    backends = plan(WEB, replicas, 2, NOW, BOOK).backends
    assert backends is not None
    assert [(b.replica, b.draining) for b in backends] == [("web-1", False), ("web-2", False), ("web-3", True)]


@pytest.mark.parametrize(
    ("replicas", "unchecked"),
    [
        pytest.param([ready("web-1", check=Check.FAILS), ready("web-2")], [], id="half fail: the check is believed"),
        pytest.param(
            [ready("web-1", check=Check.FAILS), ready("web-2", check=Check.FAILS), ready("web-3")],
            ["web-1", "web-2"],
            id="most begin to fail: they get requests on",
        ),
        pytest.param([ready("web-1", check=Check.FAILS)], ["web-1"], id="the only one too"),
        pytest.param(
            [ready("web-1", check=Check.FAILS), failed("web-2", unhealthy=True, check=Check.REFUSES), ready("web-3")],
            ["web-1"],
            id="not one that refuses: requests fail there",
        ),
        pytest.param(
            [ready("web-1", check=Check.FAILS, checked=False), ready("web-2"), ready("web-3")],
            ["web-1"],
            id="until it passes, though most do",
        ),
        pytest.param(
            [ready("web-1", checked=False), ready("web-2", checked=False, check=Check.FAILS)],
            ["web-2"],
            id="one that passes is checked again",
        ),
        pytest.param(
            [ready("web-1", checked=False, check=Check.REFUSES)], [], id="one that refuses too: the proxy leaves it then"
        ),
    ],
)
def test_who_gets_requests_unchecked(replicas: list[Replica], unchecked: list[str]) -> None:
    backends = plan(WEB, replicas, len(replicas), NOW, BOOK).backends
    assert backends is not None
    assert [b.replica for b in backends if not b.checked and not b.draining] == unchecked
    asked_by_engine = WEB.replica.model_copy(update={"healthcheck": HealthCheck(docker=True)})
    backends = plan(WEB.model_copy(update={"replica": asked_by_engine}), replicas, len(replicas), NOW, BOOK).backends
    assert backends is not None
    assert all(backend.checked for backend in backends)


def test_to_nothing() -> None:
    assert steps([ready("web-1"), starting("web-2")], 0) == (
        "stop web-2: still starting, 0 wanted of 2\ndrain web-1: idle, 0 wanted of 2"
    )


NAMES = st.integers(1, 30).map(lambda n: f"web-{n}")
ONE = st.one_of(
    st.builds(
        ready,
        NAMES,
        in_flight=st.integers(0, 3),
        in_proxy=st.booleans(),
        check=st.sampled_from(Check),
        checked=st.booleans(),
    ),
    st.builds(starting, NAMES, created=st.booleans()),
    st.builds(starting, NAMES, under_way=st.just(Step.START)),
    st.builds(
        draining,
        NAMES,
        in_flight=st.integers(0, 3),
        let_go=st.booleans(),
        signalled=st.booleans(),
        exited=st.booleans(),
        age=st.sampled_from([1.0, 500.0]),
    ),
    st.builds(draining, NAMES, under_way=st.just(Step.STOP)),
    st.builds(failed, NAMES, exited=st.just(True), in_proxy=st.booleans()),
    st.builds(failed, NAMES, unhealthy=st.booleans(), in_proxy=st.booleans(), checked=st.booleans()),
)
MANY = st.lists(ONE, max_size=12, unique_by=lambda r: r.name)


@given(MANY, st.integers(0, 12), st.booleans())
def test_nothing_the_proxy_may_still_send_to_is_stopped(replicas: list[Replica], desired: int, blind: bool) -> None:
    by_name = {r.name: r for r in replicas}
    for action in plan(WEB, replicas, desired, NOW, NEW_BOOK, blind=blind).actions:
        if isinstance(action, Stop):
            replica = by_name[action.replica]
            overdue = replica.let_go and NOW - replica.since >= WEB.route.drain_timeout
            assert not replica.in_proxy or replica.drained or overdue
            assert not blind


@given(MANY, st.integers(0, 12))
def test_each_replica_gets_one_step_at_most_and_none_while_one_is_under_way(replicas: list[Replica], desired: int) -> None:
    planned = plan(WEB, replicas, desired, NOW, Book(next_number=100))
    touched = [action.replica for action in planned.actions] + [name for name, _ in planned.drains + planned.returns]
    assert len(touched) == len(set(touched))
    assert not {r.name for r in replicas if r.under_way} & {a.replica for a in planned.actions}


@given(MANY, st.integers(0, 12))
def test_as_many_as_wanted_are_left_or_on_their_way(replicas: list[Replica], desired: int) -> None:
    planned = plan(WEB, replicas, desired, NOW, Book(next_number=100))
    leaving = {name for name, _ in planned.drains} | {a.replica for a in planned.actions if isinstance(a, Stop | Remove)}
    counted = [r for r in replicas if r.state in (ReplicaState.READY, ReplicaState.STARTING)]
    staying = [r for r in counted if r.name not in leaving]
    new = [a for a in planned.actions if isinstance(a, Start) and a.replica not in {r.name for r in replicas}]
    unable = [r for r in counted if r.under_way]
    suspects = [r for r in replicas if r.unhealthy and r.state is ReplicaState.FAILED and r.name not in leaving]
    there = len(staying) + len(new) + len(planned.returns)
    assert desired - len(suspects) <= there <= max(desired, desired + len(unable))


@given(MANY, st.integers(0, 12))
def test_the_order_of_what_is_seen_does_not_matter(replicas: list[Replica], desired: int) -> None:
    there, back = (plan(WEB, r, desired, NOW, BOOK) for r in (replicas, replicas[::-1]))
    assert set(str(there).splitlines()) == set(str(back).splitlines())


def test_an_address_that_is_not_known_yet_is_not_given_to_the_proxy() -> None:
    backends = plan(WEB, [replace(ready("web-1", in_proxy=False), address=None)], 1, NOW, BOOK).backends
    assert backends == ()
