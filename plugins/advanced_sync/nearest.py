"""The nearest neighbours of a series among many."""

from __future__ import annotations

import operator
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from platform_base.kernels.series import as_series
from platform_base.plugins.base import get_context

from .dtw import dtw_distance
from .kernels import choose_kernel
from .many import Many, check_channels, check_many, check_options, find_radius
from .missing import take_gap, take_gaps
from .options import Options
from .pairwise import check_finite
from .precision import as_dtype, check_dtype
from .progress import reporting_whole


def dtw_nearest(
    query: ArrayLike, candidates: ArrayLike, *, count: int = 1, **options: Unpack[Options]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest of many series, exactly, and their dynamic-time-warping distances.

    Candidates whose lower bound is above the distances found so far are passed over, and comparisons that cannot end
    below them are abandoned; the result is that of comparing with every candidate. The bounds are LB_Kim (Kim, Park,
    Chu, ICDE 2001) and LB_Keogh (Keogh and Ratanamahatana 2005, doi 10.1007/s10115-004-0154-9), for symmetric1 and
    symmetric2 with ``euclidean``, ``sqeuclidean`` and ``manhattan``; the narrower the window, the more they leave out.
    With other options every candidate is compared. Time O(N m) for the bounds, O(n m) for each comparison; memory
    O(N m).

    With ``dtype="float32"`` the result is that of comparing with every candidate in that precision; `precision` says
    how large its error is. Neighbours whose distances differ by less may change places, or one of them may take the
    place of the last one. Candidates at equal distances in float32 come in the order of their numbers, whether or not
    they differ in float64.

    Args:
        query: ``(n,)`` or ``(n, channels)`` real numbers.
        candidates: N series: ``(N, m)`` or ``(N, m, channels)``, or a sequence of series of any lengths, in the unit of
            `query`.
        count: How many neighbours, 1 to N.
        **options: What to choose, see `Options`; those that describe one pair are not for many. With `nan_policy`
            ``"propagate"``, candidates with NaN come last, at distance NaN; all of them, if `query` has some.

    Returns:
        ``(count,)`` int64 numbers of the nearest candidates, nearest first, of equally near ones the first first, and
        ``(count,)`` float64 distances.

    Raises:
        ValueError: As `dtw_distance`, naming the series; or `count` is not 1 to N, or an option is not for many.
        TypeError: As `dtw_distance`; or `count` is no integer.
        ImportError: As `dtw_distance`.

    Example:
        >>> numbers, distances = dtw_nearest([0, 1, 2], [[5, 5, 5], [0, 2, 2], [0, 0, 1]], count=2)
        >>> numbers.tolist(), distances.tolist()
        ([1, 2], [1.0, 1.0])
    """
    policy = options.pop("nan_policy", "raise")
    whole, lost_query = take_gap(query, "query", policy)
    several, lost = take_gaps(candidates, "candidates", policy)
    numbers, distances = _search(whole, several, count, options)
    if not (lost_query or lost.size):
        return numbers, distances
    sound = np.setdiff1d(np.arange(len(several)), lost)
    numbers, distances = np.concatenate((sound, lost))[:count], np.full(count, np.nan)
    if lost_query:
        return np.arange(count), distances
    near = min(count, len(sound))
    if near:
        found, distances[:near] = _search(whole, [several[number] for number in sound], near, options)
        numbers[:near] = sound[found]
    return numbers, distances


def _search(query: Any, candidates: Any, count: int, options: Options) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Do what `dtw_nearest` does with series that hold no NaN, or raise its errors."""
    dtype = check_dtype(options.get("dtype", "float64"))
    x = as_dtype(as_series(query, "query"), dtype, "query")
    kernel = choose_kernel(str(options.get("kernel", "auto")))
    others = check_many(candidates, "candidates", dtype, look=kernel != "numba")
    check_channels(others, x.shape[1], "candidates")
    if isinstance(count, bool) or not hasattr(count, "__index__"):
        raise TypeError(f"count: expected a whole number, got {count!r}")
    if not 1 <= operator.index(count) <= len(others):
        raise ValueError(f"count: expected 1 to {len(others)}, the number of candidates, got {count}")
    check_options(Many(x, np.array([0, len(x)])), others, options)
    found = _find_compiled(x, others, operator.index(count), options) if kernel == "numba" else None
    if found is None:
        others = check_many(candidates, "candidates", dtype)
        distances = _compare_all(x, others, options)
        numbers = np.argsort(distances, kind="stable")[: operator.index(count)]
        found = numbers.astype(np.int64), distances[numbers]
    check_finite(found[1], dtype)
    return found


def _compare_all(x: NDArray[np.float64], others: Many, options: Any) -> NDArray[np.float64]:
    distances = np.empty(len(others))
    with reporting_whole("candidates") as report:
        for number in range(len(others)):
            report(number / len(others))
            distances[number] = dtw_distance(x, others[number], **options)
    return distances


def _find_compiled(
    x: NDArray[np.float64], others: Many, count: int, options: Any
) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
    """Search with the compiled kernels; ``None`` where they are not for these options, or a sample is not finite."""
    from . import batches, strips

    radius, names = find_radius(options), strips.find_plain_names(options)
    if names is None or radius is None:
        return None
    report = get_context().report_progress
    try:
        return batches.search(names, x, others, radius, count, lambda fraction: report(fraction, "candidates"))
    except FloatingPointError:
        return None
