"""The nearest neighbours of a series, found exactly without comparing it with every other.

A candidate whose lower bound (`platform_base.kernels.bounds`) is above the cost of the neighbours found so far is
passed over. Candidates are compared in the order of their bounds, and a comparison is abandoned as soon as a whole row
of its cost matrix is above the limit. In batches, candidates of several lengths go by rounds: those that come next in
the order, as many as fill some batches, the shorter before the longer, so that those of a batch end at about the same
time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
    find_lane,
    lay_out,
    lay_out_row,
    span,
    strip_lanes,
    strip_margin,
)
from platform_base.kernels.rules import Rules, find_corner
from platform_base.kernels.strips import advance_within, enter_strip, strip_state

# Batches in a round of candidates of several lengths: enough that the lengths of a batch are alike, and so few that
# what the first ones find still spares others the comparison.
ROUND = 4

# About 50 ms of work if nothing can be left out: often enough for a progress display, rarely enough to cost nothing.
_CELLS_PER_REPORT = 1 << 29
# But not fewer candidates than fill a few batches.
_FEWEST_AT_ONCE = 128


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
    return state[find_lane(state, (matrix.n - 1) % lanes)]


@kernel
def _smallest(row: NDArray[np.float64], start: int, stop: int) -> float:
    smallest = np.inf
    for index in range(start, stop):
        smallest = min(smallest, row[index])
    return smallest


def find_nearest(
    rules: Rules,
    x: NDArray[np.float64],
    candidates: Collection,
    radius: int,
    count: int,
    report: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """Return the nearest candidates of a series; of equally near ones those that come first.

    Args:
        rules: What is computed.
        x: ``(n, channels)``, C-contiguous, finite.
        candidates: The others.
        radius: The window is ``|i - j| <= radius``, at least the largest difference of lengths; -1 for none.
        count: How many neighbours, at most as many as there are candidates.
        report: Told from time to time which fraction of the candidates is done; ``None``: nobody is.

    Returns:
        Their numbers and costs, nearest first, and how many candidates were compared.

    Raises:
        FloatingPointError: If a candidate is not finite.
    """
    bounds, order = _order_by_bound(rules, x, candidates, radius)

    def search(piece: NDArray[np.int64], numbers: NDArray[np.int64], costs: NDArray[np.float64]) -> int:
        compared: int = search_one_by_one(rules, x, candidates, radius, bounds, piece, numbers, costs)
        return compared

    return _search_in_pieces(search, x, candidates, count, bounds, order, report)


def _order_by_bound(
    rules: Any, x: NDArray[np.float64], candidates: Collection, radius: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the bounds of all candidates, and their numbers in the order of these; NumPy's sorting is compiled."""
    bounds = bound_all(rules, x, candidates, radius)
    order = np.argsort(bounds)
    if np.isnan(bounds[order[-1]]):
        raise FloatingPointError("a candidate is not finite")
    return bounds, order


def _search_in_pieces(
    search: Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]], int],
    x: NDArray[np.float64],
    candidates: Collection,
    count: int,
    bounds: NDArray[np.float64],
    order: NDArray[np.int64],
    report: Callable[[float], None] | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    numbers, costs, compared = np.full(count, -1, dtype=np.int64), np.full(count, np.inf), 0
    cells = max(1, len(x) * (len(candidates.samples) // len(order)))
    piece = max(_FEWEST_AT_ONCE, _CELLS_PER_REPORT // cells)
    for start in range(0, len(order), piece):
        if report is not None:
            report(start / len(order))
        if bounds[order[start]] > costs[-1]:
            break
        compared += search(order[start : start + piece], numbers, costs)
    if report is not None:
        report(1.0)
    return numbers, costs, compared


@kernel
def search_one_by_one(
    rules: Rules,
    x: NDArray[np.float64],
    candidates: Collection,
    radius: int,
    bounds: NDArray[np.float64],
    order: NDArray[np.int64],
    numbers: NDArray[np.int64],
    costs: NDArray[np.float64],
) -> int:
    """Go on looking for the nearest candidates.

    Args:
        rules: As `find_nearest`.
        x: Likewise.
        candidates: Likewise.
        radius: Likewise.
        bounds: Of all candidates.
        order: Numbers of those to look at, by their bounds.
        numbers: ``(count,)``: the nearest so far, nearest first, -1 where there is none yet; changed.
        costs: ``(count,)``: theirs, infinite where there is none; changed.

    Returns:
        How many candidates were compared.
    """
    count = costs.shape[0]
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
    return compared


def find_nearest_in_batches(
    rules: BatchRules,
    x: NDArray[np.float64],
    candidates: Collection,
    radius: int,
    count: int,
    report: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], int]:
    """As `find_nearest`, for candidates of one channel, compared a batch at a time.

    A comparison is abandoned when no candidate of the batch can end below the limit any more.
    """
    bounds, order = _order_by_bound(rules, x, candidates, radius)
    lengths = np.diff(candidates.starts)
    batches = ROUND if (lengths != lengths[0]).any() else 1

    def search(piece: NDArray[np.int64], numbers: NDArray[np.int64], costs: NDArray[np.float64]) -> int:
        compared: int = search_in_batches(rules, x, candidates, radius, bounds, piece, batches, numbers, costs)
        return compared

    return _search_in_pieces(search, x, candidates, count, bounds, order, report)


@kernel
def search_in_batches(
    rules: BatchRules,
    x: NDArray[np.float64],
    candidates: Collection,
    radius: int,
    bounds: NDArray[np.float64],
    order: NDArray[np.int64],
    batches: int,
    numbers: NDArray[np.int64],
    costs: NDArray[np.float64],
) -> int:
    """Do what `search_one_by_one` does for candidates of one channel, compared a batch at a time.

    `batches` is how many there are in a round; one where all lengths are the same.
    """
    count = costs.shape[0]
    compared, place = 0, 0
    starts, every = candidates.starts, candidates.samples
    n, m = x.shape[0], 0
    for number in range(order.shape[0]):
        m = max(m, starts[number + 1] - starts[number])
    reach = find_reach(n, m, radius)
    lanes, dtype = batch_lanes(x), x.dtype
    envelope, extremes = np.empty((2, measure_room(n, reach)), dtype), np.empty((2, m // BLOCK + 1), dtype)
    rows, window = pad_rows(x), lay_out_window(n, m, radius)
    samples, row, found = np.empty(m * lanes, dtype), np.empty((m + 1) * lanes, dtype), np.empty(lanes, dtype)
    waiting, batch, lengths = np.empty(batches * lanes, np.int64), np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    while True:
        taken = 0
        limit = costs[count - 1]
        # Without a limit there is nothing to leave out: one batch, to have one.
        room = waiting.shape[0] if limit < np.inf else lanes
        while taken < room and place < order.shape[0] and bounds[order[place]] <= limit:
            number = order[place]
            place += 1
            start, stop = starts[number], starts[number + 1]
            # Dearer bounds, once there is a limit that they can be above.
            if limit < np.inf and _is_above(rules, x, every, start, stop - start, radius, limit, extremes, envelope):
                continue
            waiting[taken] = number
            taken += 1
        if taken == 0:
            return compared
        if batches > 1:
            sort_by_length(waiting, taken, starts)
        for begin in range(0, taken, lanes):
            filled = 0
            for number in waiting[begin : min(begin + lanes, taken)]:
                if bounds[number] <= costs[count - 1]:
                    batch[filled] = number
                    filled += 1
            if filled == 0:
                continue
            compared += filled
            interleave(every, starts, batch[:filled], 0, samples, lengths)
            if lengths.max() != m:
                m = lengths.max()
                window = lay_out_window(n, m, radius)
            limit = costs[count - 1]
            if sweep_batch(rules, n, rows, samples, lengths, window, limit, row[: (m + 1) * lanes], found):
                for lane in range(filled):
                    insert(numbers, costs, batch[lane], found[lane])


@kernel
def _is_above(
    rules: BatchRules,
    x: NDArray[np.float64],
    samples: NDArray[np.float64],
    start: int,
    m: int,
    radius: int,
    limit: float,
    extremes: NDArray[np.float64],
    envelope: NDArray[np.float64],
) -> bool:
    reach = find_reach(x.shape[0], m, radius)
    return (
        bound_by_blocks(rules, x, samples, start, m, reach, extremes) > limit
        or bound_by_own_envelope(rules, x, samples, start, m, reach, envelope) > limit
    )


@kernel
def sort_by_length(numbers: NDArray[np.int64], count: int, starts: NDArray[np.int64]) -> None:
    """Put the first of some series in the order of their lengths; they are few."""
    for place in range(1, count):
        number, at = numbers[place], place
        length = starts[number + 1] - starts[number]
        while at > 0 and starts[numbers[at - 1] + 1] - starts[numbers[at - 1]] > length:
            numbers[at] = numbers[at - 1]
            at -= 1
        numbers[at] = number


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
