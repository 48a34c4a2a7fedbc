"""Matrices without an owner, for innermost loops.

Numba counts the references to an array wherever one is handed on, in a tuple or to a function that was not inlined,
and in an innermost loop that costs more than the arithmetic. A view is a pointer, a length and a stride: nothing to
count. It is good for as long as the array lives, so a compiled function makes views of its own arguments, and lets
none out.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.types.misc import CPointer
from numba.extending import intrinsic, models, register_model

from .vector_types import VectorType


class ViewType(types.Type):
    """Numba's type of a view of a C-contiguous matrix of float64."""

    def __init__(self) -> None:
        super().__init__(name="View(float64)")


VIEW = ViewType()


@register_model(ViewType)
class _ViewModel(models.StructModel):
    def __init__(self, manager: Any, view: ViewType) -> None:
        members = [("data", CPointer(types.float64)), ("rows", types.intp), ("columns", types.intp)]
        super().__init__(manager, view, members)


@intrinsic
def view(_typing: Any, matrix: Any) -> Any:
    """Return a view of a C-contiguous float64 `matrix`, which must outlive it."""
    if not (isinstance(matrix, types.Array) and matrix.layout == "C" and matrix.ndim == 2):
        return None
    if matrix.dtype != types.float64:
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        array = context.make_array(matrix)(context, builder, arguments[0])
        made = cgutils.create_struct_proxy(VIEW)(context, builder)
        made.data = array.data
        made.rows, made.columns = cgutils.unpack_tuple(builder, array.shape, 2)
        return made._getvalue()

    return VIEW(matrix), generate


@intrinsic
def count_rows(_typing: Any, matrix: Any) -> Any:
    """Return how many rows the matrix of a view has."""
    if not isinstance(matrix, ViewType):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return cgutils.create_struct_proxy(VIEW)(context, builder, arguments[0]).rows

    return types.intp(matrix), generate


@intrinsic(prefer_literal=True)
def load_row(_typing: Any, matrix: Any, row: Any, index: Any, lanes: Any) -> Any:
    """Return ``matrix[row, index : index + lanes]`` of a view as a vector; nothing is checked."""
    if not (isinstance(matrix, ViewType) and isinstance(lanes, types.IntegerLiteral)):
        return None
    vector = VectorType(types.float64, lanes.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        seen = cgutils.create_struct_proxy(VIEW)(context, builder, arguments[0])
        number, column = (
            context.cast(builder, value, kind, types.intp)
            for value, kind in zip(arguments[1:3], signature.args[1:3], strict=True)
        )
        place = builder.gep(seen.data, [builder.add(builder.mul(number, seen.columns), column)])
        address = builder.bitcast(place, ir.VectorType(ir.DoubleType(), vector.lanes).as_pointer())
        return builder.load(address, align=8)

    return vector(matrix, row, index, lanes), generate
