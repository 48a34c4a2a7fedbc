"""How a cell of a cost matrix follows from its three neighbours.

A recurrence is a named tuple; Numba compiles a kernel for each class of them. Another one needs its class here, and its
formula in the three functions below.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from numba.extending import overload

from platform_base.kernels.vectors import minimum

# The step that leads to a cell.
DIAGONAL = 0  # from (i - 1, j - 1)
UP = 1  # from (i - 1, j)
LEFT = 2  # from (i, j - 1)


class Symmetric1(NamedTuple):
    """``D(i, j) = c(i, j) + min(D(i-1, j-1), D(i-1, j), D(i, j-1))``."""


class Symmetric2(NamedTuple):
    """``D(i, j) = min(D(i-1, j-1) + 2 c(i, j), D(i-1, j) + c(i, j), D(i, j-1) + c(i, j))``."""


Recurrence = Symmetric1 | Symmetric2


def accumulate(recurrence: Recurrence, cost: Any, diagonal: Any, up: Any, left: Any) -> Any:
    """Return the vector of accumulated costs.

    The smallest neighbour is taken before the cost is added: rounded addition is monotone, so the result has the same
    bits as the smallest of the sums.
    """
    raise NotImplementedError("compiled functions only")


@overload(accumulate, strict=False)
def _compile_accumulate(recurrence: Any, cost: Any, diagonal: Any, up: Any, left: Any) -> Any:
    if recurrence.instance_class is Symmetric1:
        return lambda recurrence, cost, diagonal, up, left: cost + minimum(minimum(diagonal, left), up)
    return lambda recurrence, cost, diagonal, up, left: minimum(diagonal + (cost + cost), minimum(left, up) + cost)


def choose_step(recurrence: Recurrence, cost: float, diagonal: float, up: float, left: float) -> int:
    """Return the step that leads to a cell; of steps with the same sum the diagonal, then the one from above.

    Sums are compared, not neighbours: two neighbours that differ may give the same sum once it is rounded.
    """
    raise NotImplementedError("compiled functions only")


@overload(choose_step, strict=False)
def _compile_choose_step(recurrence: Any, cost: Any, diagonal: Any, up: Any, left: Any) -> Any:
    weight = 1.0 if recurrence.instance_class is Symmetric1 else 2.0

    def choose(recurrence: Any, cost: Any, diagonal: Any, up: Any, left: Any) -> Any:
        best = diagonal + weight * cost
        step = DIAGONAL
        if up + cost < best:
            best = up + cost
            step = UP
        if left + cost < best:
            step = LEFT
        return step

    return choose


def start_value(recurrence: Recurrence, cost: float) -> float:
    """Return what stands diagonally before the first cell, so that the first cell becomes its own `cost`."""
    raise NotImplementedError("compiled functions only")


@overload(start_value, strict=False)
def _compile_start_value(recurrence: Any, cost: Any) -> Any:
    if recurrence.instance_class is Symmetric1:
        return lambda recurrence, cost: 0.0
    # -c + 2 c is exactly c.
    return lambda recurrence, cost: -cost
