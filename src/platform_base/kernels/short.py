"""Short series: one cell after the other, because the strips take longer to begin than this to end.

The numbers are those of the strips, bit for bit: each cell is computed with the same operations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.rules import LEFT, UP, Rules, choose_step
from platform_base.kernels.scratch import carve, scratch

# Up to so many cells it is faster than the strips: when the cost alone is asked for, and when the path is.
FEW_CELLS = 24 * 24
FEW_CELLS_OF_PATH = 40 * 40

# Room on the stack: what two series of 24 samples need.
_ROOM = 25 * 25


@kernel
def measure_short(x: NDArray[np.float64], y: NDArray[np.float64], radius: int, single: bool, squares: bool) -> float:
    """Return the cost of the best path; NaN if a sample is not finite or no path is inside the window.

    Args:
        x: ``(n,)``.
        y: ``(m,)``.
        radius: The window is ``|i - j| <= radius``; -1 for none.
        single: See `fill_short`.
        squares: Likewise.
    """
    if not is_plain(x, y, radius):
        return np.nan
    n, m = x.shape[0], y.shape[0]
    needed = (n + 1) * (m + 1)
    room = scratch(_ROOM, x) if needed <= _ROOM else np.empty(needed, x.dtype)
    cells = carve(room, 0, n + 1, m + 1)
    fill_short(x, y, radius, single, squares, cells)
    return float(cells[n, m])


@kernel
def align_short(
    x: NDArray[np.float64], y: NDArray[np.float64], radius: int, single: bool, squares: bool
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, ``(k, 2)`` int64, and its cost; NaN as `measure_short`, or infinity if it overflows."""
    n, m = x.shape[0], y.shape[0]
    if not is_plain(x, y, radius):
        return np.empty((0, 2), np.int64), np.nan
    needed = (n + 1) * (m + 1)
    room = scratch(_ROOM, x) if needed <= _ROOM else np.empty(needed, x.dtype)
    cells, path = carve(room, 0, n + 1, m + 1), np.empty((n + m - 1, 2), np.int64)
    fill_short(x, y, radius, single, squares, cells)
    rules = Rules(0, 0, 0, 0, 1.0 if single else 2.0, squares, False)
    i, j, free = n - 1, m - 1, n + m - 2
    path[free, 0], path[free, 1] = i, j
    while (i > 0 or j > 0) and cells[n, m] < np.inf:
        difference = x[i] - y[j]
        cost = difference * difference if squares else abs(difference)
        taken = choose_step(rules, cost, cells[i, j], cells[i, j + 1], cells[i + 1, j])
        if taken != LEFT:
            i -= 1
        if taken != UP:
            j -= 1
        free -= 1
        path[free, 0], path[free, 1] = i, j
    return path[free:], float(cells[n, m])


@kernel
def is_plain(x: NDArray[np.float64], y: NDArray[np.float64], radius: int) -> bool:
    """Return whether two series can be compared: not empty, finite, and inside the window."""
    n, m = x.shape[0], y.shape[0]
    return min(n, m) > 0 and (radius < 0 or radius >= abs(n - m)) and are_finite(x, y)


@kernel
def are_finite(x: NDArray[np.float64], y: NDArray[np.float64]) -> bool:
    """Return whether all samples of two ``(n,)`` series are finite."""
    faults = 0
    for i in range(x.shape[0]):
        faults += not np.isfinite(x[i])
    for j in range(y.shape[0]):
        faults += not np.isfinite(y[j])
    return faults == 0


@kernel
def fill_short(
    x: NDArray[np.float64], y: NDArray[np.float64], radius: int, single: bool, squares: bool, cells: NDArray[np.float64]
) -> None:
    """Compute the accumulated costs of two series.

    Args:
        x: ``(n,)``, n at least 1.
        y: ``(m,)``, m at least 1.
        radius: The window is ``|i - j| <= radius``, at least ``|n - m|``; -1 for none.
        single: Whether a diagonal step counts the local cost once, else twice.
        squares: Whether costs are squared differences, else absolute ones.
        cells: ``(n + 1, m + 1)``, written; infinite in row 0 and column 0, and outside the window.
    """
    n, m = x.shape[0], y.shape[0]
    reach = n + m if radius < 0 else radius
    infinity = x.dtype.type(np.inf)
    cells[:] = infinity
    for i in range(n):
        sample, left = x[i], infinity
        for j in range(max(0, i - reach), min(m, i + reach + 1)):
            difference = sample - y[j]
            cost = difference * difference if squares else abs(difference)
            diagonal, up = cells[i, j], cells[i, j + 1]
            if i == 0 and j == 0:
                left = cost
            elif single:
                smallest = diagonal if diagonal < up else up
                left = cost + (left if left < smallest else smallest)
            else:
                aside = (left if left < up else up) + cost
                diagonal += cost + cost
                left = diagonal if diagonal < aside else aside
            cells[i + 1, j + 1] = left
