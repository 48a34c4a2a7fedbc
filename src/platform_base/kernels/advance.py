"""The innermost loop: a strip of rows, one lane each, over the columns.

A strip is `LANES` rows. At step a, lane l computes column a - l: the cell above is then the neighbouring lane's cell of
the step before, the diagonal one that of two steps before, the left one the lane's own last cell. Nothing is read from
memory but the column's sample and, for lane 0, the row above the strip; nothing is written but the last lane's cell,
which is the row above the next strip::

            column  0  1  2  3  4            one row in memory enters lane 0 ...
    row r0   lane 0    0  1  2  3  4         (number: the step that computes the cell)
    row r0+1 lane 1    1  2  3  4  5
    row r0+2 lane 2    2  3  4  5  6         ... and what leaves the last lane takes its place

Columns outside the matrix are infinite because the samples there are; columns outside a window are made so with a mask.
The state of a strip between two steps is two vectors, the cells and their diagonal neighbours, so a strip can be left
and taken up again anywhere.

The loop is compiled for calls by address: the functions that sweep a matrix with it (`platform_base.kernels.strips`)
are compiled once, whatever the cells hold.

Systolic evaluation of dynamic programming in SIMD registers along anti-diagonals: A. Wozniak, Using video-oriented
instructions to speed up sequence comparison, CABIOS 13 (1997) 145-150, doi 10.1093/bioinformatics/13.2.145.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import types

from platform_base.kernels.compilation import compile_for_address, kernel
from platform_base.kernels.matrix import LANES
from platform_base.kernels.vectors import (
    absolute,
    get_last,
    load,
    load_scalar,
    select,
    shift_in_first,
    smaller_cost,
    splat,
    square_root,
    store,
    store_scalar,
)

# The lanes go in two halves, one after the other: in one go more temporaries would be alive than there are registers,
# and what is moved to memory and back takes a fifth of the time.
HALF = LANES // 2

_ARRAY = types.CPointer(types.float64)

# Of `compile_advance`'s function: rows, columns, entering, leaving, state, enters, leaves, record are arrays, the rest
# whole numbers.
SIGNATURE = types.void(*[_ARRAY] * 8, *[types.int64] * 5)


class Kernel(NamedTuple):
    """One variant of the loop.

    Attributes:
        single: Count the local cost once on a diagonal step, as symmetric1 does; else twice, as symmetric2.
        squares: Sum squares of differences instead of their absolute values.
        rooted: Take the root of the sum.
        several: There may be more than one channel.
        masked: Lanes may be outside the window.
        recording: Keep every cell.
    """

    single: bool
    squares: bool
    rooted: bool
    several: bool
    masked: bool
    recording: bool


@functools.cache
def compile_advance(variant: Kernel) -> Any:
    """Compile one variant, for calls by address.

    The function takes a strip from step `start` to step `stop`. All arrays are float64:

    * rows: the strip's samples, ``LANES`` of each channel, `row_stride` apart;
    * columns: the sample of column 0; that of column j stands j elements **before** it; `column_stride` apart;
    * entering: the row above the strip, from column 0 on; leaving: its last row; the two may be the same;
    * state: ``2 * LANES``, cells and diagonal neighbours, read and written;
    * enters, leaves: ``LANES``, the step in which each lane enters the window, and the one in which it has left it;
    * record: gets the cells of every step, ``LANES`` for each.

    Returns:
        What holds the compiled function; its ``address`` stays valid as long as the process lives, because what is
        returned here is kept.
    """
    recording = variant.recording

    def advance(
        rows: Any, columns: Any, entering: Any, leaving: Any, state: Any, enters: Any, leaves: Any, record: Any,
        row_stride: int, column_stride: int, channels: int, start: int, stop: int,
    ) -> None:  # fmt: skip
        low_samples, high_samples = load(rows, 0, HALF), load(rows, HALF, HALF)
        low, high = load(state, 0, HALF), load(state, HALF, HALF)
        low_diagonal, high_diagonal = load(state, LANES, HALF), load(state, LANES + HALF, HALF)
        for step in range(start, stop):
            # The upper half first: what enters it is the lower half's last cell of the step before.
            cost = measure_lanes(variant, high_samples, rows, columns, HALF, row_stride, column_stride, channels, step)
            up = shift_in_first(high, get_last(low))
            high = extend_lanes(variant, cost, high_diagonal, high, up, enters, leaves, HALF, step)
            high_diagonal = up
            store_scalar(leaving, step - (LANES - 1), get_last(high))

            cost = measure_lanes(variant, low_samples, rows, columns, 0, row_stride, column_stride, channels, step)
            up = shift_in_first(low, load_scalar(entering, step))
            low = extend_lanes(variant, cost, low_diagonal, low, up, enters, leaves, 0, step)
            low_diagonal = up
            if recording:
                store(record, (step - start) * LANES, low)
                store(record, (step - start) * LANES + HALF, high)
        store(state, 0, low)
        store(state, HALF, high)
        store(state, LANES, low_diagonal)
        store(state, LANES + HALF, high_diagonal)

    return compile_for_address(advance, SIGNATURE)


@kernel
def measure_lanes(
    variant: Kernel, samples: Any, rows: Any, columns: Any, lane: int, row_stride: int, column_stride: int,
    channels: int, step: int,
) -> Any:  # fmt: skip
    """Return the local costs of one half of the lanes, from `lane` on; `samples` are its rows' of the first channel."""
    difference = samples - load(columns, lane - step, HALF)
    cost = difference * difference if variant.squares else absolute(difference)
    if variant.several:
        for channel in range(1, channels):
            difference = load(rows, channel * row_stride + lane, HALF) - load(
                columns, channel * column_stride + lane - step, HALF
            )
            cost = cost + (difference * difference if variant.squares else absolute(difference))
    return square_root(cost) if variant.rooted else cost


@kernel
def extend_lanes(
    variant: Kernel, cost: Any, diagonal: Any, left: Any, up: Any, enters: Any, leaves: Any, lane: int, step: int
) -> Any:
    """Return the cells of one half of the lanes, from `lane` on."""
    # Rounded addition is monotone: the smallest neighbour plus the cost is, to the bit, the smallest sum.
    if variant.single:
        cells = cost + smaller_cost(smaller_cost(diagonal, left), up)
    else:
        cells = smaller_cost(diagonal + (cost + cost), smaller_cost(left, up) + cost)
    if variant.masked:
        now = splat(np.float64(step), HALF)
        inside = (now >= load(enters, lane, HALF)) & (now < load(leaves, lane, HALF))
        cells = select(inside, cells, splat(np.inf, HALF))
    return cells
