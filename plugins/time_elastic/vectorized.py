"""What the costs mean inside compiled kernels: the operations of `arithmetic` on SIMD vectors and on single numbers.

Importing this module imports Numba; the vectors are those of `platform_base.kernels.vectors`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from platform_base.kernels.compilation import inlined, kernel
from platform_base.kernels.registers import count_lanes
from platform_base.kernels.vectors import (
    MaskType,
    VectorType,
    absolute,
    get_lane,
    get_last,
    lane_numbers,
    load,
    minimum,
    select,
    shift_in_first,
    splat,
    square_root,
    store,
    store_mask,
    transpose_tile,
)
from platform_base.kernels.views import ViewType, count_rows, load_row, view

try:
    from numba import types
    from numba.extending import overload, register_jitable
except ImportError as error:
    # Said again so that the check of imports sees that the absence is handled: `kernels` falls back to NumPy.
    raise ImportError("the compiled kernels need numba") from error

from . import arithmetic, steps

__all__ = [
    "LANES",
    "absolute",
    "compare_channels",
    "get_last",
    "inlined",
    "kernel",
    "lane_numbers",
    "load",
    "load_row",
    "minimum",
    "overload",
    "select",
    "shift_in_first",
    "splat",
    "step_asks_spread",
    "step_between",
    "step_carry",
    "step_cost",
    "step_describe",
    "step_finish",
    "step_finish_matrix",
    "step_hold",
    "step_recall",
    "step_width",
    "store",
    "store_mask",
    "transpose_tile",
    "view",
]

# Cells, what they carry, what carries over, and three numbers of each sample live from turn to turn.
LANES = count_lanes(6)


@overload(arithmetic.lane, strict=False)
def _lane(features: Any, feature: Any, at: Any) -> Any:
    if isinstance(features, types.Array) and isinstance(at, types.Integer):
        return lambda features, feature, at: features[feature, at]
    if not (isinstance(features, ViewType) and isinstance(at, types.Integer)):
        return None
    return lambda features, feature, at: load_row(features, feature, at, LANES)


@overload(arithmetic.count, strict=False)
def _count(features: Any) -> Any:
    if isinstance(features, types.Array):
        return lambda features: features.shape[0]
    return (lambda features: count_rows(features)) if isinstance(features, ViewType) else None


@overload(arithmetic.magnitude, strict=False)
def _magnitude(values: Any) -> Any:
    if isinstance(values, types.Float):
        return lambda values: abs(values)
    return (lambda values: absolute(values)) if isinstance(values, VectorType) else None


@overload(arithmetic.smaller, strict=False)
def _smaller(first: Any, second: Any) -> Any:
    return (lambda first, second: minimum(first, second)) if isinstance(first, VectorType | types.Float) else None


@overload(arithmetic.choose, strict=False)
def _choose(condition: Any, chosen: Any, other: Any) -> Any:
    if isinstance(condition, types.Boolean):
        return lambda condition, chosen, other: select(condition, chosen, other)
    if not isinstance(condition, MaskType):
        return None
    return lambda condition, chosen, other: select(condition, splat(chosen, LANES), splat(other, LANES))


@overload(arithmetic.keep, strict=False)
def _keep(condition: Any, values: Any, other: Any) -> Any:
    if isinstance(condition, types.Boolean):
        return lambda condition, values, other: select(condition, values, other)
    if not isinstance(condition, MaskType):
        return None
    return lambda condition, values, other: select(condition, values, splat(other, LANES))


@overload(arithmetic.square_root, strict=False)
def _square_root(values: Any) -> Any:
    if isinstance(values, types.Float):
        return lambda values: math.sqrt(values)
    return (lambda values: square_root(values)) if isinstance(values, VectorType) else None


@overload(arithmetic.power, strict=False)
def _power(values: Any, exponent: Any) -> Any:
    if isinstance(values, types.Float):
        return lambda values, exponent: values**exponent
    if not isinstance(values, VectorType):
        return None

    def power_of_lanes(values: Any, exponent: Any) -> Any:
        # No processor has an instruction for it: one lane after the other, the last first.
        powers = values
        for lane in range(LANES - 1, -1, -1):
            powers = shift_in_first(powers, get_lane(values, lane) ** exponent)
        return powers

    return power_of_lanes


@overload(arithmetic.to_lengths, strict=False)
def _to_lengths(matrix: Any) -> Any:
    def take_sizes(matrix: Any) -> Any:
        for i in range(matrix.shape[0]):
            for j in range(matrix.shape[1]):
                size = abs(matrix[i, j])
                matrix[i, j] = size if size < math.inf else 0.0

    return take_sizes if isinstance(matrix, types.Array) else None


def compare_channels(gap: Any, cells: steps.Cells, degree: float | None, rooted: bool) -> Any:
    """Return the local distance of the two samples of each cell, over all channels; compiled code only.

    Args:
        gap: Absolute difference in the first channel.
        cells: Which cells.
        degree: Of the norm over the channels; ``None`` where there is one: then nothing is compiled for more.
        rooted: Whether the distance is that norm, or its power.
    """
    raise NotImplementedError("compare_channels: only compiled code calls this; NumPy's kernel is in diagonals.py")


@overload(compare_channels, strict=False)
def _compare_channels(gap: Any, cells: Any, degree: Any, rooted: Any) -> Any:
    if isinstance(degree, types.NoneType):
        return lambda gap, cells, degree, rooted: gap if rooted else gap * gap
    combine = steps.combined_distance

    def compare(gap: Any, cells: Any, degree: Any, rooted: Any) -> Any:
        if arithmetic.count(cells.first.values) > 1:
            return combine(gap, cells, degree, rooted)
        return gap if rooted else gap * gap

    return compare


for _function in (steps.combined_distance, steps.sample_distance, steps.raised, steps.unraised):
    register_jitable(_function)


def _method(name: str) -> Callable[..., Any]:
    """Return a function that compiled code may call, and that is the method `name` of its first argument's class."""

    def call(steps: Any, *arguments: Any) -> Any:
        return getattr(steps, name)(*arguments)

    def find(steps: Any, *arguments: Any) -> Any:
        return getattr(steps.instance_class, name)

    overload(call, strict=False)(find)
    return call


step_asks_spread = _method("asks_spread")
step_width = _method("width")
step_describe = _method("describe")
step_hold = _method("hold")
step_cost = _method("cost")
step_carry = _method("carry")
step_recall = _method("recall")
step_between = _method("between")
step_finish = _method("finish")
step_finish_matrix = _method("finish_matrix")
