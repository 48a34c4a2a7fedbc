"""The innermost loop: a strip of rows, one lane each, over the columns.

A strip is as many rows as `platform_base.kernels.matrix.count_rows` says. At step a, lane l computes column a - l: the
cell above is then the neighbouring lane's cell of the step before, the diagonal one that of two steps before, the left
one the lane's own last cell. Nothing is read from memory but the column's sample and, for lane 0, the row above the
strip; nothing is written but the last lane's cell, which is the row above the next strip::

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

from platform_base.kernels.cells import extend, hide, measure_lanes
from platform_base.kernels.compilation import compile_for_address, pointer_to
from platform_base.kernels.matrix import count_rows
from platform_base.kernels.vectors import (
    get_last,
    load,
    load_scalar,
    shift_in_first,
    splat,
    square_root,
    store,
    store_scalar,
)


class Kernel(NamedTuple):
    """One variant of the loop.

    Attributes:
        single: Count the local cost once on a diagonal step, as symmetric1 does; else twice, as symmetric2.
        squares: Sum squares of differences instead of their absolute values.
        rooted: Take the root of the sum.
        several: There may be more than one channel.
        masked: Lanes may be outside the window.
        recording: Keep every cell.
        dtype: Of all elements, and of what is computed: ``"float64"`` or ``"float32"``.
    """

    single: bool
    squares: bool
    rooted: bool
    several: bool
    masked: bool
    recording: bool
    dtype: str = "float64"


@functools.cache
def compile_advance(variant: Kernel) -> Any:
    """Compile one variant, for calls by address.

    The function takes a strip from step `start` to step `stop`. All arrays are of the dtype:

    * rows: the strip's samples, ``lanes`` of each channel, `row_stride` apart;
    * columns: the sample of column 0; that of column j stands j elements **before** it; `column_stride` apart;
    * entering: the row above the strip, from column 0 on; leaving: its last row; the two may be the same;
    * state: ``2 * lanes``, cells and diagonal neighbours, read and written;
    * enters, leaves: ``lanes``, the step in which each lane enters the window, and the one in which it has left it;
    * record: gets the cells of every step, ``lanes`` for each.

    Returns:
        What holds the compiled function; its ``address`` stays valid as long as the process lives, because what is
        returned here is kept.
    """
    single, squares, rooted, several, masked, recording, dtype = variant
    element = np.dtype(dtype).type
    lanes, infinity = count_rows(element(0).itemsize), element(np.inf)
    # Two halves, one after the other: in one go more temporaries would be alive than there are registers, and what is
    # moved to memory and back takes a fifth of the time (measured with LLVM 20).
    half = lanes // 2

    def advance(
        rows: Any, columns: Any, entering: Any, leaving: Any, state: Any, enters: Any, leaves: Any, record: Any,
        row_stride: int, column_stride: int, channels: int, start: int, stop: int,
    ) -> None:  # fmt: skip
        low_samples, high_samples = load(rows, 0, half), load(rows, half, half)
        low, high = load(state, 0, half), load(state, half, half)
        low_diagonal, high_diagonal = load(state, lanes, half), load(state, lanes + half, half)
        for step in range(start, stop):
            # The upper half first: what enters it is the lower half's last cell of the step before.
            cost = measure_lanes(squares, high_samples, load(columns, half - step, half))
            if several:
                for channel in range(1, channels):
                    more = load(rows, channel * row_stride + half, half)
                    y = load(columns, channel * column_stride + half - step, half)
                    cost = cost + measure_lanes(squares, more, y)
            if rooted:
                cost = square_root(cost)
            up = shift_in_first(high, get_last(low))
            high = extend(single, cost, high_diagonal, high, up)
            if masked:
                now, outside = splat(element(step), half), splat(infinity, half)
                high = hide(high, now, load(enters, half, half), load(leaves, half, half), outside)
            high_diagonal = up
            store_scalar(leaving, step - (lanes - 1), get_last(high))

            cost = measure_lanes(squares, low_samples, load(columns, -step, half))
            if several:
                for channel in range(1, channels):
                    more = load(rows, channel * row_stride, half)
                    cost = cost + measure_lanes(squares, more, load(columns, channel * column_stride - step, half))
            if rooted:
                cost = square_root(cost)
            up = shift_in_first(low, load_scalar(entering, step))
            low = extend(single, cost, low_diagonal, low, up)
            if masked:
                low = hide(low, now, load(enters, 0, half), load(leaves, 0, half), outside)
            low_diagonal = up
            if recording:
                store(record, (step - start) * lanes, low)
                store(record, (step - start) * lanes + half, high)
        store(state, 0, low)
        store(state, half, high)
        store(state, lanes, low_diagonal)
        store(state, lanes + half, high_diagonal)

    return compile_for_address(advance, types.void(*[pointer_to(dtype)] * 8, *[types.int64] * 5))
