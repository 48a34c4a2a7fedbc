"""Many comparisons with the compiled kernels: in batches where the series are about as long, else one after the other.

Importing this module imports Numba; `pairwise` and `nearest` do so when a call asks for it.
"""

from __future__ import annotations

from collections.abc import Callable

try:
    from platform_base.kernels.batch import count_batch, find_batch_rules
    from platform_base.kernels.collection import (
        Collection,
        fits_batches,
        measure_batch,
        measure_many,
    )
    from platform_base.kernels.cores import share_out
    from platform_base.kernels.rules import find_rules
    from platform_base.kernels.search import ROUND, find_nearest, find_nearest_in_batches
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: the callers fall back to NumPy.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np
from numpy.typing import NDArray

from .many import Many

# Rows that are compared with a batch in one piece of work: long enough that the batch is laid out for next to nothing,
# short enough that the last pieces keep all cores busy.
_ROWS_AT_ONCE = 64


def compare_all(
    names: tuple[str, str],
    rows: Many,
    columns: Many,
    itself: bool,
    radius: int,
    threads: int | None,
    distances: NDArray[np.float64],
    report: Callable[[float], None],
) -> None:
    """Set ``distances[a, b]`` to the cost of the best path between row a and column b, on several threads.

    Args:
        names: Step pattern and metric.
        rows: Series.
        columns: Other ones of the same dtype, or the same.
        itself: Only from the diagonal of `distances` on.
        radius: Of the window; -1 for none.
        threads: How many at most; ``None`` for one on every core.
        distances: Written.
        report: Told the fraction that is done.
    """
    dtype = rows.samples.dtype
    lengths = np.diff(columns.starts)
    if (lengths[1:] < lengths[:-1]).any():
        _compare_sorted(names, rows, columns, itself, radius, threads, distances, report)
        return
    these, others = Collection(rows.samples, rows.starts), Collection(columns.samples, columns.starts)
    if fits_batches(others):
        batch_rules = find_batch_rules(*names, dtype.name)

        def compare_batch(piece: tuple[int, int]) -> None:
            begin, start = piece
            stop = min(start + _ROWS_AT_ONCE, len(rows))
            measure_batch(batch_rules, these, start, stop, others, begin, radius, itself, distances)

        share_out(compare_batch, _cut(len(rows), len(columns), itself, count_batch(dtype.itemsize)), threads, report)
        return
    rules = find_rules(*names, rows.channels, dtype.name, windowed=radius >= 0, keeping=False)

    def compare_row(a: int) -> None:
        measure_many(rules, rows[a], others, radius, a if itself else 0, len(columns), distances[a])

    share_out(compare_row, range(len(rows)), threads, report)


def _compare_sorted(
    names: tuple[str, str],
    rows: Many,
    columns: Many,
    itself: bool,
    radius: int,
    threads: int | None,
    distances: NDArray[np.float64],
    report: Callable[[float], None],
) -> None:
    """Do what `compare_all` does with the shorter series before the longer, so that those of a batch are alike."""
    order = np.argsort(np.diff(columns.starts), kind="stable")
    ordered = columns.reorder(order)
    found = np.zeros_like(distances)
    if itself:
        compare_all(names, ordered, ordered, itself, radius, threads, found, report)
        # Half of it is computed, and not the half that is asked for.
        found = np.maximum(found, found.T)
        distances[np.ix_(order, order)] = found
    else:
        compare_all(names, rows, ordered, itself, radius, threads, found, report)
        distances[:, order] = found


def search(
    names: tuple[str, str],
    x: NDArray[np.float64],
    candidates: Many,
    radius: int,
    count: int,
    report: Callable[[float], None],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the numbers and the costs of the nearest candidates; see `platform_base.kernels.search.find_nearest`.

    Raises:
        FloatingPointError: If a candidate is not finite.
    """
    others, dtype = Collection(candidates.samples, candidates.starts), x.dtype.name
    if fits_batches(others, ROUND * count_batch(x.itemsize)):
        numbers, costs, _ = find_nearest_in_batches(find_batch_rules(*names, dtype), x, others, radius, count, report)
    else:
        rules = find_rules(*names, x.shape[1], dtype, windowed=radius >= 0, keeping=False)
        numbers, costs, _ = find_nearest(rules, x, others, radius, count, report)
    return numbers, costs


def _cut(rows: int, columns: int, itself: bool, batch: int) -> list[tuple[int, int]]:
    """Return the first column and the first row of every piece of work, whole pieces first."""
    pieces = [(begin, start) for begin in range(0, columns, batch) for start in range(0, rows, _ROWS_AT_ONCE)]
    if not itself:
        return pieces
    # Above the diagonal of the distances; the pieces that it cuts are the shorter ones.
    above = [piece for piece in pieces if piece[1] < piece[0] + batch]
    return sorted(above, key=lambda piece: piece[1] + _ROWS_AT_ONCE > piece[0])
