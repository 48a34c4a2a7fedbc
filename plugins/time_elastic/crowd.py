"""Driving the compiled strips over all pairs of many series."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.cores import share_out

from .distance import Prepared
from .lags import tabulate_lags
from .pairwise import Pairs
from .problem import check_window
from .steps import Samples
from .strips import run_strips
from .sweep import pad_rows, reverse_columns, sweep_total
from .vectorized import LANES, kernel, step_between


def sweep_pairs(pairs: Pairs, threads: int | None, report: Callable[[float], None]) -> None:
    """Fill ``pairs.totals``.

    Raises:
        ValueError: If no path stays within the window for one of the pairs.
        TypeError: If the window is no integer.
    """
    lengths = [np.array([one.samples.values.shape[1] for one in side]) for side in (pairs.rows, pairs.columns)]
    _check_windows(pairs, *lengths)
    uniform = all(len(set(side.tolist())) == 1 for side in lengths)
    if pairs.distance.weighted and not uniform:
        share_out(lambda row: _compare_one_by_one(pairs, row), range(len(pairs.rows)), threads, report)
        return
    crowd = _Crowd(pairs, *lengths)
    share_out(crowd.compare_row, range(len(pairs.rows)), threads, report)


class _Crowd:
    """All the series as the strips read them, in a few arrays."""

    def __init__(self, pairs: Pairs, row_lengths: NDArray[np.int64], column_lengths: NDArray[np.int64]) -> None:
        example = pairs.distance.pose(pairs.rows[0], pairs.columns[0], pairs.window_size)
        self.pairs = pairs
        self.lengths = row_lengths, column_lengths
        self.extra = int(example.bordered)
        self.window = -1 if pairs.window_size is None else int(pairs.window_size)
        self.norm = example.norm
        self.lags, self.centre = tabulate_lags(example, spare=2 * LANES)
        self.rows = _stack(pairs.rows, pad_rows)
        self.columns = _stack(pairs.columns, lambda part: reverse_columns(part, self.extra))
        self.spreads = tuple(np.array([one.spread for one in side]) for side in (pairs.rows, pairs.columns))
        limit = int(row_lengths.max() + column_lengths.max()) if self.window < 0 else self.window
        self.borders = np.full((len(pairs.columns), int(column_lengths.max()) + self.extra + LANES), np.inf)
        for border, one in zip(self.borders, pairs.columns, strict=True):
            whole = one.border(limit)[1 - self.extra :]
            border[: len(whole)] = whole

    def compare_row(self, row: int) -> None:
        """Compare one series of the rows with those of the columns."""
        compare_row(
            self.pairs.distance.steps(),
            Samples(self.rows.values[row], self.rows.features[row]),
            (int(self.lengths[0][row]), float(self.spreads[0][row])),
            self.columns,
            self.lengths[1],
            self.spreads[1],
            self.borders,
            self.lags,
            (self.extra, self.window, self.centre),
            self.norm,
            row + 1 if self.pairs.symmetric else 0,
            self.pairs.totals[row],
        )


@kernel
def compare_row(
    steps: Any,
    first: Samples,
    length_and_spread: tuple[int, float],
    columns: Samples,
    lengths: NDArray[np.int64],
    spreads: NDArray[np.float64],
    borders: NDArray[np.float64],
    lags: NDArray[np.float64],
    layout: tuple[int, int, int],
    norm: tuple[float | None, bool],
    start: int,
    totals: NDArray[np.float64],
) -> None:
    """Compare one series with many.

    Args:
        steps: A `steps.Steps`, for all pairs.
        first: The series, padded as `strips.run_strips` reads it.
        length_and_spread: Its samples without padding, and its standard deviation.
        columns: The others, ``(M, channels, k)`` and ``(M, features, k)``, each as `strips.run_strips` reads it.
        lengths: ``(M,)``: their samples without padding.
        spreads: ``(M,)``: their standard deviations.
        borders: ``(M, k)``: the row of the cost matrix above the first sample.
        lags: As `steps.Cells` has it.
        layout: One if paths may begin by deleting, else 0; the window, -1 for none; where in `lags` difference 0 is.
        norm: As `strips.run_strips` has it.
        start: First of the others to compare with.
        totals: ``(M,)``, written from `start` on.
    """
    n, spread = length_and_spread
    extra, window, centre = layout
    matrix = np.empty((0, 0))
    directions = np.empty(0, dtype=np.uint8)
    offsets = np.empty(0, dtype=np.int64)
    border = np.empty(borders.shape[1])
    carried = np.empty(borders.shape[1])
    strips = (n + LANES - 1) // LANES
    for j in range(start, lengths.shape[0]):
        m = lengths[j]
        reach = n + m if window < 0 else min(window, n + m)
        border[:] = borders[j]
        carried[:] = borders[j]
        totals[j] = run_strips(
            step_between(steps, spread, spreads[j]),
            first,
            Samples(columns.values[j], columns.features[j]),
            lags,
            (n, m + extra, extra, reach, centre),
            norm,
            (0, strips),
            border,
            carried,
            matrix,
            directions,
            offsets,
        )


def _stack(side: Sequence[Prepared], lay_out: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> Samples:
    parts = []
    for number in range(2):
        laid_out = [lay_out(one.samples[number]) for one in side]
        stack = np.zeros((len(side), len(laid_out[0]), max(one.shape[1] for one in laid_out)))
        for target, one in zip(stack, laid_out, strict=True):
            target[:, : one.shape[1]] = one
        parts.append(stack)
    return Samples(*parts)


def _check_windows(pairs: Pairs, row_lengths: NDArray[np.int64], column_lengths: NDArray[np.int64]) -> None:
    """Check the window for the pair whose lengths differ most."""
    ends = ((int(row_lengths.max()), int(column_lengths.min())), (int(row_lengths.min()), int(column_lengths.max())))
    n, m = max(ends, key=lambda pair: abs(pair[0] - pair[1]))
    check_window(pairs.window_size, n, m)


def _compare_one_by_one(pairs: Pairs, row: int) -> None:
    for column in range(row + 1 if pairs.symmetric else 0, len(pairs.columns)):
        problem = pairs.distance.pose(pairs.rows[row], pairs.columns[column], pairs.window_size)
        pairs.totals[row, column] = sweep_total(problem, lambda fraction: None)
