"""A cost matrix that is never stored: its two series laid out for a sweep, and its window."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import inlined, kernel
from platform_base.kernels.registers import count_lanes, count_register_lanes
from platform_base.kernels.vectors import constant_by_element, load, store, transpose_lanes

# Bytes of a cache line.
_LINE = 64

# Vectors that a sweep keeps in registers: cells, diagonal neighbours, samples of the rows.
_LIVE = 3


def count_rows(itemsize: int) -> int:
    """Return the rows of a strip whose elements take 8 bytes, as those of float64, or 4."""
    return count_lanes(_LIVE, itemsize)


# Of float64.
LANES = count_rows(8)

# Steps for which `Matrix.delays` has room: with more it would not stay in the first-level cache, with fewer a sweep
# would be left and taken up again more often than it need be.
_RUN = 512
_SHORTEST_RUN = 64

# In kernels, for the elements of an array: rows of a strip, lanes of one register, and how many registers the rows of a
# strip take.
strip_lanes = constant_by_element(count_rows)
register_lanes = constant_by_element(count_register_lanes)
strip_registers = constant_by_element(lambda itemsize: count_rows(itemsize) // count_register_lanes(itemsize))
# All three are powers of two: of which.
register_depth = constant_by_element(lambda itemsize: count_register_lanes(itemsize).bit_length() - 1)
strip_depth = constant_by_element(
    lambda itemsize: (count_rows(itemsize) // count_register_lanes(itemsize)).bit_length() - 1
)

# Elements on each side of the columns and of a row, because a strip reaches one less than its rows beyond the matrix.
strip_margin = constant_by_element(lambda itemsize: count_rows(itemsize) + 8)


class Matrix(NamedTuple):
    """A cost matrix to sweep.

    The columns stand **reversed**, with infinity on both sides, so that row r of a strip, which is r columns behind its
    row 0, reads the element r further on, and cells outside the matrix cost infinitely much.

    All elements are of one type, float64 or float32, and what is computed is of that type too.

    Attributes:
        n: Rows.
        m: Columns.
        channels: Of each sample.
        rows: Samples of the first series, channel by channel, padded with zeros to whole strips, those of a strip in
            the order of `find_lane`; flat.
        row_stride: Elements from one channel of `rows` to the next.
        columns: Samples of the second series, channel by channel, last one first, `strip_margin` infinities around;
            flat.
        column_stride: Elements from one channel of `columns` to the next.
        first: ``(n,)`` int64, the first column of each row inside the window; or empty, where all are.
        last: ``(n,)`` int64, the last column of each row; or empty. Neither decreases, neighbouring rows share a column
            or touch diagonally, and the window holds the first and the last cell.
        delays: Room for the samples of the columns on their way through a strip, see `platform_base.kernels.strips`.
        run: For how many steps there is room.
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
    delays: NDArray[np.float64]
    run: int


@kernel
def find_lane(like: NDArray[np.float64], row: int) -> int:
    """Return the lane of a strip's row.

    Neighbouring rows lie in neighbouring registers: row ``l * registers + v`` is lane l of register v.
    """
    # Not with // and %, which in Python round down: what that takes for numbers below zero costs as much as the rest.
    return ((row & (strip_registers(like) - 1)) << register_depth(like)) + (row >> strip_depth(like))


@kernel
def find_row(like: NDArray[np.float64], lane: int) -> int:
    """Return the row of a strip that is in a lane."""
    return ((lane & (register_lanes(like) - 1)) << strip_depth(like)) + (lane >> register_depth(like))


@kernel
def deal(values: NDArray[np.float64], start: int) -> None:
    """Bring the values of a strip's rows, which begin there, into the order of `find_lane`."""
    by_row = load(values, start, strip_lanes(values))
    store(values, start, transpose_lanes(by_row, register_lanes(values)))


@kernel
def allocate(count: int, like: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return room for so many elements, as those of an array, that begins with a cache line.

    What lies across two takes twice as long to load and to store.
    """
    line = _LINE // like.itemsize
    room = np.empty(count + line, like.dtype)
    begin = -(room.ctypes.data // room.itemsize) % line
    return room[begin : begin + count]


@inlined
def lay_out(
    x: NDArray[np.float64], y: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> Matrix:
    """Return the matrix of ``(n, channels)`` samples against ``(m, channels)`` samples, inside a window."""
    n, channels = x.shape
    m = y.shape[0]
    lanes, margin = strip_lanes(x), strip_margin(x)
    row_stride, column_stride = (n + lanes - 1) // lanes * lanes, m + 2 * margin
    run = min(max(_RUN // channels, _SHORTEST_RUN), m + lanes)
    # All in one piece of memory: for short series asking for three takes a tenth of the time.
    rows_at = channels * (run * register_lanes(x) + lanes)
    columns_at = rows_at + channels * row_stride
    room = allocate(columns_at + channels * column_stride, x)
    delays, rows, columns = room[:rows_at], room[rows_at:columns_at], room[columns_at:]
    for channel in range(channels):
        start = channel * row_stride
        for i in range(n):
            rows[start + i] = x[i, channel]
        for i in range(n, row_stride):
            rows[start + i] = 0.0
        for top in range(start, start + row_stride, lanes):
            deal(rows, top)
        start = channel * column_stride
        for j in range(margin):
            columns[start + j] = np.inf
            columns[start + column_stride - 1 - j] = np.inf
        for j in range(m):
            columns[start + margin + m - 1 - j] = y[j, channel]
    return Matrix(n, m, channels, rows, row_stride, columns, column_stride, first, last, delays, run)


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
            left it, in the order of `find_lane`; nothing if there is no window.

    Returns:
        The first step and the end of the steps in which no lane is outside.
    """
    lanes = strip_lanes(matrix.rows)
    head, tail = 0, matrix.m + lanes
    if matrix.first.shape[0] == 0:
        return head, tail
    for lane in range(lanes):
        row = find_row(window, lane)
        i = min(strip * lanes + row, matrix.n - 1)
        window[lane], window[lanes + lane] = -np.inf, np.inf
        if matrix.first[i] > 0:
            head = max(head, matrix.first[i] + row)
            window[lane] = matrix.first[i] + row
        if matrix.last[i] < matrix.m - 1:
            tail = min(tail, matrix.last[i] + 1 + row)
            window[lanes + lane] = matrix.last[i] + 1 + row
    return head, tail
