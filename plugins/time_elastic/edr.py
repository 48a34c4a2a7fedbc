"""Edit distance on real sequences: how many samples must be inserted, deleted or replaced.

`edr_distance` has the definition and its source.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .distance import make_caches
from .pairwise import measure_pairwise
from .tolerance import ToleranceDistance


@dataclass(frozen=True)
class Edr(ToleranceDistance):
    """The distance with its parameter, as `edr_distance` describes it."""

    costs = (0.0, 1.0, 1.0)


_DISTANCE, _MATRIX, _PATH = make_caches(Edr)


def edr_distance(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    epsilon: float | None = None,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> float:
    """Return the edit distance on real sequences of two series.

    With samples counted from 1 and ``|.|`` the Euclidean norm over the channels::

        D(i, j) = min of
            D(i-1, j-1) + (0 if |a_i - b_j| <= epsilon else 1)     match, or replace
            D(i-1, j)   + 1                                        delete in a
            D(i, j-1)   + 1                                        delete in b

    with D(i, 0) = i and D(0, j) = j. Robust against outliers, which cost 1 however far they are. It is no metric.

    Time O(n m), less in a window; memory O(n + m).

    Reference: L. Chen, M. T. Özsu, V. Oria, Robust and fast similarity search for moving object trajectories, SIGMOD
    (2005) 491-502, doi 10.1145/1066157.1066213. Some programs divide by the longer length, and some set D(i, 0) = D(0,
    j) = 0.

    Args:
        series1: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        series2: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `series1`.
        epsilon: Tolerance, at least 0, in the unit of the series; ``None`` for a quarter of the larger standard
            deviation of the two series, as the authors advise.
        window_size: Sakoe-Chiba radius in samples: only cells with ``|i - j|`` up to it; ``None`` for no limit.
        nan_policy: What becomes of NaN: ``"raise"`` an error; ``"propagate"`` a distance and a matrix that are NaN, and
            an empty path; ``"interpolate"`` values on straight lines over the samples, channel by channel.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.

    Returns:
        The number of samples that must be inserted, deleted or replaced.

    Raises:
        ValueError: If a series is empty, ragged or holds NaN or infinity, channels differ, a parameter is out of range,
            no path stays within the window, or the costs overflow.
        TypeError: If a series or parameter is no real number.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.

    Example:
        >>> edr_distance([1.0, 2.0, 3.0], [1.0, 9.0, 2.0, 3.0], epsilon=0.1)
        1.0
    """
    distance: float = _DISTANCE.ask(series1, series2, None, None, window_size, nan_policy, kernel, epsilon)
    return distance


def edr_matrix(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    epsilon: float | None = None,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> NDArray[np.float64]:
    """Return the cost matrix; definition, arguments and errors are those of `edr_distance`.

    Time O(n m); memory 8 bytes for each of the n m cells.

    Returns:
        ``(n, m)`` float64: entry ``[i, j]`` is D(i, j) of the first i + 1 samples of `series1` and the first j + 1 of
        `series2`, so the last entry is the distance. Entries outside the window are infinity.

    Raises:
        ValueError: As `edr_distance`.
        TypeError: As `edr_distance`.
        ImportError: As `edr_distance`.
        MemoryError: If the matrix does not fit into memory.

    Example:
        >>> edr_matrix([1.0, 2.0], [2.0, 3.0], epsilon=0.1).tolist()
        [[1.0, 2.0], [1.0, 2.0]]
    """
    matrix: NDArray[np.float64] = _MATRIX.ask(series1, series2, None, None, window_size, nan_policy, kernel, epsilon)[0]
    return matrix


def edr_path(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    epsilon: float | None = None,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
) -> tuple[NDArray[np.int64], float]:
    """Return the best path, and the distance; definition, arguments and errors are those of `edr_distance`.

    Time O(n m); memory n m / 4 bytes up to 64 MiB, and beyond that twice the time instead of more memory.

    Returns:
        ``(k, 2)`` int64 and the distance. The path ends with (n-1, m-1), counted from 0. A step by (1, 1) matches the
        two samples, by (1, 0) deletes in `series1`, by (0, 1) deletes in `series2`; of steps that cost the same, it
        takes the one named first. It begins with the first step from (-1, -1): as long as it deletes in one series
        alone, the index of the other stays -1.

    Raises:
        ValueError: As `edr_distance`.
        TypeError: As `edr_distance`.
        ImportError: As `edr_distance`.
        MemoryError: If the steps do not fit into memory.

    Example:
        >>> path, distance = edr_path([1.0, 2.0, 3.0], [2.0, 3.0], epsilon=0.1)
        >>> path.tolist(), distance
        ([[0, -1], [1, 0], [2, 1]], 1.0)
    """
    found: tuple[NDArray[np.int64], float] = _PATH.ask(
        series1, series2, None, None, window_size, nan_policy, kernel, epsilon
    )
    return found


def edr_pairwise(
    series: Sequence[ArrayLike] | ArrayLike,
    others: Sequence[ArrayLike] | ArrayLike | None = None,
    *,
    epsilon: float | None = None,
    window_size: int | None = None,
    nan_policy: str = "raise",
    kernel: str = "auto",
    threads: int | None = None,
) -> NDArray[np.float64]:
    """Return the distances of all pairs; definition, parameters and errors are those of `edr_distance`.

    Time O(n m) for each pair, shared out over threads; memory O(n + m) for each thread.

    Args:
        series: N series, of any lengths: ``(N, n)``, ``(N, n, channels)``, or a sequence of series.
        others: M series to compare them with; ``None`` for `series` themselves.
        epsilon: Tolerance, at least 0, in the unit of the series; ``None`` for a quarter of the larger standard
            deviation of the two series, as the authors advise.
        window_size: As `edr_distance`.
        nan_policy: As `edr_distance`; a series with NaN is at distance NaN from every other, and from itself.
        kernel: As `edr_distance`.
        threads: How many to use; ``None`` for one on every processor core that the process may run on.

    Returns:
        ``(N, M)`` float64, or ``(N, N)``, symmetric, with zeros on the diagonal.

    Raises:
        ValueError: As `edr_distance`.
        TypeError: As `edr_distance`.
        ImportError: As `edr_distance`.

    Example:
        >>> edr_pairwise([[1.0, 2.0, 3.0], [2.0, 3.0]], epsilon=0.1).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    distance = Edr(epsilon=epsilon)
    return measure_pairwise(
        distance, series, others, window_size=window_size, nan_policy=nan_policy, kernel=kernel, threads=threads
    )
