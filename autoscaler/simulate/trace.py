"""A trace: how many requests come each second, over time.

    timestamp_s,rps      seconds, ascending; the mean rate of the bucket that starts there, in requests/s

Within a bucket of up to a minute the rate is held. Over longer ones it runs straight from one bucket's middle to the next's,
or each hour would start with a step that never was. The last bucket is as long as the one before it. Buckets may differ in
length, but in a trace whose rows are evenly spaced a longer step is a gap.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite

from autoscaler.errors import AutoscalerError

HEADER = "timestamp_s,rps"
HELD_S = 60.0
HIGHEST_RPS = 1e7
LATEST_S = 1e11
EVEN_ROWS = 3
ODD_STEPS = 0.1  # an evenly spaced trace has at most so many steps of another length


class TraceError(AutoscalerError):
    """A file that is no trace."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the file; `number` counts from 1."""

    number: int
    t: float
    rps: float


@dataclass(frozen=True, slots=True)
class Segment:
    """The rate runs straight from `first` to `last` between `start` and `end`."""

    start: float
    end: float
    first: float
    last: float

    def requests(self, start: float, end: float) -> float:
        """The requests to be expected between these times, as far as the segment covers them."""
        start, end = max(start, self.start), min(end, self.end)
        if end <= start:
            return 0.0
        slope = (self.last - self.first) / (self.end - self.start)
        middle = self.first + slope * ((start + end) / 2 - self.start)
        return middle * (end - start)


@dataclass(frozen=True, slots=True)
class Trace:
    """The rate over time, without gaps. Times are those of the file."""

    segments: tuple[Segment, ...]

    @property
    def start(self) -> float:
        """When it begins, in seconds."""
        return self.segments[0].start

    @property
    def end(self) -> float:
        """When it is over."""
        return self.segments[-1].end

    def rates(self, tick_s: float) -> Iterator[tuple[float, float]]:
        """The end of each tick and the mean rate in it; the last one may be shorter."""
        at = 0
        begin = self.start
        count = 0
        while begin < self.end:
            count += 1
            end = min(self.start + count * tick_s, self.end)
            while self.segments[at].end <= begin:
                at += 1
            requests = 0.0
            for segment in self._from(at, end):
                requests += segment.requests(begin, end)
            yield end, requests / (end - begin)
            begin = end

    def _from(self, at: int, until: float) -> Iterator[Segment]:
        while at < len(self.segments) and self.segments[at].start < until:
            yield self.segments[at]
            at += 1


def read_trace(lines: Iterable[str], name: str) -> Trace:
    """The trace of a file's lines; `name` is the file's, for errors. Raises TraceError where it can't be meant."""
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        try:
            if number == 1:
                _check_header(line)
            else:
                rows.append(_row(number, line, rows[-1] if rows else None))
        except TraceError as error:
            raise TraceError(error.what, where=f"{name}:{number}", fix=error.fix) from error
    if len(rows) < 2:
        what = "one row of numbers" if rows else "no row of numbers"
        raise TraceError(what, where=name, fix=f"write {HEADER} and at least two rows below it, like 0,120")
    lengths = [after.t - row.t for row, after in pairwise(rows)]
    _check_gaps(rows, lengths, name)
    return Trace(tuple(_segments(rows, [*lengths, lengths[-1]])))


def constant(rps: float, seconds: float) -> Trace:
    """A trace of one rate."""
    return Trace((Segment(0.0, seconds, rps, rps),))


# ---------------------------------------------------------------- from rows to a rate


def _segments(rows: Sequence[Row], lengths: Sequence[float]) -> Iterator[Segment]:
    for index, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        middle, end = row.t + length / 2, row.t + length
        if length <= HELD_S:
            yield Segment(row.t, end, row.rps, row.rps)
            continue
        before = _at_edge(rows, lengths, index - 1, index)
        after = _at_edge(rows, lengths, index, index + 1)
        yield Segment(row.t, middle, row.rps if before is None else before, row.rps)
        yield Segment(middle, end, row.rps, row.rps if after is None else after)


def _at_edge(rows: Sequence[Row], lengths: Sequence[float], left: int, right: int) -> float | None:
    """The rate on the line between two buckets' middles, where they meet; None where one of them is held or missing."""
    if left < 0 or right >= len(rows) or min(lengths[left], lengths[right]) <= HELD_S:
        return None
    share = lengths[left] / (lengths[left] + lengths[right])
    return rows[left].rps + share * (rows[right].rps - rows[left].rps)


# ---------------------------------------------------------------- what a line may hold


def _check_header(line: str) -> None:
    found = line.removeprefix("\ufeff").strip().replace(" ", "")
    if found != HEADER:
        raise TraceError(f"{_shown(line)} is no header of a trace", fix=f"write {HEADER} in the first line")


def _row(number: int, line: str, before: Row | None) -> Row:
    if not line.strip():
        raise TraceError("an empty line", fix="take it out, or fill in its row")
    cells = line.split(",")
    if len(cells) != 2:
        raise TraceError(
            f"{_shown(line)} has {len(cells)} values, not two", fix="write one time and one rate, like 60,120.5"
        )
    t, rps = _number(cells[0], "timestamp_s"), _number(cells[1], "rps")
    if abs(t) > LATEST_S:
        raise TraceError(f"timestamp_s: {t:g} is too far away", fix="give seconds, not milliseconds or nanoseconds")
    if not 0 <= rps <= HIGHEST_RPS:
        raise TraceError(f"rps: {rps:g} is out of range", fix=f"give requests per second from 0 to {HIGHEST_RPS:.0f}")
    if before is not None and t <= before.t:
        told = "is there twice" if t == before.t else f"is before {before.t:.12g} of the line above"
        raise TraceError(f"timestamp_s: {t:.12g} {told}", fix="sort the rows by time, one row a time")
    return Row(number, t, rps)


def _number(cell: str, column: str) -> float:
    try:
        number = float(cell)
    except ValueError:
        what = "missing" if not cell.strip() else f"{_shown(cell)} is no number"
        raise TraceError(f"{column}: {what}", fix="give a number, 0 where no request came") from None
    if not isfinite(number):
        raise TraceError(f"{column}: {_shown(cell)} is no number", fix="give a number, 0 where no request came")
    return number


def _check_gaps(rows: Sequence[Row], lengths: Sequence[float], name: str) -> None:
    """In an evenly spaced trace no step may be longer than the others."""
    usual = sorted(lengths)[len(lengths) // 2]
    odd = [index for index, length in enumerate(lengths) if abs(length - usual) > 1e-6 * usual]
    if len(lengths) - len(odd) < EVEN_ROWS or len(odd) > max(1, ODD_STEPS * len(lengths)):
        return
    for index in odd:
        if lengths[index] > usual:
            row = rows[index + 1]
            raise TraceError(
                f"a gap of {lengths[index]:g} s where rows are {usual:g} s apart",
                where=f"{name}:{row.number}",
                fix="fill in the missing rows, with 0 where no request came",
            )


def _shown(text: str) -> str:
    """What was found, short and on one line whatever it is."""
    text = repr(text[:60].strip())
    return text if len(text) <= 40 else f"{text[:37]}..."
