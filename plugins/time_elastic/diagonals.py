"""The recurrence in plain NumPy: one anti-diagonal of the cost matrix after the other.

All cells of an anti-diagonal are independent of each other, so each is a handful of array operations. The costs are the
same source as in `strips`; results are equal to the last bit, except that a degree other than 1 and 2 takes powers,
which the two compute by different library functions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arithmetic import lane
from .lags import tabulate_lags
from .problem import ElasticProblem
from .steps import Cells, combined_distance

DIAGONAL, FIRST, SECOND = np.uint8(0), np.uint8(1), np.uint8(2)

_DIAGONALS_PER_REPORT = 1024


def accumulate(
    problem: ElasticProblem,
    report: Callable[[float], None],
    matrix: NDArray[np.float64] | None = None,
    directions: NDArray[np.uint8] | None = None,
) -> float:
    """Return D(n-1, m-1).

    Args:
        problem: What to compare.
        report: Told the fraction of the work that is done, now and then.
        matrix: ``(n, m)``, filled with D; the cells outside the window are left as they are.
        directions: ``(n + 1, m + 1)``, filled with the step by which each cell is reached; row and column 0 are the
            border. `DIAGONAL` comes before `FIRST` before `SECOND` where they cost the same.
    """
    n, m = problem.shape
    lags, centre = tabulate_lags(problem, spare=1)
    # Entry i + 1 of a diagonal is cell (i, d - i), entry 0 the border above.
    totals = [np.full(n + 1, np.inf) for _ in range(3)]
    carried = [np.full(n + 1, np.inf) for _ in range(3)]
    totals[0][0] = carried[0][0] = 0.0
    last = n + m
    for d in range(1, last + 1):
        now, before, corner = d % 3, (d - 1) % 3, (d - 2) % 3
        totals[now][:] = np.inf
        carried[now][:] = np.inf
        low, high = _find_cells(problem, d)
        if low <= high:
            inside, above = slice(low, high + 1), slice(low - 1, high)
            cells = _gather_cells(problem, d, low, high, lags, centre)
            match, delete_first, delete_second = _cost(problem, cells)
            diagonal = carried[corner][above] + match
            vertical = totals[before][above] + delete_first
            horizontal = totals[before][inside] + delete_second
            best = np.minimum(diagonal, np.minimum(vertical, horizontal))
            totals[now][inside] = best
            carried[now][inside] = problem.steps.carry(best, match)
            i = np.arange(low, high + 1)
            if matrix is not None:
                matrix[i - 1, d - i - 1] = best
            if directions is not None:
                other = np.where(horizontal < vertical, SECOND, FIRST)
                directions[i, d - i] = np.where(np.minimum(vertical, horizontal) < diagonal, other, DIAGONAL)
        _set_border(problem, d, totals[now])
        _set_border(problem, d, carried[now])
        if d % _DIAGONALS_PER_REPORT == 0:
            report(d / last)
    return float(totals[last % 3][n])


def _find_cells(problem: ElasticProblem, d: int) -> tuple[int, int]:
    """First and last cell of diagonal `d` inside the window; counted from 1, so that row i + column j is d."""
    n, m = problem.shape
    low = max(1, d - m, -((problem.window - d) // 2))
    high = min(n, d - 1, (d + problem.window) // 2)
    return low, high


def _gather_cells(
    problem: ElasticProblem, d: int, low: int, high: int, lags: NDArray[np.float64], centre: int
) -> Cells:
    stop = d - high - 2
    lag = 2 * low - d  # i - j of the first cell; it rises by two from cell to cell
    start = (lag >> 1) + centre
    return Cells(
        first=problem.first,
        row=slice(low - 1, high),
        second=problem.second,
        column=slice(d - low - 1, stop if stop >= 0 else None, -1),
        lags=lags,
        parity=lag & 1,
        lag=slice(start, start + high - low + 1),
    )


def _cost(problem: ElasticProblem, cells: Cells) -> tuple[Any, Any, Any]:
    gap = np.abs(lane(cells.first.values, 0, cells.row) - lane(cells.second.values, 0, cells.column))
    if len(cells.first.values) > 1:
        gap = combined_distance(gap, cells, problem.degree, problem.rooted)
    elif not problem.rooted:
        gap = gap * gap
    return problem.steps.cost(gap, problem.steps.hold(cells.first, cells.row), cells)


def _set_border(problem: ElasticProblem, d: int, diagonal: NDArray[np.float64]) -> None:
    n, m = problem.shape
    if d <= m:
        diagonal[0] = problem.second_border[d]
    if d <= n:
        diagonal[d] = problem.first_border[d]
