"""The recurrence in plain NumPy: one anti-diagonal of the cost matrix after the other, for any step pattern.

All cells of an anti-diagonal are independent of each other, so each is a handful of array operations. The
arithmetic of every cell is that of `compiled`, in the same order: results are equal to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .problem import AlignmentProblem

_DIAGONALS_PER_REPORT = 1024


def accumulate(
    problem: AlignmentProblem,
    directions: NDArray[np.uint8],
    matrix: NDArray[np.float64],
    report: Callable[[float], None],
) -> NDArray[np.float64]:
    """Return the accumulated costs of the last row, and fill `directions` and `matrix` where they have rows.

    Args:
        problem: What to align.
        directions: As `allocate_directions` lays them out, or of no rows where no path is wanted.
        matrix: ``(n, m)`` infinities, or of no rows where no matrix is wanted.
        report: Told the fraction of the work that is done, now and then.

    Returns:
        The last row of the band, ``(last[n - 1] - first[n - 1] + 1,)``; infinity where costs overflow.
    """
    n, band, pattern = len(problem.reference), problem.band, problem.pattern
    rows_back, columns_back = pattern.rows_back, pattern.columns_back
    # Cell (i, j) stands at index i + rows_back; around the cells of a diagonal there is room for the infinities that
    # later diagonals look at.
    dtype = problem.reference.dtype
    ring = [np.full(n + rows_back + columns_back, np.inf, dtype) for _ in range(rows_back + columns_back + 1)]
    lows, highs = band.diagonals()
    ends = np.full(int(band.last[-1] - band.first[-1]) + 1, np.inf, dtype)
    for d in range(len(lows)):
        low, high = int(lows[d]), int(highs[d])
        now = ring[d % len(ring)]
        now[low : high + 1 + rows_back + columns_back] = np.inf
        if low <= high:
            i = np.arange(low, high + 1)
            best, chosen = _cheapest(problem, ring, d, i)
            now[low + rows_back : high + 1 + rows_back] = best
            if len(directions):
                _store(directions, chosen, i, d - i - band.first[i], pattern.code_bits)
            if len(matrix):
                matrix[i, d - i] = best
            if high == n - 1:
                ends[d - high - int(band.first[-1])] = best[-1]
        if d % _DIAGONALS_PER_REPORT == 0:
            report(d / len(lows))
    return ends


def _cheapest(
    problem: AlignmentProblem, ring: list[NDArray[np.float64]], d: int, i: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Return the accumulated costs of the cells ``(i, d - i)`` and the number of the production of each."""
    table = problem.pattern.table
    rows_back = problem.pattern.rows_back
    best = np.full(len(i), np.inf, problem.reference.dtype)
    weights = table.weights.astype(best.dtype)
    chosen = np.zeros(len(i), dtype=np.uint8)
    if d == 0 and not problem.open_begin:
        return problem.costs.cells(i, d - i), chosen
    for production, (di, dj) in enumerate(table.origins.tolist()):
        if d - di - dj < -1:
            continue
        source = ring[(d - di - dj) % len(ring)]
        candidate = source[i[0] - di + rows_back : i[-1] + 1 - di + rows_back].copy()
        if d - di - dj < 0:
            candidate[:] = np.inf  # there is no such diagonal yet, and the ring holds a later one
        if problem.open_begin:
            candidate[(i - di == -1) & (d - i - dj >= 0)] = 0.0
        for cell in range(table.starts[production], table.starts[production + 1]):
            # Where the origin lies outside, the candidate is infinite whatever is added.
            rows = np.maximum(i - table.offsets[cell, 0], 0)
            columns = np.maximum(d - i - table.offsets[cell, 1], 0)
            candidate += weights[cell] * problem.costs.cells(rows, columns)
        cheaper = candidate < best
        best[cheaper] = candidate[cheaper]
        chosen[cheaper] = production
    return best, chosen


def _store(
    directions: NDArray[np.uint8],
    chosen: NDArray[np.uint8],
    i: NDArray[np.int64],
    cell: NDArray[np.int64],
    code_bits: int,
) -> None:
    per_byte = 8 // code_bits
    # Every cell of an anti-diagonal lies in another row, so no byte is addressed twice.
    directions[i, cell // per_byte] |= (chosen << (code_bits * (cell % per_byte)).astype(np.uint8)).astype(np.uint8)
