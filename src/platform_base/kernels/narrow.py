"""Narrow windows ``|i - j| <= radius``: the whole width of the window in registers, one diagonal after the other.

In a window that is narrower than a strip is high, most of the steps of a strip are its run-up. Here a step is an
anti-diagonal, cells with the same i + j, and lane p stands for one i - j. It is even in even diagonals and odd in odd
ones, so there are two states by turns (W is the radius, rounded up to an even number)::

    even diagonal  i - j = -W + 2 p        a cell's upper neighbour is the odd state's lane p - 1, its left one lane p
    odd diagonal   i - j = -W + 1 + 2 p    a cell's upper neighbour is the even state's lane p, its left one lane p + 1

and the diagonal neighbour of each is its own lane, two diagonals ago. Rows stand in order and columns reversed, so that
the samples of all lanes stand side by side in memory. Time ``2 (n + m)`` steps, whatever the radius.

A. Wozniak, CABIOS 13 (1997) 145-150, doi 10.1093/bioinformatics/13.2.145, for a band.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from platform_base.kernels.cells import extend, measure_lanes, take_back
from platform_base.kernels.compilation import call_address, compile_for_address, kernel, pointer_to
from platform_base.kernels.matrix import count_rows
from platform_base.kernels.rules import LEFT, UP, Rules, choose_step
from platform_base.kernels.short import is_plain
from platform_base.kernels.vectors import (
    address_of,
    load,
    shift_in_first,
    shift_in_last,
    store,
)

_NARROWEST = 8


class Band(NamedTuple):
    """Two series laid out along a band; all elements are of one type.

    Attributes:
        offset: W, see the module.
        lanes: Of the kernel.
        rows: Samples of the first series, zeros around; flat.
        row_at: Where the sample of lane 0 in the first diagonal stands.
        columns: Samples of the second series, last one first, infinity around, where cells must be infinite; flat.
        column_at: Likewise.
        outside: ``(2 * lanes,)``, what is added to costs in even and in odd diagonals: infinity outside the window.
        state: ``(2 * lanes,)``, cells of the last even and the last odd diagonal; infinite but for the corner before
            the first cell.
    """

    offset: int
    lanes: int
    rows: NDArray[np.float64]
    row_at: int
    columns: NDArray[np.float64]
    column_at: int
    outside: NDArray[np.float64]
    state: NDArray[np.float64]


def count_narrow_lanes(radius: int, itemsize: int = 8) -> int:
    """Return how many lanes a window takes; 0 if it is not narrow enough for this processor, or none.

    Args:
        radius: The window is ``|i - j| <= radius``; -1 for none.
        itemsize: Bytes of an element: 8 for float64, 4 for float32.
    """
    lanes = _NARROWEST
    while lanes < radius + 2:
        lanes *= 2
    return lanes if radius >= 0 and lanes <= count_rows(itemsize) else 0


@functools.cache
def compile_narrow(lanes: int, single: bool, squares: bool, recording: bool, dtype: str = "float64") -> Any:
    """Compile the loop over pairs of diagonals, for calls by address.

    All arrays are of the dtype, ``"float64"`` or ``"float32"``: rows and columns from lane 0 on, outside, state, and
    record, which gets ``lanes`` cells of each diagonal; then the number of pairs.

    Returns:
        What holds the compiled function; its ``address`` stays valid as long as the process lives, because what is
        returned here is kept.
    """
    infinity = np.dtype(dtype).type(np.inf)

    def advance(rows: Any, columns: Any, outside: Any, state: Any, record: Any, pairs: int) -> None:
        even_outside, odd_outside = load(outside, 0, lanes), load(outside, lanes, lanes)
        even, odd = load(state, 0, lanes), load(state, lanes, lanes)
        for pair in range(pairs):
            y = load(columns, -pair, lanes)
            cost = measure_lanes(squares, load(rows, pair, lanes), y) + even_outside
            even = extend(single, cost, even, odd, shift_in_first(odd, infinity))
            if recording:
                store(record, 2 * pair * lanes, even)
            cost = measure_lanes(squares, load(rows, pair + 1, lanes), y) + odd_outside
            odd = extend(single, cost, odd, even, shift_in_last(even, infinity))
            if recording:
                store(record, (2 * pair + 1) * lanes, odd)
        store(state, 0, even)
        store(state, lanes, odd)

    return compile_for_address(advance, types.void(*[pointer_to(dtype)] * 5, types.int64))


@kernel
def lay_out_band(
    x: NDArray[np.float64], y: NDArray[np.float64], radius: int, lanes: int, single: bool, squares: bool
) -> Band:
    """Return two ``(n,)`` series laid out along the window ``|i - j| <= radius``."""
    n, m = x.shape[0], y.shape[0]
    offset, margin = radius + (radius & 1), 2 * lanes + 8
    rows, columns = np.empty(n + 2 * margin, x.dtype), np.empty(m + 2 * margin, x.dtype)
    for place in range(margin):
        rows[place] = rows[margin + n + place] = 0.0
        columns[place] = columns[margin + m + place] = np.inf
    for i in range(n):
        rows[margin + i] = x[i]
    for j in range(m):
        columns[margin + m - 1 - j] = y[j]
    outside, state = np.empty(2 * lanes, x.dtype), np.empty(2 * lanes, x.dtype)
    for lane in range(lanes):
        outside[lane] = 0.0 if abs(-offset + 2 * lane) <= radius else np.inf
        outside[lanes + lane] = 0.0 if abs(-offset + 1 + 2 * lane) <= radius else np.inf
        state[lane] = state[lanes + lane] = np.inf
    difference = x[0] - y[0]
    cost = difference * difference if squares else abs(difference)
    state[offset // 2] = 0.0 if single else take_back(cost)
    return Band(
        offset, lanes, rows, margin - offset // 2, columns, margin + m - 1 - offset // 2, outside, state
    )  # fmt: skip


@kernel
def sweep_band(advance: int, band: Band, record: NDArray[np.float64], last: int) -> None:
    """Compute the diagonals up to the `last` one, counted from 0, and perhaps the one after it."""
    arguments = (
        address_of(band.rows, band.row_at),
        address_of(band.columns, band.column_at),
        address_of(band.outside, 0),
        address_of(band.state, 0),
        address_of(record, 0),
        last // 2 + 1,
    )
    call_address(advance, arguments)


@kernel
def find_lane(offset: int, i: int, j: int) -> int:
    """Return the lane of cell (i, j); it may be none of the window's."""
    return (i - j + offset - ((i + j) & 1)) >> 1


@kernel
def measure_narrow(
    x: NDArray[np.float64], y: NDArray[np.float64], radius: int, advance: int, lanes: int, single: bool, squares: bool
) -> float:
    """Return the cost of the best path; NaN if a sample is not finite or no path is inside the window.

    Args:
        x: ``(n,)``.
        y: ``(m,)``.
        radius: The window is ``|i - j| <= radius``.
        advance: Address of what `compile_narrow` compiled, not recording, for the next three.
        lanes: As `count_narrow_lanes` gives them.
        single: Whether a diagonal step counts the local cost once, else twice.
        squares: Whether costs are squared differences, else absolute ones.
    """
    if not is_plain(x, y, radius):
        return np.nan
    band = lay_out_band(x, y, radius, lanes, single, squares)
    i, j = x.shape[0] - 1, y.shape[0] - 1
    sweep_band(advance, band, band.state, i + j)
    return float(band.state[((i + j) & 1) * lanes + find_lane(band.offset, i, j)])


@kernel
def align_narrow(
    x: NDArray[np.float64], y: NDArray[np.float64], radius: int, advance: int, lanes: int, single: bool, squares: bool
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, ``(k, 2)`` int64, and its cost; NaN as `measure_narrow`, or infinity if it overflows.

    `advance` is one that records. Memory `lanes` elements for each diagonal.
    """
    if not is_plain(x, y, radius):
        return np.empty((0, 2), np.int64), np.nan
    band = lay_out_band(x, y, radius, lanes, single, squares)
    i, j = x.shape[0] - 1, y.shape[0] - 1
    record = np.empty((i + j + 2) * lanes, x.dtype)
    sweep_band(advance, band, record, i + j)
    cost = float(record[(i + j) * lanes + find_lane(band.offset, i, j)])
    rules = Rules(0, 0, 0, 0, 1.0 if single else 2.0, squares, False)
    free = i + j
    path = np.empty((free + 1, 2), np.int64)
    path[free, 0], path[free, 1] = i, j
    offset = band.offset
    while (i > 0 or j > 0) and cost < np.inf:
        difference = x[i] - y[j]
        step_cost = difference * difference if squares else abs(difference)
        diagonal = recall(record, lanes, offset, i - 1, j - 1)
        up, left = recall(record, lanes, offset, i - 1, j), recall(record, lanes, offset, i, j - 1)
        taken = choose_step(rules, step_cost, diagonal, up, left)
        if taken != LEFT:
            i -= 1
        if taken != UP:
            j -= 1
        free -= 1
        path[free, 0], path[free, 1] = i, j
    return path[free:], cost


@kernel
def recall(record: NDArray[np.float64], lanes: int, offset: int, i: int, j: int) -> float:
    """Return a recorded cell; infinity outside the matrix and outside the window.

    Of a `Band` it takes what it needs: Numba counts references to each array in a tuple that is handed on.
    """
    lane = find_lane(offset, i, j)
    if i < 0 or j < 0 or lane < 0 or lane >= lanes:
        return record.dtype.type(np.inf)
    return record[(i + j) * lanes + lane]
