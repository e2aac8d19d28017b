"""A disk that hangs in the middle of a commit keeps nobody from ending."""

import os
import subprocess
import sys
from pathlib import Path

from autoscaler.faultpoints import FAULT, TESTING

PROGRAM = """
import asyncio, sys
from pathlib import Path
from autoscaler.control.clock import SystemClock
from autoscaler.store.sqlite import SQLiteStore

async def main():
    store = await SQLiteStore.open(Path(sys.argv[1]), SystemClock(), lambda event: None)
    await store.set_good_policies({"web": "{}"})
    print(await store.good_policies())
    await store.close()

asyncio.run(main())
"""


def test_a_process_ends_though_a_commit_never_does(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "state.db")],
        env=os.environ | {TESTING: "1", FAULT: "store.commit.before:hang"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == "fault point store.commit.before: hang\n"
    assert done.stdout == "{'web': '{}'}\n"
    assert done.returncode == 0
