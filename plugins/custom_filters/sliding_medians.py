"""Medians over a sliding window that is kept sorted, eight samples of it at a time.

One sample leaves the window, one comes. Where the one that comes is larger, everything from the one that leaves on
moves down by a place until the new one fits in between::

    new[i] = old[i]                                     below the one that leaves
             max(old[i], min(old[i + 1], incoming))     from there on

and the other way round where it is smaller. No place is searched for, and nothing depends on how the samples are
spread: O(n k / lanes).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.vectors import load, maximum, minimum, select, splat, store

LANES = 8


@kernel
def running_medians(line: NDArray[np.float64], length: int, out: NDArray[np.float64]) -> None:
    """Set ``out[i]`` to the median of ``line[i : i + length]``.

    Args:
        line: ``(n + length - 1,)``, finite.
        length: Samples in a window, odd.
        out: ``(n,)``, written.
    """
    ordered = _make_window(length)
    for i in range(out.shape[0] + length - 1):
        _slide(line, i, length, ordered)
        if i >= length - 1:
            out[i - length + 1] = ordered[LANES + length // 2]


@kernel
def replace_outliers(line: NDArray[np.float64], length: int, at: int, limit: float, out: NDArray[np.float64]) -> None:
    """Replace samples that lie too far from the median of their window by that median.

    Args:
        line: ``(n + length - 1,)``, finite.
        length: Samples in a window, odd.
        at: Which sample of the window is judged.
        limit: How many median absolute deviations are too far.
        out: ``(n,)``, written.
    """
    ordered = _make_window(length)
    for i in range(out.shape[0] + length - 1):
        _slide(line, i, length, ordered)
        if i >= length - 1:
            median, value = ordered[LANES + length // 2], line[i - length + 1 + at]
            far = abs(value - median) > limit * find_deviation(ordered, length)
            out[i - length + 1] = median if far else value


@kernel
def find_deviation(ordered: NDArray[np.float64], length: int) -> float:
    """Return the median absolute deviation of a sorted window: the median of the distances from its median.

    Distances grow to both sides of the median. Of the h nearest samples some number are below it: the smallest number
    for which the next one below would be no nearer than the last one above. It is found by bisection.
    """
    half = length // 2
    middle = LANES + half
    median = ordered[middle]
    low, high = 0, half
    while low < high:
        below = (low + high) // 2
        if median - ordered[middle - 1 - below] < ordered[middle + half - below] - median:
            low = below + 1
        else:
            high = below
    deviation = 0.0
    if low > 0:
        deviation = median - ordered[middle - low]
    if low < half:
        deviation = max(deviation, ordered[middle + half - low] - median)
    return deviation


@kernel
def _make_window(length: int) -> NDArray[np.float64]:
    """Return a window of infinities; place k of it stands at LANES + k, and those around are read and never come in."""
    ordered = np.full(((length + LANES - 1) // LANES + 2) * LANES, np.inf)
    ordered[:LANES] = -np.inf
    return ordered


@kernel
def _slide(line: NDArray[np.float64], i: int, length: int, ordered: NDArray[np.float64]) -> None:
    """Take sample i into a window, and the one that is as far before it as the window is long out of it."""
    blocks = (length + LANES - 1) // LANES
    incoming = line[i]
    # The window begins with infinities, which leave first.
    leaving = line[i - length] if i >= length else np.inf
    if incoming > leaving:
        _move_down(ordered, blocks, leaving, incoming)
    elif incoming < leaving:
        _move_up(ordered, blocks, leaving, incoming)


@kernel
def _move_down(ordered: NDArray[np.float64], blocks: int, leaving: float, incoming: float) -> None:
    """Take `leaving` out of a sorted window, and the larger `incoming` into it."""
    arriving = splat(incoming, LANES)
    for block in range(1, blocks + 1):
        here = load(ordered, block * LANES, LANES)
        moved = maximum(here, minimum(load(ordered, block * LANES + 1, LANES), arriving))
        store(ordered, block * LANES, select(here < leaving, here, moved))


@kernel
def _move_up(ordered: NDArray[np.float64], blocks: int, leaving: float, incoming: float) -> None:
    """Take `leaving` out of a sorted window, and the smaller `incoming` into it."""
    arriving = splat(incoming, LANES)
    for block in range(blocks, 0, -1):
        here = load(ordered, block * LANES, LANES)
        moved = minimum(here, maximum(load(ordered, block * LANES - 1, LANES), arriving))
        store(ordered, block * LANES, select(here > leaving, here, moved))
