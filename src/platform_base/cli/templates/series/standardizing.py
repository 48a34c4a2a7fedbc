"""The work itself, free of plugins: a pure function is easy to test and to use elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def standardize(
    series: ArrayLike, *, method: str = "moments", degrees_of_freedom: int = 0
) -> tuple[NDArray[np.float64], float, float]:
    """Subtract the centre of a series and divide by its spread.

    Args:
        series: ``(n,)`` finite real numbers that are not all the same, n at least 2.
        method: ``"moments"``: mean and standard deviation; ``"quantiles"``: median and interquartile range.
        degrees_of_freedom: What is subtracted from n in the standard deviation.

    Returns:
        ``(n,)`` float64 without unit; the centre and the spread, in the unit of the series.

    Raises:
        ValueError: It is no such series.
        TypeError: It holds no real numbers.

    Example:
        >>> standardize([1.0, 3.0])[0].tolist()
        [-1.0, 1.0]
    """
    values = np.asarray(series)
    if values.dtype.kind not in "iuf":
        raise TypeError(f"series: expected real numbers, got dtype {values.dtype}; convert to float64")
    if values.ndim != 1 or values.size < 2:
        raise ValueError(f"series: expected at least 2 samples in one dimension, got shape {values.shape}")
    values = values.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(
            f"series[{bad[0]}]: expected a finite number, got {values[bad[0]]}; fill missing samples first"
        )
    if method == "moments":
        center, spread = float(values.mean()), float(values.std(ddof=degrees_of_freedom))
    else:
        low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
        center, spread = float(middle), float(high - low)
    if spread == 0.0:
        raise ValueError(f"series: expected a spread above 0 ({method}), got 0; its samples are (almost) all the same")
    return (values - center) / spread, center, spread
