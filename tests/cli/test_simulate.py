"""`autoscaler simulate`: its figures in JSON, its table, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import run

POLICY = """\
service: {name}
replica: {{image: x, port: 5000}}
route: {{bind: 127.0.0.1:8080}}
replicas: {{min: 1, max: 50}}
policies:
  - {{type: target_tracking, metric: request_rate, target: {target}}}
"""
CONTRACT = """
requests slo_violations dropped latency_p50_s latency_p95_s latency_p99_s replica_seconds oracle_replica_seconds scale_ups
scale_downs peak_replicas under_provisioned_fraction over_provisioned_fraction windows_violated_fraction
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    return made(tmp_path, "web.yaml", 7)


@pytest.fixture
def trace(tmp_path: Path) -> str:
    path = tmp_path / "t.csv"
    path.write_text("timestamp_s,rps\n0,20\n60,60\n120,20\n")
    return str(path)


def made(folder: Path, name: str, target: int) -> str:
    path = folder / name
    path.write_text(POLICY.format(name="web", target=target))
    return str(path)


def test_json_has_the_contracts_figures(policy: str, trace: str) -> None:
    ran = run("simulate", "--policy", policy, "--trace", trace, "--json")
    told = json.loads(ran.stdout)
    assert ran.exit_code == 0
    assert set(CONTRACT.split()) <= told.keys()
    assert told["policy"] == policy
    assert told["engine"] == "exact"
    assert told["requests"] == pytest.approx(6000, rel=0.05)
    assert told["requests"] == told["answered"] + told["dropped"] + told["in_flight"]


def test_the_same_seed_prints_the_same(policy: str, trace: str) -> None:
    def told(seed: str) -> str:
        return run("simulate", "--policy", policy, "--trace", trace, "--json", "--seed", seed).stdout

    assert told("2") == told("2")
    assert told("2") != told("3")


def test_several_policies_are_columns_of_one_table(tmp_path: Path, policy: str, trace: str) -> None:
    other = made(tmp_path, "spare.yaml", 4)
    ran = run("simulate", "--policy", policy, "--compare", other, "--trace", trace)
    lines = ran.stdout.splitlines()
    assert lines[0].split() == [policy, other]
    hours = next(line for line in lines if line.startswith("replica-hours")).split()
    assert float(hours[1]) < float(hours[2])
    assert (
        lines[-1]
        == "Assumed: a request takes 100ms (cv 1), 1 at once a replica, ready 5s after a start, late beyond 500ms, seed 1"
    )


def test_what_the_model_has_not_is_told(tmp_path: Path, policy: str, trace: str) -> None:
    depth = "{source: prometheus, name: depth, server: 'http://p:9090', query: up}"
    blind = tmp_path / "blind.yaml"
    blind.write_text(Path(policy).read_text().replace("metric: request_rate", f"metric: {depth}"))
    ran = run("simulate", "--policy", policy, "--compare", str(blind), "--trace", trace)
    assert ran.stdout.rstrip().endswith(f"Not modelled, so missing all along: depth of {blind}")


def test_several_policies_are_a_list_in_json(tmp_path: Path, policy: str, trace: str) -> None:
    other = made(tmp_path, "spare.yaml", 4)
    ran = run("simulate", "--policy", policy, "--compare", other, "--trace", trace, "--json")
    assert [each["policy"] for each in json.loads(ran.stdout)] == [policy, other]


def test_every_assumption_can_be_given(policy: str, trace: str) -> None:
    flags = ["--service-time", "50ms", "--service-cv", "0", "--replica-concurrency", "4", "--slo-wait", "200ms"]
    ran = run("simulate", "--policy", policy, "--trace", trace, *flags, "--startup", "10s", "--seed", "7")
    assert ran.stdout.splitlines()[-1] == (
        "Assumed: a request takes 50ms (cv 0), 4 at once a replica, ready 10s after a start, "
        "late if queued beyond 200ms, seed 7"
    )


def test_the_objective_decides_what_is_late(policy: str, trace: str) -> None:
    def late(*flags: str) -> int:
        return int(
            json.loads(run("simulate", "--policy", policy, "--trace", trace, "--json", *flags).stdout)["slo_violations"]
        )

    assert late("--slo", "100ms") > late() > 0
    assert late("--slo", "1h", "--slo-wait", "1h") == late("--slo-wait", "1h") == 0


def test_the_page_holds_every_policy_and_needs_nothing_else(tmp_path: Path, policy: str, trace: str) -> None:
    other = made(tmp_path, "spare.yaml", 4)
    page = tmp_path / "out.html"
    ran = run("simulate", "--policy", policy, "--compare", other, "--trace", trace, "--plot", str(page))
    text = page.read_text()
    assert ran.exit_code == 0
    assert json.dumps(policy) in text
    assert json.dumps(other) in text
    assert "simulate t.csv" in text
    assert "src=" not in text
    assert "<link" not in text
    assert "uPlot" in text


def test_a_page_that_can_not_be_written(tmp_path: Path, policy: str, trace: str) -> None:
    page = tmp_path / "none" / "out.html"
    ran = run("simulate", "--policy", policy, "--trace", trace, "--plot", str(page))
    assert ran.exit_code == 2
    assert ran.stderr == f"{page}: No such file or directory; name another file by --plot\n"


def test_a_policy_given_twice_is_refused(policy: str, trace: str) -> None:
    ran = run("simulate", "--policy", policy, "--compare", policy, "--trace", trace)
    assert (ran.exit_code, ran.stderr) == (2, "--compare: given twice; name each policy file once\n")


def test_no_traffic_is_no_error(tmp_path: Path, policy: str) -> None:
    quiet = tmp_path / "quiet.csv"
    quiet.write_text("timestamp_s,rps\n0,0\n60,0\n")
    ran = run("simulate", "--policy", policy, "--trace", str(quiet))
    assert ran.exit_code == 0
    assert "none answered" in ran.stdout


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param(
            ["--service-time", "fast"], "--service-time: 'fast' is no duration; write it like 250ms, ", id="no duration"
        ),
        pytest.param(["--service-time", "0s"], "--service-time: 0s is no service time; give what a request takes", id="0s"),
        pytest.param(["--service-cv", "-1"], "--service-cv: -1 is out of range; give 0 to 10, 1 for exponential", id="cv"),
        pytest.param(
            ["--service-cv", "nan"], "--service-cv: nan is out of range; give 0 to 10, 1 for exponential", id="nan"
        ),
        pytest.param(["--slo", "soon"], "--slo: 'soon' is no duration; write it like 250ms, ", id="slo"),
        pytest.param(["--compare", "none.yaml"], "none.yaml: ", id="no such policy"),
    ],
)
def test_what_can_not_be_meant_is_refused(policy: str, trace: str, flags: list[str], said: str) -> None:
    ran = run("simulate", "--policy", policy, "--trace", trace, *flags)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(said)
    assert ran.stderr.count("\n") == 1


def test_a_malformed_trace_is_one_line_with_its_place(policy: str, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("timestamp_s,rps\n0,1\n60,nan\n")
    ran = run("simulate", "--policy", policy, "--trace", str(bad))
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr == f"{bad}:3: rps: 'nan' is no number; give a number, 0 where no request came\n"
