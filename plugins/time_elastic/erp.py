"""Edit distance with real penalty: deleting a sample costs its distance from a constant.

`erp_distance` has the definition and its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arithmetic import lane
from .distance import ElasticDistance, make_caches
from .pairwise import measure_pairwise
from .problem import check_number
from .steps import (
    Cells,
    Samples,
    asks_nothing,
    carry_total,
    finish_total,
    keep_steps,
    leave_matrix,
    recall_total,
    sample_distance,
)


class ErpSteps(NamedTuple):
    """Costs of the steps; the feature of a sample is its distance from the constant.

    Attributes:
        gap_value: g.
    """

    gap_value: float

    asks_spread = asks_nothing
    finish = finish_total
    finish_matrix = leave_matrix
    between = keep_steps
    carry = carry_total
    recall = recall_total

    def width(self, channels: int) -> int:
        """Return 1."""
        return 1

    def describe(
        self,
        values: NDArray[np.float64],
        times: NDArray[np.float64],
        features: NDArray[np.float64],
        deletion: NDArray[np.float64],
    ) -> None:
        """Write the distances from the constant, which are what deletions cost from the beginning."""
        constant = np.full((values.shape[0], 1), self.gap_value)
        for k in range(values.shape[1]):
            features[0, k] = sample_distance(values, k, constant, 0, 2.0)
            deletion[k] = features[0, k]

    def hold(self, first: Samples, row: Any) -> Any:
        """Return the distances from the constant."""
        return lane(first.features, 0, row)

    def cost(self, gap: Any, held: Any, cells: Cells) -> tuple[Any, Any, Any]:
        """Return the costs of the three steps."""
        return gap, held, lane(cells.second.features, 0, cells.column)


@dataclass(frozen=True)
class Erp(ElasticDistance):
    """The distance with its parameter, as `erp_distance` describes it."""

    gap_value: float = 0.0

    def __post_init__(self) -> None:
        check_number(self.gap_value, "gap_value", -np.inf)

    def steps(self) -> ErpSteps:
        """Return the costs of the steps."""
        return ErpSteps(float(self.gap_value))


_DISTANCE, _MATRIX, _PATH = make_caches(Erp)


def erp_distance(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    gap_value: float = 0.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> float:
    """Return the edit distance with real penalty of two series.

    With samples counted from 1, ``|.|`` the Euclidean norm over the channels and g the constant::

        D(i, j) = min of
            D(i-1, j-1) + |a_i - b_j|     match
            D(i-1, j)   + |a_i - g|       delete in a
            D(i, j-1)   + |b_j - g|       delete in b

    with D(0, 0) = 0, ``D(i, 0) = |a_1 - g| + ... + |a_i - g|``, and D(0, j) likewise. It is a metric: deleted samples
    are matched with a gap whose value is the same everywhere.

    Time O(n m), less in a window; memory O(n + m).

    Reference: L. Chen, R. Ng, On the marriage of Lp-norms and edit distance, VLDB 30 (2004) 792-803, doi
    10.1016/B978-012088469-8.50070-X. Programs that give the whole sum to every D(i, 0) give other values.

    Args:
        series1: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        series2: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `series1`.
        gap_value: g, in the unit of the series: what a deleted sample is compared with, in every channel. The mean of
            the series is the usual choice, and 0 where they have been centred.
        window_size: Sakoe-Chiba radius in samples: only cells with ``|i - j|`` up to it; ``None`` for no limit.
        nan_policy: What becomes of NaN: ``"raise"`` an error; ``"propagate"`` a distance and a matrix that are NaN, and
            an empty path; ``"interpolate"`` values on straight lines over the samples, channel by channel.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.

    Returns:
        The distance, in the unit of the series.

    Raises:
        ValueError: If a series is empty, ragged or holds NaN or infinity, channels differ, a parameter is out of range,
            no path stays within the window, or the costs overflow.
        TypeError: If a series or parameter is no real number.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.

    Example:
        >>> erp_distance([1.0, 2.0, 3.0], [2.0, 3.0])
        1.0
    """
    distance: float = _DISTANCE.ask(series1, series2, None, None, window_size, nan_policy, kernel, gap_value)
    return distance


def erp_matrix(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    gap_value: float = 0.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> NDArray[np.float64]:
    """Return the cost matrix; definition, arguments and errors are those of `erp_distance`.

    Time O(n m); memory 8 bytes for each of the n m cells.

    Returns:
        ``(n, m)`` float64: entry ``[i, j]`` is D(i, j) of the first i + 1 samples of `series1` and the first j + 1 of
        `series2`, so the last entry is the distance. Entries outside the window are infinity.

    Raises:
        ValueError: As `erp_distance`.
        TypeError: As `erp_distance`.
        ImportError: As `erp_distance`.
        MemoryError: If the matrix does not fit into memory.

    Example:
        >>> erp_matrix([1.0, 2.0], [2.0, 3.0]).tolist()
        [[1.0, 4.0], [1.0, 2.0]]
    """
    matrix: NDArray[np.float64] = _MATRIX.ask(series1, series2, None, None, window_size, nan_policy, kernel, gap_value)[
        0
    ]
    return matrix


def erp_path(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    gap_value: float = 0.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, and the distance; definition, arguments and errors are those of `erp_distance`.

    Time O(n m); memory n m / 4 bytes up to 64 MiB, and beyond that twice the time instead of more memory.

    Returns:
        ``(k, 2)`` int64 and the distance. The path ends with (n-1, m-1), counted from 0. A step by (1, 1) matches the
        two samples, by (1, 0) deletes in `series1`, by (0, 1) deletes in `series2`; of steps that cost the same, it
        takes the one named first. It begins with the first step from (-1, -1): as long as it deletes in one series
        alone, the index of the other stays -1.

    Raises:
        ValueError: As `erp_distance`.
        TypeError: As `erp_distance`.
        ImportError: As `erp_distance`.
        MemoryError: If the steps do not fit into memory.

    Example:
        >>> path, distance = erp_path([1.0, 2.0, 3.0], [2.0, 3.0])
        >>> path.tolist(), distance
        ([[0, -1], [1, 0], [2, 1]], 1.0)
    """
    found: tuple[NDArray[np.int64], float] = _PATH.ask(
        series1, series2, None, None, window_size, nan_policy, kernel, gap_value
    )
    return found


def erp_pairwise(
    series: Sequence[ArrayLike] | ArrayLike,
    others: Sequence[ArrayLike] | ArrayLike | None = None,
    *,
    gap_value: float = 0.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the distances of all pairs; definition, parameters and errors are those of `erp_distance`.

    Time O(n m) for each pair, shared out over threads; memory O(n + m) for each thread.

    Args:
        series: N series, of any lengths: ``(N, n)``, ``(N, n, channels)``, or a sequence of series.
        others: M series to compare them with; ``None`` for `series` themselves.
        gap_value: g, in the unit of the series: what a deleted sample is compared with, in every channel. The mean of
            the series is the usual choice, and 0 where they have been centred.
        window_size: As `erp_distance`.
        nan_policy: As `erp_distance`; a series with NaN is at distance NaN from every other, and from itself.
        kernel: As `erp_distance`.
        threads: How many to use; ``None`` for one on every processor core that the process may run on.

    Returns:
        ``(N, M)`` float64, or ``(N, N)``, symmetric, with zeros on the diagonal.

    Raises:
        ValueError: As `erp_distance`.
        TypeError: As `erp_distance`.
        ImportError: As `erp_distance`.

    Example:
        >>> erp_pairwise([[1.0, 2.0, 3.0], [2.0, 3.0]]).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    distance = Erp(gap_value=gap_value)
    return measure_pairwise(
        distance, series, others, window_size=window_size, nan_policy=nan_policy, kernel=kernel, threads=threads
    )
