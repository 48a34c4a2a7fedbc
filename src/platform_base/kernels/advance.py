"""The innermost loop: a strip of rows over the columns.

A strip is as many rows as `platform_base.kernels.matrix.count_rows` says. At step a, row r of the strip computes column
a - r: the cell above is then the cell that the row above has computed in the step before, the diagonal one that of two
steps before, the left one the row's own last cell. Nothing is written to the row in memory but the last row's cell, and
nothing read from it but what stands above the strip::

            column  0  1  2  3  4            one row in memory enters row 0 ...
    row 0           0  1  2  3  4            (number: the step that computes the cell)
    row 1           1  2  3  4  5
    row 2           2  3  4  5  6            ... and what leaves the last row takes its place

Neighbouring rows lie in neighbouring registers, not in neighbouring lanes::

    register    0    1    2    3
    lane 0    row 0    1    2    3           of a strip of 16 rows in four registers
    lane 1        4    5    6    7
    lane 2        8    9   10   11
    lane 3       12   13   14   15

so that the cells above those of a register are the register before it, as it was: nothing is moved. For register 0
alone, they are the last register with its lanes moved up by one. Next to a layout in which every register has to be
moved, that takes five sixths of the time (measured on Zen 5). The samples of the columns go from register to register
too, on their way through a delay line in memory, for there are no registers left: what register v compares with is what
register 0 compared with v steps ago.

Columns outside the matrix are infinite because the samples there are; columns outside a window are made so with a mask.
The state of a strip between two steps is two vectors, the cells and their diagonal neighbours, so a strip can be left
and taken up again anywhere.

The loop is compiled for calls by address: the functions that sweep a matrix with it (`platform_base.kernels.strips`)
are compiled once, whatever the cells hold.

Systolic evaluation of dynamic programming in SIMD registers along anti-diagonals: A. Wozniak, Using video-oriented
instructions to speed up sequence comparison, CABIOS 13 (1997) 145-150, doi 10.1093/bioinformatics/13.2.145. Rows dealt
to the lanes in turns: M. Farrar, Striped Smith-Waterman speeds database searches six times over other SIMD
implementations, Bioinformatics 23 (2007) 156-161, doi 10.1093/bioinformatics/btl582.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import types

from platform_base.kernels.cells import extend, hide, measure_lanes
from platform_base.kernels.compilation import compile_for_address, pointer_to
from platform_base.kernels.matrix import count_rows
from platform_base.kernels.registers import count_register_lanes
from platform_base.kernels.vectors import (
    get_last,
    get_last_lanes,
    load,
    load_scalar,
    shift_in_first,
    splat,
    square_root,
    store,
    store_scalar,
    transpose_lanes,
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

    The function takes a strip from step `start` to step `stop`. All arrays are of the dtype, and what has ``lanes``
    elements is in the order of `platform_base.kernels.matrix.find_lane`:

    * rows: the strip's samples, ``lanes`` of each channel, `row_stride` apart;
    * columns: the sample of column 0; that of column j stands j elements **before** it; `column_stride` apart;
    * entering: the row above the strip, from column 0 on; leaving: its last row; the two may be the same;
    * state: ``2 * lanes``, cells and diagonal neighbours, read and written;
    * enters, leaves: ``lanes``, the step in which each lane enters the window, and the one in which it has left it;
    * record: gets the cells of every step, ``lanes`` for each;
    * delays: room for ``run * width + lanes`` of each channel; vectors of samples that register 0, of `width` lanes,
      compares with, in the last of `run` steps, the one before it, and so on.

    Returns:
        What holds the compiled function; its ``address`` stays valid as long as the process lives, because what is
        returned here is kept.
    """
    single, squares, rooted, several, masked, recording, dtype = variant
    element = np.dtype(dtype).type
    size, infinity = element(0).itemsize, element(np.inf)
    lanes, width = count_rows(size), count_register_lanes(size)
    # Two halves, one after the other: in one go more temporaries would be alive than there are registers, and what is
    # moved to memory and back takes a fifth of the time (measured with LLVM 20).
    half = lanes // 2

    def advance(
        rows: Any, columns: Any, entering: Any, leaving: Any, state: Any, enters: Any, leaves: Any, record: Any,
        delays: Any, row_stride: int, column_stride: int, channels: int, run: int, start: int, stop: int,
    ) -> None:  # fmt: skip
        delay_stride = run * width + lanes
        for begin in range(start, stop, run):
            # Register 0 has every so-manieth row, and compares with every so-manieth column; the columns of the steps
            # before, of as many as there are registers, are a matrix that need only be transposed.
            for channel in range(channels if several else 1):
                before = load(columns, channel * column_stride + 1 - begin, lanes)
                store(delays, channel * delay_stride + run * width, transpose_lanes(before, width))
            low, high = load(state, 0, half), load(state, half, half)
            low_diagonal, high_diagonal = load(state, lanes, half), load(state, lanes + half, half)
            low_samples, high_samples = load(rows, 0, half), load(rows, half, half)
            for step in range(begin, min(begin + run, stop)):
                place = (begin + run - 1 - step) * width
                newest = shift_in_first(load(delays, place + lanes, width), load_scalar(columns, -step))
                first = shift_in_first(get_last_lanes(high, width), load_scalar(entering, step))

                # The upper half first: what enters it is the lower half's last register of the step before.
                if several:
                    store(delays, place, newest)
                    cost = measure_lanes(squares, load(rows, half, half), load(delays, place + half, half))
                    for channel in range(1, channels):
                        line = channel * delay_stride + place
                        entered = load_scalar(columns, channel * column_stride - step)
                        store(delays, line, shift_in_first(load(delays, line + lanes, width), entered))
                        more = load(rows, channel * row_stride + half, half)
                        cost = cost + measure_lanes(squares, more, load(delays, line + half, half))
                else:
                    cost = measure_lanes(squares, high_samples, load(delays, place + half, half))
                if rooted:
                    cost = square_root(cost)
                if masked:
                    now, outside = splat(element(step), half), splat(infinity, half)
                    cost = hide(cost, now, load(enters, half, half), load(leaves, half, half), outside)
                up = shift_in_first(high, get_last_lanes(low, width))
                high = extend(single, cost, high_diagonal, high, up)
                high_diagonal = up

                if several:
                    cost = measure_lanes(squares, load(rows, 0, half), load(delays, place, half))
                    for channel in range(1, channels):
                        more = load(rows, channel * row_stride, half)
                        cost = cost + measure_lanes(squares, more, load(delays, channel * delay_stride + place, half))
                else:
                    others = shift_in_first(load(delays, place + width, half), newest)
                    cost = measure_lanes(squares, low_samples, others)
                if rooted:
                    cost = square_root(cost)
                if masked:
                    cost = hide(cost, now, load(enters, 0, half), load(leaves, 0, half), outside)
                up = shift_in_first(low, first)
                low = extend(single, cost, low_diagonal, low, up)
                low_diagonal = up

                # Last: nothing that is read in a step, LLVM must assume, may be read before something else is written.
                if not several:
                    store(delays, place, newest)
                store_scalar(leaving, step - (lanes - 1), get_last(high))
                if recording:
                    store(record, (step - start) * lanes, low)
                    store(record, (step - start) * lanes + half, high)
            store(state, 0, low)
            store(state, half, high)
            store(state, lanes, low_diagonal)
            store(state, lanes + half, high_diagonal)

    return compile_for_address(advance, types.void(*[pointer_to(dtype)] * 9, *[types.int64] * 6))
