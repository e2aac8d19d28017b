"""Broken policies, a service's name, route, bounds, policies and behavior.

Each gives one line with file, line, column, key and fix, in well under a second. The texts are what people read.
"""

from pathlib import Path

import pytest

from tests.support.policies import GOOD, changed, told, with_route

POLICIES = "policies:\n  - type: target_tracking\n    metric: request_rate\n    target: 50\n"

BROKEN = [
    pytest.param(
        changed("service: web\n", ""), "1:1: service: is missing", "name the service: `service: web`", id="service missing"
    ),
    pytest.param(
        changed("service: web", "service: Web_1"),
        "1:1: service: found 'Web_1'",
        "use lower-case letters, digits and -, at most 40, no - at the ends",
        id="service name",
    ),
    pytest.param(
        changed("service: web", "service: " + "a" * 41),
        "1:1: service: found 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'",
        "use lower-case letters, digits and -, at most 40, no - at the ends",
        id="service name too long",
    ),
    pytest.param(
        changed("service: web", 'service: "web\\n"'),
        "1:1: service: found 'web\\n'",
        "use lower-case letters, digits and -, at most 40, no - at the ends",
        id="service name newline",
    ),
    pytest.param(changed("service: web", "service: 12"), "1:1: service: found 12", "write a text", id="service is a number"),
    pytest.param(
        changed("replica:\n  image: app:1\n  port: 5000\n", ""),
        "1:1: replica: is missing",
        "say what a replica is: `replica: {image: NAME, port: 5000}`",
        id="replica missing",
    ),
    pytest.param(
        changed("  port: 5000\n", ""),
        "2:1: replica.port: is missing",
        "say what the replica listens on: `port: 5000`",
        id="port missing",
    ),
    pytest.param(
        changed("port: 5000", "port: 70000"), "4:3: replica.port: found 70000", "write at most 65535", id="port range"
    ),
    pytest.param(changed("port: 5000", "port: 0"), "4:3: replica.port: found 0", "write at least 1", id="port 0"),
    pytest.param(
        changed("port: 5000", "port: http"), "4:3: replica.port: found 'http'", "write a whole number", id="port text"
    ),
    pytest.param(
        changed("port: 5000", "port: 50.5"), "4:3: replica.port: found 50.5", "write a whole number", id="port fraction"
    ),
    pytest.param(
        changed("  image: app:1\n", ""),
        "2:1: replica.image: is missing",
        "name an image (`image: NAME`) or how to build one (`build: FOLDER`)",
        id="image missing",
    ),
    pytest.param(
        changed("  image: app:1\n", "").replace("service: web", "service: web\nruntime: process"),
        "3:1: replica.command: is missing",
        'say what to run: `command: ["python", "app.py"]`',
        id="process without command",
    ),
    pytest.param(
        changed("route:\n  bind: 127.0.0.1:8080\n", ""),
        "1:1: route: is missing",
        "say where clients connect: `route: {bind: 127.0.0.1:8080}`",
        id="route missing",
    ),
    pytest.param(
        changed("  bind: 127.0.0.1:8080\n", "  balance: random\n"),
        "5:1: route.bind: is missing",
        "say where clients connect: `bind: 127.0.0.1:8080`",
        id="bind missing",
    ),
    pytest.param(
        changed("bind: 127.0.0.1:8080", "bind: 8080"),
        "6:9: route.bind: found 8080",
        "write ADDRESS:PORT, like 127.0.0.1:8080 or 0.0.0.0:8080",
        id="bind port only",
    ),
    pytest.param(
        changed("bind: 127.0.0.1:8080", "bind: localhost:8080"),
        "6:3: route.bind: 'localhost' is no IP address",
        "write it like 127.0.0.1:8080 or 0.0.0.0:8080",
        id="bind name",
    ),
    pytest.param(
        changed("bind: 127.0.0.1:8080", "bind: '*:8080'"),
        "6:3: route.bind: '*' is no IP address",
        "write it like 127.0.0.1:8080 or 0.0.0.0:8080",
        id="bind star",
    ),
    pytest.param(
        changed("bind: 127.0.0.1:8080", "bind: 127.0.0.1:99999"),
        "6:3: route.bind: found 99999",
        "write at most 65535",
        id="bind port range",
    ),
    pytest.param(
        changed("bind: 127.0.0.1:8080", 'bind: "127.0.0.1:8080\\n  bind :22"'),
        "6:9: route.bind: found '127.0.0.1:8080\\n  bind :22'",
        "write ADDRESS:PORT, like 127.0.0.1:8080 or 0.0.0.0:8080",
        id="bind injection",
    ),
    pytest.param(
        with_route('host: "a\\nb.example.com"'),
        "7:3: route.host: found 'a\\nb.example.com'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host a\\nb.example.com",
    ),
    pytest.param(
        with_route('host: "a b"'),
        "7:3: route.host: found 'a b'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host a b",
    ),
    pytest.param(
        with_route('host: "\\"%[src]\\""'),
        "7:3: route.host: found '\"%[src]\"'",
        "write a name like shop.example.com, without scheme, port or *",
        id='host "%[src]"',
    ),
    pytest.param(
        with_route('host: "$${x"'),
        "7:3: route.host: found '${x'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host ${x",
    ),
    pytest.param(
        with_route('host: "a}"'),
        "7:3: route.host: found 'a}'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host a}",
    ),
    pytest.param(
        with_route('host: "a#b"'),
        "7:3: route.host: found 'a#b'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host a#b",
    ),
    pytest.param(
        with_route('host: "a\'b"'),
        '7:3: route.host: found "a\'b"',
        "write a name like shop.example.com, without scheme, port or *",
        id="host a'b",
    ),
    pytest.param(
        with_route('host: "a\\\\b"'),
        "7:3: route.host: found 'a\\\\b'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host a\\\\b",
    ),
    pytest.param(
        with_route('host: "a\\0b"'),
        "7:9: route.host: a NUL in a text",
        "remove it",
        id="host a\\0b",
    ),
    pytest.param(
        with_route('host: "http://a"'),
        "7:3: route.host: found 'http://a'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host http://a",
    ),
    pytest.param(
        with_route('host: "a:80"'),
        "7:3: route.host: found 'a:80'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host a:80",
    ),
    pytest.param(
        with_route('host: "*.a"'),
        "7:3: route.host: found '*.a'",
        "write a name like shop.example.com, without scheme, port or *",
        id="host *.a",
    ),
    pytest.param(
        with_route('path: "api"'),
        "7:3: route.path: found 'api'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id="path api",
    ),
    pytest.param(
        with_route('path: "/a\\nb"'),
        "7:3: route.path: found '/a\\nb'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id="path /a\\nb",
    ),
    pytest.param(
        with_route('path: "/a b"'),
        "7:3: route.path: found '/a b'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id="path /a b",
    ),
    pytest.param(
        with_route('path: "/%[src]"'),
        "7:3: route.path: found '/%[src]'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id="path /%[src]",
    ),
    pytest.param(
        with_route('path: "/$${x}"'),
        "7:3: route.path: found '/${x}'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id="path /$${x}",
    ),
    pytest.param(
        with_route('path: "/a#b"'),
        "7:3: route.path: found '/a#b'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id="path /a#b",
    ),
    pytest.param(
        with_route('path: "/a\\"b"'),
        "7:3: route.path: found '/a\"b'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id='path /a\\"b',
    ),
    pytest.param(
        with_route('path: "/a\\\\b"'),
        "7:3: route.path: found '/a\\\\b'",
        "write it like /api, with letters, digits and . _ ~ - %20 alone",
        id="path /a\\\\b",
    ),
    pytest.param(
        with_route('path: "/a\\0b"'),
        "7:9: route.path: a NUL in a text",
        "remove it",
        id="path /a\\0b",
    ),
    pytest.param(
        with_route('path: "/../x"'),
        "7:3: route.path: found '/../x'",
        "write the path as clients send it, without //, . and ..",
        id="path /../x",
    ),
    pytest.param(
        with_route('path: "//a"'),
        "7:3: route.path: found '//a'",
        "write the path as clients send it, without //, . and ..",
        id="path //a",
    ),
    pytest.param(
        GOOD + "replicas: {min: 5, max: 2}\n",
        "11:1: replicas: min 5 is above max 2",
        "lower min or raise max",
        id="min over max",
    ),
    pytest.param(GOOD + "replicas: {min: -1}\n", "11:12: replicas.min: found -1", "write at least 0", id="min negative"),
    pytest.param(
        GOOD + "replicas: {min: 0}\n",
        "11:12: replicas.min: 0 (scale to zero) is not available yet",
        "write 1 or more",
        id="min 0",
    ),
    pytest.param(GOOD + "replicas: {max: 0}\n", "11:12: replicas.max: found 0", "write at least 1", id="max 0"),
    pytest.param(
        changed("    target: 50\n", "    target: 50\n    tolerence: 10%\n"),
        "11:5: policies[0].tolerence: unknown key",
        "did you mean `tolerance`?",
        id="unknown key",
    ),
    pytest.param(GOOD + "replicsa: {min: 1}\n", "11:1: replicsa: unknown key", "did you mean `replica`?", id="unknown top"),
    pytest.param(
        with_route("balance: leastcon"),
        "7:3: route.balance: found 'leastcon'",
        "did you mean `leastconn`? allowed: leastconn, roundrobin, random",
        id="unknown value",
    ),
    pytest.param(
        changed("request_rate", "requests_rate"),
        "9:5: policies[0].metric: found 'requests_rate'",
        "did you mean `request_rate`? allowed: request_rate, concurrency, queue_length, latency_p50, "
        "latency_p90, latency_p95, latency_p99, error_ratio, cpu, memory",
        id="metric",
    ),
    pytest.param(
        changed(POLICIES, "policies: []\n"),
        "7:11: policies: is empty",
        "leave it out for `auto`, or write one, such as {type: target_tracking, metric: request_rate, target: 50}",
        id="policies empty",
    ),
    pytest.param(
        changed("  - type: target_tracking\n    metric: request_rate\n    target: 50\n", "  type: target_tracking\n"),
        "7:1: policies: found a mapping",
        "write a list",
        id="policies mapping",
    ),
    pytest.param(
        changed("type: target_tracking\n    metric", "metric"),
        "8:5: policies[0].type: is missing",
        "allowed: target_tracking, concurrency, step, schedule, latency_slo, predictive, auto",
        id="type missing",
    ),
    pytest.param(
        changed("    target: 50\n", ""),
        "8:5: policies[0].target: is missing",
        "write `target: 50` (one replica's share) or `total: 500` (the service's)",
        id="target missing",
    ),
    pytest.param(
        changed("    target: 50\n", "    target: 50\n    total: 500\n"),
        "11:5: policies[0].total: given beside `target`",
        "keep `target` (one replica's share) or `total` (the service's)",
        id="both",
    ),
    pytest.param(
        changed("target: 50", "target: 0"), "10:5: policies[0].target: found 0", "write more than 0", id="target zero"
    ),
    pytest.param(
        changed("target: 50", "target: 50%"),
        "10:5: policies[0].target: found '50%'",
        "request_rate takes a plain number such as 50",
        id="target unit",
    ),
    pytest.param(
        changed("request_rate", "latency_p95"),
        "10:5: policies[0].target: latency_p95 can't be shared out among replicas",
        "write `total: 250ms`",
        id="latency target",
    ),
    pytest.param(
        changed("request_rate\n    target: 50", "cpu\n    target: 70"),
        "10:5: policies[0].target: is 7000% of what there is",
        "write `70%` for 70 %",
        id="a forgotten per cent",
    ),
    pytest.param(
        changed("request_rate\n    target: 50", "cpu\n    total: 50%"),
        "10:5: policies[0].total: cpu is measured at each replica",
        "write `target: 70%`",
        id="cpu total",
    ),
    pytest.param(
        changed("request_rate\n    target: 50", "memory\n    target: 50%"),
        "9:5: policies[0].metric: memory is a fraction of `replica.mem_limit`, which is missing",
        "write `mem_limit: 256m`",
        id="memory without limit",
    ),
    pytest.param(
        GOOD.replace("request_rate\n    target: 50", "latency_p95\n    total: 250ms")
        + "  - {type: target_tracking, metric: latency_p95, total: 1s, window: 30s}\n",
        "11:61: policies[1].window: latency_p95 has another window in policies[0]",
        "give both the same window",
        id="two windows",
    ),
    pytest.param(
        changed("    target: 50\n", "    target: 50\n    window: 61m\n"),
        "11:5: policies[0].window: found '61m'",
        "write at most 1h",
        id="window",
    ),
    pytest.param(
        changed("    target: 50\n", "    target: 50\n    tolerance: {down: 100%}\n"),
        "11:17: policies[0].tolerance.down: found '100%'",
        "write less than 1",
        id="tolerance",
    ),
    pytest.param(
        GOOD + "scale_to_zero: {idle: 5m}\n",
        "11:1: scale_to_zero: replicas.min is 1",
        "write `min: 0`, or remove it",
        id="scale_to_zero: {idle: 5m}",
    ),
    pytest.param(
        GOOD + "warm_pool: {size: 1}\n", "11:1: warm_pool: not available yet", "remove it", id="warm_pool: {size: 1}"
    ),
    pytest.param(
        GOOD + "rollout: {max_surge: 2}\n", "11:1: rollout: not available yet", "remove it", id="rollout: {max_surge: 2}"
    ),
    pytest.param(GOOD + "priority: 5\n", "11:1: priority: not available yet", "remove it", id="priority: 5"),
    pytest.param(
        GOOD + "behavior: {anti_flap: often}\n",
        "11:12: behavior.anti_flap: found 'often'",
        "write true or false",
        id="behavior: {anti_flap: often}",
    ),
    pytest.param(
        GOOD + "runtime: swarm\n",
        "11:1: runtime: 'swarm' is not available yet",
        "allowed: docker, process",
        id="runtime: swarm",
    ),
    pytest.param(
        GOOD + "runtime: podman\n", "11:1: runtime: found 'podman'", "allowed: docker, process", id="runtime: podman"
    ),
    pytest.param(
        GOOD + "behavior: {scale_up: {policies: [{percent: 100, replicas: 1, period: 15s}]}}\n",
        "11:34: behavior.scale_up.policies[0]: a rate is either `percent` or `replicas`",
        "give one of them",
        id="rate both",
    ),
    pytest.param(
        GOOD + "behavior: {scale_up: {policies: [{percent: 100, period: 2h}]}}\n",
        "11:49: behavior.scale_up.policies[0].period: found '2h'",
        "write at most 30m",
        id="rate period",
    ),
    pytest.param(
        GOOD + "behavior: {scale_up: {policies: [{percent: 100}]}}\n",
        "11:34: behavior.scale_up.policies[0].period: is missing",
        "write it like `period: 15s`",
        id="rate no period",
    ),
    pytest.param(
        GOOD + "replicas: {max: 5}\nbehavior: {on_missing_metrics: fallback, fallback_replicas: 6}\n",
        "12:42: behavior.fallback_replicas: fallback_replicas 6 is above replicas.max 5",
        "write at most 5",
        id="fallback",
    ),
    pytest.param(GOOD + "spec_hash: abc\n", "11:1: spec_hash: unknown key", "remove it", id="spec_hash"),
    pytest.param(
        GOOD + "---\n" + GOOD.replace("service: web", "service: shop"),
        "17:3: route.bind: 127.0.0.1:8080 host (any) path / belongs to service 'web' already, at p.yaml:6:3",
        "tell them apart by `host:` or `path:`, or choose another bind",
        id="same route",
    ),
]


@pytest.mark.parametrize(("text", "problem", "fix"), BROKEN)
def test_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, problem: str, fix: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(text) == [f"p.yaml:{problem}; {fix}"]
