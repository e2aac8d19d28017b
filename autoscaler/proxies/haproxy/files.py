"""The folder of one HAProxy: its config, map, sockets, pid and messages. Files are replaced as a whole or not at all."""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoscaler.drivers.children import ProcessId
from autoscaler.errors import ProxyError
from autoscaler.faultpoints import hit

LONGEST_SOCKET_PATH = 97  # HAProxy binds PATH.PID.tmp first, and a socket's name ends at 107 bytes


@dataclass(frozen=True, slots=True)
class Files:
    """Where everything of one HAProxy is."""

    folder: Path

    @property
    def config(self) -> Path:
        """What the running HAProxy has, and would have after a restart."""
        return self.folder / "haproxy.cfg"

    @property
    def candidate(self) -> Path:
        """A config that is not in force yet, as it is being checked."""
        return self.folder / "haproxy.cfg.new"

    @property
    def states(self) -> Path:
        """What HAProxy shall know of servers beside the config: see states.py."""
        return self.folder / "servers.state"

    @property
    def stats(self) -> Path:
        """The current worker's runtime socket."""
        return self.folder / "stats.sock"

    @property
    def master(self) -> Path:
        """The master's socket, through which older workers are asked."""
        return self.folder / "master.sock"

    @property
    def pid(self) -> Path:
        """Pid and start time of the master."""
        return self.folder / "haproxy.pid"

    @property
    def messages(self) -> Path:
        """What HAProxy says of itself."""
        return self.folder / "haproxy.log"

    def make(self) -> None:
        """Have the folder, for us alone. Raises ProxyError where it can't be, or where a socket in it could not."""
        longest = max(len(os.fsencode(path)) for path in (self.stats, self.master))
        if longest > LONGEST_SOCKET_PATH:
            raise ProxyError(
                f"path of {longest} bytes for a socket, {LONGEST_SOCKET_PATH} is the most that HAProxy can use",
                where=str(self.folder),
                fix="choose a shorter --state-dir, of 80 bytes at most",
            )
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise ProxyError(f"can't be made: {error.strerror}", where=str(self.folder)) from error

    def remove(self) -> None:
        """Remove all of these files, and the folder where nothing else is in it."""
        own = (self.config, self.candidate, self.states, self.stats, self.master, self.pid, self.messages)
        for path in (*own, *self.folder.glob("routes-*.map"), *self.folder.glob("*.tmp")):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def keep_map(self, current: Path) -> None:
        """Remove the maps of former routes."""
        for path in self.folder.glob("routes-*.map"):
            if path != current:
                path.unlink(missing_ok=True)

    def read_config(self) -> str:
        """The config in force, "" where there is none."""
        try:
            return self.config.read_text()
        except OSError:
            return ""

    def read_pid(self) -> ProcessId | None:
        """The master that was started last, None where none is known."""
        try:
            pid, started = self.pid.read_text().split()
            return ProcessId(int(pid), int(started))
        except (OSError, ValueError):
            return None


def write_atomic(path: Path, text: str) -> None:
    """Replace the file's text; after a crash it holds the old text or the new. Raises OSError."""
    fresh = path.with_name(path.name + ".tmp")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        hit("proxy.file.written")
        fresh.replace(path)
        hit("proxy.file.replaced")
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
