"""One daemon a state dir, seen with real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoscaler.errors import StateError
from autoscaler.store.lock import StateLock, lock_holder

HOLDER = """
import sys, time
from pathlib import Path
from autoscaler.store.lock import StateLock
lock = StateLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the dir."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_daemon_is_refused_within_two_seconds_with_the_firsts_pid(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    began = time.monotonic()
    with pytest.raises(StateError, match=rf"another daemon \(pid {holder.pid}\) uses this state dir; stop it first"):
        StateLock(tmp_path).acquire()
    assert time.monotonic() - began < 2
    assert holder.poll() is None
    assert lock_holder(tmp_path) == holder.pid


def test_a_lock_whose_daemon_was_killed_is_taken_over(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert lock_holder(tmp_path) is None
    lock = StateLock(tmp_path)
    lock.acquire()
    assert lock_holder(tmp_path) == os.getpid()
    lock.release()


def test_a_lock_let_go_is_free_and_looking_makes_no_file(tmp_path: Path) -> None:
    assert lock_holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    first = StateLock(tmp_path)
    first.acquire()
    first.release()
    first.release()
    assert lock_holder(tmp_path) is None
    second = StateLock(tmp_path)
    second.acquire()
    second.release()


def times_open(path: Path) -> int:
    """How many descriptors of this process are of that file."""
    found = [os.stat(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if _is_open(number)]
    return sum(os.path.samestat(one, path.stat()) for one in found)


def _is_open(number: str) -> bool:
    return Path(f"/proc/self/fd/{number}").exists()


def test_a_lock_removed_by_its_holder_is_not_taken_by_one_that_waited(tmp_path: Path) -> None:
    """A lock on a file that has lost its name would keep nobody out."""
    holder, waiting, third = StateLock(tmp_path), StateLock(tmp_path), StateLock(tmp_path)
    holder.acquire()
    taking = threading.Thread(target=waiting.acquire)
    taking.start()
    while times_open(tmp_path / "lock") < 2:
        time.sleep(0.001)
    holder.release(remove=True)
    taking.join()
    with pytest.raises(StateError, match="another daemon"):
        third.acquire()
    waiting.release(remove=True)
    assert list(tmp_path.iterdir()) == []


def test_the_lock_does_not_pass_to_children(tmp_path: Path) -> None:
    lock = StateLock(tmp_path)
    lock.acquire()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False)
    try:
        lock.release()
        assert lock_holder(tmp_path) is None
    finally:
        child.kill()
        child.wait()
