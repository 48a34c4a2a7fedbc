"""The distances of all pairs of many series."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from platform_base.plugins.base import get_context

from .dtw import dtw_distance
from .kernels import choose_kernel
from .many import Many, check_channels, check_many, check_options, find_radius, is_symmetric
from .missing import take_gaps
from .options import Options
from .precision import check_dtype, explain_overflow
from .progress import reporting_whole


def dtw_pairwise(
    series: ArrayLike,
    others: ArrayLike | None = None,
    *,
    threads: int | None = None,
    **options: Unpack[Options],
) -> NDArray[np.float64]:
    """Return the dynamic-time-warping distances of all pairs: ``D[a, b]`` is `dtw_distance` of ``a`` and ``b``.

    Time O(N M n m), shared out over threads; memory O(N M) and O(n + m) for each thread. With symmetric1 or symmetric2
    and a window that is symmetric itself, half of a collection's distances to itself are computed.

    Args:
        series: N series: ``(N, n)`` or ``(N, n, channels)`` real numbers, or a sequence of series of any lengths.
        others: M series of the same channels, in the unit of `series`; ``None`` for `series` again.
        threads: How many at most; ``None`` for one on every core that the process may use.
        **options: What to choose, see `Options`; those that describe one pair are not for many. With `nan_policy`
            ``"propagate"``, a series with NaN is at distance NaN from every other, and from itself.

    Returns:
        ``(N, M)`` float64, in the unit of the local cost; with ``dtype="float32"`` what that precision gives.

    Raises:
        ValueError: As `dtw_distance`, naming the series; or an option is not for many, or `threads` is below 1.
        TypeError: As `dtw_distance`.
        ImportError: As `dtw_distance`.

    Example:
        >>> dtw_pairwise([[0, 1, 2], [0, 2, 2], [3, 3]], step_pattern="symmetric1").tolist()
        [[0.0, 1.0, 6.0], [1.0, 0.0, 5.0], [6.0, 5.0, 0.0]]
    """
    dtype = check_dtype(options.get("dtype", "float64"))
    policy = options.pop("nan_policy", "raise")
    series, lost = take_gaps(series, "series", policy)
    others, others_lost = (None, lost) if others is None else take_gaps(others, "others", policy)
    rows = check_many(series, "series", dtype)
    columns = rows if others is None else check_many(others, "others", dtype)
    check_channels(columns, rows.channels, "others")
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise ValueError(f"threads: expected a whole number of at least 1, or None, got {threads!r}")
    kernel = choose_kernel(str(options.get("kernel", "auto")))
    check_options(rows, columns, options)
    itself = others is None and is_symmetric(options)
    distances = np.zeros((len(rows), len(columns)))
    if kernel == "numba" and _fill_compiled(rows, columns, itself, threads, options, distances):
        check_finite(distances, dtype)
    else:
        _fill_one_by_one(rows, columns, itself, options, distances)
    if itself:
        upper = np.triu_indices(len(rows), 1)
        distances[upper[1], upper[0]] = distances[upper]
    distances[lost] = np.nan
    distances[:, others_lost] = np.nan
    return distances


def check_finite(distances: NDArray[np.float64], dtype: str) -> None:
    """Raise a ValueError if a distance overflowed."""
    if not np.isfinite(distances).all():
        raise ValueError(explain_overflow(dtype, "the series", "all series"))


def _fill_compiled(
    rows: Many,
    columns: Many,
    itself: bool,
    threads: int | None,
    options: Mapping[str, Any],
    distances: NDArray[np.float64],
) -> bool:
    """Compare with the compiled strips; return whether they are for these options."""
    from . import batches, strips

    radius, names = find_radius(options), strips.find_plain_names(options)
    if names is None or radius is None:
        return False
    report = get_context().report_progress
    batches.compare_all(
        names, rows, columns, itself, radius, threads, distances, lambda fraction: report(fraction, "pairs")
    )
    return True


def _fill_one_by_one(
    rows: Many,
    columns: Many,
    itself: bool,
    options: Any,
    distances: NDArray[np.float64],
) -> None:
    with reporting_whole("pairs") as report:
        for a in range(len(rows)):
            report(a / len(rows))
            for b in range(a if itself else 0, len(columns)):
                distances[a, b] = dtw_distance(rows[a], columns[b], **options)
