"""HAProxy's config: what a policy may say, its config says and nothing else, and HAProxy takes it.

A case is a policy text. The services that are accepted must come out of the config as they went in, read by the strict
reader of template.py; of many seeds together the real HAProxy is asked. `HOSTILE` goes past the policy's own validation:
its services hold whatever text, and a value that could mean something is refused by the second lock, words.py.
"""

import ipaddress
import json
import math
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from autoscaler.decide.replay import Replay, step
from autoscaler.errors import ProxyError
from autoscaler.model import Address, Backend
from autoscaler.proxies.haproxy.render import Config, Setting, read_servers
from autoscaler.proxies.haproxy.routes import NO_ROUTE, frontend_name, lay_out
from autoscaler.spec.load import load_document
from autoscaler.spec.models import Bind, HealthCheck, Route, ServiceSpec
from tests.fuzz.grammar import BINDS, HOSTS, NAMES, PATHS, good_document, scalar, written
from tests.fuzz.mutate import broken
from tests.fuzz.runs import Target, plain
from tests.fuzz.template import Section, read_config, read_map
from tests.simulation.shrink import shortest
from tests.support.proxied import BINARIES, service

SETTING = Setting(Path("/run/fuzz"), 1514, 2)
LONGEST_TIMER_MS = 2**31 - 1
TICK = '{"t": %d, "replicas": {"ready": %d}, "metrics": {%s}, "per_replica": {"cpu": [%s], "memory": [%s]}}'


# ---------------------------------------------------------------- what a policy may say


def make(random: Random) -> bytes:
    """A service that nearly always holds, with values at the limits of what is allowed."""
    made = written(random, good_document(random)).encode()
    return made if random.random() < 0.8 else broken(random, made)


def accepted(case: bytes) -> ServiceSpec | None:
    """The service of a policy, None where it is refused."""
    try:
        text = case.decode()
    except UnicodeDecodeError:
        return None
    loaded = load_document(text, Path("/p.yaml"), environ={"A": "1"})
    return loaded.documents[0].spec if loaded.documents else None


def check(case: bytes) -> None:
    spec = accepted(case)
    if spec is not None:
        check_rendered([spec], servers_of(spec))
        check_decides(spec)


def servers_of(spec: ServiceSpec) -> Mapping[str, Sequence[Backend]]:
    """Some replicas of it, as the runtime shows them."""
    hosts = ("172.17.0.2", "fd00::2", "127.0.0.1")
    port = spec.replica.port
    return {
        spec.service: [
            Backend(f"{spec.service}-{number}", Address(host, port), number == 2, "") for number, host in enumerate(hosts)
        ]
    }


def check_decides(spec: ServiceSpec) -> None:
    """Whatever it aims at, a decision comes of it, within its bounds."""
    replay = Replay(spec)
    names = {policy.metric for policy in spec.policies} - {"cpu", "memory"}
    for t, value in enumerate((0.0, 1e-300, 7.5, 1e300, None)):
        told = "null" if value is None else f"{value!r}"
        line = TICK % (t * 400, 1, ", ".join(f'"{name}": {told}' for name in names), told, told)
        answer, replay = step(replay, line)
        assert spec.replicas.min <= json.loads(answer)["desired"] <= spec.replicas.max


# ---------------------------------------------------------------- read back


def check_rendered(specs: Sequence[ServiceSpec], servers: Mapping[str, Sequence[Backend]]) -> str:
    """The config of these services says what they say, line by line. Raises ProxyError where they are refused."""
    config = Config(lay_out(specs), SETTING)
    text = config.text(servers)
    sections = read_config(text)
    of = {(section.kind, section.name): section for section in sections}
    found = read_map(config.routes.map)
    for spec in specs:
        _same_backend(spec, of["backend", spec.service], servers.get(spec.service, ()))
        _same_route(spec, of["frontend", frontend_name(spec.route.bind)], found)
    backends = {spec.service for spec in specs} | ({NO_ROUTE} if found else set())
    assert {name for kind, name in of if kind == "backend"} == backends, "a backend that nobody asked for"
    assert {name for kind, name in of if kind == "frontend"} == {frontend_name(spec.route.bind) for spec in specs}
    kept = {name: [(b.replica, b.address, b.draining) for b in told] for name, told in read_servers(text).items()}
    assert kept == {s.service: [(b.replica, b.address, b.draining) for b in servers.get(s.service, ())] for s in specs}
    return text


def _same_backend(spec: ServiceSpec, section: Section, servers: Sequence[Backend]) -> None:
    route, asked = spec.route, spec.replica.healthcheck
    by_proxy = not (asked.docker or asked.test)
    retries = {
        "none": ("0", None),
        "connect": ("3", "conn-failure"),
        "safe": ("3", "conn-failure empty-response response-timeout"),
    }
    check = (f"{_ms(asked.interval)}ms", str(max(asked.retries, 2))) if by_proxy else ("", "")
    slow_start = f"{_ms(route.slow_start)}ms" if route.slow_start else ""
    expected = {
        "balance": (route.balance,),
        "retries": (retries[route.retries][0],),
        "retry-on": (retries[route.retries][1],) if retries[route.retries][1] else None,
        "acl trusted": (_networks(route.trusted_proxies),) if route.trusted_proxies else None,
        "http-error": (str(math.ceil(route.queue_timeout)),),
        "default-server": (str(route.max_concurrency), *check, slow_start),
        "http-check send": (asked.http, (route.host or "localhost").lower()) if asked.http else None,
    }
    said_values = {words: section.values(words) for words in expected}
    assert said_values == expected, f"{said_values} instead of {expected}"
    timers = {"queue": route.queue_timeout, "server": route.timeout_server, "tunnel": route.timeout_tunnel}
    if by_proxy:
        timers["check"] = asked.timeout
    for name, seconds in timers.items():
        _same_time(section, f"timeout {name}", seconds)
    said = [(name, endpoint.rpartition(":")[0].strip("[]"), bool(disabled)) for name, endpoint, disabled in section.servers]
    assert said == [(server.replica, server.address.host, server.draining) for server in servers]


def _same_route(spec: ServiceSpec, section: Section, found: Mapping[str, str]) -> None:
    route = spec.route
    address = str(ipaddress.ip_address(route.bind.host))
    assert section.values("bind") == (str(Bind.model_construct(host=address, port=route.bind.port)),)
    if section.values("default_backend") is not None:
        assert section.values("default_backend") == (spec.service,)
        assert (route.host, route.path) == (None, "/")
        return
    key = f"{frontend_name(route.bind)}|{(route.host or '*').lower()}{route.path.rstrip('/')}/"
    assert found.get(key) == spec.service, f"{key} leads to {found.get(key)}"


def _networks(texts: Sequence[str]) -> str:
    return " ".join(str(ipaddress.ip_network(text, strict=False)) for text in texts)


def _same_time(section: Section, words: str, seconds: float) -> None:
    values = section.values(words)
    assert values is not None, f"no {words}"
    number, unit = int(values[0].rstrip("ms")), values[0].lstrip("0123456789")
    assert number * (1000 if unit == "s" else 1) == _ms(seconds), f"{words} {values[0]} for {seconds} s"


def _ms(seconds: float) -> int:
    return min(max(1, round(seconds * 1000)), LONGEST_TIMER_MS)


TARGET = Target("configs", make, plain(check), 150_000)


# ---------------------------------------------------------------- past the policy's own validation


def make_hostile(random: Random) -> bytes:
    """Texts for each place of a config, mostly such as must not stand there."""
    texts = {
        "service": NAMES, "host": HOSTS, "path": PATHS, "check": PATHS, "replica": NAMES,
        "bind": [bind.rpartition(":")[0].strip("[]") for bind in BINDS], "address": ("10.0.0.1", "fd00::1", "fe80::1%lo",
        "::"),
        "trusted": ("10.0.0.0/8", "::1", "fe80::/10", "1.2.3.4/0"),
    }  # fmt: skip
    made = {place: random.choice(known) for place, known in texts.items()}
    for place in random.sample(list(made), random.choice((0, 1, 1, 2))):
        raw = broken(random, made[place].encode("utf-8", "surrogatepass"))
        made[place] = raw.decode("utf-8", "replace")
    return json.dumps(made).encode()


def check_hostile(case: bytes) -> None:
    try:
        told = json.loads(case)
        texts: dict[str, str] = {
            place: told[place] for place in ("service", "host", "path", "check", "replica", "bind", "address", "trusted")
        }
    except (ValueError, KeyError, TypeError):
        return  # a part of a case, while it is shortened
    spec = hostile(texts)
    try:
        check_rendered([spec], {spec.service: [Backend(texts["replica"], Address(texts["address"], 80), False, "")]})
    except ProxyError:
        return


def hostile(texts: Mapping[str, str]) -> ServiceSpec:
    """A service of these texts, whatever they are, as no policy could say it."""
    good = service()
    health = HealthCheck.model_construct(**{**dict(good.replica.healthcheck), "http": texts["check"] or None})
    bind = Bind.model_construct(host=texts["bind"], port=80)
    route: dict[str, Any] = {**dict(good.route), "bind": bind, "host": texts["host"] or None, "path": texts["path"]}
    route["trusted_proxies"] = (texts["trusted"],)
    replica = good.replica.model_copy(update={"healthcheck": health})
    update = {"service": texts["service"], "route": Route.model_construct(**route), "replica": replica}
    return good.model_copy(update=update)


HOSTILE = Target("hostile_configs", make_hostile, plain(check_hostile), 100_000)


# ---------------------------------------------------------------- the real one


def refused(first: int, count: int) -> list[str]:
    """Which of these seeds' services HAProxy would not take in a config together, and what it says."""
    specs: dict[str, ServiceSpec] = {}
    for seed in range(first, first + count):
        spec = accepted(make(Random(f"real {seed}")))
        if spec is not None:
            name = f"s{seed}"
            bind = Bind(host="127.0.0.1", port=1024 + seed % 50_000)
            specs[name] = spec.model_copy(update={"service": name, "route": spec.route.model_copy(update={"bind": bind})})
    told = []
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for version, binary in BINARIES.items():
            ask = partial(_said, binary, Path(folder))
            if words := ask(list(specs.values())):
                alone = shortest(list(specs.values()), _refuses(ask))
                told.append(f"{version} refuses {[scalar(spec.model_dump(mode='json')) for spec in alone]}: {words}")
    return told


def _refuses(ask: Callable[[Sequence[ServiceSpec]], str]) -> Callable[[Sequence[ServiceSpec]], bool]:
    return lambda part: bool(ask(part))


def _said(binary: Path, folder: Path, specs: Sequence[ServiceSpec]) -> str:
    """What HAProxy complains of, "" where it takes them."""
    config = Config(lay_out(specs), Setting(folder, 1514, 1))
    servers = {name: told for spec in specs for name, told in servers_of(spec).items()}
    config.map_file.write_text(config.routes.map)
    file = folder / "haproxy.cfg"
    file.write_text(config.text(servers))
    checked = subprocess.run([binary, "-c", "-f", file], capture_output=True, text=True, timeout=60, check=False, env={})
    return checked.stderr[-2000:] if checked.returncode else ""
