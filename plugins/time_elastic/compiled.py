"""The recurrence compiled with Numba: one row of the cost matrix after the other.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

try:
    import numba
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: `kernels` falls back to NumPy.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np
from numpy.typing import NDArray


def _compile(function: Callable[..., Any]) -> Callable[..., Any]:
    try:
        compiled: Callable[..., Any] = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError:
        # Numba raises this where no directory can be written to for its cache: then every process compiles.
        compiled = numba.njit(nogil=True)(function)
    return compiled


@_compile
def fill_gaps(
    sample: NDArray[np.float64],
    time: float,
    channels: NDArray[np.float64],
    times: NDArray[np.float64],
    nu: float,
    degree: float,
    gaps: NDArray[np.float64],
) -> None:
    """Set `gaps` to the distance, in value and time, of one sample of the first series from the second.

    Args:
        sample: ``(channels,)``.
        time: Its time stamp.
        channels: The second series, ``(channels, m)``.
        times: Its time stamps, ``(m,)``.
        nu: Stiffness.
        degree: Degree of the norm.
        gaps: ``(m,)``, written.
    """
    m = channels.shape[1]
    for j in range(m):
        gaps[j] = 0.0
    for channel in range(channels.shape[0]):
        value = sample[channel]
        row = channels[channel]
        if degree == 1.0:
            for j in range(m):
                gaps[j] += abs(value - row[j])
        elif degree == 2.0:
            for j in range(m):
                difference = value - row[j]
                gaps[j] += difference * difference
        else:
            for j in range(m):
                gaps[j] += abs(value - row[j]) ** degree
    if degree == 2.0:
        for j in range(m):
            gaps[j] = math.sqrt(gaps[j])
    elif degree != 1.0:
        for j in range(m):
            gaps[j] = gaps[j] ** (1.0 / degree)
    for j in range(m):
        gaps[j] += nu * abs(time - times[j])


@_compile
def rows(
    first: NDArray[np.float64],
    first_times: NDArray[np.float64],
    first_deletion: NDArray[np.float64],
    channels: NDArray[np.float64],
    second_times: NDArray[np.float64],
    second_deletion: NDArray[np.float64],
    nu: float,
    degree: float,
    start: int,
    stop: int,
    row: NDArray[np.float64],
    gaps: NDArray[np.float64],
    matrix: NDArray[np.float64],
) -> None:
    """Advance `row` from cost-matrix row ``start - 1`` to row ``stop - 1``, rows counted from 0.

    Args:
        first: ``(n, channels)``.
        first_times: ``(n,)``.
        first_deletion: ``(n,)``.
        channels: The second series, ``(channels, m)``.
        second_times: ``(m,)``.
        second_deletion: ``(m,)``.
        nu: Stiffness.
        degree: Degree of the norm.
        start: First row to compute, at least 1.
        stop: End of the rows to compute, exclusive.
        row: ``(m,)``, read and written.
        gaps: ``(2, m)``; row ``(start - 1) % 2`` holds the gaps of sample ``start - 1``; read and written.
        matrix: ``(n, m)``, written, or of no rows where the matrix is not wanted.
    """
    m = channels.shape[1]
    keep = matrix.shape[0] > 0
    for i in range(start, stop):
        here = gaps[i % 2]
        before = gaps[(i - 1) % 2]
        fill_gaps(first[i], first_times[i], channels, second_times, nu, degree, here)
        delete_first = first_deletion[i]
        diagonal = row[0]
        left = row[0] + delete_first
        row[0] = left
        for j in range(1, m):
            up = row[j]
            best = diagonal + (here[j] + before[j - 1])
            best = min(best, up + delete_first)
            best = min(best, left + second_deletion[j])
            diagonal = up
            left = best
            row[j] = best
        if keep:
            matrix[i, :] = row
