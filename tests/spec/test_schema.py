"""The JSON Schema takes what the loader takes, short forms too, and refuses the usual slips."""

from typing import Any

import jsonschema
import pytest
import yaml

from autoscaler.spec.descriptions import DESCRIPTIONS
from autoscaler.spec.models import Amount, Bind, ServiceSpec, keys_of
from autoscaler.spec.schema import json_schema
from autoscaler.spec.validation import OUR_FIELDS, models_in
from tests.spec.test_good_forms import test_a_replicas_keys, test_a_routes_keys
from tests.support.policies import GOOD, changed, with_replica, with_route

SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def table(test: Any) -> list[str]:
    """The first column of a test's table."""
    (mark,) = test.pytestmark
    return [row[0] for row in mark.args[1]]


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        changed("policies:\n  - type: target_tracking\n    metric: request_rate\n    target: 50\n", ""),
        *map(with_replica, table(test_a_replicas_keys)),
        *map(with_route, table(test_a_routes_keys)),
        changed("5000", "${PORT}"),
        changed("metric: request_rate", "metric: {source: prometheus, server: 'http://p', query: up, window: 1m}"),
        changed("target: 50", "target: 70%\n    tolerance: {up: 5%}"),
        GOOD + "behavior: {scale_up: {select: disabled}, scale_down: {policies: []}, anti_flap: true}\npriority: 0\n",
        GOOD + "behavior: {scale_down: {policies: [{percent: 10, period: 1m}, {replicas: 2, period: 15s}]}}\n",
        GOOD + "replicas: {min: 2, max: '${MAX:-9}'}\n",
    ],
)
def test_it_takes_good_policies(text: str) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(_read(text))] == []


@pytest.mark.parametrize(
    "text",
    [
        changed("service: web\n", ""),
        changed("service: web", "service: Web"),
        changed("5000", "70000"),
        changed("5000", "http"),
        changed("bind: 127.0.0.1:8080", "bind: 8080"),
        changed("request_rate", "requests_rate"),
        changed("    target: 50\n", "    target: 50\n    tolerence: 10%\n"),
        changed("target_tracking", "step"),
        changed("metric: request_rate", "metric: {source: prometheus, server: 'p:9090', query: up}"),
        changed("metric: request_rate", "metric: {source: redis}"),
        with_replica("stop_grace_period: 10"),
        with_replica("stop_grace_period: soon"),
        with_replica("mem_limit: lots"),
        with_replica("restart: always"),
        with_replica("volums: []"),
        with_replica("ulimits: {nofile: many}"),
        with_route("balance: leastcon"),
        with_route("path: api"),
        GOOD + "rollout: {}\n",
        GOOD + "behavior: {scale_up: {policies: [{percent: 10}]}}\n",
        GOOD + "spec_hash: x\n",
        "services: {}\n",
    ],
)
def test_it_refuses_broken_policies(text: str) -> None:
    assert list(VALIDATOR.iter_errors(_read(text)))


def _read(text: str) -> Any:
    return yaml.safe_load(text)


def test_every_key_is_described() -> None:
    keys = {
        f"{model.__name__}.{key}"
        for model in models_in(ServiceSpec)
        if model not in (Amount, Bind)
        for key in keys_of(model)
        if not (model is ServiceSpec and key in OUR_FIELDS)
    }
    assert keys | {"ReplicaSpec.env_file"} == set(DESCRIPTIONS)


def test_defaults_are_in_peoples_units() -> None:
    route = SCHEMA["$defs"]["Route"]["properties"]
    assert (route["queue_timeout"]["default"], route["timeout_tunnel"]["default"]) == ("10s", "1h")
