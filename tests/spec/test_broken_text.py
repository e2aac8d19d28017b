"""Broken policies, what no YAML 1.2 reader should take: bombs, tags, tabs, keys given twice, variables that are not set.

Each gives one line with file, line, column, key and fix, in well under a second. The texts are what people read.
"""

from pathlib import Path

import pytest

from tests.support.policies import GOOD, changed, told, with_replica

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)

BROKEN = [
    pytest.param(
        with_replica("networks: {a: {aliases: [x]}}"),
        "5:14: replica.networks.a: options of a network are not available yet",
        "write the name alone",
        id="networks: {a: {aliases: [x]}}",
    ),
    pytest.param(
        changed("app:1", "app:${TAG}"),
        "3:10: replica.image: variable TAG is not set",
        "set it, or write `${TAG:-default}`",
        id="unset",
    ),
    pytest.param(
        changed("app:1", "app:${TAG:?set the tag}"),
        "3:10: replica.image: variable TAG is not set: set the tag",
        "set TAG",
        id="unset message",
    ),
    pytest.param(
        changed("app:1", "app:${TAG"),
        "3:10: replica.image: `${` is not closed",
        "write `${NAME}`, or `$$` for a dollar sign",
        id="unset brace",
    ),
    pytest.param(
        changed("app:1", "'app:$1'"),
        "3:10: replica.image: `$` without a variable's name",
        "write `$$` for a dollar sign",
        id="dollar",
    ),
    pytest.param(
        changed("port: 5000", "port: ${PORT:-http}"),
        "4:3: replica.port: found 'http'",
        "write a whole number",
        id="port from variable",
    ),
    pytest.param(
        BOMB, "5:11: more than 20,000 values, aliases expanded", "split the file, and use fewer aliases", id="bomb"
    ),
    pytest.param("[" * 20000, "1:1001: nested more than 50 deep", "a policy has no such depth", id="brackets"),
    pytest.param("- " * 20000, "1:103: [0][0][0]: nested more than 50 deep", "a policy has no such depth", id="block nest"),
    pytest.param(GOOD + "service: web2\n", "11:1: service: given twice, first in line 1", "remove one of the two", id="dup"),
    pytest.param(
        with_replica("port: 5001"),
        "5:3: replica.port: given twice, first in line 4",
        "remove one of the two",
        id="dup nested",
    ),
    pytest.param(
        GOOD + "---\n" + GOOD.replace("8080", "8081"),
        "12:1: service: 'web' is defined twice, first at p.yaml:1:1",
        "rename or remove one of the two",
        id="dup service",
    ),
    pytest.param("service: web\nreplica:\n\timage: x\n", "3:1: a tab in the indentation", "indent with spaces", id="tab"),
    pytest.param(GOOD.encode() + b"# caf\xe9\n", "11:6: byte 0xe9 is not UTF-8", "save the file as UTF-8", id="latin1"),
    pytest.param(GOOD + "# \0\n", "11:3: control character '\\x00'", "remove it, or write an escape", id="nul"),
    pytest.param(GOOD.encode("utf-16"), "1:1: byte 0xff is not UTF-8", "save the file as UTF-8", id="utf16"),
    pytest.param(GOOD + "#" * (10 * 1024 * 1024), "1:1: larger than 1 MiB", "split it into several files", id="big"),
    pytest.param(
        changed("app:1", "!!python/object/apply:os.system ['id']"),
        "3:10: replica.image: tag '!!python/object/apply:os.system' is not allowed",
        "write a plain value",
        id="tag",
    ),
    pytest.param(
        with_replica("dns: !reset []"), "5:8: replica.dns: tag '!reset' is not allowed", "write a plain value", id="reset"
    ),
    pytest.param(
        changed("app:1", "*nope"),
        "3:10: replica.image: alias *nope stands for nothing complete before it",
        "define the anchor first",
        id="alias",
    ),
    pytest.param(
        with_replica("command: &a [*a]"),
        "5:16: replica.command[0]: alias *a stands for nothing complete before it",
        "define the anchor first",
        id="self alias",
    ),
    pytest.param(
        changed("app:1", "'app"),
        "3:10: not YAML: found unexpected end of stream while scanning a quoted scalar",
        "a quote is not closed",
        id="quote",
    ),
    pytest.param(
        changed("app:1", "app: 1"),
        "3:13: not YAML: mapping values are not allowed in this context",
        "check the indentation, and quote a text that holds `: `",
        id="colon",
    ),
    pytest.param(
        with_replica("command: [a, b"),
        "6:6: not YAML: did not find expected ',' or ']' while parsing a flow sequence that starts in line 5",
        "a bracket is not closed, or a comma is missing",
        id="bracket",
    ),
    pytest.param("- a\n", "1:1: not a policy", "start it with `service: NAME`", id="list doc"),
    pytest.param("hello\n", "1:1: not a policy", "start it with `service: NAME`", id="text doc"),
    pytest.param(
        "services:\n  web: {image: x}\n",
        "1:1: services: a Compose file as a policy is not available yet",
        "write one document a service: `service: NAME`",
        id="compose",
    ),
    pytest.param(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n",
        "1:1: apiVersion: a Kubernetes manifest is no policy",
        "make one of an HPA or a ScaledObject: `autoscaler convert FILE`",
        id="hpa",
    ),
    pytest.param(with_replica("read_only: no"), "5:3: replica.read_only: found 'no'", "write true or false", id="no on"),
    pytest.param(
        with_replica("<<: 5"), "5:7: replica['<<']: merges no mapping", "write `<<: *anchor` of a mapping", id="merge"
    ),
]


@pytest.mark.parametrize(("text", "problem", "fix"), BROKEN)
def test_one_clear_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, problem: str, fix: str) -> None:
    monkeypatch.chdir(tmp_path)
    assert told(text) == [f"p.yaml:{problem}; {fix}"]
