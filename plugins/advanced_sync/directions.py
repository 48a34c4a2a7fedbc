"""From which neighbour each cell of the cost matrix was reached: two bits per cell inside the window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Step that led to cell (i, j), as stored; the order is the order of preference when costs are equal.
DIAGONAL = 0  # from (i - 1, j - 1)
UP = 1  # from (i - 1, j)
LEFT = 2  # from (i, j - 1)
SKIP = 3  # from (i - 1, j - 2), asymmetric only


def allocate_directions(n: int, band_width: int) -> NDArray[np.uint8]:
    """Return zeroed room for `n` rows of `band_width` cells, four cells to a byte.

    Cell ``(i, j)`` of a band is number ``k = j - first[i]`` of row i: bits ``2 * (k % 4)`` of byte
    ``k // 4``.

    Raises:
        MemoryError: If there is not enough memory, naming how much was asked for.
    """
    row_bytes = (band_width + 3) // 4
    try:
        return np.zeros((n, row_bytes), dtype=np.uint8)
    except MemoryError as error:
        raise MemoryError(
            f"the path needs {n * row_bytes / 2**20:.0f} MiB for {n} rows of {band_width} cells, "
            "more than there is; give a smaller window_size, or resample the series"
        ) from error


def walk_back(directions: NDArray[np.uint8], m: int, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Follow the stored steps from the last cell to the first.

    Args:
        directions: As `allocate_directions` lays them out, of a cost matrix whose last cell is reachable.
        m: Samples of the target.
        first: First column of the band in every row, ``(n,)``.

    Returns:
        The path, ``(k, 2)`` int64 pairs (i, j) in time order.
    """
    n = directions.shape[0]
    path = np.empty((n + m - 1, 2), dtype=np.int64)
    i, j, free = n - 1, m - 1, n + m - 1
    while True:
        free -= 1
        path[free, 0] = i
        path[free, 1] = j
        if i == 0 and j == 0:
            break
        if i == 0:
            j -= 1
            continue
        cell = j - first[i]
        step = (directions[i, cell >> 2] >> (2 * (cell & 3))) & 3
        if step == LEFT:
            j -= 1
        else:
            i -= 1
            if step == DIAGONAL:
                j -= 1
            elif step == SKIP:
                j -= 2
    return path[free:].copy()
