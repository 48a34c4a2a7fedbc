"""Vectors of numbers as values inside compiled kernels: one Python expression, as many SIMD registers as it takes.

A `VectorType` has any number of lanes. LLVM cuts it into the registers of the processor (64 lanes of float64 are eight
AVX-512 registers, sixteen of AVX2, thirty-two of SSE2 or NEON) and keeps it there across the turns of a loop while
they suffice; `platform_base.kernels.registers` says how many lanes do. So a kernel reads like the formula it computes,
runs on any processor, and only its speed depends on which one::

    @kernel
    def advance(x, reversed_y, entering, state, steps):
        above = load(x, 0, LANES)
        cell = load(state, 0, LANES)
        for k in range(steps):
            up = shift_in_first(cell, entering[k])
            difference = above - load(reversed_y, steps - k, LANES)
            cell = difference * difference + minimum(cell, up)
        store(state, 0, cell)

Operators on vectors: ``+ - * /``, ``< <= > >=`` (which give a `MaskType`), ``& |`` on masks. The other operand may be a
scalar: it is put into every lane. All arithmetic is IEEE 754 without reassociation or contraction: lane by lane the
same bits as the scalar expression.

Memory is not checked: `load` and `store` reach ``lanes`` elements from the given flat index of a C-contiguous array, or
of a pointer in a function compiled for calls by address (`numba.cfunc`), and it is the caller who has made the array
that long. The functions work inside compiled functions only. `lanes` must be a constant (a global integer).

Built on ``numba.extending.intrinsic`` and LLVM's vector types (https://llvm.org/docs/LangRef.html#vector-type).
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, models, register_model, type_callable

_INT32 = ir.IntType(32)


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


# ---- memory


@intrinsic(prefer_literal=True)
def load(_typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Return ``array.flat[index : index + lanes]`` as a vector. No alignment is needed; nothing is checked."""
    if not (_is_float_array(array) and isinstance(lanes, types.IntegerLiteral)):
        return None
    vector = VectorType(array.dtype, lanes.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments, vector)
        return builder.load(address, align=vector.element.bitwidth // 8)

    return vector(array, index, lanes), generate


@intrinsic
def load_scalar(_typing: Any, array: Any, index: Any) -> Any:
    """Return ``array.flat[index]``; unlike ``array[index]`` a negative index is not counted from the end."""
    if not _is_float_array(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(_element(context, builder, signature, arguments))

    return array.dtype(array, index), generate


@intrinsic
def store(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write the lanes of `value` to ``array.flat[index : index + lanes]``; nothing is checked."""
    if not (_is_float_array(array) and isinstance(value, VectorType) and value.element == array.dtype):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = _address(context, builder, signature, arguments, value)
        builder.store(arguments[2], address, align=value.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, index, value), generate


@intrinsic
def store_scalar(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write `value` to ``array.flat[index]``; unlike ``array[index]`` a negative index is not counted from the end."""
    if not (_is_float_array(array) and value == array.dtype):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], _element(context, builder, signature, arguments))
        return context.get_dummy_value()

    return types.void(array, index, value), generate


@intrinsic
def address_of(_typing: Any, array: Any, index: Any) -> Any:
    """Return a pointer to ``array.flat[index]``, for a function compiled for calls by address."""
    if not _is_float_array(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _element(context, builder, signature, arguments)

    return types.CPointer(array.dtype)(array, index), generate


@intrinsic
def store_mask(_typing: Any, array: Any, index: Any, mask: Any) -> Any:
    """Write `mask` as bits to the ``lanes / 8`` bytes of the uint8 `array` from flat `index` on.

    Lane l is bit ``l % 8`` of byte ``l // 8``. Lanes are a multiple of eight.
    """
    if not (isinstance(array, types.Array) and array.dtype == types.uint8 and isinstance(mask, MaskType)):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # Eight lanes at a time: a processor's mask register holds what one vector register's comparison gave, and
        # joining them before the store costs more than storing each.
        for byte in range(mask.lanes // 8):
            lanes = ir.Constant(ir.VectorType(_INT32, 8), [byte * 8 + bit for bit in range(8)])
            bits = builder.shuffle_vector(arguments[2], arguments[2], lanes)
            start = _element(context, builder, signature, arguments)
            place = builder.gep(start, [ir.Constant(ir.IntType(64), byte)])
            builder.store(builder.bitcast(bits, ir.IntType(8)), place, align=1)
        return context.get_dummy_value()

    return types.void(array, index, mask), generate


# ---- lanes


@intrinsic(prefer_literal=True)
def splat(_typing: Any, scalar: Any, lanes: Any) -> Any:
    """Return a vector with `scalar`, a float64 or float32, in every lane."""
    if scalar not in (types.float64, types.float32) or not isinstance(lanes, types.IntegerLiteral):
        return None
    vector = VectorType(scalar, lanes.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _splat(context, builder, arguments[0], vector)

    return vector(scalar, lanes), generate


@intrinsic(prefer_literal=True)
def lane_numbers(_typing: Any, lanes: Any) -> Any:
    """Return the float64 vector 0, 1, 2, ... ``lanes - 1``."""
    if not isinstance(lanes, types.IntegerLiteral):
        return None
    vector = VectorType(types.float64, lanes.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(context.get_value_type(vector), [float(lane) for lane in range(vector.lanes)])

    return vector(lanes), generate


@intrinsic
def shift_in_first(_typing: Any, vector: Any, scalar: Any) -> Any:
    """Move every lane up by one: `scalar` enters lane 0, the last lane's value is dropped."""
    if not (isinstance(vector, VectorType) and scalar == vector.element):
        return None
    lanes = vector.lanes

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # In the last lane of the other operand, so that the shift is one two-register permutation for each register.
        entering = _with_lane(context, builder, vector, arguments[1], lanes - 1)
        chosen = [lanes - 1, *range(lanes, 2 * lanes - 1)]
        return builder.shuffle_vector(entering, arguments[0], ir.Constant(ir.VectorType(_INT32, lanes), chosen))

    return vector(vector, scalar), generate


@intrinsic
def shift_in_last(_typing: Any, vector: Any, scalar: Any) -> Any:
    """Move every lane down by one: `scalar` enters the last lane, the value of lane 0 is dropped."""
    if not (isinstance(vector, VectorType) and scalar == vector.element):
        return None
    lanes = vector.lanes

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        entering = _with_lane(context, builder, vector, arguments[1], 0)
        chosen = list(range(1, lanes + 1))
        return builder.shuffle_vector(arguments[0], entering, ir.Constant(ir.VectorType(_INT32, lanes), chosen))

    return vector(vector, scalar), generate


@intrinsic
def get_lane(_typing: Any, vector: Any, lane: Any) -> Any:
    """Return the value of one lane; cheap where `lane` is a constant."""
    if not (isinstance(vector, VectorType) and isinstance(lane, types.Integer)):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_element(arguments[0], context.cast(builder, arguments[1], lane, types.int32))

    return vector.element(vector, lane), generate


@intrinsic
def get_last(_typing: Any, vector: Any) -> Any:
    """Return the value of the last lane."""
    if not isinstance(vector, VectorType):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.extract_element(arguments[0], ir.Constant(_INT32, vector.lanes - 1))

    return vector.element(vector), generate


@intrinsic
def reduce_minimum(_typing: Any, vector: Any) -> Any:
    """Return the smallest value of all lanes; lanes are a power of two, none is NaN."""
    if not isinstance(vector, VectorType):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rest = arguments[0]
        lanes = vector.lanes
        while lanes > 1:
            lanes //= 2
            low = builder.shuffle_vector(rest, rest, ir.Constant(ir.VectorType(_INT32, lanes), list(range(lanes))))
            upper = list(range(lanes, 2 * lanes))
            high = builder.shuffle_vector(rest, rest, ir.Constant(ir.VectorType(_INT32, lanes), upper))
            rest = builder.select(builder.fcmp_ordered("<", low, high), low, high)
        return builder.extract_element(rest, ir.Constant(_INT32, 0))

    return vector.element(vector), generate


@intrinsic(prefer_literal=True)
def transpose_tile(
    _typing: Any, source: Any, start: Any, stride: Any, target: Any, target_start: Any, target_stride: Any, size: Any
) -> Any:
    """Copy a square tile and transpose it in registers.

    Element ``target.flat[target_start + column * target_stride + row]`` becomes ``source.flat[start + row * stride +
    column]``, for rows and columns below `size`, a constant power of two. Nothing is checked.
    """
    arrays = all(isinstance(array, types.Array) and _is_float_array(array) for array in (source, target))
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


# ---- arithmetic


@intrinsic
def minimum(_typing: Any, first: Any, second: Any) -> Any:
    """Return ``first if first < second else second`` in every lane: one instruction, and what a scalar loop does."""
    if not (isinstance(first, VectorType) and first == second):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *arguments), *arguments)

    return first(first, second), generate


@intrinsic
def maximum(_typing: Any, first: Any, second: Any) -> Any:
    """Return ``first if first > second else second`` in every lane."""
    if not (isinstance(first, VectorType) and first == second):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered(">", *arguments), *arguments)

    return first(first, second), generate


@intrinsic
def select(_typing: Any, mask: Any, chosen: Any, other: Any) -> Any:
    """Return `chosen` in the lanes where `mask` is true, `other` elsewhere."""
    if not (isinstance(mask, MaskType) and isinstance(chosen, VectorType) and chosen == other):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(*arguments)

    return chosen(mask, chosen, other), generate


@intrinsic
def absolute(_typing: Any, vector: Any) -> Any:
    """Return the absolute value of every lane."""
    return _unary(vector, "fabs")


@intrinsic
def square_root(_typing: Any, vector: Any) -> Any:
    """Return the correctly rounded square root of every lane."""
    return _unary(vector, "sqrt")


# ---- memory shared by threads


@intrinsic
def load_acquire(_typing: Any, array: Any, index: Any) -> Any:
    """Return ``array.flat[index]`` of an int64 array; what another thread wrote before its `store_release` is seen."""
    if not (isinstance(array, types.Array) and array.dtype == types.int64):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_element(context, builder, signature, arguments), "acquire", 8)

    return types.int64(array, index), generate


@intrinsic
def store_release(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write `value` to ``array.flat[index]`` of an int64 array, after everything that this thread wrote before."""
    if not (isinstance(array, types.Array) and array.dtype == types.int64 and isinstance(value, types.Integer)):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = context.cast(builder, arguments[2], value, types.int64)
        builder.store_atomic(number, _element(context, builder, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(array, index, value), generate


# ---- operators


def _define_arithmetic(symbol: Any, instruction: str) -> None:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*_as_vectors(context, builder, signature, arguments))

    _define(symbol, generate, lambda vector: vector)


def _define_comparison(symbol: Any, relation: str) -> None:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fcmp_ordered(relation, *_as_vectors(context, builder, signature, arguments))

    _define(symbol, generate, lambda vector: MaskType(vector.lanes))


def _define(symbol: Any, generate: Any, result: Any) -> None:
    @type_callable(symbol)
    def infer(_context: Any) -> Any:
        def infer_operands(first: Any, second: Any) -> Any:
            vector = first if isinstance(first, VectorType) else second
            if not isinstance(vector, VectorType):
                return None
            fits = all(operand in (vector, vector.element) for operand in (first, second))
            return result(vector) if fits else None

        return infer_operands

    for operands in ((VectorType, VectorType), (VectorType, types.Float), (types.Float, VectorType)):
        lower_builtin(symbol, *operands)(generate)


def _define_mask_logic(symbol: Any, instruction: str) -> None:
    @type_callable(symbol)
    def infer(_context: Any) -> Any:
        return lambda first, second: first if isinstance(first, MaskType) and first == second else None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return getattr(builder, instruction)(*arguments)

    lower_builtin(symbol, MaskType, MaskType)(generate)


# ---- LLVM


def _is_float_array(array: Any) -> bool:
    kinds = (types.float64, types.float32)
    if isinstance(array, types.CPointer):
        return array.dtype in kinds
    return isinstance(array, types.Array) and array.dtype in kinds and array.layout == "C"


def _element(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
    """Address of the element of the array in argument 0 at the flat index in argument 1."""
    kind, start = signature.args[0], arguments[0]
    if isinstance(kind, types.Array):
        start = context.make_array(kind)(context, builder, start).data
    return builder.gep(start, [context.cast(builder, arguments[1], signature.args[1], types.intp)])


def _address(context: Any, builder: Any, signature: Any, arguments: Any, vector: VectorType) -> Any:
    pointer = context.get_value_type(vector).as_pointer()
    return builder.bitcast(_element(context, builder, signature, arguments), pointer)


def _with_lane(context: Any, builder: Any, vector: VectorType, scalar: Any, lane: int) -> Any:
    undefined = ir.Constant(context.get_value_type(vector), ir.Undefined)
    return builder.insert_element(undefined, scalar, ir.Constant(_INT32, lane))


def _splat(context: Any, builder: Any, scalar: Any, vector: VectorType) -> Any:
    first = _with_lane(context, builder, vector, scalar, 0)
    return builder.shuffle_vector(first, first, ir.Constant(ir.VectorType(_INT32, vector.lanes), [0] * vector.lanes))


def _as_vectors(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    vector = next(operand for operand in signature.args if isinstance(operand, VectorType))
    return [
        value if isinstance(operand, VectorType) else _splat(context, builder, value, vector)
        for value, operand in zip(arguments, signature.args, strict=True)
    ]


def _unary(vector: Any, name: str) -> Any:
    if not isinstance(vector, VectorType):
        return None
    suffix = f"v{vector.lanes}f{vector.element.bitwidth}"

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(arguments[0].type, [arguments[0].type])
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.{suffix}")
        return builder.call(function, arguments)

    return vector(vector), generate


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
                rows[row] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(_INT32, size), low))
                rows[row + block] = builder.shuffle_vector(*pair, ir.Constant(ir.VectorType(_INT32, size), high))
        block *= 2
    return rows


for _symbol, _instruction in (
    (operator.add, "fadd"),
    (operator.sub, "fsub"),
    (operator.mul, "fmul"),
    (operator.truediv, "fdiv"),
):
    _define_arithmetic(_symbol, _instruction)
for _symbol, _relation in ((operator.lt, "<"), (operator.le, "<="), (operator.gt, ">"), (operator.ge, ">=")):
    _define_comparison(_symbol, _relation)
for _symbol, _instruction in ((operator.and_, "and_"), (operator.or_, "or_")):
    _define_mask_logic(_symbol, _instruction)
