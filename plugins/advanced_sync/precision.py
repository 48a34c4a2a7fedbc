"""The precision of the arithmetic: float64, or float32 where a caller asks for it.

In single precision a vector register holds twice as many cells, so a long comparison takes little more than half the
time, and the checkpoints of a path half the memory. But every sample is rounded to float32, by up to 6e-8 of its value,
and so is the sum in every cell. Measured against float64, the distance of two series of normally distributed steps
(random walks) is off by, relative to it::

    samples of each    median    largest, euclidean or manhattan    largest, sqeuclidean
               256      1e-7                                1e-6                    1e-6
             1,024      3e-7                                2e-6                    3e-6
             4,096      6e-7                                3e-6                    1e-5
            16,384      1e-6                                8e-6                    5e-5
            65,536      5e-6                                3e-5                    1e-4

and that of recorded ones, 64 to 428 samples, by at most 1e-6 (sea temperature, sunspots) or 1e-5 (carbon dioxide, whose
level is 50 times its differences; 1e-6 once its mean is subtracted). The error grows with the length of the path. For
one channel of samples that float32 holds exactly it is never above about (n + m) 2^-24; other samples add their own
rounding: a level of 1,000 times the differences costs three digits, so subtract it first. Where two paths cost nearly
the same, the other one may be found.

Nothing is computed in float32 that was not asked for, whatever type the series have, because a caller who stores
measurements in float32 to save room has not said that results may be that coarse. What is not offered in float32 is an
error.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .step_patterns import STEP_PATTERNS, StepPattern

DTYPES = ("float64", "float32")

_METRICS = ("euclidean", "sqeuclidean", "manhattan")
_PATTERNS = tuple(STEP_PATTERNS[name] for name in ("symmetric1", "symmetric2"))

# Samples of both series: in a sum of so many terms float32 may have lost every digit, and it counts no further.
_LONGEST = 1 << 24


def check_dtype(dtype: Any) -> str:
    """Return the name of a precision, a string as `DTYPES` has them.

    Raises:
        ValueError: If it is another one.
        TypeError: If it is no string.
    """
    if not isinstance(dtype, str):
        raise TypeError(f'dtype: expected a name, "float64" or "float32", got {dtype!r}')
    if dtype not in DTYPES:
        raise ValueError(f'dtype: expected "float64" or "float32", got {dtype!r}')
    return dtype


def refuse_unless_offered(
    dtype: str, metric: str, pattern: StepPattern, *, open_begin: bool, open_end: bool, samples: int
) -> None:
    """Raise a ValueError if a choice is not offered in a precision, saying what is.

    Args:
        dtype: As `check_dtype` returns it.
        metric: The local cost.
        pattern: The step pattern.
        open_begin: See `Options`.
        open_end: See `Options`.
        samples: Of both series together.
    """
    if dtype == "float64":
        return
    wrong = (
        (metric not in _METRICS, f"distance_metric {metric}", f"with {', '.join(_METRICS)}"),
        (
            all(pattern is not one for one in _PATTERNS),
            f"step_pattern {pattern.name}",
            "with symmetric1 and symmetric2",
        ),
        (open_begin or open_end, "open_begin or open_end", "for paths from the first samples to the last"),
        (samples > _LONGEST, f"{samples} samples", f"for up to {_LONGEST} samples of both series"),
    )
    for refused, got, offered in wrong:
        if refused:
            raise ValueError(
                f"dtype: expected float64 with {got}, because float32 is offered {offered}; "
                'use those, or dtype="float64"'
            )


def refuse_matrices(dtype: Any) -> None:
    """Raise a ValueError if matrices of costs are asked for in single precision."""
    if check_dtype(dtype) != "float64":
        raise ValueError(
            "dtype: expected float64 where the matrices of costs are wanted, because float32 is offered for distances "
            'and paths; do without the matrices, or use dtype="float64"'
        )


def explain_overflow(dtype: str, series: str, all_of_them: str) -> str:
    """Return what to say where costs are infinite: of which series, and which of them to scale."""
    remedy = "" if dtype == "float64" else ', use dtype="float64"'
    return (
        f"the costs overflow {dtype}: the values of {series} differ by too much; "
        f"scale {all_of_them}{remedy}, or use another distance_metric"
    )


def as_dtype(series: NDArray[np.float64], dtype: str, name: str) -> NDArray[Any]:
    """Return ``(n, channels)`` samples in a precision, C-contiguous; they may be NaN.

    Raises:
        ValueError: If a sample is too large for float32.
    """
    if dtype == "float64":
        return np.ascontiguousarray(series)
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(series, dtype=dtype)
    lost = np.argwhere(np.isinf(rounded))
    if len(lost):
        row, channel = (int(index) for index in lost[0])
        place = f"{name}[{row}]" if series.shape[1] == 1 else f"{name}[{row}, {channel}]"
        raise ValueError(
            f"{place}: expected at most {np.finfo(np.float32).max:.2e} with dtype float32, got "
            f'{series[row, channel]:.2e}; scale all series, or use dtype="float64"'
        )
    return rounded
