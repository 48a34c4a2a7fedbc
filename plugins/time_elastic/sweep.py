"""Driving the compiled strips over a cost matrix, some at a time, so that progress is told and a call can be ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .entry import find_shortcut
from .lags import tabulate_lags
from .plain import describe_samples
from .problem import ElasticProblem
from .steps import Samples
from .strips import MASK, run_strips, walk_back_strips
from .vectorized import LANES

__all__ = [
    "describe_samples",
    "find_shortcut",
    "pad_rows",
    "reverse_columns",
    "sweep_matrix",
    "sweep_path",
    "sweep_total",
]

# About 50 ms of work: often enough for a progress display, rarely enough to cost nothing.
_CELLS_PER_REPORT = 1 << 28

_NO_MATRIX = (0, 0)

# Of the steps by which cells are reached, as many are kept at a time as take about so much.
DIRECTION_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class _Sweep:
    """A problem as the strips read it; the attributes are arguments of `strips.run_strips`."""

    steps: Any
    first: Samples
    second: Samples
    lags: NDArray[np.float64]
    geometry: tuple[int, int, int, int, int]
    norm: tuple[float | None, bool]
    border: NDArray[np.float64]
    carried: NDArray[np.float64]

    @property
    def strips(self) -> int:
        """How many strips the matrix has."""
        return -(-self.geometry[0] // LANES)


@dataclass(frozen=True, slots=True)
class _Part:
    """Tells of one part of the work, after `number` of them, as a fraction of `count`."""

    report: Callable[[float], None]
    number: int
    count: int

    def __call__(self, fraction: float) -> None:
        """Report that this fraction of the part is done."""
        self.report((self.number + fraction) / self.count)


def sweep_total(problem: ElasticProblem, report: Callable[[float], None]) -> float:
    """Return D(n-1, m-1).

    Args:
        problem: What to compare.
        report: Told the fraction of the work that is done, now and then.
    """
    return _run(_prepare(problem), report)


def sweep_matrix(problem: ElasticProblem, matrix: NDArray[np.float64], report: Callable[[float], None]) -> float:
    """Fill `matrix`, ``(n, m)``, inside the window, and return D(n-1, m-1)."""
    return _run(_prepare(problem), report, matrix=matrix)


def sweep_path(
    problem: ElasticProblem, report: Callable[[float], None], direction_bytes: int = DIRECTION_BYTES
) -> tuple[NDArray[np.int64], float]:
    """Return the path, ``(k, 2)``, and D(n-1, m-1); no path where that is not finite.

    Where the directions of all cells take too much memory, the strips are computed twice: once to keep the rows between
    groups of them, then group by group, from the last to the first, with directions (after D. S. Hirschberg's idea,
    CACM 18 (1975) 341-343, with as many rows as there are groups).

    Args:
        problem: What to compare.
        report: Told the fraction of the work that is done, now and then.
        direction_bytes: How much memory the directions of one group may take; one strip's must fit whatever this is.

    Raises:
        MemoryError: If the rows and the directions do not fit into memory.
    """
    sweep = _prepare(problem)
    ends = np.cumsum(_count_turns(sweep) * 2 * MASK)
    offsets = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1]))
    group = max(1, sweep.strips * direction_bytes // int(ends[-1]))
    groups = [(start, min(sweep.strips, start + group)) for start in range(0, sweep.strips, group)]
    passes = len(groups) if len(groups) == 1 else 2 * len(groups)
    rows = _keep_rows(sweep, groups, _Part(report, 0, passes))
    pieces = []
    place = sweep.geometry[0] - 1, sweep.geometry[1] - 1
    total = np.inf
    for number, (start, stop) in enumerate(reversed(groups)):
        sweep.border[:], sweep.carried[:] = rows.pop()
        own = offsets - offsets[start]
        directions = np.empty(ends[stop - 1] - offsets[start], dtype=np.uint8)
        done = passes - len(groups) + number
        reached = _run(sweep, _Part(report, done, passes), directions=directions, offsets=own, strips=(start, stop))
        if number == 0:
            total = reached
            if not np.isfinite(total):
                return np.empty((0, 2), dtype=np.int64), total
        piece, row, column = walk_back_strips(directions, own, sweep.geometry, place, start * LANES)
        place = row, column
        pieces.append(piece)
    return np.concatenate(pieces[::-1]), total


def _keep_rows(
    sweep: _Sweep, groups: Sequence[tuple[int, int]], report: Callable[[float], None]
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return the row above each group, and what it carries; the strips of the last group are not computed."""
    rows = [(sweep.border.copy(), sweep.carried.copy())]
    for number, strips in enumerate(groups[:-1]):
        _run(sweep, _Part(report, number, 1), strips=strips)
        rows.append((sweep.border.copy(), sweep.carried.copy()))
    return rows


def _count_turns(sweep: _Sweep) -> NDArray[np.int64]:
    """Return how many turns each strip takes at most."""
    _, columns, extra, window, _ = sweep.geometry
    r0 = LANES * np.arange(sweep.strips)
    begin = np.maximum(0, r0 - window + extra)
    return np.minimum(columns - 1, r0 + LANES - 1 + window + extra) + LANES - begin


def _run(
    sweep: _Sweep,
    report: Callable[[float], None],
    *,
    matrix: NDArray[np.float64] | None = None,
    directions: NDArray[np.uint8] | None = None,
    offsets: NDArray[np.int64] | None = None,
    strips: tuple[int, int] | None = None,
) -> float:
    """Compute all strips, or some, and return D(n-1, m-1) where the last was among them."""
    _, columns, _, window, _ = sweep.geometry
    width = min(columns, 2 * window + LANES) + LANES
    block = max(1, _CELLS_PER_REPORT // (width * LANES))
    first, last = strips or (0, sweep.strips)
    total = np.inf
    for start in range(first, last, block):
        stop = min(last, start + block)
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
            np.empty(_NO_MATRIX) if matrix is None else matrix,
            np.empty(0, dtype=np.uint8) if directions is None else directions,
            np.empty(0, dtype=np.int64) if offsets is None else offsets,
        )
        report((stop - first) / (last - first))
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
        norm=problem.norm,
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
