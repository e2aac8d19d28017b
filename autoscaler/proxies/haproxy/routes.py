"""From policies to what HAProxy is told of routes: a frontend for each bind, a backend for each service, one map.

Hosts come before paths, longer paths before shorter ones, and a path matches whole segments. The map holds, a line each,

    BIND|HOST/PATH/ SERVICE        BIND|*/PATH/ SERVICE

and is asked for the longest line that begins what was requested, with a slash put behind the request's path: `/api`
is then found by `/api`, `/api/` and `/api/x`, never by `/apis`. The host's own lines are asked first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autoscaler.errors import ProxyError
from autoscaler.proxies.haproxy import words
from autoscaler.spec.models import Bind, HealthCheck, Route, ServiceSpec

NO_ROUTE = "no_route"  # no service can have this name: theirs have no underscore
SHORTEST_HARD_STOP_S = 600.0
NOTICED_S = 0.6  # three readings of its statistics: by then the controller knows that most replicas begin to fail
ANY_HOST = "*"


@dataclass(frozen=True, slots=True)
class Frontend:
    """One bind. `only` is the service that takes all of it, None where the map tells.

    `by_host` and `by_path` say whether it has routes with and without a host.
    """

    name: str
    bind: str
    only: str | None
    by_host: bool
    by_path: bool
    timeout_client_s: float
    timeout_header_s: float


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What every server of a backend is told, in the config and at run time alike."""

    max_concurrency: int
    slow_start_s: float
    check: HealthCheck | None

    def __str__(self) -> str:
        words_ = [f"maxconn {self.max_concurrency}"]
        if self.check:
            words_.append(_asked(self.check))
        if self.slow_start_s:
            words_.append(f"slowstart {_ms(self.slow_start_s)}")
        # 2.6: a server added at run time keeps no idle connection unless it is told both. An idle one is closed after
        # some 0.3 s, sooner than the keep-alive timeout of any common web server: a POST that meets a closing one is lost.
        words_.append("pool-max-conn -1 pool-purge-delay 100ms")
        return " ".join(words_)


@dataclass(frozen=True, slots=True)
class ServiceBackend:
    """One service's backend. `check_path` is None where a TCP connection is all that is asked."""

    name: str
    route: Route
    options: ServerOptions
    check_path: str | None
    check_host: str
    trusted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routes:
    """All that the config says, but for servers and for where this HAProxy's own files are."""

    frontends: tuple[Frontend, ...]
    backends: tuple[ServiceBackend, ...]
    map: str
    hard_stop_s: float


NOTHING = Routes((), (), "", SHORTEST_HARD_STOP_S)


def lay_out(specs: Sequence[ServiceSpec]) -> Routes:
    """The routes of these services. Raises ProxyError for a value that no config may hold, or a route given twice."""
    backends = tuple(_backend(spec) for spec in sorted(specs, key=lambda spec: spec.service))
    binds = sorted({str(spec.route.bind): spec.route.bind for spec in specs}.items())
    frontends = tuple(_frontend(bind, [s for s in specs if s.route.bind == bind]) for _, bind in binds)
    mapped = {frontend.name for frontend in frontends if frontend.only is None}
    lines = [line for spec in specs if (line := _map_line(spec)).split("|")[0] in mapped]
    _refuse_twice(lines)
    longest_drain_s = max((spec.route.drain_timeout for spec in specs), default=0.0)
    return Routes(frontends, backends, "".join(sorted(lines)), max(longest_drain_s, SHORTEST_HARD_STOP_S))


def frontend_name(bind: Bind) -> str:
    """The frontend's name: HAProxy's names have no brackets."""
    return f"{words.ip(bind.host)}:{words.port(bind.port)}"


def _frontend(bind: Bind, specs: Sequence[ServiceSpec]) -> Frontend:
    routes = [spec.route for spec in specs]
    takes_all = len(specs) == 1 and routes[0].host is None and routes[0].path == "/"
    literal = words.ip(bind.host)
    return Frontend(
        name=frontend_name(bind),
        bind=f"[{literal}]:{bind.port}" if ":" in literal else f"{literal}:{bind.port}",
        only=specs[0].service if takes_all else None,
        by_host=any(route.host for route in routes),
        by_path=any(not route.host for route in routes),
        timeout_client_s=max(route.timeout_client for route in routes),
        timeout_header_s=max(route.timeout_header for route in routes),
    )


def _backend(spec: ServiceSpec) -> ServiceBackend:
    check = spec.replica.healthcheck
    return ServiceBackend(
        name=words.name(spec.service),
        route=spec.route,
        options=ServerOptions(spec.route.max_concurrency, spec.route.slow_start, check if check.by_proxy else None),
        check_path=words.target(check.http) if check.http else None,
        check_host=words.host(spec.route.host) if spec.route.host else "localhost",
        trusted=tuple(words.network(text) for text in spec.route.trusted_proxies),
    )


def _map_line(spec: ServiceSpec) -> str:
    route = spec.route
    host = words.host(route.host) if route.host else ANY_HOST
    path = words.path(route.path).rstrip("/")
    return f"{frontend_name(route.bind)}|{host}{path}/ {spec.service}\n"


def _refuse_twice(lines: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for line in lines:
        key, service = line.split()
        if key in seen:
            raise ProxyError(f"{seen[key]} and {service} have the same bind, host and path", fix="give one another path")
        seen[key] = service


def _asked(check: HealthCheck) -> str:
    """How often it is asked, and when it is left: not within `NOTICED_S` of its first bad answer."""
    fall = max(check.retries, 2)
    pace_s = NOTICED_S / (fall - 1)
    asked = f"check inter {_ms(check.interval)} fall {fall} rise 1"
    is_hasty = check.retries == 1 or check.interval < pace_s
    return f"{asked} fastinter {_ms(pace_s)}" if is_hasty else asked


def _ms(seconds: float) -> str:
    return f"{words.milliseconds(seconds)}ms"
