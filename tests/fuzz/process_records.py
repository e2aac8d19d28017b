"""What a process replica's folder holds, whoever wrote there: the replica is seen, or told as one that can't be read."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from autoscaler.errors import EngineUnavailable
from autoscaler.runtimes.process import records
from autoscaler.runtimes.process.reader import ProcessReader
from tests.fuzz.mutate import as_json, misshapen
from tests.fuzz.runs import Check, Target

NAME = "web-1"
RECORD = {
    "service": "web",
    "replica": NAME,
    "spec_hash": "abc",
    "created_at": 1.0,
    "port": 8000,
    "stop_signal": 15,
    "ulimits": {"nofile": [1, 2]},
}
RUNNING = {"pid": 2**22 + 1, "started": 1, "keeper_pid": 2**22 + 2, "keeper_started": 1, "boot": records.this_boot()}
EXIT = {"code": 137}
FILES = {"record.json": RECORD, "running.json": RUNNING, "exit.json": EXIT}


def make(random: Random) -> bytes:
    """The name of one of the files, and behind a line feed its text."""
    name = random.choice(list(FILES))
    good = FILES[name]
    return name.encode() + b"\n" + as_json(random, misshapen(random, good) if random.random() < 0.95 else good)


@contextmanager
def ready() -> Iterator[Check]:
    """A folder with one replica, and a loop."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name, asyncio.Runner() as runner:
        place = Path(name, NAME)
        place.mkdir()
        yield lambda case: runner.run(check(place, case))


async def check(place: Path, case: bytes) -> None:
    changed, _, text = case.partition(b"\n")
    for name, good in FILES.items():
        (place / name).write_bytes(text if name.encode() == changed else json.dumps(good).encode())
    reader = ProcessReader(place.parent)
    try:
        seen = await reader.observe()
        used = await reader.usage([NAME])
        lines = await reader.logs(NAME, 10)
    except EngineUnavailable:
        return
    (instance,) = seen
    assert (instance.id, instance.replica) == (NAME, NAME), "another replica than its folder"
    assert isinstance(instance.service, str)
    assert isinstance(instance.spec_hash, str)
    assert isinstance(instance.created_at, int | float)
    assert instance.address is None or 1 <= instance.address.port <= 65535
    assert instance.exit is None or isinstance(instance.exit.code, int | None)
    running = records.read_running(place)
    assert running is None or min(running.leader.pid, running.keeper.pid) >= 1, "a signal to it would reach others"
    assert set(used) <= {NAME}
    assert not lines


TARGET = Target("process_records", make, ready, 50_000)
