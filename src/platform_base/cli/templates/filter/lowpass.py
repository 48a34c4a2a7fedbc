"""The work itself, free of plugins: pure functions are easy to test and to use elsewhere.

A low-pass filter by the window method: the ideal impulse response sin(x) / x, cut off and tapered with a Hamming
window. Source: Oppenheim and Schafer, "Discrete-Time Signal Processing", section 7.5.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def design_taps(*, cutoff: float = 0.1, sampling_rate: float = 1.0, half_width: int = 20) -> NDArray[np.float64]:
    """Return the impulse response of a low-pass filter.

    Args:
        cutoff: Frequency at which half of the amplitude is left, Hz; above 0, below half of the sampling rate.
        sampling_rate: Hz.
        half_width: Samples on each side.

    Returns:
        ``(2 half_width + 1,)`` float64, symmetric, with the sum 1.

    Raises:
        ValueError: The cutoff is not below half of the sampling rate.
    """
    if not 0 < cutoff < sampling_rate / 2:
        raise ValueError(
            f"cutoff: expected a frequency above 0 and below half of the sampling rate, {sampling_rate / 2:g} Hz, "
            f"got {cutoff:g} Hz"
        )
    offsets = np.arange(-half_width, half_width + 1)
    taps = np.sinc(2 * cutoff / sampling_rate * offsets) * np.hamming(offsets.size)
    return np.asarray(taps / taps.sum(), dtype=np.float64)


def filter_series(series: ArrayLike, taps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Filter a series without delay; beyond its ends it goes on with its first and last value.

    Args:
        series: ``(n,)`` finite real numbers, n at least 1, evenly sampled.
        taps: ``(2 k + 1,)`` symmetric impulse response.

    Returns:
        ``(n,)`` float64, in the unit of the series.

    Raises:
        ValueError: It is no such series.
        TypeError: It holds no real numbers.

    Example:
        >>> filter_series([1.0, 1.0, 1.0], np.array([0.25, 0.5, 0.25])).tolist()
        [1.0, 1.0, 1.0]
    """
    values = np.asarray(series)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"series: expected real numbers, got dtype {values.dtype}; convert to float64")
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"series: expected at least one sample in one dimension, got shape {values.shape}")
    values = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(
            f"series[{bad[0]}]: expected a finite number, got {values[bad[0]]}; fill missing samples first"
        )
    half = taps.size // 2
    return np.convolve(np.pad(values, half, mode="edge"), taps, mode="valid")
