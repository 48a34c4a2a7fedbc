"""The nearest neighbours of a series, found exactly without comparing it with every other.

A lower bound on the cost is cheap; a candidate whose bound is above the cost of the neighbours found so far is passed
over. Two bounds are taken one after the other:

* LB_Kim: the first and the last cell are on every path (S. Kim, S. Park, W. Chu, ICDE 2001, 607-614, reduced to these
  two as in T. Rakthanmanon et al., KDD 2012, doi 10.1145/2339530.2339576);
* LB_Keogh: every sample of the candidate is matched with one inside the envelope of the query (E. Keogh, C. A.
  Ratanamahatana, Knowl. Inf. Syst. 7 (2005) 358-386, doi 10.1007/s10115-004-0154-9).

Candidates are compared in the order of their bounds, and a comparison is abandoned as soon as a whole row of its cost
matrix is above the limit. Both bounds hold for symmetric1 and symmetric2, any lengths, and the three metrics: every
step counts the cost of its cell at least once, and every column has a cell.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.alignment import lay_out_radius
from platform_base.kernels.collection import Collection
from platform_base.kernels.compilation import kernel
from platform_base.kernels.matrix import LANES, MARGIN, bound_lanes, lay_out, lay_out_row, span
from platform_base.kernels.rules import Rules, find_corner
from platform_base.kernels.strips import STATE, advance_within, enter_strip
from platform_base.kernels.vectors import load, maximum, splat, store

# Lanes in which a bound is summed: wide enough to hide the time an addition takes.
_WIDTH = 32

# What rounding may add to a bound, relative to it, for each sample.
_ROUNDING = 2.0**-50


@kernel
def wrap(x: NDArray[np.float64], length: int, radius: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the envelope of a series: the smallest and the largest sample that each of `length` others may match.

    Args:
        x: ``(n, channels)``.
        length: Samples of the others, m.
        radius: Of the window, at least ``|n - m|``; -1 for none.

    Returns:
        Two arrays ``(m, channels)``. Time O(m radius), for each channel.
    """
    n, channels = x.shape
    lower = np.empty((length, channels))
    upper = np.empty((length, channels))
    reach = n + length if radius < 0 else radius
    for channel in range(channels):
        for j in range(length):
            if radius < 0 and j > 0:
                lower[j, channel] = lower[0, channel]
                upper[j, channel] = upper[0, channel]
                continue
            low = np.inf
            high = -np.inf
            for i in range(max(0, j - reach), min(n, j + reach + 1)):
                low = min(low, x[i, channel])
                high = max(high, x[i, channel])
            lower[j, channel] = low
            upper[j, channel] = high
    return lower, upper


@kernel
def bound_by_ends(rules: Rules, x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """Return the costs of the first and the last cell."""
    bound = _measure_samples(rules, x[0], y[0])
    if x.shape[0] > 1 or y.shape[0] > 1:
        bound += _measure_samples(rules, x[-1], y[-1])
    return bound


@kernel
def _measure_samples(rules: Rules, a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    total = 0.0
    for channel in range(a.shape[0]):
        difference = a[channel] - b[channel]
        total += difference * difference if rules.squares else abs(difference)
    return np.sqrt(total) if rules.rooted else total


@kernel
def bound_by_envelope(
    rules: Rules, lower: NDArray[np.float64], upper: NDArray[np.float64], y: NDArray[np.float64]
) -> float:
    """Return the sum of the costs between the samples of a series and the envelope of another."""
    m, channels = y.shape
    if channels > 1:
        bound = 0.0
        for j in range(m):
            total = 0.0
            for channel in range(channels):
                beyond = max(0.0, max(y[j, channel] - upper[j, channel], lower[j, channel] - y[j, channel]))
                total += beyond * beyond if rules.squares else beyond
            bound += np.sqrt(total) if rules.rooted else total
        return bound
    sums = splat(0.0, _WIDTH)
    whole = m // _WIDTH * _WIDTH
    for j in range(0, whole, _WIDTH):
        samples = load(y, j, _WIDTH)
        beyond = maximum(
            maximum(samples - load(upper, j, _WIDTH), load(lower, j, _WIDTH) - samples), splat(0.0, _WIDTH)
        )
        sums = sums + (beyond * beyond if rules.squares else beyond)
    parts = np.empty(_WIDTH)
    store(parts, 0, sums)
    bound = parts.sum()
    for j in range(whole, m):
        beyond = max(0.0, max(y[j, 0] - upper[j, 0], lower[j, 0] - y[j, 0]))
        bound += beyond * beyond if rules.squares else beyond
    return bound


@kernel
def bound_all(rules: Rules, x: NDArray[np.float64], candidates: Collection, radius: int) -> NDArray[np.float64]:
    """Return a lower bound of the cost of every candidate, made safe against rounding."""
    count = candidates.starts.shape[0] - 1
    bounds = np.empty(count)
    length = -1
    lower, upper = wrap(x[:1], 0, -1)
    for number in range(count):
        y = candidates.samples[candidates.starts[number] : candidates.starts[number + 1]]
        if y.shape[0] != length:
            length = y.shape[0]
            lower, upper = wrap(x, length, radius)
        bound = max(bound_by_ends(rules, x, y), bound_by_envelope(rules, lower, upper, y))
        bounds[number] = bound * (1.0 - _ROUNDING * (length + candidates.samples.shape[1]))
    return bounds


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
    row = lay_out_row(matrix.m, find_corner(rules, matrix))
    state = np.empty(STATE)
    window = np.empty(2 * LANES)
    strips = (matrix.n + LANES - 1) // LANES
    for strip in range(strips):
        begin, end = span(matrix, strip)
        unmasked = bound_lanes(matrix, strip, window)
        enter_strip(state, row[MARGIN + begin - 1])
        advance_within(rules, matrix, strip, row, MARGIN, row, MARGIN, state, window, unmasked, begin, end)
        if strip < strips - 1 and _smallest(row, MARGIN + begin, MARGIN + end - LANES + 1) > limit:
            return np.inf
    return state[(matrix.n - 1) % LANES]


@kernel
def _smallest(row: NDArray[np.float64], start: int, stop: int) -> float:
    smallest = np.inf
    for index in range(start, stop):
        smallest = min(smallest, row[index])
    return smallest


@kernel
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
    order = np.argsort(bounds)
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
