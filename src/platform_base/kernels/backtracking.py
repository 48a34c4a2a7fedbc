"""The warping path: from the last cell back to the first, computing only those parts of the cost matrix again.

In the block (`platform_base.kernels.checkpoints`) that the path is in, the strips above the path's own are swept for
their last rows, then the path's strip is swept again with all its cells recorded; the path is followed through the
record until it leaves the strip or the block.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.checkpoints import Checkpoints, first_block
from platform_base.kernels.compilation import inlined, kernel
from platform_base.kernels.matrix import Matrix, allocate, bound_lanes, find_lane, span, strip_lanes
from platform_base.kernels.rules import LEFT, UP, Rules, choose_step, measure_pair
from platform_base.kernels.strips import advance, advance_within, enter_strip, strip_state
from platform_base.kernels.vectors import load, store


class Workspace(NamedTuple):
    """Room for one block.

    Attributes:
        rows: The row above each strip of a group, and the one below the last; element 0 stands one column before the
            one that lane 0 begins the block with.
        record: Cells of one strip in one block.
        state: As long as `strip_state`.
        window: ``(2 * lanes,)``.
    """

    rows: NDArray[np.float64]
    record: NDArray[np.float64]
    state: NDArray[np.float64]
    window: NDArray[np.float64]


@inlined
def make_workspace(checkpoints: Checkpoints) -> Workspace:
    """Return room for the blocks of a sweep."""
    like = checkpoints.states
    lanes = strip_lanes(like)
    rows = np.empty((checkpoints.group + 1, checkpoints.interval + 8), like.dtype)
    record = allocate((checkpoints.interval + 4) * lanes, like)
    return Workspace(rows, record, allocate(strip_state(like), like), allocate(2 * lanes, like))


@inlined
def follow_back(rules: Rules, matrix: Matrix, checkpoints: Checkpoints, path: NDArray[np.int64]) -> int:
    """Write the path to the end of `path`, in time order.

    Args:
        rules: As in the sweep.
        matrix: As in the sweep.
        checkpoints: As `sweep_and_keep` left them, having reached the last row with a finite cost.
        path: ``(n + m - 1, 2)`` int64, written.

    Returns:
        How many pairs at the beginning of `path` were not needed.
    """
    workspace = make_workspace(checkpoints)
    lanes = strip_lanes(matrix.rows)
    i, j, free = matrix.n - 1, matrix.m - 1, matrix.n + matrix.m - 2
    path[free, 0], path[free, 1] = i, j
    group, block = -1, -1
    while i > 0 or j > 0:
        strip = i // lanes
        depth = strip % checkpoints.group
        time = j + i - (strip - depth) * lanes
        # The neighbours stand one and two units of time before the cell, and must be in the same record.
        needed = max(time - 2, 0) // checkpoints.interval
        if strip - depth != group or needed != block:
            group, block = strip - depth, needed
            enter_block(matrix, checkpoints, group, block, time, workspace.rows)
            for upper in range(group, strip):
                sweep_in_block(rules, matrix, checkpoints, upper, block, time, workspace)
        begin = record_in_block(rules, matrix, checkpoints, strip, block, time, workspace)
        i, j, free = follow_record(rules, matrix, checkpoints, strip, block, begin, workspace, i, j, free, path)
    return free


@kernel
def follow_record(
    rules: Rules,
    matrix: Matrix,
    checkpoints: Checkpoints,
    strip: int,
    block: int,
    begin: int,
    workspace: Workspace,
    i: int,
    j: int,
    free: int,
    path: NDArray[np.int64],
) -> tuple[int, int, int]:
    """Follow the path from cell (i, j) until it leaves the strip or the block; return where it then is."""
    lanes = strip_lanes(matrix.rows)
    top = strip * lanes
    depth = strip % checkpoints.group
    earliest = block * checkpoints.interval - depth * lanes
    above = workspace.rows[depth]
    above_at = 1 - earliest
    record = workspace.record
    infinity = record.dtype.type(np.inf)
    while i >= top and (i > 0 or j > 0):
        row = i - top
        lane, step = find_lane(record, row), j + row
        if step - 2 < earliest and block > 0:
            break
        left = record[(step - 1 - begin) * lanes + lane] if step > begin else infinity
        if row == 0:
            up = above[above_at + step]
            diagonal = above[above_at + step - 1]
        else:
            upper = find_lane(record, row - 1)
            up = record[(step - 1 - begin) * lanes + upper] if step > begin else infinity
            diagonal = record[(step - 2 - begin) * lanes + upper] if step > begin + 1 else infinity
        cost = measure_pair(rules, matrix, top + lane, j)
        taken = choose_step(rules, cost, diagonal, up, left)
        if taken != LEFT:
            i -= 1
        if taken != UP:
            j -= 1
        free -= 1
        path[free, 0], path[free, 1] = i, j
    return i, j, free


@kernel
def enter_block(
    matrix: Matrix, checkpoints: Checkpoints, group: int, block: int, time: int, rows: NDArray[np.float64]
) -> None:
    """Set the rows above the strips of a block to infinity, and the first one to what was kept of it."""
    rows[:] = np.inf
    begin, end = span(matrix, group)
    kept = checkpoints.row_at[group // checkpoints.group]
    earliest = block * checkpoints.interval
    for column in range(max(begin, earliest) - 1, min(end, time + 1)):
        rows[0, column - earliest + 1] = checkpoints.row_store[kept + column - begin + 1]


@kernel
def restore(
    matrix: Matrix,
    checkpoints: Checkpoints,
    strip: int,
    block: int,
    rows: NDArray[np.float64],
    state: NDArray[np.float64],
) -> int:
    """Set `state` to what it was at the start of a block, or at the strip's first step if that is later.

    Returns:
        The step that comes next.
    """
    begin, end = span(matrix, strip)
    depth, lanes, size = strip % checkpoints.group, strip_lanes(state), strip_state(state)
    offset = depth * lanes
    earliest = block * checkpoints.interval - offset
    if begin > earliest:
        enter_strip(state, rows[depth, begin - earliest])
        return begin
    if earliest <= end:
        number = block - first_block(begin + offset, checkpoints.interval)
        place = checkpoints.state_at[strip] + number * size
        store(state, 0, load(checkpoints.states, place, size))
        # The last cell of this strip's last row before the block: the next strip's first step wants it.
        rows[depth + 1, 1] = state[lanes - 1]
    return earliest


@kernel
def sweep_in_block(
    rules: Rules,
    matrix: Matrix,
    checkpoints: Checkpoints,
    strip: int,
    block: int,
    time: int,
    workspace: Workspace,
) -> None:
    """Compute the last row of a strip inside a block, up to a time: the row above the next strip."""
    depth, lanes = strip % checkpoints.group, strip_lanes(matrix.rows)
    start = restore(matrix, checkpoints, strip, block, workspace.rows, workspace.state)
    stop = min(time + 1 - depth * lanes, span(matrix, strip)[1])
    if start >= stop:
        return
    earliest = block * checkpoints.interval - depth * lanes
    unmasked = bound_lanes(matrix, strip, workspace.window)
    advance_within(
        rules,
        matrix,
        strip,
        workspace.rows[depth],
        1 - earliest,
        workspace.rows[depth + 1],
        1 - (earliest - lanes),
        workspace.state,
        workspace.window,
        unmasked,
        start,
        stop,
    )


@kernel
def record_in_block(
    rules: Rules,
    matrix: Matrix,
    checkpoints: Checkpoints,
    strip: int,
    block: int,
    time: int,
    workspace: Workspace,
) -> int:
    """Compute the cells of a strip inside a block, up to a time, into the record; return the step it begins with."""
    depth, lanes = strip % checkpoints.group, strip_lanes(matrix.rows)
    start = restore(matrix, checkpoints, strip, block, workspace.rows, workspace.state)
    earliest = block * checkpoints.interval - depth * lanes
    stop = time + 1 - depth * lanes
    head, tail = bound_lanes(matrix, strip, workspace.window)
    head = min(max(head, start), stop)
    tail = min(max(tail, head), stop)
    kernels = (rules.masked_keeping, start, head), (rules.keeping, head, tail), (rules.masked_keeping, tail, stop)
    for address, begin, end in kernels:
        if begin < end:
            advance(
                address,
                matrix,
                strip,
                workspace.rows[depth],
                1 - earliest,
                workspace.rows[depth + 1],
                1 - (earliest - lanes),
                workspace.state,
                workspace.window,
                workspace.record[(begin - start) * strip_lanes(workspace.record) :],
                begin,
                end,
            )
    return start
