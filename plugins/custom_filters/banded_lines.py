"""Penalized least squares along lines: the banded normal equations, factored and solved in one go.

``(W + smoothness D'D) z = W y`` has a positive definite matrix with as many diagonals below its own as the differences
have order. Its factors L D L' (G. H. Golub, C. F. Van Loan, Matrix Computations, 4th ed. 2013, 4.1.2 and 4.3.5) need no
pivoting; the way there solves for L D, the way back for L'.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel


@kernel
def penalize_lines(
    lines: NDArray[np.float64], weights: NDArray[np.float64], smoothness: float, out: NDArray[np.float64]
) -> None:
    """Smooth lines.

    Args:
        lines: ``(channels, n)``, NaN where a sample is missing; n is at least ``order + 1``, and as many are known.
        weights: ``(order + 1,)``, the weights of a difference.
        smoothness: Weight of the sum of squared differences.
        out: ``(channels, n)``, written.
    """
    n, order = lines.shape[1], weights.shape[0] - 1
    factors = np.empty((n, order + 1))
    factored = False
    for channel in range(lines.shape[0]):
        complete = not np.isnan(lines[channel]).any()
        # The equations of all lines without gaps are the same but for their right sides.
        if not (complete and factored):
            factor(lines[channel], weights, smoothness, factors)
        factored = complete
        solve(lines[channel], factors, out[channel])


@kernel
def factor(
    line: NDArray[np.float64], weights: NDArray[np.float64], smoothness: float, factors: NDArray[np.float64]
) -> None:
    """Write D[i], then L[i + 1, i], ..., L[i + order, i] to row i of factors."""
    n, order = line.shape[0], weights.shape[0] - 1
    inside = np.empty(order + 1)
    for shift in range(order + 1):
        inside[shift] = find_penalty(weights, smoothness, shift, order, 2 * order + 1)
    for i in range(n):
        for shift in range(order + 1):
            edge = i < order or i + shift >= n - order
            entry = find_penalty(weights, smoothness, shift, i, n) if edge else inside[shift]
            if shift == 0 and line[i] == line[i]:
                entry += 1.0
            for back in range(1, min(i, order - shift) + 1):
                earlier = i - back
                entry -= factors[earlier, back + shift] * factors[earlier, back] * factors[earlier, 0]
            factors[i, shift] = entry if shift == 0 else entry / factors[i, 0]


@kernel
def solve(line: NDArray[np.float64], factors: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Solve with the factors, missing samples counting as 0."""
    n, order = line.shape[0], factors.shape[1] - 1
    for i in range(n):
        value = line[i] if line[i] == line[i] else 0.0
        for back in range(1, min(i, order) + 1):
            value -= factors[i - back, back] * out[i - back]
        out[i] = value
    for i in range(n - 1, -1, -1):
        value = out[i] / factors[i, 0]
        for ahead in range(1, min(n - 1 - i, order) + 1):
            value -= factors[i, ahead] * out[i + ahead]
        out[i] = value


@kernel
def find_penalty(weights: NDArray[np.float64], smoothness: float, shift: int, i: int, n: int) -> float:
    """Return entry ``[i, i + shift]`` of ``smoothness * D'D``, for n samples; beyond them it is 0."""
    order = weights.shape[0] - 1
    total = 0.0
    for k in range(order + 1 - shift):
        # Difference i + shift - order + k begins there, and is one if it is inside.
        first = i + shift - order + k
        if 0 <= first < n - order:
            total += weights[i - first] * weights[i + shift - first]
    return smoothness * total
