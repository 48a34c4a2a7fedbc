"""Which kernel computes a call: Numba's where it is installed, else NumPy's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from platform_base.plugins.base import get_context

from . import diagonals
from .path import walk_back
from .problem import ElasticProblem

KernelName = Literal["numba", "numpy"]


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
        load_compiled()
    except ImportError as error:
        if kernel == "auto":
            return "numpy"
        raise ImportError('kernel: "numba" cannot be imported here; install numba, or use "numpy"') from error
    return "numba"


def load_compiled() -> Any:
    """Return the module that drives the compiled kernels over one pair of series.

    Raises:
        ImportError: If Numba cannot be imported.
    """
    # Inside a function, because a plugin without Numba must load, and one that is never called need not pay
    # for it.
    try:
        # Asked for here although others import it: the operator's list of modules judges a plugin's own files.
        import numba  # noqa: F401
    except ImportError as error:
        raise ImportError("the compiled kernels need numba") from error
    from . import sweep

    return sweep


def solve_total(problem: ElasticProblem, kernel: KernelName) -> float:
    """Return D(n-1, m-1); memory O(n + m).

    Raises:
        ValueError: If the costs overflow float64.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        if kernel == "numba":
            total = load_compiled().sweep_total(problem, _reporter())
        else:
            total = diagonals.accumulate(problem, _reporter())
    return check_total(total)


def solve_matrix(problem: ElasticProblem, kernel: KernelName) -> NDArray[np.float64]:
    """Return the cost matrix, ``(n, m)`` float64, infinity outside the window.

    Raises:
        ValueError: If the costs overflow float64.
        MemoryError: If the matrix does not fit into memory.
    """
    n, m = problem.shape
    try:
        matrix = np.empty((n, m))
    except MemoryError as error:
        raise MemoryError(
            f"the cost matrix of {n} x {m} samples needs {8 * n * m / 2**20:.0f} MiB, more than there is; "
            "compute the distance without it (parameter cost_matrix=false), or resample the series"
        ) from error
    if problem.window < max(n, m) - 1:
        matrix.fill(np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        if kernel == "numba":
            load_compiled().sweep_matrix(problem, matrix, _reporter())
        else:
            diagonals.accumulate(problem, _reporter(), matrix=matrix)
    check_total(matrix[-1, -1])
    return matrix


def solve_path(problem: ElasticProblem, kernel: KernelName) -> tuple[NDArray[np.int64], float]:
    """Return the best path, ``(k, 2)`` int64, and D(n-1, m-1).

    Memory: Numba's kernel a quarter of a byte for each cell inside the window, up to 64 MiB, and 16 bytes for each
        sample of
    the second series and each 64 MiB that are saved; NumPy's a byte for each cell.

    Raises:
        ValueError: If the costs overflow float64.
        MemoryError: If the steps do not fit into memory.
    """
    n, m = problem.shape
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            if kernel == "numba":
                path, total = load_compiled().sweep_path(problem, _reporter())
            else:
                directions = np.zeros((n + 1, m + 1), dtype=np.uint8)
                total = diagonals.accumulate(problem, _reporter(), directions=directions)
                path = walk_back(directions) if np.isfinite(total) else np.empty((0, 2), dtype=np.int64)
    except MemoryError as error:
        raise MemoryError(
            f"the path through {n} x {m} samples does not fit into memory; compute the distance without it, give a "
            "smaller window_size, or resample the series"
        ) from error
    return path, check_total(total)


def _reporter() -> Callable[[float], None]:
    report_progress = get_context().report_progress

    def report(fraction: float) -> None:
        report_progress(fraction, "cost matrix")

    return report


def check_total(total: float, first: str = "series1", second: str = "series2") -> float:
    """Return `total`, the cost of the best path between the series of these names.

    Raises:
        ValueError: If it is not finite.
    """
    if not np.isfinite(total):
        raise ValueError(
            f"the costs overflow float64: the values or times of {first} and {second} differ by too much; "
            "scale both series, or give smaller parameters"
        )
    return float(total)
