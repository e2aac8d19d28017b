"""HAProxy's log by UDP, to whose port any local program can write: a request with sane numbers, or nothing."""

from random import Random

from autoscaler.measure.meter import Meter
from autoscaler.proxies.haproxy.log_lines import parse_line
from tests.decide.builders import service, tracking
from tests.fuzz.mutate import NUMBERS, WORDS, broken
from tests.fuzz.runs import Target, plain

OWNERS = {"127.0.0.1:8080": "web"}
LONGEST_LATENCY_S = 3 * 2**31 / 1000
FIELDS = (
    ("web", "shop", "no_route", "127.0.0.1:8080", "[::1]:80", "", "a\x1b[31m"),
    ("200", "503", "101", "-1", "0", "99", "1000"),
    ("--", "sQ", "SC", "sH", "PR", "CD", "x", "--NN"),
    ("0", "12", "-1"),
    ("0", "1", "-1"),
    ("0", "250", "-1"),
    ("0", "299", "301", "100000"),
)


def make(random: Random) -> bytes:
    """One datagram."""
    cells = [random.choice(known if random.random() < 0.8 else NUMBERS) for known in FIELDS]
    line = " ".join(cells).encode() + b"\n" * random.randrange(2)
    return broken(random, line, words=(b" ", b"<134>", b"-1", *WORDS)) if random.random() < 0.5 else line


def check(case: bytes) -> None:
    request = parse_line(case, OWNERS)
    if request is None:
        return
    assert 100 <= request.status <= 999 or request.status == -1, f"status {request.status!s:.30}"
    assert request.latency_s is None or 0 <= request.latency_s < LONGEST_LATENCY_S, f"{request.latency_s} s"
    assert request.weight >= 1
    meter = Meter(service(tracking("latency_p95", 10.0, total=0.25)))
    meter.hear(1.0, [request])
    (sample,) = meter.close(2.0).values()
    assert sample.value is None or 0 <= sample.value < LONGEST_LATENCY_S * 1.02


TARGET = Target("log_lines", make, plain(check), 100_000)
