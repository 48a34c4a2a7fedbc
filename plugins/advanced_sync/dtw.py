"""Dynamic time warping: the distance of two series, the path that gives it, and the series warped along it.

`dtw_distance` has the definition and its source. Of steps that cost the same, the one that stands first in the pattern
is taken: with the symmetric ones the diagonal, then the one that stays on the target sample. A window holds for the
cells at which a production of the pattern begins and ends; the cells inside one may lie beside it, as in R's dtw.

With an open begin a row of zeros is put before the first reference sample, so that the path may begin at any target
sample; at the very first by a step (1, 0) alone, which patterns of limited slope do not have. With an open end the
distance is the smallest of the last row, after normalization where the length of the matched target counts in it. Both
together find `reference` within `target`. See P. Tormene et al., Matching incomplete time series with dynamic time
warping, Artif. Intell. Med. 45 (2009), doi 10.1016/j.artmed.2008.11.007.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from platform_base.kernels.inline_cache import InlineCache
from platform_base.kernels.shortcut import Shortcut

from .kernels import choose_kernel, find_shortcut, solve_distance, solve_matrix, solve_path
from .options import FurtherOptions, Options
from .precision import refuse_matrices
from .problem import AlignmentProblem, check_problem
from .step_patterns import StepPattern
from .warping import warp


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrices:
    """The costs behind an alignment.

    Attributes:
        local: Local costs, ``(n, m)`` float64, also outside the window.
        accumulated: Accumulated costs, ``(n, m)`` float64, infinite where no path comes.
    """

    local: NDArray[np.float64]
    accumulated: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """A target aligned with a reference.

    Attributes:
        warped: The target on the reference's time axis, ``(n,)`` or ``(n, channels)`` float64; in reverse, the
            reference on the target's, ``(m,)`` or ``(m, channels)``.
        times: The time stamps of that axis, ``(n,)`` or ``(m,)`` float64; ``None`` if none were given.
        warped_times: Where on its own axis each warped sample comes from, shaped as `times`; ``None`` likewise.
        path: ``(k, 2)`` int64 pairs of reference and target sample, in time order, both from 0.
        distance: Cost of the path.
        normalized_distance: `distance` divided as the step pattern says: by n, by the m' target samples up to the
            end of the path, or by n + m'; where it has no such number, by the pairs on the path.
        distance_metric: The local cost that was used.
        step_pattern: Canonical name of the step pattern that was used.
        window_size: The radius that was asked for, samples; ``None`` without one.
        kernel: ``"numba"`` or ``"numpy"``.
        dtype: Precision of the path and the distance, ``"float64"`` or ``"float32"``.
        matrices: The costs, where they were asked for.
    """

    warped: NDArray[np.float64]
    times: NDArray[np.float64] | None
    warped_times: NDArray[np.float64] | None
    path: NDArray[np.int64]
    distance: float
    normalized_distance: float
    distance_metric: str
    step_pattern: str
    window_size: int | None
    kernel: str
    dtype: str
    matrices: Matrices | None


def _solve_distance(reference: Any, target: Any, *plain: Any, **options: Any) -> float:
    return solve_distance(*_check(reference, target, {**dict(zip(_PLAIN, plain, strict=True)), **options}))


def _solve_path(reference: Any, target: Any, *plain: Any, **options: Any) -> tuple[NDArray[np.int64], float]:
    return solve_path(*_check(reference, target, {**dict(zip(_PLAIN, plain, strict=True)), **options}))


def _find_distance_shortcut(*plain: Any) -> Shortcut | None:
    return find_shortcut(dict(zip(_PLAIN, plain, strict=True)), path=False)


def _find_path_shortcut(*plain: Any) -> Shortcut | None:
    return find_shortcut(dict(zip(_PLAIN, plain, strict=True)), path=True)


# The options of which there may be a shortcut, in the order in which the functions below hand them on.
_PLAIN = ("distance_metric", "step_pattern", "window_size", "kernel", "dtype")
_DISTANCE = InlineCache(_find_distance_shortcut, _solve_distance)
_PATH = InlineCache(_find_path_shortcut, _solve_path)


def dtw_distance(
    reference: ArrayLike | None,
    target: ArrayLike | None,
    *,
    distance_metric: str = "euclidean",
    step_pattern: str | StepPattern = "symmetric",
    window_size: int | None = None,
    kernel: str = "auto",
    dtype: str = "float64",
    **options: Unpack[FurtherOptions],
) -> float:
    """Return the dynamic-time-warping distance of two series.

    For a reference x of n samples and a target y of m samples, with local cost c(i, j) between x[i] and y[j], counted
    from 0, the accumulated cost is, for the step pattern symmetric2::

        D(0, 0) = c(0, 0)
        D(i, j) = min(D(i-1, j-1) + 2 c(i, j),  D(i-1, j) + c(i, j),  D(i, j-1) + c(i, j))

    and infinite outside the matrix and outside the window. The distance is D(n-1, m-1). Other step patterns have other
    terms in the minimum (`step_patterns`); local costs are listed in `metrics`, windows in `windows`, and the module's
    docstring says what open ends change.

    Time O(n m), or O(n w) in a window of w target samples, times the moves of the pattern; memory O(n + m).

    References: H. Sakoe and S. Chiba, Dynamic programming algorithm optimization for spoken word recognition, IEEE
    TASSP 26 (1978) 43-49, doi 10.1109/TASSP.1978.1163055. Names and the weight of the first cell are those of T.
    Giorgino, Computing and visualizing dynamic time warping alignments in R, J. Stat. Softw. 31 (2009), doi
    10.18637/jss.v031.i07.

    Args:
        reference: ``(n,)`` or ``(n, channels)`` real numbers, n at least 1.
        target: ``(m,)`` or ``(m, channels)`` real numbers, in the unit of `reference`.
        distance_metric: Local cost; see `metrics` for all.
        step_pattern: A name of `STEP_PATTERNS` or a `StepPattern`; ``"symmetric"`` is symmetric2.
        window_size: Radius of the window in samples; ``None`` for no limit.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.
        dtype: Precision of the arithmetic, ``"float64"`` or ``"float32"``; see `precision`.
        **options: What else to choose, see `FurtherOptions`: other windows, open ends and more.

    Returns:
        The distance, in the unit of the local cost; never divided by a length.

    Raises:
        ValueError: If a series is empty, ragged or holds NaN or infinity, channels differ, a name is unknown,
            options contradict each other, the costs overflow, or no path exists under the window and the step pattern.
        TypeError: If a series holds no real numbers, or an option is of another type.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.

    Example:
        >>> dtw_distance([0, 1, 2, 2], [0, 0, 1, 2], step_pattern="symmetric1")
        0.0
        >>> dtw_distance([0.0, 1.0], [1.0, 3.0])
        3.0
        >>> dtw_distance([5, 6], [1, 5, 6, 2], step_pattern="asymmetric", open_begin=True, open_end=True)
        0.0
        >>> dtw_distance([0.1, 1.0], [1.0, 3.0], dtype="float32")
        2.9000000953674316
    """
    if options:
        return _solve_distance(reference, target, distance_metric, step_pattern, window_size, kernel, dtype, **options)
    distance: float = _DISTANCE.ask(reference, target, distance_metric, step_pattern, window_size, kernel, dtype)
    return distance


def dtw_path(
    reference: ArrayLike | None,
    target: ArrayLike | None,
    *,
    distance_metric: str = "euclidean",
    step_pattern: str | StepPattern = "symmetric",
    window_size: int | None = None,
    kernel: str = "auto",
    dtype: str = "float64",
    **options: Unpack[FurtherOptions],
) -> tuple[NDArray[np.int64], float]:
    """Return the best warping path and its cost; definition, arguments and errors are those of `dtw_distance`.

    Time O(n m) as `dtw_distance`; memory at most two bits for each cell in the window, four for patterns of more than
    four productions.

    Returns:
        The path, ``(k, 2)`` int64 pairs of reference and target sample from (0, 0) to (n-1, m-1) unless an end is
        open, and the distance.

    Raises:
        ValueError: As `dtw_distance`.
        TypeError: As `dtw_distance`.
        ImportError: As `dtw_distance`.
        MemoryError: If the steps of the cells inside the window do not fit into memory.

    Example:
        >>> path, distance = dtw_path([0, 1, 2, 2], [0, 0, 1, 2])
        >>> path.tolist()
        [[0, 0], [0, 1], [1, 2], [2, 3], [3, 3]]
    """
    if options:
        return _solve_path(reference, target, distance_metric, step_pattern, window_size, kernel, dtype, **options)
    found: tuple[NDArray[np.int64], float] = _PATH.ask(
        reference, target, distance_metric, step_pattern, window_size, kernel, dtype
    )
    return found


def dtw_matrices(reference: ArrayLike | None, target: ArrayLike | None, **options: Unpack[Options]) -> Matrices:
    """Return the local and the accumulated costs; arguments and errors are those of `dtw_path`.

    Time O(n m), window or not; memory 16 bytes for each of the ``n * m`` cells.

    Returns:
        The costs.

    Raises:
        ValueError: As `dtw_path`.
        TypeError: As `dtw_path`.
        ImportError: As `dtw_path`.
        MemoryError: If the matrices do not fit into memory.

    Example:
        >>> dtw_matrices([0, 1], [0, 2, 1], step_pattern="symmetric1").accumulated.tolist()
        [[0.0, 2.0, 3.0], [1.0, 1.0, 1.0]]
    """
    refuse_matrices(options.get("dtype", "float64"))
    problem, kernel = _check(reference, target, options)
    _, _, accumulated = solve_matrix(problem, kernel)
    return Matrices(local=problem.costs.dense(), accumulated=accumulated)


def dtw_align(
    reference: ArrayLike,
    target: ArrayLike,
    *,
    reverse: bool = False,
    matrices: bool = False,
    **options: Unpack[Options],
) -> Alignment:
    """Align `target` with `reference`; definition, arguments, errors, time and memory are those of `dtw_path`.

    Sample i of the warped series is the mean of all target samples that the path matches with reference
    sample i (with asymmetric there is exactly one); see `warp`.

    Args:
        reference: As in `dtw_distance`.
        target: As in `dtw_distance`.
        reverse: Whether the reference is warped onto the target's time axis instead.
        matrices: Whether the costs are wanted as well, see `dtw_matrices`.
        **options: See `Options`.

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
    problem, kernel = _check(reference, target, options)
    for name, value in (("reverse", reverse), ("matrices", matrices)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name}: expected true or false, got {value!r}")
    if matrices:
        refuse_matrices(problem.dtype)
        path, distance, accumulated = solve_matrix(problem, kernel)
        costs = Matrices(local=problem.costs.dense(), accumulated=accumulated)
    else:
        path, distance = solve_path(problem, kernel)
    window_size = options.get("window_size")
    if (reference if reverse else target) is None:
        raise ValueError(f"{'reference' if reverse else 'target'}: expected the series to warp, got None; use dtw_path")
    axis, own = problem.positions.reference, problem.positions.target
    warped, flat, ordered = problem.target_values, np.ndim(target) == 1, path
    if reverse:
        axis, own = own, axis
        warped, flat, ordered = problem.reference_values, np.ndim(reference) == 1, path[:, ::-1]
    warped = warp(warped, ordered, axis)
    timed = problem.positions.timed
    return Alignment(
        warped=warped[:, 0] if flat else warped,
        times=axis if timed else None,
        warped_times=warp(own[:, np.newaxis], ordered, axis)[:, 0] if timed else None,
        path=path,
        distance=distance,
        normalized_distance=_normalize(problem, path, distance),
        distance_metric=options.get("distance_metric", "euclidean"),
        step_pattern=problem.pattern.name,
        window_size=None if window_size is None else int(window_size),
        kernel=kernel,
        dtype=problem.dtype,
        matrices=costs if matrices else None,
    )


def _check(reference: Any, target: Any, options: Options) -> tuple[AlignmentProblem, Any]:
    chosen = dict(options)
    kernel = choose_kernel(str(chosen.pop("kernel", "auto")))
    return check_problem(reference, target, **chosen), kernel  # type: ignore[arg-type]


def _normalize(problem: AlignmentProblem, path: NDArray[np.int64], distance: float) -> float:
    if not len(path):
        return distance
    if problem.pattern.normalization == "NA":
        return distance / len(path)
    return distance / problem.pattern.divisor(len(problem.reference), int(path[-1, 1]) + 1)
