"""The log's receiving end wakes for what comes, and for nothing else."""

import asyncio
import socket

import pytest

from autoscaler.proxies.haproxy.log_receiver import LogReceiver


def send(line: bytes, receiver: LogReceiver) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(line, ("127.0.0.1", receiver.port))


async def test_it_waits_until_something_comes() -> None:
    receiver = LogReceiver(0)
    waiting = asyncio.create_task(receiver.arrival())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(waiting), 0.05)
    assert receiver.receive() == []
    send(b"web 200", receiver)
    await asyncio.wait_for(waiting, 2)
    assert receiver.receive() == [b"web 200"]
    receiver.close()


async def test_what_came_before_is_not_waited_for() -> None:
    receiver = LogReceiver(0)
    send(b"web 200", receiver)
    await asyncio.wait_for(receiver.arrival(), 2)
    assert receiver.receive() == [b"web 200"]
    receiver.close()


async def test_closing_ends_the_wait_and_leaves_the_loop_alone() -> None:
    receiver = LogReceiver(0)
    waiting = asyncio.create_task(receiver.arrival())
    await asyncio.sleep(0)
    receiver.close()
    near, far = socket.socketpair()  # near gets the descriptor that was freed
    readable = asyncio.Event()
    asyncio.get_running_loop().add_reader(near, readable.set)
    await asyncio.wait_for(waiting, 2)
    far.send(b"x")
    await asyncio.wait_for(readable.wait(), 2)
    asyncio.get_running_loop().remove_reader(near)
    near.close()
    far.close()


async def test_a_wait_that_is_given_up_leaves_nothing_behind() -> None:
    receiver = LogReceiver(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(receiver.arrival(), 0.01)
    send(b"web 200", receiver)
    await asyncio.wait_for(receiver.arrival(), 2)
    receiver.close()
