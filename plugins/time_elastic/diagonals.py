"""The recurrence in plain NumPy: one anti-diagonal of the cost matrix after the other.

All cells of an anti-diagonal are independent of each other, so each is a handful of array operations. The
arithmetic of every cell is that of `compiled`, in the same order. Results are equal to the last bit, except
that a degree other than 1 and 2 takes powers, which the two compute by different library functions.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .problem import EditProblem, norm_rows

_DIAGONALS_PER_REPORT = 1024


def accumulate(problem: EditProblem, matrix: NDArray[np.float64], report: Callable[[float], None]) -> float:
    """Return the distance, and fill `matrix` where it has rows.

    Args:
        problem: What to compare.
        matrix: ``(n, m)``, or of no rows where it is not wanted.
        report: Told the fraction of the work that is done, now and then.

    Returns:
        The distance; infinity when it overflows.
    """
    n, m = len(problem.first), len(problem.second)
    # Cell (i, j) stands at index i + 1, so that index 0 is the infinite border above.
    costs = [np.full(n + 2, np.inf) for _ in range(3)]
    gaps = [np.zeros(n + 2) for _ in range(3)]
    count = n + m - 1
    for d in range(count):
        low, high = max(0, d - m + 1), min(n - 1, d)
        cells = slice(low + 1, high + 2)
        above = slice(low, high + 1)
        now, one, two = (costs[(d - back) % 3] for back in range(3))
        gap = _gaps(problem, d, low, high)
        if d == 0:
            best = gap
        else:
            best = two[above] + (gap + gaps[(d - 2) % 3][above])
            best = np.minimum(best, one[above] + problem.first_deletion[low : high + 1])
            second_deletion = problem.second_deletion[d - high : d - low + 1][::-1]
            best = np.minimum(best, one[cells] + second_deletion)
        now[low] = np.inf
        now[high + 2] = np.inf
        now[cells] = best
        gaps[d % 3][cells] = gap
        if len(matrix):
            i = np.arange(low, high + 1)
            matrix[i, d - i] = best
        if d % _DIAGONALS_PER_REPORT == 0:
            report(d / count)
    return float(costs[(count - 1) % 3][n])


def _gaps(problem: EditProblem, d: int, low: int, high: int) -> NDArray[np.float64]:
    """Return the distance, in value and in time, of the pairs (i, d - i), i from `low` to `high`."""
    rows = slice(low, high + 1)
    columns = slice(d - high, d - low + 1)
    values = norm_rows(problem.first[rows] - problem.second[columns][::-1], problem.degree)
    times = np.abs(problem.first_times[rows] - problem.second_times[columns][::-1])
    gaps: NDArray[np.float64] = values + problem.nu * times
    return gaps
