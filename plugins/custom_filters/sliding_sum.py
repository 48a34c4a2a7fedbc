"""Weighted sums over a sliding window, in a fixed order.

Every sum runs over the window from its first sample to its last, whoever computes it and however the series is cut:
so the results are the same bit for bit, compiled or not, at once or chunk by chunk.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# What is summed at a time: three pieces of it fit into the first-level cache.
_TILE = 1024


def weighted_sums(line: NDArray[np.float64], weights: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Set ``out[i]`` to the sum of ``weights[j] * line[i + j]``.

    Args:
        line: ``(n + k - 1,)``.
        weights: ``(k,)``.
        out: ``(n,)``, written.
    """
    n = out.shape[0]
    for start in range(0, n, _TILE):
        stop = min(n, start + _TILE)
        part = out[start:stop]
        part[:] = 0.0
        for j in range(weights.shape[0]):
            part += weights[j] * line[start + j : stop + j]
