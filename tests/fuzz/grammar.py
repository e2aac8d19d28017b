"""Policy files made from their syntax: mostly good, some values near what is allowed, some keys that are none.

text -> documents -> keys -> values, each drawn from those that the syntax knows, its limits and its neighbours
"""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from tests.fuzz.metrics import metric
from tests.fuzz.mutate import WRONG

Values = Sequence[Any] | Callable[[Random], Any]

DURATIONS = (
    "0s",
    "1us",
    "250ms",
    "1.5s",
    "10s",
    "1m30s",
    "24h",
    "3650d",
    "3651d",
    "999999999h",
    "10",
    10,
    0,
    -1,
    "1e3s",
    "",
)
SIZES = ("1b", "256m", "1g", "0", "0.5k", "99999999999t", 268435456, "256 MiB", -1, True)
COUNTS = (1, 2, 3, 20, 10_000, 0, -1, 1.0, 1.5, "3", 10**6, 10**19, True, None)
NUMBERS = (1, 50, 0.5, 1e-9, 1e-320, 1e308, "50", "70%", "250ms", 0, -1, float("inf"), float("nan"), "1e999", "0x1f")
FRACTIONS = ("10%", 0.1, 0, "0%", "100%", 1, "1000%", "-1%", 5e-324, 2.0)
HOSTS = (
    "shop.example.com", "a", "A.Example.COM", "xn--bcher-kva.example", "a_b.example", "_a", "a-", "a..b", "*.example.com",
    "a b", "a#b", "a%[src]", "${A}", "a\nbackend x", "a'", 'a"b', "bücher.example", "a" * 63, "a." * 126 + "a", "a" * 254,
    "a\\", "1.2.3.4", "[::1]", "a:80", "\0", "ⓐ.example", "ſ", "K", "",
)  # fmt: skip
PATHS = (
    "/", "/api", "/api/", "/a/b/c", "/%41", "/%", "/a b", "/a#b", "/a%[src]", "/${A}", "/$$A", "/a\nb", "/a'b", '/a"b',
    "/a\\b", "/a;b", "/a{b}", "/a?b=c&d", "/..", "/a/./b", "//", "/é", "/a|b", "/(a+)+$", "/~u", "/a,b", "/a=b@c:d+e",
    "api", "", "/" + "a" * 1990, "/" + "a" * 5000, "/\0", "/\t", "/a*b", "/a!b", "/%zz", "/%2f", "/%00", "/%0a",
)  # fmt: skip
NAMES = (
    "web",
    "a",
    "shop-2",
    "0",
    "a" * 40,
    "a" * 41,
    "a-",
    "-a",
    "A",
    "a_b",
    "no",
    "on",
    "1e3",
    "a b",
    "é",
    "no_route",
    "",
)
BINDS = (
    "127.0.0.1:8080", "0.0.0.0:80", "[::1]:8080", "[::]:443", "127.0.0.1:0", "127.0.0.1:65536", ":80", "localhost:80",
    "127.0.0.1", "[::1%lo]:80", "[fe80::1%eth0]:80", "[::ffff:1.2.3.4]:80", "1.2.3.4:80 ssl", "0127.0.0.1:80",
    "[::1]:+1", "*:80",
)  # fmt: skip
ADDRESSES = (
    "10.0.0.0/8",
    "192.0.2.7",
    "::1",
    "fd00::/8",
    "10.0.0.1/8",
    "10.0.0.0/33",
    "fe80::1%lo",
    "a",
    "0.0.0.0/0",
    "1.2.3",
)
TEXTS = (
    "x", "", "app:1", "a b", "a\nb", "\0", "\x1b[31m", "é", "'", '"', "\\", "$A", "${A}", "${B:-c}", "${C:?no}", "$$", "${",
    "${A:-${B:-${C:-d}}}", "%[src]", "#", "/a", "./a", "~/a", "../..", "null", "true", "1", "a: b", "a=b", "=", "A" * 300,
)  # fmt: skip


def _texts(random: Random) -> Any:
    return random.choice(([random.choice(TEXTS) for _ in range(random.randint(0, 3))], random.choice(TEXTS)))


def _pairs(random: Random) -> Any:
    names = [random.choice(("A", "B", "io.autoscaler.x", "x.y", "a b", "", "é")) for _ in range(random.randint(0, 3))]
    values = [random.choice((*TEXTS, None, 1, True, {"env": "A"}, {"file": "f"}, {"env": ""}, {})) for _ in names]
    return random.choice((dict(zip(names, values, strict=True)), [f"{name}=v" for name in names], names))


def _volumes(random: Random) -> Any:
    short = (
        "./a:/b",
        "/a:/b:ro",
        "v:/c",
        "/c",
        "/etc:/b",
        "/:/b",
        "../../../../etc/x:/b",
        "/run/docker.sock:/s",
        "a:b:c:d",
        "~:/x",
    )
    long = {"type": random.choice(("bind", "volume", "tmpfs", "npipe")), "source": random.choice(TEXTS), "target": "/d"}
    return [random.choice((*short, long)) for _ in range(random.randint(0, 3))]


def _healthcheck(random: Random) -> Any:
    kinds: Mapping[str, Values] = {
        "http": PATHS, "tcp": (True, False, 1), "docker": (True,), "test": (["CMD", "x"], "x", ["NONE"], [], ["CMD"]),
    }  # fmt: skip
    keys: Mapping[str, Values] = {
        "interval": DURATIONS, "timeout": DURATIONS, "retries": COUNTS, "start_period": DURATIONS,
        "start_timeout": DURATIONS,
        "disable": (True,),
    }  # fmt: skip
    kind = random.choice(list(kinds))
    return {kind: _value(random, kinds[kind]), **_some(random, keys, 0.3)}


REPLICA: Mapping[str, Values] = {
    "image": TEXTS, "build": (".", {"context": "./a", "args": ["A=1", "B"]}, {"dockerfile": "D"}, "https://x/y.git", {}),
    "command": _texts, "entrypoint": _texts, "environment": _pairs, "env_file": ("v.env", ["v.env", {"path": "w.env"}], 1),
    "user": (1000, "a", "1:1"), "working_dir": TEXTS, "volumes": _volumes, "tmpfs": _texts, "networks": (["n"],
    {"n": None}, ["host"]),
    "extra_hosts": (["a:1.2.3.4"], {"a": "::1"}, ["a"], {"a": ["1.2.3.4", None]}), "dns": _texts, "cpus": NUMBERS,
    "mem_limit": SIZES,
    "pids_limit": COUNTS, "cap_add": (["NET_RAW"], ["ALL"], ["cap_sys_admin"], "x"), "cap_drop": _texts,
    "security_opt": (["no-new-privileges:false"], ["seccomp:unconfined"]), "read_only": (True, "yes"), "init": (False, "no"),
    "ulimits": ({"nofile": 10}, {"nofile": {"soft": 1, "hard": 2}}, {"x": []}), "sysctls": _pairs, "shm_size": SIZES,
    "labels": _pairs,
    "logging": ({"driver": "local", "options": {"a": 1}}, {}), "platform": TEXTS, "pull_policy": ("never", "daily",
    "if_not_present"),
    "stop_signal": ("SIGTERM", "term", 15, "SIGRTMIN+3", "SIGX", "٣", "9" * 5000), "stop_grace_period": DURATIONS,
    "healthcheck": _healthcheck,
    "privileged": (False, True), "restart": ("always",), "deploy": ({},), "x-mine": TEXTS,
}  # fmt: skip
ROUTE: Mapping[str, Values] = {
    "host": HOSTS, "path": PATHS, "balance": ("leastconn", "roundrobin", "random", "x"), "max_concurrency": COUNTS,
    "queue_timeout": DURATIONS, "retries": ("safe", "connect", "none", "no"), "slow_start": DURATIONS,
    "drain_timeout": DURATIONS,
    "timeout_client": DURATIONS, "timeout_server": DURATIONS, "timeout_header": DURATIONS, "timeout_tunnel": DURATIONS,
    "trusted_proxies": lambda random: [random.choice(ADDRESSES) for _ in range(random.randint(0, 3))], "tls": ({},),
}  # fmt: skip
STEP: Mapping[str, Values] = {"above": NUMBERS, "below": NUMBERS, "add": (*COUNTS, "50%", "1e9%"), "remove": (1, "0%", "x")}
CRONS = (
    "0 8 * * 1-5",
    "* * * * *",
    "0 0 31 2 *",
    "*/0 * * * *",
    "0 0 L * *",
    "@daily",
    "0 0 * *",
    "59-0 * * * *",
    "0 0 * * 7",
    5,
)
RULE: Mapping[str, Values] = {"cron": CRONS, "for": DURATIONS, "min": COUNTS, "max": COUNTS}
ZONES = ("UTC", "Europe/Berlin", "../UTC", "", "Europe", "x" * 300, "\x00", 1)
POLICIES: Mapping[str, Mapping[str, Values]] = {
    "concurrency": {
        "target": NUMBERS, "utilization": FRACTIONS, "stable_window": DURATIONS, "panic_window": DURATIONS,
        "panic_threshold": FRACTIONS, "max_scale_up_rate": NUMBERS, "max_scale_down_rate": NUMBERS,
        "activation_scale": COUNTS,
    },
    "step": {
        "metric": metric, "cooldown": DURATIONS, "window": DURATIONS,
        "steps": lambda random: [_some(random, STEP, 0.4) for _ in range(random.randint(0, 3))],
    },
    "schedule": {
        "timezone": ZONES, "rules": lambda random: [_some(random, RULE, 0.8) for _ in range(random.randint(0, 3))],
    },
    "predictive": {
        "metric": metric, "target": NUMBERS, "season": DURATIONS, "horizon": DURATIONS, "window": DURATIONS,
    },
    "x": {},
}  # fmt: skip
BEHAVIOR: Mapping[str, Values] = {
    "stabilization_window": DURATIONS, "select": ("max", "min", "disabled", "x"),
    "policies": ([], [{"percent": 1e308, "period": "1us"}], [{"replicas": 10**18, "period": "30m"}], [{"percent": 5e-324,
    "period": "15s"}]),
}  # fmt: skip


def _value(random: Random, values: Values) -> Any:
    return random.choice(values) if isinstance(values, Sequence) else values(random)


def _some(random: Random, keys: Mapping[str, Values], likely: float) -> dict[str, Any]:
    """Some of these keys."""
    return {key: _value(random, keys[key]) for key in keys if random.random() < likely}


def document(random: Random) -> dict[str, Any]:
    """One service, with all that may be wrong with one."""
    is_near = random.random() < 0.3
    made: dict[str, Any] = {
        "service": random.choice(NAMES[:5] if is_near else NAMES),
        "replica": {"image": "app:1", "port": 5000 if is_near else random.choice(COUNTS), **_some(random, REPLICA, 0.12)},
        "route": {"bind": random.choice(BINDS[:4] if is_near else BINDS), **_some(random, ROUTE, 0.2)},
        "policies": [_policy(random) for _ in range(random.choice((1, 1, 2)))],
    }
    if random.random() < 0.3:
        made["replicas"] = random.choice(({"min": 2, "max": 5}, {"min": random.choice(COUNTS)}, {"max": 0}, {"min": 0}))
    if random.random() < 0.3:
        made["behavior"] = {key: _some(random, BEHAVIOR, 0.5) for key in ("scale_up", "scale_down")}
    if random.random() < 0.2:
        key = random.choice(("runtime", "priority", "warm_pool", "x-y", "servce", "shadow"))
        made[key] = random.choice((*WRONG[:20], "process"))
    return made


def _policy(random: Random) -> dict[str, Any]:
    kind = random.choice(("target_tracking", "target_tracking", *POLICIES))
    if kind in POLICIES:
        return {"type": kind, **_some(random, POLICIES[kind], 0.8)}
    made: dict[str, Any] = {
        "type": kind,
        "metric": metric(random),
        "window": random.choice(DURATIONS),
        random.choice(("target", "total")): random.choice(NUMBERS),
    }
    if random.random() < 0.2:
        made["tolerance"] = random.choice((*FRACTIONS, {"up": 0, "down": "99%"}, {"down": 1}))
    return made


# ---------------------------------------------------------------- good ones

GOOD_TIMES = ("1us", "250ms", "1.5s", "10s", "90s", "1m30s", "24h", "3650d", "999us", "1ms")
GOOD_ROUTE: Mapping[str, Values] = {
    "host": (*HOSTS[:6], "a" * 253, "0", "1.2.3.4", "${A}.example"),
    "path": (*PATHS[:5], "/~u", "/a,b", "/a=b@c:d+e", "/%00", "/%2f%0A", "/" + "a" * 1990, "/${A}"),
    "balance": ("leastconn", "roundrobin", "random"), "max_concurrency": (1, 20, 100_000), "queue_timeout": GOOD_TIMES,
    "retries": ("safe", "connect", "none"), "slow_start": (*GOOD_TIMES, "0s"), "drain_timeout": GOOD_TIMES,
    "timeout_client": GOOD_TIMES, "timeout_server": GOOD_TIMES, "timeout_header": GOOD_TIMES, "timeout_tunnel": GOOD_TIMES,
    "trusted_proxies": ([], ["10.0.0.0/8", "::1"], ["0.0.0.0/0", "fd00::/8", "192.0.2.7"], ["::ffff:1.2.3.4"]),
}  # fmt: skip
GOOD_CHECK: Mapping[str, Values] = {
    "http": ("/", "/healthz?a=b&c", "/%20", "/" + "h" * 1990), "interval": GOOD_TIMES, "timeout": GOOD_TIMES,
    "retries": (1, 2, 1000), "start_period": GOOD_TIMES, "start_timeout": GOOD_TIMES,
}  # fmt: skip
GOOD_BEHAVIOR: Mapping[str, Values] = {
    "stabilization_window": ("0s", "1us", "1h"), "select": ("max", "min", "disabled"),
    "policies": ([], [{"percent": 1e6, "period": "1us"}], [{"replicas": 10**18, "period": "30m"}], [{"percent": 5e-324,
    "period": "15s"}]),
}  # fmt: skip
GOOD_AIMS = {
    "cpu": ("70%", 0.001, 10),
    "memory": ("1%", 1),
    "error_ratio": ("1%", 5e-324),
    "latency_p95": ("1us", "250ms", 1e300),
}


def good_document(random: Random) -> dict[str, Any]:
    """One service that holds, now and then at the limits of what is allowed."""
    metric = random.choice(("request_rate", "concurrency", "queue_length", "latency_p95", "error_ratio", "cpu", "memory"))
    share = "total" if metric in ("latency_p95", "error_ratio") else "target"
    aim = random.choice(GOOD_AIMS.get(metric, (50, 0.5, 1e-9, 1e-320, 1e308)))
    tolerance = random.choice((0, 0.1, "99%", {"up": "500%", "down": 0}))
    return {
        "service": random.choice(NAMES[:4]),
        "replica": {
            "image": "app:1",
            "port": random.choice((1, 5000, 65535)),
            "mem_limit": "256m",
            "healthcheck": _some(random, GOOD_CHECK, 0.4),
        },
        "route": {"bind": random.choice(BINDS[:4]), **_some(random, GOOD_ROUTE, 0.3)},
        "policies": [{"type": "target_tracking", "metric": metric, share: aim, "tolerance": tolerance}],
        "replicas": random.choice(({"min": 2, "max": 5}, {"max": 10_000}, {"min": 10_000, "max": 10_000})),
        "behavior": {key: _some(random, GOOD_BEHAVIOR, 0.5) for key in ("scale_up", "scale_down")},
    }


# ---------------------------------------------------------------- as text


def written(random: Random, value: Any, indent: int = 0) -> str:
    """A value as YAML: blocks for mappings and lists, JSON for the rest and now and then for all."""
    pad = "  " * indent
    if isinstance(value, dict) and value and random.random() < 0.9:
        lines = (
            f"{pad}{json.dumps(key)}:{_behind(random, item, indent)}"
            if not key.isidentifier()
            else f"{pad}{key}:{_behind(random, item, indent)}"
            for key, item in value.items()
        )
        return "".join(lines)
    return f"{pad}{scalar(value)}\n"


def _behind(random: Random, value: Any, indent: int) -> str:
    if isinstance(value, dict) and value:
        return "\n" + written(random, value, indent + 1)
    return f" {scalar(value)}\n"


def scalar(value: Any) -> str:
    """A value in YAML's flow style."""
    text = json.dumps(value)
    return {"Infinity": ".inf", "-Infinity": "-.inf", "NaN": ".nan"}.get(text, text)
