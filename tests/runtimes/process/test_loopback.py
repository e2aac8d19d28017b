"""Ports for replicas: nobody's, and none that the kernel would give to an outgoing connection."""

import random
import socket

from autoscaler.runtimes.process.loopback import free_port, is_free, outgoing_range


def test_a_port_that_something_listens_on_is_not_free() -> None:
    for address in ("127.0.0.1", "0.0.0.0"):
        with socket.create_server((address, 0)) as server:
            assert not is_free(server.getsockname()[1])


def test_it_lies_outside_of_the_range_of_outgoing_connections() -> None:
    low, high = outgoing_range()
    ports = {free_port((), chance=random.Random(seed)) for seed in range(50)}
    assert len(ports) > 40
    assert not [port for port in ports if port is None or low <= port <= high]


def test_one_that_is_taken_is_passed_over() -> None:
    first = free_port((), chance=random.Random(1))
    assert first is not None
    assert free_port({first}, chance=random.Random(1)) not in (first, None)
    with socket.create_server(("127.0.0.1", first)):
        assert free_port((), chance=random.Random(1)) not in (first, None)


def test_none_left_is_none() -> None:
    assert free_port(range(65_536), chance=random.Random(1)) is None
