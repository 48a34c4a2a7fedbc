"""The recurrences in plain NumPy: one anti-diagonal of the cost matrix after the other.

All cells of an anti-diagonal are independent of each other, so each is a handful of array operations. The
arithmetic of every cell is that of `compiled`, in the same order: results are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .directions import DIAGONAL, LEFT, SKIP, UP
from .problem import EUCLIDEAN, MANHATTAN, AlignmentProblem

_DIAGONALS_PER_REPORT = 1024


def accumulate(problem: AlignmentProblem, directions: NDArray[np.uint8], report: Callable[[float], None]) -> float:
    """Return the cost of the best path, and fill `directions` where it has rows.

    Args:
        problem: What to align.
        directions: As `allocate_directions` lays them out, or of no rows where no path is wanted.
        report: Told the fraction of the work that is done, now and then.

    Returns:
        The cost; infinity when it overflows.
    """
    n, m, band = len(problem.reference), len(problem.target), problem.band
    lows, highs = band.diagonals()
    # Cell (i, j) stands at index i + 1, so that index 0 is the border above; two more behind the end for the
    # borders that later diagonals look at.
    buffers = [np.full(n + 3, np.inf) for _ in range(4)]
    count = n + m - 1
    for d in range(count):
        low, high = int(lows[d]), int(highs[d])
        cells = slice(low + 1, high + 2)
        above = slice(low, high + 1)
        now, one, two, three = (buffers[(d - back) % 4] for back in range(4))
        cost = _local_costs(problem, d, low, high)
        if d == 0:
            best = cost
            steps = np.zeros(1, dtype=np.uint8)
        else:
            third = three[above] if problem.pattern.asymmetric else one[cells]
            best, steps = _choose(
                two[above] + problem.pattern.diagonal_weight * cost,
                one[above] + cost,
                third + cost,
                SKIP if problem.pattern.asymmetric else LEFT,
            )
        now[low] = np.inf
        now[high + 2 : high + 4] = np.inf
        now[cells] = best
        if len(directions):
            _store(directions, steps, d, low, high, band.first)
        if d % _DIAGONALS_PER_REPORT == 0:
            report(d / count)
    return float(buffers[(count - 1) % 4][n])


def _local_costs(problem: AlignmentProblem, d: int, low: int, high: int) -> NDArray[np.float64]:
    """Return the local costs of the cells (i, d - i), i from `low` to `high`."""
    rows = problem.reference[low : high + 1]
    columns = problem.target[d - high : d - low + 1][::-1]
    total = np.zeros(high - low + 1)
    for channel in range(rows.shape[1]):
        difference = rows[:, channel] - columns[:, channel]
        total += np.abs(difference) if problem.metric == MANHATTAN else difference * difference
    return np.sqrt(total) if problem.metric == EUCLIDEAN else total


def _choose(
    diagonal: NDArray[np.float64], up: NDArray[np.float64], third: NDArray[np.float64], third_step: int
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return the smallest of the three candidates and the step it stands for; the first wins a tie."""
    steps = np.full(diagonal.shape, DIAGONAL, dtype=np.uint8)
    steps[up < diagonal] = UP
    best = np.minimum(diagonal, up)
    steps[third < best] = third_step
    return np.minimum(best, third), steps


def _store(
    directions: NDArray[np.uint8], steps: NDArray[np.uint8], d: int, low: int, high: int, first: NDArray[np.int64]
) -> None:
    i = np.arange(low, high + 1)
    cell = d - i - first[i]
    # Every cell of an anti-diagonal lies in another row, so no byte is addressed twice.
    directions[i, cell >> 2] |= (steps << (2 * (cell & 3)).astype(np.uint8)).astype(np.uint8)
