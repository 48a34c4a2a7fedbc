"""What is computed in each cell of a cost matrix: the local cost, the recurrence, and the compiled kernels for both."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from platform_base.kernels.advance import Kernel, compile_advance
from platform_base.kernels.cells import take_back
from platform_base.kernels.compilation import kernel
from platform_base.kernels.matrix import Matrix, strip_margin
from platform_base.kernels.vectors import load_scalar

# Whether differences are squared before they are summed over the channels, and whether the root of the sum is taken.
METRICS = {"sqeuclidean": (True, False), "euclidean": (True, True), "manhattan": (False, False)}

# Weight of the local cost on a diagonal step; every other step counts it once.
DIAGONAL_WEIGHTS = {"symmetric1": 1.0, "symmetric2": 2.0}

# The step that leads to a cell.
DIAGONAL = 0  # from (i - 1, j - 1)
UP = 1  # from (i - 1, j)
LEFT = 2  # from (i, j - 1)


class Rules(NamedTuple):
    """The rules of a cost matrix.

    Attributes:
        free: Address of the kernel for steps in which all lanes are inside the window.
        masked: Address of the kernel for all other steps.
        keeping: Address of the kernel that keeps every cell, for steps in which all lanes are inside the window.
        masked_keeping: Address of the kernel that keeps every cell, for all other steps.
        diagonal_weight: See `DIAGONAL_WEIGHTS`.
        squares: See `METRICS`.
        rooted: See `METRICS`.
    """

    free: int
    masked: int
    keeping: int
    masked_keeping: int
    diagonal_weight: float
    squares: bool
    rooted: bool


def find_rules(
    pattern: str,
    metric: str,
    channels: int,
    dtype: str = "float64",
    *,
    windowed: bool = True,
    keeping: bool = True,
) -> Rules:
    r"""Return the rules for a step pattern, a metric, samples of so many channels and a dtype; compile what they need.

    With the local cost c(i, j), the accumulated cost is, for ``symmetric1`` (w = 1) and ``symmetric2`` (w = 2)::

        D(0, 0) = c(0, 0)
        D(i, j) = min(D(i-1, j-1) + w c(i, j),  D(i-1, j) + c(i, j),  D(i, j-1) + c(i, j))

    The metrics are ``euclidean`` sqrt(sum d^2), ``sqeuclidean`` sum d^2 and ``manhattan`` sum \|d\|, summed in the
    order of the channels.

    Args:
        pattern: See above.
        metric: Likewise.
        channels: Of each sample.
        dtype: ``"float64"`` or ``"float32"``.
        windowed: Whether there is a window. What is not needed is not compiled, its address is 0, and a call that needs
            it all the same ends the process.
        keeping: Whether a path is looked for.

    Raises:
        ValueError: If a name is not known.
    """
    if pattern not in DIAGONAL_WEIGHTS:
        raise ValueError(f"pattern: expected one of {', '.join(DIAGONAL_WEIGHTS)}, got {pattern!r}")
    if metric not in METRICS:
        raise ValueError(f"metric: expected one of {', '.join(METRICS)}, got {metric!r}")
    squares, rooted = METRICS[metric]
    if channels == 1 and rooted:
        squares, rooted = False, False  # the same number, without overflow of the square
    return _compile_rules(DIAGONAL_WEIGHTS[pattern], squares, rooted, channels > 1, dtype, windowed, keeping)


@functools.cache
def _compile_rules(
    weight: float, squares: bool, rooted: bool, several: bool, dtype: str, windowed: bool, keeping: bool
) -> Rules:
    free, masked, kept, masked_kept = (
        compile_advance(Kernel(weight == 1.0, squares, rooted, several, window, record, dtype)).address
        if windowed >= window and keeping >= record
        else 0
        for record in (False, True)
        for window in (False, True)
    )
    return Rules(free, masked, kept, masked_kept, weight, squares, rooted)


@kernel
def measure_pair(rules: Rules, matrix: Matrix, place: int, j: int) -> float:
    """Return the cost of a cell, the same bits as in a strip: of a row, by its place in `Matrix.rows`, and a column."""
    newest = strip_margin(matrix.rows) + matrix.m - 1 - j
    total = matrix.rows.dtype.type(0.0)
    for channel in range(matrix.channels):
        sample = load_scalar(matrix.rows, place + channel * matrix.row_stride)
        difference = sample - load_scalar(matrix.columns, newest + channel * matrix.column_stride)
        total += difference * difference if rules.squares else abs(difference)
    return np.sqrt(total) if rules.rooted else total


@kernel
def choose_step(rules: Rules, cost: float, diagonal: float, up: float, left: float) -> int:
    """Return the step that leads to a cell; of steps with the same sum the diagonal, then the one from above.

    Sums are compared, not neighbours: two neighbours that differ may give the same sum once it is rounded.
    """
    # Not times the weight, which is of float64: sums of float32 are rounded to float32, as in a strip.
    best = diagonal + (cost if rules.diagonal_weight == 1.0 else cost + cost)
    step = DIAGONAL
    if up + cost < best:
        best = up + cost
        step = UP
    if left + cost < best:
        step = LEFT
    return step


@kernel
def find_corner(rules: Rules, matrix: Matrix) -> float:
    """Return what stands diagonally before the first cell, so that the first cell becomes its own cost."""
    if rules.diagonal_weight == 1.0:
        return matrix.rows.dtype.type(0.0)
    return take_back(measure_pair(rules, matrix, 0, 0))
