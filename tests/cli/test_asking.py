"""The commands that ask a daemon, against one that is served over real sockets."""

import json
import time
from collections.abc import Sequence

import pytest
from rich.console import Console

from autoscaler.cli.history import decisions_table
from autoscaler.cli.terminal import fancy
from autoscaler.errors import EngineUnavailable
from autoscaler.model import Event, EventKind, Orders, Override, PauseKind, ReplicaState, Sample, Tally
from autoscaler.status import MetricStatus, ShadowStatus
from autoscaler.web.models import EventAnswer
from tests.cli.conftest import Daemon, run
from tests.support.fake_control import T, decision, event, replica_status, service_status


def test_status_in_a_pipe(daemon: Daemon) -> None:
    asked = daemon.ask("status")
    assert (asked.exit_code, asked.stderr) == (0, "")
    assert asked.stdout == (
        "SERVICE  READY  MIN..MAX  MODE    OTHERS      METRICS                     ROUTE\n"
        "web      2/3    1..3      stable  1 starting  request_rate 160 (50 each)  127.0.0.1:8080 shop.example.com/\n"
    )


def test_status_tells_orders_errors_and_what_is_missing(daemon: Daemon) -> None:
    daemon.control.services["web"] = service_status(
        orders=Orders(Override(replicas=2, min=None, until=T, reason="sa\x1ble"), PauseKind.OUT, down=True),
        errors=("web-3 keeps dying: \x1b[31mexit status 1",),
        metrics=(MetricStatus("cpu", Sample(None, T, "no replica reports it"), 0.7, True),),
        health_suspect=True,
    )
    daemon.control.problems = ("docker: no answer",)
    daemon.control.degraded = {"state": "disk full"}
    shown = daemon.ask("status").stdout
    assert "cpu missing (70% each)" in shown
    assert r"web: override: 2 replicas until 2023-11-14T" in shown
    assert r"(sa\x1ble); `autoscaler scale web auto` ends it" in shown
    assert "web: scale-out paused until `autoscaler resume web`" in shown
    assert "web: down until its policy changes" in shown
    assert "so the check is the suspect" in shown
    assert "web: cpu is missing: no replica reports it" in shown
    assert r"web: web-3 keeps dying: \x1b[31mexit status 1" in shown
    assert shown.endswith("not ready\ndocker: no answer\ndegraded: state: disk full\n")
    assert "\x1b" not in shown


def test_status_of_one_shows_its_replicas_and_the_last_words_of_failed_ones(daemon: Daemon) -> None:
    failed = replica_status("web-2", ReplicaState.FAILED, up_to_date=False, detail="exit status 1")
    daemon.control.services["web"] = service_status(
        replicas=(replica_status("web-1", inflight=4), failed), log_tail={"web-2": ("Traceback", "boom\r")}
    )
    shown = daemon.ask("status", "web").stdout
    assert "web-1    ready   172.17.0.2:5000          4" in shown
    assert "1.5s  3f9ac1d2" in shown
    assert "3f9ac1d2 (old)  exit status 1" in shown
    assert "web-2's last lines:\n    Traceback\n    boom\\r\n" in shown


def test_status_has_a_line_a_shadow_beside_what_ran(daemon: Daemon) -> None:
    tally = Tally(100.0, 300.0, 400.0, 1000.0, 25.0, 5.0)
    daemon.control.services["web"] = service_status(
        shadows=(
            ShadowStatus("cheaper", decision(desired=2), time.time() - 7500, tally, tally, seen_full=True),
            ShadowStatus("guessed", decision(desired=2), time.time() - 60, tally, tally),
            ShadowStatus("new", problem="fault in the controller: \x1b[31m"),
        )
    )
    shown = daemon.ask("status").stdout
    assert shown.split("\n\n")[1].rstrip() == (
        "SERVICE  SHADOW   DESIRED  REPLICAS   RAN    LATE  RAN LATE  SINCE\n"
        "web      cheaper        2      3.00  4.00   2.50%     0.50%  2h05m\n"
        "web      guessed        2      3.00  4.00  2.50%?    0.50%?     1m\n"
        "web      new            -         -     -       -         -      -"
    )
    assert r"web: shadow new: fault in the controller: \x1b[31m" in shown
    assert "cheaper        2      3.00" in daemon.ask("status", "web").stdout
    (one,) = json.loads(daemon.ask("status", "--json").stdout)
    assert [each["name"] for each in one["shadows"]] == ["cheaper", "guessed", "new"]
    first, _, last = one["shadows"]
    assert (first["desired"], first["seen_full"], first["recent"]["ran_late_requests"]) == (2, True, 5.0)
    assert (last["desired"], last["since"], last["total"]["seconds"]) == (None, None, 0.0)
    assert json.loads(daemon.ask("explain", "web", "--json").stdout)["shadows"] == one["shadows"]


def test_status_as_json_is_the_apis(daemon: Daemon) -> None:
    services = json.loads(daemon.ask("status", "--json").stdout)
    assert [service["name"] for service in services] == ["web"]
    one = json.loads(daemon.ask("status", "web", "--json").stdout)
    assert one == services[0]
    assert (one["replicas"][0]["inflight"], one["rollout"]) == (4, None)


def test_status_without_services(daemon: Daemon) -> None:
    daemon.control.services = {}
    assert daemon.ask("status").stdout == "no services\n"


def test_watching_needs_a_terminal(daemon: Daemon) -> None:
    asked = daemon.ask("status", "--watch")
    assert asked.exit_code == 2
    assert "terminal" in asked.stderr


def test_explain(daemon: Daemon) -> None:
    assert daemon.ask("explain", "web").stdout == "web: 3 replicas\n  request_rate asks for 4, max allows 3\n"
    assert json.loads(daemon.ask("explain", "web", "--json").stdout)["decision"]["wanted"] == 4


def decided(n: int, before: int, desired: int, mode: str, limits: Sequence[str], cause: str) -> tuple[int, Event]:
    facts = {"before": before, "desired": desired, "mode": mode, "limited_by": list(limits), "seconds": 0.01}
    return n, event(EventKind.DECIDED, replica="", cause=cause, facts=facts)


def test_history_is_of_decisions_and_their_reasons(daemon: Daemon) -> None:
    assert daemon.ask("history", "web").stdout == "no decisions of web yet\n"
    daemon.control.journal = [
        decided(1, 2, 4, "stable", ["scale_up_rate", "max"], "request_rate 400 at 50 a replica asks for 8"),
        (2, event()),
        decided(3, 4, 4, "hold", [], "request_rate is missing: \x1b[2J"),
        (4, event(EventKind.DECIDED, cause="of another version", facts={})),
    ]
    lines = daemon.ask("history", "web").stdout.splitlines()
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        "REPLICAS  MODE    LIMITS              REASON",
        "2 -> 4    stable  scale_up_rate, max  request_rate 400 at 50 a replica asks for 8",
        r"4         hold    -                   request_rate is missing: \x1b[2J",
        "?         ?       -                   of another version",
    ]
    assert len(daemon.ask("history", "web", "--limit", "1").stdout.splitlines()) == 2
    told = json.loads(daemon.ask("history", "web", "--json").stdout)["events"]
    assert [(one["id"], one["facts"].get("desired")) for one in told] == [(1, 4), (3, 4), (4, None)]


def test_on_a_narrow_terminal_a_reason_has_the_limits_room() -> None:
    facts = {"before": 2, "desired": 4, "mode": "stable", "limited_by": ["max"]}
    events = [EventAnswer(id=1, t=T, service="web", kind="decided", replica="", cause="bounded by max 4", facts=facts)]
    headings = []
    for width in (80, 120):
        console = Console(width=width, force_terminal=False, color_system=None)
        with console.capture() as captured:
            console.print(fancy(decisions_table(events), width))
        headings.append(captured.get().splitlines()[0].split())
    assert headings == [["TIME", "REPLICAS", "MODE", "REASON"], ["TIME", "REPLICAS", "MODE", "LIMITS", "REASON"]]


def test_events(daemon: Daemon) -> None:
    daemon.control.journal = [(n, event(cause=f"cause {n}\n")) for n in range(1, 31)]
    lines = daemon.ask("events").stdout.splitlines()
    assert lines[-1].endswith(r"web replica_ready web-1 start_seconds=1.42 (cause 30\n)")
    assert len(daemon.ask("events").stdout.splitlines()) == 20
    told = [json.loads(line) for line in daemon.ask("events", "-n", "3", "--json").stdout.splitlines()]
    assert [one["id"] for one in told] == [28, 29, 30]


def test_events_of_one_service(daemon: Daemon) -> None:
    daemon.control.services["api"] = service_status("api")
    daemon.control.journal = [(n, event(service="web" if n % 2 else "api")) for n in range(1, 5)]
    assert [line.split()[1] for line in daemon.ask("events", "--service", "api").stdout.splitlines()] == ["api", "api"]
    assert daemon.ask("events", "--service", "nope").exit_code == 2


def test_logs_are_prefixed_and_escaped(daemon: Daemon) -> None:
    daemon.control.lines = [("web-1", "GET / 200"), ("web-12", "\x1b[2Jred\r\nfake-1 | line"), ("web-1", "ok")]
    assert daemon.ask("logs", "web").stdout == (
        "web-1 | GET / 200\n"  # the longest name so far is what the prefix is as wide as
        "web-12 | \\x1b[2Jred\\r\\nfake-1 | line\n"
        "web-1  | ok\n"
    )
    assert daemon.ask("logs", "web", "--tail", "1").stdout == "web-1 | ok\n"
    assert json.loads(daemon.ask("logs", "web", "--tail", "1", "--json").stdout) == {"replica": "web-1", "line": "ok"}


def test_an_error_among_the_logs_ends_them(daemon: Daemon) -> None:
    daemon.control.lines = [("web-1", "one")]
    daemon.control.fail = EngineUnavailable("no answer in 0.8 s", where="docker", fix="is dockerd running?")
    asked = daemon.ask("logs", "web")
    assert (asked.exit_code, asked.stdout) == (1, "web-1 | one\n")
    assert asked.stderr == "docker: no answer in 0.8 s; is dockerd running?\n"


def test_scale(daemon: Daemon) -> None:
    asked = daemon.ask("scale", "web", "2", "--for", "10m", "--reason", "sale")
    assert (asked.exit_code, asked.stdout[:35]) == (0, "web: 2 replicas wanted, until 2023-")
    assert daemon.ask("scale", "web", "9").stdout == "web: 3 replicas wanted; bounded by max 3\n"
    daemon.ask("scale", "web", "--min", "2", "--max", "3")
    daemon.ask("scale", "web", "auto")
    assert daemon.control.asked == [
        ("scale", "web", Override(replicas=2, until=T + 600, reason="sale")),
        ("scale", "web", Override(replicas=9)),
        ("scale", "web", Override(min=2, max=3)),
        ("scale", "web", None),
    ]
    assert json.loads(daemon.ask("scale", "web", "1", "--json").stdout) == {"desired": 1, "until": None, "note": ""}


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("many",),
        ("-1",),
        ("1.5",),
        ("auto", "--for", "1h"),
        ("2", "--for", "soon"),
        ("2", "--for", "10"),
        ("--for", "10m"),
        ("2", "--min", "1"),
        ("--min", "3", "--max", "2"),
        ("99999999",),
        ("2", "--max", "0"),
    ],
)
def test_an_order_that_cannot_be_meant_is_wrong_usage(daemon: Daemon, words: tuple[str, ...]) -> None:
    asked = daemon.ask("scale", "web", *words)
    assert (asked.exit_code, asked.stdout, daemon.control.asked) == (2, "", [])
    assert asked.stderr


def test_pause_and_resume(daemon: Daemon) -> None:
    assert daemon.ask("pause", "web").stdout == "web: all moves paused, 2 replicas wanted\n"
    daemon.ask("pause", "web", "--in-only")
    daemon.ask("pause", "web", "--out-only")
    daemon.ask("resume", "web")
    daemon.control.services["web"] = service_status(orders=Orders(pause=PauseKind.ALL))
    daemon.ask("resume", "web", "--in-only")
    kinds = [PauseKind.ALL, PauseKind.IN, PauseKind.OUT, None, PauseKind.OUT]
    assert daemon.control.asked == [("pause", "web", kind) for kind in kinds]
    assert daemon.ask("pause", "web", "--in-only", "--out-only").exit_code == 2


def test_reload_tells_every_problem(daemon: Daemon) -> None:
    assert daemon.ask("reload").stdout == "policy files read again, no problems\n"
    daemon.control.wrong = ("a.yaml:3:1: policies: unknown key", "b.yaml:1:1: no service")
    asked = daemon.ask("reload")
    assert (asked.exit_code, asked.stderr) == (2, "a.yaml:3:1: policies: unknown key\nb.yaml:1:1: no service\n")


def test_healthcheck(daemon: Daemon) -> None:
    assert daemon.ask("healthcheck").stdout == "ready\n"
    daemon.control.problems = ("docker: no answer", "haproxy: starting")
    asked = daemon.ask("healthcheck")
    assert (asked.exit_code, asked.stderr) == (1, "not ready: docker: no answer; haproxy: starting\n")


@pytest.mark.parametrize(
    "words", [("status", "nope"), ("explain", "nope"), ("logs", "../x"), ("history", "a b"), ("pause", "%00")]
)
def test_no_such_service(daemon: Daemon, words: tuple[str, ...]) -> None:
    asked = daemon.ask(*words)
    assert (asked.exit_code, asked.stdout) == (2, "")
    assert len(asked.stderr.splitlines()) == 1
    assert "see `autoscaler status`" in asked.stderr


@pytest.mark.parametrize(
    "words", [("status",), ("explain", "web"), ("events", "-f"), ("logs", "web"), ("scale", "web", "1")]
)
def test_no_daemon_is_one_line_and_exit_1(words: tuple[str, ...], tmp_path: object) -> None:
    asked = run(*words, "--state-dir", str(tmp_path))
    assert (asked.exit_code, asked.stdout) == (1, "")
    assert asked.stderr == (
        f"daemon at {tmp_path}/api.sock: no daemon is there; "
        "is it running? start it with `autoscaler run`, or name it with --api or --state-dir\n"
    )
