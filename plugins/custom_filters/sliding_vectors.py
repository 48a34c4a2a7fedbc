"""Weighted sums over a sliding window in vectors: every lane sums for an output of its own, in registers.

The order within a sum is that of `sliding_sum`, so the results are the same bit for bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.registers import count_lanes
from platform_base.kernels.vectors import load, splat, store

# One vector of sums lives across the turns; a second is left for the samples.
LANES = count_lanes(2)


@kernel
def weighted_sums(line: NDArray[np.float64], weights: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Set ``out[i]`` to the sum of ``weights[j] * line[i + j]``.

    Args:
        line: ``(n + k - 1,)``.
        weights: ``(k,)``.
        out: ``(n,)``, written.
    """
    n = out.shape[0]
    whole = n - n % LANES
    for i in range(0, whole, LANES):
        sums = splat(0.0, LANES)
        for j in range(weights.shape[0]):
            sums = sums + weights[j] * load(line, i + j, LANES)
        store(out, i, sums)
    for i in range(whole, n):
        total = 0.0
        for j in range(weights.shape[0]):
            total += weights[j] * line[i + j]
        out[i] = total
