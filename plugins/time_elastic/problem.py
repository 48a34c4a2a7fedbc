"""One distance to compute, checked: what the kernels may rely on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .series import as_series, as_times


@dataclass(frozen=True, slots=True, kw_only=True)
class EditProblem:
    """Two series with time stamps, and the parameters of the distance.

    Attributes:
        first: ``(n, channels)`` float64, C-contiguous, finite.
        second: ``(m, channels)`` float64, C-contiguous, finite.
        first_times: ``(n,)`` float64, strictly increasing.
        second_times: ``(m,)`` float64, strictly increasing.
        first_deletion: ``(n,)`` cost of deleting each sample of `first`; entry 0 is never used.
        second_deletion: ``(m,)`` cost of deleting each sample of `second`; entry 0 is never used.
        nu: Stiffness.
        degree: Degree of the norm over the channels; 1 where there is one channel, for which all are equal.
    """

    first: NDArray[np.float64]
    second: NDArray[np.float64]
    first_times: NDArray[np.float64]
    second_times: NDArray[np.float64]
    first_deletion: NDArray[np.float64]
    second_deletion: NDArray[np.float64]
    nu: float
    degree: float


def check_problem(
    series1: Any, series2: Any, *, times1: Any, times2: Any, nu: float, lmbda: float, degree: float
) -> EditProblem:
    """Check what a caller handed in.

    Raises:
        ValueError: If a series, the time stamps or a parameter cannot be used.
        TypeError: If one of them holds no real numbers.
    """
    a = as_series(series1, "series1")
    b = as_series(series2, "series2")
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"series2: expected {a.shape[1]} channel(s) as in series1, got {b.shape[1]}; "
            "give both series the same channels"
        )
    if (times1 is None) != (times2 is None):
        absent = "times1" if times1 is None else "times2"
        raise ValueError(f"{absent}: expected time stamps for both series or for none, got none; give {absent} too")
    ta = np.arange(1.0, len(a) + 1) if times1 is None else as_times(times1, "times1", len(a))
    tb = np.arange(1.0, len(b) + 1) if times2 is None else as_times(times2, "times2", len(b))
    nu = _check_number(nu, "nu", 0.0)
    lmbda = _check_number(lmbda, "lambda", 0.0)
    degree = _check_number(degree, "degree", 1.0)
    if a.shape[1] == 1:
        degree = 1.0
    with np.errstate(over="ignore"):
        return EditProblem(
            first=a,
            second=b,
            first_times=ta,
            second_times=tb,
            first_deletion=_deletions(a, ta, nu, lmbda, degree),
            second_deletion=_deletions(b, tb, nu, lmbda, degree),
            nu=nu,
            degree=degree,
        )


def norm_rows(differences: NDArray[np.float64], degree: float) -> NDArray[np.float64]:
    """Return the Lp norm of each row.

    Args:
        differences: ``(k, channels)``.
        degree: p, at least 1.

    Returns:
        ``(k,)``. The channels are added from the first to the last, as the compiled kernel does.
    """
    total = np.zeros(len(differences))
    for channel in range(differences.shape[1]):
        column = differences[:, channel]
        if degree == 1.0:
            total += np.abs(column)
        elif degree == 2.0:
            total += column * column
        else:
            total += np.abs(column) ** degree
    if degree == 1.0:
        return total
    root: NDArray[np.float64] = np.sqrt(total) if degree == 2.0 else total ** (1.0 / degree)
    return root


def _deletions(
    series: NDArray[np.float64], times: NDArray[np.float64], nu: float, lmbda: float, degree: float
) -> NDArray[np.float64]:
    costs = np.zeros(len(series))
    costs[1:] = norm_rows(series[1:] - series[:-1], degree) + nu * np.diff(times) + lmbda
    return costs


def _check_number(value: float, name: str, minimum: float) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a number of at least {minimum:g}, got {value!r}")
    if not (math.isfinite(value) and value >= minimum):
        raise ValueError(f"{name}: expected a finite number of at least {minimum:g}, got {value}")
    return float(value)
