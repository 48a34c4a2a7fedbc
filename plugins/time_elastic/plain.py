"""Two plain arrays straight to their distance, in one call of compiled code.

For short series, looking at the arguments in Python and laying them out with NumPy costs many times what the cells
cost.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lag_table import lay_out_lags
from .spread import settle
from .steps import Samples
from .strips import MASK, run_strips, walk_back_strips
from .vectorized import (
    LANES,
    inlined,
    kernel,
    step_describe,
    step_finish,
    step_finish_matrix,
    step_width,
)

# Both at most so long are compared in a few milliseconds, and their matrix fits into memory.
_LONGEST = 2048


@kernel
def measure_plain(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    steps: Any,
    rooted: bool,
    weights: NDArray[np.float64] | None,
) -> float:
    """Return the distance, or NaN for very long series; arguments are those of `short.measure_short`."""
    if not are_plain(first, second):
        return np.nan
    nothing = np.empty(0, np.uint8), np.empty(0, np.int64)
    return sweep_plain(steps, first, second, rooted, weights, np.empty((0, 0), np.float64), nothing[0], nothing[1])[0]


@kernel
def fill_matrix_plain(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    matrix: NDArray[np.float64],
    steps: Any,
    rooted: bool,
    weights: NDArray[np.float64] | None,
) -> float:
    """Fill the cost matrix, ``(n, m)``, and return the distance; see `measure_plain`."""
    if not are_plain(first, second):
        return np.nan
    nothing = np.empty(0, np.uint8), np.empty(0, np.int64)
    return sweep_plain(steps, first, second, rooted, weights, matrix, nothing[0], nothing[1])[0]


@kernel
def find_path_plain(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    steps: Any,
    rooted: bool,
    weights: NDArray[np.float64] | None,
) -> tuple[NDArray[np.int64], float]:
    """Return the path, ``(k, 2)``, and the distance; see `measure_plain`."""
    if not are_plain(first, second):
        return np.empty((0, 2), dtype=np.int64), np.nan
    n, m = first.size, second.size
    strips = (n + LANES - 1) // LANES
    # One column more than there may be.
    piece = (m + 1 + LANES) * 2 * MASK
    directions = np.empty(strips * piece, dtype=np.uint8)
    offsets = np.arange(strips) * piece
    total, extra = sweep_plain(steps, first, second, rooted, weights, np.empty((0, 0), np.float64), directions, offsets)
    if not -np.inf < total < np.inf:
        return np.empty((0, 2), dtype=np.int64), total
    geometry = n, m + extra, extra, n + m, 0
    return walk_back_strips(directions, offsets, geometry, (n - 1, m + extra - 1), 0)[0], total


@kernel
def are_plain(first: NDArray[np.float64], second: NDArray[np.float64]) -> bool:
    """Return whether two series are short enough that nobody waits for news of them, and neither is empty."""
    return min(first.size, second.size) > 0 and max(first.size, second.size) <= _LONGEST


@inlined
def sweep_plain(
    steps: Any,
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    rooted: bool,
    weights: NDArray[np.float64] | None,
    matrix: NDArray[np.float64],
    directions: NDArray[np.uint8],
    offsets: NDArray[np.int64],
) -> tuple[float, int]:
    """Lay the series out and run the strips; arguments are those of `measure_plain` and `strips.run_strips`.

    Returns:
        The distance, not finite where a value of the series is not, or the costs overflow; and 1 if paths may begin by
        deleting, else 0.
    """
    n, m = first.size, second.size
    if not (is_finite(first) and is_finite(second)):
        return np.nan, 0
    lags, centre = (np.empty((2, 0), np.float64), 0) if weights is None else lay_out_lags(weights[0], n, m, 2 * LANES)
    rows, _ = describe_plain(steps, first, (n + LANES - 1) // LANES * LANES)
    samples, deletion = describe_plain(steps, second, m)
    steps = settle(steps, rows.values[0, :n], samples.values[0])
    extra = 1 if deletion[0] < np.inf else 0
    width = m + extra + 2 * LANES
    features = samples.features.shape[0]
    columns = Samples(np.zeros((1, width), np.float64), np.zeros((features, width), np.float64))
    for j in range(m):
        place = LANES + m - 1 - j
        columns.values[0, place] = second[j]
        for feature in range(features):
            columns.features[feature, place] = samples.features[feature, j]
    border, carried = np.empty(m + extra + LANES, np.float64), np.empty(m + extra + LANES, np.float64)
    above = 0.0 if extra == 1 else np.inf
    for j in range(border.size):
        border[j] = carried[j] = above
        above = above + deletion[j] if j < m else np.inf
    total = run_strips(
        steps,
        rows,
        columns,
        lags,
        (n, m + extra, extra, n + m, centre),
        (None, rooted),
        (0, (n + LANES - 1) // LANES),
        border,
        carried,
        matrix,
        directions,
        offsets,
    )
    step_finish_matrix(steps, matrix)
    return step_finish(steps, total, n, m), extra


@kernel
def describe_plain(steps: Any, series: NDArray[np.float64], length: int) -> tuple[Samples, NDArray[np.float64]]:
    """Return a series, padded with zeros to `length`, with its features, and what deleting its samples costs."""
    # Loops, and each dtype named in one way: NumPy's functions, and other ways to name it, are compiled one by one too.
    n = series.size
    values, times, deletion = np.empty((1, n), np.float64), np.empty(n, np.float64), np.empty(n, np.float64)
    for k in range(n):
        values[0, k], times[k], deletion[k] = series[k], k + 1.0, np.inf
    features = np.zeros((step_width(steps, 1), n), np.float64)
    step_describe(steps, values, times, features, deletion)
    padded = Samples(np.zeros((1, length), np.float64), np.zeros((features.shape[0], length), np.float64))
    for k in range(n):
        padded.values[0, k] = values[0, k]
        for feature in range(features.shape[0]):
            padded.features[feature, k] = features[feature, k]
    return padded, deletion


@kernel
def is_finite(series: NDArray[np.float64]) -> bool:
    """Return whether every value is a number, and not infinite: anything else minus itself is no number."""
    sound = 0.0
    for k in range(series.size):
        sound += series[k] - series[k]
    return sound == 0.0


@kernel
def describe_samples(
    steps: Any,
    values: NDArray[np.float64],
    times: NDArray[np.float64],
    features: NDArray[np.float64],
    deletion: NDArray[np.float64],
) -> None:
    """Compute what depends on one series alone, as `steps.Steps.describe` says."""
    step_describe(steps, values, times, features, deletion)
