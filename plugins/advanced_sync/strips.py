"""Problems whose cost matrix `platform_base.kernels` sweeps in vector registers: what most calls ask for.

Importing this module imports Numba; `kernels` does so when a call asks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from platform_base.kernels.alignment import compute_distance, compute_path
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
