"""Daemons forked from a process that has imported them already: a start takes a moment, not a second of CPU.

Each has a session, a log and an end of its own, as one that was started by itself. A nursery has one at a time.

    to it     a line of JSON: the arguments of `autoscaler`, and the log
    from it   the daemon's pid when it was forked, its exit status when it has ended, a line each
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ENDED_WITHIN_S = 60.0


class Nursery:
    """The process that daemons are forked from. `environ` is theirs."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,  # what is read ahead `select` does not see
            env=dict(environ) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        self._last: Forked | None = None

    def fork(self, arguments: Sequence[str], log: Path) -> "Forked":
        """A new daemon, once the one before has ended."""
        assert self._process.stdin is not None
        if self._last is not None:
            self._last.wait(ENDED_WITHIN_S)
        self._process.stdin.write(json.dumps([list(arguments), str(log)]).encode() + b"\n")
        self._process.stdin.flush()
        self._last = Forked(self)
        return self._last

    def told(self, timeout_s: float | None) -> int | None:
        """The next number that it tells, None where it tells none in time."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], timeout_s)
        return int(self._process.stdout.readline()) if ready else None

    def close(self) -> None:
        """End it; daemons live on."""
        self._process.kill()
        self._process.communicate()


class Forked:
    """A daemon, with what tests use of subprocess.Popen."""

    def __init__(self, nursery: Nursery) -> None:
        self._nursery = nursery
        self._status: int | None = None
        pid = nursery.told(None)
        assert pid is not None
        self.pid = pid

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        if self._status is None:
            self._status = self._nursery.told(0)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended."""
        if self._status is None:
            self._status = self._nursery.told(timeout)
        if self._status is None:
            raise TimeoutError(f"daemon {self.pid} still runs after {timeout} s")
        return self._status

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """kill -9."""
        self.send_signal(signal.SIGKILL)


def serve() -> None:
    """Fork a daemon for each line, and wait for its end."""
    import autoscaler.cli
    import autoscaler.cli.down
    import autoscaler.cli.run
    import autoscaler.wiring.daemon
    import autoscaler.wiring.down

    while line := os.read(0, 65536):
        arguments, log = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os.setsid()
            out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            for descriptor, target in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (out, 2)):
                os.dup2(descriptor, target)
            sys.argv = ["autoscaler", *arguments]
            autoscaler.cli.main()
        os.write(1, f"{pid}\n".encode())
        os.write(1, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())


if __name__ == "__main__":
    serve()
