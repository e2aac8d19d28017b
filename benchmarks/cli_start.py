"""How long `autoscaler --help` takes: what every command costs before it does anything.

The bare start is Python's own, running nothing. Goal: less than 0.3 s.
"""

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

PAIRS = 15
GOAL_S = 0.3
HELP = [str(Path(sys.executable).with_name("autoscaler")), "--help"]
BARE = [sys.executable, "-c", "pass"]


def seconds(command: list[str]) -> float:
    """How long a command takes, from its start to its end."""
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> int:
    """Print the line; 1 where the goal is missed."""
    seconds(HELP)  # the first one writes bytecode
    pairs = [(seconds(HELP), seconds(BARE)) for _ in range(PAIRS)]
    ours = statistics.median(ours for ours, _ in pairs)
    ratio = statistics.median(ours / bare for ours, bare in pairs)
    bare = statistics.median(bare for _, bare in pairs)
    print(
        f"cli_start  ours {ours:.3f} s  bare {bare:.3f} s  ratio {ratio:.1f}  goal under {GOAL_S} s  "
        f"median of {PAIRS} pairs, {os.cpu_count()} cores"
    )
    return 0 if ours < GOAL_S else 1


if __name__ == "__main__":
    sys.exit(main())
