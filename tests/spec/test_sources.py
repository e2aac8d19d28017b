"""`metric:` as a mapping: what it comes to, and one clear line for each slip."""

from pathlib import Path

import pytest

from autoscaler.spec.models import PrometheusMetric, Secret, SourceMetric, Step, TargetTracking, Tls
from autoscaler.spec.origins import as_yaml
from autoscaler.spec.urls import is_link_local
from tests.support.policies import GOOD, load_text, spec_of, told

HEAD = GOOD.split("  - type")[0]
REST = 'server: "http://p:9090", query: up'


def tracking(mapping: str, rest: str = "target: 50") -> str:
    """A policy on that metric."""
    return f"{HEAD}  - {{type: target_tracking, metric: {{{mapping}}}, {rest}}}\n"


def metric_of(folder: Path, text: str) -> SourceMetric:
    policy = spec_of(folder, text).policies[0]
    assert isinstance(policy, TargetTracking)
    assert isinstance(policy.measured, SourceMetric)
    return policy.measured


def test_the_defaults(tmp_path: Path) -> None:
    assert metric_of(tmp_path, tracking(f"source: prometheus, {REST}")) == PrometheusMetric(
        source="prometheus",
        name="prometheus",
        server="http://p:9090",
        query="up",
        interval=5.0,
        timeout=2.0,
        window=None,
        auth=None,
        tls=None,
        trust_zero=False,
    )


def test_secrets_and_certificates(tmp_path: Path) -> None:
    auth = "auth: {username: scaler, password: {file: ./password}}"
    tls = "tls: {ca_file: ca.pem, cert_file: me.pem, key_file: me.key}"
    metric = metric_of(tmp_path, tracking(f'source: prometheus, server: "https://p/prom/", query: up, {auth}, {tls}'))
    assert metric.server == "https://p/prom"
    assert metric.auth is not None
    assert (metric.auth.username, metric.auth.password) == ("scaler", Secret(file="./password"))
    assert metric.tls == Tls(ca_file="ca.pem", cert_file="me.pem", key_file="me.key")


def test_the_name_is_what_other_rooms_know_it_by(tmp_path: Path) -> None:
    text = tracking(f"name: depth, source: prometheus, {REST}")
    step = f"{{type: step, metric: {{name: jobs, source: prometheus, {REST}}}, steps: [{{above: 9, add: 1}}]}}"
    spec = spec_of(tmp_path, f"{text}  - {step}\n  - {{type: concurrency, target: 9}}\n")
    assert [policy.metric for policy in spec.policies] == ["depth", "jobs", "concurrency"]
    assert list(spec.sources) == ["depth", "jobs"]
    assert isinstance(spec.policies[1], Step)
    assert spec.sources["jobs"] == spec.policies[1].measured


@pytest.mark.parametrize(
    ("mapping", "policy", "window"),
    [
        ("", "", 10.0),
        ("window: 1m", "", 60.0),
        ("", "window: 2m", 120.0),
        ("window: 0s", "", 0.0),
        ("window: 0s", "window: 0s", 0.0),
    ],
)
def test_a_window_is_the_policys_or_the_mappings(tmp_path: Path, mapping: str, policy: str, window: float) -> None:
    text = tracking(f"source: prometheus, {REST}, {mapping}".rstrip(", "), f"target: 50, {policy}".rstrip(", "))
    assert spec_of(tmp_path, text).policies[0].windows == {"prometheus": window}


def test_two_policies_may_look_at_one_metric(tmp_path: Path) -> None:
    text = tracking(f"source: prometheus, {REST}")
    other = f"{{type: target_tracking, metric: {{source: prometheus, {REST}}}, total: 900, window: 1m}}"
    spec = spec_of(tmp_path, f"{text}  - {other}\n")
    assert list(spec.sources) == ["prometheus"]
    assert [policy.windows["prometheus"] for policy in spec.policies] == [10.0, 60.0]


def test_variables_are_filled_in_and_a_dollar_is_doubled(tmp_path: Path) -> None:
    text = tracking("source: prometheus, server: '${PROM}', query: 'sum(up{job=~\"web.*$$\"})'")
    loaded = load_text(tmp_path, text, {"PROM": "http://prom:9090"})
    metric = loaded.documents[0].spec.sources["prometheus"]
    assert (metric.server, metric.query) == ("http://prom:9090", 'sum(up{job=~"web.*$"})')


def test_config_shows_the_names_of_secrets_alone(tmp_path: Path) -> None:
    text = tracking(f"source: prometheus, {REST}, auth: {{bearer_token: {{env: TOKEN}}}}")
    (document,) = load_text(tmp_path, text, {"TOKEN": "hunter2"}).documents
    shown = as_yaml(document.spec, document.origins)
    assert "bearer_token: {env: TOKEN}" in shown
    assert "hunter2" not in shown


BROKEN = [
    (REST, "8:29: policies[0].metric.source: is missing", "allowed: prometheus"),
    (
        f"source: promethus, {REST}",
        "8:38: policies[0].metric.source: found 'promethus'",
        "did you mean `prometheus`? allowed: prometheus",
    ),
    *(
        (
            f"source: {later}",
            f"8:46: policies[0].metric: source {later} is not available yet",
            "available: prometheus",
        )
        for later in ("scrape", "http", "redis", "rabbitmq")
    ),
    (
        'source: prometheus, server: "http://p"',
        "8:29: policies[0].metric.query: is missing",
        "write a query for one number: `query: 'sum(queue_depth)'`",
    ),
    (
        "source: prometheus, query: up",
        "8:29: policies[0].metric.server: is missing",
        "say where it answers: `server: http://127.0.0.1:9090`",
    ),
    (
        f"source: prometheus, {REST}, intervall: 5s",
        "8:94: policies[0].metric.intervall: unknown key",
        "did you mean `interval`?",
    ),
    (
        f"source: prometheus, {REST}, interval: 5",
        "8:94: policies[0].metric.interval: 5 has no unit",
        "write it like 250ms, 10s, 5m or 24h",
    ),
    (
        f"source: prometheus, {REST}, interval: 50ms",
        "8:94: policies[0].metric.interval: found '50ms'",
        "write at least 100ms",
    ),
    (f"source: prometheus, {REST}, timeout: 2m", "8:94: policies[0].metric.timeout: found '2m'", "write at most 1m"),
    (
        f"source: prometheus, {REST}, name: cpu",
        "8:94: policies[0].metric.name: cpu is a built-in metric",
        "choose another name",
    ),
    (
        f"source: prometheus, {REST}, name: 'a b'",
        "8:94: policies[0].metric.name: found 'a b'",
        "use letters, digits and _ . : -, at most 60, a letter first",
    ),
    (
        'source: prometheus, server: "http://p", query: ""',
        "8:78: policies[0].metric.query: is empty",
        "write a query for one number, such as 'sum(queue_depth)'",
    ),
    (
        f"source: prometheus, {REST}, auth: {{}}",
        "8:94: policies[0].metric.auth: is either a token or a user",
        "write {bearer_token: {env: NAME}} or {username, password}",
    ),
    (
        f"source: prometheus, {REST}, auth: {{username: scaler}}",
        "8:94: policies[0].metric.auth.password: is missing beside `username`",
        "write `password: {env: NAME}` or `{file: PATH}`",
    ),
    (
        f"source: prometheus, {REST}, auth: {{bearer_token: {{env: A}}, password: {{env: B}}}}",
        "8:125: policies[0].metric.auth.password: can't go with `bearer_token`",
        "write `username` and `password`, or the token alone",
    ),
    (
        f"source: prometheus, {REST}, auth: {{bearer_token: hunter2}}",
        "8:101: policies[0].metric.auth.bearer_token: found something else",
        "write {env: NAME} or {file: PATH}",
    ),
    (
        f"source: prometheus, {REST}, auth: {{bearer_tokn: {{env: A}}}}",
        "8:101: policies[0].metric.auth.bearer_tokn: unknown key",
        "did you mean `bearer_token`?",
    ),
    (
        f"source: prometheus, {REST}, tls: {{ca_file: ca.pem}}",
        "8:94: policies[0].metric.tls: goes with https alone",
        "write `server: https://...`, or remove it",
    ),
    (
        'source: prometheus, server: "https://p", query: up, tls: {key_file: k}',
        "8:96: policies[0].metric.tls.key_file: needs the certificate too",
        "write `cert_file: PATH`",
    ),
    (
        'source: prometheus, server: "https://p", query: up, tls: {ca_file: c, insecure_skip_verify: true}',
        "8:108: policies[0].metric.tls.insecure_skip_verify: makes `ca_file` useless",
        "keep one of the two",
    ),
]


@pytest.mark.parametrize(("mapping", "problem", "fix"), BROKEN, ids=[mapping for mapping, _, _ in BROKEN])
def test_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mapping: str, problem: str, fix: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(tracking(mapping)) == [f"p.yaml:{problem}; {fix}"]


def test_a_number_has_no_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = told(tracking(f"source: prometheus, {REST}", "target: 5s"))
    assert line.endswith(".target: found '5s'; prometheus takes a plain number such as 50")


def test_two_metrics_of_one_name_are_told_apart_by_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    other = '{type: target_tracking, metric: {source: prometheus, server: "http://p:9090", query: down}, target: 1}'
    assert told(f"{tracking(f'source: prometheus, {REST}')}  - {other}\n") == [
        "p.yaml:9:29: policies[1].metric: prometheus is another metric in policies[0]; "
        "give each a name of its own, such as `name: prometheus_2`"
    ]


def test_two_windows_of_one_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = told(tracking(f"source: prometheus, {REST}, window: 1m", "target: 1, window: 30s"))
    assert line.endswith("policies[0].window: is 1m in the metric's mapping; give it in one of the two places")


@pytest.mark.parametrize(
    ("server", "what"),
    [
        ("prom:9090", "found 'prom:9090'; write it like http://127.0.0.1:9090"),
        ("file:///etc/passwd", "found 'file:///etc/passwd'; write it like http://127.0.0.1:9090"),
        ("gopher://p:70/1", "found 'gopher://p:70/1'; write it like http://127.0.0.1:9090"),
        ("http://", "found 'http://'; write it like http://127.0.0.1:9090"),
        ("http://p:99999", "no address; write it like http://127.0.0.1:9090"),
        ("http://p q", "no address; write it like http://127.0.0.1:9090"),
        ("http://p\\r\\nHost: q", "no address; write it like http://127.0.0.1:9090"),
        ("http://p%2eq", "found 'http://p%2eq'; write it like http://127.0.0.1:9090"),
        ("http://me:hunter2@p", "has a user or password in it; give them by `auth:`"),
        ("http://p/prom/api/v1/", "found 'http://p/prom/api/v1/'; leave out /api/v1, which is put after it"),
        ("http://p?query=1", "found 'http://p?query=1'; write it without ? and #"),
        *(
            (f"http://{host}/", f"found 'http://{host}/', where clouds keep credentials; name a server of metrics")
            for host in ("169.254.169.254", "0xA9FEA9FE", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]")
        ),
    ],
)
def test_addresses_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, what: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(tracking(f'source: prometheus, server: "{server}", query: up')) == [
        f"p.yaml:8:58: policies[0].metric.server: {what}"
    ]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("fe80::1", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2002:a9fe:a9fe::1", True),
        ("fd00:ec2::254", True),
        ("::1", False),
        ("127.0.0.1", False),
        ("10.0.0.7", False),
        ("prometheus", False),
    ],
)
def test_link_local_addresses(host: str, expected: bool) -> None:
    assert is_link_local(host) is expected
