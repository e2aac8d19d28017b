"""What may stand behind `metric:`: a name, or a mapping with all that may be wrong with one."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

NAMES = ("request_rate", "concurrency", "queue_length", "latency_p95", "latency_p99", "error_ratio", "cpu", "memory", "x")
TIMES = ("5s", "250ms", "100ms", "99ms", "1h", "61m", "0s", 5, "x", None)
SECRETS: Sequence[Any] = ({"env": "A"}, {"file": "f"}, {"env": "A", "file": "f"}, {}, "hunter2", None)
KEYS: Mapping[str, Sequence[Any]] = {
    "source": ("prometheus",) * 9 + ("redis", "x", "", None, 1),
    "name": ("depth", "jobs", "cpu", "a b", "", "\x00", "x" * 61, 1),
    "server": (
        "http://p:9090", "https://p/prom/", "http://[::1]:9", "http://u:p@h", "http://h:99999", "http://169.254.169.254",
        "http://[", "http://0x7f.1", "//h", "file:///x", "http://h\r\nX: y", "http://\u0669", "http://" + "a" * 3000, "", 1,
    ),
    "query": ("up", "sum(a) / 2", "", " ", "\x00", "q" * 4001, 1, None),
    "interval": TIMES,
    "timeout": TIMES,
    "window": TIMES,
    "auth": (
        *({"bearer_token": secret} for secret in SECRETS), *({"username": "u", "password": secret} for secret in SECRETS),
        {"username": "a:b", "password": {"env": "A"}}, {}, [], "x",
    ),
    "tls": ({}, {"ca_file": "c"}, {"key_file": "k"}, {"insecure_skip_verify": "yes"}, {"x": 1}, "x"),
    "trust_zero": (True, False, "yes"),
    "x": (1,),
}  # fmt: skip
LIKELY = {"source": 0.95, "server": 0.95, "query": 0.95, "x": 0.02}
GOOD = {"source": "prometheus", "server": "https://p:9090", "query": "sum(up)"}


def metric(random: Random) -> Any:
    """One of them, mostly a name."""
    if random.random() < 0.7:
        return random.choice(NAMES)
    if random.random() < 0.5:
        key = random.choice([*KEYS])
        return GOOD | {key: random.choice(KEYS[key])}
    return _some(random, 0.3)


def _some(random: Random, likely: float) -> dict[str, Any]:
    return {key: random.choice(values) for key, values in KEYS.items() if random.random() < LIKELY.get(key, likely)}
