"""Soft-DTW: dynamic time warping with a smooth minimum, which has a gradient.

`soft_dtw` has the definition and its source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .options import WindowOptions
from .problem import AlignmentProblem, check_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftAlignment:
    """The soft-DTW value with its derivatives.

    Attributes:
        value: Soft-DTW value, in the square of the unit of the series.
        gradient: Its derivative with respect to the first series, of the shape of that.
        probability: ``(n, m)`` float64: its derivative with respect to the local costs, which is how likely a path
            passes through each cell.
    """

    value: float
    gradient: NDArray[np.float64]
    probability: NDArray[np.float64]


def soft_dtw(x: ArrayLike, y: ArrayLike, *, gamma: float = 1.0, **window: Unpack[WindowOptions]) -> float:
    """Return the soft-DTW value of two series.

    With c(i, j) the sum of the squared differences of x[i] and y[j], and
    ``softmin(a) = -gamma log(sum exp(-a_k / gamma))``::

        R(0, 0) = c(0, 0)
        R(i, j) = c(i, j) + softmin(R(i-1, j-1), R(i-1, j), R(i, j-1))

    The value is R(n-1, m-1). It may be negative, that of a series with itself is not zero, and for gamma towards 0 it
    tends to the distance of dtw with sqeuclidean costs and the step pattern symmetric1.

    Time O(n m); memory O(n + m).

    Reference: M. Cuturi and M. Blondel, Soft-DTW: a differentiable loss function for time-series, ICML 2017,
    arXiv:1703.01541.

    Args:
        x: ``(n,)`` or ``(n, channels)`` real numbers.
        y: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `x`.
        gamma: Smoothing, more than 0, in the square of the unit of the series.
        **window: See `WindowOptions`.

    Returns:
        The value.

    Raises:
        ValueError: As `dtw_distance`, or if `gamma` is not a positive number.
        TypeError: As `dtw_distance`, or if `gamma` is no number.

    Example:
        >>> round(soft_dtw([0.0, 1.0, 2.0], [0.0, 2.0], gamma=0.001), 6)
        0.999307
    """
    problem, smoothing = _check(x, y, gamma, window)
    n = len(problem.reference)
    lows, highs = problem.band.diagonals()
    # Cell (i, j) stands at index i + 1; around the cells of a diagonal there are infinities.
    ring = [np.full(n + 2, np.inf) for _ in range(3)]
    for d, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
        now, one, two = (ring[(d - back) % 3] for back in range(3))
        i = np.arange(low, high + 1)
        costs = problem.costs.cells(i, d - i)
        cells, above = slice(low + 1, high + 2), slice(low, high + 1)
        now[low : high + 3] = np.inf
        now[cells] = costs if d == 0 else costs + _soft_minimum(two[above], one[above], one[cells], smoothing)
    return _finite(float(ring[(len(lows) - 1) % 3][n]))


def soft_dtw_gradient(
    x: ArrayLike, y: ArrayLike, *, gamma: float = 1.0, **window: Unpack[WindowOptions]
) -> SoftAlignment:
    """Return the soft-DTW value and its derivatives; definition, arguments and errors are those of `soft_dtw`.

    The derivative of the value with respect to c(i, j) is the probability E(i, j) with which a path passes there, where
    paths have the weight exp(-cost / gamma); that with respect to x[i] is ``2 sum_j E(i, j) (x[i] - y[j])``.

    Time O(n m); memory 24 bytes for each of the n m cells.

    Returns:
        The value, the gradient and the probability of each cell.

    Raises:
        ValueError: As `soft_dtw`.
        TypeError: As `soft_dtw`.
        MemoryError: If three numbers for each cell do not fit into memory.

    Example:
        >>> alignment = soft_dtw_gradient([0.0, 1.0], [0.0, 3.0], gamma=0.1)
        >>> alignment.gradient.round(3).tolist()
        [-0.0, -4.0]
    """
    problem, smoothing = _check(x, y, gamma, window)
    accumulated = _accumulate(problem, smoothing)
    value = _finite(float(accumulated[-2, -2]))
    probability = _probability(problem, accumulated, smoothing)
    totals = probability.sum(axis=1)[:, np.newaxis]
    gradient = 2.0 * (problem.reference * totals - probability @ problem.target)
    return SoftAlignment(value=value, gradient=gradient[:, 0] if np.ndim(x) == 1 else gradient, probability=probability)


def _check(x: Any, y: Any, gamma: Any, window: WindowOptions) -> tuple[AlignmentProblem, float]:
    if isinstance(gamma, (bool, np.bool_)) or not isinstance(gamma, (int, float, np.integer, np.floating)):
        raise TypeError(f"gamma: expected a number, got {gamma!r}")
    if not 0.0 < gamma < math.inf:
        raise ValueError(f"gamma: expected a positive finite number, got {gamma}")
    problem = check_problem(x, y, distance_metric="sqeuclidean", step_pattern="symmetric1", **window)
    return problem, float(gamma)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("the costs overflow float64: the values of x and y differ by too much; scale both series")
    return value


def _soft_minimum(
    a: NDArray[np.float64], b: NDArray[np.float64], c: NDArray[np.float64], gamma: float
) -> NDArray[np.float64]:
    least = np.minimum(np.minimum(a, b), c)
    # Relative to the least of them: otherwise every exponential may vanish.
    with np.errstate(invalid="ignore"):
        total = np.exp((least - a) / gamma) + np.exp((least - b) / gamma) + np.exp((least - c) / gamma)
    # Cells of a band that no path reaches have three infinities around them, and stay infinite.
    result: NDArray[np.float64] = np.where(np.isinf(least), np.inf, least - gamma * np.log(total))
    return result


def _diagonal(matrix: NDArray[np.float64], d: int, low: int, high: int) -> NDArray[np.float64]:
    """Return a view of the elements ``(i, d - i)`` of a C-contiguous matrix, i from `low` to `high`."""
    columns = matrix.shape[1]
    start = low * columns + d - low
    step = columns - 1
    return matrix.reshape(-1)[start : start + (high - low) * step + 1 : step]


def _accumulate(problem: AlignmentProblem, gamma: float) -> NDArray[np.float64]:
    """Return R with a border of infinities: cell (i, j) stands at ``[i + 1, j + 1]``."""
    n, m = len(problem.reference), len(problem.target)
    accumulated = np.full((n + 2, m + 2), np.inf)
    lows, highs = problem.band.diagonals()
    for d, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
        if low > high:
            continue
        i = np.arange(low, high + 1)
        costs = problem.costs.cells(i, d - i)
        if d > 0:
            costs += _soft_minimum(
                _diagonal(accumulated, d, low, high),
                _diagonal(accumulated, d + 1, low, high),
                _diagonal(accumulated, d + 1, low + 1, high + 1),
                gamma,
            )
        _diagonal(accumulated, d + 2, low + 1, high + 1)[:] = costs
    return accumulated


def _probability(problem: AlignmentProblem, accumulated: NDArray[np.float64], gamma: float) -> NDArray[np.float64]:
    """Return E by going backward: the share of each cell that goes on to each of its three successors."""
    n, m = len(problem.reference), len(problem.target)
    passing = np.zeros((n + 2, m + 2))
    lows, highs = problem.band.diagonals()
    for d in range(len(lows) - 1, -1, -1):
        low, high = int(lows[d]), int(highs[d])
        if low > high:
            continue
        if d == len(lows) - 1:
            passing[n, m] = 1.0
            continue
        here = _diagonal(accumulated, d + 2, low + 1, high + 1)
        total = np.zeros(high - low + 1)
        for down, right in ((1, 1), (1, 0), (0, 1)):
            where = d + 2 + down + right, low + 1 + down, high + 1 + down
            inside = (np.arange(low, high + 1) + down < n) & (d - np.arange(low, high + 1) + right < m)
            i = np.minimum(np.arange(low, high + 1) + down, n - 1)
            j = np.minimum(d - np.arange(low, high + 1) + right, m - 1)
            next_cost = _diagonal(accumulated, *where)
            with np.errstate(invalid="ignore"):
                share = np.exp((next_cost - here - problem.costs.cells(i, j)) / gamma)
            reached = inside & np.isfinite(next_cost) & np.isfinite(here)
            total[reached] += share[reached] * _diagonal(passing, *where)[reached]
        _diagonal(passing, d + 2, low + 1, high + 1)[:] = total
    return passing[1:-1, 1:-1].copy()
