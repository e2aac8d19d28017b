"""The state dir: ours alone, short enough for sockets, with the token of the API in it.

    state.db  lock  token  api.sock        files 0600, the dir 0700

A dir or token that others could read or write is refused, never silently mended: what it held may be known or forged by
now. Source: sun_path of unix(7) holds 108 bytes, and HAProxy's own suffixes need some of them.
"""

import os
import secrets
import stat
from pathlib import Path

from autoscaler.errors import StateError

LONGEST_PATH_BYTES = 80  # HAProxy's sockets below it fail beyond 97

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def prepare_state_dir(path: Path) -> Path:
    """Make the dir, or see that it is one that only we can use; answers its absolute path."""
    path = Path(os.path.abspath(path))
    length = len(os.fsencode(path))
    if length > LONGEST_PATH_BYTES:
        raise StateError(
            f"the path has {length} bytes, more than {LONGEST_PATH_BYTES}, too long for sockets",
            where=str(path),
            fix="name a shorter one with --state-dir",
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        found = path.stat()
        if OTHERS & found.st_mode and found.st_uid == os.geteuid() and not any(path.iterdir()):
            path.chmod(0o700)  # an empty one that was made for us, by systemd or by hand
            found = path.stat()
    except OSError as error:
        raise StateError(_words(error), where=str(path), fix="name a folder of yours with --state-dir") from error
    _refuse_foreign(path, found)
    return path


def _refuse_foreign(path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid != os.geteuid():
        raise StateError(
            f"belongs to user {found.st_uid} (mode {mode:04o}), this is user {os.geteuid()}",
            where=str(path),
            fix="run as its owner, or name another with --state-dir",
        )
    if mode & OTHERS:
        raise StateError(f"mode {mode:04o} lets others in", where=str(path), fix=f"chmod 700 {path}")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise StateError(f"mode {mode:04o} keeps us out", where=str(path), fix=f"chmod 700 {path}")


def read_or_make_token(path: Path) -> str:
    """The API's token; made on first use, mode 0600."""
    try:
        return _read_token(path)
    except FileNotFoundError:
        token = secrets.token_urlsafe(32)
        _write_whole(path, token)
        return token


def _read_token(path: Path) -> str:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise StateError("is no file", where=str(path), fix="name the token's file with --token-file")
        mode = stat.S_IMODE(found.st_mode)
        if mode & OTHERS:
            raise StateError(f"mode {mode:04o} lets others read the token", where=str(path), fix=f"chmod 600 {path}")
        token = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise StateError(_words(error), where=str(path), fix="name the token's file with --token-file") from error
    if not token:
        raise StateError("holds no token", where=str(path), fix="remove it, and the next start makes one")
    return token


def _write_whole(path: Path, text: str) -> None:
    """Whole or not at all, mode 0600."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    try:
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
                file.write(text + "\n")
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StateError(_words(error), where=str(path), fix="make room, or name another --state-dir") from error


def _words(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)).lower() if isinstance(error, OSError) else "is no text"
