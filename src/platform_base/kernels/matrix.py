"""A cost matrix that is never stored: its two series laid out for a sweep, and its window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import inlined, kernel
from platform_base.kernels.registers import count_lanes
from platform_base.kernels.vectors import constant_by_element

# Vectors that a sweep keeps in registers: cells, diagonal neighbours, samples of the rows.
_LIVE = 3


def count_rows(itemsize: int) -> int:
    """Return the rows of a strip whose elements take 8 bytes, as those of float64, or 4."""
    return count_lanes(_LIVE, itemsize)


# Of float64.
LANES = count_rows(8)

# In kernels, for the elements of an array: rows of a strip, and elements on each side of the columns and of a row,
# because a strip reaches one less than its rows beyond the matrix.
strip_lanes = constant_by_element(count_rows)
strip_margin = constant_by_element(lambda itemsize: count_rows(itemsize) + 8)


class Matrix(NamedTuple):
    """A cost matrix to sweep.

    The columns stand **reversed**, with infinity on both sides, so that lane l, which is l columns behind lane 0, reads
    the element l further on, and cells outside the matrix cost infinitely much.

    All elements are of one type, float64 or float32, and what is computed is of that type too.

    Attributes:
        n: Rows.
        m: Columns.
        channels: Of each sample.
        rows: Samples of the first series, channel by channel, padded with zeros to whole strips; flat.
        row_stride: Elements from one channel of `rows` to the next.
        columns: Samples of the second series, channel by channel, last one first, `strip_margin` infinities around;
            flat.
        column_stride: Elements from one channel of `columns` to the next.
        first: ``(n,)`` int64, the first column of each row inside the window; or empty, where all are.
        last: ``(n,)`` int64, the last column of each row; or empty. Neither decreases, neighbouring rows share a column
            or touch diagonally, and the window holds the first and the last cell.
    """

    n: int
    m: int
    channels: int
    rows: NDArray[np.float64]
    row_stride: int
    columns: NDArray[np.float64]
    column_stride: int
    first: NDArray[np.int64]
    last: NDArray[np.int64]


@inlined
def lay_out(
    x: NDArray[np.float64], y: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> Matrix:
    """Return the matrix of ``(n, channels)`` samples against ``(m, channels)`` samples, inside a window."""
    n, channels = x.shape
    m = y.shape[0]
    lanes, margin = strip_lanes(x), strip_margin(x)
    row_stride = (n + lanes - 1) // lanes * lanes
    rows = np.empty(channels * row_stride, x.dtype)
    column_stride = m + 2 * margin
    columns = np.empty(channels * column_stride, x.dtype)
    for channel in range(channels):
        start = channel * row_stride
        for i in range(n):
            rows[start + i] = x[i, channel]
        for i in range(n, row_stride):
            rows[start + i] = 0.0
        start = channel * column_stride
        for j in range(margin):
            columns[start + j] = np.inf
            columns[start + column_stride - 1 - j] = np.inf
        for j in range(m):
            columns[start + margin + m - 1 - j] = y[j, channel]
    return Matrix(n, m, channels, rows, row_stride, columns, column_stride, first, last)


@inlined
def lay_out_row(matrix: Matrix, corner: float) -> NDArray[np.float64]:
    """Return the row above a matrix: infinite but for `corner`, which stands diagonally before the first cell.

    Column 0 stands at index `strip_margin`.
    """
    margin = strip_margin(matrix.rows)
    row = np.empty(matrix.m + 2 * margin, matrix.rows.dtype)
    row[:] = np.inf
    row[margin - 1] = corner
    return row


@kernel
def count_strips(matrix: Matrix) -> int:
    """Return how many strips cover all rows."""
    lanes = strip_lanes(matrix.rows)
    return (matrix.n + lanes - 1) // lanes


@kernel
def span(matrix: Matrix, strip: int) -> tuple[int, int]:
    """Return the first step of a strip in which a cell is inside the window, and the end of those steps."""
    lanes = strip_lanes(matrix.rows)
    top = strip * lanes
    bottom = min(top + lanes, matrix.n) - 1
    if matrix.first.shape[0] == 0:
        return 0, matrix.m + bottom - top
    return matrix.first[top], matrix.last[bottom] + 1 + bottom - top


@kernel
def bound_lanes(matrix: Matrix, strip: int, window: NDArray[np.float64]) -> tuple[int, int]:
    """Say when each lane of a strip is inside the window.

    Where the window ends at the edge of the matrix, the infinite samples beyond it do what a mask would.

    Args:
        matrix: Whose window it is.
        strip: Number of the strip.
        window: ``(2 * lanes,)``, gets the step in which each lane enters the window, then the one in which each has
            left it.

    Returns:
        The first step and the end of the steps in which no lane is outside.
    """
    lanes = strip_lanes(matrix.rows)
    for lane in range(lanes):
        window[lane] = -np.inf
        window[lanes + lane] = np.inf
    head = 0
    tail = matrix.m + lanes
    if matrix.first.shape[0] > 0:
        for lane in range(lanes):
            row = min(strip * lanes + lane, matrix.n - 1)
            if matrix.first[row] > 0:
                head = max(head, matrix.first[row] + lane)
                window[lane] = matrix.first[row] + lane
            if matrix.last[row] < matrix.m - 1:
                tail = min(tail, matrix.last[row] + 1 + lane)
                window[lanes + lane] = matrix.last[row] + 1 + lane
    return head, tail
