"""What a run came to: a text for people, and the part of docs/reliability.md that keeps a long one of each runtime."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median

from autoscaler.load.results import percentile
from tests.chaos.accounts import OK
from tests.chaos.run import Outcome

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BROKEN_SHOWN = 20
GOALS_S = {
    "daemon back after its start": 2.0,
    "hung replica out of choice": 4.0,
    "proxy back": 1.0,
    "replaced, beyond its boot": 0.5,
}


def report(outcome: Outcome) -> str:
    """All of it."""
    parts = [_head(outcome), _faults(outcome), _requests(outcome), _failures(outcome), _notes(outcome), _lives(outcome)]
    return "\n\n".join([*parts, _verdict(outcome)])


def keep(outcome: Outcome, page: Path = PAGE) -> None:
    """Write it between this runtime's two marks."""
    begin, end = (f"<!-- chaos {outcome.runtime} {edge} -->" for edge in ("begins", "ends"))
    before, found, rest = page.read_text().partition(begin)
    _, also_found, after = rest.partition(end)
    if not (found and also_found):
        raise ValueError(f"{page} has no {begin} with {end}")
    page.write_text(f"{before}{begin}\n```\n{report(outcome)}\n```\n{end}{after}")


def _head(outcome: Outcome) -> str:
    return (
        f"{outcome.runtime}, seed {outcome.seed}: {len(outcome.struck)} faults in {outcome.seconds / 60:.1f} min, "
        f"{len(outcome.accounts.requests):,} requests,\n{outcome.scale_events} scale events, {outcome.reloads} reloads of "
        f"the proxy, {outcome.kills} kills of the daemon"
    )


def _faults(outcome: Outcome) -> str:
    explained = outcome.accounts.explained(outcome.journal)
    cost = {fault: len(requests) for fault, requests in explained.items()}
    rows = []
    for name, times in sorted(Counter(one.fault for one in outcome.struck).items()):
        took = [one.took_s for one in outcome.struck if one.fault == name]
        rows.append((name, times, f"{median(took):.1f}", f"{max(took):.1f}"))
    table = _table(("fault", "times", "all well again after s, median", "longest"), rows)
    lost = _table(("allowed to fail for", "requests"), sorted(cost.items()))
    return f"{table}\n\n{lost}" if cost else table


def _requests(outcome: Outcome) -> str:
    rows = []
    for kind in sorted({f"{r.kind} {r.method}" for r in outcome.accounts.requests}):
        of_kind = [r for r in outcome.accounts.requests if f"{r.kind} {r.method}" == kind]
        latencies = [r.end - r.start for r in of_kind if r.outcome == OK]
        failed = sum(r.outcome != OK for r in of_kind)
        percentiles = [_seconds(percentile(latencies, percent)) for percent in (50, 99, 100)]
        rows.append((kind, len(of_kind), failed, *percentiles))
    return _table(("requests", "sent", "failed", "p50 s", "p99 s", "longest s"), rows)


def _failures(outcome: Outcome) -> str:
    causes = Counter(request.outcome for request in outcome.accounts.failed())
    return _table(("failed how", "requests"), sorted(causes.items())) if causes else "no request failed"


def _notes(outcome: Outcome) -> str:
    rows = []
    for name, seen in sorted(outcome.notes.items()):
        goal = GOALS_S[name]
        within = sum(seconds <= goal for seconds in seen)
        rows.append((name, len(seen), f"{median(seen):.2f}", f"{max(seen):.2f}", f"{goal:g}", within))
    return _table(("measured", "times", "median s", "longest s", "goal s", "within"), rows)


def _lives(outcome: Outcome) -> str:
    rows = [
        (
            life.pid,
            f"{life.seconds:.0f}",
            f"{life.rss_mb:.1f}",
            f"{life.grown_mb:+.1f}",
            life.descriptors,
            life.more_descriptors,
        )
        for life in outcome.lives
    ]
    return _table(("daemon", "lived s", "MB after a minute", "grown by", "descriptors", "more"), rows)


def _verdict(outcome: Outcome) -> str:
    if not outcome.broken:
        return "no promise broken"
    told = "\n".join(outcome.broken[:BROKEN_SHOWN])
    schedule = "\n".join(f"  {one.at - outcome.began:8.1f} s  {one.fault}, {one.took_s:.1f} s" for one in outcome.struck)
    return f"{len(outcome.broken)} BROKEN, seed {outcome.seed}\n{told}\nfaults:\n{schedule}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as they need; the first to the left, numbers to the right."""
    lines = [list(head), *([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            [line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))]
        ).rstrip()
        for line in lines
    )
