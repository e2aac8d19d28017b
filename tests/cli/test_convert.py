"""`autoscaler convert` and `export`, as a shell sees them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from autoscaler.cli import app
from tests.spec.kubernetes.manifests import deployment, hpa, resource, text_of
from tests.support.policies import GOOD

MANIFEST = text_of(hpa(resource("cpu", averageValue="500m"), hurry=True))


def run(*args: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(app, list(args), input=given, prog_name="autoscaler")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a manifest and `policies/web.yaml`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hpa.yaml").write_text(MANIFEST)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "web.yaml").write_text(GOOD)
    return tmp_path


def test_convert_prints_a_policy_and_tells_the_rest(folder: Path) -> None:
    ran = run("convert", "hpa.yaml", "--image", "app:1", "--port", "80", "--bind", "127.0.0.1:8080", "--cpus", "2")
    assert ran.exit_code == 0
    note = "hpa.yaml:1:205: spec.hurry: has no counterpart; left out"
    assert ran.stderr == note + "\n"
    assert ran.stdout.splitlines() == [
        "# From HorizontalPodAutoscaler web-hpa. Without a counterpart, or not quite the same:",
        f"#   {note}",
        "service: web",
        'replica: {image: "app:1", port: 80, cpus: 2}',
        'route: {bind: "127.0.0.1:8080"}',
        "replicas: {min: 2, max: 20}",
        "policies: [{type: target_tracking, metric: cpu, target: 25%}]",
    ]
    (folder / "made.yaml").write_text(ran.stdout)
    assert run("validate", "made.yaml").exit_code == 0


def test_convert_tells_what_is_to_be_filled_in(folder: Path) -> None:
    ran = run("convert", "hpa.yaml", "--port", "80", "--mem-limit", "64m", "--prometheus", "http://p")
    assert [line.partition(":")[2].partition(":")[0] for line in ran.stderr.splitlines()[1:]] == [
        " fill in replica.image", " fill in route.bind"
    ]  # fmt: skip
    assert "mem_limit: 64m" in ran.stdout


def test_convert_reads_stdin(folder: Path) -> None:
    both = text_of(deployment(image="shop:1", ports=[{"containerPort": 80}]), hpa())
    ran = run("convert", "-", given=both.encode())
    assert ran.exit_code == 0
    assert "shop:1" in ran.stdout


def test_several_are_several_documents(folder: Path) -> None:
    (folder / "two.yaml").write_text(text_of(hpa(), hpa(scaleTargetRef={"name": "api"})))
    ran = run("convert", "two.yaml")
    assert ran.stdout.split("---\n")[1].startswith("# From HorizontalPodAutoscaler")
    assert ran.stdout.count("service: ") == 2


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("nowhere.yaml",), "nowhere.yaml: can't be read: No such file or directory; name a file of manifests"),
        (("policies",), "policies:1:1: not a regular file; name a file or a folder"),
        (
            ("policies/web.yaml",),
            "policies/web.yaml:1:1: no HorizontalPodAutoscaler (autoscaling/v2) and no ScaledObject in it",
        ),
        (("hpa.yaml", "--mem-limit", "lots"), "--mem-limit: 'lots' is no size; write it like 512k, 256m or 1g"),
    ],
)
def test_convert_refuses(folder: Path, args: tuple[str, ...], said: str) -> None:
    ran = run("convert", *args)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[0].startswith(said)


def test_what_is_no_utf8_is_refused_on_stdin_too(folder: Path) -> None:
    ran = run("convert", "-", given=b"kind: \xff\n")
    assert (ran.exit_code, ran.stderr) == (2, "stdin:1:7: byte 0xff is not UTF-8; save the file as UTF-8\n")


def test_export_prints_a_manifest_and_tells_the_rest(folder: Path) -> None:
    (folder / "policies" / "web.yaml").write_text(GOOD + "    window: 30s\n")
    ran = run("export", "web", "--to", "hpa")
    note = "policies/web.yaml:11:5: policies[0].window: 30s: average in the query, an HPA takes the last value"
    assert (ran.exit_code, ran.stderr) == (0, note + "\n")
    assert ran.stdout.splitlines()[:4] == [
        "# From the policy of web. Without a counterpart, or not quite the same:",
        f"#   {note}",
        "apiVersion: autoscaling/v2",
        "kind: HorizontalPodAutoscaler",
    ]


def test_export_to_keda_knows_none(folder: Path) -> None:
    (folder / "policies" / "web.yaml").write_text(GOOD + "replicas: {min: 0}\n")
    ran = run("export", "web", "--to", "keda")
    assert ran.exit_code == 0
    assert "kind: ScaledObject" in ran.stdout
    assert "minReplicaCount: 0" in ran.stdout


def test_export_of_a_service_that_is_not_there(folder: Path) -> None:
    ran = run("export", "api", "--to", "hpa")
    assert (ran.exit_code, ran.stderr) == (2, "autoscaler export: no service 'api'; there are: web\n")


def test_a_manifest_given_as_a_policy_is_told_how_to_become_one(folder: Path) -> None:
    ran = run("validate", "hpa.yaml")
    assert ran.exit_code == 2
    assert ran.stderr.rstrip().endswith("`autoscaler convert FILE`")
