"""DTW barycenter averaging: the series that is nearest to several series in the sense of dynamic time warping.

`dtw_barycenter` has the definition and its source.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from platform_base.kernels.series import as_series

from .dtw import dtw_distance, dtw_path
from .options import WindowOptions
from .progress import reporting_whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Barycenter:
    """An average of series.

    Attributes:
        values: ``(n,)`` or ``(n, channels)`` float64, n that of the first guess.
        inertia: Weighted sum of its distances to the series, in the square of their unit.
        iterations: How often it was corrected.
        converged: Whether the last correction lowered the inertia by no more than the tolerance.
    """

    values: NDArray[np.float64]
    inertia: float
    iterations: int
    converged: bool


def dtw_barycenter(
    series: Sequence[ArrayLike],
    *,
    weights: ArrayLike | None = None,
    initial: ArrayLike | None = None,
    max_iterations: int = 30,
    tolerance: float = 1e-6,
    kernel: str = "auto",
    **window: Unpack[WindowOptions],
) -> Barycenter:
    """Return the barycenter of `series`.

    The barycenter b is to make the inertia ``sum_k w_k dtw(b, s_k)`` small, with squared differences as local costs and
    the step pattern symmetric1. From a first guess on, each iteration matches every series with b and sets b[i] to the
    weighted mean of all samples that were matched with it; no iteration raises the inertia. Where it ends depends on
    the first guess.

    Time O(n n_k) for the path to each series in each iteration, and as much for the distance of each pair of them where
    no first guess is given; memory that of `dtw_path`.

    Reference: F. Petitjean, A. Ketterlin and P. Gancarski, A global averaging method for dynamic time warping, with
    applications to clustering, Pattern Recognition 44 (2011), doi 10.1016/j.patcog.2010.09.013.

    Args:
        series: At least one, each ``(n_k,)`` or ``(n_k, channels)`` real numbers; lengths may differ.
        weights: ``(len(series),)``, at least 0, one of them more; ``None`` for equal ones.
        initial: First guess, ``(n,)`` or ``(n, channels)``; ``None`` for the one of `series` whose distances to the
            others have the smallest weighted sum.
        max_iterations: Most corrections, at least 0.
        tolerance: Relative decrease of the inertia that ends the iterations, at least 0.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.
        **window: See `WindowOptions`; it must leave a path between the barycenter and every series.

    Returns:
        The barycenter.

    Raises:
        ValueError: As `dtw_distance`, or if there is no series, or weights or iterations are out of range.
        TypeError: As `dtw_distance`, or if `max_iterations` is no integer.

    Example:
        >>> average = dtw_barycenter([[0, 0, 4, 0], [0, 6, 0, 0]])
        >>> average.values.tolist(), average.inertia
        ([0.0, 0.0, 5.0, 0.0], 2.0)
    """
    members = [as_series(one, f"series[{number}]") for number, one in enumerate(series)]
    if not members:
        raise ValueError("series: expected at least one series, got none")
    shares = _check_weights(weights, len(members))
    count = _check_count(max_iterations)
    if not tolerance >= 0.0:
        raise ValueError(f"tolerance: expected at least 0, got {tolerance}")
    with reporting_whole("averaging") as report:
        centre = _first_guess(members, shares, kernel, window) if initial is None else as_series(initial, "initial")
        before = np.inf
        for iteration in range(count + 1):
            report(iteration / (count + 1))
            paths, inertia = _match(centre, members, shares, kernel, window)
            converged = before - inertia <= tolerance * before if iteration else inertia == 0.0
            if converged or iteration == count:
                break
            before = inertia
            centre = _correct(centre, members, shares, paths)
    flat = np.ndim(series[0]) == 1
    return Barycenter(
        values=centre[:, 0] if flat else centre, inertia=inertia, iterations=iteration, converged=converged
    )


def _match(
    centre: NDArray[np.float64],
    members: list[NDArray[np.float64]],
    shares: NDArray[np.float64],
    kernel: str,
    window: WindowOptions,
) -> tuple[list[NDArray[np.int64]], float]:
    paths, inertia = [], 0.0
    for share, member in zip(shares.tolist(), members, strict=True):
        path, distance = dtw_path(
            centre, member, distance_metric="sqeuclidean", step_pattern="symmetric1", kernel=kernel, **window
        )
        paths.append(path)
        inertia += share * distance
    return paths, inertia


def _correct(
    centre: NDArray[np.float64],
    members: list[NDArray[np.float64]],
    shares: NDArray[np.float64],
    paths: list[NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Return, for every sample, the weighted mean of what the paths match with it."""
    sums, weight = np.zeros_like(centre), np.zeros(len(centre))
    for share, member, path in zip(shares, members, paths, strict=True):
        np.add.at(sums, path[:, 0], share * member[path[:, 1]])
        np.add.at(weight, path[:, 0], share)
    return sums / weight[:, np.newaxis]


def _first_guess(
    members: list[NDArray[np.float64]], shares: NDArray[np.float64], kernel: str, window: WindowOptions
) -> NDArray[np.float64]:
    sums = [
        sum(
            share
            * dtw_distance(
                one, other, distance_metric="sqeuclidean", step_pattern="symmetric1", kernel=kernel, **window
            )
            for share, other in zip(shares.tolist(), members, strict=True)
            if other is not one
        )
        for one in members
    ]
    return members[int(np.argmin(sums))]


def _check_weights(weights: Any, count: int) -> NDArray[np.float64]:
    if weights is None:
        return np.ones(count)
    shares = as_series(weights, "weights")[:, 0]
    if np.shape(weights) != (count,):
        raise ValueError(f"weights: expected one for each of the {count} series, got shape {np.shape(weights)}")
    if (shares < 0).any() or not shares.any():
        raise ValueError(f"weights: expected numbers of at least 0, one of them more, got {shares.tolist()}")
    return shares


def _check_count(value: Any) -> int:
    try:
        count = operator.index(value)
    except TypeError as error:
        raise TypeError(f"max_iterations: expected a whole number, got {value!r}") from error
    if count < 0:
        raise ValueError(f"max_iterations: expected at least 0, got {count}")
    return count
