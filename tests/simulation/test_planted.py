"""The simulation finds what is planted: a promise that is broken on purpose is seen, and told with seed and plan."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from autoscaler.control import service
from autoscaler.control.decisions import Deciding
from autoscaler.control.executor import Executor
from autoscaler.model import Action, Decision, Plan, Replica, ReplicaState, Start, Stop
from autoscaler.reconcile import plan as planning
from autoscaler.reconcile.names import name
from tests.simulation.soak import failures, whole

SEEDS = 60


def _found(law: str, seeds: int = SEEDS) -> bool:
    """Whether some seed's run tells that this law is broken, and by which plan."""
    for first in range(0, seeds, 5):
        told = failures(whole, first, 5)
        if any(law in line and "shortest plan" in line for line in told):
            return True
    return False


def test_a_stop_signal_before_the_proxy_lets_go(monkeypatch: pytest.MonkeyPatch) -> None:
    def at_once(spec: Any, replicas: Sequence[Replica], leaving: Mapping[str, str], now: float) -> list[Action]:
        able = [r for r in replicas if r.name in leaving and r.id and not (r.under_way or r.exited or r.created)]
        return [Stop(r.name, 1.0, "planted") for r in able]

    monkeypatch.setattr(planning, "_stops", at_once)
    assert _found("while the proxy may send to it") or _found("with requests in flight")


def test_a_replica_that_serves_again_after_its_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    def whoever_drains(replicas: Sequence[Replica], missing: int) -> list[Replica]:
        able = [r for r in replicas if r.state is ReplicaState.DRAINING and r.in_proxy and not r.exited]
        return able[: max(missing, 0)]

    monkeypatch.setattr(planning, "_to_take_back", whoever_drains)
    assert _found("serves again after its stop signal", seeds=400)


def test_a_name_that_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = planning.plan

    def from_one(*arguments: Any, **keywords: Any) -> Plan:
        made = planned(*arguments, **keywords)
        taken = {replica.name for replica in arguments[1]}
        free = (name("web", n) for n in range(1, 100) if name("web", n) not in taken)
        again = tuple(
            Start(next(free), a.cause) if isinstance(a, Start) and a.replica.startswith("web") else a for a in made.actions
        )
        return replace(made, actions=again)

    monkeypatch.setattr(service, "plan", from_one)
    assert _found("its name was used")


def test_more_replicas_than_max(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deciding, "desired", lambda self, replicas: 9)
    assert _found("more than max")


def test_a_count_that_nobody_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(self: Deciding, decision: Decision) -> None:
        """Says nothing."""

    monkeypatch.setattr(Deciding, "_tell_decision", silent)
    assert _found("told was")


def test_a_task_that_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    left = []

    async def leave_one(self: Executor) -> None:
        left.append(asyncio.create_task(asyncio.Event().wait(), name="planted"))

    monkeypatch.setattr(Executor, "close", leave_one)
    assert _found("tasks left")


def test_replicas_that_are_never_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*arguments: Any) -> list[Action]:
        return []

    monkeypatch.setattr(planning, "_removals_and_restarts", nothing)
    assert _found("not converged")
