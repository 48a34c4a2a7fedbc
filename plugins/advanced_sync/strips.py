"""Problems whose cost matrix `platform_base.kernels` sweeps in vector registers: what most calls ask for.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

try:
    from numba import types

    from platform_base.kernels.alignment import (
        CELLS_WORTH_PRUNING,
        align_plain,
        compute_distance,
        compute_path,
        measure_many_cells,
        measure_plain,
    )
    from platform_base.kernels.builtin import Entry
    from platform_base.kernels.compilation import compile_for_python, pointer_to
    from platform_base.kernels.narrow import align_narrow, compile_narrow, count_narrow_lanes, measure_narrow
    from platform_base.kernels.rules import DIAGONAL_WEIGHTS, METRICS, find_rules
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

# Types of what `measure_plain` takes beside two series.
_RULES = *(types.int64,) * 5, types.float64, types.boolean

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
    single, squares = DIAGONAL_WEIGHTS[names[0]] == 1.0, METRICS[names[1]] == (True, False)
    lanes, width = count_narrow_lanes(radius, dtype.itemsize), UNBOUNDED if radius < 0 else 2 * radius + 1
    cells_at_once = _CELLS_OF_PATH_AT_ONCE if path else _CELLS_AT_ONCE
    beyond: Shortcut | None = None
    if lanes:
        # The path through a narrow window is found in a record of it, of at most 2 MiB.
        width = 32 * lanes if path else width
    elif radius < 0 and not path:
        # So many that it may be worth while to leave cells out.
        measure_many = functools.partial(_prepare_many_cells, names, dtype.name)
        beyond = Shortcut(0, None, measure_many, UNBOUNDED, cells_at_once, dtype)
        cells_at_once = CELLS_WORTH_PRUNING - 1

    def compile_long() -> Callable[[Any, Any], Any]:
        if lanes:
            compiled = _compile_narrow(path, dtype.name)
            advance = compile_narrow(lanes, single, squares, path, dtype.name).address
            return lambda first, second: compiled(first, second, radius, advance, lanes, single, squares)
        compiled = _compile_plain(path, dtype.name)
        rules = find_rules(*names, 1, dtype.name, windowed=radius >= 0, keeping=path)[:6]
        return lambda first, second: compiled(first, second, radius, *rules)

    return Shortcut(
        FEW_CELLS_OF_PATH if path else FEW_CELLS,
        functools.partial(Entry, enter_path if path else enter_distance, dtype, (radius, single, squares)),
        compile_long,
        width,
        cells_at_once,
        dtype,
        beyond,
    )


@functools.cache
def _prepare_many_cells(names: tuple[str, str], dtype: str) -> Callable[[Any, Any], Any]:
    measure = compile_for_python(measure_many_cells, _find_signature(False, dtype, *_RULES))
    rules = find_rules(*names, 1, dtype, windowed=False)[:6]
    return lambda first, second: measure(first, second, -1, *rules)


@functools.cache
def _compile_plain(path: bool, dtype: str) -> Callable[..., Any]:
    return compile_for_python(align_plain if path else measure_plain, _find_signature(path, dtype, *_RULES))


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
    return compute_distance(*_arguments(problem, path=False), report)


def find_path(problem: AlignmentProblem, report: Callable[[float], None]) -> tuple[NDArray[np.int64], float]:
    """Return the best path and its cost; an empty path and infinity if that overflows.

    Memory at most 1 MiB and 0.2 bytes per cell inside the window, less for each the more there are.

    Raises:
        MemoryError: If that is more than there is.
    """
    return compute_path(*_arguments(problem, path=True), report)


def _arguments(problem: AlignmentProblem, *, path: bool) -> tuple[Any, ...]:
    first, last = problem.band.first, problem.band.last
    if first[-1] == 0 and last[0] == len(problem.target) - 1:
        first = last = _NO_WINDOW
    # Where cells may be left out, a path through few of them is found first, and what is left is a window.
    many = len(problem.reference) * len(problem.target) >= CELLS_WORTH_PRUNING
    metric, channels = _METRICS[problem.metric], problem.reference.shape[1]
    windowed, keeping = len(first) > 0 or (path and many), path or many
    rules = find_rules(problem.pattern.name, metric, channels, problem.dtype, windowed=windowed, keeping=keeping)
    return rules, problem.reference, problem.target, first, last
