"""Instance + server -> replica, one case at a time; whole lives are in test_lives.py."""

import pytest

from autoscaler.model import Instance, Phase, ReplicaState, Server, ServerState
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
