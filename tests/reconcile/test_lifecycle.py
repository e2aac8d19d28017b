"""Instance + server -> replica, one case at a time; whole lives are in test_lives.py."""

import pytest

from autoscaler.model import Check, Instance, Phase, ReplicaState, Server, ServerState, Verdict
from autoscaler.reconcile.lifecycle import join
from tests.reconcile.build import instance, seen, server


@pytest.mark.parametrize(
    ("there", "at_proxy", "state", "failure"),
    [
        pytest.param(instance("web-1"), None, ReplicaState.STARTING, "", id="running, in no proxy"),
        pytest.param(instance("web-1", Phase.CREATED), None, ReplicaState.STARTING, "", id="made"),
        pytest.param(instance("web-1"), server("web-1"), ReplicaState.READY, "", id="found in the proxy"),
        pytest.param(
            instance("web-1"), server("web-1", ServerState.DRAIN), ReplicaState.DRAINING, "", id="found while draining"
        ),
        pytest.param(
            instance("web-1"),
            server("web-1", ServerState.DOWN),
            ReplicaState.FAILED,
            "unhealthy: its health check fails",
            id="failing the proxy's check",
        ),
        pytest.param(
            instance("web-1", healthy=False),
            server("web-1"),
            ReplicaState.FAILED,
            "unhealthy: its own HEALTHCHECK fails",
            id="failing its own check",
        ),
        pytest.param(instance("web-1", healthy=True), server("web-1"), ReplicaState.READY, "", id="passing its own check"),
        pytest.param(
            instance("web-1", Phase.PAUSED), server("web-1"), ReplicaState.FAILED, "paused by someone else", id="paused"
        ),
    ],
)
def test_joined(there: Instance, at_proxy: Server | None, state: ReplicaState, failure: str) -> None:
    (replica,), _tracks = join(seen(there, servers=() if at_proxy is None else (at_proxy,)), {}, 60)
    assert (replica.state, replica.failure) == (state, failure)
    assert replica.unhealthy is failure.startswith("unhealthy")


def test_one_that_begins_to_fail_is_still_ready() -> None:
    (replica,), _tracks = join(seen(instance("web-1"), servers=(server("web-1", check=Check.FAILS),)), {}, 60)
    assert (replica.state, replica.check, replica.checked) == (ReplicaState.READY, Check.FAILS, True)


@pytest.mark.parametrize(
    ("verdict", "state", "check", "failure", "reason"),
    [
        pytest.param(None, ReplicaState.READY, Check.FAILS, "", "", id="not asked yet: as the proxy's check said"),
        pytest.param(Verdict(Check.PASSES), ReplicaState.READY, Check.PASSES, "", "", id="passes again"),
        pytest.param(Verdict(Check.FAILS, False, "GET / 500"), ReplicaState.READY, Check.FAILS, "", "", id="not often yet"),
        pytest.param(
            Verdict(Check.FAILS, True, "GET /healthz answered 500"),
            ReplicaState.FAILED,
            Check.FAILS,
            "unhealthy: GET /healthz answered 500",
            "unhealthy",
            id="often enough",
        ),
        pytest.param(
            Verdict(Check.FAILS, True, "no answer in 1 s"),
            ReplicaState.FAILED,
            Check.FAILS,
            "unhealthy: no answer in 1 s",
            "hung",
            id="hung",
        ),
    ],
)
def test_one_that_the_proxy_does_not_check_is_judged_by_our_own_asking(
    verdict: Verdict | None, state: ReplicaState, check: Check, failure: str, reason: str
) -> None:
    verdicts = {} if verdict is None else {"web-1": verdict}
    look = seen(instance("web-1"), servers=(server("web-1", checked=False),), verdicts=verdicts)
    (replica,), _tracks = join(look, {}, 60)
    assert (replica.state, replica.check, replica.failure, replica.reason) == (state, check, failure, reason)
    assert not replica.checked
