"""The nearest neighbours of a series, found exactly without comparing it with every other.

A candidate whose lower bound (`platform_base.kernels.bounds`) is above the cost of the neighbours found so far is
passed over. Candidates are compared in the order of their bounds, and a comparison is abandoned as soon as a whole row
of its cost matrix is above the limit.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.alignment import lay_out_radius
from platform_base.kernels.batch import BatchRules, batch_lanes, interleave, lay_out_window, pad_rows, sweep_batch
from platform_base.kernels.bounds import (
    BLOCK,
    bound_all,
    bound_by_blocks,
    bound_by_own_envelope,
    find_reach,
    measure_room,
)
from platform_base.kernels.collection import Collection
from platform_base.kernels.compilation import kernel
from platform_base.kernels.matrix import (
    bound_lanes,
    count_strips,
    lay_out,
    lay_out_row,
    span,
    strip_lanes,
    strip_margin,
)
from platform_base.kernels.rules import Rules, find_corner
from platform_base.kernels.strips import advance_within, enter_strip, strip_state


@kernel
def measure_below(
    rules: Rules,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    limit: float,
) -> float:
    """Return the cost of the best path as `measure` does, or infinity as soon as it is sure to be above `limit`."""
    matrix = lay_out(x, y, first, last)
    row = lay_out_row(matrix, find_corner(rules, matrix))
    lanes, margin = strip_lanes(row), strip_margin(row)
    state, window = np.empty(strip_state(row), row.dtype), np.empty(2 * lanes, row.dtype)
    strips = count_strips(matrix)
    for strip in range(strips):
        begin, end = span(matrix, strip)
        unmasked = bound_lanes(matrix, strip, window)
        enter_strip(state, row[margin + begin - 1])
        advance_within(rules, matrix, strip, row, margin, row, margin, state, window, unmasked, begin, end)
        if strip < strips - 1 and _smallest(row, margin + begin, margin + end - lanes + 1) > limit:
            return np.inf
    return state[(matrix.n - 1) % lanes]


@kernel
def _smallest(row: NDArray[np.float64], start: int, stop: int) -> float:
    smallest = np.inf
    for index in range(start, stop):
        smallest = min(smallest, row[index])
    return smallest


def find_nearest(
    rules: Rules, x: NDArray[np.float64], candidates: Collection, radius: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Return the nearest candidates of a series; of equally near ones those that come first.

    Args:
        rules: What is computed.
        x: ``(n, channels)``, C-contiguous, finite.
        candidates: The others, finite.
        radius: The window is ``|i - j| <= radius``, at least the largest difference of lengths; -1 for none.
        count: How many neighbours, at most as many as there are candidates.

    Returns:
        Their numbers and costs, nearest first, and how many candidates were compared.
    """
    bounds = bound_all(rules, x, candidates, radius)
    # Sorted here, because NumPy's sorting need not be compiled.
    found: tuple[NDArray[np.int64], NDArray[np.float64], int] = search_one_by_one(
        rules, x, candidates, radius, count, bounds, np.argsort(bounds)
    )
    return found


@kernel
def search_one_by_one(
    rules: Rules,
    x: NDArray[np.float64],
    candidates: Collection,
    radius: int,
    count: int,
    bounds: NDArray[np.float64],
    order: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """As `find_nearest`, with the bounds of all candidates, and their numbers in the order of these."""
    numbers = np.full(count, -1, dtype=np.int64)
    costs = np.full(count, np.inf)
    compared = 0
    length = -1
    first, last = lay_out_radius(0, 0, 0)
    for number in order:
        if bounds[number] > costs[count - 1]:
            break
        y = candidates.samples[candidates.starts[number] : candidates.starts[number + 1]]
        if y.shape[0] != length:
            length = y.shape[0]
            first, last = lay_out_radius(x.shape[0], length, radius)
        compared += 1
        insert(numbers, costs, number, measure_below(rules, x, y, first, last, costs[count - 1]))
    return numbers, costs, compared


def find_nearest_in_batches(
    rules: BatchRules, x: NDArray[np.float64], candidates: Collection, radius: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """As `find_nearest`, for candidates of one channel and one length, compared a batch at a time.

    A comparison is abandoned when no candidate of the batch can end below the limit any more.
    """
    bounds = bound_all(rules, x, candidates, radius)
    found: tuple[NDArray[np.int64], NDArray[np.float64], int] = search_in_batches(
        rules, x, candidates, radius, count, bounds, np.argsort(bounds)
    )
    return found


@kernel
def search_in_batches(
    rules: BatchRules,
    x: NDArray[np.float64],
    candidates: Collection,
    radius: int,
    count: int,
    bounds: NDArray[np.float64],
    order: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """As `find_nearest_in_batches`, with the bounds of all candidates, and their numbers in the order of these."""
    numbers = np.full(count, -1, dtype=np.int64)
    costs = np.full(count, np.inf)
    compared = 0
    n, m = x.shape[0], candidates.starts[1]
    reach = find_reach(n, m, radius)
    lanes, dtype = batch_lanes(x), x.dtype
    envelope, extremes = np.empty((2, measure_room(n, reach)), dtype), np.empty((2, m // BLOCK + 1), dtype)
    rows, window = pad_rows(x), lay_out_window(n, m, radius)
    samples, row, found = np.empty(m * lanes, dtype), np.empty((m + 1) * lanes, dtype), np.empty(lanes, dtype)
    batch, lengths = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    place = 0
    while True:
        taken = 0
        limit = costs[count - 1]
        while taken < lanes and place < order.shape[0] and bounds[order[place]] <= limit:
            number = order[place]
            place += 1
            start = candidates.starts[number]
            # Dearer bounds, once there is a limit that they can be above.
            if limit < np.inf and (
                bound_by_blocks(rules, x, candidates.samples, start, m, reach, extremes) > limit
                or bound_by_own_envelope(rules, x, candidates.samples, start, m, reach, envelope) > limit
            ):
                continue
            batch[taken] = number
            taken += 1
        if taken == 0:
            return numbers, costs, compared
        compared += taken
        interleave(candidates.samples, candidates.starts, batch[:taken], 0, samples, lengths)
        if sweep_batch(rules, n, rows, samples, lengths, window, limit, row, found):
            for lane in range(taken):
                insert(numbers, costs, batch[lane], found[lane])


@kernel
def insert(numbers: NDArray[np.int64], costs: NDArray[np.float64], number: int, cost: float) -> None:
    """Put a candidate among the nearest, if it belongs there."""
    place = costs.shape[0]
    while place > 0 and _is_before(cost, number, costs[place - 1], numbers[place - 1]):
        place -= 1
    if place == costs.shape[0]:
        return
    for behind in range(costs.shape[0] - 1, place, -1):
        costs[behind] = costs[behind - 1]
        numbers[behind] = numbers[behind - 1]
    costs[place] = cost
    numbers[place] = number


@kernel
def _is_before(cost: float, number: int, other_cost: float, other: int) -> bool:
    return cost < other_cost or (cost == other_cost and (other < 0 or number < other))
