"""The two questions that are asked of a cost matrix: what its best path costs, and which one it is.

Bit for bit what the textbook recurrence gives, row by row, because every cell is computed with the same operations.
Time O(cells inside the window), memory O(n + m) for the cost; for the path the checkpoints come on top (see
`platform_base.kernels.checkpoints`), at most 1 MiB and 0.2 bytes for each cell inside the window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.at_once import align, close_window, find_bound, measure, measure_along, prune
from platform_base.kernels.backtracking import follow_back
from platform_base.kernels.checkpoints import choose_sizes, make_checkpoints, sweep_and_keep
from platform_base.kernels.compilation import kernel
from platform_base.kernels.matrix import LANES, Matrix, count_strips, lay_out, lay_out_row
from platform_base.kernels.pruning import SHRINKING, shrink, sweep_below
from platform_base.kernels.rules import Rules, find_corner
from platform_base.kernels.short import is_plain
from platform_base.kernels.strips import sweep

# About 100 ms of work: rare enough to cost nothing, often enough to be stopped.
_CELLS_PER_REPORT = 1 << 30

# Up to here the path is found in one go; its checkpoints are below 2 MiB then.
_CELLS_AT_ONCE = 1 << 22

# From here on it is tried whether cells can be left out, and done if no more than so much of the shrunk matrix is left.
CELLS_WORTH_PRUNING = 1 << 22
_FEWEST_WORTH_PRUNING = LANES * SHRINKING
_PRUNED_TO = 0.6

Report = Callable[[float], None]


def compute_distance(
    rules: Rules,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    report: Report,
) -> float:
    """Return the cost of the best path from the first cell to the last.

    Args:
        rules: What is computed.
        x: ``(n, channels)``, C-contiguous, finite.
        y: ``(m, channels)``, C-contiguous, finite.
        first: ``(n,)``, the first column of each row inside the window; or empty, where all are.
        last: ``(n,)``, the last column of each row; or empty. A path inside the window exists.
        report: Called now and then with the fraction that is done; what it raises ends the call.

    Returns:
        The cost; infinity if it overflows float64.
    """
    x, y = _own(x), _own(y)
    cells = _count_cells(x, y, first, last)
    bound = _find_bound(rules, x, y, first, last, report)
    if np.isfinite(bound):
        return _prune(rules, x, y, bound, report)[2]
    if cells <= _CELLS_PER_REPORT:
        return float(measure(rules, x, y, first, last))
    matrix = lay_out(x, y, first, last)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    distance = np.inf
    for start, stop in _cut(matrix, cells, report):
        distance = sweep(rules, matrix, row, start, stop)
    return float(distance)


def compute_path(
    rules: Rules,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    report: Report,
) -> tuple[NDArray[np.int64], float]:
    """Return the best path from the first cell to the last, and its cost; arguments as in `compute_distance`.

    Of steps with the same accumulated cost the diagonal one is taken, then the one that stays in its column.

    Returns:
        ``(k, 2)`` int64 pairs of row and column in order, and the cost. Where the cost overflows float64 it is
        infinity, and the path is empty.

    Raises:
        MemoryError: If the checkpoints do not fit into memory.
    """
    x, y = _own(x), _own(y)
    bound = _find_bound(rules, x, y, first, last, report)
    if np.isfinite(bound):
        first, last, _ = _prune(rules, x, y, bound, lambda fraction: report(fraction / 2))
    begun = 0.5 if np.isfinite(bound) else 0.0
    cells = _count_cells(x, y, first, last)
    group, interval = choose_sizes(cells)
    if cells <= _CELLS_AT_ONCE:
        free, path, distance = align(rules, x, y, first, last, group, interval)
        return path[free:], distance
    matrix = lay_out(x, y, first, last)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    checkpoints = make_checkpoints(matrix, group, interval)
    distance = np.inf
    for start, stop in _cut(matrix, cells, lambda fraction: report(begun + (1 - begun) * fraction)):
        distance = sweep_and_keep(rules, matrix, row, checkpoints, start, stop)
    path = np.empty((matrix.n + matrix.m - 1, 2), dtype=np.int64)
    free = follow_back(rules, matrix, checkpoints, path) if np.isfinite(distance) else len(path)
    return path[free:], float(distance)


@kernel
def lay_out_radius(n: int, m: int, radius: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first and the last column of each row inside ``|i - j| <= radius``; empty for a radius of -1."""
    first = np.empty(n if radius >= 0 else 0, np.int64)
    last = np.empty(n if radius >= 0 else 0, np.int64)
    for i in range(first.shape[0]):
        first[i] = max(0, i - radius)
        last[i] = min(m - 1, i + radius)
    return first, last


@kernel
def measure_plain(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radius: int,
    free: int,
    masked: int,
    keeping: int,
    masked_keeping: int,
    diagonal_weight: float,
    squares: bool,
) -> float:
    """Return the cost between two ``(n,)`` series; NaN if a sample is not finite or no path is inside the window.

    Args:
        x: ``(n,)``.
        y: ``(m,)``.
        radius: The window is ``|i - j| <= radius``; -1 for none.
        free: Of `Rules`, as all that follow: a tuple of them takes longer to hand over.
        masked: Likewise.
        keeping: Likewise.
        masked_keeping: Likewise.
        diagonal_weight: Likewise.
        squares: Likewise.
    """
    if not is_plain(x, y, radius):
        return np.nan
    first, last = lay_out_radius(x.shape[0], y.shape[0], radius)
    rules = Rules(free, masked, keeping, masked_keeping, diagonal_weight, squares, False)
    return measure(rules, stand_up(x), stand_up(y), first, last)


@kernel
def measure_many_cells(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radius: int,
    free: int,
    masked: int,
    keeping: int,
    masked_keeping: int,
    diagonal_weight: float,
    squares: bool,
) -> float:
    """As `measure_plain`, for matrices of so many cells that it is tried whether some can be left out.

    Apart from that because it takes five times as long to compile.
    """
    if radius < 0 and min(x.shape[0], y.shape[0]) >= _FEWEST_WORTH_PRUNING and is_plain(x, y, radius):
        rules = Rules(free, masked, keeping, masked_keeping, diagonal_weight, squares, False)
        these, others = stand_up(x), stand_up(y)
        bound = find_bound(rules, these, others, _PRUNED_TO)
        if np.isfinite(bound):
            return prune(rules, these, others, bound)[2]
    return measure_plain(x, y, radius, free, masked, keeping, masked_keeping, diagonal_weight, squares)


@kernel
def align_plain(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    radius: int,
    free: int,
    masked: int,
    keeping: int,
    masked_keeping: int,
    diagonal_weight: float,
    squares: bool,
) -> tuple[NDArray[np.int64], float]:
    """Return the best path as well; it is infinity if the cost overflows. Arguments as in `measure_plain`."""
    if not is_plain(x, y, radius):
        return np.empty((0, 2), np.int64), np.nan
    first, last = lay_out_radius(x.shape[0], y.shape[0], radius)
    rules = Rules(free, masked, keeping, masked_keeping, diagonal_weight, squares, False)
    unused, path, distance = align(rules, stand_up(x), stand_up(y), first, last, 1, 128)
    return path[unused:], distance


@kernel
def stand_up(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a ``(n,)`` series as ``(n, 1)``, contiguous."""
    column = np.empty((series.shape[0], 1), series.dtype)
    for i in range(series.shape[0]):
        column[i, 0] = series[i]
    return column


def _find_bound(
    rules: Rules,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    report: Report,
) -> float:
    """Return the cost of some path, where leaving out the cells above it is worth while; else infinity."""
    if len(first) or len(x) * len(y) < CELLS_WORTH_PRUNING or min(len(x), len(y)) < _FEWEST_WORTH_PRUNING:
        return np.inf

    def wait(_fraction: float) -> None:
        report(0.0)

    small, other = shrink(x), shrink(y)
    path, distance = compute_path(rules, small, other, first, last, wait)
    if not np.isfinite(distance) or not _leaves_out(rules, small, other, distance, wait):
        return np.inf
    bound = float(measure_along(rules, x, y, path))
    return (
        bound if bound <= distance * SHRINKING or _leaves_out(rules, small, other, bound / SHRINKING, wait) else np.inf
    )


def _leaves_out(
    rules: Rules, small: NDArray[np.float64], other: NDArray[np.float64], bound: float, report: Report
) -> bool:
    """As `leaves_out`, with reports."""
    begins, ends, _ = _prune(rules, small, other, bound, report)
    return bool((ends - begins + 1).sum() <= _PRUNED_TO * len(small) * len(other))


def _prune(
    rules: Rules, x: NDArray[np.float64], y: NDArray[np.float64], bound: float, report: Report
) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """As `prune`, with reports."""
    if len(x) * len(y) <= _CELLS_PER_REPORT:
        first, last, distance = prune(rules, x, y, bound)
        return first, last, float(distance)
    none = np.empty(0, dtype=np.int64)
    matrix = lay_out(x, y, none, none)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    first, last, edges = np.empty(matrix.n, np.int64), np.empty(matrix.n, np.int64), np.zeros(2, np.int64)
    distance = np.inf
    for start, stop in _cut(matrix, matrix.n * matrix.m, report):
        distance = sweep_below(rules, matrix, bound, row, edges, first, last, start, stop)
    close_window(last, matrix.m)
    return first, last, float(distance)


def _own(series: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples in an array that may be written to: for one that may not, Numba would compile anew."""
    return series if series.flags.writeable else series.copy()


def _count_cells(
    x: NDArray[np.float64], y: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64]
) -> int:
    return int((last - first).sum()) + len(first) if len(first) else len(x) * len(y)


def _cut(matrix: Matrix, cells: int, report: Report) -> Iterator[tuple[int, int]]:
    """Cut a sweep into groups of strips, and report between them."""
    strips = count_strips(matrix)
    at_once = max(1, strips * _CELLS_PER_REPORT // cells)
    for start in range(0, strips, at_once):
        report(start / strips)
        yield start, min(start + at_once, strips)
