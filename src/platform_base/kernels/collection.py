"""Many series at once: the costs of the best paths between one and many others, and between all pairs."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.alignment import lay_out_radius
from platform_base.kernels.at_once import measure
from platform_base.kernels.batch import (
    LONGEST,
    BatchRules,
    batch_lanes,
    count_batch,
    interleave,
    lay_out_window,
    pad_rows,
    sweep_batch,
)
from platform_base.kernels.compilation import kernel
from platform_base.kernels.rules import Rules


class Collection(NamedTuple):
    """Series of any lengths with the same channels.

    Attributes:
        samples: ``(total, channels)``, C-contiguous: one series after the other.
        starts: ``(count + 1,)`` int64: where each begins, and where the last one ends.
    """

    samples: NDArray[np.float64]
    starts: NDArray[np.int64]


@kernel
def measure_many(
    rules: Rules,
    x: NDArray[np.float64],
    others: Collection,
    radius: int,
    start: int,
    stop: int,
    costs: NDArray[np.float64],
) -> None:
    """Set ``costs[start:stop]`` to the costs of the best paths between a series and others.

    Args:
        rules: What is computed.
        x: ``(n, channels)``, C-contiguous, finite.
        others: The other series, finite.
        radius: The window is ``|i - j| <= radius``, at least the largest difference of lengths; -1 for none.
        start: The first of the others.
        stop: The end of the others, exclusive.
        costs: Written; infinity where a cost overflows.
    """
    m = -1
    first, last = lay_out_radius(0, 0, 0)
    for number in range(start, stop):
        y = others.samples[others.starts[number] : others.starts[number + 1]]
        if y.shape[0] != m:
            m = y.shape[0]
            first, last = lay_out_radius(x.shape[0], m, radius)
        costs[number] = measure(rules, x, y, first, last)


def fits_batches(collection: Collection, at_once: int | None = None) -> bool:
    """Return whether series can be compared in batches, and that is worth while.

    Args:
        collection: The series.
        at_once: How many are looked at together and put in the order of their lengths; ``None`` for all in the order
            that they have, the shorter before the longer.
    """
    lengths = np.diff(collection.starts)
    if collection.samples.shape[1] != 1 or lengths.max() > LONGEST:
        return False
    if at_once is not None and (lengths != lengths[0]).any():
        rounds = [np.sort(lengths[start : start + at_once]) for start in range(0, len(lengths), at_once)]
        lengths = np.concatenate(rounds)
    # Every lane takes as long as the longest of its batch, and lanes without a series do too.
    batch = count_batch(collection.samples.itemsize)
    longest = np.append(lengths[batch - 1 :: batch], lengths[-1] if len(lengths) % batch else 0)
    return bool(2 * lengths.sum() > batch * longest.sum())


@kernel
def measure_batch(
    rules: BatchRules,
    rows: Collection,
    start: int,
    stop: int,
    columns: Collection,
    begin: int,
    radius: int,
    itself: bool,
    costs: NDArray[np.float64],
) -> None:
    """Set ``costs[a, b]`` to the cost of the best path between row a and column b: some rows, a batch of columns.

    Args:
        rules: What is computed.
        rows: Series of one channel, finite.
        start: The first of the rows.
        stop: The end of the rows, exclusive.
        columns: Series of one channel, finite.
        begin: The first column of the batch; it has as many series as lanes, or as there are.
        radius: The window is ``|i - j| <= radius``, at least the largest difference of lengths; -1 for none.
        itself: Only on and above the diagonal of `costs`.
        costs: Written; infinity where a cost overflows.
    """
    lanes, dtype = batch_lanes(columns.samples), columns.samples.dtype
    numbers = np.arange(columns.starts.shape[0] - 1)
    m = 0
    for number in range(begin, min(begin + lanes, numbers.shape[0])):
        m = max(m, columns.starts[number + 1] - columns.starts[number])
    samples, lengths = np.empty(m * lanes, dtype), np.empty(lanes, np.int64)
    count = interleave(columns.samples, columns.starts, numbers, begin, samples, lengths)
    row, found = np.empty((m + 1) * lanes, dtype), np.empty(lanes, dtype)
    n = -1
    window = lay_out_window(1, 1, -1)
    for a in range(start, min(stop, begin + count) if itself else stop):
        x = rows.samples[rows.starts[a] : rows.starts[a + 1]]
        if x.shape[0] != n:
            n = x.shape[0]
            window = lay_out_window(n, m, radius)
        sweep_batch(rules, n, pad_rows(x), samples, lengths, window, np.inf, row, found)
        for lane in range(max(0, a - begin) if itself else 0, count):
            costs[a, begin + lane] = found[lane]
