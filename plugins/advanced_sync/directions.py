"""By which production each cell of the cost matrix was reached: two or four bits per cell inside the window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def allocate_directions(n: int, band_width: int, code_bits: int) -> NDArray[np.uint8]:
    """Return zeroed room for `n` rows of `band_width` cells of `code_bits` bits.

    Cell ``(i, j)`` of a band is number ``k = j - first[i]`` of row i; with ``c = 8 // code_bits`` cells to a byte
    it has the bits from ``code_bits * (k % c)`` on of byte ``k // c``.

    Raises:
        MemoryError: If there is not enough memory, naming how much was asked for.
    """
    row_bytes = -(-band_width * code_bits // 8)
    try:
        return np.zeros((n, row_bytes), dtype=np.uint8)
    except MemoryError as error:
        raise MemoryError(
            f"the path needs {n * row_bytes / 2**20:.0f} MiB for {n} rows of {band_width} cells, "
            "more than there is; give a smaller window_size, or resample the series"
        ) from error


def walk_back(
    directions: NDArray[np.uint8],
    code_bits: int,
    first: NDArray[np.int64],
    end: int,
    open_begin: bool,
    origins: NDArray[np.int64],
    starts: NDArray[np.int64],
    offsets: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Follow the stored productions from a cell of the last row back to where the path begins.

    Args:
        directions: As `allocate_directions` lays them out, of a cost matrix in which ``(n - 1, end)`` is reachable.
        code_bits: Bits for one cell.
        first: First column of the band in every row, ``(n,)``.
        end: Column at which the path ends.
        open_begin: Whether the path begins with a production that comes from the row above the first, instead of
            in the cell (0, 0).
        origins: As in `ProductionTable`.
        starts: As in `ProductionTable`.
        offsets: As in `ProductionTable`.

    Returns:
        The path, ``(k, 2)`` int64 pairs (i, j) in time order, with the cells inside of productions.
    """
    n = directions.shape[0]
    cells_per_byte = 8 // code_bits
    mask = (1 << code_bits) - 1
    path = np.empty((n + end, 2), dtype=np.int64)
    i, j, free = n - 1, end, n + end
    while i >= 0 and (open_begin or i > 0 or j > 0):
        cell = j - first[i]
        production = (directions[i, cell // cells_per_byte] >> (code_bits * (cell % cells_per_byte))) & mask
        for k in range(starts[production + 1] - 1, starts[production] - 1, -1):
            free -= 1
            path[free, 0] = i - offsets[k, 0]
            path[free, 1] = j - offsets[k, 1]
        i -= origins[production, 0]
        j -= origins[production, 1]
    if not open_begin:
        free -= 1
        path[free, 0] = 0
        path[free, 1] = 0
    return path[free:].copy()
