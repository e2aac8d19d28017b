"""How many replicas there shall be: pure, from what is seen, what is remembered and what an operator ordered."""

from autoscaler.decide.account import account
from autoscaler.decide.case import Case
from autoscaler.decide.decider import decide
from autoscaler.decide.explain import explain
from autoscaler.decide.memory import EMPTY, Memory

__all__ = ["EMPTY", "Case", "Memory", "account", "decide", "explain"]
