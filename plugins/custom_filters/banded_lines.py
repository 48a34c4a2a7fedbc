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
    # Row i holds D[i], then L[i + 1, i], ..., L[i + order, i].
    factors = np.empty((n, order + 1))
    inside = np.empty(order + 1)
    for shift in range(order + 1):
        inside[shift] = find_penalty(weights, smoothness, shift, order, 2 * order + 1)
    for channel in range(lines.shape[0]):
        line, found = lines[channel], out[channel]
        for i in range(n):
            known = line[i] == line[i]
            near = min(i, order)
            for shift in range(order + 1):
                edge = i < order or i + shift >= n - order
                entry = find_penalty(weights, smoothness, shift, i, n) if edge else inside[shift]
                if shift == 0 and known:
                    entry += 1.0
                for back in range(1, min(near, order - shift) + 1):
                    earlier = i - back
                    entry -= factors[earlier, back + shift] * factors[earlier, back] * factors[earlier, 0]
                factors[i, shift] = entry if shift == 0 else entry / factors[i, 0]
            value = line[i] if known else 0.0
            for back in range(1, near + 1):
                value -= factors[i - back, back] * found[i - back]
            found[i] = value
        for i in range(n - 1, -1, -1):
            value = found[i] / factors[i, 0]
            for ahead in range(1, min(n - 1 - i, order) + 1):
                value -= factors[i, ahead] * found[i + ahead]
            found[i] = value


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
