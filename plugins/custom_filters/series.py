"""Checking of the series and the time stamps that a caller hands in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.series import as_times as check_times

from .parameters import check_integer
from .recursion import KernelName, load_compiled

# Samples that stay in the second-level cache between two readings.
_PIECE = 1 << 15
# There is one object for the type of native numbers.
_FLOAT64 = np.dtype(np.float64)
# Samples whose product BLAS does not share out to threads.
_ONE_CORE = 1 << 13
# Below it the sum of squares has not overflowed, and nothing is missing.
_PLAIN = 1e300
# Of an array whose rows become columns; shorter ones NumPy copies as fast.
_SHORTEST_SIDE = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A series as lines of samples, and the way back to its shape.

    Attributes:
        values: ``(channels, n)`` float64, C-contiguous; NaN where a sample is missing. It may be the caller's own
            memory: it is never written to.
        missing: Whether there is a NaN.
        peak: Largest magnitude; NaN where there is a NaN.
        shape: Shape of the series.
        axis: Which axis is time, from 0.
        kernel: Who turns rows into columns.
    """

    values: NDArray[np.float64]
    missing: bool
    peak: float
    shape: tuple[int, ...]
    axis: int
    kernel: KernelName

    def restore(self, lines: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return lines, of any length, in the shape of the series; C-contiguous."""
        others = self.shape[: self.axis] + self.shape[self.axis + 1 :]
        if self.axis == len(others):
            return lines.reshape(*others, lines.shape[1])
        if self.axis == 0 and self.kernel == "numba" and min(lines.shape) >= _SHORTEST_SIDE:
            return _transpose(lines).reshape(lines.shape[1], *others)
        return np.ascontiguousarray(np.moveaxis(lines.reshape(*others, lines.shape[1]), -1, self.axis))


def as_lines(value: Any, axis: int, kernel: KernelName, *, may_miss: bool, look: bool = True) -> Lines:
    """Return a series as lines.

    Args:
        value: Real numbers of any shape: a list, an array of any real dtype, or anything that NumPy can turn into
            one; NaN and masked samples are missing ones.
        axis: Which axis is time.
        kernel: Who turns rows into columns.
        may_miss: Whether samples may be missing.
        look: Whether to look for samples that are not finite; without, `missing` is false and `peak` 0.

    Raises:
        ValueError: If it is empty, ragged, a scalar, has no such axis, or holds an infinity, or a sample is missing
            that may not.
        TypeError: If its elements are no real numbers.
    """
    array = _as_array(value)
    number = check_integer(axis, "axis", -array.ndim)
    if number >= array.ndim:
        raise ValueError(f"axis: expected from {-array.ndim} to {array.ndim - 1} for shape {array.shape}, got {axis}")
    number %= array.ndim
    samples = array.shape[number]
    plain = number == 0 and array.dtype is _FLOAT64 and array.flags.c_contiguous
    if plain and kernel == "numba" and min(samples, array.size // samples) >= _SHORTEST_SIDE:
        lines = _transpose(array.reshape(samples, -1))
    else:
        lines = np.ascontiguousarray(np.moveaxis(array, number, -1).reshape(-1, samples), dtype=np.float64)
    peak = _find_peak(lines.reshape(-1)) if look else 0.0
    missing = not math.isfinite(peak) and _check_finite(array, may_miss=may_miss)
    return Lines(values=lines, missing=missing, peak=peak, shape=array.shape, axis=number, kernel=kernel)


def _transpose(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    columns = np.empty(rows.shape[::-1])
    load_compiled().compile_transposition()(rows, columns)
    return columns


def take_plain_line(value: Any, axis: Any, samples: int | None) -> NDArray[np.float64] | None:
    """Return a series as a line, ``(1, n)``, if it can be taken as it is, without a look at its samples one by one.

    Args:
        value: As of `as_lines`.
        axis: Likewise.
        samples: As many and more are not taken; ``None`` for any number.

    Returns:
        The caller's own memory: finite samples, of which none is above 1e150; ``None`` where that is not sure.
    """
    if type(value) is not np.ndarray or value.dtype is not _FLOAT64 or type(axis) is not int:
        return None
    if value.ndim != 1 or not -1 <= axis <= 0 or not value.size or not value.flags.c_contiguous:
        return None
    if samples is not None and value.size >= samples:
        return None
    squares = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, value.size, _ONE_CORE):
            piece = value[start : start + _ONE_CORE]
            squares += piece.dot(piece)
    if not squares < _PLAIN:
        return None
    line: NDArray[np.float64] = value.reshape(1, -1)
    return line


def _as_array(value: Any) -> NDArray[Any]:
    if np.ma.is_masked(value):
        value = np.ma.filled(np.ma.asarray(value).astype(np.float64), np.nan)
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            "series: expected equally long rows of numbers, got a ragged sequence; "
            "give an array of shape (n,) or (n, channels)"
        ) from error
    if array.dtype.kind not in "biuf":
        raise TypeError(f"series: expected real numbers, got dtype {array.dtype}; convert to float64")
    if array.ndim == 0:
        raise ValueError("series: expected shape (n,) or (n, channels), got a single number")
    if array.size == 0:
        raise ValueError(f"series: expected at least one sample, got an empty series of shape {array.shape}")
    return array


def _find_peak(values: NDArray[np.float64]) -> float:
    """Return the largest magnitude, NaN where there is one; each sample comes from memory once."""
    peaks = []
    for start in range(0, len(values), _PIECE):
        piece = values[start : start + _PIECE]
        peaks += [-piece.min(), piece.max()]
    return float(np.max(peaks))


def _check_finite(array: NDArray[Any], *, may_miss: bool) -> bool:
    bad = np.isinf(array) if may_miss else ~np.isfinite(array)
    if bad.any():
        place = tuple(int(index) for index in np.argwhere(bad)[0])
        remedy = (
            "nan_policy says how to handle missing samples (NaN), not infinite ones"
            if may_miss
            else "fill or remove missing samples first, or choose another nan_policy (propagate, interpolate, segments)"
        )
        raise ValueError(
            f"series[{', '.join(map(str, place))}]: expected a finite number, got {array[place]} "
            f"({int(bad.sum())} such in all); {remedy}"
        )
    return bool(np.isnan(array).any())


def as_times(value: Any, samples: int) -> NDArray[np.float64]:
    """Return time stamps in seconds, increasing.

    Args:
        value: ``(n,)`` real numbers, seconds, or datetime64.
        samples: n.

    Raises:
        ValueError: If they are not as many as the samples, not finite, or not increasing.
        TypeError: If they are no times.
    """
    array = np.asarray(value)
    if array.dtype.kind == "M" and array.size:
        if np.isnat(array).any():
            raise ValueError("times: expected a time for every sample, got NaT")
        array = (array - array.flat[0]) / np.timedelta64(1, "s")
    return check_times(array, "times", samples)
