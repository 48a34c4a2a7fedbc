"""A vector of cells from its neighbours: the recurrence, for the kernels of whole strips and of narrow windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from platform_base.kernels.compilation import kernel
from platform_base.kernels.vectors import absolute, add_twice, select, smaller_cost


@kernel
def measure_lanes(squares: bool, x: Any, y: Any) -> Any:
    """Return the local costs in all lanes."""
    difference = x - y
    return difference * difference if squares else absolute(difference)


@kernel
def extend(single: bool, cost: Any, diagonal: Any, beside: Any, shifted: Any) -> Any:
    """Return the cells of a diagonal; `shifted`, the neighbours from another lane, is what is known last.

    Rounded addition is monotone: the smallest neighbour plus the cost is, to the bit, the smallest sum.
    """
    if single:
        return cost + smaller_cost(smaller_cost(diagonal, beside), shifted)
    return smaller_cost(add_twice(diagonal, cost), smaller_cost(beside, shifted) + cost)


@kernel
def take_back(cost: float) -> float:
    """Return what stands diagonally before the first cell where a diagonal step counts twice, so that it counts once.

    -c + 2 c is exactly c. Where 2 c overflows, the cell is infinite in whichever way `add_twice` computes it.
    """
    return -cost if cost + cost < np.inf else cost + cost


@kernel
def hide(costs: Any, now: Any, enters: Any, leaves: Any, outside: Any) -> Any:
    """Return the costs, but `outside` in lanes that are before their step of entry or not before that of leaving.

    Costs and not cells: what is chosen here then waits for no cell, and no cell for it.
    """
    return select(now < leaves, select(now >= enters, costs, outside), outside)
