"""`shadow:`: what is right and wrong with policies stands for a shadow's too, and none changes what the others see."""

from pathlib import Path

import pytest

from autoscaler.spec.load import load_policies
from autoscaler.spec.models import HPA_SCALE_DOWN, HPA_SCALE_UP, MOST_SHADOWS, OPEN, ServiceSpec
from tests.support.policies import GOOD, told

RATE = "{type: target_tracking, metric: request_rate, target: 50}"
KPA = "{type: concurrency, target: 16}"
HEAD = GOOD.split("policies:")[0]


def text_of(shadows: str, policies: str = RATE, rest: str = "") -> str:
    """A policy with these shadows on its last line."""
    return f"{HEAD}policies: [{policies}]\n{rest}shadow: {shadows}\n"


def loaded(text: str, folder: Path) -> ServiceSpec:
    (folder / "p.yaml").write_text(text)
    found = load_policies([folder / "p.yaml"], environ={})
    assert found.problems == ()
    return found.documents[0].spec


LATENCY = "{type: target_tracking, metric: latency_p95, total: 250ms, window: 20s}"
SOURCE = "{source: prometheus, name: depth, server: 'http://p:9090', query: QUERY}"
DEPTH = f"{{type: target_tracking, metric: {SOURCE}, target: 9}}"
BROKEN = [
    pytest.param("[{policies: [<kpa>]}]", "shadow[0].name: is missing", "name it, such as `name: cheaper`", id="no name"),
    pytest.param("[{name: a b, policies: [<kpa>]}]", "shadow[0].name: found 'a b'",
                 "use letters, digits and _ . : -, at most 60, a letter first", id="odd name"),
    pytest.param("[{name: a}]", "shadow[0].policies: is missing", "write one, such as {type: concurrency, target: 16}",
                 id="no policies"),
    pytest.param("[{name: a, policies: []}]", "shadow[0].policies: is empty",
                 "write one, such as {type: target_tracking, metric: request_rate, target: 50}", id="empty policies"),
    pytest.param("[{name: a, policies: [{type: concurrency, target: 0}]}]", "shadow[0].policies[0].target: found 0",
                 "write more than 0", id="a policy's own rule"),
    pytest.param("[{name: a, policies: [{type: concurency}]}]", "shadow[0].policies[0].type: found 'concurency'",
                 "did you mean `concurrency`?", id="a type misspelt"),
    pytest.param("[{name: a, policies: [<kpa>], behaviour: {}}]", "shadow[0].behaviour: unknown key",
                 "did you mean `behavior`?", id="unknown key"),
    pytest.param("[{name: a, policies: [<kpa>], replicas: {max: 3}}]", "shadow[0].replicas: unknown key",
                 "did you mean `policies`?", id="a key of the service's"),
    pytest.param("[{name: a, policies: [<kpa>]}, {name: a, policies: [<rate>]}]",
                 "shadow[1].name: a is the name of shadow[0] already", "give each a name of its own", id="two of a name"),
    pytest.param("[{name: a, policies: [{type: target_tracking, metric: memory, target: 70%}]}]",
                 "shadow[0].policies[0].metric: memory is a fraction of `replica.mem_limit`, which is missing",
                 "write `mem_limit: 256m`", id="a check of the whole service"),
    pytest.param("[{name: a, policies: [{type: schedule, rules: [{cron: '0 8 * * *', for: 1h, min: 11}]}]}]",
                 "shadow[0].policies[0].rules[0].min: 11 is above replicas.max 10",
                 "lower it, or give the rule a max: `max: 11`", id="a floor above max"),
    pytest.param("[{name: a, policies: [{type: step, metric: {source: redis}, steps: [{above: 1, add: 1}]}]}]",
                 "shadow[0].policies[0].metric: source redis is not available yet", "available: prometheus",
                 id="a source to come"),
    pytest.param("[{name: a, policies: [<kpa>], behavior: {on_missing_metrics: fallback, fallback_replicas: 20}}]",
                 "shadow[0].behavior.fallback_replicas: fallback_replicas 20 is above replicas.max 10", "write at most 10",
                 id="its own behavior"),
]  # fmt: skip


@pytest.mark.parametrize(("shadows", "what", "fix"), BROKEN)
def test_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shadows: str, what: str, fix: str) -> None:
    monkeypatch.chdir(tmp_path)
    lines = told(text_of(shadows.replace("<kpa>", KPA).replace("<rate>", RATE)))
    assert [line.split(": ", 1)[1] for line in lines] == [f"{what}; {fix}"]
    assert lines[0].startswith("p.yaml:8:")


def test_so_many_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    many = [f"{{name: s{number}, policies: [{KPA}]}}" for number in range(MOST_SHADOWS + 1)]
    assert len(loaded(text_of(f"[{', '.join(many[1:])}]"), tmp_path).shadow) == MOST_SHADOWS
    (line,) = told(text_of(f"[{', '.join(many)}]"))
    assert line == "p.yaml:8:1: shadow: has 9 items; write at most 8"


def test_a_longer_window_on_what_is_measured_over_one_window_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Percentiles share a window, so a shadow's would stretch the policies'."""
    monkeypatch.chdir(tmp_path)
    longer = LATENCY.replace("latency_p95", "latency_p99").replace("20s", "60s")
    (line,) = told(text_of(f"[{{name: a, policies: [{longer}]}}]", LATENCY))
    assert line.endswith("latency_p99 is longer than in `policies`, which would then see the same; write at most 20s")
    assert told(text_of(f"[{{name: a, policies: [{longer.replace('60s', '10s')}]}}]", LATENCY)) == []
    assert told(text_of(f"[{{name: a, policies: [{longer}]}}]")) == []


def test_one_name_is_one_metric_over_policies_and_shadows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shadows = f"[{{name: a, policies: [{DEPTH.replace('QUERY', 'b')}]}}]"
    (line,) = told(text_of(shadows, DEPTH.replace("QUERY", "a")))
    assert "shadow[0].policies[0].metric: depth is another metric in policies[0]" in line
    assert line.endswith("such as `name: depth_2`")
    assert set(loaded(text_of(shadows), tmp_path).sources) == {"depth"}


def test_behavior_left_out_is_the_services_else_the_shadows_own_policies_default(tmp_path: Path) -> None:
    """As it would be had the file these policies."""
    spec = loaded(
        text_of(
            f"[{{name: a, policies: [{KPA}]}}, {{name: b, policies: [{RATE}], behavior: {{scale_down: {{select: min}}}}}}]",
            rest="behavior: {anti_flap: true, scale_down: {stabilization_window: 60s}}\n",
        ),
        tmp_path,
    )
    a, b = spec.shadow
    down = HPA_SCALE_DOWN.model_copy(update={"stabilization_window": 60.0})
    assert (spec.behavior.scale_up, spec.behavior.scale_down) == (HPA_SCALE_UP, down)
    assert (a.behavior.scale_up, a.behavior.scale_down) == (OPEN, OPEN.model_copy(update={"stabilization_window": 60.0}))
    assert (b.behavior.scale_up, b.behavior.scale_down) == (HPA_SCALE_UP, down.model_copy(update={"select": "min"}))
    assert a.behavior.anti_flap
    assert b.behavior.anti_flap


def test_a_mistake_in_the_services_behavior_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = text_of(f"[{{name: a, policies: [{KPA}]}}]", rest="behavior: {anti_flap: maybe}\n")
    assert told(text) == ["p.yaml:8:12: behavior.anti_flap: found 'maybe'; write true or false"]


def test_where_a_shadows_values_come_from(tmp_path: Path) -> None:
    rest = "behavior: {scale_down: {stabilization_window: 60s}}\n"
    (tmp_path / "p.yaml").write_text(text_of(f"[{{name: a, policies: [{KPA}], behavior: {{anti_flap: true}}}}]", rest=rest))
    (document,) = load_policies([tmp_path / "p.yaml"], environ={}).documents
    of = document.origins
    assert of["shadow[0].policies[0].target"].source.startswith(f"{tmp_path}/p.yaml:9:")
    assert of["shadow[0].policies[0].utilization"].source == "default"
    assert of["shadow[0].behavior.anti_flap"].source.startswith(f"{tmp_path}/p.yaml:9:")
    assert of["shadow[0].behavior.scale_down.stabilization_window"].source.startswith(f"{tmp_path}/p.yaml:8:")
    assert of["shadow[0].behavior.scale_down.policies"].source == "default (the policies' own pace)"
