"""Amerced dynamic time warping: every step off the diagonal costs a fixed penalty.

`adtw_distance` has the definition and its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .distance import ElasticDistance, make_caches
from .pairwise import measure_pairwise
from .problem import check_number
from .steps import (
    Cells,
    asks_nothing,
    carry_total,
    describe_nothing,
    finish_total,
    hold_nothing,
    keep_steps,
    leave_matrix,
    no_features,
    recall_total,
)


class AdtwSteps(NamedTuple):
    """Costs of the steps.

    Attributes:
        penalty: w.
    """

    penalty: float

    asks_spread = asks_nothing
    finish = finish_total
    finish_matrix = leave_matrix
    between = keep_steps
    width = no_features
    describe = describe_nothing
    hold = hold_nothing
    carry = carry_total
    recall = recall_total

    def cost(self, gap: Any, held: Any, cells: Cells) -> tuple[Any, Any, Any]:
        """Return the costs of the three steps."""
        amerced = gap + self.penalty
        return gap, amerced, amerced


@dataclass(frozen=True)
class Adtw(ElasticDistance):
    """The distance with its parameter, as `adtw_distance` describes it."""

    rooted: ClassVar[bool] = False
    warp_penalty: float = 1.0

    def __post_init__(self) -> None:
        check_number(self.warp_penalty, "warp_penalty", 0.0)

    def steps(self) -> AdtwSteps:
        """Return the costs of the steps."""
        return AdtwSteps(float(self.warp_penalty))


_DISTANCE, _MATRIX, _PATH = make_caches(Adtw)


def adtw_distance(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    warp_penalty: float = 1.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> float:
    """Return the amerced dynamic time warping distance of two series.

    With samples counted from 1, ``|.|`` the Euclidean norm over the channels and w the penalty::

        D(i, j) = |a_i - b_j|^2 + min(D(i-1, j-1), D(i-1, j) + w, D(i, j-1) + w)

    with D(0, 0) = 0, D(i, 0) = D(0, j) = infinity. w = 0 is dynamic time warping; as w grows, it tends to the squared
    Euclidean distance of series of equal length. No root is taken at the end.

    Time O(n m), less in a window; memory O(n + m).

    Reference: M. Herrmann, G. I. Webb, Amercing: an intuitive and effective constraint for dynamic time warping,
    Pattern Recognition 137 (2023) 109333, doi 10.1016/j.patcog.2023.109333.

    Args:
        series1: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        series2: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `series1`.
        warp_penalty: w, at least 0, in the squared unit of the series.
        window_size: Sakoe-Chiba radius in samples: only cells with ``|i - j|`` up to it; ``None`` for no limit.
        nan_policy: What becomes of NaN: ``"raise"`` an error; ``"propagate"`` a distance and a matrix that are NaN, and
            an empty path; ``"interpolate"`` values on straight lines over the samples, channel by channel.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.

    Returns:
        The distance, in the squared unit of the series.

    Raises:
        ValueError: If a series is empty, ragged or holds NaN or infinity, channels differ, a parameter is out of range,
            no path stays within the window, or the costs overflow.
        TypeError: If a series or parameter is no real number.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.

    Example:
        >>> adtw_distance([1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 3.0], warp_penalty=0.5)
        0.5
    """
    distance: float = _DISTANCE.ask(series1, series2, None, None, window_size, nan_policy, kernel, warp_penalty)
    return distance


def adtw_matrix(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    warp_penalty: float = 1.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> NDArray[np.float64]:
    """Return the cost matrix; definition, arguments and errors are those of `adtw_distance`.

    Time O(n m); memory 8 bytes for each of the n m cells.

    Returns:
        ``(n, m)`` float64: entry ``[i, j]`` is D(i, j) of the first i + 1 samples of `series1` and the first j + 1 of
        `series2`, so the last entry is the distance. Entries outside the window are infinity.

    Raises:
        ValueError: As `adtw_distance`.
        TypeError: As `adtw_distance`.
        ImportError: As `adtw_distance`.
        MemoryError: If the matrix does not fit into memory.

    Example:
        >>> adtw_matrix([0.0, 2.0], [0.0, 2.0]).tolist()
        [[0.0, 5.0], [5.0, 0.0]]
    """
    matrix: NDArray[np.float64] = _MATRIX.ask(
        series1, series2, None, None, window_size, nan_policy, kernel, warp_penalty
    )[0]
    return matrix


def adtw_path(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    warp_penalty: float = 1.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, and the distance; definition, arguments and errors are those of `adtw_distance`.

    Time O(n m); memory n m / 4 bytes up to 64 MiB, and beyond that twice the time instead of more memory.

    Returns:
        ``(k, 2)`` int64 and the distance. The path begins with (0, 0) and ends with (n-1, m-1), counted from 0, in
        steps of (1, 1), (1, 0) and (0, 1); of steps that cost the same, it takes the one named first.

    Raises:
        ValueError: As `adtw_distance`.
        TypeError: As `adtw_distance`.
        ImportError: As `adtw_distance`.
        MemoryError: If the steps do not fit into memory.

    Example:
        >>> path, distance = adtw_path([1.0, 2.0], [1.0, 1.0, 2.0])
        >>> path.tolist(), distance
        ([[0, 0], [0, 1], [1, 2]], 1.0)
    """
    found: tuple[NDArray[np.int64], float] = _PATH.ask(
        series1, series2, None, None, window_size, nan_policy, kernel, warp_penalty
    )
    return found


def adtw_pairwise(
    series: Sequence[ArrayLike] | ArrayLike,
    others: Sequence[ArrayLike] | ArrayLike | None = None,
    *,
    warp_penalty: float = 1.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the distances of all pairs; definition, parameters and errors are those of `adtw_distance`.

    Time O(n m) for each pair, shared out over threads; memory O(n + m) for each thread.

    Args:
        series: N series, of any lengths: ``(N, n)``, ``(N, n, channels)``, or a sequence of series.
        others: M series to compare them with; ``None`` for `series` themselves.
        warp_penalty: w, at least 0, in the squared unit of the series.
        window_size: As `adtw_distance`.
        nan_policy: As `adtw_distance`; a series with NaN is at distance NaN from every other, and from itself.
        kernel: As `adtw_distance`.
        threads: How many to use; ``None`` for one on every processor core that the process may run on.

    Returns:
        ``(N, M)`` float64, or ``(N, N)``, symmetric, with zeros on the diagonal.

    Raises:
        ValueError: As `adtw_distance`.
        TypeError: As `adtw_distance`.
        ImportError: As `adtw_distance`.

    Example:
        >>> adtw_pairwise([[1.0, 2.0], [1.0, 1.0, 2.0]]).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    distance = Adtw(warp_penalty=warp_penalty)
    return measure_pairwise(
        distance, series, others, window_size=window_size, nan_policy=nan_policy, kernel=kernel, threads=threads
    )
