"""Checking of the series and time stamps that a caller hands in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_REMEDY = "fill or remove missing samples first"


def as_series(value: Any, name: str, *, allow_nan: bool = False, remedy: str = _REMEDY) -> NDArray[np.float64]:
    """Return `value` as an array of shape ``(n, channels)``, n and channels at least 1.

    Args:
        value: Real numbers, ``(n,)`` or ``(n, channels)``: a list, an array of any real dtype, or anything
            that NumPy can turn into one. It is never written to.
        name: What to call it in messages.
        allow_nan: Whether samples may be missing, NaN or masked, which become NaN; infinity never is a value.
        remedy: What to say that the caller may do where a value is not finite.

    Returns:
        A new C-contiguous float64 array; one-dimensional input becomes one channel.

    Raises:
        ValueError: If it is empty, ragged, of another shape, holds an infinity, or a sample is missing that may not.
        TypeError: If its elements are no real numbers.
    """
    if np.ma.is_masked(value):
        if not allow_nan:
            raise ValueError(f"{name}: expected a value for every sample, got masked ones; {remedy}")
        value = _uncover(value)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name}: expected equally long rows of numbers, got a ragged sequence; "
            "give an array of shape (n,) or (n, channels)"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}; convert to float64")
    if array.ndim not in (1, 2):
        raise ValueError(f"{name}: expected shape (n,) or (n, channels), got {array.shape}; reshape it")
    if array.size == 0:
        raise ValueError(f"{name}: expected at least one sample, got an empty series of shape {array.shape}")
    # A copy even where none is needed: Numba compiles once more for read-only arrays, which costs a second.
    series = np.array(array.reshape(len(array), -1), dtype=np.float64, order="C", copy=True)
    _refuse_non_finite(series, name, flat=array.ndim == 1, allow_nan=allow_nan, remedy=remedy)
    return series


def _uncover(value: Any) -> Any:
    """Return a masked array with NaN in place of what is masked; one that holds no real numbers as it is."""
    masked = np.ma.asarray(value)
    return np.ma.filled(masked.astype(np.float64), np.nan) if masked.dtype.kind in "biuf" else masked.data


def as_times(value: Any, name: str, count: int) -> NDArray[np.float64]:
    """Return `value` as `count` strictly increasing time stamps.

    Args:
        value: ``(count,)`` real numbers, in any unit of time.
        name: What to call it in messages.
        count: Samples of the series.

    Raises:
        ValueError: If there are not as many, one is not finite, or they do not increase.
        TypeError: If they are no real numbers.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"{name}: expected real numbers, got dtype {array.dtype}; convert time stamps to seconds since a common "
            "origin, as float64"
        )
    if array.shape != (count,):
        raise ValueError(
            f"{name}: expected {count} time stamps, one for each sample, got shape {array.shape}; "
            "give an array of shape (n,)"
        )
    times = array.astype(np.float64)
    broken = np.flatnonzero(~np.isfinite(times))
    if broken.size:
        raise ValueError(f"{name}[{int(broken[0])}]: expected a finite number, got {times[broken[0]]}")
    backward = np.flatnonzero(np.diff(times) <= 0)
    if backward.size:
        place = int(backward[0]) + 1
        raise ValueError(
            f"{name}[{place}]: expected more than {times[place - 1]} as before it, got {times[place]}; "
            "sort the samples by time, and drop those of equal time"
        )
    return times


def _refuse_non_finite(series: NDArray[np.float64], name: str, *, flat: bool, allow_nan: bool, remedy: str) -> None:
    finite = ~np.isinf(series) if allow_nan else np.isfinite(series)
    if finite.all():
        return
    row, channel = (int(index) for index in np.argwhere(~finite)[0])
    place = f"{name}[{row}]" if flat else f"{name}[{row}, {channel}]"
    raise ValueError(
        f"{place}: expected a finite number, got {series[row, channel]} ({int((~finite).sum())} such in all); {remedy}"
    )
