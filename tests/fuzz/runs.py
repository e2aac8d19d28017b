"""One case a seed: made, given to what reads it, and judged. What went wrong comes with its seed and its shortest form.

A check fails by raising anything, and by computing for longer than `LIMIT_S`, by the processor's clock: on a busy machine
that is no shorter than on an idle one.
"""

import gc
import resource
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from random import Random
from types import FrameType

from tests.simulation.shrink import shortest

LIMIT_S = 1.0
MEMORY_KB = 200_000
MOST_TRIES = 500  # to shorten a case

Check = Callable[[bytes], None]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads what others write. `ready` gives its check; `runs` is its part of a million."""

    name: str
    make: Callable[[Random], bytes]
    ready: Callable[[], AbstractContextManager[Check]]
    runs: int


def plain(check: Check) -> Callable[[], AbstractContextManager[Check]]:
    """A check that needs nothing around it."""

    @contextmanager
    def ready() -> Iterator[Check]:
        yield check

    return ready


class TooLong(BaseException):
    """It still computes. Not an Exception, so that nothing takes it for a failure of its own."""


def failures(target: Target, first: int, count: int) -> list[str]:
    """What went wrong in these seeds of a target, ready to be kept."""
    before = _peak_kb()
    told = []
    with _in_time(), target.ready() as check:
        for seed in range(first, first + count):
            case = case_of(target, seed)
            if wrong := wrong_with(check, case):
                told.append(f"{target.name} seed {seed}: {wrong}\n  the shortest case: {_shortest(check, case, wrong)!r}")
    if (grown := _peak_kb() - before) > MEMORY_KB:
        told.append(f"{target.name} seeds {first} to {first + count}: {grown // 1000} MB of memory")
    return told


def case_of(target: Target, seed: int) -> bytes:
    """The seed's case."""
    return target.make(Random(f"{target.name} {seed}"))


def wrong_with(check: Check, case: bytes) -> str:
    """What the check says of a case, "" where all is well."""
    for _ in range(2):
        signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
        try:
            check(case)
        except TooLong as error:
            wrong = f"more than {LIMIT_S:g} s{_where(error)}"
        except Exception as error:
            return f"{type(error).__name__}: {error!s:.300}{_where(error)}"
        else:
            return ""
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return wrong


def judged(target: Target, case: bytes) -> str:
    """The same of one case that was kept."""
    with _in_time(), target.ready() as check:
        return wrong_with(check, case)


@contextmanager
def _in_time() -> Iterator[None]:
    def stop(_: int, __: FrameType | None) -> None:
        raise TooLong

    former = signal.signal(signal.SIGVTALRM, stop)
    gc.freeze()  # else each full collection looks through all that the tests have loaded
    try:
        yield
    finally:
        gc.unfreeze()
        signal.signal(signal.SIGVTALRM, former)


def _shortest(check: Check, case: bytes, wrong: str) -> bytes:
    """A part of the case of which the same is said: whole lines are left out first, then bytes."""
    tries = iter(range(MOST_TRIES))

    def fails(part: bytes) -> bool:
        return next(tries, None) is not None and _kind(wrong_with(check, part)) == _kind(wrong)

    lines = shortest(case.splitlines(keepends=True), lambda part: fails(b"".join(part)))
    return bytes(shortest(b"".join(lines), lambda part: fails(bytes(part))))


def _kind(wrong: str) -> str:
    return wrong.partition(":")[0] + wrong.rpartition(" (")[2]


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f" ({last.filename.rpartition('/')[2]}:{last.lineno})"


def _peak_kb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
