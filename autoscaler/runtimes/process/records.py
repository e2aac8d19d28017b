"""What is kept of each replica on disk: a folder by its name, found again by any later daemon.

    record.json   what we were asked for, there before anything runs (an intent)
    running.json  pid and start time, written by the keeper before the replica may run
    exit.json     how it ended
    log, log.1    what it wrote

A folder comes and goes by one rename, so that it is there in full or not at all; the names that begin with a dot are those
on their way in or out.
"""

import fcntl
import json
import os
import secrets
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

from autoscaler.drivers.children import ProcessId

LOG_MAX_BYTES = 5 * 1024**2
LAST_PORT = 65535
INCOMING, OUTGOING = ".new-", ".old-"


@dataclass(frozen=True, slots=True)
class Record:
    """What was asked for. Neither command nor environment is in it: they may hold secrets."""

    service: str
    replica: str
    spec_hash: str
    created_at: float
    port: int
    stop_signal: int = signal.SIGTERM
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    uid: int | None = None
    gid: int | None = None
    log_max_bytes: int = LOG_MAX_BYTES


@dataclass(frozen=True, slots=True)
class Running:
    """The processes of a replica: its own first one, which leads its session, and its keeper."""

    leader: ProcessId
    keeper: ProcessId
    boot: str


def names(folder: Path) -> Sequence[str]:
    """All replicas that have a folder."""
    return [name for name in _listed(folder) if not name.startswith(".")]


def left_behind(folder: Path) -> Sequence[Path]:
    """Folders on their way in or out when a daemon died."""
    return [folder / name for name in _listed(folder) if name.startswith((INCOMING, OUTGOING))]


def _listed(folder: Path) -> Sequence[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return ()


def claim(folder: Path, record: Record) -> bool:
    """Make the replica's folder; False where there is one already."""
    incoming = folder / f"{INCOMING}{secrets.token_hex(8)}"
    incoming.mkdir(mode=0o700)
    (incoming / "record.json").write_text(json.dumps(asdict(record)))
    try:
        incoming.rename(folder / record.replica)
    except OSError:
        shutil.rmtree(incoming)
        if (folder / record.replica).is_dir():
            return False
        raise
    return True


def set_aside(folder: Path, replica: str) -> Path | None:
    """Take the replica's folder out of sight, so that no keeper can start in it any more; None where there is none."""
    outgoing = folder / f"{OUTGOING}{secrets.token_hex(8)}"
    try:
        return (folder / replica).rename(outgoing)
    except FileNotFoundError:
        return None


def read_record(place: Path) -> Record | None:
    """The record in a replica's folder, None where the folder is gone. One that can't be read tells its name at least."""
    try:
        record = Record(**_read(place / "record.json"))
        if not _is_sound(record) or (record.replica != place.name and not place.name.startswith(".")):
            raise ValueError("not a record of ours")
        return record
    except (ValueError, TypeError):
        return Record(service=place.name.rpartition("-")[0], replica=place.name, spec_hash="", created_at=0.0, port=0)
    except FileNotFoundError:
        return None


def _is_sound(record: Record) -> bool:
    """Whether each field has its type: anybody may have written there."""
    texts = (record.service, record.replica, record.spec_hash)
    numbers = (record.port, record.stop_signal, record.log_max_bytes, record.uid or 0, record.gid or 0)
    return (
        all(isinstance(text, str) for text in texts)
        and all(type(number) is int and number >= 0 for number in numbers)
        and record.port <= LAST_PORT
        and isinstance(record.created_at, int | float)
        and isfinite(record.created_at)
    )


def _read(path: Path) -> Mapping[str, Any]:
    """A file's mapping. ValueError where it holds anything else."""
    try:
        found = json.loads(path.read_bytes())
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("no mapping")
    return found


def _whole(given: object) -> int:
    if type(given) is not int:
        raise ValueError(f"{given!r:.40} is no whole number")
    return given


def _pid(given: object) -> int:
    """A signal to 0 or -1 would reach many."""
    if (pid := _whole(given)) < 1:
        raise ValueError(f"{pid} is no pid")
    return pid


def read_running(place: Path) -> Running | None:
    """The processes of a replica, None where none was started in this boot of the machine or ever."""
    try:
        found = _read(place / "running.json")
        running = Running(
            leader=ProcessId(_pid(found["pid"]), _whole(found["started"])),
            keeper=ProcessId(_pid(found["keeper_pid"]), _whole(found["keeper_started"])),
            boot=found["boot"],
        )
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return running if running.boot == this_boot() else None


def was_started(place: Path) -> bool:
    """Whether it ever ran, in this boot of the machine or an earlier one."""
    return (place / "running.json").exists()


def has_keeper(place: Path) -> bool:
    """Whether a keeper has taken this folder, be it one that an earlier daemon started."""
    try:
        with (place / "lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def read_exit_code(place: Path) -> int | None:
    """The exit status, None where nobody saw it."""
    try:
        return _whole(_read(place / "exit.json")["code"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


@cache
def this_boot() -> str:
    """Which boot of the machine this is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
