"""What once went wrong does not come back, and a seed's run is always the same."""

import os
import subprocess
import sys

import pytest

from tests.simulation.life import live
from tests.simulation.seeds import KEPT, Kept


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.what)
def test_what_once_broke_a_law_holds(kept: Kept) -> None:
    assert live(kept.seed, kept.plan).broken == ()


def test_a_seed_gives_the_same_run_twice_in_any_process() -> None:
    here = [line for seed in range(4) for line in live(seed).trace]
    print_it = "from tests.simulation.life import live\nfor seed in range(4): print(*live(seed).trace, sep='\\n')"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    told = subprocess.run([sys.executable, "-c", print_it], env=environment, capture_output=True, text=True, check=True)
    assert len(here) > 40
    assert sorted(told.stdout.splitlines()) == sorted(here)
