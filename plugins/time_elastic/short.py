"""Short series: one cell after the other, because the strips take longer to begin than this to end.

The costs are the same source as in `strips`, here on single numbers, and each cell takes the same operations: so the
numbers are the same, bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.builtin import (
    discard,
    get_options,
    get_series,
    give_both,
    give_float,
    hand_on,
    has_two_series,
    make_matrix,
    make_path,
    view_matrix,
)
from platform_base.kernels.scratch import carve, scratch

from .spread import settle
from .steps import Cells, Samples
from .vectorized import (
    kernel,
    minimum,
    step_carry,
    step_cost,
    step_describe,
    step_finish,
    step_finish_matrix,
    step_hold,
    step_recall,
    step_width,
)

# Up to so many cells it is faster than the strips: to the cost or the path, and to the matrix.
FEW_CELLS = 26 * 26
FEW_CELLS_OF_MATRIX = 40 * 40

# Room on the stack: what two series of 26 samples need; and a path through few cells, which is longest along one row.
_ROOM = 512
_ROOM_OF_PATH = 2 * (FEW_CELLS + 1)

# Bits of a cell: it is not reached by the diagonal step; a step along the second series costs less than the other.
_ASIDE, _SECOND = 1, 2


def enter_distance(bound: Any, arguments: int, count: int) -> int:
    """Return the distance of two short series to Python: `measure_short` as a builtin function."""
    if has_two_series(bound, arguments, count):
        first, second = get_series(bound, arguments, 0), get_series(bound, arguments, 1)
        if first.size * second.size <= FEW_CELLS:
            distance = measure_short(first, second, *get_options(bound))
            if -np.inf < distance < np.inf:
                return give_float(distance)
    return hand_on(bound, arguments, count)


def enter_matrix(bound: Any, arguments: int, count: int) -> int:
    """Return the cost matrix of two short series, and the distance, to Python: `fill_matrix_short`, as a builtin."""
    if has_two_series(bound, arguments, count):
        first, second = get_series(bound, arguments, 0), get_series(bound, arguments, 1)
        if first.size * second.size <= FEW_CELLS_OF_MATRIX:
            matrix = make_matrix(bound, first.size, second.size)
            if matrix == 0:
                return 0
            distance = fill_matrix_short(first, second, view_matrix(matrix), *get_options(bound))
            if -np.inf < distance < np.inf:
                return give_both(matrix, distance)
            discard(matrix)
    return hand_on(bound, arguments, count)


def enter_path(bound: Any, arguments: int, count: int) -> int:
    """Return the path through two short series, and the distance, to Python: `find_path_short` as a builtin."""
    if has_two_series(bound, arguments, count):
        first, second = get_series(bound, arguments, 0), get_series(bound, arguments, 1)
        if first.size * second.size <= FEW_CELLS:
            path = carve(scratch(_ROOM_OF_PATH, np.int64), 0, first.size + second.size, 2)
            start, distance = find_path_short(first, second, path, *get_options(bound))
            if -np.inf < distance < np.inf:
                return give_both(make_path(bound, path, start), distance)
    return hand_on(bound, arguments, count)


@kernel
def measure_short(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    steps: Any,
    rooted: bool,
    weights: NDArray[np.float64] | None,
) -> float:
    """Return the distance of two series of one channel, without time stamps or window.

    Args:
        first: ``(n,)``.
        second: ``(m,)``.
        steps: A `steps.Steps`.
        rooted: Whether samples are compared by their absolute difference, or by its square.
        weights: ``(1, max(n, m))``: weight of a cell for each distance from the diagonal; or ``None``.

    Returns:
        Not finite where a series is empty, a value of it is not finite, the costs overflow, or the weights are for
        other lengths.
    """
    if first.size == 0 or second.size == 0:
        return np.nan
    return fill_short(first, second, steps, rooted, weights, None, None)


@kernel
def fill_matrix_short(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    matrix: NDArray[np.float64],
    steps: Any,
    rooted: bool,
    weights: NDArray[np.float64] | None,
) -> float:
    """Fill the cost matrix, ``(n, m)``, and return the distance; see `measure_short`."""
    if matrix.size == 0:
        return np.nan
    return fill_short(first, second, steps, rooted, weights, matrix, None)


@kernel
def find_path_short(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    path: NDArray[np.int64],
    steps: Any,
    rooted: bool,
    weights: NDArray[np.float64] | None,
) -> tuple[int, float]:
    """Find the path, as `path.walk_back` numbers it, and the distance.

    Args:
        first: ``(n,)``.
        second: ``(m,)``.
        path: ``(n + m, 2)``, written.
        steps: As `measure_short`.
        rooted: Likewise.
        weights: Likewise.

    Returns:
        From which row on `path` is the path, and the distance; no path where that is not finite, as in `measure_short`
        or because there are more than `FEW_CELLS` cells.
    """
    i, j = first.size - 1, second.size - 1
    free = path.shape[0]
    if min(i, j) < 0 or first.size * second.size > FEW_CELLS:
        return free, np.nan
    directions = carve(scratch(FEW_CELLS, np.uint8), 0, i + 1, j + 1)
    total = fill_short(first, second, steps, rooted, weights, None, directions)
    if not -np.inf < total < np.inf:
        return free, total
    # Where a path may begin by deleting samples, it goes on along the border.
    while i >= 0 or j >= 0:
        free -= 1
        path[free, 0], path[free, 1] = i, j
        if i < 0:
            j -= 1
        elif j < 0:
            i -= 1
        else:
            step = directions[i, j]
            i -= step != _ASIDE | _SECOND
            j -= step != _ASIDE
    return free, total


@kernel
def fill_short(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    steps: Any,
    rooted: bool,
    weights: NDArray[np.float64] | None,
    matrix: NDArray[np.float64] | None,
    directions: NDArray[np.uint8] | None,
) -> float:
    """Compute the cells, and return the distance, or NaN where a value is not finite.

    Args:
        first: As `measure_short`, but not empty, and so is `second`.
        second: As `measure_short`.
        steps: As `measure_short`.
        rooted: As `measure_short`.
        weights: As `measure_short`.
        matrix: ``(n, m)``, filled with D, or ``None``.
        directions: ``(n, m)``, filled with `_ASIDE` and `_SECOND`, or ``None``.
    """
    n, m = first.size, second.size
    if weights is not None and weights.shape[1] != max(n, m):
        return np.nan
    width = step_width(steps, 1) + 3
    needed = width * (n + m) + 2 * m
    room = scratch(_ROOM, np.float64) if needed <= _ROOM else np.empty(needed)
    sound = describe_short(steps, first, carve(room, 0, width, n))
    sound &= describe_short(steps, second, carve(room, width * n, width, m))
    if not sound:
        return np.nan
    rows = Samples(carve(room, 0, 1, n), carve(room, 3 * n, width - 3, n))
    columns = Samples(carve(room, width * n, 1, m), carve(room, width * n + 3 * m, width - 3, m))
    deletion, second_deletion = carve(room, 2 * n, 1, n)[0], carve(room, width * n + 2 * m, 1, m)[0]
    steps = settle(steps, rows.values[0], columns.values[0])
    # The row above and what it carries; the cell before the first one of a row.
    border = carve(room, width * (n + m), 2, m)
    above, carried = border[0], border[1]
    lay_out_border(second_deletion, above, carried)
    bordered = second_deletion[0] < np.inf
    beside = 0.0
    for i in range(n):
        corner, left = beside, np.inf
        if bordered:
            beside += deletion[i]
            left = beside
        else:
            beside = np.inf
        held = step_hold(steps, rows, i)
        for j in range(m):
            up, recalled = above[j], step_recall(steps, above[j], carried[j])
            gap = abs(first[i] - second[j])
            if not rooted:
                gap = gap * gap
            cells = Cells(rows, i, columns, j, weights, 0, abs(i - j))
            match, delete_first, delete_second = step_cost(steps, gap, held, cells)
            diagonal, vertical, horizontal = corner + match, up + delete_first, left + delete_second
            left = minimum(horizontal, minimum(diagonal, vertical))
            if directions is not None:
                # Numbers, because processors guess badly at branches that go this way and that.
                directions[i, j] = (minimum(vertical, horizontal) < diagonal) + 2 * (horizontal < vertical)
            if matrix is not None:
                matrix[i, j] = left
            corner = recalled
            above[j], carried[j] = left, step_carry(steps, left, match)
    if matrix is not None:
        step_finish_matrix(steps, matrix)
    distance: float = step_finish(steps, above[m - 1], n, m)
    return distance


@kernel
def describe_short(steps: Any, series: NDArray[np.float64], rows: NDArray[np.float64]) -> bool:
    """Write what depends on one series alone, and return whether every sample is finite.

    Args:
        steps: As `measure_short`.
        series: ``(n,)``.
        rows: ``(3 + features, n)``, written: the samples, their times, what deleting them costs, and their features.
    """
    n = series.size
    sound = 0.0
    for k in range(n):
        rows[0, k], rows[1, k], rows[2, k] = series[k], k + 1.0, np.inf
        # Anything but a finite number, minus itself, is no number.
        sound += series[k] - series[k]
    step_describe(steps, rows[:1], rows[1], rows[3:], rows[2])
    return sound == 0.0


@kernel
def lay_out_border(deletion: NDArray[np.float64], above: NDArray[np.float64], carried: NDArray[np.float64]) -> None:
    """Write the row of the cost matrix above the first sample, and what it carries, which is the same."""
    total = 0.0
    for j in range(deletion.size):
        total += deletion[j]
        above[j] = carried[j] = total
