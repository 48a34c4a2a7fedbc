"""Rows become columns, in tiles that stay in registers: several times as fast as NumPy's copy of a transposed array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.vectors import transpose_tile

TILE = 8


@kernel
def transpose(source: NDArray[np.float64], target: NDArray[np.float64]) -> None:
    """Set ``target[j, i]`` to ``source[i, j]``.

    Args:
        source: ``(rows, columns)``.
        target: ``(columns, rows)``, written; another array.
    """
    rows, columns = source.shape
    whole_rows, whole_columns = rows - rows % TILE, columns - columns % TILE
    # Along the longer side in the inner loop: then eight lines are open at a time on either side.
    if rows < columns:
        for top in range(0, whole_rows, TILE):
            for left in range(0, whole_columns, TILE):
                transpose_tile(source, top * columns + left, columns, target, left * rows + top, rows, TILE)
    else:
        for left in range(0, whole_columns, TILE):
            for top in range(0, whole_rows, TILE):
                transpose_tile(source, top * columns + left, columns, target, left * rows + top, rows, TILE)
    for i in range(rows):
        for j in range(whole_columns if i < whole_rows else 0, columns):
            target[j, i] = source[i, j]
