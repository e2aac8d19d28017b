"""Noticing that policy files changed, by looking at path, inode, size and time of each every two seconds.

File events miss mounts, single-file mounts and swapped symlinks; a look does not. What changed is left to the reader.
"""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

LOOK_EVERY_S = 2.0

Print = tuple[tuple[str, int, int, int], ...]


def fingerprint(paths: Sequence[Path]) -> Print:
    """What these files and folders, and what is in the folders, look like; one that can't be looked at is left out."""
    looks = []
    for path in paths:
        for file in (
            sorted([path, *path.glob("*.y*ml"), *path.glob(".env")]) if path.is_dir() else (path, path.parent / ".env")
        ):
            try:
                stat = file.stat()
            except OSError:
                continue
            looks.append((str(file), stat.st_ino, stat.st_size if file.is_file() else 0, stat.st_mtime_ns))
    return tuple(looks)


async def watch(paths: Callable[[], Sequence[Path]], changed: Callable[[], None]) -> None:
    """Run for ever: call `changed` whenever the files look different from the last look."""
    last = await asyncio.to_thread(fingerprint, paths())
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        seen = await asyncio.to_thread(fingerprint, paths())
        if seen != last:
            changed()
        last = seen
