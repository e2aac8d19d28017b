"""Whatever is in a policy file: reading it ends soon, with a service or with problems, and never with an error."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoscaler.spec.load import load_document, load_policies
from tests.support.policies import GOOD, with_replica

RICH = (
    with_replica(
        "command: python app.py\n"
        "environment: {A: b, S: {env: T}, U: '${X:-y}'}\n"
        "volumes: [./a:/b:ro, {type: volume, source: v, target: /v}]\n"
        "ulimits: {nofile: {soft: 1, hard: 2}}\n"
        "extra_hosts: ['a:1.2.3.4']\n"
        "networks: {n: }\n"
        "build: {context: ., args: [A=1]}\n"
        "healthcheck: {test: [CMD, x], interval: 2s}\n"
        "labels: {a: b}\n"
        "logging: {driver: x, options: {a: 1}}\n"
        "env_file: [{path: v.env, required: false}]"
    )
    + "behavior: {scale_down: {policies: [{percent: 10, period: 1m}]}, on_missing_metrics: fallback}\n"
    + "replicas: &r {min: 1, max: 5}\nx-r: *r\n"
)
WORDS = """[ ] { } : - ? , & * ! | > ' " % @ ` # $ ${ ${A} ${A:-b} $$ ~ null true 0 -1 1e999 .inf .nan 0x1f 10s 5% /
    .. \\ --- ... &a *a <<: !!str !x {} [] [[ service replica route policies port image bind type metric target total web"""
ODD = [
    "\n",
    "\n  ",
    "\n    - ",
    ": ",
    "- ",
    "\t",
    "\r",
    "\0",
    "\x1b",
    "\ud800",
    "é",
    "\u2028",
    "\ufeff",
    "9" * 400,
    "a" * 300,
]
PIECES = st.sampled_from([*WORDS.split(), *ODD])
WRONG = st.sampled_from(
    ["[]", "{}", "[1]", "{a: 1}", "x", "1", "-1", "true", "~", "''", "[[]]", "[{a: [b]}]", "1.5", "$A", "{env: 1}"]
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good policy with some pieces put in, and some stretches taken out."""
    text = draw(st.sampled_from([GOOD, RICH, GOOD + "---\n" + RICH]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        text = text[:start] + draw(PIECES) + text[start + draw(st.integers(0, 12)) :]
    return text


@st.composite
def misshapen(draw: st.DrawFn) -> str:
    """A good policy where values have another shape."""
    lines = draw(st.sampled_from([GOOD, RICH])).splitlines()
    for _ in range(draw(st.integers(1, 3))):
        number = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[number].partition(":")
        lines[number] = f"{key}: {draw(WRONG)}" if colon else lines[number]
    return "\n".join(lines) + "\n"


def check(folder: Path, text: str) -> None:
    loaded = load_document(text, folder / "p.yaml", environ={"A": "1"})
    assert bool(loaded.problems) or len(loaded.documents) <= 1
    for problem in loaded.problems:
        assert str(problem).isprintable()
        assert problem.mark.line >= 1
        assert problem.what


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.timeout(300)  # thousands of files, on a machine that may be busy
@settings(max_examples=6_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=mutated())
def test_mutated_text(folder: Path, text: str) -> None:
    check(folder, text)


@pytest.mark.timeout(300)  # thousands of files, on a machine that may be busy
@settings(max_examples=4_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=misshapen())
def test_values_of_another_shape(folder: Path, text: str) -> None:
    check(folder, text)


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(raw=st.binary(max_size=200), env=st.binary(max_size=100))
def test_bytes(folder: Path, raw: bytes, env: bytes) -> None:
    (folder / "p.yaml").write_bytes(raw)
    (folder / ".env").write_bytes(env)
    try:
        loaded = load_policies([folder / "p.yaml"], environ={})
    finally:
        (folder / ".env").unlink()
    assert loaded.problems or loaded.unread
