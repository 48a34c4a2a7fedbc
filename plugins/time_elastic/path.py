"""Reading a path back from the steps by which its cells are reached."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .diagonals import DIAGONAL, FIRST


def walk_back(directions: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the path from the first step to the last cell.

    Args:
        directions: ``(n + 1, m + 1)``, as `diagonals.accumulate` fills it.

    Returns:
        ``(k, 2)`` int64: the cells (i, j) in order; -1 in a column stands for the border, before the first sample.
    """
    n, m = (length - 1 for length in directions.shape)
    cells = np.empty((n + m, 2), dtype=np.int64)
    place = n + m
    i, j = n, m
    while i > 0 or j > 0:
        place -= 1
        cells[place] = i - 1, j - 1
        if i == 0:
            j -= 1
        elif j == 0:
            i -= 1
        else:
            step = directions[i, j]
            i -= step in (DIAGONAL, FIRST)
            j -= step != FIRST
    return cells[place:].copy()
