"""The SQLite file itself: opened, brought to this version, read and written, all blocking and on one thread.

Write-ahead log, because a commit then costs no sync and kill -9 loses nothing that was committed; and exclusive
locking, because the state dir has one daemon anyway and SQLite then needs no shared memory file, so that a file on a
full disk can still be read. `PRAGMA user_version` is the number of the last migration that ran.
Source: sqlite.org "Write-Ahead Logging" (section "Use of WAL Without Shared-Memory"), "Result and Error Codes".
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path

from autoscaler.errors import StateError
from autoscaler.faultpoints import hit
from autoscaler.model import Minutes
from autoscaler.store.hours import ByService, hours_of, read_hours, to_text
from autoscaler.store.rows import Row

JOURNAL_ROWS = 100_000
JOURNAL_AGE_S = 90 * 86400.0
JOURNAL_KEPT_ROWS = 10_000  # whatever their age: a clock that jumps ten years ahead must not empty the journal
PRUNE_EVERY_ROWS = 1000
WITH_HOURS = 2  # the migration that made that table
CHECKPOINT_PAGES = 256  # 1 MB of log, then it is folded into the file
BUSY_TIMEOUT_S = 1.0

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_MAGIC = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Saved:
    """All that is read at a start; the journal stays where it is. `unread` counts, by service, hours that can't be read."""

    documents: Mapping[str, str] = field(default_factory=dict)
    orders: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    minutes: ByService = field(default_factory=dict)
    unread: Mapping[str, int] = field(default_factory=dict)
    last_number: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """What one commit writes: by service its text, None to delete it; `policies` replace all that are there, and a service's
    `minutes` all of that service's."""

    documents: Mapping[str, str | None] = field(default_factory=dict)
    orders: Mapping[str, str | None] = field(default_factory=dict)
    policies: Mapping[str, str] | None = None
    minutes: ByService = field(default_factory=dict)
    rows: Sequence[Row] = ()


def migrations() -> Sequence[tuple[int, str]]:
    """The numbered scripts, in order."""
    folder = files("autoscaler.store") / "migrations"
    scripts = sorted((script for script in folder.iterdir() if script.name.endswith(".sql")), key=lambda s: s.name)
    return [(int(script.name.split("_")[0]), script.read_text("utf-8")) for script in scripts]


NEWEST_VERSION = migrations()[-1][0]


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file itself is broken, rather than the disk full or the file in use."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGE


class Database:
    """One connection to one file. Every method blocks, and raises sqlite3.Error or OSError where the disk won't have it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._rows_since_pruning = 0
        self._minutes: dict[str, Mapping[str, Minutes]] = {}  # that are in the file, so that only what is new is written

    @property
    def is_open(self) -> bool:
        return self._connection is not None

    def open(self) -> Saved:
        """Open the file, or make it, bring it to this version and read it. Raises StateError where it is a newer one's."""
        _refuse_newer(self._path, version_in_header(self._path))
        self._path.touch(mode=0o600)  # policies in it may hold what others shall not read
        connection = _connect(self._path)
        try:
            _refuse_newer(self._path, version_of(connection))
            _refuse_damaged(connection)
            _migrate(connection)
            saved = read_saved(connection)
            _prune(connection)
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        self._minutes = dict(saved.minutes)
        return saved

    def read(self) -> Saved:
        """What the file holds, writing nothing: for a disk that has no room for what `open` makes."""
        if not self._path.exists():
            return Saved()
        has_log = self._path.with_name(self._path.name + "-wal").exists()
        connection = _connect(self._path) if has_log else _connect_without_log(self._path)
        try:
            return read_saved(connection) if version_of(connection) else Saved()
        finally:
            connection.close()

    def write(self, batch: Batch) -> None:
        """One commit: all of it or nothing."""
        connection = self._connected()
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            _write_texts(connection, "documents", "document", batch.documents)
            _write_texts(connection, "orders", "orders", batch.orders)
            if batch.policies is not None:
                connection.execute("DELETE FROM policies")
                _write_texts(connection, "policies", "document", batch.policies)
            for service, minutes in batch.minutes.items():
                _write_minutes(connection, service, self._minutes.get(service, {}), minutes)
            connection.executemany("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)", batch.rows)
            hit("store.commit.before")
        hit("store.commit.after")
        self._minutes.update(batch.minutes)
        self._rows_since_pruning += len(batch.rows)
        if self._rows_since_pruning >= PRUNE_EVERY_ROWS:
            _prune(connection)
            self._rows_since_pruning = 0

    def events(self, service: str | None, limit: int, after: int, kind: str = "") -> list[Row]:
        """The newest rows with a number above `after`, of one kind where it is given, oldest first."""
        found = self._connected().execute(
            "SELECT * FROM events WHERE number > :after AND (:service IS NULL OR service = :service)"
            " AND (:kind = '' OR kind = :kind) ORDER BY number DESC LIMIT :limit",
            {"after": after, "service": service, "kind": kind, "limit": limit},
        )
        return found.fetchall()[::-1]

    def close(self) -> None:
        """Fold the log into the file and let go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def set_aside(self, suffix: str) -> Path:
        """Give a damaged file (and its log) another name, so that a fresh one can be made; answers that name."""
        self.close()
        aside = self._path.with_name(f"{self._path.name}.damaged-{suffix}")
        for ending in ("-wal", "-journal", ""):
            part = self._path.with_name(self._path.name + ending)
            if part.exists():
                part.replace(aside.with_name(aside.name + ending))
        return aside

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the state file is not open")
        return self._connection


def version_in_header(path: Path) -> int:
    """The version as the file's first bytes have it, without opening it as a database: that would write."""
    try:
        with path.open("rb") as file:
            header = file.read(64)
    except FileNotFoundError:
        return 0
    if len(header) < 64 or not header.startswith(_MAGIC):
        return 0
    return int.from_bytes(header[60:64], "big")


def version_of(connection: sqlite3.Connection) -> int:
    """The number of the last migration that ran; 0 for an empty file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def read_saved(connection: sqlite3.Connection) -> Saved:
    """All but the journal."""
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
    minutes, unread = _read_minutes(connection)
    return Saved(
        documents=dict(connection.execute("SELECT service, document FROM documents")),
        orders=dict(connection.execute("SELECT service, orders FROM orders")),
        policies=dict(connection.execute("SELECT service, document FROM policies")),
        minutes=minutes,
        unread=unread,
        last_number=int(last[0]) if last else 0,
    )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # before anything else, or shared memory is used after all
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_without_log(path: Path) -> sqlite3.Connection:
    """For a file that was closed well: nothing is made beside it."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)


def _refuse_newer(path: Path, version: int) -> None:
    if version > NEWEST_VERSION:
        raise StateError(
            f"this state is of version {version}, this autoscaler knows versions up to {NEWEST_VERSION}",
            where=str(path),
            fix="run the newer autoscaler, or this one with another --state-dir",
        )


def _refuse_damaged(connection: sqlite3.Connection) -> None:
    verdict = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        error = sqlite3.DatabaseError(str(verdict))
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    version = version_of(connection)
    for number, script in migrations():
        if number > version:
            connection.executescript(f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;")
    if version < NEWEST_VERSION:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # an older autoscaler reads the version in the header


def _write_texts(connection: sqlite3.Connection, table: str, column: str, texts: Mapping[str, str | None]) -> None:
    for service, text in texts.items():
        if text is None:
            connection.execute(f"DELETE FROM {table} WHERE service = ?", (service,))
        else:
            connection.execute(f"INSERT OR REPLACE INTO {table} (service, {column}) VALUES (?, ?)", (service, text))


def _read_minutes(connection: sqlite3.Connection) -> tuple[ByService, Mapping[str, int]]:
    if version_of(connection) < WITH_HOURS:  # looked at as it is, before a daemon of this version has run
        return {}, {}
    return read_hours(connection.execute("SELECT service, metric, hour, means FROM hours ORDER BY service, metric, hour"))


def _write_minutes(
    connection: sqlite3.Connection, service: str, written: Mapping[str, Minutes], minutes: Mapping[str, Minutes]
) -> None:
    """Have exactly these minutes of a service in the file that has `written`."""
    for metric in written.keys() | minutes.keys():
        was, now = (hours_of(those[metric]) if metric in those else {} for those in (written, minutes))
        gone = [(service, metric, hour) for hour in was.keys() - now.keys()]
        new = [(service, metric, hour, to_text(means)) for hour, means in now.items() if was.get(hour) != means]
        connection.executemany("DELETE FROM hours WHERE service = ? AND metric = ? AND hour = ?", gone)
        connection.executemany("INSERT OR REPLACE INTO hours VALUES (?, ?, ?, ?)", new)


def _prune(connection: sqlite3.Connection) -> None:
    newest, t = connection.execute("SELECT coalesce(max(number), 0), coalesce(max(t), 0) FROM events").fetchone()
    connection.execute("DELETE FROM events WHERE number <= ?", (newest - JOURNAL_ROWS,))
    connection.execute("DELETE FROM events WHERE number <= ? AND t < ?", (newest - JOURNAL_KEPT_ROWS, t - JOURNAL_AGE_S))
