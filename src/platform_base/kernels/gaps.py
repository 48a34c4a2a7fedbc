"""What becomes of missing samples, which are NaN: an error, a result that is NaN, or values in between."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NAN_POLICIES = ("raise", "propagate", "interpolate")

REMEDY = 'fill or remove missing samples first, or give nan_policy="interpolate" where they are NaN'
"""What to say where a sample is missing and the policy is to raise an error."""


def check_nan_policy(nan_policy: Any) -> None:
    """Refuse a policy that there is not.

    Raises:
        ValueError: If it is none of `NAN_POLICIES`.
    """
    if nan_policy not in NAN_POLICIES:
        raise ValueError(f"nan_policy: expected one of {', '.join(NAN_POLICIES)}, got {nan_policy!r}")


def fill_gaps(series: NDArray[np.float64], times: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return `series` with every NaN replaced by linear interpolation over time.

    Args:
        series: ``(n, channels)``; a channel is interpolated by itself, and before its first and after its last value
            it keeps that value.
        times: ``(n,)``, increasing.
        name: What to call the series in messages.

    Raises:
        ValueError: If a channel holds nothing but NaN.

    Example:
        >>> fill_gaps(np.array([[1.0], [np.nan], [4.0]]), np.array([0.0, 1.0, 3.0]), "reference").ravel().tolist()
        [1.0, 2.0, 4.0]
    """
    filled = series.copy()
    for channel in range(series.shape[1]):
        column = filled[:, channel]
        missing = np.isnan(column)
        if missing.all():
            raise ValueError(
                f"{name}: expected at least one value in channel {channel} to interpolate from, got only NaN; "
                "drop the channel"
            )
        column[missing] = np.interp(times[missing], times[~missing], column[~missing])
    return filled
