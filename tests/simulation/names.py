"""Which names may not be used again: all that were, but for those that nothing is left to know by.

A daemon that lost its state knows of the replicas that it is shown. What was there at the loss counts again from when a look
showed it, and is forgotten again by a kill until it is on the disk; what went before anybody looked is unknown for good.
"""

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from autoscaler.reconcile.names import number_of


@dataclass
class Names:
    """`used` are those that may not be used again, `unwritten` those that outlived a loss and are on no disk since."""

    used: set[str] = field(default_factory=set)
    unwritten: set[str] = field(default_factory=set)

    def lose(self, documents: Mapping[str, str], there: Set[str]) -> None:
        """Only these documents are left, and the replicas that are there."""
        lost = {name for name in self.used | self.unwritten if not _is_in(documents, name)}
        self.used -= lost
        self.unwritten = lost & there

    def shown(self, there: Set[str]) -> None:
        """A daemon sees these."""
        self.used |= self.unwritten & there

    def written(self, documents: Mapping[str, str]) -> None:
        """These documents are on the disk."""
        self.unwritten = {name for name in self.unwritten if not _is_in(documents, name)}

    def killed(self) -> None:
        """What the daemon was shown and did not write down is unknown to the next."""
        self.used -= self.unwritten


def _is_in(documents: Mapping[str, str], name: str) -> bool:
    return number_of(name) < _next_number(documents.get(name.rpartition("-")[0], ""))


def _next_number(document: str) -> int:
    try:
        return int(json.loads(document)["next_number"])
    except (ValueError, KeyError):
        return 1
