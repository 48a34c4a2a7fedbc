"""The recurrence compiled with Numba: strips of rows in SIMD vectors, one lane a row.

Lane l of a strip is row ``r0 + l``; at turn k it computes column ``k - l``. So the cell to the left is the lane's own
value of the turn before, the cell above the value of the lane before it, one turn ago, and the cell between them that
of two turns
ago: one shift of lanes, no memory but the samples of the second series and one value that enters at lane 0 and one that
leaves at the last lane. All cells of a turn lie on one anti-diagonal, and the costs are the same source as in
`diagonals`.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .steps import Cells, Samples
from .vectorized import (
    LANES,
    absolute,
    compare_channels,
    get_last,
    inlined,
    kernel,
    lane_numbers,
    load,
    load_row,
    minimum,
    select,
    shift_in_first,
    splat,
    step_carry,
    step_cost,
    step_hold,
    step_recall,
    store,
    store_mask,
    transpose_tile,
    view,
)

# Turns whose cells are kept until they are written to the matrix: with LANES rows they fill half of a first-level
# cache.
TURNS = 64
# Edge of the tiles in which cells are written to the matrix.
TILE = 8
INFINITY = np.inf
# Bytes of one of the two masks that a turn writes.
MASK = LANES // 8


@inlined
def run_strips(
    steps: Any,
    first: Samples,
    second: Samples,
    lags: NDArray[np.float64],
    geometry: tuple[int, int, int, int, int],
    norm: tuple[float | None, bool],
    strips: tuple[int, int],
    border: NDArray[np.float64],
    carried: NDArray[np.float64],
    matrix: NDArray[np.float64],
    directions: NDArray[np.uint8],
    offsets: NDArray[np.int64],
) -> float:
    """Compute some strips of the cost matrix, from the one above to the one below.

    Args:
        steps: A `steps.Steps`.
        first: The first series, padded to a multiple of `LANES` samples.
        second: The second series, reversed, with `LANES` samples of padding on both sides.
        lags: As `steps.Cells` has it.
        geometry: n; columns, which are m, and one more before them where paths may begin by deleting; that
            one more; the window; where in `lags` difference 0 stands.
        norm: Degree, ``None`` for one channel, and whether to take the root.
        strips: Number of the first strip, and of the first that is not to be computed.
        border: ``(columns + LANES,)``: the row above the strips; replaced by the last row of the strips.
        carried: ``(columns + LANES,)``: what it carries, likewise.
        matrix: ``(n, m)``, written, or of no rows where it is not wanted.
        directions: Written from the entries of `offsets` on, or empty where they are not wanted.
        offsets: ``(strips,)``: where each strip's directions begin.

    Returns:
        D(n-1, m-1), where the last strip was among them.
    """
    n, columns, extra, window, _ = geometry
    state = np.empty(3 * LANES, np.float64)
    cells = np.empty((TURNS if matrix.shape[0] > 0 else 0, LANES), np.float64)
    for strip in range(strips[0], strips[1]):
        r0 = strip * LANES
        height = min(LANES, n - r0)
        begin = max(0, r0 - window + extra)
        last = min(columns - 1, r0 + LANES - 1 + window + extra)
        end = columns + height - 1 if r0 + LANES >= n else last + LANES
        state[:] = INFINITY
        if begin > 0:
            state[2 * LANES] = carried[begin - 1]
        elif strip == 0 and extra == 0:
            state[2 * LANES] = 0.0
        place = offsets[strip] if directions.size > 0 else 0
        chunk = TURNS if matrix.shape[0] > 0 else end - begin
        for turn in range(begin, end, chunk):
            turns = turn, min(end, turn + chunk)
            advance(
                steps, first, second, lags, geometry, norm, r0, turns, border, carried, state, cells, directions, place
            )
            if matrix.shape[0] > 0:
                write_cells(cells, matrix, r0, height, turns[0] - extra, turns[1] - extra)
    return state[min(LANES, n - r0) - 1]


@kernel
def advance(
    steps: Any,
    first: Samples,
    second: Samples,
    lags: NDArray[np.float64],
    geometry: tuple[int, int, int, int, int],
    norm: tuple[float | None, bool],
    r0: int,
    turns: tuple[int, int],
    border: NDArray[np.float64],
    carried: NDArray[np.float64],
    state: NDArray[np.float64],
    cells: NDArray[np.float64],
    directions: NDArray[np.uint8],
    place: int,
) -> None:
    """Advance one strip by some turns.

    Args:
        steps: As `run_strips`.
        first: As `run_strips`.
        second: As `run_strips`.
        lags: As `run_strips`.
        geometry: As `run_strips`.
        norm: As `run_strips`.
        r0: First row of the strip.
        turns: First turn, and the first that is not to be computed.
        border: As `run_strips`.
        carried: As `run_strips`.
        state: ``(3 * LANES,)``: the cells of the turn before, what they carry, and what carries over from above.
        cells: ``(TURNS, LANES)``: written, or empty.
        directions: Two masks for each turn, or empty: lanes not reached by the diagonal step; lanes reached by the
            step along the second series.
        place: Where they begin.
    """
    _, columns, extra, window, centre = geometry
    degree, rooted = norm
    base = LANES + columns - 1
    rows = Samples(view(first.values), view(first.features))
    reversed_columns = Samples(view(second.values), view(second.features))
    weights = view(lags)
    leading = load(first.values, r0, LANES)
    held = step_hold(steps, rows, r0)
    below = 2.0 * lane_numbers(LANES)
    outside = splat(INFINITY, LANES)
    reach = float(window)
    total = load(state, 0, LANES)
    carry = step_recall(steps, total, load(state, LANES, LANES))
    corner = load(state, 2 * LANES, LANES)
    for k in range(turns[0], turns[1]):
        up = shift_in_first(total, border[np.uint64(k)])
        above = step_recall(steps, up, shift_in_first(carry, carried[np.uint64(k)]))
        lag = r0 - k + extra
        here = Cells(rows, r0, reversed_columns, base - k, weights, lag & 1, (lag >> 1) + centre)
        gap = absolute(leading - load_row(here.second.values, 0, here.column, LANES))
        gap = compare_channels(gap, here, degree, rooted)
        match, delete_first, delete_second = step_cost(steps, gap, held, here)
        diagonal = corner + match
        vertical = up + delete_first
        horizontal = total + delete_second
        shorter = minimum(vertical, horizontal)
        if directions.size > 0:
            at = place + (k - turns[0]) * (2 * MASK)
            store_mask(directions, at, shorter < diagonal)
            store_mask(directions, at + MASK, horizontal < vertical)
        best = minimum(diagonal, shorter)
        if -lag > window or -lag - 2 * (LANES - 1) < -window:
            offset = -float(lag) - below
            best = select((offset <= reach) & (offset >= -reach), best, outside)
        total = best
        carry = step_carry(steps, total, match)
        corner = above
        if cells.size > 0:
            store(cells, (k - turns[0]) * LANES, total)
        if k >= LANES - 1:
            border[np.uint64(k - (LANES - 1))] = get_last(total)
            carried[np.uint64(k - (LANES - 1))] = get_last(carry)
    store(state, 0, total)
    store(state, LANES, carry)
    store(state, 2 * LANES, corner)


@kernel
def write_cells(
    cells: NDArray[np.float64], matrix: NDArray[np.float64], r0: int, height: int, begin: int, end: int
) -> None:
    """Write the cells of some turns of a strip, ``[turn, lane]``, to the matrix, ``[r0 + lane, turn - lane]``.

    Tiles that lie in the matrix throughout are transposed in registers: a row of the tile's transpose is a piece of a
    row of the matrix, and each row's begins one column further left, so that they are ``m - 1`` apart.
    """
    m = matrix.shape[1]
    for lane in range(0, height, TILE):
        turn = begin
        while turn < end:
            whole = lane + TILE <= height and turn + TILE <= end and turn >= lane + TILE - 1 and turn + TILE - lane <= m
            if whole:
                start = (turn - begin) * LANES + lane
                transpose_tile(cells, start, LANES, matrix, (r0 + lane) * m + turn - lane, m - 1, TILE)
                turn += TILE
            else:
                for row in range(lane, min(lane + TILE, height)):
                    if 0 <= turn - row < m:
                        matrix[r0 + row, turn - row] = cells[turn - begin, row]
                turn += 1


@kernel
def walk_back_strips(
    directions: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    geometry: tuple[int, int, int, int, int],
    place: tuple[int, int],
    top: int,
) -> tuple[NDArray[np.int64], int, int]:
    """Follow the path that `directions` describe back to a row.

    Args:
        directions: As `advance` writes them.
        offsets: ``(strips,)``: where each strip's directions begin.
        geometry: As `run_strips`.
        place: Row and column of the cell to begin with.
        top: First of the rows whose directions are known; 0 to go on to the beginning.

    Returns:
        The cells (i, j) from the first to the last, ``(k, 2)``, as `path.walk_back` numbers them; row and column of the
        cell before them.
    """
    _, columns, extra, window, _ = geometry
    i, column = place
    cells = np.empty((i - top + 2 + columns, 2), dtype=np.int64)
    free = cells.shape[0]
    while i >= top or (top == 0 and column >= extra):
        free -= 1
        cells[free, 0] = i
        cells[free, 1] = column - extra
        if i < 0:
            column -= 1
            continue
        if column < extra:
            i -= 1
            continue
        r0 = i // LANES * LANES
        lane = i - r0
        begin = max(0, r0 - window + extra)
        at = offsets[i // LANES] + (column + lane - begin) * (2 * MASK) + lane // 8
        if not directions[at] >> (lane % 8) & 1:
            i -= 1
            column -= 1
        elif directions[at + MASK] >> (lane % 8) & 1:
            column -= 1
        else:
            i -= 1
    return cells[free:].copy(), i, column
