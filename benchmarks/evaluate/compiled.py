"""Functions that numba compiles where it is installed, and that run as plain Python, slowly, where it is not.

They take numbers, tuples of numbers, and arrays made by `zeros`, and nothing else.
"""

from collections.abc import Callable, MutableSequence
from importlib.util import find_spec
from typing import Any, TypeVar, cast

IS_COMPILED = find_spec("numba") is not None  # a hundred times as fast

Numbers = MutableSequence[float]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def compiled(function: _Function) -> _Function:
    """The function, compiled where that can be done."""
    if not IS_COMPILED:
        return function
    from numba import njit

    return cast(_Function, njit(cache=True)(function))


def zeros(count: int) -> Numbers:
    """So many numbers."""
    if not IS_COMPILED:
        return [0.0] * count
    from numpy import zeros as numpy_zeros

    return cast(Numbers, numpy_zeros(count))
