"""What answers in Prometheus' place: a load that is one, or one clear error."""

import json
from math import isfinite
from random import Random

from autoscaler.errors import SourceError
from autoscaler.sources.prometheus.answer import LARGEST, read_answer
from tests.fuzz.mutate import NUMBERS, as_json, broken, misshapen
from tests.fuzz.runs import Target, plain

AT = 1_700_000_000.123
SERIES = {"metric": {"job": "web"}, "value": [AT, "42"]}
GOOD = [
    {"status": "success", "data": {"resultType": "vector", "result": [SERIES]}, "warnings": []},
    {"status": "success", "data": {"resultType": "scalar", "result": [AT, "0.5"]}, "isPartial": False},
    {"status": "success", "data": {"resultType": "vector", "result": []}},
    {"status": "success", "data": {"resultType": "vector", "result": [SERIES, SERIES]}},
    {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[AT, "1"]]}]}},
    {"status": "success", "data": {"resultType": "vector", "result": [SERIES]}, "warnings": ["no store\x1b[31m\n"]},
    {"status": "error", "errorType": "bad_data", "error": "parse error\r\nat 1"},
]


def make(random: Random) -> bytes:
    """One answer, mostly changed."""
    good = random.choice((*GOOD[:2], *GOOD))
    if random.random() < 0.3:
        number = random.choice((*NUMBERS, "+Inf", "-Inf", "1e15", "-0", "nan"))
        return json.dumps(good).replace('"42"', json.dumps(number)).encode("utf-8", "surrogatepass")
    if random.random() < 0.5:
        return as_json(random, misshapen(random, good))
    return broken(random, json.dumps(good).encode())


def check(case: bytes) -> None:
    try:
        value, at = read_answer(case)
    except SourceError as error:
        assert error.what.isprintable(), f"not one line of text: {error.what!r:.200}"
        assert error.what
        assert error.fix
        assert len(str(error)) < 500
        return
    assert 0 <= value <= LARGEST
    assert isfinite(at)


TARGET = Target("source_answers", make, plain(check), 100_000)
