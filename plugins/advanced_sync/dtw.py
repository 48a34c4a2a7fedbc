r"""Dynamic time warping: the distance of two series, the path that gives it, and the series warped along it.

For a reference x of n samples and a target y of m samples, with local cost c(i, j) between x[i] and y[j],
counted from 0, the accumulated cost is, for the step pattern symmetric2::

    D(0, 0) = c(0, 0)
    D(i, j) = min(D(i-1, j-1) + 2 c(i, j),  D(i-1, j) + c(i, j),  D(i, j-1) + c(i, j))

and infinite outside the matrix and outside the window ``|i - j| <= window_size``. The distance is D(n-1,
m-1). symmetric1 counts the diagonal step once; asymmetric allows ``D(i-1, j-1)``, ``D(i-1, j)`` and
``D(i-1, j-2)``, each counted once, so that every reference sample is matched with exactly one target sample.
Local costs over the channels are ``euclidean`` sqrt(sum d^2), ``sqeuclidean`` sum d^2 and ``manhattan`` sum
\|d\|. Of steps that cost the same, the diagonal is taken, then the one that stays on the target sample.

Time O(n m), or O(n window_size) under a window. Memory O(n + m) for the distance, two bits per cell for the
path.

References: H. Sakoe and S. Chiba, Dynamic programming algorithm optimization for spoken word recognition,
IEEE TASSP 26 (1978) 43-49, doi 10.1109/TASSP.1978.1163055. Names and the weight of the first cell are those
of T. Giorgino, Computing and visualizing dynamic time warping alignments in R, J. Stat. Softw. 31 (2009), doi
10.18637/jss.v031.i07.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .kernels import choose_kernel, solve_distance, solve_path
from .problem import check_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """A target aligned with a reference.

    Attributes:
        warped: The target on the reference's time axis, ``(n,)`` or ``(n, channels)`` float64.
        path: ``(k, 2)`` int64 pairs of reference and target sample, in time order, both from 0.
        distance: Cost of the path.
        normalized_distance: `distance` divided by n + m (symmetric2), n (asymmetric) or the number of pairs
            on the path (symmetric1).
        distance_metric: The local cost that was used.
        step_pattern: Canonical name of the step pattern that was used.
        window_size: The window that was asked for, samples; ``None`` without one.
        kernel: ``"numba"`` or ``"numpy"``.
    """

    warped: NDArray[np.float64]
    path: NDArray[np.int64]
    distance: float
    normalized_distance: float
    distance_metric: str
    step_pattern: str
    window_size: int | None
    kernel: str


def dtw_distance(
    reference: ArrayLike,
    target: ArrayLike,
    *,
    distance_metric: str = "euclidean",
    window_size: int | None = None,
    step_pattern: str = "symmetric",
    kernel: str = "auto",
) -> float:
    """Return the dynamic-time-warping distance of two series, as the module's docstring defines it.

    Args:
        reference: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        target: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `reference`.
        distance_metric: ``"euclidean"``, ``"sqeuclidean"`` or ``"manhattan"``.
        window_size: Sakoe-Chiba radius in samples, at least ``|n - m|``; ``None`` for no limit.
        step_pattern: ``"symmetric"`` (which is symmetric2), ``"symmetric1"``, ``"symmetric2"`` or
            ``"asymmetric"``.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.

    Returns:
        The distance, in the unit of the series (its square for sqeuclidean); never divided by a length.

    Raises:
        ValueError: If a series is empty, ragged or holds NaN or infinity, channels differ, a name is unknown,
            the costs overflow, or no path exists under `window_size` or the slope of asymmetric.
        TypeError: If a series holds no real numbers, or `window_size` is no integer.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.

    Example:
        >>> dtw_distance([0, 1, 2, 2], [0, 0, 1, 2], step_pattern="symmetric1")
        0.0
        >>> dtw_distance([0.0, 1.0], [1.0, 3.0])
        3.0
    """
    problem = check_problem(
        reference, target, distance_metric=distance_metric, window_size=window_size, step_pattern=step_pattern
    )
    return solve_distance(problem, choose_kernel(kernel))


def dtw_path(
    reference: ArrayLike,
    target: ArrayLike,
    *,
    distance_metric: str = "euclidean",
    window_size: int | None = None,
    step_pattern: str = "symmetric",
    kernel: str = "auto",
) -> tuple[NDArray[np.int64], float]:
    """Return the best warping path and its cost; arguments and errors are those of `dtw_distance`.

    Returns:
        The path, ``(k, 2)`` int64 pairs of reference and target sample from (0, 0) to (n-1, m-1), and the
        distance.

    Raises:
        ValueError: As `dtw_distance`.
        TypeError: As `dtw_distance`.
        ImportError: As `dtw_distance`.
        MemoryError: If two bits for each cell inside the window do not fit into memory.

    Example:
        >>> path, distance = dtw_path([0, 1, 2, 2], [0, 0, 1, 2])
        >>> path.tolist()
        [[0, 0], [0, 1], [1, 2], [2, 3], [3, 3]]
    """
    problem = check_problem(
        reference, target, distance_metric=distance_metric, window_size=window_size, step_pattern=step_pattern
    )
    return solve_path(problem, choose_kernel(kernel))


def dtw_align(
    reference: ArrayLike,
    target: ArrayLike,
    *,
    distance_metric: str = "euclidean",
    window_size: int | None = None,
    step_pattern: str = "symmetric",
    kernel: str = "auto",
) -> Alignment:
    """Align `target` with `reference`; arguments and errors are those of `dtw_path`.

    Sample i of the warped series is the mean of all target samples that the path matches with reference
    sample i (with asymmetric there is exactly one).

    Returns:
        The alignment.

    Raises:
        ValueError: As `dtw_path`.
        TypeError: As `dtw_path`.
        ImportError: As `dtw_path`.
        MemoryError: As `dtw_path`.

    Example:
        >>> alignment = dtw_align([0, 5, 5, 0], [0, 0, 5, 0])
        >>> alignment.warped.tolist()
        [0.0, 5.0, 5.0, 0.0]
        >>> alignment.distance
        0.0
    """
    problem = check_problem(
        reference, target, distance_metric=distance_metric, window_size=window_size, step_pattern=step_pattern
    )
    chosen = choose_kernel(kernel)
    path, distance = solve_path(problem, chosen)
    warped = _warp(problem.target, path)
    divisor = problem.pattern.normalization(len(problem.reference), len(problem.target), len(path))
    return Alignment(
        warped=warped if np.ndim(target) == 2 else warped[:, 0],
        path=path,
        distance=distance,
        normalized_distance=distance / divisor,
        distance_metric=distance_metric,
        step_pattern=problem.pattern.name,
        window_size=None if window_size is None else int(window_size),
        kernel=chosen,
    )


def _warp(target: NDArray[np.float64], path: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for every reference sample, the mean of the target samples that the path matches with it."""
    starts = np.flatnonzero(np.diff(path[:, 0], prepend=-1))
    counts = np.diff(starts, append=len(path))
    sums = np.add.reduceat(target[path[:, 1]], starts, axis=0)
    means: NDArray[np.float64] = sums / counts[:, np.newaxis]
    return means
