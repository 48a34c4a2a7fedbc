"""The work itself, free of plugins: a pure function is easy to test and to use elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def scale_series(series: ArrayLike, *, multiplier: float = 2.0, offset: float = 0.0) -> NDArray[np.float64]:
    """Return ``series * multiplier + offset``.

    Args:
        series: Real numbers of any shape, at least one.
        multiplier: Dimensionless.
        offset: In the unit of the result.

    Returns:
        A new float64 array of the same shape.

    Raises:
        ValueError: If the series is empty or ragged, or holds NaN or infinity.
        TypeError: If it holds no real numbers.

    Example:
        >>> scale_series([1, 2, 3], multiplier=10.0, offset=0.5).tolist()
        [10.5, 20.5, 30.5]
    """
    try:
        array = np.asarray(series)
    except ValueError as error:
        raise ValueError("series: expected equally long rows, got a ragged sequence; pad or split it") from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"series: expected real numbers, got dtype {array.dtype}; convert to float64")
    if array.size == 0:
        raise ValueError(f"series: expected at least one value, got an empty series of shape {array.shape}")
    values = array.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(
            f"series: expected finite numbers, got {values.flat[bad[0]]} at position {bad[0]}; "
            "fill or remove missing values first"
        )
    # Of an array without dimensions, arithmetic makes a scalar.
    return np.asarray(values * multiplier + offset)
