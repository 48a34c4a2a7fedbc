"""The standard deviation in compiled code, bit for bit as NumPy computes it: the sums are formed pairwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .steps import asks_nothing
from .vectorized import kernel, overload, step_asks_spread, step_between

# Up to so many numbers are summed in eight sums side by side; more are halved.
_BLOCK = 128
# Halvings of as many numbers as there may be.
_DEPTH = 64


def settle(steps: Any, first: NDArray[np.float64], second: NDArray[np.float64]) -> Any:
    """Return the steps for two ``(n,)`` series: with the parameters that follow from their spread; compiled code only.

    Where none ever does, nothing is compiled for it.
    """
    raise NotImplementedError("settle: only compiled code calls this; NumPy's kernel takes ElasticDistance.pose")


@overload(settle, strict=False)
def _settle(steps: Any, first: Any, second: Any) -> Any:
    if steps.instance_class.asks_spread is asks_nothing:
        return lambda steps, first, second: steps

    def settle_by_spread(steps: Any, first: Any, second: Any) -> Any:
        if step_asks_spread(steps):
            return step_between(steps, measure_spread(first), measure_spread(second))
        return steps

    return settle_by_spread


@kernel
def measure_spread(series: NDArray[np.float64]) -> float:
    """Return the standard deviation of ``(n,)`` values, n at least 1, as ``np.std`` does."""
    n = series.size
    mean = sum_pairwise(series) / n
    squares = np.empty(n)
    for k in range(n):
        squares[k] = (series[k] - mean) * (series[k] - mean)
    return math.sqrt(sum_pairwise(squares) / n)


@kernel
def sum_pairwise(values: NDArray[np.float64]) -> float:
    """Return the sum of ``(n,)`` values: that of the first half and that of the second, and so on down to blocks.

    N. J. Higham, The accuracy of floating point summation, SIAM J. Sci. Comput. 14 (1993) 783-799.
    """
    if values.size <= _BLOCK:
        return sum_block(values, 0, values.size)
    # Pieces to be summed, as start and length, the next one last; the sum of a left half waits for that of the right.
    starts, lengths = np.empty(_DEPTH, np.int64), np.empty(_DEPTH, np.int64)
    waiting, level = np.empty(_DEPTH), 0
    sums = np.empty(_DEPTH, np.int64)
    starts[0], lengths[0], sums[0] = 0, values.size, 0
    done = 0.0
    while level >= 0:
        length = lengths[level]
        half = length // 2 - length // 2 % 8
        if length <= _BLOCK:
            done = sum_block(values, starts[level], length)
            level -= 1
        elif sums[level] == 0:
            sums[level] = 1
            starts[level + 1], lengths[level + 1], sums[level + 1] = starts[level], half, 0
            level += 1
        elif sums[level] == 1:
            sums[level], waiting[level] = 2, done
            starts[level + 1], lengths[level + 1], sums[level + 1] = starts[level] + half, length - half, 0
            level += 1
        else:
            done = waiting[level] + done
            level -= 1
    return done


@kernel
def sum_block(values: NDArray[np.float64], start: int, length: int) -> float:
    """Return the sum of some of the values, at most `_BLOCK`: eight sums side by side, which are added up in pairs."""
    total = 0.0
    whole = length - length % 8 if length >= 8 else 0
    if whole:
        a, b, c, d = values[start], values[start + 1], values[start + 2], values[start + 3]
        e, f, g, h = values[start + 4], values[start + 5], values[start + 6], values[start + 7]
        for k in range(start + 8, start + whole, 8):
            a, b, c, d = a + values[k], b + values[k + 1], c + values[k + 2], d + values[k + 3]
            e, f, g, h = e + values[k + 4], f + values[k + 5], g + values[k + 6], h + values[k + 7]
        total = ((a + b) + (c + d)) + ((e + f) + (g + h))
    for k in range(start + whole, start + length):
        total += values[k]
    return total
