"""One daemon a state dir: an flock that dies with its process, and the holder's pid in the file for people.

The file stays when the daemon ends; `down` removes it while holding it, and whoever waited for it then takes a new one.
Source: flock(2). Not for NFS.
"""

import errno
import fcntl
import os
import time
from pathlib import Path

from autoscaler.errors import StateError

LOCK = "lock"
TRIES_FOR_S = 0.5  # a look by `lock_holder`, or a predecessor at its very end, may hold it for a moment
PAUSE_S = 0.02


class StateLock:
    """Holds a state dir from `acquire` to `release` or the process's end, however it ends."""

    def __init__(self, state_dir: Path) -> None:
        self._path = state_dir / LOCK
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the dir. Raises StateError with the pid of the daemon that has it."""
        while self._descriptor is None:
            descriptor = self._opened()
            if not _lock_within(descriptor, TRIES_FOR_S):
                pid = _pid_in(descriptor)
                os.close(descriptor)
                raise StateError(
                    f"another daemon (pid {pid or 'unknown'}) uses this state dir",
                    where=str(self._path.parent),
                    fix="stop it first, or run this one with another --state-dir and --instance",
                )
            if _is_at(descriptor, self._path):
                _write_pid(descriptor)
                self._descriptor = descriptor
            else:  # its holder removed it, and a lock on a file without a name keeps nobody out
                os.close(descriptor)

    def release(self, *, remove: bool = False) -> None:
        """Let go, and remove the file too where nothing of ours shall be left. Doing it twice is fine."""
        if self._descriptor is not None:
            if remove:
                self._path.unlink(missing_ok=True)
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _opened(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StateError(error.strerror or str(error), where=str(self._path)) from error


def lock_holder(state_dir: Path) -> int | None:
    """The pid of the daemon that holds the dir; None where none does. Takes nothing, writes nothing."""
    try:
        descriptor = os.open(state_dir / LOCK, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateError(error.strerror or str(error), where=str(state_dir / LOCK)) from error
    try:
        return None if _try_lock(descriptor, fcntl.LOCK_SH) else _pid_in(descriptor)
    finally:
        os.close(descriptor)


def _lock_within(descriptor: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not _try_lock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            return False
        time.sleep(PAUSE_S)
    return True


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _pid_in(descriptor: int) -> int | None:
    text = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None


def _write_pid(descriptor: int) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):  # a full disk keeps nobody from the lock itself
            raise
