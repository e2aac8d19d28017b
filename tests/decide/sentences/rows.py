"""A sentence of DECISIONS as a row: a policy, the ticks it sees, and the count of each. Its id cites the sentence."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from autoscaler.model import NO_ORDERS, Decision, Observation, Orders
from autoscaler.spec.models import ServiceSpec
from tests.decide.builders import case_of, fold


@dataclass(frozen=True, slots=True)
class Row:
    """`orders` are in force on the last tick. `last` is what else that one's decision says."""

    spec: ServiceSpec
    ticks: Sequence[Observation]
    counts: Sequence[int]
    orders: Orders = NO_ORDERS
    last: dict[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Decide on the ticks, and compare."""
        before = fold(self.spec, self.ticks[:-1])[0]
        decision = case_of(self.spec, self.ticks, self.orders).decide()[0]
        assert [each.desired for each in (*before, decision)] == list(self.counts), decision.reason
        assert {name: _said(decision, name) for name in self.last} == self.last


def row(sentence: str, spec: ServiceSpec, ticks: Sequence[Observation], counts: Sequence[int], **rest: Any) -> Any:
    """A row under the sentence as its id: `last` may be given key by key."""
    orders = rest.pop("orders", NO_ORDERS)
    return pytest.param(Row(spec, ticks, counts, orders, rest), id=f"DECISIONS {sentence}")


def _said(decision: Decision, name: str) -> Any:
    if name == "values":
        return [said.value for said in decision.recommendations]
    if name == "limited_by":
        return list(decision.limited_by)
    return getattr(decision, name)
