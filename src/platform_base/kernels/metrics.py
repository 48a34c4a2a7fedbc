"""Local costs between samples of two series, for a strip of rows at a time and for one pair of samples.

A metric is an empty named tuple (false in a condition: compare with ``None``); Numba compiles a kernel for each class
of them, so the choice costs nothing inside a loop. Sums over channels run in the order of the channels.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from numba.extending import overload

from platform_base.kernels.matrix import LANES, MARGIN, Matrix
from platform_base.kernels.vectors import absolute, load, load_scalar, square_root


class SquaredDifference(NamedTuple):
    """``(x - y)^2``, of one channel."""


class AbsoluteDifference(NamedTuple):
    r"""``\|x - y\|``, of one channel."""


class SquaredEuclidean(NamedTuple):
    """``sum (x - y)^2`` over the channels."""


class Manhattan(NamedTuple):
    r"""``sum \|x - y\|`` over the channels."""


class Euclidean(NamedTuple):
    """``sqrt(sum (x - y)^2)`` over the channels."""


Metric = SquaredDifference | AbsoluteDifference | SquaredEuclidean | Manhattan | Euclidean

_OF_ONE_CHANNEL: dict[str, Metric] = {
    "sqeuclidean": SquaredDifference(),
    "euclidean": AbsoluteDifference(),
    "manhattan": AbsoluteDifference(),
}
_OF_SEVERAL: dict[str, Metric] = {"sqeuclidean": SquaredEuclidean(), "euclidean": Euclidean(), "manhattan": Manhattan()}


def find_metric(name: str, channels: int) -> Metric | None:
    """Return the metric called ``sqeuclidean``, ``euclidean`` or ``manhattan``; ``None`` for any other name."""
    return (_OF_ONE_CHANNEL if channels == 1 else _OF_SEVERAL).get(name)


def hold_rows(metric: Metric, matrix: Matrix, strip: int) -> Any:
    """Return what `strip_cost` wants of a strip's rows: one channel in registers, several left in memory."""
    raise NotImplementedError("compiled functions only")


@overload(hold_rows, strict=False)
def _compile_hold_rows(metric: Any, matrix: Any, strip: Any) -> Any:
    if metric.instance_class in (SquaredDifference, AbsoluteDifference):
        return lambda metric, matrix, strip: load(matrix.rows, strip * LANES, LANES)
    return lambda metric, matrix, strip: strip * LANES


def strip_cost(metric: Metric, matrix: Matrix, held: Any, step: int) -> Any:
    """Return the vector of local costs between a strip's rows and the columns that its lanes compute at `step`."""
    raise NotImplementedError("compiled functions only")


@overload(strip_cost, strict=False)
def _compile_strip_cost(metric: Any, matrix: Any, held: Any, step: Any) -> Any:
    if metric.instance_class is SquaredDifference:

        def squared(metric: Any, matrix: Any, held: Any, step: Any) -> Any:
            difference = held - load(matrix.columns, MARGIN + matrix.m - 1 - step, LANES)
            return difference * difference

        return squared
    if metric.instance_class is AbsoluteDifference:
        return lambda metric, matrix, held, step: absolute(
            held - load(matrix.columns, MARGIN + matrix.m - 1 - step, LANES)
        )
    squares = metric.instance_class is not Manhattan
    rooted = metric.instance_class is Euclidean

    def several(metric: Any, matrix: Any, held: Any, step: Any) -> Any:
        newest = MARGIN + matrix.m - 1 - step
        difference = load(matrix.rows, held, LANES) - load(matrix.columns, newest, LANES)
        total = difference * difference if squares else absolute(difference)
        for channel in range(1, matrix.channels):
            row = load(matrix.rows, held + channel * matrix.row_stride, LANES)
            difference = row - load(matrix.columns, newest + channel * matrix.column_stride, LANES)
            total = total + (difference * difference if squares else absolute(difference))
        return square_root(total) if rooted else total

    return several


def pair_cost(metric: Metric, matrix: Matrix, i: int, j: int) -> float:
    """Return the local cost of cell (i, j): the same bits as `strip_cost`."""
    raise NotImplementedError("compiled functions only")


@overload(pair_cost, strict=False)
def _compile_pair_cost(metric: Any, matrix: Any, i: Any, j: Any) -> Any:
    squares = metric.instance_class in (SquaredDifference, SquaredEuclidean, Euclidean)
    rooted = metric.instance_class is Euclidean

    def cost(metric: Any, matrix: Any, i: Any, j: Any) -> Any:
        newest = MARGIN + matrix.m - 1 - j
        total = 0.0
        for channel in range(matrix.channels):
            row = load_scalar(matrix.rows, i + channel * matrix.row_stride)
            difference = row - load_scalar(matrix.columns, newest + channel * matrix.column_stride)
            total += difference * difference if squares else abs(difference)
        return math.sqrt(total) if rooted else total

    return cost
