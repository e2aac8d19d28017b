"""`autoscaler replay`, as another program runs it: bytes in, bytes out, exit status."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

POLICY = """\
service: {name}
replica: {{image: x, port: 5000}}
route: {{bind: 127.0.0.1:80{port}}}
policies:
  - {{type: target_tracking, metric: request_rate, target: 50}}
"""
TICK = {"t": 0, "replicas": {"ready": 4, "unready": 0}, "metrics": {"request_rate": 300}}


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "web.yaml"
    path.write_text(POLICY.format(name="web", port=80))
    return path


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "two.yaml"
    path.write_text(POLICY.format(name="web", port=80) + "---\n" + POLICY.format(name="api", port=81))
    return path


def command(policy: Path, *flags: str) -> list[str]:
    return [str(Path(sys.executable).with_name("autoscaler")), "replay", "--policy", str(policy), *flags]


def replay(policy: Path, given: bytes, *flags: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command(policy, *flags), input=given, capture_output=True, timeout=30)


def lines(*ticks: dict[str, object]) -> bytes:
    return b"".join(json.dumps(tick).encode() + b"\n" for tick in ticks)


def test_one_line_out_for_one_in(policy: Path) -> None:
    ran = replay(policy, lines(TICK, {**TICK, "t": 1}, {"t": 20, "replicas": {"ready": 6, "unready": 0}}))
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert [(each["t"], each["desired"], each["mode"]) for each in told] == [
        (0, 6, "stable"),
        (1, 6, "stable"),
        (20, 6, "hold"),
    ]
    assert list(told[0]) == ["t", "service", "desired", "recommendations", "limited_by", "mode"]


def test_each_answer_comes_before_the_next_question(policy: Path) -> None:
    with subprocess.Popen(command(policy), stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        for t in range(3):
            running.stdin.write(lines({**TICK, "t": t}))
            running.stdin.flush()
            assert json.loads(running.stdout.readline())["t"] == t
        running.stdin.close()
        assert running.wait(timeout=10) == 0


def test_no_lines_give_none(policy: Path) -> None:
    ran = replay(policy, b"")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_a_last_line_without_its_end_counts(policy: Path) -> None:
    assert replay(policy, lines(TICK).rstrip(b"\n")).stdout.count(b"\n") == 1


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        pytest.param(b"{", "stdin:2: no JSON: Expecting property name enclosed in double quotes at column 2; ", id="json"),
        pytest.param(b"", "stdin:2: an empty line; write one tick a line, like ", id="empty"),
        pytest.param(b'{"t": "\xff"}', "stdin:2: no UTF-8 at byte 8; write UTF-8", id="latin-1"),
        pytest.param(
            b'{"t": 1, "replicas": {"reddy": 1}}',
            "stdin:2: replicas.reddy: unknown key; did you mean `ready`?",
            id="unknown key",
        ),
        pytest.param(
            lines({**TICK, "t": -1}).strip(), "stdin:2: t: -1 is before 0 of the line above; sort the lines by t", id="t"
        ),
        pytest.param(b'{"t": NaN, "replicas": {"ready": 1}}', "stdin:2: t: nan is no time; give seconds", id="NaN"),
        pytest.param(
            lines({**TICK, "replicas": {"ready": -1}}).strip(),
            "stdin:2: replicas.ready: -1 is no count; give a whole number from 0 to ",
            id="a negative count",
        ),
        pytest.param(
            lines({**TICK, "metrics": {"request_rate": -0.5}}).strip(),
            "stdin:2: metrics.request_rate: -0.5 is negative; give 0 or more, or null where it isn't known",
            id="a negative metric",
        ),
        pytest.param(
            lines({**TICK, "per_replica": {"cpu": [0.5, -1]}}).strip(),
            "stdin:2: per_replica.cpu[1]: -1 is negative; give 0 or more, or null where it isn't known",
            id="a negative metric of a replica",
        ),
        pytest.param(b"timestamp_s,rps", "stdin:2: no JSON: Expecting value at column 1; ", id="a trace"),
        pytest.param(lines(TICK)[:40], "stdin:2: no JSON: ", id="a line cut off"),
        pytest.param(b"\x00", "stdin:2: no JSON: ", id="a gap of zero bytes"),
        pytest.param(b"1" * 10_000_000, "stdin:2: longer than 1048576 bytes; write one tick a line", id="10 MB"),
        pytest.param(b" " * 1024 * 1024 + b"{}", "stdin:2: longer than 1048576 bytes; write one tick a line", id="long"),
        pytest.param(b"[" * 100_000, "stdin:2: no JSON that can be read: ", id="nested"),
    ],
)
def test_a_bad_line_ends_it_with_one_line_on_stderr(policy: Path, bad: bytes, said: str) -> None:
    ran = replay(policy, lines(TICK) + bad + b"\n" + lines(TICK))
    assert ran.returncode == 1
    answered = json.loads(ran.stdout)  # what came before stays answered, and nothing comes after
    assert (answered["t"], answered["desired"]) == (0, 6)
    assert ran.stderr.decode().startswith(said)
    assert ran.stderr.count(b"\n") == 1


def test_a_service_is_chosen_by_name(two: Path) -> None:
    assert json.loads(replay(two, lines(TICK), "--service", "api").stdout)["service"] == "api"


def test_several_services_need_a_name(two: Path) -> None:
    ran = replay(two, lines(TICK))
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode() == f"{two}: 2 services in it; choose one by --service: web, api\n"


def test_a_name_that_is_not_there(policy: Path) -> None:
    ran = replay(policy, lines(TICK), "--service", "shop")
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode() == f"{policy}: no service 'shop' in it; it has web\n"


def test_a_broken_policy_is_told_with_its_place(policy: Path) -> None:
    policy.write_text(POLICY.format(name="web", port=80).replace("target:", "tarket:"))
    ran = replay(policy, lines(TICK))
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode().startswith(f"{policy}:5:")
    assert "tarket" in ran.stderr.decode()


def test_a_policy_that_is_not_there(tmp_path: Path) -> None:
    ran = replay(tmp_path / "none.yaml", lines(TICK))
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.decode().startswith(f"{tmp_path / 'none.yaml'}: ")


def test_a_reader_that_goes_away_ends_it_quietly(policy: Path) -> None:
    with subprocess.Popen(command(policy), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.close()
        _, told = running.communicate(lines(*({**TICK, "t": t} for t in range(200))), timeout=20)
        assert running.returncode == 1
        assert b"Traceback" not in told


def test_scale_to_zero_decides_here_though_nothing_can_run_it_yet(policy: Path) -> None:
    policy.write_text(policy.read_text() + "replicas: {min: 0}\nscale_to_zero: {idle: 1m}\n")
    quiet = {"replicas": {"ready": 1}, "metrics": {"request_rate": 0}}
    asleep = {"t": 61, "replicas": {"ready": 0}, "metrics": {"request_rate": 0}, "waiting": 1}
    ran = replay(policy, lines({"t": 0, **quiet}, {"t": 60, **quiet}, asleep))
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(each["desired"], each["mode"]) for each in told] == [(1, "stable"), (0, "idle"), (1, "stable")]
    checked = subprocess.run([*command(policy)[:1], "validate", str(policy)], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 2
    assert "replicas.min: 0 (scale to zero) is not available yet; write 1 or more" in checked.stderr
