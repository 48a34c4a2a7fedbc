"""Time warp edit distance: how much it costs to edit one series into another, in value and in time.

`twed_distance` has the definition and its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arithmetic import lane, magnitude
from .distance import ElasticDistance, make_caches
from .pairwise import measure_pairwise
from .problem import check_number
from .steps import Cells, Samples, asks_nothing, finish_total, keep_steps, leave_matrix, sample_distance


class TwedSteps(NamedTuple):
    """Costs of the steps; the features of a sample are its time and what deleting it costs.

    A match pays the gap of the cells at both its ends, so a cell carries its own gap to the match that begins there.

    Attributes:
        nu: Stiffness.
        lmbda: Penalty of a deletion.
        degree: Degree of the norm over the channels.
    """

    nu: float
    lmbda: float
    degree: float

    asks_spread = asks_nothing
    between = keep_steps
    finish = finish_total
    finish_matrix = leave_matrix

    def width(self, channels: int) -> int:
        """Return 2."""
        return 2

    def describe(
        self,
        values: NDArray[np.float64],
        times: NDArray[np.float64],
        features: NDArray[np.float64],
        deletion: NDArray[np.float64],
    ) -> None:
        """Write times and deletions; the first sample is never deleted."""
        features[0, 0] = times[0]
        features[1, 0] = 0.0
        for k in range(1, values.shape[1]):
            features[0, k] = times[k]
            jump = sample_distance(values, k, values, k - 1, self.degree)
            features[1, k] = jump + self.nu * (times[k] - times[k - 1]) + self.lmbda

    def hold(self, first: Samples, row: Any) -> tuple[Any, Any]:
        """Return times and deletions."""
        return lane(first.features, 0, row), lane(first.features, 1, row)

    def cost(self, gap: Any, held: Any, cells: Cells) -> tuple[Any, Any, Any]:
        """Return the costs of the three steps; of a match, the part at the cell itself."""
        match = gap + self.nu * magnitude(held[0] - lane(cells.second.features, 0, cells.column))
        return match, held[1], lane(cells.second.features, 1, cells.column)

    def carry(self, total: Any, match: Any) -> Any:
        """Return the cell's total and its gap."""
        return total + match

    def recall(self, total: Any, carried: Any) -> Any:
        """Return what was carried."""
        return carried


@dataclass(frozen=True)
class Twed(ElasticDistance):
    """The distance with its parameters, as `twed_distance` describes them."""

    nu: float = 1.0
    lmbda: float = 1.0
    degree: float = 2.0

    def __post_init__(self) -> None:
        check_number(self.nu, "nu", 0.0)
        check_number(self.lmbda, "lambda", 0.0)
        check_number(self.degree, "degree", 1.0)

    def steps(self) -> TwedSteps:
        """Return the costs of the steps."""
        return TwedSteps(float(self.nu), float(self.lmbda), float(self.degree))


_DISTANCE, _MATRIX, _PATH = make_caches(Twed)


def twed_distance(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    times1: ArrayLike | None = None,
    times2: ArrayLike | None = None,
    nu: float = 1.0,
    lmbda: float = 1.0,
    degree: float = 2.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> float:
    """Return the time warp edit distance of two series.

    With samples counted from 1, ``|.|`` the Lp norm over the channels and ``ta``, ``tb`` the time stamps::

        D(i, j) = min of
            D(i-1, j-1) + |a_i - b_j| + |a_(i-1) - b_(j-1)| + nu (|ta_i - tb_j| + |ta_(i-1) - tb_(j-1)|)  match
            D(i-1, j)   + |a_i - a_(i-1)| + nu (ta_i - ta_(i-1)) + lambda                           delete in a
            D(i, j-1)   + |b_j - b_(j-1)| + nu (tb_j - tb_(j-1)) + lambda                           delete in b

    with D(0, 0) = 0, D(i, 0) = D(0, j) = infinity, a_0 = b_0 = 0 and ta_0 = tb_0 = 0. Infinite borders force the first
    two samples to be matched, so a_0 and ta_0 are only ever compared with b_0 and tb_0: the origin of time does not
    matter. Without time stamps, the samples stand at 1, 2, 3, ... For nu > 0 the distance is a metric; for nu = 0 two
    different series may be at distance 0.

    Time O(n m), less in a window; memory O(n + m).

    Reference: P.-F. Marteau, Time warp edit distance with stiffness adjustment for time series matching, IEEE TPAMI 31
    (2009) 306-318, doi 10.1109/TPAMI.2008.76. Programs that derive from the author's C file fill the borders with
    finite numbers and give other values.

    Args:
        series1: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        series2: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `series1`.
        times1: ``(n,)`` strictly increasing time stamps; both or none.
        times2: ``(m,)`` strictly increasing time stamps, in the unit and from the origin of `times1`.
        nu: Stiffness, at least 0: cost of one unit of time difference.
        lmbda: Penalty of a deletion, at least 0, in the unit of the series.
        degree: Degree p of the Lp norm over the channels, at least 1; without effect on one channel.
        window_size: Sakoe-Chiba radius in samples: only cells with ``|i - j|`` up to it; ``None`` for no limit.
        nan_policy: What becomes of NaN: ``"raise"`` an error; ``"propagate"`` a distance and a matrix that are NaN, and
            an empty path; ``"interpolate"`` values on straight lines over time, channel by channel.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.

    Returns:
        The distance, in the unit of the series.

    Raises:
        ValueError: If a series is empty, ragged or holds NaN or infinity, channels differ, time stamps do not
            increase or are given for one series only, a parameter is out of range, no path stays within the
            window, or the costs overflow.
        TypeError: If a series, time stamp or parameter is no real number.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.

    Example:
        >>> twed_distance([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
        0.0
        >>> twed_distance([0.0, 0.0], [0.0, 0.0, 5.0], nu=0.5, lmbda=1.0)
        6.5
    """
    distance: float = _DISTANCE.ask(
        series1, series2, times1, times2, window_size, nan_policy, kernel, nu, lmbda, degree
    )
    return distance


def twed_matrix(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    times1: ArrayLike | None = None,
    times2: ArrayLike | None = None,
    nu: float = 1.0,
    lmbda: float = 1.0,
    degree: float = 2.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> NDArray[np.float64]:
    """Return the cost matrix; definition, arguments and errors are those of `twed_distance`.

    Time O(n m); memory 8 bytes for each of the n m cells.

    Returns:
        ``(n, m)`` float64: entry ``[i, j]`` is the distance between the first i + 1 samples of
        `series1` and the first j + 1 of `series2`, so the last entry is the distance. The infinite borders
        D(i, 0) and D(0, j) of the definition are left out; entries outside the window are infinity.

    Raises:
        ValueError: As `twed_distance`.
        TypeError: As `twed_distance`.
        ImportError: As `twed_distance`.
        MemoryError: If the matrix does not fit into memory.

    Example:
        >>> twed_matrix([0.0, 1.0], [0.0, 1.0, 1.0]).tolist()
        [[0.0, 3.0, 5.0], [3.0, 0.0, 2.0]]
    """
    matrix: NDArray[np.float64] = _MATRIX.ask(
        series1, series2, times1, times2, window_size, nan_policy, kernel, nu, lmbda, degree
    )[0]
    return matrix


def twed_path(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    times1: ArrayLike | None = None,
    times2: ArrayLike | None = None,
    nu: float = 1.0,
    lmbda: float = 1.0,
    degree: float = 2.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, and the distance; definition, arguments and errors are those of `twed_distance`.

    Time O(n m); memory n m / 4 bytes up to 64 MiB, and beyond that twice the time instead of more memory.

    Returns:
        ``(k, 2)`` int64 and the distance. The path begins with (0, 0) and ends with (n-1, m-1), counted from 0; a
        step by (1, 1) matches the two samples, by (1, 0) deletes in `series1`, by (0, 1) deletes in `series2`. Of
        steps that cost the same, it takes the one named first.

    Raises:
        ValueError: As `twed_distance`.
        TypeError: As `twed_distance`.
        ImportError: As `twed_distance`.
        MemoryError: If the steps do not fit into memory.

    Example:
        >>> path, distance = twed_path([0.0, 1.0], [0.0, 1.0, 1.0])
        >>> path.tolist(), distance
        ([[0, 0], [1, 1], [1, 2]], 2.0)
    """
    found: tuple[NDArray[np.int64], float] = _PATH.ask(
        series1, series2, times1, times2, window_size, nan_policy, kernel, nu, lmbda, degree
    )
    return found


def twed_pairwise(
    series: Sequence[ArrayLike] | ArrayLike,
    others: Sequence[ArrayLike] | ArrayLike | None = None,
    *,
    times: Sequence[ArrayLike] | ArrayLike | None = None,
    other_times: Sequence[ArrayLike] | ArrayLike | None = None,
    nu: float = 1.0,
    lmbda: float = 1.0,
    degree: float = 2.0,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the distances of all pairs; definition, parameters and errors are those of `twed_distance`.

    Time O(n m) for each pair, shared out over threads; memory O(n + m) for each thread.

    Args:
        series: N series, of any lengths: ``(N, n)``, ``(N, n, channels)``, or a sequence of series.
        others: M series to compare them with; ``None`` for `series` themselves.
        times: Time stamps of `series`: ``(n,)`` for all of them, or a sequence of one array for each.
        other_times: Time stamps of `others`, likewise.
        nu: As `twed_distance`.
        lmbda: As `twed_distance`.
        degree: As `twed_distance`.
        window_size: As `twed_distance`.
        nan_policy: As `twed_distance`; a series with NaN is at distance NaN from every other, and from itself.
        kernel: As `twed_distance`.
        threads: How many to use; ``None`` for one on every processor core that the process may run on.

    Returns:
        ``(N, M)`` float64, or ``(N, N)``, symmetric, with zeros on the diagonal.

    Raises:
        ValueError: As `twed_distance`; also if time stamps are given for one of `series` and `others` only.
        TypeError: As `twed_distance`.
        ImportError: As `twed_distance`.

    Example:
        >>> twed_pairwise([[0.0, 0.0], [0.0, 0.0, 5.0]], nu=0.5, lmbda=1.0).tolist()
        [[0.0, 6.5], [6.5, 0.0]]
    """
    if others is not None and (times is None) != (other_times is None):
        absent = "times" if times is None else "other_times"
        raise ValueError(f"{absent}: expected time stamps for both or for none, got none; give {absent} too")
    return measure_pairwise(
        Twed(nu=nu, lmbda=lmbda, degree=degree),
        series,
        others,
        times=times,
        other_times=other_times,
        window_size=window_size,
        nan_policy=nan_policy,
        kernel=kernel,
        threads=threads,
    )
