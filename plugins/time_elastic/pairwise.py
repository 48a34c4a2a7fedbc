"""The distances of all pairs of many series; what depends on one series alone is computed once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.gaps import REMEDY, check_nan_policy
from platform_base.kernels.series import as_series
from platform_base.plugins.base import get_context

from . import diagonals
from .channels import check_channels, split_all
from .distance import ElasticDistance, Prepared, prepare_with_gaps, stamp_samples
from .kernels import KernelName, check_total, choose_kernel


def measure_pairwise(
    distance: ElasticDistance,
    series: Any,
    others: Any,
    *,
    times: Any = None,
    other_times: Any = None,
    window_size: Any,
    nan_policy: str = "raise",
    kernel: str,
    threads: int | None,
) -> NDArray[np.float64]:
    """Return the distances of every pair.

    Args:
        distance: Which.
        series: N series.
        others: M series, or ``None`` for the same.
        times: Time stamps of `series`: one array for all of them, or a sequence of one for each; ``None`` for 1, 2, ...
        other_times: The same for `others`.
        window_size: Sakoe-Chiba radius, or ``None``.
        nan_policy: One of `NAN_POLICIES`.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.
        threads: How many; ``None`` for as many as there are cores. NumPy's kernel uses one.

    Returns:
        ``(N, M)`` float64.
    """
    if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
        raise ValueError(f"threads: expected a whole number of at least 1, or None, got {threads!r}")
    check_nan_policy(nan_policy)
    if distance.of_one_channel is not None:
        options = {"window_size": window_size, "nan_policy": nan_policy, "kernel": kernel, "threads": threads}
        return _measure_channels(distance.of_one_channel, series, others, options)
    chosen = choose_kernel(kernel)
    rows = prepare_all(distance, series, times, "series", nan_policy, chosen)
    columns = rows if others is None else prepare_all(distance, others, other_times, "others", nan_policy, chosen)
    _check_channels(rows, columns)
    pairs = Pairs(distance, rows, columns, window_size, symmetric=others is None)
    report = get_context().report_progress
    with np.errstate(over="ignore", invalid="ignore"):
        if chosen == "numba":
            load_crowd().sweep_pairs(pairs, threads, lambda fraction: report(fraction, "pairs"))
        else:
            _fill_pairs(pairs, lambda fraction: report(fraction, "pairs"))
    return pairs.finish()


def _measure_channels(
    distance: ElasticDistance, series: Any, others: Any, options: Mapping[str, Any]
) -> NDArray[np.float64]:
    """Return the sum of the distances of every channel; none of them looks at time stamps."""
    allow_nan = options["nan_policy"] != "raise"
    rows = split_all(series, "series", allow_nan=allow_nan)
    columns = [None] * len(rows) if others is None else split_all(others, "others", allow_nan=allow_nan)
    check_channels([len(columns)], "others", len(rows))
    parts = [measure_pairwise(distance, *channel, **options) for channel in zip(rows, columns, strict=True)]
    return sum(parts[1:], start=parts[0])


class Pairs:
    """The pairs to compare, and their distances.

    Attributes:
        distance: Which distance.
        rows: The series of the rows, prepared.
        columns: The series of the columns, prepared.
        window_size: As the caller gave it.
        symmetric: Whether rows and columns are the same series, so that one triangle is enough.
        totals: ``(N, M)``: D(n-1, m-1) of every pair, to be filled.
    """

    def __init__(
        self,
        distance: ElasticDistance,
        rows: Sequence[Prepared],
        columns: Sequence[Prepared],
        window_size: Any,
        *,
        symmetric: bool,
    ) -> None:
        self.distance = distance
        self.rows = rows
        self.columns = columns
        self.window_size = window_size
        self.symmetric = symmetric
        self.totals = np.zeros((len(rows), len(columns)))

    def __iter__(self) -> Iterator[tuple[int, int]]:
        """Yield the pairs that must be computed, row by row."""
        for i in range(len(self.rows)):
            for j in range(i + 1 if self.symmetric else 0, len(self.columns)):
                yield i, j

    def finish(self) -> NDArray[np.float64]:
        """Return the distances.

        Raises:
            ValueError: If the costs of a pair overflow float64.
        """
        result = np.zeros(self.totals.shape)
        for i, j in self:
            total = check_total(self.totals[i, j], f"series[{i}]", f"{'series' if self.symmetric else 'others'}[{j}]")
            n, m = self.rows[i].samples.values.shape[1], self.columns[j].samples.values.shape[1]
            result[i, j] = self.distance.finish(total, n, m)
        if self.symmetric:
            result += result.T
        result[[one.missing for one in self.rows], :] = np.nan
        result[:, [one.missing for one in self.columns]] = np.nan
        return result


def load_crowd() -> Any:
    """Return the module that drives the compiled kernels over many pairs; `choose_kernel` has found that it can be."""
    from . import crowd

    return crowd


def prepare_all(
    distance: ElasticDistance, series: Any, times: Any, name: str, nan_policy: str, kernel: KernelName
) -> list[Prepared]:
    """Check and prepare each of the series.

    Raises:
        ValueError: If there is none, or one cannot be used.
        TypeError: If one holds no real numbers.
    """
    given = list(series)
    if not given:
        raise ValueError(f"{name}: expected at least one series, got none")
    stamps = _share_times(times, len(given), name)
    prepared = []
    for number, (one, stamp) in enumerate(zip(given, stamps, strict=True)):
        own = f"{name}[{number}]"
        checked = as_series(one, own, allow_nan=nan_policy != "raise", remedy=REMEDY)
        moments = stamp_samples(stamp, f"{own} times", len(checked))
        prepared.append(prepare_with_gaps(distance, checked, moments, own, nan_policy, kernel))
    return prepared


def _share_times(times: Any, count: int, name: str) -> Sequence[Any]:
    if times is None:
        return [None] * count
    stamps = list(times)
    if stamps and np.ndim(stamps[0]) == 0:
        return [times] * count
    if len(stamps) != count:
        raise ValueError(f"times of {name}: expected one array for all, or {count} of them, got {len(stamps)}")
    return stamps


def _check_channels(rows: Sequence[Prepared], columns: Sequence[Prepared]) -> None:
    expected = len(rows[0].samples.values)
    for name, prepared in (("series", rows), ("others", columns)):
        check_channels([len(one.samples.values) for one in prepared], name, expected)


def _fill_pairs(pairs: Pairs, report: Callable[[float], None]) -> None:
    for i, j in pairs:
        problem = pairs.distance.pose(pairs.rows[i], pairs.columns[j], pairs.window_size)
        pairs.totals[i, j] = diagonals.accumulate(problem, lambda fraction: None)
        if j + 1 == len(pairs.columns):
            report((i + 1) / len(pairs.rows))
