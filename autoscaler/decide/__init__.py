"""How many replicas there shall be: pure, from what is seen, what is remembered and what an operator ordered."""

from autoscaler.decide.decider import decide
from autoscaler.decide.explain import explain
from autoscaler.decide.memory import EMPTY, Memory

__all__ = ["EMPTY", "Memory", "decide", "explain"]
