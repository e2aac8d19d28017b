"""The one clock: Unix time when the process began, plus monotonic time since.

Someone who sets the wall clock moves no window, cooldown or back-off; only what is meant by the wall (schedules) adds
`wall_offset`.
"""

import time


class SystemClock:
    """The clock of a running daemon."""

    def __init__(self) -> None:
        self._epoch = time.time() - time.monotonic()

    def now(self) -> float:
        """Unix seconds that never jump."""
        return self._epoch + time.monotonic()

    def wall_offset(self) -> float:
        """What to add to `now` for the wall clock's time."""
        return time.time() - self.now()
