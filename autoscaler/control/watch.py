"""Noticing that policy files changed, by looking at path, inode, size and time of each every two seconds.

File events miss mounts, single-file mounts and swapped symlinks; a look does not. What changed is left to the reader.
"""

import asyncio
import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path

from autoscaler.spec.files import is_policy

LOOK_EVERY_S = 2.0

Print = tuple[tuple[str, int, int, int], ...]


def fingerprint(paths: Sequence[Path]) -> Print:
    """What these files and folders, and what is in the folders, look like; one that can't be looked at is left out."""
    looks = set()  # a file that is named and lies in a named folder counts once
    for path in paths:
        for file in _files(path):
            try:
                seen = file.stat()
            except OSError:
                continue
            looks.add((str(file), seen.st_ino, seen.st_size, seen.st_mtime_ns))
    return tuple(sorted(looks))


def _files(path: Path) -> Sequence[Path]:
    """A folder's policies and its `.env`; what else comes and goes in it, editors' own files too, is no change."""
    try:
        if not stat.S_ISDIR(path.stat().st_mode):
            return path, path.parent / ".env"
        names = sorted(os.listdir(path))
    except OSError:
        return ()
    return [path / name for name in names if name == ".env" or is_policy(name)]


async def watch(paths: Callable[[], Sequence[Path]], changed: Callable[[], None]) -> None:
    """Run for ever: call `changed` whenever the files look different from the last look."""
    last = await asyncio.to_thread(fingerprint, paths())
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        seen = await asyncio.to_thread(fingerprint, paths())
        if seen != last:
            changed()
        last = seen
