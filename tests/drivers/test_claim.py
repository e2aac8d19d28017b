"""One daemon an instance on an engine."""

import asyncio
import subprocess
import sys
from uuid import uuid4

import pytest

from autoscaler.drivers.claim import Claim
from autoscaler.errors import StateError

HOLD = """
import asyncio, sys
from autoscaler.drivers.claim import Claim
asyncio.run(Claim("engine", sys.argv[1]).take())
"""


@pytest.fixture
def instance() -> str:
    return f"test-{uuid4().hex[:8]}"


async def test_it_is_free_again_when_its_holder_has_ended(instance: str) -> None:
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", HOLD, instance], check=True)
    ours = Claim("engine", instance)
    await ours.take()
    ours.release()


async def test_one_whose_holder_is_just_ending_is_waited_for(instance: str) -> None:
    former, ours = Claim("engine", instance), Claim("engine", instance)
    await former.take()
    asyncio.get_running_loop().call_later(0.1, former.release)
    await ours.take()
    ours.release()


async def test_one_that_is_held_on_is_refused(instance: str) -> None:
    former, ours = Claim("engine", instance), Claim("engine", instance)
    await former.take()
    with pytest.raises(StateError, match=f"another daemon holds the instance '{instance}' on this engine"):
        await ours.take()
    former.release()
    former.release()
