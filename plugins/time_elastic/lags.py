"""Weights by the distance from the diagonal, laid out so that neighbouring cells read neighbouring numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .problem import ElasticProblem


def tabulate_lags(problem: ElasticProblem, spare: int) -> tuple[NDArray[np.float64], int]:
    """Return the table that `steps.Cells.lags` describes, and where in it difference 0 stands.

    Along an anti-diagonal, i - j rises by two from cell to cell: so even and odd differences have a row each, and entry
    ``[p, centre + q]`` is the weight of the difference ``2 q + p``.

    Args:
        problem: Whose weights; none give an empty table.
        spare: Differences beyond the last cell that a kernel may read.
    """
    weights = problem.weights
    if not weights.size:
        return np.empty((2, 0)), 0
    centre = (sum(problem.shape) + spare) // 2 + 1
    lag = 2 * np.arange(-centre, centre + spare + 1) + np.array([[0], [1]])
    return weights[np.minimum(np.abs(lag), len(weights) - 1)], centre
