"""Sweeps of cost matrices, strip by strip; see `platform_base.kernels.advance` for what happens in one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import call_address, kernel
from platform_base.kernels.matrix import (
    Matrix,
    allocate,
    bound_lanes,
    count_rows,
    find_lane,
    span,
    strip_lanes,
    strip_margin,
)
from platform_base.kernels.rules import Rules
from platform_base.kernels.vectors import (
    address_of,
    constant_by_element,
    load,
    load_scalar,
    store,
    store_scalar,
)

# In kernels, for the elements of an array: elements of the state of a strip, cells, then diagonal neighbours.
strip_state = constant_by_element(lambda itemsize: 2 * count_rows(itemsize))


@kernel
def copy_part(
    source: NDArray[np.float64], source_at: int, target: NDArray[np.float64], target_at: int, count: int
) -> None:
    """Copy so many elements of one row into another; element by element it takes as long as computing a strip."""
    lanes = strip_lanes(source)
    whole = count - count % lanes
    for place in range(0, whole, lanes):
        store(target, target_at + place, load(source, source_at + place, strip_lanes(source)))
    for place in range(whole, count):
        store_scalar(target, target_at + place, load_scalar(source, source_at + place))


@kernel
def advance(
    address: int,
    matrix: Matrix,
    strip: int,
    entering: NDArray[np.float64],
    entering_at: int,
    leaving: NDArray[np.float64],
    leaving_at: int,
    state: NDArray[np.float64],
    window: NDArray[np.float64],
    record: NDArray[np.float64],
    start: int,
    stop: int,
) -> None:
    """Take a strip from step `start` to step `stop`.

    Args:
        address: Of the kernel, as `Rules` has them.
        matrix: What is compared.
        strip: Number of the strip.
        entering: The row above the strip.
        entering_at: Where in it column 0 stands.
        leaving: Where the last row of the strip is written, from column ``start - lanes + 1`` on. May be `entering`.
        leaving_at: Where in it column 0 stands.
        state: As long as `strip_state`; read and written.
        window: ``(2 * lanes,)``, as `bound_lanes` sets it; not read by a kernel that does not mask.
        record: Gets the cells of every step, ``lanes`` for each; not touched by a kernel that does not record.
        start: First step.
        stop: End of the steps, exclusive.
    """
    arguments = (
        address_of(matrix.rows, strip * strip_lanes(matrix.rows)),
        address_of(matrix.columns, strip_margin(matrix.rows) + matrix.m - 1),
        address_of(entering, entering_at),
        address_of(leaving, leaving_at),
        address_of(state, 0),
        address_of(window, 0),
        address_of(window, strip_lanes(matrix.rows)),
        address_of(record, 0),
        address_of(matrix.delays, 0),
        matrix.row_stride,
        matrix.column_stride,
        matrix.channels,
        matrix.run,
        start,
        stop,
    )
    call_address(address, arguments)


@kernel
def advance_within(
    rules: Rules,
    matrix: Matrix,
    strip: int,
    entering: NDArray[np.float64],
    entering_at: int,
    leaving: NDArray[np.float64],
    leaving_at: int,
    state: NDArray[np.float64],
    window: NDArray[np.float64],
    unmasked: tuple[int, int],
    start: int,
    stop: int,
) -> None:
    """As `advance`, with the mask of the window only where a lane may be outside: not in the steps `unmasked`."""
    head = min(max(unmasked[0], start), stop)
    tail = min(max(unmasked[1], head), stop)
    for address, begin, end in ((rules.masked, start, head), (rules.free, head, tail), (rules.masked, tail, stop)):
        if begin < end:
            advance(
                address, matrix, strip, entering, entering_at, leaving, leaving_at, state, window, state, begin, end
            )


@kernel
def enter_strip(state: NDArray[np.float64], corner: float) -> None:
    """Set the state before a strip's first step: nothing to the left, `corner` diagonally before its first cell."""
    state[:] = np.inf
    state[strip_lanes(state)] = corner


@kernel
def sweep(
    rules: Rules,
    matrix: Matrix,
    row: NDArray[np.float64],
    start: int,
    stop: int,
) -> float:
    """Sweep strips `start` to `stop`, exclusive.

    Args:
        rules: What is computed.
        matrix: What is compared.
        row: As `lay_out_row` gives it, or as the strip before left it; read and written.
        start: First strip.
        stop: End of the strips, exclusive.

    Returns:
        The last cell of the last row, if that row was reached.
    """
    lanes, margin = strip_lanes(row), strip_margin(row)
    state, window = allocate(strip_state(row), row), allocate(2 * lanes, row)
    for strip in range(start, stop):
        begin, end = span(matrix, strip)
        unmasked = bound_lanes(matrix, strip, window)
        enter_strip(state, row[margin + begin - 1])
        advance_within(rules, matrix, strip, row, margin, row, margin, state, window, unmasked, begin, end)
    return state[find_lane(state, (matrix.n - 1) % lanes)]
