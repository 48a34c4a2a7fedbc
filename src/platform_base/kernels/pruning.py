"""Cells that no best path can visit, left out exactly.

Costs are never negative, so accumulated costs grow along a path, and rounded addition keeps that order: a cell above
the cost of *some* path from the first cell to the last is on no best path. Such a path is found in a corridor around
the best path of the two series shrunk by 16 (the idea of S. Salvador and P. Chan, Intell. Data Anal. 11 (2007) 561-580,
used here for an upper bound alone). Then each strip is begun at the first column, and ended behind the last, where the
row above it or its own state is not above the bound (as in D. F. Silva and G. E. Batista, SDM 2016, doi
10.1137/1.9781611974348.94, for whole strips). What is left is a window; inside it, cells at or below the bound have the
very bits they have without it, so the distance, the path and the choice between equal steps are the same.

For similar series a few hundredths of the cells are left, for unrelated ones nearly all; which it will be is tried on
the shrunk series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.matrix import Matrix, allocate, count_strips, find_lane, span, strip_lanes, strip_margin
from platform_base.kernels.rules import Rules
from platform_base.kernels.strips import advance, enter_strip, strip_state
from platform_base.kernels.vectors import load, reduce_minimum, smaller_cost

# How many samples become one, and columns on each side of the blown-up path.
SHRINKING = 16
_REACH = 64

# Steps between two looks at the state of a strip.
_STRIDE = 64


@kernel
def shrink(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the means of every `SHRINKING` samples, ``(n, channels)`` to ``(ceil(n / SHRINKING), channels)``."""
    n, channels = series.shape
    length = (n + SHRINKING - 1) // SHRINKING
    means = np.zeros((length, channels), series.dtype)
    for i in range(length):
        stop = min(n, (i + 1) * SHRINKING)
        for channel in range(channels):
            total = 0.0
            for sample in range(i * SHRINKING, stop):
                total += series[sample, channel]
            means[i, channel] = total / (stop - i * SHRINKING)
    return means


@kernel
def lay_out_corridor(n: int, m: int, path: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last column of each row around a path of the shrunk series, blown up."""
    first = np.full(n, m - 1, np.int64)
    last = np.zeros(n, np.int64)
    for pair in range(path.shape[0]):
        low = max(0, path[pair, 1] * SHRINKING - _REACH)
        high = min(m - 1, (path[pair, 1] + 1) * SHRINKING - 1 + _REACH)
        for i in range(path[pair, 0] * SHRINKING, min(n, (path[pair, 0] + 1) * SHRINKING)):
            first[i] = min(first[i], low)
            last[i] = max(last[i], high)
    first[0] = 0
    last[n - 1] = m - 1
    return first, last


@kernel
def sweep_along(rules: Rules, matrix: Matrix, row: NDArray[np.float64]) -> float:
    """Return the cost of the best path in and beside the window of a matrix.

    No lane is masked: where the first lane has begun, the others may go on beyond the window, which takes a strip half
    the time and cannot make the cost larger than that of a path.
    """
    lanes, margin = strip_lanes(row), strip_margin(row)
    state = allocate(strip_state(row), row)
    strips = count_strips(matrix)
    for strip in range(strips):
        begin, end = span(matrix, strip)
        enter_strip(state, row[margin + begin - 1])
        advance(rules.free, matrix, strip, row, margin, row, margin, state, state, state, begin, end)
        after = span(matrix, strip + 1)[1] if strip + 1 < strips else 0
        for column in range(end - lanes + 1, min(after, matrix.m)):
            row[margin + column] = np.inf
    return state[find_lane(state, (matrix.n - 1) % lanes)]


@kernel
def sweep_below(
    rules: Rules,
    matrix: Matrix,
    bound: float,
    row: NDArray[np.float64],
    edges: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    start: int,
    stop: int,
) -> float:
    """Sweep strips of a matrix without a window, leaving out cells that are sure to be above `bound`.

    Args:
        rules: What is computed.
        matrix: What is compared; it has no window.
        bound: At least the cost of the best path.
        row: As `lay_out_row` gives it, or as the strip before left it; read and written.
        edges: ``(2,)``, the first and the last column of `row` that are not above `bound`, zeros before the first
            strip; read and written.
        first: ``(n,)``, gets the first column visited in each row.
        last: ``(n,)``, gets the last column visited in each row.
        start: First strip.
        stop: End of the strips, exclusive.

    Returns:
        The last cell of the last row, if that row was reached.
    """
    lanes, margin = strip_lanes(row), strip_margin(row)
    state = allocate(strip_state(row), row)
    m = matrix.m
    for strip in range(start, stop):
        top = strip * lanes
        height = min(lanes, matrix.n - top)
        begin, above = edges[0], edges[1]
        enter_strip(state, row[margin + begin - 1])
        step = begin
        while step < m - 1 + height:
            after = min(step + _STRIDE, m - 1 + height)
            advance(rules.free, matrix, strip, row, margin, row, margin, state, state, state, step, after)
            step = after
            if step > above and top + lanes < matrix.n and _is_above(state, bound):
                break
        done = min(step - lanes, m - 1)  # the last column that is complete in the last row
        for column in range(done + 1, max(above + 1, min(m, step)) + 1):
            row[margin + column] = np.inf
        for i in range(top, top + height):
            first[i] = begin
            last[i] = min(m, step) - 1
        while begin < done and row[margin + begin] > bound:
            begin += 1
        while done > begin and row[margin + done] > bound:
            done -= 1
        edges[0], edges[1] = begin, done
    return state[find_lane(state, (matrix.n - 1) % lanes)]


@kernel
def _is_above(state: NDArray[np.float64], bound: float) -> bool:
    lanes = strip_lanes(state)
    cells, diagonal = load(state, 0, strip_lanes(state)), load(state, lanes, strip_lanes(state))
    return reduce_minimum(smaller_cost(cells, diagonal)) > bound
