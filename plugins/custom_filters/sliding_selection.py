"""Medians of short windows in vectors: every lane selects for an output of its own.

Of a window of 2 h + 1 samples, neither the smallest nor the largest of any h + 2 can be the median: both are thrown
away, the next sample comes in their place, and so on, until one is left (forgetful selection: N. Devillard, Fast median
search: an ANSI C implementation, 1998). Nothing depends on how the samples are spread; O(n k^2 / lanes).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.vectors import absolute, load, maximum, minimum, select, splat, store

from .sliding_vectors import align

# Enough that one comparison need not wait for the one before it.
LANES = 16

# Windows up to this length: beyond, a window that is kept sorted takes less time.
LONGEST = 21


@kernel
def select_median(samples: NDArray[np.float64], at: int, step: int, length: int, room: NDArray[np.float64]) -> None:
    """Put the medians of LANES windows at ``room[LANES : 2 * LANES]``.

    Args:
        samples: Flat; sample j of the windows stands at ``at + j * step`` and in the lanes behind it.
        at: See there.
        step: See there.
        length: Samples in a window, odd.
        room: At least ``((length // 2 + 3) * LANES,)``, written.
    """
    count = length // 2 + 2
    if length == 1:
        store(room, LANES, load(samples, at, LANES))
        return
    for j in range(count):
        store(room, j * LANES, load(samples, at + j * step, LANES))
    for j in range(count, length + 1):
        low = load(room, 0, LANES)
        for place in range(LANES, count * LANES, LANES):
            here = load(room, place, LANES)
            store(room, place, maximum(low, here))
            low = minimum(low, here)
        high = load(room, LANES, LANES)
        for place in range(2 * LANES, count * LANES, LANES):
            here = load(room, place, LANES)
            store(room, place - LANES, minimum(high, here))
            high = maximum(high, here)
        count -= 1
        if j < length:
            store(room, 0, load(samples, at + j * step, LANES))


@kernel
def make_room(vectors: int) -> NDArray[np.float64]:
    """Return room for so many vectors."""
    return align(np.empty((vectors + 1) * LANES))


@kernel
def select_medians(line: NDArray[np.float64], length: int, out: NDArray[np.float64]) -> None:
    """Set ``out[i]`` to the median of ``line[i : i + length]``.

    Args:
        line: ``(n + length - 1 + LANES,)``, of which the last LANES come into nothing.
        length: Samples in a window, odd.
        out: ``(n,)``, written.
    """
    n = out.shape[0]
    room = make_room(length // 2 + 3)
    for i in range(0, n, LANES):
        select_median(line, i, 1, length, room)
        if i + LANES <= n:
            store(out, i, load(room, LANES, LANES))
        else:
            for lane in range(n - i):
                out[i + lane] = room[LANES + lane]


@kernel
def replace_far_ones(line: NDArray[np.float64], length: int, at: int, limit: float, out: NDArray[np.float64]) -> None:
    """Do what `sliding_medians.replace_outliers` does.

    Args:
        line: As of `select_medians`.
        length: Likewise.
        at: Which sample of the window is judged.
        limit: How many median absolute deviations are too far.
        out: ``(n,)``, written.
    """
    n = out.shape[0]
    room, distances, result = make_room(length // 2 + 3), make_room(length), make_room(1)
    for i in range(0, n, LANES):
        select_median(line, i, 1, length, room)
        median = load(room, LANES, LANES)
        for j in range(length):
            store(distances, j * LANES, absolute(load(line, i + j, LANES) - median))
        select_median(distances, 0, LANES, length, room)
        here = load(line, i + at, LANES)
        far = absolute(here - median) > load(room, LANES, LANES) * splat(limit, LANES)
        store(result, 0, select(far, median, here))
        for lane in range(min(LANES, n - i)):
            out[i + lane] = result[lane]
