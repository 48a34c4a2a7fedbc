"""Which kernel computes a call: Numba's where it is installed, else NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.base import get_context

from . import diagonals
from .problem import EditProblem

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


def solve_distance(problem: EditProblem, kernel: KernelName) -> float:
    """Return the distance; memory O(n + m).

    Raises:
        ValueError: If the costs overflow float64.
    """
    return _accumulate(problem, np.empty((0, len(problem.second))), kernel)


def solve_matrix(problem: EditProblem, kernel: KernelName) -> NDArray[np.float64]:
    """Return the cost matrix, ``(n, m)`` float64.

    Raises:
        ValueError: If the costs overflow float64.
        MemoryError: If the matrix does not fit into memory.
    """
    n, m = len(problem.first), len(problem.second)
    try:
        matrix = np.empty((n, m))
    except MemoryError as error:
        raise MemoryError(
            f"the cost matrix of {n} x {m} samples needs {8 * n * m / 2**20:.0f} MiB, more than there is; "
            "compute the distance without it (parameter cost_matrix=false), or resample the series"
        ) from error
    _accumulate(problem, matrix, kernel)
    return matrix


def _load_compiled() -> Any:
    # Inside a function, because a plugin without Numba must load, and one that is never called need not pay
    # for it.
    from . import compiled

    return compiled


def _accumulate(problem: EditProblem, matrix: NDArray[np.float64], kernel: KernelName) -> float:
    report_progress = get_context().report_progress

    def report(fraction: float) -> None:
        report_progress(fraction, "cost matrix")

    with np.errstate(over="ignore"):
        if kernel == "numba":
            distance = _accumulate_rows(problem, matrix, report)
        else:
            distance = diagonals.accumulate(problem, matrix, report)
    if not np.isfinite(distance):
        raise ValueError(
            "the costs overflow float64: the values or times of series1 and series2 differ by too much; "
            "scale both series, or give a smaller nu or degree"
        )
    report(1.0)
    return distance


def _accumulate_rows(problem: EditProblem, matrix: NDArray[np.float64], report: Callable[[float], None]) -> float:
    compiled = _load_compiled()
    n, m = len(problem.first), len(problem.second)
    channels = np.ascontiguousarray(problem.second.T)
    gaps = np.empty((2, m))
    compiled.fill_gaps(
        problem.first[0],
        problem.first_times[0],
        channels,
        problem.second_times,
        problem.nu,
        problem.degree,
        gaps[0],
    )
    row = np.cumsum(np.concatenate((gaps[0, :1], problem.second_deletion[1:])))
    if len(matrix):
        matrix[0] = row
    block = max(1, _CELLS_PER_REPORT // m)
    for start in range(1, n, block):
        report(start / n)
        compiled.rows(
            problem.first,
            problem.first_times,
            problem.first_deletion,
            channels,
            problem.second_times,
            problem.second_deletion,
            problem.nu,
            problem.degree,
            start,
            min(n, start + block),
            row,
            gaps,
            matrix,
        )
    return float(row[m - 1])
