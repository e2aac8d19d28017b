"""`autoscaler replay`: the decisions a policy makes on recorded metrics. It moves bytes; decide/replay.py decides."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from autoscaler.errors import PolicyError, UsageError

if TYPE_CHECKING:
    from autoscaler.spec.models import ServiceSpec

LONGEST_LINE = 1024 * 1024

PolicyFile = Annotated[Path, typer.Option("--policy", metavar="FILE", help="The policy file.", show_default=False)]
ServiceName = Annotated[
    str | None, typer.Option("--service", metavar="NAME", help="Which service, where the file has several.")
]


def replay(policy: PolicyFile, service: ServiceName = None) -> None:
    """Decide on recorded metrics: JSON Lines in, JSON Lines out, one for one.

    Nothing is touched, and the only clock is each line's `t`. Each answer is written at once, so that another program can
    close the loop.

    Example:
      autoscaler replay --policy policies/web.yaml < ticks.jsonl

    where ticks.jsonl has lines like
      {"t": 0, "replicas": {"ready": 1, "unready": 0}, "metrics": {"request_rate": 220}}
    """
    decide_lines(load_service(policy, service), sys.stdin.buffer, sys.stdout.buffer)


def load_service(policy: Path, service: str | None) -> "ServiceSpec":
    """The service of that name in the policy file, or the only one. Raises PolicyError, UsageError."""
    from autoscaler.spec.load import load_policies
    from autoscaler.spec.problems import as_error

    loaded = load_policies([policy], environ=os.environ, to_zero=True)
    if loaded.problems:
        raise as_error(loaded.problems)
    for path, why in loaded.unread.items():
        raise PolicyError(why, where=str(path), fix="give a policy file by --policy")
    specs = {document.spec.service: document.spec for document in loaded.documents}
    names = ", ".join(specs)
    if service is None and len(specs) != 1:
        raise UsageError(f"{len(specs)} services in it", where=str(policy), fix=f"choose one by --service: {names}")
    name = next(iter(specs)) if service is None else service
    if name not in specs:
        raise UsageError(f"no service {name!r} in it", where=str(policy), fix=f"it has {names}")
    return specs[name]


def decide_lines(spec: "ServiceSpec", lines: BinaryIO, out: BinaryIO) -> None:
    """One line out for one in, flushed at once. Raises LineError with the line's number."""
    from autoscaler.decide.replay import LineError, Replay, step

    so_far = Replay(spec)
    number = 0
    while raw := lines.readline(LONGEST_LINE + 1):
        number += 1
        try:
            if len(raw) > LONGEST_LINE:
                raise LineError(f"longer than {LONGEST_LINE} bytes", fix="write one tick a line")
            told, so_far = step(so_far, raw.decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError as error:
            raise LineError(f"no UTF-8 at byte {error.start + 1}", where=f"stdin:{number}", fix="write UTF-8") from error
        except LineError as error:
            raise LineError(error.what, where=f"stdin:{number}", fix=error.fix) from error
        out.write(told.encode() + b"\n")
        out.flush()
