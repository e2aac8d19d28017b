"""What each step of a plan carries beside its text: grace, words to keep, addresses, causes."""

from dataclasses import replace

import pytest

from autoscaler.model import Backend, Plan, Remove, Stop
from autoscaler.reconcile.plan import NEW_BOOK, plan
from tests.reconcile.build import NOW, WEB, address, draining, failed, ready, starting

GRACE_S = 7.5
PATIENT = WEB.model_copy(update={"replica": WEB.replica.model_copy(update={"stop_grace_period": GRACE_S})})


def test_every_stop_has_the_services_grace() -> None:
    replicas = [
        ready("web-1"),
        draining("web-2"),
        draining("web-3", in_flight=2, age=WEB.route.drain_timeout),
        failed("web-4", in_proxy=False),
    ]
    stops = [action for action in plan(PATIENT, replicas, 1, NOW, NEW_BOOK).actions if isinstance(action, Stop)]
    assert [(stop.replica, stop.grace_s) for stop in stops] == [(f"web-{n}", GRACE_S) for n in (2, 3, 4)]


def test_only_the_last_words_of_one_that_failed_are_kept() -> None:
    replicas = [ready("web-1"), failed("web-2", exited=True), draining("web-3", exited=True)]
    removals = plan(WEB, replicas, 1, NOW, NEW_BOOK).actions
    assert [(step.replica, step.keep_words) for step in removals if isinstance(step, Remove)] == [
        ("web-2", True),
        ("web-3", False),
    ]


def test_the_proxy_is_told_each_address_and_why_it_is_there() -> None:
    backends = plan(WEB, [ready("web-1"), draining("web-2", in_flight=1)], 1, NOW, NEW_BOOK).backends
    assert backends == (
        Backend("web-1", address("web-1"), draining=False, cause="health check passed"),
        Backend("web-2", address("web-2"), draining=True, cause="idle, 1 wanted of 2"),
    )


def test_nothing_is_waited_for_where_nothing_is_missing_or_all_can_start() -> None:
    assert plan(WEB, [ready("web-1")], 1, NOW, NEW_BOOK).waits == ""
    assert plan(WEB, [ready("web-1")], 2, NOW, NEW_BOOK).waits == ""


@pytest.mark.parametrize(("desired", "returns"), [(1, ()), (4, (("web-3", "4 wanted, 2 there"),))])
def test_blind_to_the_proxy_nothing_is_told_to_drain_and_what_drains_comes_back(
    desired: int, returns: tuple[tuple[str, str], ...]
) -> None:
    replicas = [ready("web-1"), ready("web-2"), draining("web-3"), failed("web-4")]
    planned = plan(WEB, replicas, desired, NOW, NEW_BOOK, blind=True)
    assert (planned.drains, planned.returns, planned.backends) == ((), returns, None)


def test_without_a_list_of_its_own_a_plan_changes_only_who_returns_in_the_one_told_last() -> None:
    told = tuple(Backend(f"web-{n}", address(f"web-{n}"), draining=n > 1, cause="told") for n in (1, 2, 3))
    assert Plan(None, ()).to_tell(told) == told
    back = replace(told[2], draining=False, cause="wanted")
    assert Plan(None, (), returns=(("web-3", "wanted"),)).to_tell(told) == (*told[:2], back)
    assert Plan(told[:1], (), returns=(("web-3", "wanted"),)).to_tell(told) == told[:1]


def test_one_that_has_not_passed_its_check_is_not_in_the_proxy_though_it_is_wanted() -> None:
    backends = plan(WEB, [ready("web-1"), starting("web-2")], 2, NOW, NEW_BOOK).backends
    assert [backend.replica for backend in backends or ()] == ["web-1"]
