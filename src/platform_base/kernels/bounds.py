"""Lower bounds of the cost between a series and others, for a fraction of what the cost itself takes.

* LB_Kim: the first and the last cell are on every path (S. Kim, S. Park, W. Chu, ICDE 2001, 607-614, reduced to these
  two as in T. Rakthanmanon et al., KDD 2012, doi 10.1145/2339530.2339576);
* LB_Keogh: every sample of the candidate is matched with one inside the envelope of the query (E. Keogh, C. A.
  Ratanamahatana, Knowl. Inf. Syst. 7 (2005) 358-386, doi 10.1007/s10115-004-0154-9);
* the same with the parts exchanged: every sample of the query, inside the envelope of the candidate. It takes an
  envelope for each candidate, and either of the two may be the larger by far. Before it, the same with an envelope that
  is as wide as whole blocks of samples: a bound that is somewhat lower, for a fifth of the time.

All hold for symmetric1 and symmetric2, any lengths, and the three metrics: every step counts the cost of its cell at
least once, and every row and column has a cell.

Bounds are summed in the precision of the samples, in as many lanes as it has, and are below the costs of that precision
all the same. A local cost is the same function of the same two rounded samples in both, or less in the bound, because
rounding never exchanges the order of two differences or of two squares. What differs is the order of summation: a sum
of k terms that are not negative is off by at most (k - 1) u of itself in any order (N. J. Higham, Accuracy and
Stability of Numerical Algorithms, 2nd ed. 2002, 4.2), with u half the distance from 1 to the next number: the bound
upwards at worst and the cost downwards, each of at most n + m terms; roots and squares of channels add a few u.
`find_safety` takes off 8 (n + m) u.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.collection import Collection
from platform_base.kernels.compilation import kernel
from platform_base.kernels.rules import Rules
from platform_base.kernels.vectors import (
    constant_by_element,
    load,
    maximum,
    minimum,
    reduce_maximum,
    reduce_minimum,
    reduce_sum,
    splat,
    store,
)

# Elements that are moved at a time.
_WIDTH = 32

# Lanes in which a bound is summed: wide enough to hide the time an addition takes, in float32 twice as many.
_sum_lanes = constant_by_element(lambda itemsize: 32 if itemsize == 8 else 64)

# Samples in a block, and up to what reach of the window blocks are worth while.
BLOCK = 16
_REACH_OF_BLOCKS = 4 * BLOCK

# What rounding may add to a bound and take off a cost, relative to it, for each sample: one part in so many, four times
# the distance from 1 to the next number.
_rounding = constant_by_element(lambda itemsize: 1 << (50 if itemsize == 8 else 21))


@kernel
def wrap(x: NDArray[np.float64], length: int, radius: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the envelope of a series: the smallest and the largest sample that each of `length` others may match.

    Args:
        x: ``(n, channels)``.
        length: Samples of the others, m.
        radius: Of the window, at least ``|n - m|``; -1 for none.

    Returns:
        Two arrays ``(channels, m + margin)``, of which the first m columns count. Time O((n + m) log radius), for each
        channel.
    """
    channels = x.shape[1]
    reach = find_reach(x.shape[0], length, radius)
    lower = np.empty((channels, measure_room(length, reach)), x.dtype)
    upper = np.empty((channels, measure_room(length, reach)), x.dtype)
    for channel in range(channels):
        wrap_channel(x, 0, x.shape[0], channel, length, reach, lower[channel], upper[channel])
    return lower, upper


@kernel
def find_reach(n: int, m: int, radius: int) -> int:
    """Return how many samples to each side may be matched: no more than there are."""
    return max(n, m) if radius < 0 else min(radius, max(n, m))


@kernel
def measure_room(length: int, reach: int) -> int:
    """Return how many elements `wrap_channel` needs."""
    return length + 2 * reach + 2 * _WIDTH


@kernel
def wrap_channel(
    samples: NDArray[np.float64],
    start: int,
    n: int,
    channel: int,
    length: int,
    reach: int,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
) -> None:
    """Write the envelope of one channel of ``samples[start : start + n]`` to the first `length` elements of two arrays.

    A window of 4 w samples is four windows of w: its extremes take a few passes over the series, whatever its size.
    """
    size, infinity = length + 2 * reach, lower.dtype.type(np.inf)
    for place in range(0, size, _WIDTH):
        store(lower, place, splat(infinity, _WIDTH))
        store(upper, place, splat(-infinity, _WIDTH))
    whole = n // _WIDTH * _WIDTH if samples.shape[1] == 1 else 0
    for place in range(0, whole, _WIDTH):
        these = load(samples, start + place, _WIDTH)
        store(lower, reach + place, these)
        store(upper, reach + place, these)
    for place in range(whole, n):
        lower[reach + place] = upper[reach + place] = samples[start + place, channel]
    window, width = 2 * reach + 1, 1
    while width < window:
        wider = min(4 * width, window)
        # The last of the four may overlap the one before it.
        second, third, fourth = min(width, wider - width), min(2 * width, wider - width), wider - width
        size -= wider - width
        for place in range(0, size, _WIDTH):
            low = minimum(load(lower, place, _WIDTH), load(lower, place + second, _WIDTH))
            low = minimum(low, minimum(load(lower, place + third, _WIDTH), load(lower, place + fourth, _WIDTH)))
            store(lower, place, low)
            high = maximum(load(upper, place, _WIDTH), load(upper, place + second, _WIDTH))
            high = maximum(high, maximum(load(upper, place + third, _WIDTH), load(upper, place + fourth, _WIDTH)))
            store(upper, place, high)
        width = wider


@kernel
def measure_samples(rules: Rules, x: NDArray[np.float64], i: int, y: NDArray[np.float64], j: int) -> float:
    """Return the local cost between two samples."""
    total = 0.0
    for channel in range(x.shape[1]):
        difference = x[i, channel] - y[j, channel]
        total += difference * difference if rules.squares else abs(difference)
    return np.sqrt(total) if rules.rooted else total


@kernel
def bound_by_envelope(
    squares: bool,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    samples: NDArray[np.float64],
    start: int,
    count: int,
) -> float:
    """Return the sum of the costs between samples and the envelope of another series; NaN if one is not finite.

    Nothing times a sample is added to every cost: while memory is waited for, samples are looked at for nothing.

    Args:
        squares: Whether costs are squares of differences.
        lower: As `wrap` gives it, of one channel.
        upper: Likewise.
        samples: ``(total, 1)``.
        start: The first of the samples.
        count: How many.
    """
    lanes, zero = _sum_lanes(samples), samples.dtype.type(0.0)
    none = splat(zero, lanes)
    sums = none
    whole = count // lanes * lanes
    for j in range(0, whole, lanes):
        these = load(samples, start + j, lanes)
        beyond = maximum(maximum(these - load(upper, j, lanes), load(lower, j, lanes) - these), none)
        sums = sums + (beyond * beyond if squares else beyond) + these * none
    bound = reduce_sum(sums)
    for j in range(whole, count):
        sample = samples[start + j, 0]
        beyond_one = max(zero, max(sample - upper[0, j], lower[0, j] - sample))
        bound += (beyond_one * beyond_one if squares else beyond_one) + sample * zero
    return bound


@kernel
def bound_channels_by_envelope(
    rules: Rules,
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    samples: NDArray[np.float64],
    start: int,
    count: int,
) -> float:
    """Return the same for samples of several channels."""
    bound = 0.0
    for j in range(count):
        total = 0.0
        for channel in range(samples.shape[1]):
            sample = samples[start + j, channel]
            beyond = max(0.0, max(sample - upper[channel, j], lower[channel, j] - sample))
            total += (beyond * beyond if rules.squares else beyond) + sample * 0.0
        bound += np.sqrt(total) if rules.rooted else total
    return bound


@kernel
def find_safety(x: NDArray[np.float64], terms: int) -> float:
    """Return the factor that makes a bound of so many terms, of the dtype of `x`, safe against rounding."""
    return 1.0 - terms / _rounding(x)


@kernel
def bound_all(rules: Rules, x: NDArray[np.float64], candidates: Collection, radius: int) -> NDArray[np.float64]:
    """Return a lower bound of the cost of every candidate, made safe against rounding; NaN if it is not finite."""
    starts = candidates.starts
    bounds = np.empty(starts.shape[0] - 1)
    longest = 0
    for number in range(bounds.shape[0]):
        longest = max(longest, starts[number + 1] - starts[number])
    # That of a shorter candidate is the same, up to where it ends.
    lower, upper = wrap(x, longest, radius)
    if x.shape[1] == 1:
        _bound_lines(rules.squares, x, candidates.samples, starts, lower, upper, bounds)
    else:
        _bound_channels(rules, x, candidates.samples, starts, lower, upper, bounds)
    return bounds


@kernel
def _bound_lines(
    squares: bool,
    x: NDArray[np.float64],
    samples: NDArray[np.float64],
    starts: NDArray[np.int64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    bounds: NDArray[np.float64],
) -> None:
    """Do so for series of one channel. Numba counts references to what it hands on, so little is, for each of many."""
    n, length, safety = x.shape[0], -1, 0.0
    first, last = x[0, 0], x[n - 1, 0]
    for number in range(bounds.shape[0]):
        start, stop = starts[number], starts[number + 1]
        if stop - start != length:
            length = stop - start
            safety = find_safety(x, n + length + 1)
        # In this order: the envelope reads a series from its beginning, which the processor foresees.
        bound = bound_by_envelope(squares, lower, upper, samples, start, length)
        head, tail = abs(first - samples[start, 0]), abs(last - samples[stop - 1, 0])
        if n == 1 and length == 1:
            tail = x.dtype.type(0.0)
        ends = head * head + tail * tail if squares else head + tail
        # Not `max`, which might forget that the bound is NaN.
        bounds[number] = (ends if ends > bound else bound) * safety


@kernel
def _bound_channels(
    rules: Rules,
    x: NDArray[np.float64],
    samples: NDArray[np.float64],
    starts: NDArray[np.int64],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    bounds: NDArray[np.float64],
) -> None:
    for number in range(bounds.shape[0]):
        start, length = starts[number], starts[number + 1] - starts[number]
        bound = bound_channels_by_envelope(rules, lower, upper, samples, start, length)
        ends = measure_samples(rules, x, 0, samples, start)
        if x.shape[0] > 1 or length > 1:
            ends += measure_samples(rules, x, x.shape[0] - 1, samples, start + length - 1)
        bounds[number] = (ends if ends > bound else bound) * find_safety(x, x.shape[0] + length + x.shape[1])


@kernel
def bound_by_own_envelope(
    rules: Rules,
    x: NDArray[np.float64],
    samples: NDArray[np.float64],
    start: int,
    m: int,
    reach: int,
    envelope: NDArray[np.float64],
) -> float:
    """Return a lower bound of the cost from the envelope of a candidate, made safe against rounding.

    Args:
        rules: What is computed.
        x: ``(n, 1)``, the query.
        samples: ``(total, 1)``, where the candidate is.
        start: Its first sample.
        m: How many it has.
        reach: As `find_reach` gives it.
        envelope: ``(2, measure_room(n, reach))``, room to work.
    """
    n = x.shape[0]
    wrap_channel(samples, start, m, 0, n, reach, envelope[0], envelope[1])
    bound = bound_by_envelope(rules.squares, envelope[:1], envelope[1:], x, 0, n)
    return bound * find_safety(x, n + m + 1)


@kernel
def bound_by_blocks(
    rules: Rules,
    x: NDArray[np.float64],
    samples: NDArray[np.float64],
    start: int,
    m: int,
    reach: int,
    extremes: NDArray[np.float64],
) -> float:
    """Return a bound that is below that of `bound_by_own_envelope`; arguments as there.

    `extremes` is ``(2, m // BLOCK + 1)``, room for the smallest and the largest sample of each block of the candidate.
    Where the window is so wide that it would take as long as the envelope itself, the bound is 0.
    """
    if reach > _REACH_OF_BLOCKS:
        return 0.0
    whole = m // BLOCK
    for block in range(whole):
        these = load(samples, start + block * BLOCK, BLOCK)
        extremes[0, block], extremes[1, block] = reduce_minimum(these), reduce_maximum(these)
    infinity = x.dtype.type(np.inf)
    extremes[0, whole], extremes[1, whole] = infinity, -infinity
    for j in range(whole * BLOCK, m):
        extremes[0, whole] = min(extremes[0, whole], samples[start + j, 0])
        extremes[1, whole] = max(extremes[1, whole], samples[start + j, 0])
    none = splat(x.dtype.type(0.0), BLOCK)
    sums = none
    # Rows after the last whole block are left out: the bound is a little lower.
    for top in range(0, x.shape[0] - BLOCK + 1, BLOCK):
        low, high = infinity, -infinity
        first, last = max(0, top - reach) // BLOCK, min(m - 1, top + BLOCK - 1 + reach) // BLOCK
        for block in range(first, last + 1):
            low, high = min(low, extremes[0, block]), max(high, extremes[1, block])
        these = load(x, top, BLOCK)
        beyond = maximum(maximum(these - high, low - these), none)
        sums = sums + (beyond * beyond if rules.squares else beyond)
    return reduce_sum(sums) * find_safety(x, x.shape[0] + m + 1)
