"""Driving the compiled strips over a cost matrix, some at a time, so that progress is told and a call can be ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lags import tabulate_lags
from .plain import describe_samples, solve_plain, solve_plain_path
from .problem import ElasticProblem
from .steps import Samples
from .strips import MASK, run_strips, walk_back_strips
from .vectorized import LANES

__all__ = [
    "describe_samples",
    "pad_rows",
    "reverse_columns",
    "solve_plain",
    "solve_plain_path",
    "sweep_matrix",
    "sweep_path",
    "sweep_total",
]

# About 50 ms of work: often enough for a progress display, rarely enough to cost nothing.
_CELLS_PER_REPORT = 1 << 28

_NO_MATRIX = (0, 0)


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A problem as the strips read it; the attributes are arguments of `strips.run_strips`."""

    steps: Any
    first: Samples
    second: Samples
    lags: NDArray[np.float64]
    geometry: tuple[int, int, int, int, int]
    norm: tuple[float, bool]
    border: NDArray[np.float64]
    carried: NDArray[np.float64]

    @property
    def strips(self) -> int:
        """How many strips the matrix has."""
        return -(-self.geometry[0] // LANES)


def sweep_total(problem: ElasticProblem, report: Callable[[float], None]) -> float:
    """Return D(n-1, m-1).

    Args:
        problem: What to compare.
        report: Told the fraction of the work that is done, now and then.
    """
    return _run(
        _prepare(problem), report, np.empty(_NO_MATRIX), np.empty(0, dtype=np.uint8), np.empty(0, dtype=np.int64)
    )


def sweep_matrix(problem: ElasticProblem, matrix: NDArray[np.float64], report: Callable[[float], None]) -> float:
    """Fill `matrix`, ``(n, m)``, inside the window, and return D(n-1, m-1)."""
    return _run(_prepare(problem), report, matrix, np.empty(0, dtype=np.uint8), np.empty(0, dtype=np.int64))


def sweep_path(problem: ElasticProblem, report: Callable[[float], None]) -> tuple[NDArray[np.int64], float]:
    """Return the path, ``(k, 2)``, and D(n-1, m-1); no path where that is not finite.

    Raises:
        MemoryError: If the directions do not fit into memory.
    """
    sweep = _prepare(problem)
    _, columns, extra, window, _ = sweep.geometry
    r0 = LANES * np.arange(sweep.strips)
    begin = np.maximum(0, r0 - window + extra)
    end = np.minimum(columns - 1, r0 + LANES - 1 + window + extra) + LANES
    ends = np.cumsum((end - begin) * 2 * MASK)
    directions = np.empty(ends[-1], dtype=np.uint8)
    offsets = ends - (end - begin) * 2 * MASK
    total = _run(sweep, report, np.empty(_NO_MATRIX), directions, offsets)
    if not np.isfinite(total):
        return np.empty((0, 2), dtype=np.int64), total
    return walk_back_strips(directions, offsets, sweep.geometry), total


def _run(
    sweep: _Sweep,
    report: Callable[[float], None],
    matrix: NDArray[np.float64],
    directions: NDArray[np.uint8],
    offsets: NDArray[np.int64],
) -> float:
    _, columns, _, window, _ = sweep.geometry
    width = min(columns, 2 * window + LANES) + LANES
    block = max(1, _CELLS_PER_REPORT // (width * LANES))
    total = np.inf
    for start in range(0, sweep.strips, block):
        stop = min(sweep.strips, start + block)
        total = run_strips(
            sweep.steps,
            sweep.first,
            sweep.second,
            sweep.lags,
            sweep.geometry,
            sweep.norm,
            (start, stop),
            sweep.border,
            sweep.carried,
            matrix,
            directions,
            offsets,
        )
        report(stop / sweep.strips)
    return total


def _prepare(problem: ElasticProblem) -> _Sweep:
    n, m = problem.shape
    extra = int(problem.bordered)
    lags, centre = tabulate_lags(problem, spare=2 * LANES)
    border = np.full(m + extra + LANES, np.inf)
    border[: m + extra] = problem.second_border[1 - extra :]
    return _Sweep(
        steps=problem.steps,
        first=Samples(*(pad_rows(part) for part in problem.first)),
        second=Samples(*(reverse_columns(part, extra) for part in problem.second)),
        lags=lags,
        geometry=(n, m + extra, extra, problem.window, centre),
        norm=(problem.degree, problem.rooted),
        border=border,
        carried=border.copy(),
    )


def pad_rows(part: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return `part`, ``(features, n)``, with zeros up to a multiple of `LANES` samples."""
    features, n = part.shape
    rows = np.zeros((features, -(-n // LANES) * LANES))
    rows[:, :n] = part
    return rows


def reverse_columns(part: NDArray[np.float64], extra: int) -> NDArray[np.float64]:
    """Return `part`, ``(features, m)``, reversed, after `LANES` zeros, and before `extra` and `LANES` more."""
    features, m = part.shape
    columns = np.zeros((features, m + extra + 2 * LANES))
    columns[:, LANES : LANES + m] = part[:, ::-1]
    return columns
