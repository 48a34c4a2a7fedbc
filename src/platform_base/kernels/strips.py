"""Sweeps of cost matrices, strip by strip; see `platform_base.kernels.advance` for what happens in one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import call_address, kernel
from platform_base.kernels.matrix import LANES, MARGIN, Matrix, bound_lanes, span
from platform_base.kernels.rules import Rules
from platform_base.kernels.vectors import address_of, load, load_scalar, store, store_scalar

# Elements of the state of a strip: cells, then diagonal neighbours.
STATE = 2 * LANES

# Elements in a cache line.
_LINE = 8


@kernel
def allocate(count: int) -> NDArray[np.float64]:
    """Return room for so many elements that begins with a cache line: vectors across two take twice as long."""
    room = np.empty(count + _LINE)
    begin = -(room.ctypes.data // room.itemsize) % _LINE
    return room[begin : begin + count]


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
        leaving: Where the last row of the strip is written, from column ``start - LANES + 1`` on. May be `entering`.
        leaving_at: Where in it column 0 stands.
        state: ``(STATE,)``; read and written.
        window: ``(2 * LANES,)``, as `bound_lanes` sets it; not read by a kernel that does not mask.
        record: Gets the cells of every step, `LANES` for each; not touched by a kernel that does not record.
        start: First step.
        stop: End of the steps, exclusive.
    """
    arguments = (
        address_of(matrix.rows, strip * LANES),
        address_of(matrix.columns, MARGIN + matrix.m - 1),
        address_of(entering, entering_at),
        address_of(leaving, leaving_at),
        address_of(state, 0),
        address_of(window, 0),
        address_of(window, LANES),
        address_of(record, 0),
        matrix.row_stride,
        matrix.column_stride,
        matrix.channels,
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
    state[LANES] = corner


@kernel
def copy_part(
    source: NDArray[np.float64], source_at: int, target: NDArray[np.float64], target_at: int, count: int
) -> None:
    """Copy so many elements of one row into another; element by element it takes as long as computing a strip."""
    whole = count - count % LANES
    for place in range(0, whole, LANES):
        store(target, target_at + place, load(source, source_at + place, LANES))
    for place in range(whole, count):
        store_scalar(target, target_at + place, load_scalar(source, source_at + place))


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
    state = allocate(STATE)
    window = allocate(2 * LANES)
    for strip in range(start, stop):
        begin, end = span(matrix, strip)
        unmasked = bound_lanes(matrix, strip, window)
        enter_strip(state, row[MARGIN + begin - 1])
        advance_within(rules, matrix, strip, row, MARGIN, row, MARGIN, state, window, unmasked, begin, end)
    return state[(matrix.n - 1) % LANES]
