"""The suite's short form: each of its quick faults once, under load, on each runtime. `make chaos` is the long one."""

from pathlib import Path

import pytest

from tests.chaos.deck import FAULTS
from tests.chaos.report import report
from tests.chaos.run import run

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SEED = 4
LIMIT_S = 400.0  # it takes about a minute; a machine that is busy with other things may need more
LEAST_REQUESTS = 500


@pytest.mark.parametrize("runtime", ["process", "docker"])
async def test_faults_strike_under_load_and_every_failed_request_is_explained(
    runtime: str, tmp_path: Path, instance: str
) -> None:
    outcome = await run(tmp_path, instance, runtime, SEED, LIMIT_S, quick=True)
    assert outcome.broken == [], report(outcome)
    assert {one.fault for one in outcome.struck} == {fault.name for fault in FAULTS if fault.quick}
    assert len(outcome.accounts.requests) > LEAST_REQUESTS
