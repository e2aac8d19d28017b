"""HAProxy's statistics page as values: one line a backend or server, in the columns of `show stat`.

    arrivals = stot        streams that came to the backend, queued ones too
    responses = req_tot    streams that ended there, HAProxy's own errors too
    errors = hrsp_5xx      of these
    in flight = scur       queued (qcur) included, for a backend; a server's queue is apart from its scur

Source: HAProxy management guide, 9.1 "CSV format"; what counts when was measured on 2.6.12 and 2.8.25.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from autoscaler.errors import ProxyUnavailable
from autoscaler.model import Address, Backend, Check, Server, ServerState, Traffic
from autoscaler.proxies.haproxy.routes import NO_ROUTE

SHOW_STAT = "show stat -1 6 -1"  # every proxy's backend (2) and servers (4)
SHOW_STAT_WITH_CLIENTS = "show stat -1 7 -1"  # frontends (1) too: their scur is client connections
FRONTEND = "FRONTEND"
BACKEND = "BACKEND"
REFUSING = frozenset(("L4CON", "L4TOUT", "SOCKERR"))
FAILING = frozenset(("L6RSP", "L6TOUT", "L7RSP", "L7STS", "L7TOUT"))
COLUMNS = ("pxname", "svname", "qcur", "scur", "stot", "econ", "eresp", "status", "hrsp_5xx", "req_tot", "addr")


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One server in one worker. `status` is HAProxy's: UP, DOWN, MAINT, DRAIN, "UP 1/2", "no check"; `check` is what the
    health check said last, "" where none is asked."""

    name: str
    status: str
    queued: int
    sessions: int
    sessions_total: int
    errors_total: int
    address: str
    check: str = ""

    @property
    def in_flight(self) -> int:
        """Requests that this server has or is bound to get."""
        return self.queued + self.sessions

    @property
    def in_maintenance(self) -> bool:
        """Out of use by our own order, or disabled by the config file."""
        return self.status.startswith("MAINT")

    @property
    def is_down(self) -> bool:
        """Fails its health check, whether or not it drains as well."""
        return self.status == "DOWN"

    @property
    def is_checked(self) -> bool:
        """Is asked for its health, or would be but for maintenance."""
        return bool(self.check) or self.in_maintenance

    @property
    def drains(self) -> bool:
        """Gets no new requests by our own order."""
        return self.status.startswith("DRAIN")


@dataclass(frozen=True, slots=True)
class Page:
    """One worker's counters at one moment; `clients` are its connections where frontends were asked for."""

    servers: Mapping[str, tuple[ServerRow, ...]]
    traffic: Mapping[str, Traffic]
    clients: int = 0

    @property
    def idle_clients(self) -> int:
        """Client connections without a request under way."""
        return max(0, self.clients - sum(traffic.in_flight for traffic in self.traffic.values()))


def parse_page(text: str, worker: str) -> Page:
    """The answer to `show stat`. Raises ProxyUnavailable for anything that is not a whole page."""
    head, _, body = text.partition("\n")
    if not head.startswith("# pxname,svname,"):
        raise ProxyUnavailable(f"answered no statistics but {text[:60]!r}", where="haproxy")
    names = head[2:].split(",")
    try:
        at = [names.index(column) for column in COLUMNS]
        return _read(_whole(body.splitlines(), len(names)), at, names.index("check_status"), worker)
    except (ValueError, IndexError) as error:
        raise ProxyUnavailable(f"answered half a statistics page: {error}", where="haproxy") from error


def _whole(lines: Iterable[str], width: int) -> Iterator[str]:
    for line in lines:
        if line and line.count(",") != width - 1:
            raise ValueError(f"{line[:40]!r} is no whole line")
        if line:
            yield line


def _read(lines: Iterable[str], at: Sequence[int], check_at: int, worker: str) -> Page:
    px, sv, qcur, scur, stot, econ, eresp, status, h5, req, addr = at
    last = max(at) + 1
    servers: dict[str, list[ServerRow]] = {}
    traffic: dict[str, Traffic] = {}
    clients = 0
    for line in lines:
        cell = line.split(",", last)
        if cell[px] == NO_ROUTE:
            continue
        if cell[sv] == FRONTEND:
            clients += _count(cell[scur])
            continue
        if cell[sv] == BACKEND:
            traffic[cell[px]] = Traffic(
                worker, _count(cell[stot]), _count(cell[req]), _count(cell[h5]), _count(cell[scur]), _count(cell[qcur])
            )
            continue
        errors = _count(cell[h5] or "0") + _count(cell[econ]) + _count(cell[eresp])
        row = ServerRow(
            name=cell[sv],
            status=cell[status],
            queued=_count(cell[qcur]),
            sessions=_count(cell[scur]),
            sessions_total=_count(cell[stot]),
            errors_total=errors,
            address=cell[addr],
            check=cell[check_at].removeprefix("* "),  # one is under way
        )
        servers.setdefault(cell[px], []).append(row)
    return Page({service: tuple(servers.get(service, ())) for service in traffic}, traffic, clients)


def _count(text: str) -> int:
    """A counter of HAProxy's: 64 bits at most, and none is below zero."""
    if not text.isdecimal() or len(text) > 20:
        raise ValueError(f"{text[:40]!r} is no count")
    return int(text)


# ---------------------------------------------------------------- as the core sees it


def view_servers(
    rows: Sequence[ServerRow], wanted: Mapping[str, Backend], elsewhere: Mapping[str, int], idle_clients: int
) -> tuple[Server, ...]:
    """A service's servers. Those that are wanted no more, and only wait to be deleted, are left out.

    `elsewhere` is what each has in flight in older workers; `idle_clients` are the older workers' client connections that
    may bring one more request each. No server of an older worker can be drained ("Proxy is disabled"), so each of these
    counts as in flight on every draining server.
    """
    seen = []
    for row in rows:
        backend = wanted.get(row.name)
        if row.in_maintenance and backend is None:
            continue
        state = _state(row, backend)
        in_flight = row.in_flight + elsewhere.get(row.name, 0)
        if state is ServerState.DRAIN:
            in_flight += idle_clients
        seen.append(
            Server(
                replica=row.name,
                state=state,
                in_flight=in_flight,
                requests_total=row.sessions_total,
                errors_total=row.errors_total,
                address=read_address(row.address),
                problem=row.check if state is ServerState.DOWN else "",
                check=_check(row),
                checked=row.is_checked or backend is None or backend.checked,
            )
        )
    return tuple(seen)


def _check(row: ServerRow) -> Check:
    """A plain UP has passed since it failed last, or was said to be up; "UP 1/2" is on its way down or was not asked yet."""
    if not (row.is_down or row.status.startswith("UP ")):
        return Check.PASSES
    if row.check in REFUSING:
        return Check.REFUSES
    return Check.FAILS if row.check in FAILING else Check.PASSES


def _state(row: ServerRow, wanted: Backend | None) -> ServerState:
    if row.drains:
        return ServerState.DRAIN
    if row.in_maintenance:
        return ServerState.DRAIN if wanted and wanted.draining else ServerState.CHECKING
    if row.status.startswith(("UP", "no check")):
        return ServerState.UP
    return ServerState.DOWN if row.is_down else ServerState.CHECKING


def read_address(text: str) -> Address | None:
    """A server's address as the statistics write it."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or len(port) > 5 or not 0 < int(port) <= 65535:
        return None
    return Address(host.strip("[]"), int(port))
