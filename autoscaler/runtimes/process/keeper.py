"""The keeper of one replica: its parent, its log, and the one who sees how it ended, alive or dead the daemon.

    python -I -S keeper.py FOLDER COMMAND [ARGUMENT...]

A file that the replica wrote itself could only be cut by someone who watches it, and an exit status is told to a parent
alone; both must go on while the daemon is dead. So each replica has a parent that does nothing else, as containerd has
its shim. It costs 40 ms and 5 MB. Should somebody kill the keeper, its replica serves on
without a log.

No process starts unrecorded: the child waits at a gate until `running.json` names it, and goes away where the keeper dies
before. A second keeper on the same folder finds the lock taken, or the record there, and ends.

This file runs by itself and imports the standard library alone: the package and its dependencies would cost 40 MB.
"""

import contextlib
import fcntl
import json
import os
import resource
import select
import signal
import sys
from typing import Any

CHUNK = 65536
LOOK_S = 0.2  # how often to look after the child where the kernel has no pidfd


def main(folder: str, argv: list[str]) -> None:
    """Start the replica, keep its output until nobody can write any more, and note how it ended."""
    with open(f"{folder}/record.json") as file:
        record = json.load(file)
    lock = os.open(f"{folder}/lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if os.path.exists(f"{folder}/running.json"):
        return
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    output, pid = start(folder, record, argv)
    keep(Log(folder, record["log_max_bytes"]), output, pid, f"{folder}/exit.json")


def start(folder: str, record: dict[str, Any], argv: list[str]) -> tuple[int, int]:
    """Fork the replica, record it, then let it go; answers the end of its output and its pid."""
    output, its_output = os.pipe()
    prepared, its_prepared = os.pipe()
    gate, release = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(release)
        become(record, argv, its_output, its_prepared, gate)
    for end in (its_output, its_prepared, gate):
        os.close(end)
    os.read(prepared, 1)  # from here on it is found, and ended, by its session
    found = {"pid": pid, "started": started(pid), "keeper_pid": os.getpid(), "keeper_started": started(os.getpid())}
    write(f"{folder}/running.json", found | {"boot": boot()})
    with contextlib.suppress(BrokenPipeError):
        os.write(release, b"!")
    os.close(release)
    return output, pid


def become(record: dict[str, Any], argv: list[str], output: int, prepared: int, gate: int) -> None:
    """Be the replica: its own session, limits and user; never returns."""
    status = 126
    try:
        os.setsid()
        os.dup2(output, 1)
        os.dup2(output, 2)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        for name, (soft, hard) in record["ulimits"].items():
            resource.setrlimit(getattr(resource, f"RLIMIT_{name.upper()}"), (soft, hard))
        if record["uid"] is not None:
            os.setgroups([])
            os.setgid(record["gid"])
            os.setuid(record["uid"])
        os.write(prepared, b"!")
        if os.read(gate, 1):
            os.execvpe(argv[0], argv, given_environment())
    except FileNotFoundError as error:
        status = 127
        os.write(2, f"{argv[0]}: {error.strerror}\n".encode())
    except (OSError, ValueError) as error:
        os.write(2, f"{argv[0]}: {error}\n".encode())
    finally:
        os._exit(status)


def given_environment() -> dict[bytes, bytes]:
    """The environment as it was given: Python adds LC_CTYPE to its own."""
    with open("/proc/self/environ", "rb") as file:
        pairs = (entry.partition(b"=") for entry in file.read().split(b"\0") if entry)
        return {name: value for name, _, value in pairs}


def keep(log: "Log", output: int, pid: int, note: str) -> None:
    """Write down all output; note the exit status as soon as there is one, also while its children still write."""
    ending = pidfd(pid)
    waiting = [output] if ending is None else [output, ending]
    ended = False
    while waiting:
        ready, _, _ = select.select(waiting, [], [], LOOK_S if ending is None and not ended else None)
        if output in ready:
            chunk = os.read(output, CHUNK)
            log.add(chunk)
            if not chunk:
                waiting.remove(output)
        if not ended and (ending in ready or ending is None or output not in waiting):
            ended = look(pid, note, wait=output not in waiting)
            if ended and ending in waiting:
                waiting.remove(ending)


def look(pid: int, note: str, *, wait: bool) -> bool:
    """Whether the replica has ended; if so, how is noted: its status, or 128 and the signal, as a shell says."""
    found, status = os.waitpid(pid, 0 if wait else os.WNOHANG)
    if not found:
        return False
    code = os.waitstatus_to_exitcode(status)
    with contextlib.suppress(OSError):  # a full disk: then it ended in a way that nobody knows
        write(note, {"code": code if code >= 0 else 128 - code})
    return True


class Log:
    """A file of at most `limit` bytes and its predecessor. Where it can't be written, output is thrown away: a full disk
    must not stop a replica."""

    def __init__(self, folder: str, limit: int) -> None:
        self.path = f"{folder}/log"
        self.limit = limit
        self.file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.size = os.fstat(self.file).st_size

    def add(self, chunk: bytes) -> None:
        """Append; begin a new file at the end of a line where this one is full."""
        with contextlib.suppress(OSError):
            if self.size + len(chunk) > self.limit:
                whole_lines = chunk.rfind(b"\n") + 1
                os.write(self.file, chunk[:whole_lines])
                chunk = chunk[whole_lines:]
                self.rotate()
            self.size += os.write(self.file, chunk)

    def rotate(self) -> None:
        """Keep one predecessor."""
        os.rename(self.path, f"{self.path}.1")
        fresh = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.close(self.file)
        self.file, self.size = fresh, 0


def write(path: str, document: dict[str, Any]) -> None:
    """Write a file that is there in full or not at all."""
    with open(f"{path}.new", "w") as file:
        json.dump(document, file)
    os.rename(f"{path}.new", path)


def started(pid: int) -> int:
    """Field 22 of /proc/PID/stat."""
    with open(f"/proc/{pid}/stat", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[19])


def boot() -> str:
    """Which boot of the machine this is: pids and start times begin anew with each."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def pidfd(pid: int) -> int | None:
    """A descriptor that tells of the child's end, None where the kernel has none."""
    try:
        return os.pidfd_open(pid)
    except (OSError, AttributeError):
        return None


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
