"""`autoscaler validate`, `config` and `schema`, as a shell sees them."""

import json
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from autoscaler.cli import app
from tests.support.policies import GOOD, changed, with_replica

TOP = Path(__file__).parents[2]


def run(*args: str, **variables: str) -> Result:
    return CliRunner().invoke(app, list(args), env=variables, prog_name="autoscaler")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with `policies/web.yaml`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "web.yaml").write_text(GOOD)
    return tmp_path


def test_validate_finds_the_default_folder(folder: Path) -> None:
    result = run("validate")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "policies/web.yaml:1: web: ok (docker, 127.0.0.1:8080 /, 1..10 replicas)\n"


def test_validate_tells_all_problems_and_ends_with_2(folder: Path) -> None:
    (folder / "policies" / "bad.yaml").write_text(changed("5000", "0").replace("request_rate", "rate"))
    result = run("validate", "policies")
    assert (result.exit_code, result.stdout) == (2, "")
    first, second = result.stderr.splitlines()
    assert first == "policies/bad.yaml:4:3: replica.port: found 0; write at least 1"
    assert second.startswith("policies/bad.yaml:9:5: policies[0].metric: found 'rate'; ")


def test_validate_in_json(folder: Path) -> None:
    good = json.loads(run("validate", "--json").stdout)
    assert (good["valid"], good["services"][0]["name"], good["problems"]) == (True, "web", [])
    (folder / "policies" / "web.yaml").write_text(changed("5000", "0"))
    result = run("validate", "--json")
    bad = json.loads(result.stdout)
    assert (result.exit_code, bad["valid"]) == (2, False)
    assert bad["problems"][0] == {
        "file": "policies/web.yaml",
        "line": 4,
        "column": 3,
        "service": "web",
        "key": "replica.port",
        "what": "found 0",
        "fix": "write at least 1",
        "text": "policies/web.yaml:4:3: replica.port: found 0; write at least 1",
    }


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("nowhere", "nowhere: can't be read: No such file or directory; name a policy file or a folder of them\n"),
        ("empty", "empty: holds no *.yaml or *.yml; name a policy file or a folder of them\n"),
    ],
)
def test_validate_of_nothing_ends_with_2(folder: Path, path: str, told: str) -> None:
    (folder / "empty").mkdir()
    result = run("validate", path)
    assert (result.exit_code, result.stderr) == (2, told)


def test_validates_flags(folder: Path) -> None:
    (folder / "policies" / "web.yaml").write_text(with_replica("cap_add: [SYS_ADMIN]"))
    (folder / "policies").chmod(0o777)
    assert run("validate").exit_code == 2
    assert run("validate", "--allow-privileged", "web").exit_code == 2
    result = run("validate", "--allow-privileged", "web", "--allow-writable-policies")
    assert (result.exit_code, result.stderr) == (0, "warning: everyone can write policies (mode 0777)\n")
    wrong = run("validate", "--runtime", "podman")
    assert wrong.exit_code == 2
    assert "'podman' is not one of 'docker', 'process'" in wrong.stderr


def test_no_escape_code_reaches_the_terminal(folder: Path) -> None:
    (folder / "policies" / "web.yaml").write_text(GOOD + '"\\e[31mred\\r\\n": 1\n')
    result = run("validate")
    assert result.exit_code == 2
    assert "\x1b" not in result.output
    assert len(result.stderr.splitlines()) == 1


def test_config_shows_each_value_with_its_origin(folder: Path) -> None:
    (folder / "policies" / ".env").write_text("# tags\nTAG=2\n")
    (folder / "policies" / "web.yaml").write_text(
        with_replica("stop_grace_period: 90s").replace("app:1", "app:${TAG}").replace("5000", "${PORT}")
    )
    result = run("config", "web", PORT="81")
    origins = dict(_without_comments(line) for line in result.stdout.splitlines() if "#" in line)
    assert result.exit_code == 0
    assert origins['image: "app:2"'] == "policies/.env:2"
    assert origins["port: 81"] == "$PORT of the environment"
    assert origins["stop_grace_period: 1m30s"] == "policies/web.yaml:5:22"
    assert origins["queue_timeout: 10s"] == "default"
    assert origins["stabilization_window: 5m"] == "default (HPA's)"
    assert origins["init: true"] == "default (hardening)"


def _without_comments(line: str) -> tuple[str, str]:
    value, _, origin = line.partition("  # ")
    return value.strip(" -"), origin


def test_configs_own_yaml_is_a_policy_that_means_the_same(folder: Path) -> None:
    run_config = run("config")
    again = folder / "again.yaml"
    text = run_config.stdout
    again.write_text(text)
    assert yaml.safe_load(text)["replica"]["port"] == 5000
    assert run("validate", "again.yaml").exit_code == 0
    values = [line.split("  # ")[0].rstrip() for line in text.splitlines()]
    assert [
        line.split("  # ")[0].rstrip() for line in run("config", "--policies", "again.yaml").stdout.splitlines()
    ] == values


def test_config_hides_values_of_the_environment(folder: Path) -> None:
    (folder / "policies" / "s.env").write_text("FROM_FILE=hunter2\n")
    (folder / "policies" / "web.yaml").write_text(
        with_replica("environment: {A: hunter2, B: '${SECRET}'}\nenv_file: s.env\nbuild: {context: ., args: {K: hunter2}}")
    )
    for flags in ([], ["--json"]):
        result = run("config", *flags, SECRET="hunter2")
        assert result.exit_code == 0
        assert "FROM_FILE" in result.stdout
        assert "hunter2" not in result.stdout


def test_config_of_a_service_that_is_not_there(folder: Path) -> None:
    result = run("config", "shop")
    assert (result.exit_code, result.stderr) == (2, "autoscaler config: no service 'shop'; there are: web\n")


def test_the_schema_file_is_the_schema() -> None:
    told = run("schema").stdout
    assert told == (TOP / "autoscaler.schema.json").read_text(), "stale: autoscaler schema > autoscaler.schema.json"


def test_config_gives_programs_numbers_and_booleans_as_such(folder: Path) -> None:
    (folder / "policies" / "web.yaml").write_text(with_replica('environment: {A: "1"}\nuser: "1000"'))
    (service,) = json.loads(run("config", "web", "--json").stdout)
    value = {key: told["value"] for key, told in service["values"].items()}
    assert (value["replica.port"], value["replica.init"], value["replica.dns"]) == (5000, True, [])
    assert (value["route.queue_timeout"], value["replica.user"]) == ("10s", "1000")
    assert value["replica.environment.A"] == "***"
    assert value["policies[0].tolerance.up"] == 0.1
