"""Problems whose cost matrix `platform_base.kernels` sweeps in vector registers: what most calls ask for.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

try:
    from platform_base.kernels.alignment import check_quickly, compute_distance, compute_path, measure
    from platform_base.kernels.rules import find_rules
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: `kernels` falls back to NumPy.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np
from numpy.typing import NDArray

from .metrics import EUCLIDEAN, MANHATTAN, SQEUCLIDEAN
from .problem import AlignmentProblem
from .step_patterns import STEP_PATTERNS

_PATTERNS = tuple(STEP_PATTERNS[name] for name in ("symmetric1", "symmetric2"))
_METRICS = {MANHATTAN: "manhattan", SQEUCLIDEAN: "sqeuclidean", EUCLIDEAN: "euclidean"}
_NO_WINDOW = np.empty(0, dtype=np.int64)


# Options of the calls that `find_distance_quickly` knows, and up to how many cells it is worth while.
_PLAIN = frozenset({"distance_metric", "step_pattern", "window_size", "kernel"})
_PLAIN_PATTERNS = {"symmetric": "symmetric2", "symmetric1": "symmetric1", "symmetric2": "symmetric2"}
_FEW_CELLS = 1 << 22


def find_distance_quickly(reference: Any, target: Any, options: Mapping[str, Any]) -> float | None:
    """Return the cost of the best path for short plain series: there the checks take longer than the kernel.

    Returns:
        The cost; ``None`` where a call is not as plain as that, or is not right: then it takes the long way.
    """
    arguments = _check_quickly(reference, target, options)
    if arguments is None:
        return None
    distance: float = measure(*arguments)
    return distance if math.isfinite(distance) else None


def find_path_quickly(
    reference: Any, target: Any, options: Mapping[str, Any]
) -> tuple[NDArray[np.int64], float] | None:
    """Return the best path as well; see `find_distance_quickly`."""
    arguments = _check_quickly(reference, target, options)
    if arguments is None:
        return None
    path, distance = compute_path(*arguments, _say_nothing)
    return (path, distance) if math.isfinite(distance) else None


def _say_nothing(_fraction: float) -> None:
    """Take the report of a call that is over before anybody reads it."""


def _check_quickly(reference: Any, target: Any, options: Mapping[str, Any]) -> tuple[Any, ...] | None:
    if type(reference) is not np.ndarray or type(target) is not np.ndarray:
        return None
    n, m = reference.size, target.size
    plain = reference.dtype == target.dtype == np.float64 and reference.ndim == target.ndim == 1
    if not (plain and _is_usable(reference) and _is_usable(target) and 0 < n * m <= _FEW_CELLS):
        return None
    radius = options.get("window_size")
    if radius is None:
        radius = -1
    elif type(radius) is not int or radius < abs(n - m):
        return None
    names = find_plain_names(options)
    if names is None:
        return None
    x, y = reference.reshape((n, 1)), target.reshape((m, 1))
    finite, first, last = check_quickly(x, y, min(radius, n + m))
    return (find_rules(*names, 1), x, y, first, last) if finite else None


def find_plain_names(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the step pattern and the metric that options ask for; ``None`` where they are not for strips."""
    pattern, metric = options.get("step_pattern", "symmetric"), options.get("distance_metric", "euclidean")
    kernel = options.get("kernel", "auto")
    if not (isinstance(pattern, str) and isinstance(metric, str) and isinstance(kernel, str)):
        return None
    if not options.keys() <= _PLAIN or kernel not in ("auto", "numba"):
        return None
    if pattern not in _PLAIN_PATTERNS or metric not in _METRICS.values():
        return None
    return _PLAIN_PATTERNS[pattern], metric


def _is_usable(series: NDArray[np.float64]) -> bool:
    flags = series.flags
    return flags.c_contiguous and flags.aligned and flags.writeable


def fits(problem: AlignmentProblem) -> bool:
    """Return whether `find_distance` and `find_path` solve the problem."""
    closed = not (problem.open_begin or problem.open_end)
    return closed and problem.metric in _METRICS and any(problem.pattern is pattern for pattern in _PATTERNS)


def find_distance(problem: AlignmentProblem, report: Callable[[float], None]) -> float:
    """Return the cost of the best path, infinity if it overflows; memory O(n + m)."""
    return compute_distance(*_arguments(problem), report)


def find_path(problem: AlignmentProblem, report: Callable[[float], None]) -> tuple[NDArray[np.int64], float]:
    """Return the best path and its cost; an empty path and infinity if that overflows.

    Memory at most 1 MiB and 0.2 bytes per cell inside the window, less for each the more there are.

    Raises:
        MemoryError: If that is more than there is.
    """
    return compute_path(*_arguments(problem), report)


def _arguments(problem: AlignmentProblem) -> tuple[Any, ...]:
    rules = find_rules(problem.pattern.name, _METRICS[problem.metric], problem.reference.shape[1])
    first, last = problem.band.first, problem.band.last
    if first[-1] == 0 and last[0] == len(problem.target) - 1:
        first = last = _NO_WINDOW
    return rules, problem.reference, problem.target, first, last
