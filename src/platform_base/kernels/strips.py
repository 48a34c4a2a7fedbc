"""Cost matrices swept in strips of rows that live in vector registers.

A strip is `LANES` rows, one lane each. At step a, lane l computes column a - l: the cell above is then the
neighbouring lane's cell of the step before, the diagonal one that of two steps before, the left one the lane's own last
cell. Nothing is read from memory but the column's sample and, for lane 0, the row above the strip; nothing is written
but the last lane's cell, which is the row above the next strip::

            column  0  1  2  3  4            one row in memory enters lane 0 ...
    row r0   lane 0    0  1  2  3  4         (number: the step that computes the cell)
    row r0+1 lane 1    1  2  3  4  5
    row r0+2 lane 2    2  3  4  5  6         ... and what leaves the last lane takes its place

Columns outside the matrix are infinite because the samples there are; columns outside a window are made so with a
mask, in the few steps at both ends of a strip where a lane is outside.

The state of a strip between two steps is two vectors: the cells, and their diagonal neighbours. So a sweep can be
stopped anywhere and taken up again (`platform_base.kernels.checkpoints`).

Systolic evaluation of dynamic programming in SIMD registers along anti-diagonals: A. Wozniak, Using video-oriented
instructions to speed up sequence comparison, CABIOS 13 (1997) 145-150, doi 10.1093/bioinformatics/13.2.145.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.matrix import LANES, MARGIN, Matrix, bound_lanes, span
from platform_base.kernels.metrics import Metric, hold_rows, strip_cost
from platform_base.kernels.recurrences import Recurrence, accumulate
from platform_base.kernels.vectors import (
    get_last,
    load,
    load_scalar,
    select,
    shift_in_first,
    splat,
    store,
    store_scalar,
)

# Elements of the state of a strip: cells, then diagonal neighbours.
STATE = 2 * LANES


@kernel
def advance(
    recurrence: Recurrence,
    metric: Metric,
    matrix: Matrix,
    strip: int,
    entering: NDArray[np.float64],
    entering_at: int,
    leaving: NDArray[np.float64],
    leaving_at: int,
    state: NDArray[np.float64],
    start: int,
    stop: int,
    window: Any,
    record: Any,
) -> None:
    """Take a strip from step `start` to step `stop`.

    Args:
        recurrence: How a cell follows from its neighbours.
        metric: The local cost.
        matrix: What is compared.
        strip: Number of the strip.
        entering: The row above the strip.
        entering_at: Where in it column 0 stands.
        leaving: Where the last row of the strip is written, from column ``start - LANES + 1`` on. May be `entering`.
        leaving_at: Where in it column 0 stands.
        state: ``(STATE,)``, cells and diagonal neighbours; read and written.
        start: First step.
        stop: End of the steps, exclusive.
        window: ``None``, or two arrays of `LANES` float64: the step in which each lane enters the window, and the one
            in which it has left it.
        record: ``None``, or an array that gets the cells of every step, `LANES` for each, from its start on.
    """
    cells = load(state, 0, LANES)
    diagonal = load(state, LANES, LANES)
    held = hold_rows(metric, matrix, strip)
    for step in range(start, stop):
        up = shift_in_first(cells, load_scalar(entering, entering_at + step))
        cost = strip_cost(metric, matrix, held, step)
        cells = limit(window, step, accumulate(recurrence, cost, diagonal, up, cells))
        diagonal = up
        store_scalar(leaving, leaving_at + step - (LANES - 1), get_last(cells))
        keep(record, (step - start) * LANES, cells)
    store(state, 0, cells)
    store(state, LANES, diagonal)


def limit(window: Any, step: int, cells: Any) -> Any:
    """Return `cells` with infinity in the lanes that are outside the window at this step."""
    raise NotImplementedError("compiled functions only")


@overload(limit, strict=False)
def _compile_limit(window: Any, step: Any, cells: Any) -> Any:
    if not isinstance(window, types.BaseTuple):
        return lambda window, step, cells: cells

    def limited(window: Any, step: Any, cells: Any) -> Any:
        now = splat(np.float64(step), LANES)
        inside = (now >= load(window[0], 0, LANES)) & (now < load(window[1], 0, LANES))
        return select(inside, cells, splat(np.inf, LANES))

    return limited


def keep(record: Any, index: int, cells: Any) -> None:
    """Write `cells` to the record, where there is one."""
    raise NotImplementedError("compiled functions only")


@overload(keep, strict=False)
def _compile_keep(record: Any, index: Any, cells: Any) -> Any:
    if not isinstance(record, types.Array):
        return lambda record, index, cells: None
    return lambda record, index, cells: store(record, index, cells)


@kernel
def advance_within(
    recurrence: Recurrence,
    metric: Metric,
    matrix: Matrix,
    strip: int,
    entering: NDArray[np.float64],
    entering_at: int,
    leaving: NDArray[np.float64],
    leaving_at: int,
    state: NDArray[np.float64],
    start: int,
    stop: int,
    window: Any,
    unmasked: tuple[int, int],
) -> None:
    """As `advance`, with the mask of the window only where a lane may be outside: not in the steps `unmasked`."""
    head = min(max(unmasked[0], start), stop)
    tail = min(max(unmasked[1], head), stop)
    a, b = (entering, entering_at), (leaving, leaving_at)
    if start < head:
        advance(recurrence, metric, matrix, strip, a[0], a[1], b[0], b[1], state, start, head, window, None)
    if head < tail:
        advance(recurrence, metric, matrix, strip, a[0], a[1], b[0], b[1], state, head, tail, None, None)
    if tail < stop:
        advance(recurrence, metric, matrix, strip, a[0], a[1], b[0], b[1], state, tail, stop, window, None)


@kernel
def enter_strip(state: NDArray[np.float64], corner: float) -> None:
    """Set the state before a strip's first step: nothing to the left, `corner` diagonally before its first cell."""
    state[:] = np.inf
    state[LANES] = corner


@kernel
def sweep(
    recurrence: Recurrence,
    metric: Metric,
    matrix: Matrix,
    row: NDArray[np.float64],
    start: int,
    stop: int,
) -> float:
    """Sweep strips `start` to `stop`, exclusive.

    Args:
        recurrence: How a cell follows from its neighbours.
        metric: The local cost.
        matrix: What is compared.
        row: As `lay_out_row` gives it, or as the strip before left it; read and written.
        start: First strip.
        stop: End of the strips, exclusive.

    Returns:
        The last cell of the last row, if that row was reached.
    """
    state = np.empty(STATE)
    window = np.empty(LANES), np.empty(LANES)
    for strip in range(start, stop):
        begin, end = span(matrix, strip)
        unmasked = bound_lanes(matrix, strip, window[0], window[1])
        enter_strip(state, row[MARGIN + begin - 1])
        advance_within(recurrence, metric, matrix, strip, row, MARGIN, row, MARGIN, state, begin, end, window, unmasked)
    return state[(matrix.n - 1) % LANES]
