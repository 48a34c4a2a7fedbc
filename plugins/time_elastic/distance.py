"""What every elastic distance has in common, and the four questions that can be asked of it."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.gaps import check_nan_policy, fill_gaps
from platform_base.kernels.inline_cache import InlineCache
from platform_base.kernels.series import as_times
from platform_base.kernels.shortcut import Shortcut, ShortcutByLength

from .channels import split_pair
from .kernels import KernelName, choose_kernel, load_compiled, solve_matrix, solve_path, solve_total
from .problem import ElasticProblem, check_pair, check_window, closed_border, open_border
from .steps import Samples, Steps

# What is asked of two series.
Question = Literal["distance", "matrix", "path"]

# Kernels by which plain calls may go the short way.
_COMPILED = ("auto", "numba")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One series, and what a distance computes of it alone.

    Attributes:
        samples: As the kernels read them.
        deletion: ``(n,)``: cost of deleting each sample before any is matched; ``None`` where that may not be.
        spread: Standard deviation of all values, where it matters.
        missing: Whether a sample is missing, so that every distance from this series is; zeros stand in its place.
    """

    samples: Samples
    deletion: NDArray[np.float64] | None = None
    spread: float = 0.0
    missing: bool = False

    def border(self, window: int) -> NDArray[np.float64]:
        """Return ``(n + 1,)``: the cost of deleting the first samples, infinite where that may not be."""
        if self.deletion is None:
            return closed_border(self.samples.values.shape[1])
        return open_border(self.deletion, window)


class ElasticDistance(ABC):
    """A distance with its parameters, checked.

    Attributes:
        degree: Degree of the norm over the channels.
        rooted: Whether samples are compared by that norm, or by its power.
        spread_matters: Whether a parameter follows from the standard deviations of the series.
        weighted: Whether cells have weights by their distance from the diagonal.
    """

    degree: float = 2.0
    rooted: ClassVar[bool] = True
    spread_matters: ClassVar[bool] = False
    weighted: ClassVar[bool] = False

    @property
    def of_one_channel(self) -> ElasticDistance | None:
        """What compares each channel by itself, where their distances are added; ``None`` where they go together."""
        return None

    @abstractmethod
    def steps(self) -> Steps:
        """Return the costs of the steps."""

    def prepare(self, series: NDArray[np.float64], times: NDArray[np.float64], kernel: KernelName) -> Prepared:
        """Compute what depends on one series alone.

        Args:
            series: ``(n, channels)``, finite.
            times: ``(n,)``, strictly increasing.
            kernel: Which one computes it.
        """
        steps = self.steps()
        values = np.ascontiguousarray(series.T)
        features = np.empty((steps.width(len(values)), len(series)))
        deletion = np.full(len(series), np.inf)
        with np.errstate(over="ignore"):
            if kernel == "numba":
                load_compiled().describe_samples(steps, values, times, features, deletion)
            else:
                steps.describe(values, times, features, deletion)
        return Prepared(
            samples=Samples(values, features),
            deletion=deletion if np.isfinite(deletion[0]) else None,
            spread=float(np.std(series)) if self.spread_matters else 0.0,
        )

    def weights(self, longest: int) -> NDArray[np.float64]:
        """Return the weight of a cell for each distance from the diagonal, ``(longest,)``, or none."""
        return np.empty(0)

    def finish(self, total: float, n: int, m: int) -> float:
        """Return the distance of series of n and m samples, of which D(n-1, m-1) is `total`."""
        return self.steps().finish(total, n, m)

    def finish_matrix(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the cost matrix as callers see it; `matrix` may be overwritten."""
        self.steps().finish_matrix(matrix)
        return matrix

    def pose(self, first: Prepared, second: Prepared, window_size: Any) -> ElasticProblem:
        """Return the problem of comparing two series.

        Raises:
            ValueError: If no path stays within the window.
            TypeError: If `window_size` is no integer.
        """
        n, m = first.samples.values.shape[1], second.samples.values.shape[1]
        window = check_window(window_size, n, m)
        channels = len(first.samples.values)
        return ElasticProblem(
            steps=self.steps().between(first.spread, second.spread),
            first=first.samples,
            second=second.samples,
            first_border=first.border(window),
            second_border=second.border(window),
            weights=self.weights(max(n, m)),
            window=window,
            degree=1.0 if channels == 1 else self.degree,
            rooted=self.rooted,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was found of two series.

    Attributes:
        distance: How far apart they are.
        matrix: ``(n, m)`` float64: the cost matrix, or ``None`` where it was not asked for.
        path: ``(k, 2)`` int64: the best path, or ``None`` where it was not asked for.
    """

    distance: float
    matrix: NDArray[np.float64] | None = None
    path: NDArray[np.int64] | None = None


def compare(
    distance: ElasticDistance,
    series1: Any,
    series2: Any,
    *,
    times: tuple[Any, Any] = (None, None),
    window_size: Any,
    nan_policy: str = "raise",
    kernel: str,
    matrix: bool = False,
    path: bool = False,
) -> Comparison:
    """Compare two series.

    Args:
        distance: How.
        series1: ``(n,)`` or ``(n, channels)`` real numbers.
        series2: ``(m,)`` or ``(m, channels)`` real numbers.
        times: Time stamps of both, or ``None`` twice.
        window_size: Sakoe-Chiba radius in samples, or ``None``.
        nan_policy: One of `NAN_POLICIES`.
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.
        matrix: Whether the cost matrix is wanted.
        path: Whether the best path is wanted.

    Raises:
        ValueError: If something cannot be used, or the costs overflow.
        TypeError: If something is no real number.
        ImportError: If `kernel` is ``"numba"`` and Numba cannot be imported.
        MemoryError: If the matrix or the path does not fit into memory.
    """
    check_nan_policy(nan_policy)
    if distance.of_one_channel is not None:
        options = {"times": times, "window_size": window_size, "nan_policy": nan_policy, "kernel": kernel}
        return _compare_channels(distance.of_one_channel, series1, series2, options, matrix, path)
    chosen = choose_kernel(kernel)
    if chosen == "numba" and times[0] is None and times[1] is None and window_size is None:
        comparison = _compare_plain(distance, series1, series2, matrix, path)
        if comparison is not None:
            return comparison
    first, second = _prepare_pair(distance, series1, series2, times, nan_policy, chosen)
    problem = distance.pose(first, second, window_size)
    if first.missing or second.missing:
        return _know_nothing(problem.shape, matrix, path)
    costs = steps = None
    if matrix:
        costs = solve_matrix(problem, chosen)
        total = float(costs[-1, -1])
        costs = distance.finish_matrix(costs)
    if path:
        steps, total = solve_path(problem, chosen)
    if not (matrix or path):
        total = solve_total(problem, chosen)
    return Comparison(distance=distance.finish(total, *problem.shape), matrix=costs, path=steps)


def make_caches(kind: type[ElasticDistance]) -> tuple[InlineCache, InlineCache, InlineCache]:
    """Return what answers for the distance, for the cost matrix and for the best path.

    They are asked with two series and, in this order, the time stamps of both, the window's radius, what becomes of
    NaN, the kernel, and the parameters of the distance; they answer with the distance, or with a tuple of the matrix
    or the path, and the distance. The errors are those of `compare`.
    """
    make = functools.lru_cache(maxsize=256, typed=True)(kind)

    def make_cache(question: Question) -> InlineCache:
        def find(
            times1: Any, times2: Any, window_size: Any, nan_policy: Any, kernel: Any, *parameters: Any
        ) -> Shortcut | ShortcutByLength | None:
            distance = make(*parameters)
            plain = times1 is times2 is window_size is None and nan_policy == "raise" and kernel in _COMPILED
            return find_shortcut(question, distance.of_one_channel or distance) if plain else None

        def ask_fully(
            first: Any, second: Any, times1: Any, times2: Any, window_size: Any, nan_policy: Any, kernel: Any,
            *parameters: Any,
        ) -> Any:  # fmt: skip
            try:
                distance = make(*parameters)
            except TypeError:  # of a parameter that cannot be looked up, too: this says what is wrong with it
                distance = kind(*parameters)
            comparison = compare(
                distance,
                first,
                second,
                times=(times1, times2),
                window_size=window_size,
                nan_policy=nan_policy,
                kernel=kernel,
                matrix=question == "matrix",
                path=question == "path",
            )
            if question == "distance":
                return comparison.distance
            return comparison.matrix if question == "matrix" else comparison.path, comparison.distance

        return InlineCache(find, ask_fully)

    return make_cache("distance"), make_cache("matrix"), make_cache("path")


@functools.lru_cache(maxsize=256)
def find_shortcut(question: Question, distance: ElasticDistance) -> Shortcut | ShortcutByLength | None:
    """Return the short way to what is asked of series of one channel; ``None`` without Numba."""
    try:
        compiled = load_compiled()
    except ImportError:
        return None
    find = functools.partial(compiled.find_shortcut, question, distance.steps(), distance.rooted)
    if not distance.weighted:
        shortcut: Shortcut = find(None)
        return shortcut
    return ShortcutByLength(lambda longest: find(distance.weights(longest)[np.newaxis]))


def _compare_channels(
    distance: ElasticDistance, series1: Any, series2: Any, options: Mapping[str, Any], matrix: bool, path: bool
) -> Comparison:
    pairs = split_pair(*check_pair(series1, series2, allow_nan=options["nan_policy"] != "raise"))
    if path and len(pairs) > 1:
        raise ValueError(
            "path: expected independent=false, because channels that are compared by themselves have a path each; "
            "ask for the path of one channel, or compare the channels together"
        )
    parts = [compare(distance, a, b, matrix=matrix, path=path, **options) for a, b in pairs]
    return Comparison(
        distance=sum(part.distance for part in parts),
        matrix=sum((part.matrix for part in parts[1:]), start=parts[0].matrix) if matrix else None,
        path=parts[0].path,
    )


def _compare_plain(
    distance: ElasticDistance, series1: Any, series2: Any, matrix: bool, path: bool
) -> Comparison | None:
    """Compare two plain arrays, short enough that nobody waits for news of them, in one call of compiled code.

    Returns:
        ``None`` where something is amiss: the longer way says what.
    """
    answers: dict[Question, Any] = {}
    for question, wanted in (("matrix", matrix), ("path", path), ("distance", not (matrix or path))):
        if wanted:
            found = find_shortcut(question, distance)
            shortcut = found and found.choose(series1, series2)
            answers[question] = shortcut and shortcut.take(series1, series2)
            if answers[question] is None:
                return None
    last = answers.get("path") or answers.get("matrix") or (None, answers.get("distance"))
    costs, track = (answers[question][0] if question in answers else None for question in ("matrix", "path"))
    return Comparison(distance=last[1], matrix=costs, path=track)


def _prepare_pair(
    distance: ElasticDistance,
    series1: Any,
    series2: Any,
    times: tuple[Any, Any],
    nan_policy: str,
    kernel: KernelName,
) -> tuple[Prepared, Prepared]:
    a, b = check_pair(series1, series2, allow_nan=nan_policy != "raise")
    if (times[0] is None) != (times[1] is None):
        absent = "times1" if times[0] is None else "times2"
        raise ValueError(f"{absent}: expected time stamps for both series or for none, got none; give {absent} too")
    stamps = stamp_samples(times[0], "times1", len(a)), stamp_samples(times[1], "times2", len(b))
    return (
        prepare_with_gaps(distance, a, stamps[0], "series1", nan_policy, kernel),
        prepare_with_gaps(distance, b, stamps[1], "series2", nan_policy, kernel),
    )


def prepare_with_gaps(
    distance: ElasticDistance,
    series: NDArray[np.float64],
    times: NDArray[np.float64],
    name: str,
    nan_policy: str,
    kernel: KernelName,
) -> Prepared:
    """Prepare a series in which samples may be missing.

    Raises:
        ValueError: If a channel holds nothing to interpolate from.
    """
    if nan_policy == "raise" or not np.isnan(series).any():
        return distance.prepare(series, times, kernel)
    if nan_policy == "interpolate":
        return distance.prepare(fill_gaps(series, times, name), times, kernel)
    return replace(distance.prepare(np.zeros(series.shape), times, kernel), missing=True)


def _know_nothing(shape: tuple[int, int], matrix: bool, path: bool) -> Comparison:
    return Comparison(
        distance=float("nan"),
        matrix=np.full(shape, np.nan) if matrix else None,
        path=np.empty((0, 2), dtype=np.int64) if path else None,
    )


def stamp_samples(times: Any, name: str, count: int) -> NDArray[np.float64]:
    """Return the time stamps of `count` samples: 1, 2, 3, ... where none are given.

    Raises:
        ValueError: If there are more or fewer, or they do not increase.
        TypeError: If they are no real numbers.
    """
    return np.arange(1.0, count + 1) if times is None else as_times(times, name, count)
