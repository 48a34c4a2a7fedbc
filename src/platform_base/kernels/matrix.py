"""A cost matrix that is never stored: its two series laid out for a sweep, and its window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.registers import count_lanes

# Rows in a strip. A sweep keeps three vectors in registers: cells, diagonal neighbours, samples of the rows.
LANES = count_lanes(3)

# Elements on each side of the columns and of a row: a strip reaches LANES - 1 beyond the matrix.
MARGIN = LANES + 8


class Matrix(NamedTuple):
    """A cost matrix to sweep.

    The columns stand **reversed**, with infinity on both sides, so that lane l, which is l columns behind lane 0, reads
    the element l further on, and cells outside the matrix cost infinitely much.

    Attributes:
        n: Rows.
        m: Columns.
        channels: Of each sample.
        rows: Samples of the first series, channel by channel, padded with zeros to whole strips; flat.
        row_stride: Elements from one channel of `rows` to the next.
        columns: Samples of the second series, channel by channel, last one first, `MARGIN` infinities around; flat.
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


@kernel
def lay_out(
    x: NDArray[np.float64], y: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> Matrix:
    """Return the matrix of ``(n, channels)`` samples against ``(m, channels)`` samples, inside a window."""
    n, channels = x.shape
    m = y.shape[0]
    row_stride = (n + LANES - 1) // LANES * LANES
    rows = np.empty(channels * row_stride)
    column_stride = m + 2 * MARGIN
    columns = np.empty(channels * column_stride)
    for channel in range(channels):
        start = channel * row_stride
        for i in range(n):
            rows[start + i] = x[i, channel]
        for i in range(n, row_stride):
            rows[start + i] = 0.0
        start = channel * column_stride
        for j in range(MARGIN):
            columns[start + j] = np.inf
            columns[start + column_stride - 1 - j] = np.inf
        for j in range(m):
            columns[start + MARGIN + m - 1 - j] = y[j, channel]
    return Matrix(n, m, channels, rows, row_stride, columns, column_stride, first, last)


@kernel
def lay_out_row(m: int, corner: float) -> NDArray[np.float64]:
    """Return the row above a matrix: infinite but for `corner`, which stands diagonally before the first cell.

    Column 0 stands at index `MARGIN`.
    """
    row = np.full(m + 2 * MARGIN, np.inf)
    row[MARGIN - 1] = corner
    return row


@kernel
def span(matrix: Matrix, strip: int) -> tuple[int, int]:
    """Return the first step of a strip in which a cell is inside the window, and the end of those steps."""
    top = strip * LANES
    bottom = min(top + LANES, matrix.n) - 1
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
        window: ``(2 * LANES,)``, gets the step in which each lane enters the window, then the one in which each has
            left it.

    Returns:
        The first step and the end of the steps in which no lane is outside.
    """
    for lane in range(LANES):
        window[lane] = -np.inf
        window[LANES + lane] = np.inf
    head = 0
    tail = matrix.m + LANES
    if matrix.first.shape[0] > 0:
        for lane in range(LANES):
            row = min(strip * LANES + lane, matrix.n - 1)
            if matrix.first[row] > 0:
                head = max(head, matrix.first[row] + lane)
                window[lane] = matrix.first[row] + lane
            if matrix.last[row] < matrix.m - 1:
                tail = min(tail, matrix.last[row] + 1 + lane)
                window[LANES + lane] = matrix.last[row] + 1 + lane
    return head, tail
