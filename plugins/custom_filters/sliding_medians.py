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
    blocks = (length + LANES - 1) // LANES
    # Place k of the sorted window stands at LANES + k: the places around it are read, and never come into it.
    ordered = np.full((blocks + 2) * LANES, np.inf)
    ordered[:LANES] = -np.inf
    for i in range(out.shape[0] + length - 1):
        incoming = line[i]
        # The window begins with infinities, which leave first.
        leaving = line[i - length] if i >= length else np.inf
        if incoming > leaving:
            _move_down(ordered, blocks, leaving, incoming)
        elif incoming < leaving:
            _move_up(ordered, blocks, leaving, incoming)
        if i >= length - 1:
            out[i - length + 1] = ordered[LANES + length // 2]


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
