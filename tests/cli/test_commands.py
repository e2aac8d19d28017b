"""The table of commands tells the truth, costs nothing, and every flag has its variable."""

import json
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from typer.core import TyperOption

from autoscaler import __version__
from autoscaler.cli import COMMANDS, NOT_YET, load, variable
from tests.cli.conftest import run

TABLE = {name: told for group in COMMANDS.values() for name, told in group.items()}
THERE = sorted(name for name in TABLE if find_spec(f"autoscaler.cli.{name}"))
CONTRACT = """
run validate schema config plan status explain history events logs scale pause resume rollout down reload doctor healthcheck
demo replay simulate convert export version
"""
HELP_CPU_S = 0.3
HEAVY = ("aiohttp", "pydantic", "docker", "rich", "yaml", "jinja2", "asyncio", "requests", "sqlite3")
ONE_SERVICE = """\
service: web
replica: {image: "app:1", port: 80}
route: {bind: "127.0.0.1:8080"}
policies: [{type: target_tracking, metric: request_rate, target: 50}]
"""
MAIN = "from autoscaler.cli import main; main()"


def test_the_table_has_the_contracts_commands() -> None:
    assert sorted({*TABLE, *NOT_YET}) == sorted(CONTRACT.split())


@pytest.mark.parametrize("name", THERE)
def test_a_command_says_of_itself_what_the_table_says(name: str) -> None:
    first = str(load(name).help).strip().partition("\n\n")[0].replace("\n", " ")
    assert first.startswith(TABLE[name].rstrip("."))


@pytest.mark.parametrize("name", THERE)
def test_every_help_has_an_example(name: str) -> None:
    shown = run(name, "--help")
    assert shown.exit_code == 0
    assert re.search(rf"^ *Examples?:\n.*autoscaler {name}", shown.output, re.MULTILINE)


@pytest.mark.parametrize("name", THERE)
def test_every_flag_has_a_variable(name: str) -> None:
    for parameter in load(name).params:
        if isinstance(parameter, TyperOption) and parameter.name != "help":
            longest = max(parameter.opts, key=len)
            assert parameter.envvar == "AUTOSCALER_" + longest.removeprefix("--").replace("-", "_").upper()


@pytest.mark.parametrize(
    ("flags", "name"), [(["--state-dir"], "STATE_DIR"), (["-f", "--follow"], "FOLLOW"), (["--json"], "JSON")]
)
def test_a_variables_name(flags: list[str], name: str) -> None:
    assert variable(flags) == f"AUTOSCALER_{name}"


def test_flag_over_variable_over_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "api.sock" in run("status").stderr
    monkeypatch.setenv("AUTOSCALER_STATE_DIR", f"{tmp_path}/variable")
    assert f"{tmp_path}/variable/api.sock" in run("status").stderr
    assert f"{tmp_path}/flag/api.sock" in run("status", "--state-dir", f"{tmp_path}/flag").stderr


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_what_is_not_there_yet_says_so(name: str) -> None:
    asked = run(name, "status", "web", "--any")
    assert (asked.exit_code, asked.stdout) == (2, "")
    assert asked.stderr == f"autoscaler: `{name}` is not available yet; see `autoscaler --help` for what is\n"


def test_help_lists_what_is_there_and_only_that() -> None:
    shown = run("--help").output
    for name in TABLE:
        assert re.search(rf"^  {name} +\w", shown, re.MULTILINE), name
    for name in NOT_YET:
        assert not re.search(rf"^  {name} ", shown, re.MULTILINE), name


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    told = f"atexit.register(lambda: print(sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr))"
    code = f"import sys, atexit; {told}; {MAIN}"
    took = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run([sys.executable, "-c", code, "--help"], capture_output=True, text=True, timeout=30, check=True)
        after = os.times()
        took.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert "Commands" not in done.stderr
        assert done.stderr == "[]\n"
    assert min(took) < HELP_CPU_S


def test_completion_knows_commands_and_their_flags() -> None:
    for words, there in (
        ("autoscaler sta", "status"),
        ("autoscaler status --wat", "--watch"),
        ("autoscaler pause --in", "--in-only"),
    ):
        environment = {
            **os.environ,
            "_AUTOSCALER_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-c", MAIN], capture_output=True, text=True, timeout=30, env=environment, check=False
        )
        assert there in done.stdout.split(), (words, done)


def test_version() -> None:
    assert run("--version").stdout == f"autoscaler {__version__}\n"
    assert run("version").stdout.startswith(f"autoscaler {__version__} (Python 3.")
    assert json.loads(run("version", "--json").stdout)["version"] == __version__


def test_a_wrong_word_is_usage_with_a_guess() -> None:
    asked = run("stauts")
    assert asked.exit_code == 2
    assert "Did you mean 'status'" in asked.stderr
    assert run("status", "--nope").exit_code == 2
    assert run().exit_code == 2


@pytest.mark.parametrize("flags", [(), ("--dry-run",)], ids=["run", "dry run"])
def test_an_engine_of_a_kind_not_available_yet_ends_a_run_with_the_reason(tmp_path: Path, flags: tuple[str, ...]) -> None:
    (tmp_path / "web.yaml").write_text(ONE_SERVICE)
    words = ["run", str(tmp_path / "web.yaml"), *flags]
    environment = os.environ | {"DOCKER_HOST": "ssh://host", "AUTOSCALER_STATE_DIR": str(tmp_path / "state")}
    told = subprocess.run([sys.executable, "-c", MAIN, *words], env=environment, capture_output=True, text=True, timeout=60)
    assert told.returncode == 1
    assert "engines over ssh:// are not available yet" in told.stderr.splitlines()[-1]


@pytest.mark.parametrize("instance", ["caf\u00e9", "Web", "a_b", "a b", "a/b", "", "x" * 41])
@pytest.mark.parametrize("command", ["run", "plan", "down"])
def test_an_instance_that_cannot_be_part_of_a_containers_name_is_refused(
    tmp_path: Path, command: str, instance: str
) -> None:
    refused = run(command, "--instance", instance, "--state-dir", str(tmp_path))
    assert refused.exit_code == 2
    assert "a to z, digits and dashes" in refused.stderr
