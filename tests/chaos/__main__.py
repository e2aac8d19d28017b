"""`python -m tests.chaos --runtime docker --minutes 10 --seed 7`; exit 1 where a promise was broken."""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.chaos.report import keep, report
from tests.chaos.run import run


def main() -> int:
    """One run of each runtime that was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Faults under load, every request accounted for."
    )
    parser.add_argument("--runtime", choices=("docker", "process"), action="append", help="default: one after the other")
    parser.add_argument("--minutes", type=float, default=5.0, help="of each runtime (default 5)")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="the same faults in the same order")
    parser.add_argument("--keep", action="store_true", help="write the report into docs/reliability.md")
    asked = parser.parse_args()
    return max([_run(runtime, asked) for runtime in asked.runtime or ("docker", "process")])


def _run(runtime: str, asked: argparse.Namespace) -> int:
    folder = Path(tempfile.mkdtemp(prefix="as-", dir="/tmp"))
    instance = f"chaos-{secrets.token_hex(3)}"
    outcome = asyncio.run(run(folder, instance, runtime, asked.seed, asked.minutes * 60))
    print(report(outcome), flush=True)
    if outcome.broken:
        print(f"the daemon's log and the replicas' journal are in {folder}")
    else:
        shutil.rmtree(folder)
    if asked.keep:
        keep(outcome)
    return 1 if outcome.broken else 0


if __name__ == "__main__":
    sys.exit(main())
