"""Move-split-merge: what it costs to move the values of one series, and to split and merge samples.

`msm_distance` has the definition and its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arithmetic import count, keep, lane, smaller
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


class MsmSteps(NamedTuple):
    """Costs of the steps; the features of a sample are its distance from the one before, and the channels of that.

    Attributes:
        penalty: c.
    """

    penalty: float

    asks_spread = asks_nothing
    finish = finish_total
    finish_matrix = leave_matrix
    between = keep_steps
    carry = carry_total
    recall = recall_total

    def width(self, channels: int) -> int:
        """Return one more than there are channels."""
        return 1 + channels

    def describe(
        self,
        values: NDArray[np.float64],
        times: NDArray[np.float64],
        features: NDArray[np.float64],
        deletion: NDArray[np.float64],
    ) -> None:
        """Write the differences from one sample to the next; before the first there is none."""
        features[:, 0] = 0.0
        for k in range(1, values.shape[1]):
            features[0, k] = sample_distance(values, k, values, k - 1, 2.0)
            for channel in range(values.shape[0]):
                features[1 + channel, k] = values[channel, k] - values[channel, k - 1]

    def hold(self, first: Samples, row: Any) -> Any:
        """Return the distances from the samples before."""
        return lane(first.features, 0, row)

    def cost(self, gap: Any, held: Any, cells: Cells) -> tuple[Any, Any, Any]:
        """Return the costs of the three steps.

        A point sees the diameter of a ball at an obtuse or a right angle just where it lies in the ball (Thales): so
        the products of the differences to both its ends, added over the channels, are not above zero.
        """
        difference = lane(cells.first.values, 0, cells.row) - lane(cells.second.values, 0, cells.column)
        first_angle = lane(cells.first.features, 1, cells.row) * difference
        second_angle = lane(cells.second.features, 1, cells.column) * difference
        for channel in range(1, count(cells.first.values)):
            difference = lane(cells.first.values, channel, cells.row) - lane(cells.second.values, channel, cells.column)
            first_angle = first_angle + lane(cells.first.features, 1 + channel, cells.row) * difference
            second_angle = second_angle + lane(cells.second.features, 1 + channel, cells.column) * difference
        merge = keep(first_angle > 0.0, smaller(held, gap), 0.0)
        split = keep(second_angle < 0.0, smaller(lane(cells.second.features, 0, cells.column), gap), 0.0)
        return gap, self.penalty + merge, self.penalty + split


@dataclass(frozen=True)
class Msm(ElasticDistance):
    """The distance with its parameter, as `msm_distance` describes it."""

    cost: float = 1.0
    independent: bool = False

    def __post_init__(self) -> None:
        check_number(self.cost, "cost", 0.0)
        if not isinstance(self.independent, (bool, np.bool_)):
            raise TypeError(f"independent: expected true or false, got {self.independent!r}")

    @property
    def of_one_channel(self) -> Msm | None:
        """The same distance of one channel, where channels are independent."""
        return Msm(cost=self.cost) if self.independent else None

    def steps(self) -> MsmSteps:
        """Return the costs of the steps."""
        return MsmSteps(float(self.cost))


_DISTANCE, _MATRIX, _PATH = make_caches(Msm)


def msm_distance(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    cost: float = 1.0,
    independent: bool = False,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> float:
    """Return the move-split-merge distance of two series.

    With samples counted from 1::

        D(i, j) = min of
            D(i-1, j-1) + |a_i - b_j|              move
            D(i-1, j)   + C(a_i, a_(i-1), b_j)     merge in a
            D(i, j-1)   + C(b_j, b_(j-1), a_i)     split in a

        C(x, y, z) = c                             where x lies between y and z
                   = c + min(|x - y|, |x - z|)     elsewhere

    with ``D(1, 1) = |a_1 - b_1|``, and no way but through (1, 1). It is a metric. Over several channels, ``|.|`` is the
    Euclidean norm, and x lies between y and z if it lies in the ball whose diameter they are, which is the same thing
    for one channel. Or channels are independent: each is compared by itself, and the distances are added.

    Time O(n m), less in a window; memory O(n + m).

    References: A. Stefan, V. Athitsos, G. Das, The move-split-merge metric for time series, IEEE TKDE 25 (2013)
    1425-1438, doi 10.1109/TKDE.2012.88; for several channels A. Shifaz, C. Pelletier, F. Petitjean, G. I. Webb, Elastic
    similarity and distance measures for multivariate time series, KAIS 65 (2023) 2665-2698, doi
    10.1007/s10115-023-01835-4. Programs that take squares of the norm for several channels give other values; aeon does
    by default what ``independent`` stands for.

    Args:
        series1: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        series2: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `series1`.
        cost: c, at least 0, in the unit of the series: what a split or a merge costs at least.
        independent: Compare each channel by itself, and add the distances, instead of samples of all channels. There is
            no path then.
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
        >>> msm_distance([1.0, 2.0, 3.0], [1.0, 2.0, 2.0, 5.0], cost=0.5)
        2.5
    """
    distance: float = _DISTANCE.ask(series1, series2, None, None, window_size, nan_policy, kernel, cost, independent)
    return distance


def msm_matrix(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    cost: float = 1.0,
    independent: bool = False,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> NDArray[np.float64]:
    """Return the cost matrix; definition, arguments and errors are those of `msm_distance`.

    Time O(n m); memory 8 bytes for each of the n m cells.

    Returns:
        ``(n, m)`` float64: entry ``[i, j]`` is D(i, j) of the first i + 1 samples of `series1` and the first j + 1 of
        `series2`, so the last entry is the distance. Entries outside the window are infinity.

    Raises:
        ValueError: As `msm_distance`.
        TypeError: As `msm_distance`.
        ImportError: As `msm_distance`.
        MemoryError: If the matrix does not fit into memory.

    Example:
        >>> msm_matrix([1.0, 2.0], [1.0, 1.5, 4.0], cost=0.5).tolist()
        [[0.0, 1.0, 4.0], [1.5, 0.5, 3.0]]
    """
    matrix: NDArray[np.float64] = _MATRIX.ask(
        series1, series2, None, None, window_size, nan_policy, kernel, cost, independent
    )[0]
    return matrix


def msm_path(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    cost: float = 1.0,
    independent: bool = False,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, and the distance; definition, arguments and errors are those of `msm_distance`.

    Time O(n m); memory n m / 4 bytes up to 64 MiB, and beyond that twice the time instead of more memory.

    Returns:
        ``(k, 2)`` int64 and the distance. The path begins with (0, 0) and ends with (n-1, m-1), counted from 0, in
        steps of (1, 1), (1, 0) and (0, 1); of steps that cost the same, it takes the one named first.

    Raises:
        ValueError: As `msm_distance`.
        TypeError: As `msm_distance`.
        ImportError: As `msm_distance`.
        MemoryError: If the steps do not fit into memory.

    Example:
        >>> path, distance = msm_path([1.0, 2.0], [1.0, 1.0, 2.0], cost=0.5)
        >>> path.tolist(), distance
        ([[0, 0], [0, 1], [1, 2]], 0.5)
    """
    found: tuple[NDArray[np.int64], float] = _PATH.ask(
        series1, series2, None, None, window_size, nan_policy, kernel, cost, independent
    )
    return found


def msm_pairwise(
    series: Sequence[ArrayLike] | ArrayLike,
    others: Sequence[ArrayLike] | ArrayLike | None = None,
    *,
    cost: float = 1.0,
    independent: bool = False,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the distances of all pairs; definition, parameters and errors are those of `msm_distance`.

    Time O(n m) for each pair, shared out over threads; memory O(n + m) for each thread.

    Args:
        series: N series, of any lengths: ``(N, n)``, ``(N, n, channels)``, or a sequence of series.
        others: M series to compare them with; ``None`` for `series` themselves.
        cost: c, at least 0, in the unit of the series: what a split or a merge costs at least.
        independent: Compare each channel by itself, and add the distances, instead of samples of all channels. There is
            no path then.
        window_size: As `msm_distance`.
        nan_policy: As `msm_distance`; a series with NaN is at distance NaN from every other, and from itself.
        kernel: As `msm_distance`.
        threads: How many to use; ``None`` for one on every processor core that the process may run on.

    Returns:
        ``(N, M)`` float64, or ``(N, N)``, symmetric, with zeros on the diagonal.

    Raises:
        ValueError: As `msm_distance`.
        TypeError: As `msm_distance`.
        ImportError: As `msm_distance`.

    Example:
        >>> msm_pairwise([[1.0, 2.0], [1.0, 1.0, 2.0]], cost=0.5).tolist()
        [[0.0, 0.5], [0.5, 0.0]]
    """
    distance = Msm(cost=cost, independent=independent)
    return measure_pairwise(
        distance, series, others, window_size=window_size, nan_policy=nan_policy, kernel=kernel, threads=threads
    )
