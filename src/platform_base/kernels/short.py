"""Short series: one cell after the other, because the strips take longer to begin than this to end.

The numbers are those of the strips, bit for bit: each cell is computed with the same operations.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.builtin import (
    get_options,
    get_series,
    give_both,
    give_float,
    hand_on,
    has_two_series,
    make_path,
)
from platform_base.kernels.compilation import kernel
from platform_base.kernels.rules import LEFT, UP, Rules, choose_step
from platform_base.kernels.scratch import carve, scratch

# Up to so many cells it is faster than the strips: when the cost alone is asked for, and when the path is.
FEW_CELLS = 24 * 24
FEW_CELLS_OF_PATH = 40 * 40

# Room on the stack: what a series of one sample and the longest one to be compared with it need.
_ROOM = 2 * (FEW_CELLS + 1)
_ROOM_OF_PATH = 2 * (FEW_CELLS_OF_PATH + 1)


def enter_distance(bound: Any, arguments: int, count: int) -> int:
    """Return the distance of two short series to Python: `measure_short` as a builtin function."""
    if has_two_series(bound, arguments, count):
        x, y = get_series(bound, arguments, 0), get_series(bound, arguments, 1)
        cost = measure_short(x, y, *get_options(bound))
        if cost < np.inf:
            return give_float(cost)
    return hand_on(bound, arguments, count)


def enter_path(bound: Any, arguments: int, count: int) -> int:
    """Return the path through two short series, and the distance, to Python: `align_short` as a builtin function."""
    if has_two_series(bound, arguments, count):
        x, y = get_series(bound, arguments, 0), get_series(bound, arguments, 1)
        if x.size * y.size <= FEW_CELLS_OF_PATH:
            path = carve(scratch(_ROOM_OF_PATH, np.int64), 0, x.size + y.size, 2)
            start, cost = align_short(x, y, path, *get_options(bound))
            if cost < np.inf:
                return give_both(make_path(bound, path, start), cost)
    return hand_on(bound, arguments, count)


@kernel
def measure_short(x: NDArray[np.float64], y: NDArray[np.float64], radius: int, single: bool, squares: bool) -> float:
    """Return the cost of the best path.

    Args:
        x: ``(n,)``.
        y: ``(m,)``.
        radius: The window is ``|i - j| <= radius``; -1 for none.
        single: See `fill_short`.
        squares: Likewise.

    Returns:
        NaN if a sample is not finite, no path is inside the window, or there are more than `FEW_CELLS` cells.
    """
    n, m = x.shape[0], y.shape[0]
    if n * m > FEW_CELLS or not is_plain(x, y, radius):
        return np.nan
    cells = carve(scratch(_ROOM, x.dtype), 0, n + 1, m + 1)
    fill_short(x, y, radius, single, squares, cells)
    return float(cells[n, m])


@kernel
def align_short(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    path: NDArray[np.int64],
    radius: int,
    single: bool,
    squares: bool,
) -> tuple[int, float]:
    """Find the best path and its cost.

    Args:
        x: ``(n,)``.
        y: ``(m,)``.
        path: ``(n + m, 2)``, written.
        radius: As `measure_short`.
        single: Likewise.
        squares: Likewise.

    Returns:
        From which row on `path` is the path, and the cost. No path if that is NaN, as in `measure_short` but for
        `FEW_CELLS_OF_PATH`, or infinite, because it overflows.
    """
    n, m = x.shape[0], y.shape[0]
    free = n + m
    if n * m > FEW_CELLS_OF_PATH or not is_plain(x, y, radius):
        return free, np.nan
    cells = carve(scratch(_ROOM_OF_PATH, x.dtype), 0, n + 1, m + 1)
    fill_short(x, y, radius, single, squares, cells)
    if not cells[n, m] < np.inf:
        return free, np.inf
    rules = Rules(0, 0, 0, 0, 1.0 if single else 2.0, squares, False)
    i, j = n - 1, m - 1
    while True:
        free -= 1
        path[free, 0], path[free, 1] = i, j
        if i == 0 and j == 0:
            return free, float(cells[n, m])
        difference = x[i] - y[j]
        cost = difference * difference if squares else abs(difference)
        taken = choose_step(rules, cost, cells[i, j], cells[i, j + 1], cells[i + 1, j])
        if taken != LEFT:
            i -= 1
        if taken != UP:
            j -= 1


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
