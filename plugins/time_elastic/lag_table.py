"""The table of `lags.tabulate_lags`, laid out in compiled code."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .vectorized import kernel


@kernel
def lay_out_lags(weights: NDArray[np.float64], n: int, m: int, spare: int) -> tuple[NDArray[np.float64], int]:
    """Return the table that `steps.Cells.lags` describes, for series of n and m samples, and where difference 0 stands.

    Args:
        weights: ``(max(n, m),)``: weight of a cell for each distance from the diagonal.
        n: Samples of the first series.
        m: Samples of the second series.
        spare: Differences beyond the last cell that a kernel may read.
    """
    centre = (n + m + spare) // 2 + 1
    table = np.empty((2, 2 * centre + 1 + spare))
    last = weights.size - 1
    for parity in range(2):
        for place in range(table.shape[1]):
            table[parity, place] = weights[min(abs(2 * (place - centre) + parity), last)]
    return table, centre
