"""HAProxy's statistics, cut, reordered or wrong: a whole page or ProxyUnavailable, and no number below zero."""

from random import Random

from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Address, Backend
from autoscaler.proxies.haproxy.stats import Page, parse_page
from autoscaler.proxies.haproxy.workers import Look
from tests.fuzz.mutate import NUMBERS, WORDS, broken
from tests.fuzz.runs import Target, plain

COLUMNS_26 = (
    "pxname", "svname", "qcur", "qmax", "scur", "smax", "slim", "stot", "bin", "bout", "dreq", "dresp", "ereq", "econ",
    "eresp",
    "wretr", "wredis", "status", "weight", "act", "bck", "chkfail", "chkdown", "lastchg", "downtime", "qlimit", "pid",
    "iid", "sid",
    "throttle", "lbtot", "tracked", "type", "rate", "rate_lim", "rate_max", "check_status", "check_code", "check_duration",
    "hrsp_1xx", "hrsp_2xx", "hrsp_3xx", "hrsp_4xx", "hrsp_5xx", "hrsp_other", "hanafail", "req_rate", "req_rate_max",
    "req_tot",
    "cli_abrt", "srv_abrt", "lastsess", "last_chk", "last_agt", "qtime", "ctime", "rtime", "ttime", "check_desc", "addr",
    "mode",
)  # fmt: skip
STATES = ("UP", "DOWN", "MAINT", "DRAIN", "UP 1/2", "DOWN 1/2", "no check", "MAINT (via x)", "NOLB", "", "OPEN")
ADDRESSES = (
    "172.17.0.2:5000",
    "[fd00::2]:80",
    "",
    "unix@x",
    "a:²",
    "172.17.0.2:",
    ":5000",
    "172.17.0.2:99999",
    "1:2:3",
    "a:" + "9" * 5000,
)
WANTED = {f"web-{number}": Backend(f"web-{number}", Address("172.17.0.2", 5000), number == 2, "") for number in range(4)}
CELLS = (b",", b",,", b"\n", b"# pxname,svname,", b"BACKEND", b"FRONTEND", b"no_route", *WORDS)


def make(random: Random) -> bytes:
    """A page of some services, of one version or another."""
    columns = list(COLUMNS_26)
    if random.random() < 0.2:
        first, rest = columns[:2], columns[2:]
        random.shuffle(rest)
        columns = first + rest[: random.choice((len(rest), len(rest), 20))] + random.choice(([], ["new_column", "h1_open"]))
    odd = random.choice((0.0, 0.0, 0.02, 0.2))
    lines = ["# " + ",".join(columns) + random.choice((",", ""))]
    for service in random.sample(("web", "shop", "no_route", "a b", ""), random.randint(1, 3)):
        for name in (*(f"web-{number}" for number in range(random.choice((0, 2, 4)))), "BACKEND", "FRONTEND"):
            lines.append(
                ",".join(_cell(random, column, service, name, odd) for column in columns) + random.choice((",", ",", ""))
            )
    page = "\n".join(lines).encode() + b"\n" * random.choice((0, 1, 2))
    return broken(random, page, words=CELLS) if random.random() < 0.5 else page


def _cell(random: Random, column: str, service: str, name: str, odd: float) -> str:
    if random.random() < odd:
        return random.choice((*NUMBERS, *STATES))
    known = {
        "pxname": service,
        "svname": name,
        "status": random.choice(STATES),
        "addr": random.choice(ADDRESSES[:3]),
        "check_status": "L7OK",
    }
    if column == "addr" and random.random() < odd * 5:
        return random.choice(ADDRESSES)
    return known.get(column, random.choice(("0", "1", "17", "4294967295")))


def check(case: bytes) -> None:
    text = case.decode("utf-8", "replace")
    try:
        page = parse_page(text, "1-1")
    except ProxyUnavailable as error:
        assert str(error).isprintable(), f"not one line of text: {error!s:.200}"
        assert len(str(error)) < 1000, f"{len(str(error))} characters"
        return
    check_page(page)


def check_page(page: Page) -> None:
    assert set(page.servers) == set(page.traffic)
    assert page.clients >= 0
    for traffic in page.traffic.values():
        counts = (traffic.arrivals_total, traffic.responses_total, traffic.errors_total, traffic.in_flight, traffic.queued)
        assert all(0 <= count < 10**21 for count in counts), f"no counts: {counts!s:.200}"
    view = Look(page, (page,)).view(0.0, lambda service: WANTED)
    for servers in view.servers.values():
        for server in servers:
            assert server.in_flight >= 0
            assert server.requests_total >= 0


TARGET = Target("stats_pages", make, plain(check), 100_000)
