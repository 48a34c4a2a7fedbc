"""Whole comparisons in one compiled function each: nothing is reported, and nothing is handed to and fro.

For series whose sweep is over before a report is due; longer ones go through `platform_base.kernels.alignment`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.backtracking import follow_back
from platform_base.kernels.checkpoints import Checkpoints, lay_out_store, sweep_and_keep
from platform_base.kernels.compilation import inlined, kernel
from platform_base.kernels.matrix import count_strips, lay_out, lay_out_row
from platform_base.kernels.pruning import SHRINKING, lay_out_corridor, shrink, sweep_along, sweep_below
from platform_base.kernels.rules import Rules, find_corner
from platform_base.kernels.strips import sweep


@inlined
def align(
    rules: Rules,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    group: int,
    interval: int,
) -> tuple[int, NDArray[np.int64], float]:
    """Return the path, preceded by so many unused pairs, and its cost, all in one go."""
    matrix = lay_out(x, y, first, last)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    strips = count_strips(matrix)
    state_at = np.empty(strips, dtype=np.int64)
    row_at = np.empty((strips + group - 1) // group, dtype=np.int64)
    states, elements = lay_out_store(matrix, group, interval, state_at, row_at)
    dtype = x.dtype
    checkpoints = Checkpoints(group, interval, state_at, np.empty(states, dtype), row_at, np.empty(elements, dtype))
    distance = sweep_and_keep(rules, matrix, row, checkpoints, 0, strips)
    path = np.empty((matrix.n + matrix.m - 1, 2), dtype=np.int64)
    free = path.shape[0]
    if np.isfinite(distance):
        free = follow_back(rules, matrix, checkpoints, path)
    return free, path, distance


@inlined
def measure(
    rules: Rules,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
) -> float:
    """Return the cost of the best path, all in one go: for short series the way from Python is what takes time."""
    matrix = lay_out(x, y, first, last)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    return sweep(rules, matrix, row, 0, count_strips(matrix))


@kernel
def find_bound(rules: Rules, x: NDArray[np.float64], y: NDArray[np.float64], share: float) -> float:
    """Return the cost of some path, where leaving out the cells above it is worth while; else infinity.

    Args:
        rules: What is computed.
        x: ``(n, channels)``.
        y: ``(m, channels)``.
        share: It is worth while if at most this part of the matrix of the shrunk series is left.
    """
    none = np.empty(0, np.int64)
    small, other = shrink(x), shrink(y)
    distance = measure(rules, small, other, none, none)
    if not np.isfinite(distance) or not leaves_out(rules, small, other, distance, share):
        return np.inf
    free, path, _ = align(rules, small, other, none, none, 1, 128)
    bound = measure_along(rules, x, y, path[free:])
    # A cell of the shrunk matrix stands for about SHRINKING cells of a path.
    if bound <= distance * SHRINKING or leaves_out(rules, small, other, bound / SHRINKING, share):
        return bound
    return np.inf


@kernel
def measure_along(rules: Rules, x: NDArray[np.float64], y: NDArray[np.float64], path: NDArray[np.int64]) -> float:
    """Return the cost of the best path in a corridor around a path of the shrunk series."""
    first, last = lay_out_corridor(x.shape[0], y.shape[0], path)
    matrix = lay_out(x, y, first, last)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    return sweep_along(rules, matrix, row)


@kernel
def leaves_out(
    rules: Rules, small: NDArray[np.float64], other: NDArray[np.float64], bound: float, share: float
) -> bool:
    """Return whether enough cells of the shrunk matrix are above a bound, which is at least the cost of a path."""
    first, last, _ = prune(rules, small, other, bound)
    visited = 0
    for i in range(first.shape[0]):
        visited += last[i] - first[i] + 1
    return visited <= share * small.shape[0] * other.shape[0]


@kernel
def prune(
    rules: Rules, x: NDArray[np.float64], y: NDArray[np.float64], bound: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """Return the window outside which all cells are above `bound`, and the cost of the best path."""
    none = np.empty(0, np.int64)
    matrix = lay_out(x, y, none, none)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    first, last, edges = np.empty(matrix.n, np.int64), np.empty(matrix.n, np.int64), np.zeros(2, np.int64)
    distance = sweep_below(rules, matrix, bound, row, edges, first, last, 0, count_strips(matrix))
    close_window(last, matrix.m)
    return first, last, distance


@kernel
def close_window(last: NDArray[np.int64], m: int) -> None:
    """Make the last columns of `sweep_below` those of a window: never decreasing, and up to the last cell."""
    for i in range(1, last.shape[0]):
        last[i] = max(last[i], last[i - 1])
    last[-1] = m - 1
