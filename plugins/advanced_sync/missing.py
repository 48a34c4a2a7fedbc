"""Missing samples among many series: what each policy makes of a series in which there are some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.gaps import REMEDY, check_nan_policy, fill_gaps
from platform_base.kernels.series import as_series


def take_gaps(series: Any, name: str, nan_policy: str) -> tuple[Any, NDArray[np.intp]]:
    """Return series that can be compared, and which of them cannot.

    Args:
        series: As `check_many` takes them, which says what is wrong with them otherwise.
        name: What to call them in messages.
        nan_policy: ``"raise"``: they are left as they are; ``"propagate"``: zeros stand for a series with NaN;
            ``"interpolate"``: NaN is filled, by channel and over the samples.

    Returns:
        The series, and the numbers of those whose distances are NaN.

    Raises:
        ValueError: If there is no such policy, an infinity, or nothing to interpolate from.
        TypeError: If a series holds no real numbers.

    Example:
        >>> series, lost = take_gaps([[1.0, np.nan], [2.0, 3.0]], "series", "propagate")
        >>> [one.ravel().tolist() for one in series], lost.tolist()
        ([[0.0, 0.0], [2.0, 3.0]], [0])
    """
    check_nan_policy(nan_policy)
    if nan_policy == "raise" or isinstance(series, (str, bytes)) or not isinstance(series, (Sequence, np.ndarray)):
        return series, np.empty(0, dtype=np.intp)
    taken = [take_gap(one, f"{name}[{number}]", nan_policy) for number, one in enumerate(series)]
    return [one for one, _ in taken], np.flatnonzero([lost for _, lost in taken])


def take_gap(series: Any, name: str, nan_policy: str) -> tuple[Any, bool]:
    """Return one series that can be compared, and whether it cannot; arguments and errors are those of `take_gaps`."""
    check_nan_policy(nan_policy)
    if nan_policy == "raise":
        return series, False
    values = as_series(series, name, allow_nan=True, remedy=REMEDY)
    if not np.isnan(values).any():
        return values, False
    if nan_policy == "propagate":
        return np.zeros_like(values), True
    return fill_gaps(values, np.arange(float(len(values))), name), False
