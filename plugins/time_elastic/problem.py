"""One distance to compute, checked: what the kernels may rely on."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.gaps import REMEDY
from platform_base.kernels.series import as_series

from .steps import Samples, Steps


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticProblem:
    """Two series, and what the steps through their cost matrix cost.

    Attributes:
        steps: The costs of the distance, with its parameters.
        first: The first series, n samples.
        second: The second series, m samples, of as many channels.
        first_border: ``(n + 1,)``: cost of deleting the first i samples of `first`; entry 0 is 0. Infinite throughout
            where the two first samples must be matched.
        second_border: ``(m + 1,)``: the same for `second`.
        weights: ``(max(n, m),)`` weight of a cell for each distance \\|i - j\\| from the diagonal, or empty.
        window: Cells with \\|i - j\\| above it are left out; at least \\|n - m\\|.
        degree: Degree of the norm over the channels.
        rooted: Whether the local distance is that norm, or its power.
    """

    steps: Steps
    first: Samples
    second: Samples
    first_border: NDArray[np.float64]
    second_border: NDArray[np.float64]
    weights: NDArray[np.float64]
    window: int
    degree: float = 2.0
    rooted: bool = True

    @property
    def shape(self) -> tuple[int, int]:
        """Samples of the first and of the second series."""
        return self.first.values.shape[1], self.second.values.shape[1]

    @property
    def norm(self) -> tuple[float | None, bool]:
        """Degree of the norm over the channels, ``None`` for one channel, and whether to take the root."""
        return None if len(self.first.values) == 1 else self.degree, self.rooted

    @property
    def bordered(self) -> bool:
        """Whether a path may begin by deleting samples."""
        return bool(np.isfinite(self.first_border[1]) or np.isfinite(self.second_border[1]))


def check_pair(
    series1: Any, series2: Any, *, allow_nan: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return both series, ``(n, channels)`` and ``(m, channels)``.

    Raises:
        ValueError: If one cannot be used, or the channels differ.
        TypeError: If one holds no real numbers.
    """
    a = as_series(series1, "series1", allow_nan=allow_nan, remedy=REMEDY)
    b = as_series(series2, "series2", allow_nan=allow_nan, remedy=REMEDY)
    if a.shape[1] != b.shape[1]:
        raise ValueError(
            f"series2: expected {a.shape[1]} channel(s) as in series1, got {b.shape[1]}; "
            "give both series the same channels"
        )
    return a, b


def check_number(value: Any, name: str, minimum: float) -> None:
    """See that `value` is a finite number of at least `minimum`.

    Raises:
        ValueError: If it is smaller, infinite or NaN.
        TypeError: If it is no number.
    """
    if type(value) is float and minimum <= value < math.inf:
        return
    expected = f"number of at least {minimum:g}" if math.isfinite(minimum) else "number"
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name}: expected a {expected}, got {value!r}")
    if not (math.isfinite(value) and value >= minimum):
        raise ValueError(f"{name}: expected a finite {expected}, got {value}")


def check_window(window_size: Any, n: int, m: int) -> int:
    """Return the Sakoe-Chiba radius in samples, ``n + m`` where there is no limit.

    Raises:
        ValueError: If no path from corner to corner stays within it.
        TypeError: If it is no integer.
    """
    if window_size is None:
        return n + m
    if isinstance(window_size, (bool, np.bool_)):
        raise TypeError(f"window_size: expected a whole number of samples or null, got {window_size}")
    try:
        window = operator.index(window_size)
    except TypeError as error:
        raise TypeError(f"window_size: expected a whole number of samples or null, got {window_size!r}") from error
    smallest = abs(n - m)
    if window < smallest:
        raise ValueError(
            f"window_size: expected at least {smallest}, because series1 has {n} samples and series2 {m}, "
            f"got {window}; give window_size={smallest} or more, or null for no limit"
        )
    return min(window, n + m)


def closed_border(n: int) -> NDArray[np.float64]:
    """Return the border of a distance whose paths begin by matching the two first samples."""
    border = np.full(n + 1, np.inf)
    border[0] = 0.0
    return border


def open_border(deletion: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Return the border of a distance whose paths may begin by deleting, at these costs ``(n,)``, inside the window."""
    with np.errstate(over="ignore"):
        border = np.concatenate((np.zeros(1), np.cumsum(deletion)))
    border[window + 1 :] = np.inf
    return border
