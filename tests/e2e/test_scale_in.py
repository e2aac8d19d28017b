"""What is in flight survives the scale-in of its replica."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.e2e.conftest import Ground
from tests.support.daemons import DaemonUnderTest, running, states

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

STREAM_BYTES = 10 * 16 * 65536


async def test_five_second_requests_and_a_stream_of_ten_megabytes_outlive_the_order_to_go(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon), aiohttp.ClientSession() as session:
        await daemon.until_ready("web", 1)
        await daemon.scale("web", 4)
        await daemon.until_ready("web", 4)

        async def get(path: str) -> tuple[int, str, int]:
            async with session.get(f"http://{address}{path}") as answer:
                body = await answer.read()
                return answer.status, answer.headers["X-Replica"], len(body)

        waits = [asyncio.create_task(get("/wait?ms=5000")) for _ in range(10)]
        streams = [asyncio.create_task(get("/stream?mb=10")) for _ in range(4)]
        await daemon.until("web", lambda s: sum(r.inflight for r in s.replicas) >= 14)
        await daemon.scale("web", 1)
        await daemon.until("web", lambda s: states(s)["draining"] == 3)
        answers = await asyncio.gather(*waits)
        bodies = await asyncio.gather(*streams)
        await daemon.until("web", lambda s: len(s.replicas) == 1)
    assert [status for status, _, _ in answers] == [200] * 10
    assert [length for status, _, length in bodies if status == 200] == [STREAM_BYTES] * 4
    assert len({replica for _, replica, _ in [*answers, *bodies]}) == 4


async def test_no_replica_is_signalled_with_a_request_in_flight(
    ground: Ground, address: str, tmp_path: Path, instance: str
) -> None:
    """The replicas write how many requests they had in flight at SIGTERM; each one's last words are read before it goes."""
    daemon = DaemonUnderTest(tmp_path, instance)
    daemon.write_policy("web", ground.policy(address))
    async with running(daemon), aiohttp.ClientSession() as session:
        await daemon.until_ready("web", 1)
        await daemon.scale("web", 3)
        await daemon.until_ready("web", 3)
        words = await _follow_logs(daemon)

        async def get() -> int:
            async with session.get(f"http://{address}/wait?ms=1500") as answer:
                return answer.status

        requests = [asyncio.create_task(get()) for _ in range(12)]
        await daemon.until("web", lambda s: sum(r.inflight for r in s.replicas) >= 12)
        await daemon.scale("web", 1)
        assert await asyncio.gather(*requests) == [200] * 12
        await daemon.until("web", lambda s: len(s.replicas) == 1)
        assert await words(2) == ["SIGTERM with 0 in flight"] * 2


async def _follow_logs(daemon: DaemonUnderTest):  # type: ignore[no-untyped-def]
    """Follow the service's logs; the answer waits for so many lines of replicas that end."""
    lines: asyncio.Queue[str] = asyncio.Queue()

    async def follow() -> None:
        async with daemon.client() as client:
            async for line in client.logs("web", 0, follow=True):
                if "SIGTERM" in line.line:
                    lines.put_nowait(line.line)

    reading = asyncio.create_task(follow())

    async def first(count: int) -> list[str]:
        async with asyncio.timeout(20):
            found = [await lines.get() for _ in range(count)]
        reading.cancel()
        return found

    return first
