"""Weighted sums and means over a sliding window in vectors: every lane sums for an output of its own.

The order within a sum is that of `sliding_sum` and `sliding_mean`, so the results are the same bit for bit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.registers import count_lanes
from platform_base.kernels.vectors import load, splat, store

# One vector of sums lives across the turns; a second is left for the samples.
LANES = count_lanes(2)

# Outputs at a time, and windows that they span at least: three pieces of that size stay in the first-level cache, or
# the second where windows are long, and little is computed twice.
_TILE = 1024
_WINDOWS = 6


@kernel
def align(room: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what begins with a cache line, up to 7 samples less: a vector across two of them takes twice as long."""
    return room[-(room.ctypes.data // 8) % 8 :]


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


@kernel
def running_means(line: NDArray[np.float64], length: int, out: NDArray[np.float64]) -> None:
    """Set ``out[i]`` to the mean of ``line[i : i + length]``; see `sliding_mean.running_means`.

    Two bits of the length at a time: sums of 2 are added up in registers, and not kept.
    """
    n = out.shape[0]
    tile = min(n, max(_TILE, _WINDOWS * length))
    # What vectors reach beyond the last sample is computed with, but comes into no output.
    sums = align(np.zeros(tile + 2 * length + 3 * LANES))
    totals = align(np.empty(tile + 2 * LANES))
    for start in range(0, n, tile):
        count = min(tile, n - start)
        valid = count + length - 1
        whole = valid - valid % LANES
        for i in range(0, whole, LANES):
            store(sums, i, load(line, start + i, LANES))
        for i in range(whole, valid):
            sums[i] = line[start + i]
        size, begin, rest = 1, 0, length
        while rest:
            if rest & 3:
                _add_sums(sums, size, begin, rest & 3, begin == 0, totals, count)
                begin += (rest & 3) * size
            rest >>= 2
            if rest:
                valid -= 3 * size
                # In place: what a turn writes, no later one reads.
                for i in range(0, valid, LANES):
                    low = load(sums, i, LANES) + load(sums, i + size, LANES)
                    store(sums, i, low + (load(sums, i + 2 * size, LANES) + load(sums, i + 3 * size, LANES)))
                size *= 4
        divisor = splat(np.float64(length), LANES)
        whole = count - count % LANES
        for i in range(0, whole, LANES):
            store(out, start + i, load(totals, i, LANES) / divisor)
        for i in range(whole, count):
            out[start + i] = totals[i] / length


@kernel
def _add_sums(
    sums: NDArray[np.float64],
    size: int,
    begin: int,
    bits: int,
    first: bool,
    totals: NDArray[np.float64],
    count: int,
) -> None:
    """Add to totals, unless they are the `first`, the sums of `size` from `begin` on, and those of twice as many."""
    for i in range(0, count, LANES):
        # 0 and the first sum are that sum, but for a negative zero.
        total = splat(0.0, LANES) if first else load(totals, i, LANES)
        place = begin + i
        if bits & 1:
            total = total + load(sums, place, LANES)
            place += size
        if bits & 2:
            total = total + (load(sums, place, LANES) + load(sums, place + size, LANES))
        store(totals, i, total)
