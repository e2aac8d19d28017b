"""Finds and reads policy files: which of a folder's files count, and who may write them.

A folder's `*.yaml` and `*.yml` count, in the order of their names; hidden ones and editors' own do not, nor do folders
within it.
A file or folder that everyone can write is refused: who writes it, starts containers as us.
"""

import os
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoscaler.spec.nodes import Mark
from autoscaler.spec.problems import Problems
from autoscaler.spec.yaml12 import MOST_BYTES, decode

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class Found:
    """The files to read, each with the path that was given for it, and why a path gave none: it can't be read, or holds no
    policy."""

    files: Mapping[Path, Path]
    unread: Mapping[Path, str] = field(default_factory=dict)


def find(paths: Sequence[Path]) -> Found:
    """All policy files of these files and folders, each once."""
    files: dict[Path, tuple[Path, Path]] = {}
    unread: dict[Path, str] = {}
    for path in paths:
        try:
            inside = _policies_of(path) if path.is_dir() else [path]
        except OSError as error:
            unread[path] = f"can't be read: {error.strerror}"
            continue
        if not inside:
            unread[path] = "holds no *.yaml or *.yml"
        for file in inside:
            files.setdefault(Path(os.path.abspath(file)), (file, path))
    return Found(dict(files.values()), unread)


def _policies_of(folder: Path) -> list[Path]:
    names = sorted(entry.name for entry in folder.iterdir() if not entry.is_dir())
    return [folder / name for name in names if is_policy(name)]


def is_policy(name: str) -> bool:
    """Whether a folder's file of that name counts."""
    return name.endswith(SUFFIXES) and not name.startswith((".", "#", "~"))


def read_text(path: Path, problems: Problems) -> str | None:
    """A file's text; None, and a problem, where it is too large or not UTF-8. Raises OSError where it can't be read."""
    if not stat.S_ISREG(path.stat().st_mode):
        problems.add(Mark(str(path), 1, 1), (), "not a regular file", "name a file or a folder")
        return None
    with path.open("rb") as file:
        return decode(file.read(MOST_BYTES + 1), str(path), problems)


def writable_by_all(paths: Sequence[Path]) -> Mapping[Path, str]:
    """Which of these everyone can write, with the mode seen; a file's folder counts unless its sticky bit is set."""
    open_to_all: dict[Path, str] = {}
    for path in paths:
        for seen, sticky_is_fine in ((path, False),) if os.path.isdir(path) else ((path, False), (path.parent, True)):
            try:
                mode = seen.stat().st_mode
            except OSError:
                continue
            if mode & stat.S_IWOTH and not (sticky_is_fine and mode & stat.S_ISVTX):
                open_to_all[seen] = f"{stat.S_IMODE(mode):04o}"
    return open_to_all
