"""Weighted dynamic time warping: warping costs the more, the further it strays from the diagonal.

`wdtw_distance` has the definition and its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arithmetic import lane
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


class WdtwSteps(NamedTuple):
    """Costs of the steps; the weights are looked up by i - j.

    Attributes:
        order: 2; Numba takes no named tuple without a field.
    """

    order: float

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
        weighted = gap * lane(cells.lags, cells.parity, cells.lag)
        return weighted, weighted, weighted


@dataclass(frozen=True)
class Wdtw(ElasticDistance):
    """The distance with its parameter, as `wdtw_distance` describes it."""

    rooted: ClassVar[bool] = False
    weighted: ClassVar[bool] = True
    steepness: float = 0.05

    def __post_init__(self) -> None:
        check_number(self.steepness, "steepness", 0.0)

    def steps(self) -> WdtwSteps:
        """Return the costs of the steps."""
        return WdtwSteps(2.0)

    def weights(self, longest: int) -> NDArray[np.float64]:
        """Return the weights by distance from the diagonal."""
        with np.errstate(over="ignore"):
            weights: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-self.steepness * (np.arange(longest) - longest / 2.0)))
        return weights


_DISTANCE, _MATRIX, _PATH = make_caches(Wdtw)


def wdtw_distance(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    steepness: float = 0.05,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> float:
    """Return the weighted dynamic time warping distance of two series.

    With samples counted from 1 and ``|.|`` the Euclidean norm over the channels::

        D(i, j) = w(|i - j|) |a_i - b_j|^2 + min(D(i-1, j-1), D(i-1, j), D(i, j-1))
        w(k)    = 1 / (1 + exp(-g (k - max(n, m) / 2)))

    with D(0, 0) = 0, D(i, 0) = D(0, j) = infinity. g = 0 halves every cost; with large g, cells further than half the
    length from the diagonal cost the whole, those nearer nothing. No root is taken at the end.

    Time O(n m), less in a window; memory O(n + m).

    Reference: Y.-S. Jeong, M. K. Jeong, O. A. Omitaomu, Weighted dynamic time warping for time series classification,
    Pattern Recognition 44 (2011) 2231-2240, doi 10.1016/j.patcog.2010.09.022; with w_max = 1.

    Args:
        series1: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        series2: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `series1`.
        steepness: g, at least 0: how abruptly the weight grows half the length from the diagonal; from 0.01 to 0.6 in
            the paper.
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
        >>> wdtw_distance([1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 3.0])
        0.0
    """
    distance: float = _DISTANCE.ask(series1, series2, None, None, window_size, nan_policy, kernel, steepness)
    return distance


def wdtw_matrix(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    steepness: float = 0.05,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> NDArray[np.float64]:
    """Return the cost matrix; definition, arguments and errors are those of `wdtw_distance`.

    Time O(n m); memory 8 bytes for each of the n m cells.

    Returns:
        ``(n, m)`` float64: entry ``[i, j]`` is D(i, j) of the first i + 1 samples of `series1` and the first j + 1 of
        `series2`, so the last entry is the distance. Entries outside the window are infinity.

    Raises:
        ValueError: As `wdtw_distance`.
        TypeError: As `wdtw_distance`.
        ImportError: As `wdtw_distance`.
        MemoryError: If the matrix does not fit into memory.

    Example:
        >>> wdtw_matrix([0.0, 2.0], [0.0, 2.0], steepness=0.0).tolist()
        [[0.0, 2.0], [2.0, 0.0]]
    """
    matrix: NDArray[np.float64] = _MATRIX.ask(series1, series2, None, None, window_size, nan_policy, kernel, steepness)[
        0
    ]
    return matrix


def wdtw_path(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    steepness: float = 0.05,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, and the distance; definition, arguments and errors are those of `wdtw_distance`.

    Time O(n m); memory n m / 4 bytes up to 64 MiB, and beyond that twice the time instead of more memory.

    Returns:
        ``(k, 2)`` int64 and the distance. The path begins with (0, 0) and ends with (n-1, m-1), counted from 0, in
        steps of (1, 1), (1, 0) and (0, 1); of steps that cost the same, it takes the one named first.

    Raises:
        ValueError: As `wdtw_distance`.
        TypeError: As `wdtw_distance`.
        ImportError: As `wdtw_distance`.
        MemoryError: If the steps do not fit into memory.

    Example:
        >>> path, distance = wdtw_path([1.0, 2.0], [1.0, 1.0, 2.0])
        >>> path.tolist(), distance
        ([[0, 0], [0, 1], [1, 2]], 0.0)
    """
    found: tuple[NDArray[np.int64], float] = _PATH.ask(
        series1, series2, None, None, window_size, nan_policy, kernel, steepness
    )
    return found


def wdtw_pairwise(
    series: Sequence[ArrayLike] | ArrayLike,
    others: Sequence[ArrayLike] | ArrayLike | None = None,
    *,
    steepness: float = 0.05,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the distances of all pairs; definition, parameters and errors are those of `wdtw_distance`.

    Time O(n m) for each pair, shared out over threads; memory O(n + m) for each thread.

    Args:
        series: N series, of any lengths: ``(N, n)``, ``(N, n, channels)``, or a sequence of series.
        others: M series to compare them with; ``None`` for `series` themselves.
        steepness: g, at least 0: how abruptly the weight grows half the length from the diagonal; from 0.01 to 0.6 in
            the paper.
        window_size: As `wdtw_distance`.
        nan_policy: As `wdtw_distance`; a series with NaN is at distance NaN from every other, and from itself.
        kernel: As `wdtw_distance`.
        threads: How many to use; ``None`` for one on every processor core that the process may run on.

    Returns:
        ``(N, M)`` float64, or ``(N, N)``, symmetric, with zeros on the diagonal.

    Raises:
        ValueError: As `wdtw_distance`.
        TypeError: As `wdtw_distance`.
        ImportError: As `wdtw_distance`.

    Example:
        >>> wdtw_pairwise([[0.0, 2.0], [0.0, 4.0]], steepness=0.0).tolist()
        [[0.0, 2.0], [2.0, 0.0]]
    """
    distance = Wdtw(steepness=steepness)
    return measure_pairwise(
        distance, series, others, window_size=window_size, nan_policy=nan_policy, kernel=kernel, threads=threads
    )
