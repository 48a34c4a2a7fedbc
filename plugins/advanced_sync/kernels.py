"""Which kernel computes a call: Numba's where it is installed, else NumPy's; the results are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.base import get_context

from . import diagonals
from .directions import allocate_directions, walk_back
from .problem import AlignmentProblem

KernelName = Literal["numba", "numpy"]

# About 50 ms of work: often enough for a progress display, rarely enough to cost nothing.
_CELLS_PER_REPORT = 1 << 25


def choose_kernel(kernel: str) -> KernelName:
    """Resolve ``"auto"``.

    Args:
        kernel: ``"auto"``, ``"numba"`` or ``"numpy"``.

    Raises:
        ValueError: If it is none of these.
        ImportError: If ``"numba"`` is asked for and cannot be imported.
    """
    if kernel == "numpy":
        return "numpy"
    if kernel not in ("auto", "numba"):
        raise ValueError(f"kernel: expected auto, numba or numpy, got {kernel!r}")
    try:
        _load_compiled()
    except ImportError as error:
        if kernel == "auto":
            return "numpy"
        raise ImportError('kernel: "numba" cannot be imported here; install numba, or use "numpy"') from error
    return "numba"


def solve_distance(problem: AlignmentProblem, kernel: KernelName) -> float:
    """Return the cost of the best path; memory O(n + m).

    Raises:
        ValueError: If the costs overflow float64.
    """
    return _accumulate(problem, np.zeros((0, 1), dtype=np.uint8), kernel)


def solve_path(problem: AlignmentProblem, kernel: KernelName) -> tuple[NDArray[np.int64], float]:
    """Return the best path, ``(k, 2)`` int64, and its cost; memory two bits per cell inside the window.

    Raises:
        ValueError: If the costs overflow float64.
        MemoryError: If the steps do not fit into memory.
    """
    directions = allocate_directions(len(problem.reference), problem.band.width)
    distance = _accumulate(problem, directions, kernel)
    walk = _load_compiled().walk_back_compiled if kernel == "numba" else walk_back
    path: NDArray[np.int64] = walk(directions, len(problem.target), problem.band.first)
    return path, distance


def _load_compiled() -> Any:
    # Inside a function, because a plugin without Numba must load, and one that is never called need not pay
    # for it.
    from . import compiled

    return compiled


def _accumulate(problem: AlignmentProblem, directions: NDArray[np.uint8], kernel: KernelName) -> float:
    report_progress = get_context().report_progress

    def report(fraction: float) -> None:
        report_progress(fraction, "cost matrix")

    with np.errstate(over="ignore"):
        if kernel == "numba":
            distance = _accumulate_rows(problem, directions, report)
        else:
            distance = diagonals.accumulate(problem, directions, report)
    if not np.isfinite(distance):
        raise ValueError(
            "the costs overflow float64: the values of reference and target differ by too much; "
            "scale both series, or use another distance_metric"
        )
    report(1.0)
    return distance


def _accumulate_rows(
    problem: AlignmentProblem, directions: NDArray[np.uint8], report: Callable[[float], None]
) -> float:
    compiled = _load_compiled()
    n, m = len(problem.reference), len(problem.target)
    channels = np.ascontiguousarray(problem.target.T)
    costs = np.empty(m)
    row = np.full(m, np.inf)
    last = int(problem.band.last[0])
    compiled.fill_costs(problem.reference[0], channels, problem.metric, 0, last, costs)
    row[0] = costs[0]
    if not problem.pattern.asymmetric:
        row[: last + 1] = np.cumsum(costs[: last + 1])
    rows = compiled.asymmetric_rows if problem.pattern.asymmetric else compiled.symmetric_rows
    block = max(1, _CELLS_PER_REPORT // problem.band.width)
    for start in range(1, n, block):
        report(start / n)
        rows(
            problem.reference,
            channels,
            problem.metric,
            problem.pattern.diagonal_weight,
            problem.band.first,
            problem.band.last,
            start,
            min(n, start + block),
            row,
            costs,
            directions,
        )
    return float(row[m - 1])
