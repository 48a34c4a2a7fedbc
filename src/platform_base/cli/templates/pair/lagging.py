"""The work itself, free of plugins: a pure function is easy to test and to use elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def correlate_lags(
    reference: ArrayLike, target: ArrayLike, *, max_lag: int = 10
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the Pearson correlation of two series at every lag.

    At lag k, ``target[i + k]`` is compared with ``reference[i]``, over those i for which there are both. Where either
    part is constant there is no correlation; it counts as 0.

    Args:
        reference: ``(n,)`` finite real numbers.
        target: ``(n,)``, evenly sampled at the same times.
        max_lag: Largest lag that is tried, samples; at most n - 2, so that two samples overlap.

    Returns:
        ``(2 max_lag + 1,)`` lags, int64, and as many correlations, float64, from -1 to 1.

    Raises:
        ValueError: They are no such series, or the lag is too large.
        TypeError: They hold no real numbers.

    Example:
        >>> lags, correlations = correlate_lags([0, 1, 0, 0], [0, 0, 1, 0], max_lag=1)
        >>> int(lags[correlations.argmax()])
        1
    """
    first, second = check_series(reference, "reference"), check_series(target, "target")
    if first.size != second.size:
        raise ValueError(
            f"target: expected {first.size} samples as in reference, got {second.size}; cut or resample one"
        )
    if max_lag > first.size - 2:
        raise ValueError(f"max_lag: expected at most {first.size - 2} for {first.size} samples, got {max_lag}")
    lags = np.arange(-max_lag, max_lag + 1)
    return lags, np.array([_correlate(*_overlap(first, second, int(lag))) for lag in lags])


def check_series(series: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return a series as float64; raises what `correlate_lags` does."""
    values = np.asarray(series)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"{name}: expected real numbers, got dtype {values.dtype}; convert to float64")
    if values.ndim != 1 or values.size < 2:
        raise ValueError(f"{name}: expected at least 2 samples in one dimension, got shape {values.shape}")
    values = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(
            f"{name}[{bad[0]}]: expected a finite number, got {values[bad[0]]}; fill missing samples first"
        )
    return values


def _overlap(
    first: NDArray[np.float64], second: NDArray[np.float64], lag: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if lag < 0:
        return first[-lag:], second[:lag]
    return first[: first.size - lag], second[lag:]


def _correlate(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    x, y = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else 0.0
