"""The report, and its place in the docs."""

from pathlib import Path

import pytest

from tests.chaos.accounts import Accounts, Allowance, Request
from tests.chaos.report import keep, report
from tests.chaos.run import Outcome, Struck


def outcome(*requests: Request) -> Outcome:
    return Outcome(
        "process",
        seed=7,
        began=100,
        seconds=120,
        struck=[Struck("replica killed", 110, 2.5)],
        accounts=Accounts(list(requests), [Allowance("replica killed", 109, 111)]),
        notes={"proxy back": [0.25, 1.5]},
    )


def test_it_tells_faults_requests_failures_and_figures() -> None:
    good = Request("a", "kept", "GET", 100, 100.5, "ok", True)
    lost = Request("b", "post", "POST", 110, 110.5, "status_502", False)
    lines = [" ".join(line.split()) for line in report(outcome(good, lost)).splitlines()]
    assert "replica killed 1 2.5 2.5" in lines
    assert "replica killed 1" in lines
    assert "kept GET 1 0 0.500 0.500 0.500" in lines
    assert "post POST 1 1 - - -" in lines
    assert "status_502 1" in lines
    assert "proxy back 2 0.88 1.50 1 1" in lines
    assert lines[-1] == "no promise broken"


def test_a_broken_promise_is_told_with_the_seed_and_the_faults_before_it() -> None:
    broken = outcome()
    broken.broken = ["failed: this one"]
    assert report(broken).endswith("1 BROKEN, seed 7\nfailed: this one\nfaults:\n      10.0 s  replica killed, 2.5 s")


def test_it_is_kept_between_its_marks_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- chaos process begins -->\nold\n<!-- chaos process ends -->\nafter\n")
    keep(outcome(), page)
    text = page.read_text()
    assert text.startswith("before\n<!-- chaos process begins -->\n```\nprocess, seed 7")
    assert text.endswith("no promise broken\n```\n<!-- chaos process ends -->\nafter\n")
    assert "old" not in text
    with pytest.raises(ValueError, match="docker begins"):
        keep(Outcome("docker", seed=1, began=0), page)
