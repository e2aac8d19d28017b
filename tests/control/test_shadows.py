"""A whole daemon with shadows: they are decided, scored and told of, and nothing comes of it."""

from asyncio import sleep

import pytest

from autoscaler.control import shadows
from autoscaler.decide.shadow import step
from autoscaler.model import EventKind
from autoscaler.status import ShadowStatus
from tests.support.controllers import Controller, policy
from tests.support.worlds import until

pytestmark = pytest.mark.looptime
SAME = "{name: same, policies: [{type: target_tracking, metric: request_rate, target: 50}]}"
CHEAPER = "{name: cheaper, policies: [{type: target_tracking, metric: request_rate, target: 100}]}"


def with_shadows(*told: str, least: int = 1) -> str:
    return policy(least=least, most=6) + f"shadow: [{', '.join(told)}]\n"


def shadow(host: Controller, name: str = "cheaper") -> ShadowStatus:
    """A shadow as status has it."""
    (one,) = [each for each in host.operator.service("web").shadows if each.name == name]
    return one


async def to_four(host: Controller, text: str) -> None:
    """A daemon whose service runs four replicas."""
    host.write(text)
    await host.start()
    host.world.proxy.rate["web"] = 200.0
    await until(lambda: len(host.world.choosable()) == len(host.world.engine.containers) == 4)


async def test_a_shadow_is_scored_beside_what_runs_and_nothing_comes_of_it(host: Controller) -> None:
    await to_four(host, with_shadows(SAME, CHEAPER))
    await sleep(60)
    assert host.desired() == len(host.world.engine.containers) == 4
    same, cheaper = shadow(host, "same"), shadow(host)
    assert same.decision is not None
    assert cheaper.decision is not None
    assert (same.decision.desired, cheaper.decision.desired) == (4, 2)
    assert same.total.ratio == 1.0
    assert same.total.late == same.total.ran_late
    assert cheaper.total.ratio is not None
    assert 0.45 < cheaper.total.ratio < 0.6
    assert cheaper.total.seconds >= 60
    assert host.told(EventKind.SHADOW_FAULT) == []


async def test_explain_tells_of_them(host: Controller) -> None:
    await to_four(host, with_shadows(CHEAPER))
    await sleep(60)
    text = host.operator.explain("web").text
    assert "shadows, decided on the same numbers and never acted on:\n  cheaper: 2 replicas wanted: request_rate 200" in text
    assert "\n    last day or so: 1.98 replicas on average, 50% of the 3.95 that ran; " in text
    assert "\n    in all: 0.0347 replica-hours in 1m3s, 0.0692 ran; " in text
    assert "(a guess as yet: no replica was seen full" in text
    assert "(late: waits longer than 200ms, by the same model of both)" in text


async def test_without_shadows_nobody_tells_of_any(host: Controller) -> None:
    await to_four(host, policy(least=1, most=6))
    assert host.operator.service("web").shadows == ()
    assert "shadow" not in host.operator.explain("web").text


@pytest.mark.parametrize("after_s", [0.3, 20.0, 45.5])
async def test_a_restart_keeps_the_score(host: Controller, after_s: float) -> None:
    await to_four(host, with_shadows(CHEAPER))
    await sleep(after_s)
    before = shadow(host)
    await host.stop()
    await sleep(3)
    await host.start()
    await sleep(5)
    after = shadow(host)
    assert after.since == before.since
    assert before.total.seconds < after.total.seconds < before.total.seconds + 10
    assert after.decision is not None
    assert after.decision.desired == 2


async def test_a_score_begins_anew_with_other_policies_on_either_side(host: Controller) -> None:
    await to_four(host, with_shadows(SAME, CHEAPER))
    await sleep(30)
    since = shadow(host).since
    host.write(with_shadows(SAME, CHEAPER.replace("100", "80")))
    await host.operator.reload()
    await sleep(3)
    changed = shadow(host).since
    assert changed is not None
    assert since is not None
    assert changed > since
    assert shadow(host, "same").since == since
    host.write(with_shadows(SAME, CHEAPER.replace("100", "80"), least=2))
    await host.operator.reload()
    await sleep(3)
    assert shadow(host).since == changed
    host.write(with_shadows(SAME).replace("metric: request_rate, target: 50}]\n", "metric: request_rate, target: 40}]\n"))
    await host.operator.reload()
    await sleep(3)
    later = shadow(host, "same").since
    assert later is not None
    assert later > changed
    assert len(host.operator.service("web").shadows) == 1


async def test_a_fault_in_one_is_told_once_and_harms_neither_the_service_nor_another(
    host: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(spec: object, of: str, case: object, decided: object, before: object) -> object:
        if spec.policies[0].target == 100:  # type: ignore[attr-defined]
            raise ZeroDivisionError("a bug")
        return step(spec, of, case, decided, before)  # type: ignore[arg-type]

    monkeypatch.setattr(shadows, "step", broken)
    await to_four(host, with_shadows(CHEAPER, SAME))
    await sleep(30)
    assert host.told(EventKind.SERVICE_FAULT) == []
    (fault,) = host.told(EventKind.SHADOW_FAULT)
    assert (fault.service, fault.facts, fault.cause) == ("web", {"shadow": "cheaper"}, "ZeroDivisionError('a bug')")
    assert shadow(host).problem == "fault in the controller: ZeroDivisionError('a bug')"
    assert "cheaper: fault in the controller" in host.operator.explain("web").text
    same = shadow(host, "same")
    assert (same.problem, same.total.ratio) == ("", 1.0)
    monkeypatch.setattr(shadows, "step", step)
    await sleep(3)
    assert shadow(host).problem == ""


async def test_a_metric_that_a_shadow_alone_asks_for_is_measured(host: Controller) -> None:
    await to_four(host, with_shadows("{name: cpu, policies: [{type: target_tracking, metric: cpu, target: 70%}]}"))
    await sleep(5)
    one = shadow(host, "cpu")
    assert one.decision is not None
    assert one.decision.recommendations[0].metric == "cpu"
    assert "is not among the measured" not in one.decision.reason
    assert host.told(EventKind.METRICS_MISSING) == []


async def test_a_shadow_that_looks_back_longer_changes_no_metric_of_the_policies(host: Controller) -> None:
    """A 0 of a source is believed once no request came within the policy's window, whatever a shadow's is."""
    metric = '{name: depth, source: prometheus, server: "http://p", query: up}'
    own = f"{{type: target_tracking, metric: {metric}, target: 10}}"
    longer = own.replace("target: 10", "target: 10, window: 10m")
    host.write(policy().replace("metric: request_rate, target: 50}]", f"metric: {metric}, target: 10}}]")
               + f"shadow: [{{name: longer, policies: [{longer}]}}]\n")  # fmt: skip
    host.world.proxy.rate["web"] = 50.0
    await host.start()
    await sleep(10)
    depth = host.operator.service("web").metrics[0]
    assert (depth.name, depth.sample.value) == ("depth", None)
    host.world.proxy.rate["web"] = 0.0
    await sleep(15)
    depth = host.operator.service("web").metrics[0]
    assert (depth.name, depth.sample.value) == ("depth", 0.0)


async def test_a_dry_run_decides_for_them_too(host: Controller) -> None:
    host.dry = True
    host.world.proxy.rate["web"] = 200.0
    host.write(with_shadows(CHEAPER))
    await host.start()
    await sleep(5)
    assert shadow(host).decision is not None
