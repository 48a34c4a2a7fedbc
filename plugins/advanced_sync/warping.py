"""A series along a warping path: on the time axis of the other one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def warp(series: NDArray[np.float64], path: NDArray[np.int64], positions: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `series` on another time axis.

    Where the path matches several samples of `series` with one sample of the axis, their mean counts. A sample of the
    axis that the path steps over is interpolated linearly over its position; before and behind the path it is NaN.

    Args:
        series: ``(k, channels)`` float64.
        path: ``(pairs, 2)`` int64: samples of the axis and of `series`, in time order.
        positions: Where the samples of the axis lie, ``(n,)``, increasing.

    Returns:
        ``(n, channels)`` float64.

    Example:
        >>> path = np.array([[0, 0], [0, 1], [2, 2]])
        >>> warp(np.array([[1.0], [3.0], [6.0]]), path, np.arange(4.0)).ravel().tolist()
        [2.0, 4.0, 6.0, nan]
    """
    warped = np.full((len(positions), series.shape[1]), np.nan)
    if not len(path):
        return warped
    starts = np.flatnonzero(np.diff(path[:, 0], prepend=-1))
    counts = np.diff(starts, append=len(path))
    matched = path[starts, 0]
    means = np.add.reduceat(series[path[:, 1]], starts, axis=0) / counts[:, np.newaxis]
    warped[matched] = means
    passed = np.setdiff1d(np.arange(matched[0], matched[-1] + 1), matched)
    for channel in range(series.shape[1] if passed.size else 0):
        warped[passed, channel] = np.interp(positions[passed], positions[matched], means[:, channel])
    return warped
