"""The chart of a day: requests, replicas and late requests; on the left the day, on the right the half hour of the burst."""

from collections.abc import Iterator, Sequence

from benchmarks.decisions.day import BURST_H
from benchmarks.decisions.page import title
from benchmarks.decisions.runs import Run, Second
from benchmarks.decisions.svg import BLACK, BLUE, FAINT, GREY, ORANGE, Panel, Points, document, line, round_ticks, text

WIDTH, HEIGHT = 800, 452
DAY, BURST = (46.0, 456.0), (552.0, 238.0)  # left edge and width
ROWS = {"rate": (84.0, 84.0), "replicas": (202.0, 130.0), "late": (366.0, 56.0)}  # top edge and height
BURST_SPAN = (BURST_H - 5 / 60, BURST_H + 25 / 60)
MOST_RATE, MOST_REPLICAS, MOST_LATE = 50.0, 32.0, 20.0
DAY_BIN_S, BURST_BIN_S = 300, 15
MOST_STRETCHES = 600

Marks = Sequence[tuple[float, str]]
DAY_MARKS: Marks = [(float(hour), f"{hour}:00") for hour in range(0, 25, 4)]
BURST_MARKS: Marks = [(BURST_H + minute / 60, f"15:{minute:02}") for minute in (0, 10, 20)]


def chart(name: str, policies: str, run: Run) -> str:
    """The picture, as SVG."""
    moves = run.result.scale_ups + run.result.scale_downs
    told = title(name, run.late, run.cost, moves)
    burst = [second for second in run.seconds if BURST_SPAN[0] <= second.hour < BURST_SPAN[1]]
    parts = [text(DAY[0], 22, told, size=15, weight="bold"), *_legend()]
    parts += _column(run.seconds, DAY, (0.0, 24.0), DAY_MARKS, DAY_BIN_S, MOST_LATE, "each 5 min")
    parts += _column(burst, BURST, BURST_SPAN, BURST_MARKS, BURST_BIN_S, 100.0, "each 15 s")
    return document(WIDTH, HEIGHT, told, policies, parts)


def _legend() -> Iterator[str]:
    y = 46.0
    yield f'<rect x="{DAY[0]:g}" y="{y - 10:g}" width="16" height="11" fill="{GREY}"/>'
    yield text(DAY[0] + 22, y, "replicas needed")
    yield line([(DAY[0] + 142, y - 4), (DAY[0] + 166, y - 4)], BLUE, 2)
    yield text(DAY[0] + 172, y, "replicas ready")
    yield line([(DAY[0] + 278, y - 4), (DAY[0] + 302, y - 4)], BLACK, 1, "3 3")
    yield text(DAY[0] + 308, y, "desired (right)")
    yield f'<rect x="{DAY[0] + 420:g}" y="{y - 10:g}" width="16" height="11" fill="{ORANGE}"/>'
    yield text(DAY[0] + 442, y, "late: waited longer than 200 ms")


def _column(
    seconds: Sequence[Second],
    place: tuple[float, float],
    span: tuple[float, float],
    marks: Marks,
    bin_s: int,
    most_late: float,
    each: str,
) -> Iterator[str]:
    """Three panels, one below the other."""
    bare = [(value, "") for value, _ in marks]
    rate = Panel(place[0], ROWS["rate"][0], place[1], ROWS["rate"][1], *span, MOST_RATE)
    yield rate.area([(second.hour, second.rate) for second in seconds], FAINT, outline=BLACK)
    yield from rate.axes("requests/s", round_ticks(MOST_RATE), bare)
    replicas = Panel(place[0], ROWS["replicas"][0], place[1], ROWS["replicas"][1], *span, MOST_REPLICAS)
    yield replicas.area([(second.hour, second.needed) for second in seconds], GREY)
    yield from replicas.axes("replicas", round_ticks(MOST_REPLICAS, 4), bare)
    if span == BURST_SPAN:
        yield line(replicas.steps([(second.hour, second.desired) for second in seconds]), BLACK, 1, "3 3")
    yield line(replicas.steps(extremes([(second.hour, second.ready) for second in seconds])), BLUE, 2)
    late = Panel(place[0], ROWS["late"][0], place[1], ROWS["late"][1], *span, most_late)
    yield late.area(late_shares(seconds, bin_s), ORANGE)
    yield from late.axes(f"late, % of requests, {each}", round_ticks(most_late, 2), marks)


def extremes(points: Points) -> Points:
    """No more points than can be told apart: of each stretch the values at its ends, the least and the most."""
    each = max(1, len(points) // MOST_STRETCHES)
    kept = []
    for first in range(0, len(points), each):
        stretch = points[first : first + each]
        least, most = min(stretch, key=lambda point: point[1]), max(stretch, key=lambda point: point[1])
        kept += sorted({stretch[0], least, most, stretch[-1]})
    return kept


def late_shares(seconds: Sequence[Second], bin_s: int) -> list[tuple[float, float]]:
    """Each bin's start and its share of late requests in per cent."""
    bins = [seconds[first : first + bin_s] for first in range(0, len(seconds), bin_s)]
    shares = []
    for each in bins:
        arrivals, late = sum(second.arrivals for second in each), sum(second.late for second in each)
        shares.append((each[0].hour, min(100.0, 100 * late / arrivals) if arrivals else 0.0))
    return shares
