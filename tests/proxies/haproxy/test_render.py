"""The config's text: readable, read back as it was written, and with no line of a stranger's."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.errors import ProxyError
from autoscaler.model import Address, Backend
from autoscaler.proxies.haproxy.files import Files
from autoscaler.proxies.haproxy.render import (
    Config,
    Setting,
    read_binds,
    read_log_port,
    read_servers,
)
from autoscaler.proxies.haproxy.routes import lay_out
from autoscaler.proxies.haproxy.states import states, write_config
from autoscaler.spec.models import Bind, HealthCheck, ServiceSpec
from tests.support.proxied import BINARIES, service

SETTING = Setting(Path("/run/autoscaler/haproxy"), 4711, 2)
BIND = Bind(host="127.0.0.1", port=8080)

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True)
addresses = st.builds(
    Address, st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str), st.integers(min_value=1, max_value=65535)
)
backends = st.lists(
    st.builds(Backend, names, addresses, st.booleans(), st.just("in the config file"), st.booleans()),
    max_size=5,
    unique_by=lambda backend: backend.replica,
)


def config(*specs: ServiceSpec) -> Config:
    return Config(lay_out(specs), SETTING)


@given(backends, backends)
def test_servers_are_read_back_as_they_were_written(web: list[Backend], api: list[Backend]) -> None:
    text = config(service("web", bind=BIND), service("api", bind=BIND, path="/api")).text({"web": web, "api": api})
    assert read_servers(text) == {"web": tuple(web), "api": tuple(api)}


@given(backends)
def test_the_digest_is_of_all_but_the_servers(servers: list[Backend]) -> None:
    routes = config(service(bind=BIND))
    assert f"\n# Routes: {routes.digest}\n" in routes.text({"web": servers})
    assert config(service(bind=BIND, max_concurrency=7)).digest != routes.digest
    assert Config(routes.routes, Setting(SETTING.folder, 4712, 2)).digest != routes.digest


def test_log_port_and_binds_are_read_back() -> None:
    text = config(service(bind=BIND), service("six", bind=Bind(host="::1", port=8080))).text({})
    assert read_log_port(text) == 4711
    assert read_binds(text) == {"127.0.0.1:8080", "[::1]:8080"}
    assert read_log_port("") is None


def test_the_states_are_of_those_that_serve_unchecked() -> None:
    servers = [
        Backend("web-1", Address("10.0.0.1", 80), False, ""),
        Backend("web-2", Address("fd00::2", 80), False, "", checked=False),
        Backend("web-3", Address("10.0.0.3", 80), True, "", checked=False),
    ]
    text = config(service(bind=BIND)).text({"web": servers})
    assert states(text) == "1\n0 web 0 web-2 fd00::2 2 0 1 1 0 1 0 2 2 0 0 0 - 80 - 0 0 - - 0\n"
    assert states(config(service(bind=BIND)).text({"web": servers[:1]})) == ""


@pytest.mark.parametrize(
    ("check", "asked"),
    [
        pytest.param(HealthCheck(), "check inter 1000ms fall 2 rise 1", id="the default: 1 s to notice"),
        pytest.param(
            HealthCheck(retries=1, interval=5), "check inter 5000ms fall 2 rise 1 fastinter 600ms", id="asked once more"
        ),
        pytest.param(
            HealthCheck(retries=4, interval=0.1), "check inter 100ms fall 4 rise 1 fastinter 200ms", id="not so hasty"
        ),
    ],
)
def test_from_its_first_bad_answer_a_server_stays_long_enough_to_be_noticed(check: HealthCheck, asked: str) -> None:
    options = str(lay_out([service(check=check)]).backends[0].options).replace("maxconn 20 ", "")
    assert options.partition(" pool-")[0] == asked


CHECKS = [HealthCheck(), HealthCheck(http="/healthz?full=1"), HealthCheck(docker=True), HealthCheck(test="true")]


@pytest.mark.real
@pytest.mark.parametrize("version", sorted(BINARIES))
def test_both_versions_take_all_that_a_policy_can_say(version: str, tmp_path: Path) -> None:
    specs = [
        service(
            f"s{number}",
            bind=BIND,
            path=f"/{number}",
            host="shop.example.com" if number % 2 else None,
            check=CHECKS[number % 4],
            balance=("leastconn", "roundrobin", "random")[number % 3],
            retries=("safe", "connect", "none")[number % 3],
            slow_start=float(number),
            trusted_proxies=("10.0.0.0/8", "::1") if number % 2 else (),
            drain_timeout=1e8,
        )
        for number in range(8)
    ]
    there = Config(lay_out(specs), Setting(tmp_path, 4711, 2))
    servers = [Backend("s1-1", Address("::1", 80), True, ""), Backend("s1-2", Address("10.0.0.1", 80), False, "")]
    servers.append(Backend("s1-3", Address("::1", 81), False, "", checked=False))
    there.map_file.write_text(there.routes.map)
    write_config(Files(tmp_path), there.text({"s1": servers}))
    said = subprocess.run(
        [BINARIES[version], "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert "ALERT" not in said.stderr
    assert "WARNING" not in said.stderr


EVIL = ["a\nbackend evil", 'a"b', "a#b", "a%[src]", "a${HOME}", "a}b", "a\\b", "a\x00b", "a b", "a;quit", "a'b", "a\rb", ""]


def evil(place: str, text: str) -> ServiceSpec:
    if place == "check":
        good = service(bind=BIND)
        check = HealthCheck().model_copy(update={"http": f"/{text}"})
        return good.model_copy(update={"replica": good.replica.model_copy(update={"healthcheck": check})})
    good = service(bind=BIND)
    routes: dict[str, dict[str, Any]] = {
        "host": {"host": text},
        "path": {"path": f"/{text}" if text else "no slash"},
        "trusted": {"trusted_proxies": (text,)},
        "bind": {"bind": Bind.model_construct(host=text, port=80)},
    }
    route = routes.get(place, {})
    update: dict[str, Any] = {"route": good.route.model_copy(update=route)}
    return good.model_copy(update=update | ({"service": text} if place == "service" else {}))


@pytest.mark.parametrize("place", ["service", "host", "path", "trusted", "bind", "check"])
@pytest.mark.parametrize("text", EVIL)
def test_a_word_that_could_be_more_than_a_word_is_refused(place: str, text: str) -> None:
    if not text and place in ("check", "host"):
        return  # `/` and no host: fine
    with pytest.raises(ProxyError):
        config(evil(place, text)).text({})


@pytest.mark.parametrize("text", EVIL)
def test_a_replica_of_such_a_name_or_address_is_refused(text: str) -> None:
    for backend in (Backend(text, Address("10.0.0.1", 80), False, ""), Backend("web-1", Address(text, 80), False, "")):
        with pytest.raises(ProxyError):
            config(service(bind=BIND)).text({"web": [backend]})


def test_two_services_of_one_route_are_refused() -> None:
    with pytest.raises(ProxyError, match="same bind, host and path"):
        lay_out([service("a", bind=BIND, path="/x"), service("b", bind=BIND, path="/x/")])


def test_hard_stop_is_the_longest_drain_but_ten_minutes_at_least() -> None:
    assert lay_out([service(drain_timeout=5.0)]).hard_stop_s == 600
    assert lay_out([service(drain_timeout=5.0), service("b", drain_timeout=3600.0)]).hard_stop_s == 3600


def test_a_bind_of_one_service_needs_no_map() -> None:
    assert lay_out([service(bind=BIND)]).map == ""
    assert lay_out([service(bind=BIND, host="Shop.example.com", path="/a/")]).map == (
        "127.0.0.1:8080|shop.example.com/a/ web\n"
    )
