"""Problems whose cost matrix `platform_base.kernels` sweeps in vector registers: what most calls ask for.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

try:
    from numba import types

    from platform_base.kernels.alignment import align_plain, compute_distance, compute_path, measure_plain
    from platform_base.kernels.builtin import Entry
    from platform_base.kernels.compilation import compile_for_python, pointer_to
    from platform_base.kernels.narrow import align_narrow, compile_narrow, count_narrow_lanes, measure_narrow
    from platform_base.kernels.rules import find_rules
    from platform_base.kernels.short import FEW_CELLS, FEW_CELLS_OF_PATH, enter_distance, enter_path
    from platform_base.kernels.shortcut import UNBOUNDED, Shortcut
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: `kernels` falls back to NumPy.
    raise ImportError("the compiled kernels need numba") from error
import numpy as np
from numpy.typing import NDArray

from .metrics import EUCLIDEAN, MANHATTAN, SQEUCLIDEAN
from .precision import DTYPES
from .problem import AlignmentProblem
from .step_patterns import STEP_PATTERNS

_PATTERNS = tuple(STEP_PATTERNS[name] for name in ("symmetric1", "symmetric2"))
_METRICS = {MANHATTAN: "manhattan", SQEUCLIDEAN: "sqeuclidean", EUCLIDEAN: "euclidean"}
_NO_WINDOW = np.empty(0, dtype=np.int64)


# Options of the calls that a shortcut knows.
_PLAIN = frozenset({"distance_metric", "step_pattern", "window_size", "kernel", "dtype"})
_PLAIN_PATTERNS = {"symmetric": "symmetric2", "symmetric1": "symmetric1", "symmetric2": "symmetric2"}

# Up to so many cells a call goes the short way: 20 ms of work for the distance alone. The checkpoints of a path are
# below 2 MiB then.
_CELLS_AT_ONCE = 1 << 28
_CELLS_OF_PATH_AT_ONCE = 1 << 22


def find_shortcut(options: Mapping[str, Any], *, path: bool) -> Shortcut | None:
    """Return the short way for calls with these options; ``None`` where there is none, or an option is not right."""
    names, radius = find_plain_names(options), options.get("window_size")
    if names is None or not (radius is None or (type(radius) is int and radius >= 0)):
        return None
    radius = -1 if radius is None else min(radius, UNBOUNDED)
    dtype = np.dtype(options.get("dtype", "float64"))
    rules = find_rules(*names, 1, dtype.name)
    single, lanes = rules.diagonal_weight == 1.0, count_narrow_lanes(radius, dtype.itemsize)
    width = UNBOUNDED if radius < 0 else 2 * radius + 1
    if lanes:
        # The path through a narrow window is found in a record of it, of at most 2 MiB.
        width = 32 * lanes if path else width
        advance = compile_narrow(lanes, single, rules.squares, path, dtype.name).address
        compile_long, further = _compile_narrow, (radius, advance, lanes, single, rules.squares)
    else:
        compile_long, further = _compile_plain, (radius, *rules[:6])
    return Shortcut(
        FEW_CELLS_OF_PATH if path else FEW_CELLS,
        functools.partial(Entry, enter_path if path else enter_distance, dtype, (radius, single, rules.squares)),
        functools.partial(compile_long, path, dtype.name),
        further,
        width,
        _CELLS_OF_PATH_AT_ONCE if path else _CELLS_AT_ONCE,
        dtype,
    )


@functools.cache
def _compile_plain(path: bool, dtype: str) -> Callable[..., Any]:
    further = *(types.int64,) * 5, types.float64, types.boolean
    return compile_for_python(align_plain if path else measure_plain, _find_signature(path, dtype, *further))


@functools.cache
def _compile_narrow(path: bool, dtype: str) -> Callable[..., Any]:
    further = *(types.int64,) * 3, types.boolean, types.boolean
    return compile_for_python(align_narrow if path else measure_narrow, _find_signature(path, dtype, *further))


def _find_signature(path: bool, dtype: str, *further: Any) -> Any:
    series = types.Array(pointer_to(dtype).dtype, 1, "A")
    result = types.Tuple((types.Array(types.int64, 2, "C"), types.float64)) if path else types.float64
    return result(series, series, *further)


def find_plain_names(options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the step pattern and the metric that options ask for; ``None`` where they are not for strips."""
    pattern, metric = options.get("step_pattern", "symmetric"), options.get("distance_metric", "euclidean")
    kernel, dtype = options.get("kernel", "auto"), options.get("dtype", "float64")
    if not all(isinstance(name, str) for name in (pattern, metric, kernel, dtype)):
        return None
    if not options.keys() <= _PLAIN or kernel not in ("auto", "numba") or dtype not in DTYPES:
        return None
    if pattern not in _PLAIN_PATTERNS or metric not in _METRICS.values():
        return None
    return _PLAIN_PATTERNS[pattern], metric


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
    rules = find_rules(problem.pattern.name, _METRICS[problem.metric], problem.reference.shape[1], problem.dtype)
    first, last = problem.band.first, problem.band.last
    if first[-1] == 0 and last[0] == len(problem.target) - 1:
        first = last = _NO_WINDOW
    return rules, problem.reference, problem.target, first, last
