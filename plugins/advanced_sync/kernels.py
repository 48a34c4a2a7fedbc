"""Which kernel computes a call: Numba's where it is installed, else NumPy's; the results are the same."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from platform_base.kernels.shortcut import Shortcut
from platform_base.plugins.base import get_context

from . import diagonals
from .directions import allocate_directions, walk_back
from .metrics import MINKOWSKI
from .precision import explain_overflow
from .problem import AlignmentProblem

KernelName = Literal["numba", "numpy"]

# About 50 ms of work: often enough for a progress display, rarely enough to cost nothing.
_CELLS_PER_REPORT = 1 << 25
# Local costs of so many cells are computed at once: they stay in the second-level cache until they are used.
_CELLS_PER_BLOCK = 1 << 16


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


def find_shortcut(options: Mapping[str, Any], *, path: bool) -> Shortcut | None:
    """Return the short way to the distance, or to the path and the distance; ``None`` where there is none.

    Args:
        options: See `Options`.
        path: Whether the path is wanted.
    """
    try:
        strips = _load_strips()
    except ImportError:
        return None
    shortcut: Shortcut | None = strips.find_shortcut(options, path=path)
    return shortcut


def solve_distance(problem: AlignmentProblem, kernel: KernelName) -> float:
    """Return the cost of the best path; memory O(n + m).

    Returns:
        The cost; NaN where `problem` has missing samples.

    Raises:
        ValueError: If the costs overflow.
    """
    if problem.missing:
        return float("nan")
    if kernel == "numba" and _load_strips().fits(problem):
        with _reporting() as report:
            return _check_finite(problem, _load_strips().find_distance(problem, report))
    _, distance = _end(problem, _accumulate(problem, np.zeros((0, 1), dtype=np.uint8), np.zeros((0, 1)), kernel))
    return distance


def solve_path(problem: AlignmentProblem, kernel: KernelName) -> tuple[NDArray[np.int64], float]:
    """Return the best path, ``(k, 2)`` int64, and its cost; memory two or four bits per cell inside the window.

    Returns:
        The path and the cost; an empty path and NaN where `problem` has missing samples.

    Raises:
        ValueError: If the costs overflow.
        MemoryError: If the steps do not fit into memory.
    """
    if problem.missing:
        return np.empty((0, 2), dtype=np.int64), float("nan")
    if kernel == "numba" and _load_strips().fits(problem):
        with _reporting() as report:
            path, distance = _load_strips().find_path(problem, report)
        return path, _check_finite(problem, distance)
    path, distance, _ = _solve(problem, np.zeros((0, 1)), kernel)
    return path, distance


def solve_matrix(problem: AlignmentProblem, kernel: KernelName) -> tuple[NDArray[np.int64], float, NDArray[np.float64]]:
    """Return the best path, its cost and all accumulated costs, ``(n, m)`` with infinity where no path comes.

    Raises:
        ValueError: If the costs overflow.
        MemoryError: If the matrix does not fit into memory.
    """
    n, m = len(problem.reference), len(problem.target)
    try:
        matrix = np.full((n, m), np.nan if problem.missing else np.inf)
    except MemoryError as error:
        raise MemoryError(
            f"the accumulated costs need {n * m * 8 / 2**20:.0f} MiB for {n} rows of {m} cells, more than there is; "
            "do without the matrices, or resample the series"
        ) from error
    if problem.missing:
        return np.empty((0, 2), dtype=np.int64), float("nan"), matrix
    return _solve(problem, matrix, kernel)


def _solve(
    problem: AlignmentProblem, matrix: NDArray[np.float64], kernel: KernelName
) -> tuple[NDArray[np.int64], float, NDArray[np.float64]]:
    pattern = problem.pattern
    directions = allocate_directions(len(problem.reference), problem.band.width, pattern.code_bits)
    column, distance = _end(problem, _accumulate(problem, directions, matrix, kernel))
    walk = _load_compiled().walk_back_compiled if kernel == "numba" else walk_back
    table = pattern.table
    path: NDArray[np.int64] = walk(
        directions,
        pattern.code_bits,
        problem.band.first,
        column,
        problem.open_begin,
        table.origins,
        table.starts,
        table.offsets,
    )
    return path, distance, matrix


def _load_compiled() -> Any:
    # Inside a function, because a plugin without Numba must load, and one that is never called need not pay
    # for it.
    try:
        # Asked for here although others import it: the operator's list of modules judges a plugin's own files.
        import numba  # noqa: F401
    except ImportError as error:
        raise ImportError("the compiled kernels need numba") from error
    from . import compiled

    return compiled


def _load_strips() -> Any:
    try:
        # Asked for here although others import it: the operator's list of modules judges a plugin's own files.
        import numba  # noqa: F401
    except ImportError as error:
        raise ImportError("the compiled kernels need numba") from error
    from . import strips

    return strips


def _end(problem: AlignmentProblem, ends: NDArray[np.float64]) -> tuple[int, float]:
    """Return the column at which the best path ends, and its cost.

    With an open end it is the column of the smallest normalized cost, where the pattern has one, as in R's dtw; the
    first such column where there are several.

    Raises:
        ValueError: If the costs overflow.
    """
    first = int(problem.band.first[-1])
    at = len(ends) - 1
    if problem.open_end:
        comparable = ends
        if problem.pattern.normalization in ("M", "N+M"):
            matched = np.arange(first, first + len(ends)) + 1
            before = len(problem.reference) if problem.pattern.normalization == "N+M" else 0
            comparable = ends / (before + matched)
        at = int(np.argmin(comparable))
    return first + at, _check_finite(problem, float(ends[at]))


def _check_finite(problem: AlignmentProblem, distance: float) -> float:
    if not np.isfinite(distance):
        raise ValueError(explain_overflow(problem.dtype, "reference and target", "both series"))
    return distance


@contextlib.contextmanager
def _reporting() -> Iterator[Callable[[float], None]]:
    """Give a function that reports how much of the cost matrix is done; at the end all is."""
    report_progress = get_context().report_progress

    def report(fraction: float) -> None:
        report_progress(fraction, "cost matrix")

    yield report
    report(1.0)


def _accumulate(
    problem: AlignmentProblem, directions: NDArray[np.uint8], matrix: NDArray[np.float64], kernel: KernelName
) -> NDArray[np.float64]:
    """Return the accumulated costs of the last row of the band; fill the arrays that have rows."""
    with _reporting() as report, np.errstate(over="ignore", invalid="ignore"):
        if kernel == "numba":
            return _RowSweep.over(problem).run(directions, matrix, report)
        return diagonals.accumulate(problem, directions, matrix, report)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RowSweep:
    """The arrays that the compiled kernel works on, row after row.

    Attributes:
        problem: What to align.
        channels: The target with channels first, ``(channels, m)``.
        cost_first: First column whose local cost is needed in every row: a production of a later row may pay for
            cells outside the band.
        cost_last: Last such column.
        costs: Ring of rows of local costs.
        accumulated: Ring of rows of accumulated costs.
        block: Rows at a time.
    """

    problem: AlignmentProblem
    channels: NDArray[np.float64]
    cost_first: NDArray[np.int64]
    cost_last: NDArray[np.int64]
    costs: NDArray[np.float64]
    accumulated: NDArray[np.float64]
    block: int

    @classmethod
    def over(cls, problem: AlignmentProblem) -> _RowSweep:
        """Lay out the arrays for a problem."""
        n, band, table = len(problem.reference), problem.band, problem.pattern.table
        rows_aside, columns_aside = (int(most) for most in table.offsets.max(axis=0))
        cost_first = np.maximum(band.first - columns_aside, 0)
        cost_last = band.last[np.minimum(np.arange(n) + rows_aside, n - 1)]
        cost_width = int((cost_last - cost_first).max()) + 1
        block = min(n, max(1, _CELLS_PER_BLOCK // cost_width))
        rows_back = problem.pattern.rows_back
        return cls(
            problem=problem,
            channels=np.ascontiguousarray(problem.target.T),
            cost_first=cost_first,
            cost_last=cost_last,
            costs=np.empty((block + rows_back, cost_width)),
            accumulated=np.empty((block + rows_back, band.width)),
            block=block,
        )

    def run(
        self, directions: NDArray[np.uint8], matrix: NDArray[np.float64], report: Callable[[float], None]
    ) -> NDArray[np.float64]:
        """Do all rows; see `_accumulate`."""
        problem, band, table = self.problem, self.problem.band, self.problem.pattern.table
        advance = _load_compiled().advance
        candidate, chosen = np.empty(band.width), np.empty(band.width, dtype=np.uint8)
        n, m = len(problem.reference), len(problem.target)
        reported = max(1, _CELLS_PER_REPORT // band.width)
        due = 0
        for start in range(0, n, self.block):
            if start >= due:
                report(start / n)
                due = start + reported
            stop = min(n, start + self.block)
            self._fill_costs(start, stop)
            advance(
                start, stop, m, problem.open_begin, table.origins, table.starts, table.offsets, table.weights,
                band.first, band.last, self.costs, self.cost_first, self.accumulated, candidate, chosen, directions,
                problem.pattern.code_bits,
            )  # fmt: skip
            for i in range(start, stop) if len(matrix) else ():
                matrix[i, band.first[i] : band.last[i] + 1] = self._row(i)
        return self._row(n - 1).copy()

    def _row(self, i: int) -> NDArray[np.float64]:
        width = int(self.problem.band.last[i] - self.problem.band.first[i]) + 1
        return self.accumulated[i % len(self.accumulated), :width]

    def _fill_costs(self, start: int, stop: int) -> None:
        costs = self.problem.costs
        if costs.metric < MINKOWSKI:
            _load_compiled().fill_cost_rows(
                costs.reference, self.channels, costs.metric, self.cost_first, self.cost_last, start, stop, self.costs
            )
            return
        for i in range(start, stop):
            columns = np.arange(self.cost_first[i], self.cost_last[i] + 1)
            self.costs[i % len(self.costs), : len(columns)] = costs.cells(np.full(len(columns), i), columns)
