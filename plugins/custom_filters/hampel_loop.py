"""The Hampel identifier along a line, with a window that is kept sorted: O(n k)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def replace_outliers(line: NDArray[np.float64], length: int, at: int, limit: float, out: NDArray[np.float64]) -> None:
    """Replace samples that lie too far from the median of their window by that median.

    Args:
        line: ``(n + length - 1,)``, finite.
        length: Samples in a window, odd.
        at: Which sample of the window is judged.
        limit: How many median absolute deviations are too far.
        out: ``(n,)``, written.
    """
    half = length // 2
    ordered = np.full(length, np.inf)
    place = 0
    # The window fills up from infinities; from then on one leaves for every one that comes.
    for i in range(1 - length, out.shape[0]):
        if i > 0:
            low, place = 0, length - 1
            while low < place:
                middle = (low + place) // 2
                if ordered[middle] < line[i - 1]:
                    low = middle + 1
                else:
                    place = middle
        else:
            place = length - 1
        new = line[i + length - 1]
        while place + 1 < length and ordered[place + 1] < new:
            ordered[place] = ordered[place + 1]
            place += 1
        while place > 0 and ordered[place - 1] > new:
            ordered[place] = ordered[place - 1]
            place -= 1
        ordered[place] = new
        if i < 0:
            continue
        median = ordered[half]
        # Distances grow to both sides of the median: the half + 1 smallest are found by walking outwards.
        below, above = half - 1, half + 1
        deviation = 0.0
        for _ in range(half):
            if above >= length or (below >= 0 and median - ordered[below] <= ordered[above] - median):
                deviation = median - ordered[below]
                below -= 1
            else:
                deviation = ordered[above] - median
                above += 1
        value = line[i + at]
        out[i] = median if abs(value - median) > limit * deviation else value
