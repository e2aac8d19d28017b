"""What befalls the Docker engine: it hangs, it goes away and comes back."""

import asyncio
import contextlib

from tests.chaos.ground import DockerGround
from tests.chaos.site import Site, names

HUNG_S = 5.0
AWAY_S = 4.0


async def hangs(site: Site) -> None:
    """It takes questions and answers none, in the middle of a scaling."""
    engine = _engine(site).engine
    await site.order_another()
    with contextlib.ExitStack() as stack:
        await asyncio.to_thread(stack.enter_context, engine.hung())
        await asyncio.sleep(HUNG_S)
    await site.settled()


async def goes_away(site: Site) -> None:
    """It ends, with live-restore, and is back: the same replicas."""
    engine = _engine(site).engine
    before = await site.settled()
    await asyncio.to_thread(engine.end)
    await asyncio.sleep(AWAY_S)
    await asyncio.to_thread(engine.start)
    after = await site.settled()
    assert names(after) == names(before), "an engine's absence replaced replicas"


def _engine(site: Site) -> DockerGround:
    assert isinstance(site.ground, DockerGround)
    return site.ground
