r"""Time warp edit distance: how much it costs to edit one series into another, in value and in time.

With samples counted from 1, ``|.|`` the Lp norm over the channels and ``ta``, ``tb`` the time stamps::

    D(i, j) = min of
        D(i-1, j-1) + |a_i - b_j| + |a_(i-1) - b_(j-1)| + nu (|ta_i - tb_j| + |ta_(i-1) - tb_(j-1)|)  match
        D(i-1, j)   + |a_i - a_(i-1)| + nu (ta_i - ta_(i-1)) + lambda                           delete in a
        D(i, j-1)   + |b_j - b_(j-1)| + nu (tb_j - tb_(j-1)) + lambda                           delete in b

with D(0, 0) = 0, D(i, 0) = D(0, j) = infinity, a_0 = b_0 = 0 and ta_0 = tb_0 = 0. Infinite borders force the
first two samples to be matched, so a_0 and ta_0 are only ever compared with b_0 and tb_0: the origin of time
does not matter. Without time stamps, the samples stand at 1, 2, 3, ... For nu > 0 the distance is a metric;
for nu = 0 two different series may be at distance 0.

Time O(n m). Memory O(n + m) for the distance, 8 n m bytes for the cost matrix.

Reference: P.-F. Marteau, Time warp edit distance with stiffness adjustment for time series matching, IEEE
TPAMI 31 (2009) 306-318, doi 10.1109/TPAMI.2008.76. Programs that derive from the author's C file fill the
borders with finite numbers and give other values.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .kernels import choose_kernel, solve_distance, solve_matrix
from .problem import check_problem


def twed_distance(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    times1: ArrayLike | None = None,
    times2: ArrayLike | None = None,
    nu: float = 1.0,
    lmbda: float = 1.0,
    degree: float = 2.0,
    kernel: str = "auto",
) -> float:
    """Return the time warp edit distance of two series, as the module's docstring defines it.

    Args:
        series1: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        series2: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `series1`.
        times1: ``(n,)`` strictly increasing time stamps; both or none.
        times2: ``(m,)`` strictly increasing time stamps, in the unit and from the origin of `times1`.
        nu: Stiffness, at least 0: cost of one unit of time difference.
        lmbda: Penalty of a deletion, at least 0, in the unit of the series.
        degree: Degree p of the Lp norm over the channels, at least 1; without effect on one channel.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.

    Returns:
        The distance, in the unit of the series.

    Raises:
        ValueError: If a series is empty, ragged or holds NaN or infinity, channels differ, time stamps do not
            increase or are given for one series only, a parameter is out of range, or the costs overflow.
        TypeError: If a series, time stamp or parameter is no real number.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.

    Example:
        >>> twed_distance([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
        0.0
        >>> twed_distance([0.0, 0.0], [0.0, 0.0, 5.0], nu=0.5, lmbda=1.0)
        6.5
    """
    problem = check_problem(series1, series2, times1=times1, times2=times2, nu=nu, lmbda=lmbda, degree=degree)
    return solve_distance(problem, choose_kernel(kernel))


def twed_matrix(
    series1: ArrayLike,
    series2: ArrayLike,
    *,
    times1: ArrayLike | None = None,
    times2: ArrayLike | None = None,
    nu: float = 1.0,
    lmbda: float = 1.0,
    degree: float = 2.0,
    kernel: str = "auto",
) -> NDArray[np.float64]:
    """Return the cost matrix; arguments and errors are those of `twed_distance`.

    Returns:
        ``(n, m)`` float64: entry ``[i, j]`` is the distance between the first i + 1 samples of
        `series1` and the first j + 1 of `series2`, so the last entry is the distance. The infinite borders
        D(i, 0) and D(0, j) of the definition are left out.

    Raises:
        ValueError: As `twed_distance`.
        TypeError: As `twed_distance`.
        ImportError: As `twed_distance`.
        MemoryError: If the matrix does not fit into memory.

    Example:
        >>> twed_matrix([0.0, 1.0], [0.0, 1.0, 1.0]).tolist()
        [[0.0, 3.0, 5.0], [3.0, 0.0, 2.0]]
    """
    problem = check_problem(series1, series2, times1=times1, times2=times2, nu=nu, lmbda=lmbda, degree=degree)
    return solve_matrix(problem, choose_kernel(kernel))
