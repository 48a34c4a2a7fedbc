"""A vector of cells from its neighbours: the recurrence, for the kernels of whole strips and of narrow windows."""

from __future__ import annotations

from typing import Any

from platform_base.kernels.compilation import kernel
from platform_base.kernels.vectors import absolute, select, smaller_cost


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
    return smaller_cost(diagonal + (cost + cost), smaller_cost(beside, shifted) + cost)


@kernel
def hide(cells: Any, now: Any, enters: Any, leaves: Any, outside: Any) -> Any:
    """Return the cells, but `outside` in lanes that are before their step of entry or not before that of leaving."""
    return select((now >= enters) & (now < leaves), cells, outside)
