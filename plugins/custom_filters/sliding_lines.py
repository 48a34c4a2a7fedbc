"""Sliding windows along whole lines: with what lies beyond the ends, piece by piece, whatever is done in each window.

A piece is copied with as many samples around it as its windows need, into room that stays in the first-level cache;
the results do not depend on where it is cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.compilation import kernel
from platform_base.kernels.vectors import load, reduce_sum, splat, store

from .sliding_medians import replace_outliers, running_medians
from .sliding_selection import LANES, LONGEST, replace_far_ones, select_medians
from .sliding_vectors import running_means, weighted_sums

# Outputs at a time, and windows that they span at least.
_PIECE = 1 << 12
_WINDOWS = 16
# Samples that are copied at a time.
_COPIED = 32


@kernel
def count_piece(lines: NDArray[np.float64], length: int, out: NDArray[np.float64]) -> int:
    """Return how many outputs there are at a time."""
    return min(out.shape[1], max(_PIECE, _WINDOWS * length))


@kernel
def take_piece(line: NDArray[np.float64], start: int, count: int, ends: int, piece: NDArray[np.float64]) -> bool:
    """Copy ``line[start : start + count]``, of which any part may lie beyond the ends.

    Args:
        line: ``(n,)``.
        start: May be below 0.
        count: Samples.
        ends: What lies beyond the ends, as `sliding_ends.ENDS` says.
        piece: At least ``(count,)``, written.

    Returns:
        Whether all are finite.
    """
    n = line.shape[0]
    first, last = min(count, max(0, -start)), max(0, min(count, n - start))
    # Nothing times a sample is nothing, unless it is not finite.
    check = splat(0.0, _COPIED)
    whole = first + max(0, last - first) // _COPIED * _COPIED
    for k in range(first, whole, _COPIED):
        these = load(line, start + k, _COPIED)
        store(piece, k, these)
        check = check + these * 0.0
    total = reduce_sum(check)
    for k in range(whole, last):
        piece[k] = line[start + k]
        total += piece[k] * 0.0
    for k in range(first):
        piece[k] = _look_beyond(line[0], line[min(n - 1, -start - k)], ends)
        total += piece[k] * 0.0
    for k in range(last, count):
        piece[k] = _look_beyond(line[n - 1], line[max(0, 2 * (n - 1) - start - k)], ends)
        total += piece[k] * 0.0
    return total == 0.0


@kernel
def _look_beyond(last: float, mirrored: float, ends: int) -> float:
    if ends == 0:
        return last
    return 0.0 if ends == 1 else 2.0 * last - mirrored


@kernel
def average_lines(lines: NDArray[np.float64], length: int, before: int, ends: int, out: NDArray[np.float64]) -> None:
    """Set every output to the mean of its window.

    Args:
        lines: ``(channels, n)``.
        length: Samples in a window.
        before: How many of them lie before the sample whose output it is.
        ends: What lies beyond the ends, as `sliding_ends.ENDS` says.
        out: ``(channels, m)``, written: the outputs of the first m samples.
    """
    at_once = count_piece(lines, length, out)
    piece = np.empty(at_once + length - 1)
    for channel in range(lines.shape[0]):
        for start in range(0, out.shape[1], at_once):
            count = min(at_once, out.shape[1] - start)
            take_piece(lines[channel], start - before, count + length - 1, ends, piece)
            running_means(piece[: count + length - 1], length, out[channel, start : start + count])


@kernel
def weigh_lines(
    lines: NDArray[np.float64], weights: NDArray[np.float64], before: int, ends: int, out: NDArray[np.float64]
) -> None:
    """Set every output to the weighted sum of its window; arguments as of `average_lines`."""
    length = weights.shape[0]
    at_once = count_piece(lines, length, out)
    piece = np.empty(at_once + length - 1)
    for channel in range(lines.shape[0]):
        for start in range(0, out.shape[1], at_once):
            count = min(at_once, out.shape[1] - start)
            take_piece(lines[channel], start - before, count + length - 1, ends, piece)
            weighted_sums(piece[: count + length - 1], weights, out[channel, start : start + count])


@kernel
def take_medians(lines: NDArray[np.float64], length: int, before: int, ends: int, out: NDArray[np.float64]) -> bool:
    """Set every output to the median of its window; arguments as of `average_lines`, with an odd length.

    Returns:
        Whether it is done: not where a sample is not finite.
    """
    at_once = count_piece(lines, length, out)
    # What vectors read beyond the last sample comes into no output.
    piece = np.zeros(at_once + length - 1 + LANES)
    for channel in range(lines.shape[0]):
        for start in range(0, out.shape[1], at_once):
            count = min(at_once, out.shape[1] - start)
            if not take_piece(lines[channel], start - before, count + length - 1, ends, piece):
                return False
            if length <= LONGEST:
                select_medians(piece, length, out[channel, start : start + count])
            else:
                running_medians(piece[: count + length - 1], length, out[channel, start : start + count])
    return True


@kernel
def clean_lines(
    lines: NDArray[np.float64], length: int, at: int, before: int, ends: int, limit: float, out: NDArray[np.float64]
) -> bool:
    """Replace outliers by the median of their window, as `replace_outliers`; arguments as of `take_medians` else."""
    at_once = count_piece(lines, length, out)
    piece = np.zeros(at_once + length - 1 + LANES)
    for channel in range(lines.shape[0]):
        for start in range(0, out.shape[1], at_once):
            count = min(at_once, out.shape[1] - start)
            if not take_piece(lines[channel], start - before, count + length - 1, ends, piece):
                return False
            if length <= LONGEST:
                replace_far_ones(piece, length, at, limit, out[channel, start : start + count])
            else:
                found = out[channel, start : start + count]
                replace_outliers(piece[: count + length - 1], length, at, limit, found)
    return True
