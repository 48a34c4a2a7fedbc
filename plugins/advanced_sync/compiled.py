"""The recurrence compiled with Numba: one row of the cost matrix after the other, for any step pattern.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel

from .directions import walk_back
from .metrics import CHEBYSHEV, EUCLIDEAN, MANHATTAN


@kernel
def fill_cost_rows(
    reference: NDArray[np.float64],
    channels: NDArray[np.float64],
    metric: int,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    start: int,
    stop: int,
    costs: NDArray[np.float64],
) -> None:
    """Set row ``i % len(costs)`` of `costs` to the local costs of row i, for i from `start` to ``stop - 1``.

    Args:
        reference: ``(n, channels)``.
        channels: The target, ``(channels, m)``.
        metric: Code of the metric, below MINKOWSKI.
        first: First column that is wanted in every row, ``(n,)``; it lands in column 0.
        last: Last column that is wanted in every row, ``(n,)``.
        start: First row.
        stop: End of the rows, exclusive.
        costs: Ring of rows, written.
    """
    for i in range(start, stop):
        count = last[i] - first[i] + 1
        total = costs[i % costs.shape[0], :count]
        total[:] = 0.0
        for channel in range(channels.shape[0]):
            value = reference[i, channel]
            row = channels[channel, first[i] : last[i] + 1]
            if metric == MANHATTAN:
                for j in range(count):
                    total[j] += abs(value - row[j])
            elif metric == CHEBYSHEV:
                for j in range(count):
                    total[j] = max(total[j], abs(value - row[j]))
            else:
                for j in range(count):
                    difference = value - row[j]
                    total[j] += difference * difference
        if metric == EUCLIDEAN:
            for j in range(count):
                total[j] = math.sqrt(total[j])


@kernel
def _copy(source: NDArray[np.float64], candidate: NDArray[np.float64]) -> None:
    """Set `candidate` to `source`; both of the same length.

    A loop, because the assignment of one slice to another compiles code for an error message: two seconds of it.
    """
    for k in range(candidate.shape[0]):
        candidate[k] = source[k]


@kernel
def _add_costs(costs: NDArray[np.float64], weight: float, candidate: NDArray[np.float64]) -> None:
    """Add ``weight * costs`` to `candidate`; both of the same length."""
    for k in range(candidate.shape[0]):
        candidate[k] += weight * costs[k]


@kernel
def _take_cheaper(
    candidate: NDArray[np.float64], production: int, best: NDArray[np.float64], chosen: NDArray[np.uint8], keep: bool
) -> None:
    """Lower `best` to `candidate` where that is less, and note the production there if `keep`."""
    if keep:
        code = np.uint8(production)
        for k in range(candidate.shape[0]):
            chosen[k] = code if candidate[k] < best[k] else chosen[k]
    for k in range(candidate.shape[0]):
        best[k] = candidate[k] if candidate[k] < best[k] else best[k]


@kernel
def _stay(
    costs: NDArray[np.float64], weight: float, production: int, best: NDArray[np.float64], chosen: NDArray[np.uint8]
) -> None:
    """Let each cell of a row be reached from the one before it, one after the other."""
    left = best[0]
    for k in range(1, best.shape[0]):
        other = left + weight * costs[k]
        left = best[k]
        if other < left:
            left = other
            best[k] = other
            chosen[k] = production


@kernel
def advance(
    start: int,
    stop: int,
    columns: int,
    open_begin: bool,
    origins: NDArray[np.int64],
    starts: NDArray[np.int64],
    offsets: NDArray[np.int64],
    weights: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    costs: NDArray[np.float64],
    cost_first: NDArray[np.int64],
    accumulated: NDArray[np.float64],
    candidate: NDArray[np.float64],
    chosen: NDArray[np.uint8],
    directions: NDArray[np.uint8],
    code_bits: int,
) -> None:
    """Compute the accumulated costs of rows `start` to ``stop - 1``.

    Args:
        start: First row; the rows before it are done.
        stop: End of the rows, exclusive.
        columns: Samples of the target.
        open_begin: Whether a row of zeros lies above the first one, instead of a begin at (0, 0).
        origins: As in `ProductionTable`, as the next three.
        starts: Where the cells of each production start.
        offsets: How far back each cell lies.
        weights: How often its cost counts.
        first: First column of the band in every row.
        last: Last column of the band in every row.
        costs: Ring of rows of local costs; row i begins at column ``cost_first[i]``.
        cost_first: As said.
        accumulated: Ring of rows, written; row i begins at column ``first[i]``.
        candidate: Scratch, as wide as the band.
        chosen: Scratch, as wide as the band.
        directions: As `allocate_directions` lays them out, or of no rows where no path is wanted; written.
        code_bits: Bits for one cell in `directions`.
    """
    productions = origins.shape[0]
    stays = origins[productions - 1, 0] == 0
    keep = directions.shape[0] > 0
    for i in range(start, stop):
        low, high = first[i], last[i]
        best = accumulated[i % accumulated.shape[0], : high - low + 1]
        best[:] = np.inf
        chosen[: high - low + 1] = 0
        for production in range(productions - 1 if stays else productions):
            origin, back = i - origins[production, 0], origins[production, 1]
            if origin < -1 or (origin == -1 and not open_begin):
                continue
            left = max(low, back if origin == -1 else first[origin] + back)
            right = min(high, columns - 1 if origin == -1 else last[origin] + back)
            if left > right:
                continue
            count = right - left + 1
            # Slices from here on: Numba vectorizes loops over them, but none with an offset in the index.
            offer = candidate[:count]
            if origin == -1:
                offer[:] = 0.0
            else:
                begin = left - back - first[origin]
                _copy(accumulated[origin % accumulated.shape[0], begin : begin + count], offer)
            for cell in range(starts[production], starts[production + 1]):
                row = i - offsets[cell, 0]
                begin = left - offsets[cell, 1] - cost_first[row]
                _add_costs(costs[row % costs.shape[0], begin : begin + count], weights[cell], offer)
            place = left - low
            _take_cheaper(offer, production, best[place : place + count], chosen[place : place + count], keep)
        begin = low - cost_first[i]
        paid = costs[i % costs.shape[0], begin : begin + high - low + 1]
        if i == 0 and not open_begin:
            best[0] = paid[0]
        if stays:
            _stay(paid, weights[starts[productions - 1]], productions - 1, best, chosen)
        if keep:
            _pack_codes(chosen[: high - low + 1], code_bits, directions[i])


@kernel
def _pack_codes(chosen: NDArray[np.uint8], code_bits: int, packed: NDArray[np.uint8]) -> None:
    """Write the numbers `chosen` into the zeroed bytes `packed`, `code_bits` bits each."""
    if code_bits == 2:
        for k in range(chosen.shape[0]):
            packed[k >> 2] |= np.uint8(chosen[k] << (2 * (k & 3)))
    else:
        for k in range(chosen.shape[0]):
            packed[k >> 1] |= np.uint8(chosen[k] << (4 * (k & 1)))


walk_back_compiled = kernel(walk_back)
