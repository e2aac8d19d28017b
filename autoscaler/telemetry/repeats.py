"""What says the same again is told once a minute, with how often it was said meanwhile.

Two texts are the same where they differ in digits only: "next try in 5 s" and "in 4 s" are one fault.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass

ONCE_IN_S = 60.0
REMEMBERED = 1_000

_DIGITS = re.compile(r"\d+")

Said = tuple[str, str, str]


@dataclass(slots=True)
class _Held:
    told_at: float
    since: int = 0


class Repeats:
    """Remembers what was told when; the thousand newest, so that endless variety costs no memory."""

    def __init__(self) -> None:
        self._held: OrderedDict[Said, _Held] = OrderedDict()

    def tell(self, said: Said, t: float) -> int | None:
        """None: hold it back. Else tell it; it was held back so many times since it was last told."""
        key = (said[0], said[1], _DIGITS.sub("#", said[2]))
        held = self._held.get(key)
        if held is not None and 0 <= t - held.told_at < ONCE_IN_S:
            held.since += 1
            return None
        self._held[key] = _Held(t)
        self._held.move_to_end(key)
        if len(self._held) > REMEMBERED:
            self._held.popitem(last=False)
        return held.since if held is not None else 0
