"""A trace's file: bytes in, lines out, and no more of them in memory than one."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from autoscaler.simulate.trace import Trace, TraceError, read_trace

LONGEST_LINE = 1024


def load_trace(path: Path) -> Trace:
    """The trace in the file. Raises TraceError."""
    try:
        with path.open("rb") as file:
            return read_trace(_lines(file, str(path)), str(path))
    except OSError as error:
        raise TraceError(error.strerror or "can't be read", where=str(path), fix="name a CSV file by --trace") from error


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            raise TraceError(f"longer than {LONGEST_LINE} bytes", where=f"{name}:{number}", fix="write one row a line")
        try:
            yield raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            fix = "save the file as UTF-8"
            raise TraceError(f"no UTF-8 at byte {error.start + 1}", where=f"{name}:{number}", fix=fix) from error
