"""What an engine answers, or what stands in its place: JSON of other types, keys that are missing, lines that end early.

A case is a line that names the question, then the answer. What comes of it is a value whose fields have their types, or an
EngineError of one line; any other error would read as a fault of ours.
"""

import ipaddress
import json
from collections.abc import Iterator
from random import Random
from typing import Any

from autoscaler.drivers.docker_answers import json_lines, parsed
from autoscaler.errors import EngineError
from autoscaler.model import Instance
from autoscaler.runtimes.docker import labels as names
from autoscaler.runtimes.docker.changes import EventFeed, read_event, to_change
from autoscaler.runtimes.docker.deaths import Deaths
from autoscaler.runtimes.docker.images import image_id
from autoscaler.runtimes.docker.listing import exit_from_state, exit_from_status, read_list, to_instance
from autoscaler.runtimes.docker.logs import LineCutter
from autoscaler.runtimes.docker.pull import PullProgress
from autoscaler.runtimes.docker.support import Facts, check_is_supported
from autoscaler.runtimes.docker.usage import from_stats
from tests.fuzz.mutate import as_json, broken, misshapen
from tests.fuzz.runs import Target, plain

INSTANCE = "fuzz"
ID = "4f" * 32
NANO = 10**9
BITS_64 = 2**64
LABELS = {
    names.MANAGED: "true", names.INSTANCE: INSTANCE, names.SERVICE: "web", names.REPLICA: "web-1", names.SPEC: "abc",
    names.PORT: "5000",
}  # fmt: skip
RUNNING = {
    "Id": ID, "Image": "app:1", "ImageID": "sha256:x", "Created": 1_700_000_000, "Labels": LABELS, "State": "running",
    "Status": "Up 2 seconds (healthy)", "HostConfig": {"NetworkMode": "default"},
    "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2", "GlobalIPv6Address": ""}}},
}  # fmt: skip
ENDED = {**RUNNING, "Id": "5e" * 32, "State": "exited", "Status": "Exited (137) 4 seconds ago"}
EVENT = {
    "Type": "container", "Action": "die", "timeNano": 1_700_000_001 * NANO, "Actor": {"ID": ID, "Attributes": LABELS},
}  # fmt: skip
JOINED = {"Type": "network", "Action": "connect", "timeNano": NANO, "Actor": {"Attributes": {"container": ID}}}
PULLING = {"id": "a1", "status": "Downloading", "progressDetail": {"current": 5 << 20, "total": 10 << 20}}
ONE: dict[str, Any] = {
    "list": [RUNNING, ENDED],
    "state": {"Status": "exited", "ExitCode": 137, "OOMKilled": True},
    "stats": {
        "cpu_stats": {"cpu_usage": {"total_usage": 5 * NANO}},
        "memory_stats": {"usage": 10**6, "stats": {"inactive_file": 10}},
    },
    "image": {"Id": "sha256:x"},
    "facts": {
        "Platform": {"Name": "Docker Engine - Community"},
        "Components": [{"Name": "Engine"}],
        "SecurityOptions": ["name=seccomp,profile=default"],
    },
}
LINES: dict[str, Any] = {
    "events": [EVENT, JOINED, EVENT],
    "pull": [{"status": "Pulling from a", "id": "1"}, PULLING, {"status": "Pull complete", "id": "a1"}],
}


def make(random: Random) -> bytes:
    """One question's answer, mostly changed."""
    question = random.choice(("list", "list", *ONE, *LINES, *LINES))
    if question in ONE:
        return question.encode() + b"\n" + _changed(random, ONE[question])
    text = b"\r\n".join(_changed(random, item) if random.random() < 0.6 else _good(item) for item in LINES[question])
    return question.encode() + b"\n" + (broken(random, text) if random.random() < 0.3 else text)


def _good(value: Any) -> bytes:
    return json.dumps(value).encode()


def _changed(random: Random, good: Any) -> bytes:
    return as_json(random, misshapen(random, good) if random.random() < 0.95 else good)


def check(case: bytes) -> None:
    asked, _, body = case.partition(b"\n")
    cutter = LineCutter()
    written = [line for piece in pieces(body) for line in cutter.feed(piece)]
    assert "\n".join([*written, *cutter.rest()]).encode("utf-8", "strict") is not None
    try:
        match asked:
            case b"events":
                check_events(body)
            case b"pull":
                check_pull(body)
            case _:
                check_answer(asked, parsed(body))
    except EngineError as error:
        assert str(error).isprintable(), f"not one line of text: {error!s:.200}"
        assert len(str(error)) < 1000, f"{len(str(error))} characters"


def pieces(body: bytes) -> Iterator[bytes]:
    """A stream, cut as it may come."""
    size = max(1, len(body) // 5)
    return (body[at : at + size] for at in range(0, len(body), size))


def check_answer(asked: bytes, given: Any) -> None:
    match asked:
        case b"list":
            for entry in read_list(given):
                check_instance(to_instance(entry, exit_from_status(entry)))
        case b"state" if isinstance(given, dict):
            ended = exit_from_state(given)
            assert ended.code is None or type(ended.code) is int
            assert isinstance(ended.oom, bool)
        case b"image" if isinstance(given, dict):
            assert isinstance(image_id(given), str)
        case b"facts" if isinstance(given, dict):
            check_is_supported(Facts(given, given, "Docker/20.10", "1.41"), "here")
        case b"stats":
            if used := from_stats(given):
                assert used.cpu_seconds is None or 0 <= used.cpu_seconds < BITS_64
                assert used.memory_bytes is None or 0 <= used.memory_bytes < BITS_64


def check_instance(instance: Instance) -> None:
    """Each field has its type: what is kept, compared and shown later must not fail there."""
    for field in (instance.id, instance.replica, instance.service, instance.spec_hash, instance.image):
        assert isinstance(field, str)
        field.encode()
    if instance.address is not None:
        ipaddress.ip_address(instance.address.host)
        assert 0 < instance.address.port < 65536
    assert instance.healthy in (True, False, None)
    assert 0 <= instance.created_at <= BITS_64


def check_events(body: bytes) -> None:
    feed = EventFeed()
    for given in json_lines(pieces(body)):
        event = read_event(given)
        if feed.is_new(event) and type(at := event.get("timeNano")) is int and 0 < at < BITS_64:
            assert not feed.is_new(event), "told twice"
        Deaths().note(event, 0.0)
        change = to_change(event, INSTANCE, {ID: ("web", "web-1")})
        assert change is None or f"{change.service} {change.replica} {change.what}".encode()


def check_pull(body: bytes) -> None:
    progress = PullProgress()
    for given in json_lines(pieces(body)):
        progress.add(given)
        assert len(str(progress)) < 200


TARGET = Target("docker_answers", make, plain(check), 100_000)
