"""Square tiles of a matrix, transposed in registers.

Kernels import `transpose_tile` from `platform_base.kernels.vectors`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .vector_types import INT32, VectorType, is_float_array


@intrinsic(prefer_literal=True)
def transpose_tile(
    _typing: Any, source: Any, start: Any, stride: Any, target: Any, target_start: Any, target_stride: Any, size: Any
) -> Any:
    """Copy a square tile and transpose it in registers.

    Element ``target.flat[target_start + column * target_stride + row]`` becomes ``source.flat[start + row * stride +
    column]``, for rows and columns below `size`, a constant power of two. Nothing is checked.
    """
    arrays = all(isinstance(array, types.Array) and is_float_array(array) for array in (source, target))
    if not (arrays and target.dtype == source.dtype and isinstance(size, types.IntegerLiteral)):
        return None
    vector = VectorType(source.dtype, size.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = [
            builder.load(place, align=vector.element.bitwidth // 8)
            for place in _tile_rows(context, builder, signature, arguments, 0, vector)
        ]
        columns = _transpose(builder, rows)
        places = _tile_rows(context, builder, signature, arguments, 3, vector)
        for column, place in zip(columns, places, strict=True):
            builder.store(column, place, align=vector.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(source, start, stride, target, target_start, target_stride, size), generate


def _tile_rows(context: Any, builder: Any, signature: Any, arguments: Any, first: int, vector: VectorType) -> list[Any]:
    """Addresses of the rows of the tile that arguments `first`, start and stride describe."""
    array = context.make_array(signature.args[first])(context, builder, arguments[first])
    start, stride = (
        context.cast(builder, arguments[number], signature.args[number], types.intp)
        for number in (first + 1, first + 2)
    )
    pointer = context.get_value_type(vector).as_pointer()
    places = []
    for row in range(vector.lanes):
        index = builder.add(start, builder.mul(stride, ir.Constant(stride.type, row)))
        places.append(builder.bitcast(builder.gep(array.data, [index]), pointer))
    return places


def _transpose(builder: Any, rows: list[Any]) -> list[Any]:
    """Transpose by exchanging off-diagonal blocks of 1, 2, 4, ... (Eklundh, IEEE Trans. Comput. C-21 (1972) 801)."""
    size = len(rows)
    rows = list(rows)
    block = 1
    while block < size:
        low = [lane if not lane & block else size + lane - block for lane in range(size)]
        high = [lane + block if not lane & block else size + lane for lane in range(size)]
        for row in range(size):
            if not row & block:
                pair = rows[row], rows[row + block]
                rows[row] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(INT32, size), low))
                rows[row + block] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(INT32, size), high))
        block *= 2
    return rows
