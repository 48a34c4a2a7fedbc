"""One series against many at once: each lane of a vector is another series.

Between two series a cell waits for its neighbours; between lanes nothing depends on anything, and the neighbours are
whole vectors: no lane ever moves. Four rows go over the columns together, so that what lies between them stays in
registers; the row below them is all that is kept in memory::

    column            j-1   j
    row above          z    u     read from memory, a number for each lane
    row i              a -> a'    a' = cost + min(z, u, a)
    row i+1            b -> b'    b' = cost + min(a, a', b)
    row i+2            c -> c'
    row i+3            d -> d'    written to memory, where it becomes the row above

Lanes hold the samples of a batch **interleaved**: sample j of its series l stands at ``j * lanes + l``. A lane whose
series ends earlier goes on for nothing; its result is taken when the last row comes by where it ends.

Inter-sequence vectorization: T. Rognes, Faster Smith-Waterman database searches with inter-sequence SIMD
parallelisation, BMC Bioinformatics 12 (2011) 221, doi 10.1186/1471-2105-12-221.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

from platform_base.kernels.alignment import lay_out_radius
from platform_base.kernels.compilation import call_address, compile_for_address, kernel, pointer_to
from platform_base.kernels.registers import count_lanes
from platform_base.kernels.rules import DIAGONAL_WEIGHTS, METRICS
from platform_base.kernels.vectors import (
    absolute,
    address_of,
    constant_by_element,
    load,
    load_scalar,
    reduce_minimum,
    smaller_cost,
    splat,
    store,
)

# Vectors that live: a cell and a sum of each of four rows, and the row above.
_LIVE = 9


def count_batch(itemsize: int) -> int:
    """Return the series in a batch whose elements take 8 bytes, as those of float64, or 4."""
    return count_lanes(_LIVE, itemsize)


# Of float64.
BATCH = count_batch(8)

# In kernels, for the elements of an array: series in a batch.
batch_lanes = constant_by_element(count_batch)

# Rows that go over the columns together.
ROWS = 4

# A batch and the row above it are read for every four rows: beyond the second-level cache that takes longer than the
# arithmetic, and one series after the other is faster.
LONGEST = (1 << 19) // (16 * BATCH)

# Rows between two looks at whether a sweep can still end below a limit.
_ROWS_PER_LOOK = 16


class BatchRules(NamedTuple):
    """What is computed in each cell.

    Attributes:
        free: Address of the kernel for columns in which all four rows are inside the window.
        masked: Address of the kernel for other columns.
        single: Whether a diagonal step counts the local cost once.
        squares: Whether costs are squares of differences.
        rooted: Never, of one channel: the root of one square is the absolute value.
    """

    free: int
    masked: int
    single: bool
    squares: bool
    rooted: bool


class Window(NamedTuple):
    """The columns inside the window, of each of so many rows that groups of `ROWS` are whole.

    Attributes:
        first: First column, int64; never decreasing.
        last: Last column, int64; never decreasing.
    """

    first: NDArray[np.int64]
    last: NDArray[np.int64]


@functools.cache
def find_batch_rules(pattern: str, metric: str, dtype: str = "float64") -> BatchRules:
    """Return the rules for a step pattern, a metric and a dtype, see `platform_base.kernels.rules.find_rules`.

    They are for one channel.
    """
    single = DIAGONAL_WEIGHTS[pattern] == 1.0
    squares, rooted = METRICS[metric]
    squares = squares and not rooted
    free, masked = (_compile(single, squares, mask, dtype).address for mask in (False, True))
    return BatchRules(free, masked, single, squares, False)


@functools.cache
def _compile(single: bool, squares: bool, masked: bool, dtype: str) -> Any:
    """Compile the loop over the columns for four rows, for calls by address. All arrays are of the dtype.

    * samples: of the four rows;
    * columns: the batch, interleaved;
    * row: the row above, then the last of the four rows, at column 0; ``lanes`` for each column;
    * state: ``5 * lanes``, the cells of the four rows in the column before, and the cell above those;
    * window: ``2 * ROWS``, the first column of each row, then the last one of each;
    * start, stop: columns.
    """
    element = np.dtype(dtype).type
    lanes, nothing, infinity = count_batch(element(0).itemsize), element(0), element(np.inf)

    def advance(samples: Any, columns: Any, row: Any, state: Any, window: Any, start: int, stop: int) -> None:
        x0, x1 = splat(load_scalar(samples, 0), lanes), splat(load_scalar(samples, 1), lanes)
        x2, x3 = splat(load_scalar(samples, 2), lanes), splat(load_scalar(samples, 3), lanes)
        a, b = load(state, 0, lanes), load(state, lanes, lanes)
        c, d = load(state, 2 * lanes, lanes), load(state, 3 * lanes, lanes)
        corner = load(state, 4 * lanes, lanes)
        for column in range(start, stop):
            y, above = load(columns, column * lanes, lanes), load(row, column * lanes, lanes)
            # Names with a 1 are of this column, those without of the one before.
            a1 = compute_cells(single, squares, x0, y, corner, above, a)
            if masked:
                a1 = a1 + find_wall(nothing, infinity, window, 0, column)
            b1 = compute_cells(single, squares, x1, y, a, a1, b)
            if masked:
                b1 = b1 + find_wall(nothing, infinity, window, 1, column)
            c1 = compute_cells(single, squares, x2, y, b, b1, c)
            if masked:
                c1 = c1 + find_wall(nothing, infinity, window, 2, column)
            d1 = compute_cells(single, squares, x3, y, c, c1, d)
            if masked:
                d1 = d1 + find_wall(nothing, infinity, window, 3, column)
            a, b, c, d, corner = a1, b1, c1, d1, above
            store(row, column * lanes, d)
        store(state, 0, a)
        store(state, lanes, b)
        store(state, 2 * lanes, c)
        store(state, 3 * lanes, d)
        store(state, 4 * lanes, corner)

    return compile_for_address(advance, types.void(*[pointer_to(dtype)] * 5, *[types.int64] * 2))


@kernel
def compute_cells(single: bool, squares: bool, x: Any, y: Any, diagonal: Any, up: Any, left: Any) -> Any:
    """Return the cells of one row and column in all lanes."""
    difference = x - y
    cost = difference * difference if squares else absolute(difference)
    if single:
        return cost + smaller_cost(smaller_cost(diagonal, left), up)
    return smaller_cost(diagonal + (cost + cost), smaller_cost(left, up) + cost)


@kernel
def find_wall(nothing: Any, infinity: Any, window: Any, number: int, column: int) -> Any:
    """Return what is added to the cells of a row: nothing inside the window, infinity outside."""
    inside = load_scalar(window, number) <= column and column <= load_scalar(window, ROWS + number)
    return nothing if inside else infinity


@kernel
def lay_out_window(n: int, m: int, radius: int) -> Window:
    """Return the window ``|i - j| <= radius``, or all columns for a radius of -1."""
    rows = (n + ROWS - 1) // ROWS * ROWS
    first, last = np.zeros(rows, np.int64), np.full(rows, m - 1, np.int64)
    if radius >= 0:
        narrow_first, narrow_last = lay_out_radius(n, m, radius)
        for i in range(rows):
            first[i], last[i] = narrow_first[min(i, n - 1)], narrow_last[min(i, n - 1)]
    return Window(first, last)


@kernel
def pad_rows(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the samples of a ``(n, 1)`` series, flat, in whole groups of `ROWS`."""
    n = x.shape[0]
    padded = np.zeros((n + ROWS - 1) // ROWS * ROWS, x.dtype)
    for i in range(n):
        padded[i] = x[i, 0]
    return padded


@kernel
def interleave(
    samples: NDArray[np.float64],
    starts: NDArray[np.int64],
    numbers: NDArray[np.int64],
    begin: int,
    columns: NDArray[np.float64],
    lengths: NDArray[np.int64],
) -> int:
    """Fill a batch.

    Args:
        samples: ``(total, 1)``, the series one after the other.
        starts: Where each series begins, and where the last one ends.
        numbers: Series to choose from, int64.
        begin: Where in `numbers` to begin.
        columns: At least ``(m * lanes,)`` for the longest of the series, m samples; written. A shorter series repeats
            its last sample, and lanes for which there is no series repeat the last one.
        lengths: ``(lanes,)``, gets the lengths.

    Returns:
        How many series there were, at most as many as a batch has.
    """
    lanes = batch_lanes(columns)
    count = min(lanes, numbers.shape[0] - begin)
    places = np.empty(lanes, np.int64)
    for lane in range(lanes):
        number = numbers[begin + min(lane, count - 1)]
        places[lane] = starts[number]
        lengths[lane] = starts[number + 1] - starts[number]
    for j in range(lengths.max()):
        for lane in range(lanes):
            columns[j * lanes + lane] = samples[places[lane] + min(j, lengths[lane] - 1), 0]
    return count


@kernel
def sweep_batch(
    rules: BatchRules,
    n: int,
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    lengths: NDArray[np.int64],
    window: Window,
    limit: float,
    row: NDArray[np.float64],
    costs: NDArray[np.float64],
) -> bool:
    """Compare one series with a batch.

    Args:
        rules: What is computed.
        n: Samples of the series.
        rows: Those samples, as `pad_rows` gives them.
        columns: The batch, as `interleave` fills it.
        lengths: Likewise.
        window: As `lay_out_window` gives it, for the longest series of the batch, m samples; the ends of all paths are
            inside.
        limit: Above it no cost matters.
        row: At least ``((m + 1) * lanes,)``; room to work.
        costs: ``(lanes,)``, gets the costs of the best paths; infinity where one overflows.

    Returns:
        Whether `costs` was written; if not, all are above the limit.
    """
    lanes, infinity = batch_lanes(row), row.dtype.type(np.inf)
    zero = splat(row.dtype.type(0.0), lanes)
    row[:] = infinity
    state, bounds = np.empty((ROWS + 1) * lanes, row.dtype), np.empty(2 * ROWS, row.dtype)
    if rules.single:
        store(row, 0, zero)
    else:
        # -c + 2 c is exactly c; the cell above the first one is not there.
        cost = compute_cells(True, rules.squares, splat(rows[0], lanes), load(columns, 0, lanes), zero, zero, zero)
        store(row, 0, zero - cost)
    for top in range(0, rows.shape[0], ROWS):
        begin, end = window.first[top], window.last[top + ROWS - 1] + 1
        for number in range(ROWS):
            bounds[number] = window.first[top + number]
            bounds[ROWS + number] = window.last[top + number]
        state[: ROWS * lanes] = np.inf
        store(state, ROWS * lanes, load(row, begin * lanes, lanes))
        head = min(window.first[top + ROWS - 1], end)
        tail = max(head, window.last[top] + 1)
        for address, start, stop in ((rules.masked, begin, head), (rules.free, head, tail), (rules.masked, tail, end)):
            place = start
            while place < stop:
                # In the last rows, on to where the next lane ends.
                till = stop if top + ROWS < n else find_next_end(lengths, place, stop)
                arguments = (
                    address_of(rows, top),
                    address_of(columns, 0),
                    address_of(row, lanes),
                    address_of(state, 0),
                    address_of(bounds, 0),
                    place,
                    till,
                )
                call_address(address, arguments)
                place = till
                if top + ROWS >= n:
                    for lane in range(lanes):
                        if lengths[lane] == place:
                            costs[lane] = state[(n - 1) % ROWS * lanes + lane]
        if top == 0:
            store(row, 0, splat(infinity, lanes))
        elif (top + ROWS) % _ROWS_PER_LOOK == 0 and top + ROWS < n and find_least(row, begin, end) > limit:
            return False
    return True


@kernel
def find_next_end(lengths: NDArray[np.int64], place: int, stop: int) -> int:
    """Return the smallest of the lengths that is above `place`; `stop` where that is smaller."""
    nearest = stop
    for lane in range(lengths.shape[0]):
        if place < lengths[lane] < nearest:
            nearest = lengths[lane]
    return nearest


@kernel
def find_least(row: NDArray[np.float64], begin: int, end: int) -> float:
    """Return the smallest cell of a row between two columns, in any lane."""
    lanes = batch_lanes(row)
    least = splat(row.dtype.type(np.inf), lanes)
    for column in range(begin + 1, end + 1):
        least = smaller_cost(least, load(row, column * lanes, lanes))
    return reduce_minimum(least)
