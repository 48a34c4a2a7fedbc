"""What a sweep leaves behind so that any part of its cost matrix can be computed again: a fraction of the matrix.

Strips are taken in groups. Inside a group time runs on: lane l of the group's strip t computes column ``time - l - t *
lanes`` (a group is one tall strip). Two things are kept:

* the row above each group, inside the window of the group's first strip;
* the states of all strips of a group, every `interval` units of time.

The cells between two such times, a **block**, follow from the states at its start and from the row above the group
alone. With G strips in a group and an interval of K that takes ``8 / (G lanes) + 16 / K`` bytes for each cell, half
of it with float32, and the search for the path computes ``G lanes K`` cells again for each block it passes.

Checkpoints in dynamic programming: J. A. Grice, R. Hughey, D. Speck, Reduced space sequence alignment, CABIOS 13 (1997)
45-53, doi 10.1093/bioinformatics/13.1.45.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import inlined, kernel
from platform_base.kernels.matrix import (
    Matrix,
    allocate,
    bound_lanes,
    count_strips,
    find_lane,
    span,
    strip_lanes,
    strip_margin,
)
from platform_base.kernels.rules import Rules
from platform_base.kernels.strips import advance_within, copy_part, enter_strip, strip_state
from platform_base.kernels.vectors import load, store

# Groups and intervals, by the cells inside the window up to which they are used: the more cells, the fewer bytes for
# each, at the price of larger blocks.
_PLANS = ((1 << 22, 1, 128), (3 << 25, 1, 256), (1 << 31, 8, 512), (1 << 35, 16, 2048))
_LARGEST = (64, 8192)


class Checkpoints(NamedTuple):
    """The store of one sweep.

    Attributes:
        group: Strips in a group.
        interval: Time between two states of a strip.
        state_at: ``(strips,)`` int64, where the states of a strip begin in `states`.
        states: `strip_state` elements for each state.
        row_at: ``(groups,)`` int64, where the row above a group begins in `row_store`: one column before the window of
            its first strip.
        row_store: The rows.
    """

    group: int
    interval: int
    state_at: NDArray[np.int64]
    states: NDArray[np.float64]
    row_at: NDArray[np.int64]
    row_store: NDArray[np.float64]


def choose_sizes(cells: int) -> tuple[int, int]:
    """Return how many strips a group has, and the interval, for so many cells inside the window."""
    return next(((group, interval) for limit, group, interval in _PLANS if cells <= limit), _LARGEST)


def make_checkpoints(matrix: Matrix, group: int, interval: int) -> Checkpoints:
    """Make room for the checkpoints of a matrix.

    Raises:
        MemoryError: If there is not enough, naming how much is needed.
    """
    strips = count_strips(matrix)
    state_at = np.empty(strips, dtype=np.int64)
    row_at = np.empty(-(-strips // group), dtype=np.int64)
    states, elements = lay_out_store(matrix, group, interval, state_at, row_at)
    try:
        # Allocated by NumPy: its large arrays are made of huge pages, those of compiled functions are not, and
        # touching the memory for the first time would then take longer than the sweep.
        dtype = matrix.rows.dtype
        return Checkpoints(group, interval, state_at, np.empty(states, dtype), row_at, np.empty(elements, dtype))
    except MemoryError as error:
        needed = dtype.itemsize * (states + elements)
        raise MemoryError(
            f"the path needs {needed / 2**20:.0f} MiB for {matrix.n} x {matrix.m} samples, more than there is; "
            "give a smaller window_size, or resample the series"
        ) from error


@inlined
def lay_out_store(
    matrix: Matrix, group: int, interval: int, state_at: NDArray[np.int64], row_at: NDArray[np.int64]
) -> tuple[int, int]:
    """Write where each strip's states and each group's row begin; return the elements of both stores."""
    lanes, states, elements = strip_lanes(matrix.rows), 0, 0
    for strip in range(state_at.shape[0]):
        begin, end = span(matrix, strip)
        if strip % group == 0:
            row_at[strip // group] = elements
            elements += end - begin + 2
        offset = strip % group * lanes
        state_at[strip] = states
        states += (1 + (end + offset) // interval - first_block(begin + offset, interval)) * strip_state(matrix.rows)
    return states, elements


@kernel
def first_block(time: int, interval: int) -> int:
    """Return the number of the first block that begins at `time` or later."""
    return (time + interval - 1) // interval


@inlined
def sweep_and_keep(
    rules: Rules,
    matrix: Matrix,
    row: NDArray[np.float64],
    checkpoints: Checkpoints,
    start: int,
    stop: int,
) -> float:
    """As `platform_base.kernels.strips.sweep`, and fill the part of `checkpoints` that belongs to these strips."""
    lanes, margin, size = strip_lanes(row), strip_margin(row), strip_state(row)
    state, window = allocate(size, row), allocate(2 * lanes, row)
    interval = checkpoints.interval
    for strip in range(start, stop):
        begin, end = span(matrix, strip)
        if strip % checkpoints.group == 0:
            kept = checkpoints.row_at[strip // checkpoints.group]
            copy_part(row, margin + begin - 1, checkpoints.row_store, kept, end - begin + 1)
        unmasked = bound_lanes(matrix, strip, window)
        enter_strip(state, row[margin + begin - 1])
        place = checkpoints.state_at[strip]
        offset = strip % checkpoints.group * lanes
        step = begin
        due = first_block(begin + offset, interval) * interval - offset
        while step < end:
            after = min(due, end)
            if step < after:
                advance_within(rules, matrix, strip, row, margin, row, margin, state, window, unmasked, step, after)
                step = after
            if step == due:
                store(checkpoints.states, place, load(state, 0, size))
                place += size
                due += interval
    return state[find_lane(state, (matrix.n - 1) % lanes)]
