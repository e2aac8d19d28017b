"""Broken policies, `replica:` in Compose's other forms: long mounts, options of a network and a build, files of variables.

Each gives one line with file, line, column, key and fix; none is silently read as something else.
"""

from pathlib import Path

import pytest

from tests.support.policies import load_text, told, with_replica

MOUNT_FIX = "write SOURCE:TARGET or SOURCE:TARGET:ro, with an absolute TARGET"

BROKEN = [
    ("volumes: [1]", "5:13: replica.volumes[0]: found 1", MOUNT_FIX),
    ("volumes: [':/b']", "5:13: replica.volumes[0]: found ':/b'", MOUNT_FIX),
    ("volumes: ['a:/b:ro:z']", "5:13: replica.volumes[0]: found 'a:/b:ro:z'", MOUNT_FIX),
    ("volumes: {a: /b}", "5:3: replica.volumes: found a mapping", "write a list"),
    (
        "volumes: [{type: bind, target: /a}]",
        "5:13: replica.volumes[0].source: is missing",
        "say which path of the host: `source: ./files`",
    ),
    (
        "volumes: [{type: bind, source: ./a, target: a}]",
        "5:47: replica.volumes[0].target: found 'a'",
        "write an absolute path",
    ),
    (
        "volumes: [{type: bind, source: ./a, target: /a, bind: {propagation: shared}}]",
        "5:51: replica.volumes[0].bind: not available yet",
        "remove it",
    ),
    (
        "volumes: [{type: volume, sorce: x, target: /a}]",
        "5:28: replica.volumes[0].sorce: unknown key",
        "did you mean `source`?",
    ),
    (
        "networks: {front: {aliases: [web]}}",
        "5:14: replica.networks.front: options of a network are not available yet",
        "write the name alone",
    ),
    ("networks: front", "5:3: replica.networks: found 'front'", "write a list"),
    ("build: {context: ., ssh: [default]}", "5:23: replica.build.ssh: not available yet", "remove it"),
    ("build: [app]", "5:3: replica.build: found a list", "write a mapping"),
    ("env_file: [3]", "5:14: replica.env_file[0]: found 3", "write the path of a file"),
    (
        "env_file: [{path: a.env, required: false, format: raw}]",
        "5:45: replica.env_file[0].format: not available yet",
        "allowed: path, required",
    ),
    ("extra_hosts: {db: }", "5:17: replica.extra_hosts.db: found nothing", 'write "somehost:203.0.113.7"'),
    ("extra_hosts: db", "5:3: replica.extra_hosts: found 'db'", "write a list"),
    ("ulimits: 5", "5:3: replica.ulimits: found 5", "write a mapping"),
    ("logging: json-file", "5:3: replica.logging: found 'json-file'", "write a mapping"),
    ("pull_policy: [always]", "5:3: replica.pull_policy: found a list", "allowed: always, missing, never, build"),
    ("healthcheck: 5", "5:3: replica.healthcheck: found 5", "write a mapping"),
    ("environment: s3cret", "5:3: replica.environment: found something else", "write a mapping"),
    ("? [a]\n: 1", "5:5: replica: a key that is a list or a mapping", "write a text before the `:`"),
    ("cpus: [1]", "5:3: replica.cpus: found a list", "write a number"),
]


@pytest.mark.parametrize(("lines", "problem", "fix"), BROKEN, ids=[lines for lines, *_ in BROKEN])
def test_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, problem: str, fix: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(with_replica(lines)) == [f"p.yaml:{problem}; {fix}"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"A=1\nB=\0\n", "v.env:2:1: a NUL; remove it, and save the file as text"),
        (b"A=1\nB='open\n", "v.env:2:1: not a variable; write NAME=value, close quotes, start comments with #"),
        (b'A="closed" then more\n', "v.env:1:1: not a variable; write NAME=value, close quotes, start comments with #"),
        (b"A=${UNSET:?say which}\n", "v.env:1:1: A: variable UNSET is empty: say which; set UNSET"),
    ],
)
def test_a_file_of_variables_that_cannot_be_read_is_told_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("v.env").write_bytes(text)
    assert told(with_replica("env_file: v.env")) == [problem]


def test_a_dotenv_that_cannot_be_read_is_told_and_not_taken_for_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").symlink_to(".env")
    assert told(with_replica("user: app")) == [".env:1:1: can't be read: Too many levels of symbolic links; check '.env'"]


def test_an_optional_file_of_variables_may_be_missing_but_not_unreadable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = with_replica("env_file: {path: v.env, required: false}")
    assert told(text) == []
    Path("v.env").symlink_to("v.env")
    assert told(text) == [
        "p.yaml:5:20: replica.env_file: 'v.env' can't be read: Too many levels of symbolic links; "
        "paths are relative to the policy file"
    ]


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        (b"PASSED\nUNSET\n", {"PASSED": "on"}),
        (b'A="a line\\nand ${PASSED}, not \\$it, \\q"\n', {"A": "a line\nand on, not $it, \\q"}),
        (b"A='$AS it is'\nB=${A} # once more\n", {"A": "$AS it is", "B": "$AS it is"}),
    ],
)
def test_a_file_of_variables_is_read_as_compose_does(tmp_path: Path, text: bytes, environment: dict[str, str]) -> None:
    (tmp_path / "v.env").write_bytes(text)
    loaded = load_text(tmp_path, with_replica("env_file: v.env"), {"PASSED": "on"})
    assert [str(problem) for problem in loaded.problems] == []
    assert loaded.documents[0].spec.replica.environment == environment
