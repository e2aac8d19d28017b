"""Replay's fold: lines in, lines out, and one clear error where a line can't be meant."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoscaler.decide.replay import LineError, Replay, read_tick, step
from autoscaler.model import Observation, Sample
from autoscaler.spec.models import PrometheusMetric, TargetTracking
from tests.decide.builders import service, tracking

SPEC = service(tracking(window=10.0), tracking("cpu", target=0.5))
CONTRACT_LINE = {
    "t": 100,
    "replicas": {"ready": 3, "unready": 1, "desired": 4},
    "metrics": {"request_rate": 150.0, "queue_length": None},
    "per_replica": {"cpu": [0.9, 0.8, None]},
    "waiting": 0,
}


def answer(line: Any) -> dict[str, Any]:
    text = line if isinstance(line, str) else json.dumps(line)
    told: dict[str, Any] = json.loads(step(Replay(SPEC), text)[0])
    return told


def test_the_contracts_line() -> None:
    assert answer(CONTRACT_LINE) == {
        "t": 100.0,
        "service": "web",
        "desired": 4,
        "recommendations": [
            {
                "policy": 0,
                "type": "target_tracking",
                "value": 3,
                "metric": "request_rate",
                "raw": 3.0,
                "reason": "request_rate 150 at 50 a replica asks for 3",
            },
            {
                "policy": 1,
                "type": "target_tracking",
                "value": 4,
                "metric": "cpu",
                "raw": 3.4,
                "reason": "cpu 0.85 a replica, target 0.5 (1 silent, 1 starting count as 0), so 0.425: no clear move, "
                "asks for 4",
            },
        ],
        "limited_by": [],
        "mode": "stable",
    }


def test_desired_of_a_line_is_where_the_count_is() -> None:
    tick = read_tick("web", json.dumps({**CONTRACT_LINE, "replicas": {"ready": 3, "desired": 0}}))
    assert (tick.ready, tick.unready, tick.desired) == (3, 0, 0)
    line = {"t": 0, "replicas": {"ready": 3, "desired": 7}, "metrics": {"request_rate": None}}
    assert answer(line)["desired"] == 7


def test_a_metric_of_another_system_goes_by_its_name() -> None:
    depth = PrometheusMetric(source="prometheus", name="depth", server="http://p", query="up")
    spec = service(TargetTracking(type="target_tracking", metric=depth, target=10.0))
    line = {"t": 0, "replicas": {"ready": 2}, "metrics": {"depth": 35}}
    told = json.loads(step(Replay(spec), json.dumps(line))[0])
    assert told["desired"] == 4
    assert told["recommendations"][0]["metric"] == "depth"
    missing = json.loads(step(Replay(spec), json.dumps({**line, "metrics": {"prometheus": 35}}))[0])
    assert (missing["desired"], missing["mode"]) == (2, "hold")


def test_a_value_keeps_its_time_and_a_missing_one_its_reason() -> None:
    line = '{"t": 9, "replicas": {"ready": 2}, "metrics": {"a": 1, "b": null, "c": NaN, "d": 1' + "0" * 400 + "}}"
    assert read_tick("web", line) == Observation(
        "web",
        9.0,
        2,
        0,
        {
            "a": Sample(1.0, 9.0),
            "b": Sample(None, 9.0, "null"),
            "c": Sample(None, 9.0, "nan is no number"),
            "d": Sample(None, 9.0, "inf is no number"),
        },
        {},
    )


def test_a_replicas_value_that_is_no_number_is_missing() -> None:
    line = '{"t": 9, "replicas": {"ready": 3}, "per_replica": {"cpu": [0.5, NaN, null], "memory": null}}'
    assert read_tick("web", line).per_replica == {"cpu": (0.5, None, None), "memory": ()}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"t": NaN, "replicas": {"ready": 1}}', "t: nan is no time; give seconds"),
        ({**CONTRACT_LINE, "metrics": []}, "metrics: [] is no mapping; give values by metric name"),
        (
            {**CONTRACT_LINE, "metrics": {"cpu": 1}},
            "metrics.cpu: it is measured at each replica; give a list in per_replica.cpu",
        ),
        (
            {**CONTRACT_LINE, "per_replica": {"cpu": {}}},
            "per_replica.cpu: {} is no list; give one value for each ready replica, null for none",
        ),
        (
            {**CONTRACT_LINE, "per_replica": {"cpu": [1] * 4}},
            "per_replica.cpu: 4 values for 3 ready replicas; leave the starting ones out",
        ),
        (
            {"t": 1, "replicas": {"ready": 1, "unready": -1}},
            "replicas.unready: -1 is no count; give a whole number from 0 to ",
        ),
        (
            {"t": 1, "replicas": {"ready": 1, "desired": "x"}},
            'replicas.desired: "x" is no count; give a whole number from 0 to ',
        ),
        ({**CONTRACT_LINE, "metrics": {"a": "y" * 39}}, 'metrics.a: "' + "y" * 36 + "... is no number"),
        ({**CONTRACT_LINE, "metrics": {"a": "y" * 38}}, 'metrics.a: "' + "y" * 38 + '" is no number'),
    ],
)
def test_an_error_says_where_what_and_how_to_put_it_right(line: Any, said: str) -> None:
    with pytest.raises(LineError) as raised:
        answer(line)
    assert str(raised.value).startswith(said)


def test_each_line_goes_on_from_the_one_before() -> None:
    so_far, desired = Replay(SPEC), []
    for t, rate in [(0, 50), (1, 250), (12, 0)]:
        line = {"t": t, "replicas": {"ready": 1}, "metrics": {"request_rate": rate}, "per_replica": {"cpu": [0.5]}}
        told, so_far = step(so_far, json.dumps(line))
        desired.append(json.loads(told)["desired"])
    assert desired == [1, 3, 3]


@pytest.mark.parametrize(
    "rate", ["null", "NaN", "Infinity", "-Infinity", "1e999", pytest.param("1" * 400, id="beyond floats")]
)
def test_null_and_what_is_no_finite_number_is_missing(rate: str) -> None:
    told = answer('{"t": 0, "replicas": {"ready": 2}, "metrics": {"request_rate": %s}}' % rate)  # noqa: UP031
    assert (told["mode"], told["desired"], told["recommendations"][0]["value"]) == ("hold", 2, None)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("", "an empty line; write one tick a line, like", id="empty"),
        pytest.param("{", "no JSON: Expecting property name enclosed in double quotes at column 2", id="cut"),
        pytest.param("[1]", "the line: [1] is no mapping; its keys: t, replicas, metrics", id="a list"),
        pytest.param("[" * 100_000, "nested too deeply", id="nested"),
        pytest.param('{"t": ' + "1" * 5000 + "}", "a number too long", id="endless"),
        pytest.param({"replicas": {"ready": 1}}, "t: missing; give seconds", id="no t"),
        pytest.param({"t": "1s", "replicas": {"ready": 1}}, 't: "1s" is no number', id="t is text"),
        pytest.param({"t": True, "replicas": {"ready": 1}}, "t: true is no number", id="t is true"),
        pytest.param('{"t": NaN, "replicas": {"ready": 1}}', "t: nan is no time", id="t is NaN"),
        pytest.param({"t": 1}, 'replicas: missing; give a mapping such as {"ready": 1}', id="no replicas"),
        pytest.param({"t": 1, "replicas": 3}, "replicas: 3 is no mapping", id="replicas is a count"),
        pytest.param({"t": 1, "replicas": {}}, "replicas.ready: missing; give a count", id="no ready"),
        pytest.param({"t": 1, "replicas": {"ready": -1}}, "replicas.ready: -1 is no count", id="negative"),
        pytest.param({"t": 1, "replicas": {"ready": 1.5}}, "replicas.ready: 1.5 is no count", id="half"),
        pytest.param({"t": 1, "replicas": {"ready": 10**30}}, "replicas.ready: 1000000", id="beyond reason"),
        pytest.param({"t": 1, "replicas": {"reddy": 1}}, "replicas.reddy: unknown key; did you mean `ready`?", id="typo"),
        pytest.param({**CONTRACT_LINE, "metrix": {}}, "metrix: unknown key; did you mean `metrics`?", id="another typo"),
        pytest.param({**CONTRACT_LINE, "zz": {}}, "zz: unknown key; allowed: t, replicas, metrics", id="unknown"),
        pytest.param({**CONTRACT_LINE, "metrics": []}, "metrics: [] is no mapping", id="metrics is a list"),
        pytest.param({**CONTRACT_LINE, "metrics": {"a": "x"}}, 'metrics.a: "x" is no number', id="metric is text"),
        pytest.param({**CONTRACT_LINE, "metrics": {"cpu": 0.4}}, "metrics.cpu: it is measured at each replica", id="cpu"),
        pytest.param({**CONTRACT_LINE, "per_replica": {"cpu": 1}}, "per_replica.cpu: 1 is no list", id="no list"),
        pytest.param({**CONTRACT_LINE, "per_replica": {"cpu": [1, "x", 1]}}, 'per_replica.cpu[1]: "x"', id="in a list"),
        pytest.param(
            {**CONTRACT_LINE, "per_replica": {"cpu": [1] * 4}}, "per_replica.cpu: 4 values for 3 ready", id="too many"
        ),
        pytest.param({**CONTRACT_LINE, "waiting": None}, "waiting: null is no count", id="waiting is null"),
        pytest.param({**CONTRACT_LINE, "a\nb\x1b": 1}, r"a\nb\u001b: unknown key", id="a key that would break the line"),
    ],
)
def test_a_line_that_can_not_be_meant(line: Any, said: str) -> None:
    with pytest.raises(LineError) as raised:
        answer(line)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_t_never_decreases() -> None:
    _, so_far = step(Replay(SPEC), json.dumps(CONTRACT_LINE))
    with pytest.raises(LineError, match=r"t: 99 is before 100 of the line above; sort the lines by t"):
        step(so_far, json.dumps({**CONTRACT_LINE, "t": 99}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.just(10**400),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["ready", "cpu", "t", "x"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys([*CONTRACT_LINE, "x"], json_values)), max_size=3))
def test_no_line_does_worse_than_lineerror(lines: list[dict[str, Any]]) -> None:
    so_far = Replay(SPEC)
    for line in lines:
        try:
            told, so_far = step(so_far, json.dumps({**CONTRACT_LINE, **line}))
        except LineError:
            continue
        assert json.loads(told)["desired"] >= 1


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_no_text_does_worse_than_lineerror(text: str) -> None:
    with pytest.raises(LineError):
        step(Replay(SPEC), text)
