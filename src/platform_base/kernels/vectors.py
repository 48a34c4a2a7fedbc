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
that long. The functions work inside compiled functions only. `lanes` must be a constant (a global
integer, or what a function of `constant_by_element` gives).

Built on ``numba.extending.intrinsic`` and LLVM's vector types (https://llvm.org/docs/LangRef.html#vector-type). Here
stands what moves numbers: between memory and vectors, and between lanes; the arithmetic is in `vector_arithmetic`, the
types are in `vector_types`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from .vector_arithmetic import absolute, add_twice, maximum, minimum, select, smaller_cost, square_root
from .vector_tiles import transpose_tile
from .vector_types import INT32, MaskType, VectorType, fill_lanes, find_element, find_vector, is_float_array, put_lane

__all__ = [
    "MaskType",
    "VectorType",
    "absolute",
    "add_twice",
    "address_of",
    "constant_by_element",
    "get_lane",
    "get_last",
    "get_last_lanes",
    "lane_numbers",
    "load",
    "load_acquire",
    "load_scalar",
    "maximum",
    "minimum",
    "reduce_maximum",
    "reduce_minimum",
    "reduce_sum",
    "select",
    "shift_in_first",
    "shift_in_last",
    "smaller_cost",
    "splat",
    "square_root",
    "store",
    "store_mask",
    "store_release",
    "store_scalar",
    "transpose_lanes",
    "transpose_tile",
]

# ---- memory


@intrinsic(prefer_literal=True)
def load(_typing: Any, array: Any, index: Any, lanes: Any) -> Any:
    """Return ``array.flat[index : index + lanes]`` as a vector. No alignment is needed; nothing is checked."""
    if not (is_float_array(array) and isinstance(lanes, types.IntegerLiteral)):
        return None
    vector = VectorType(array.dtype, lanes.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = find_vector(context, builder, signature, arguments, vector)
        return builder.load(address, align=vector.element.bitwidth // 8)

    return vector(array, index, lanes), generate


@intrinsic
def load_scalar(_typing: Any, array: Any, index: Any) -> Any:
    """Return ``array.flat[index]``; unlike ``array[index]`` a negative index is not counted from the end."""
    if not is_float_array(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(find_element(context, builder, signature, arguments))

    return array.dtype(array, index), generate


@intrinsic
def store(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write the lanes of `value` to ``array.flat[index : index + lanes]``; nothing is checked."""
    if not (is_float_array(array) and isinstance(value, VectorType) and value.element == array.dtype):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        address = find_vector(context, builder, signature, arguments, value)
        builder.store(arguments[2], address, align=value.element.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, index, value), generate


@intrinsic
def store_scalar(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write `value` to ``array.flat[index]``; unlike ``array[index]`` a negative index is not counted from the end."""
    if not (is_float_array(array) and value == array.dtype):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.store(arguments[2], find_element(context, builder, signature, arguments))
        return context.get_dummy_value()

    return types.void(array, index, value), generate


@intrinsic
def address_of(_typing: Any, array: Any, index: Any) -> Any:
    """Return a pointer to ``array.flat[index]``, for a function compiled for calls by address."""
    if not is_float_array(array):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return find_element(context, builder, signature, arguments)

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
            lanes = ir.Constant(ir.VectorType(INT32, 8), [byte * 8 + bit for bit in range(8)])
            bits = builder.shuffle_vector(arguments[2], arguments[2], lanes)
            start = find_element(context, builder, signature, arguments)
            place = builder.gep(start, [ir.Constant(ir.IntType(64), byte)])
            builder.store(builder.bitcast(bits, ir.IntType(8)), place, align=1)
        return context.get_dummy_value()

    return types.void(array, index, mask), generate


# ---- lanes


def constant_by_element(choose: Callable[[int], int]) -> Any:
    """Return a function for kernels that gives, of an array, a whole number for the size of its elements.

    To the compiler it is a constant, so it may say how many lanes a vector has: a kernel is written once, and compiled
    for arrays of float64 and of float32, each with as many lanes as the registers hold.

    Args:
        choose: Of 8 for float64 or 4 for float32.
    """

    @intrinsic
    def give(_typing: Any, array: Any) -> Any:
        """Return the constant for an array."""
        if not is_float_array(array):
            return None
        number = choose(array.dtype.bitwidth // 8)

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return context.get_constant(types.intp, number)

        return types.IntegerLiteral(number)(array), generate

    return give


@intrinsic(prefer_literal=True)
def splat(_typing: Any, scalar: Any, lanes: Any) -> Any:
    """Return a vector with `scalar`, a float64 or float32, in every lane."""
    if scalar not in (types.float64, types.float32) or not isinstance(lanes, types.IntegerLiteral):
        return None
    vector = VectorType(scalar, lanes.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return fill_lanes(context, builder, arguments[0], vector)

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
def shift_in_first(_typing: Any, vector: Any, entering: Any) -> Any:
    """Move every lane up, and drop the last: a scalar enters lane 0, a vector of fewer lanes enters the first lanes."""
    if not isinstance(vector, VectorType):
        return None
    lanes = vector.lanes
    several = isinstance(entering, VectorType) and entering.element == vector.element and entering.lanes < lanes
    if not (several or entering == vector.element):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # In the last lanes of the other operand: the shift of a scalar is one two-register permutation for each
        # register, and that of whole registers none at all.
        if several:
            count = entering.lanes
            places = [0] * (lanes - count) + list(range(count))
            first = builder.shuffle_vector(arguments[1], arguments[1], ir.Constant(ir.VectorType(INT32, lanes), places))
        else:
            count = 1
            first = put_lane(context, builder, vector, arguments[1], lanes - 1)
        chosen = list(range(lanes - count, 2 * lanes - count))
        return builder.shuffle_vector(first, arguments[0], ir.Constant(ir.VectorType(INT32, lanes), chosen))

    return vector(vector, entering), generate


@intrinsic
def shift_in_last(_typing: Any, vector: Any, scalar: Any) -> Any:
    """Move every lane down by one: `scalar` enters the last lane, the value of lane 0 is dropped."""
    if not (isinstance(vector, VectorType) and scalar == vector.element):
        return None
    lanes = vector.lanes

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        entering = put_lane(context, builder, vector, arguments[1], 0)
        chosen = list(range(1, lanes + 1))
        return builder.shuffle_vector(arguments[0], entering, ir.Constant(ir.VectorType(INT32, lanes), chosen))

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
        return builder.extract_element(arguments[0], ir.Constant(INT32, vector.lanes - 1))

    return vector.element(vector), generate


@intrinsic(prefer_literal=True)
def get_last_lanes(_typing: Any, vector: Any, lanes: Any) -> Any:
    """Return the values of the last `lanes` lanes, a constant."""
    if not (isinstance(vector, VectorType) and isinstance(lanes, types.IntegerLiteral)):
        return None
    last = VectorType(vector.element, lanes.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        chosen = list(range(vector.lanes - last.lanes, vector.lanes))
        return builder.shuffle_vector(*[arguments[0]] * 2, ir.Constant(ir.VectorType(INT32, last.lanes), chosen))

    return last(vector, lanes), generate


@intrinsic(prefer_literal=True)
def transpose_lanes(_typing: Any, vector: Any, rows: Any) -> Any:
    """Return the lanes, taken as a matrix of `rows` rows (a constant) one after the other, column after column."""
    if not (isinstance(vector, VectorType) and isinstance(rows, types.IntegerLiteral)):
        return None
    height, lanes = rows.literal_value, vector.lanes

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        width = lanes // height
        chosen = [row * width + column for column in range(width) for row in range(height)]
        return builder.shuffle_vector(*[arguments[0]] * 2, ir.Constant(ir.VectorType(INT32, lanes), chosen))

    return vector(vector, rows), generate


@intrinsic
def reduce_minimum(_typing: Any, vector: Any) -> Any:
    """Return the smallest value of all lanes; lanes are a power of two, none is NaN."""
    return _reduce(vector, lambda builder, low, high: builder.select(builder.fcmp_ordered("<", low, high), low, high))


@intrinsic
def reduce_maximum(_typing: Any, vector: Any) -> Any:
    """Return the largest value of all lanes; lanes are a power of two, none is NaN."""
    return _reduce(vector, lambda builder, low, high: builder.select(builder.fcmp_ordered(">", low, high), low, high))


@intrinsic
def reduce_sum(_typing: Any, vector: Any) -> Any:
    """Return the sum of all lanes, upper half and lower half added until one is left; lanes are a power of two."""
    return _reduce(vector, lambda builder, low, high: builder.fadd(low, high))


def _reduce(vector: Any, join: Any) -> Any:
    if not isinstance(vector, VectorType):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rest = arguments[0]
        lanes = vector.lanes
        while lanes > 1:
            lanes //= 2
            halves = [
                builder.shuffle_vector(rest, rest, ir.Constant(ir.VectorType(INT32, lanes), list(range(first, last))))
                for first, last in ((0, lanes), (lanes, 2 * lanes))
            ]
            rest = join(builder, *halves)
        return builder.extract_element(rest, ir.Constant(INT32, 0))

    return vector.element(vector), generate


# ---- memory shared by threads


@intrinsic
def load_acquire(_typing: Any, array: Any, index: Any) -> Any:
    """Return ``array.flat[index]`` of an int64 array; what another thread wrote before its `store_release` is seen."""
    if not (isinstance(array, types.Array) and array.dtype == types.int64):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(find_element(context, builder, signature, arguments), "acquire", 8)

    return types.int64(array, index), generate


@intrinsic
def store_release(_typing: Any, array: Any, index: Any, value: Any) -> Any:
    """Write `value` to ``array.flat[index]`` of an int64 array, after everything that this thread wrote before."""
    if not (isinstance(array, types.Array) and array.dtype == types.int64 and isinstance(value, types.Integer)):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        number = context.cast(builder, arguments[2], value, types.int64)
        builder.store_atomic(number, find_element(context, builder, signature, arguments), "release", 8)
        return context.get_dummy_value()

    return types.void(array, index, value), generate
