"""Means over a sliding window, summed in an order that depends on the window alone, unlike a running sum's.

Sums of 2, 4, 8, ... neighbours are formed from each other, and every window is put together from them: O(n log k). So
the results are the same bit for bit, compiled or not, at once or chunk by chunk, and no error adds up along the series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def running_means(line: NDArray[np.float64], length: int, out: NDArray[np.float64]) -> None:
    """Set ``out[i]`` to the mean of ``line[i : i + length]``.

    Args:
        line: ``(n + length - 1,)``.
        length: Samples in a window, at least 1.
        out: ``(n,)``, written.
    """
    count = len(out)
    out[:] = 0.0
    sums, size, start, rest = line, 1, 0, length
    while rest:
        if rest & 1:
            out += sums[start : start + count]
            start += size
        rest >>= 1
        if rest:
            sums = sums[:-size] + sums[size:]
            size *= 2
    out /= length
