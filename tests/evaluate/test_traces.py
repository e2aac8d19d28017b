"""Traces: cut, scaled, or generated."""

from pathlib import Path

import pytest

from benchmarks.evaluate import generated, traces


def write(folder: Path, name: str, rows: list[tuple[int, float]]) -> None:
    lines = ["timestamp_s,rps", *(f"{t},{rate}" for t, rate in rows)]
    (folder / traces.FILES[name].file).write_text("\n".join(lines) + "\n")


def test_the_peak_is_what_the_replicas_carry_at_seventy_per_cent(tmp_path: Path) -> None:
    write(tmp_path, "nasa", [(0, 1.0), (60, 4.0), (120, 2.0)])
    rates = traces.rates(tmp_path, "nasa", 30)
    assert [rates[0], rates[59], rates[60], rates[179]] == [52.5, 52.5, 210.0, 105.0]


def test_of_the_year_some_weeks_are_taken(tmp_path: Path) -> None:
    write(tmp_path, "wikipedia", [(hour * 3600, 1.0 if hour < 60 * 24 else 2.0) for hour in range(90 * 24)])
    rates = traces.rates(tmp_path, "wikipedia", 30)
    assert len(rates) == 21 * 86400
    assert min(rates) > 0.7 * max(rates)


def test_without_the_files_traces_are_generated(tmp_path: Path) -> None:
    assert traces.names(tmp_path) == list(generated.SHAPES)


@pytest.mark.parametrize("shape", sorted(generated.SHAPES))
def test_generated_traces_are_whole_days_and_always_the_same(shape: str) -> None:
    first = generated.rates(shape, 2)
    assert len(first) == 2 * 86400
    assert min(first) >= 0
    assert max(first) > 1.5 * sum(first) / len(first)
    assert first == generated.rates(shape, 2)
