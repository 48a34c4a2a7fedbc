"""What is compared at each sample: the values themselves, their derivative, or the shape around them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import NDArray

REPRESENTATIONS = ("values", "derivative", "shape")


def represent(
    series: NDArray[np.float64], times: NDArray[np.float64], representation: str, shape_reach: Any, name: str
) -> NDArray[np.float64]:
    """Return what `representation` compares, ``(n, features)`` float64.

    Args:
        series: ``(n, channels)`` float64.
        times: ``(n,)``, increasing.
        representation: One of `REPRESENTATIONS`.
        shape_reach: For shape: samples on either side.
        name: What to call the series in messages.

    Raises:
        ValueError: If there is no such representation, or the series is too short for it.
        TypeError: If `shape_reach` is no integer.
    """
    if representation == "values":
        return series
    if representation == "derivative":
        return derivative(series, times, name)
    if representation == "shape":
        return shape(series, shape_reach)
    raise ValueError(f"representation: expected one of {', '.join(REPRESENTATIONS)}, got {representation!r}")


def derivative(series: NDArray[np.float64], times: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return the slope at every sample as derivative DTW takes it.

    It is the mean of the slope from the sample before and of that from the sample before to the sample after,
    ``((x[i] - x[i-1]) / (t[i] - t[i-1]) + (x[i+1] - x[i-1]) / (t[i+1] - t[i-1])) / 2``; with samples one apart that
    is the formula of E. Keogh and M. Pazzani, Derivative Dynamic Time Warping, SDM 2001, doi
    10.1137/1.9781611972719.1. The first and the last sample take the slope of their neighbour.

    Args:
        series: ``(n, channels)``, n at least 3.
        times: ``(n,)``, increasing.
        name: What to call the series in messages.

    Returns:
        ``(n, channels)`` float64, in the unit of the series by that of the times.

    Raises:
        ValueError: If there are fewer than three samples.

    Example:
        >>> derivative(np.array([[0.0], [1.0], [4.0]]), np.arange(3.0), "x").ravel().tolist()
        [1.5, 1.5, 1.5]
    """
    if len(series) < 3:
        raise ValueError(f"{name}: expected at least 3 samples for a derivative, got {len(series)}; compare the values")
    t = times[:, np.newaxis]
    before = (series[1:-1] - series[:-2]) / (t[1:-1] - t[:-2])
    across = (series[2:] - series[:-2]) / (t[2:] - t[:-2])
    inner = (before + across) / 2.0
    return np.concatenate([inner[:1], inner, inner[-1:]])


def shape(series: NDArray[np.float64], reach: Any) -> NDArray[np.float64]:
    """Return, for every sample, the samples around it.

    These are the raw subsequences of J. Zhao and L. Itti, shapeDTW: shape Dynamic Time Warping, Pattern Recognition 74
    (2018), doi 10.1016/j.patcog.2017.09.020. Beyond the ends the first and the last sample are repeated.

    Args:
        series: ``(n, channels)``.
        reach: Samples on either side, at least 1.

    Returns:
        ``(n, channels * (2 * reach + 1))`` float64.

    Raises:
        ValueError: If `reach` is less than 1.
        TypeError: If `reach` is no integer.

    Example:
        >>> shape(np.array([[1.0], [2.0], [4.0]]), 1).tolist()
        [[1.0, 1.0, 2.0], [1.0, 2.0, 4.0], [2.0, 4.0, 4.0]]
    """
    if isinstance(reach, (bool, np.bool_)):
        raise TypeError(f"shape_reach: expected a whole number of samples, got {reach}")
    try:
        count = operator.index(reach)
    except TypeError as error:
        raise TypeError(f"shape_reach: expected a whole number of samples, got {reach!r}") from error
    if count < 1:
        raise ValueError(f"shape_reach: expected at least 1 sample, got {count}")
    padded = np.pad(series, ((count, count), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * count + 1, axis=0)
    return np.ascontiguousarray(windows.reshape(len(series), -1))
