"""`simulate` on a service's own traffic: as a daemon has kept it, or as Prometheus has."""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from autoscaler.control.clock import SystemClock
from autoscaler.model import Minutes
from autoscaler.store.sqlite import SQLiteStore
from tests.cli.conftest import run
from tests.support.certificates import certificates
from tests.support.prometheus import PrometheusServer, needs_prometheus
from tests.support.state import Told

FIRST = 28_333_320
RATES = (20.0, 60.0, 20.0)
POLICY = """\
service: web
replica: {image: x, port: 5000}
route: {bind: 127.0.0.1:8080}
replicas: {min: 1, max: 50}
policies:
  - {type: target_tracking, metric: request_rate, target: 7}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "web.yaml"
    path.write_text(POLICY)
    return str(path)


def command(*flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """`simulate` in a process of its own."""
    line = [sys.executable, "-m", "autoscaler", "simulate", *flags]
    return subprocess.run(line, env=os.environ | variables, capture_output=True, text=True, timeout=60, check=False)


async def keep(state_dir: Path, *means: float | None) -> SQLiteStore:
    """A store as a daemon has it, open, with these minutes of `web` and another metric's of `shop`."""
    store = await SQLiteStore.open(state_dir / "state.db", SystemClock(), Told())
    await store.keep_minutes("web", {"request_rate": Minutes(FIRST, means), "depth": Minutes(FIRST, (9.0, 9.0))})
    await store.keep_minutes("shop", {"depth": Minutes(FIRST, (9.0, 9.0))})
    await store.written()
    return store


@pytest.fixture
def state_dir(tmp_path: Path) -> str:
    """That of a daemon that has ended."""

    async def kept() -> None:
        await (await keep(tmp_path, *RATES)).close()

    asyncio.run(kept())
    return str(tmp_path)


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as context:
        context.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


# ---------------------------------------------------------------- from the history


def test_the_history_gives_what_a_file_with_the_same_rates_does(tmp_path: Path, policy: str, state_dir: str) -> None:
    trace = tmp_path / "t.csv"
    rows = [f"{(FIRST + place) * 60},{rate}" for place, rate in enumerate(RATES)]
    trace.write_text("\n".join(["timestamp_s,rps", *rows]))
    of_file = run("simulate", "--policy", policy, "--trace", str(trace), "--json")
    of_history = run("simulate", "--policy", policy, "--from-history", "web", "--state-dir", state_dir, "--json")
    assert of_history.exit_code == 0
    assert json.loads(of_history.stdout) == json.loads(of_file.stdout)


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


async def test_a_daemon_that_runs_goes_on_while_its_history_is_read(tmp_path: Path, policy: str) -> None:
    """A command of its own: a file that its holder's own process closes is no longer held."""
    store = await keep(tmp_path, *RATES)
    before = files_in(tmp_path)
    flags = ["--policy", policy, "--from-history", "web", "--state-dir", str(tmp_path), "--json"]
    ran = await asyncio.to_thread(command, *flags)
    assert json.loads(ran.stdout)["requests"] == pytest.approx(6000, rel=0.05)
    assert files_in(tmp_path) == before
    await store.save("web", "more")
    await store.written()
    assert store.degraded == ""
    await store.close()


@pytest.mark.usefixtures("utc")
async def test_missing_minutes_are_bridged_and_told(tmp_path: Path, policy: str) -> None:
    await (await keep(tmp_path, 20.0, None, None, 40.0, None, 40.0)).close()
    flags = ["--policy", policy, "--from-history", "web", "--state-dir", str(tmp_path)]
    told = (
        "Traffic: request_rate of web from 2023-11-14 22:00 to 2023-11-14 22:06, 3 of 6 minutes missing, "
        "at most 2 in a row; the rate runs straight across them"
    )
    page = tmp_path / "page.html"
    ran = await asyncio.to_thread(run, "simulate", *flags, "--plot", str(page))
    assert told in " ".join(ran.stdout.split())
    assert told in page.read_text()
    assert "simulate web" in page.read_text()
    ran = await asyncio.to_thread(run, "simulate", *flags, "--json")
    assert ran.stderr == f"{told}\n"
    assert json.loads(ran.stdout)["requests"] == pytest.approx(60 * (20 + 2 * 30 + 40 + 40 + 40), rel=0.05)


def test_the_last_of_the_history(policy: str, state_dir: str) -> None:
    flags = ["--policy", policy, "--from-history", "web", "--state-dir", state_dir, "--json"]
    ran = run("simulate", *flags, "--last", "2m")
    assert "0 of 2 minutes missing" in ran.stderr
    assert json.loads(ran.stdout)["requests"] == pytest.approx(4800, rel=0.05)
    assert "0 of 3 minutes missing" in run("simulate", *flags, "--last", "7d").stderr


@pytest.mark.parametrize("service", ["shop", "wep"])
def test_a_service_of_which_no_rate_is_kept(policy: str, state_dir: str, service: str) -> None:
    ran = run("simulate", "--policy", policy, "--from-history", service, "--state-dir", state_dir)
    told = f"{state_dir}/state.db: nothing is kept of a service '{service}'; it has web\n"
    assert (ran.exit_code, ran.stdout, ran.stderr) == (2, "", told)


def test_a_state_dir_where_no_daemon_ran(policy: str, tmp_path: Path) -> None:
    ran = run("simulate", "--policy", policy, "--from-history", "web", "--state-dir", str(tmp_path))
    fix = "has a daemon run with this --state-dir, for some minutes?"
    assert (ran.exit_code, ran.stderr) == (2, f"{tmp_path}/state.db: nothing is kept of a service 'web'; {fix}\n")


def test_a_state_that_can_not_be_read(policy: str, tmp_path: Path) -> None:
    (tmp_path / "state.db").mkdir()
    ran = run("simulate", "--policy", policy, "--from-history", "web", "--state-dir", str(tmp_path))
    told = f"{tmp_path}/state.db: Is a directory; is it ours, is it damaged?\n"
    assert (ran.exit_code, ran.stderr) == (1, told)


# ---------------------------------------------------------------- from Prometheus


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PrometheusServer]:
    yield from serving(PrometheusServer(tmp_path))


def serving(server: PrometheusServer) -> Iterator[PrometheusServer]:
    asyncio.run(server.start())
    yield server
    server.kill()


@pytest.mark.real
@needs_prometheus
def test_prometheus_gives_the_rate_of_each_minute(policy: str, server: PrometheusServer) -> None:
    flags = ["--policy", policy, "--from-prometheus", server.url, "--query", "vector(20) and on() minute() % 20 != 7"]
    ran = run("simulate", *flags, "--last", "40m", "--json")
    assert json.loads(ran.stdout)["requests"] == pytest.approx(20 * 60 * 40, rel=0.05)
    assert ran.stderr.startswith("Traffic: vector(20) and on() minute() % 20 != 7 from 20")
    assert "2 of 40 minutes missing, at most 1 in a row" in ran.stderr or "of 39 minutes missing" in ran.stderr


@pytest.mark.real
@needs_prometheus
def test_what_prometheus_refuses_is_one_line(policy: str, server: PrometheusServer) -> None:
    ran = run("simulate", "--policy", policy, "--from-prometheus", server.url, "--query", "sum(", "--last", "1h")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"{server.url}: it answered 400: ")
    assert ran.stderr.count("\n") == 1


@pytest.mark.real
@needs_prometheus
def test_a_server_with_a_certificate_of_ones_own(tmp_path: Path, policy: str) -> None:
    """A command of its own: who vouches for a server is read once, when it begins."""
    certificates(tmp_path)
    server = PrometheusServer(tmp_path, web="tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
    flags = ["--policy", policy, "--from-prometheus", server.url, "--query", "vector(20)", "--last", "3m", "--json"]
    for _ in serving(server):
        stranger = command(*flags)
        assert stranger.returncode == 1
        assert "its certificate is not trusted: " in stranger.stderr
        assert stranger.stderr.endswith("; name who vouches for it by the variable SSL_CERT_FILE\n")
        assert json.loads(command(*flags, SSL_CERT_FILE=str(tmp_path / "ca.pem")).stdout)["requests"] > 3000


# ---------------------------------------------------------------- what can't be meant


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        pytest.param([], "no traffic; give one of --trace, --from-history, --from-prometheus", id="none"),
        pytest.param(
            ["--trace", "t.csv", "--from-history", "web"],
            "--trace and --from-history are too many; give one of --trace, --from-history, --from-prometheus",
            id="two",
        ),
        pytest.param(
            ["--from-history", "web", "--query", "up"],
            "--query goes with --from-prometheus alone; leave it out, or --from-history",
            id="a query without a server",
        ),
        pytest.param(
            ["--trace", "t.csv", "--prometheus-token-file", "t"],
            "--prometheus-token-file goes with --from-prometheus alone; leave it out, or --trace",
            id="a token without a server",
        ),
        pytest.param(
            ["--trace", "t.csv", "--last", "1d"],
            "--last does not go with --trace; leave it out: a trace is taken whole",
            id="the last of a file",
        ),
        pytest.param(
            ["--from-prometheus", "http://p:9090"],
            "--from-prometheus: no query; give one by --query, like 'sum(rate(requests_total[2m]))'",
            id="no query",
        ),
        pytest.param(
            ["--from-prometheus", "p:9090", "--query", "up"],
            "--from-prometheus: found 'p:9090'; write it like http://127.0.0.1:9090",
            id="no address",
        ),
        pytest.param(
            ["--from-history", "web", "--last", "soon"], "--last: 'soon' is no duration; write it like ", id="no duration"
        ),
        pytest.param(["--from-history", "web", "--last", "1s"], "--last: 1s is out of range; ", id="short"),
        pytest.param(["--from-history", "web", "--last", "2y"], "--last: '2y' is no duration; ", id="years"),
        pytest.param(["--from-history", "web", "--last", "400d"], "--last: 400d is out of range; give 1m to ", id="long"),
    ],
)
def test_what_can_not_be_meant_is_refused(policy: str, flags: list[str], said: str) -> None:
    ran = run("simulate", "--policy", policy, *flags)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(said)
    assert ran.stderr.count("\n") == 1


def test_a_token_file_that_is_not_there(policy: str, tmp_path: Path) -> None:
    flags = ["--from-prometheus", "http://127.0.0.1:1", "--query", "up", "--prometheus-token-file", str(tmp_path / "none")]
    ran = run("simulate", "--policy", policy, *flags)
    told = (
        f"--prometheus-token-file: {tmp_path}/none can't be read: No such file or directory; correct the path or its mode\n"
    )
    assert (ran.exit_code, ran.stderr) == (1, told)


class Guarded(BaseHTTPRequestHandler):
    """A server that wants a token, and then has no number."""

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "Bearer s3cret"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(b'{"status": "success", "data": {"resultType": "matrix", "result": []}}')

    def log_message(self, format: str, *args: object) -> None:
        """Tells nobody."""


def test_the_token_of_a_file_is_shown_to_the_server(policy: str, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("s3cret\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        flags = ["--policy", policy, "--from-prometheus", url, "--query", "up"]
        stranger = run("simulate", *flags)
        known = run("simulate", *flags, "--prometheus-token-file", str(token))
        server.shutdown()
    assert stranger.stderr == f"{url}: it answered 401; give a token that it takes by --prometheus-token-file\n"
    assert known.stderr.startswith("--query 'up': not one minute was measured; ")
