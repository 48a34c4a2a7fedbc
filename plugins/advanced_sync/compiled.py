"""The recurrences compiled with Numba: one row of the cost matrix after the other, one row in memory.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

try:
    import numba
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: `kernels` falls back to NumPy.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np
from numpy.typing import NDArray

from .directions import DIAGONAL, LEFT, SKIP, UP, walk_back
from .problem import EUCLIDEAN, MANHATTAN


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Numba raises this where no directory can be written to for its cache: then every process compiles.
        compiled = numba.njit(nogil=True)(function)
    return compiled


@_compile
def fill_costs(
    sample: NDArray[np.float64],
    channels: NDArray[np.float64],
    metric: int,
    first: int,
    last: int,
    costs: NDArray[np.float64],
) -> None:
    """Set ``costs[first:last + 1]`` to the local cost between one reference sample and those target samples.

    Args:
        sample: ``(channels,)``.
        channels: The target, ``(channels, m)``.
        metric: Code of the metric.
        first: First target sample.
        last: Last target sample.
        costs: ``(m,)``, written.
    """
    for j in range(first, last + 1):
        costs[j] = 0.0
    for channel in range(channels.shape[0]):
        value = sample[channel]
        row = channels[channel]
        if metric == MANHATTAN:
            for j in range(first, last + 1):
                costs[j] += abs(value - row[j])
        else:
            for j in range(first, last + 1):
                difference = value - row[j]
                costs[j] += difference * difference
    if metric == EUCLIDEAN:
        for j in range(first, last + 1):
            costs[j] = math.sqrt(costs[j])


@_compile
def symmetric_rows(
    reference: NDArray[np.float64],
    channels: NDArray[np.float64],
    metric: int,
    diagonal_weight: float,
    first_columns: NDArray[np.int64],
    last_columns: NDArray[np.int64],
    start: int,
    stop: int,
    row: NDArray[np.float64],
    costs: NDArray[np.float64],
    directions: NDArray[np.uint8],
) -> None:
    """Advance `row` from cost-matrix row ``start - 1`` to row ``stop - 1`` with steps (1, 1), (1, 0), (0, 1).

    Args:
        reference: ``(n, channels)``.
        channels: The target, ``(channels, m)``.
        metric: Code of the metric.
        diagonal_weight: Weight of the local cost on a diagonal step.
        first_columns: First column of the band in every row, ``(n,)``.
        last_columns: Last column of the band in every row, ``(n,)``.
        start: First row to compute, at least 1.
        stop: End of the rows to compute, exclusive.
        row: ``(m,)``, infinity to the right of every cell reached so far; read and written.
        costs: ``(m,)``, scratch.
        directions: As `allocate_directions` lays them out, or of no rows where no path is wanted.
    """
    keep = directions.shape[0] > 0
    for i in range(start, stop):
        first = first_columns[i]
        last = last_columns[i]
        fill_costs(reference[i], channels, metric, first, last, costs)
        diagonal = row[first - 1] if first > first_columns[i - 1] else np.inf
        left = np.inf
        for j in range(first, last + 1):
            cost = costs[j]
            up = row[j]
            best = diagonal + diagonal_weight * cost
            step = DIAGONAL
            other = up + cost
            if other < best:
                best = other
                step = UP
            other = left + cost
            if other < best:
                best = other
                step = LEFT
            diagonal = up
            left = best
            row[j] = best
            if keep:
                cell = j - first
                directions[i, cell >> 2] |= np.uint8(step << (2 * (cell & 3)))


@_compile
def asymmetric_rows(
    reference: NDArray[np.float64],
    channels: NDArray[np.float64],
    metric: int,
    diagonal_weight: float,
    first_columns: NDArray[np.int64],
    last_columns: NDArray[np.int64],
    start: int,
    stop: int,
    row: NDArray[np.float64],
    costs: NDArray[np.float64],
    directions: NDArray[np.uint8],
) -> None:
    """Advance `row` as `symmetric_rows` does, with steps (1, 1), (1, 0), (1, 2); same arguments."""
    keep = directions.shape[0] > 0
    for i in range(start, stop):
        first = first_columns[i]
        last = last_columns[i]
        fill_costs(reference[i], channels, metric, first, last, costs)
        diagonal = row[first - 1] if first > first_columns[i - 1] else np.inf
        # row[first - 2] may have left the band earlier: then what stands there is not the row above.
        skip = row[first - 2] if first > 1 and first - 2 >= first_columns[i - 1] else np.inf
        for j in range(first, last + 1):
            cost = costs[j]
            up = row[j]
            best = diagonal + diagonal_weight * cost
            step = DIAGONAL
            other = up + cost
            if other < best:
                best = other
                step = UP
            other = skip + cost
            if other < best:
                best = other
                step = SKIP
            skip = diagonal
            diagonal = up
            row[j] = best
            if keep:
                cell = j - first
                directions[i, cell >> 2] |= np.uint8(step << (2 * (cell & 3)))


walk_back_compiled = _compile(walk_back)
