"""What a vector is to Numba and to LLVM: its types, and where its elements stand in memory.

The vocabulary for kernels is `platform_base.kernels.vectors`; this is what it is built with.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import models, register_model

INT32 = ir.IntType(32)


class VectorType(types.Type):
    """Numba's type of a vector.

    Attributes:
        element: ``float64`` or ``float32``.
        lanes: How many elements.
    """

    def __init__(self, element: Any, lanes: int) -> None:
        self.element = element
        self.lanes = lanes
        super().__init__(name=f"Vector({element}, {lanes})")

    @property
    def key(self) -> tuple[Any, int]:
        """What makes two of these types the same."""
        return self.element, self.lanes


class MaskType(types.Type):
    """Numba's type of what a comparison of vectors gives: true or false for each lane.

    Attributes:
        lanes: How many.
    """

    def __init__(self, lanes: int) -> None:
        self.lanes = lanes
        super().__init__(name=f"Mask({lanes})")

    @property
    def key(self) -> int:
        """What makes two of these types the same."""
        return self.lanes


@register_model(VectorType)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, vector: VectorType) -> None:
        element = ir.DoubleType() if vector.element == types.float64 else ir.FloatType()
        super().__init__(manager, vector, ir.VectorType(element, vector.lanes))


@register_model(MaskType)
class _MaskModel(models.PrimitiveModel):
    def __init__(self, manager: Any, mask: MaskType) -> None:
        super().__init__(manager, mask, ir.VectorType(ir.IntType(1), mask.lanes))


def is_float_array(array: Any) -> bool:
    """Return whether vectors can be read from and written to arrays of a type."""
    kinds = (types.float64, types.float32)
    if isinstance(array, types.CPointer):
        return array.dtype in kinds
    return isinstance(array, types.Array) and array.dtype in kinds and array.layout == "C"


def find_element(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Address of the element of the array in argument 0 at the flat index in argument 1."""
    kind, start = signature.args[0], arguments[0]
    if isinstance(kind, types.Array):
        start = context.make_array(kind)(context, builder, start).data
    return builder.gep(start, [context.cast(builder, arguments[1], signature.args[1], types.intp)])


def find_vector(context: Any, builder: Any, signature: Any, arguments: Any, vector: VectorType) -> Any:
    """Address of the vector that begins there."""
    pointer = context.get_value_type(vector).as_pointer()
    return builder.bitcast(find_element(context, builder, signature, arguments), pointer)


def put_lane(context: Any, builder: Any, vector: VectorType, scalar: Any, lane: int) -> Any:
    """Return a vector with `scalar` in one lane, and anything in the others."""
    undefined = ir.Constant(context.get_value_type(vector), ir.Undefined)
    return builder.insert_element(undefined, scalar, ir.Constant(INT32, lane))


def fill_lanes(context: Any, builder: Any, scalar: Any, vector: VectorType) -> Any:
    """Return a vector with `scalar` in every lane."""
    first = put_lane(context, builder, vector, scalar, 0)
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(INT32, vector.lanes), [0] * vector.lanes))
