"""Rounding: floats are rounded to 9 decimals before every ceil, floor or comparison.

0.1 + 0.1 + 0.1 over 0.1 is 3.0000000000000004: three replicas, not four. And 100 replicas plus 10% are 110, where the
floats of Kubernetes' HPA make 111. Source: DECISIONS, "Words".
"""

from math import ceil, trunc

DECIMALS = 9


def tidy(number: float) -> float:
    """The number as it is compared."""
    return round(number, DECIMALS)


def round_up(number: float) -> int:
    """The least whole number that is no less."""
    return ceil(round(number, DECIMALS))


def cut(number: float) -> int:
    """The whole part: cut toward zero."""
    return trunc(round(number, DECIMALS))
