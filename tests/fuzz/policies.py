"""Policy files: whatever is in them and in `.env`, reading gives services or problems, and each problem says what to do.

A case is the file's bytes, then, behind a line `#.env`, those of `.env`. A service that was read is read again from the
text that is kept of it, as a daemon does that starts while its file is broken.
"""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from autoscaler.runtimes.docker.body import create_body
from autoscaler.spec.load import Loaded, load_document, load_policies
from autoscaler.spec.problems import Problem
from tests.fuzz.grammar import document, written
from tests.fuzz.mutate import WORDS, broken
from tests.fuzz.runs import Check, Target
from tests.support.policies import GOOD, with_replica

ENV = b"\n#.env\n"
ENVIRON = {"A": "1", "PORT": "80"}
LONGEST_PROBLEM = 1000

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
PROCESS = GOOD.replace("  image: app:1\n", "  command: [python, app.py]\n") + "runtime: process\n"
DOTENV = b"A=b # c\nexport B='x y'\nC=\"a\\n${B:-z}\nmore\"\nD: e\nF\n"
BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
CORPUS = (
    *(text.encode() for text in (GOOD, RICH, PROCESS, f"{GOOD}---\n{RICH}", BOMB + GOOD)),
    GOOD.encode() + ENV + DOTENV,
)
YAML_WORDS = (
    b"- ", b": ", b"? ", b"&a ", b"*a", b"<<: *r\n", b"!", b"!!str ", b"!!python/object:os ", b"| ", b"> ", b"'", b"%",
    b"@", b"`",
    b"~", b"---", b"...", b"{}", b"[]", b"[[", b"0o17", b"\n  ", b"\n    - ", b"image", b"replica", b"*r", b"10s",
    b"service: web\n",
    b"\n---\n", ENV, b"[" * 60, b"{a: " * 60, b"[" * 20_000, b"a: " * 2000, b"${A:-" * 12, b"&x [*x]", *WORDS,
)  # fmt: skip


def make(random: Random) -> bytes:
    """A text of the syntax, or a good one, whole or broken."""
    kind = random.randrange(4)
    if kind == 0:
        return broken(random, random.choice(CORPUS), CORPUS, YAML_WORDS)
    made = "---\n".join(written(random, document(random)) for _ in range(random.choice((1, 1, 2)))).encode()
    return broken(random, made, CORPUS, YAML_WORDS) if kind == 1 else made


@contextmanager
def ready() -> Iterator[Check]:
    """A folder of its own for the files."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        yield lambda case: check(folder, case)


def check(folder: Path, case: bytes) -> None:
    text, _, env = case.partition(ENV)
    path = folder / "p.yaml"
    path.write_bytes(text)
    (folder / ".env").write_bytes(env)
    loaded = load_policies([path], environ=ENVIRON)
    assert loaded.documents or loaded.problems or loaded.unread, "it says nothing at all"
    for problem in loaded.problems:
        check_problem(folder, problem)
    check_documents(path, loaded)


def check_problem(folder: Path, problem: Problem) -> None:
    """It has a place in one of the files, says what is wrong and what to do, in one line that a terminal only prints."""
    told = str(problem)
    assert Path(problem.mark.file).parent == folder, f"no file of ours: {told}"
    assert problem.mark.line >= 1, told
    assert problem.mark.column >= 1, told
    assert problem.what, f"it doesn't say what: {told}"
    assert problem.fix, f"it doesn't say what to do: {told}"
    assert told.isprintable(), f"not one line of text: {told!r}"
    assert len(told) < LONGEST_PROBLEM + len(str(folder)), f"{len(told)} characters: {told:.200}"


def check_documents(path: Path, loaded: Loaded) -> None:
    """Each is the same when read again from its own text, and can be said to an engine or a system call."""
    for one in loaded.documents:
        again = load_document(one.text, path, environ=ENVIRON)
        assert [document.spec for document in again.documents] == [one.spec], f"read again it is another: {again.problems}"
        body = json.dumps(create_body(one.spec, f"{one.spec.service}-1", image="sha256:x", instance="t", environment={}))
        assert "\\u0000" not in body, "a NUL, which no engine and no system call takes"


TARGET = Target("policies", make, ready, 200_000)
