"""Arithmetic on vectors, lane by lane: operators, minima, roots; IEEE 754, the same bits as the scalar expression.

Kernels import it from `platform_base.kernels.vectors`.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, lower_builtin, type_callable

from .registers import compares_bits, fuses
from .vector_types import MaskType, VectorType, fill_lanes

COMPARES_BITS = compares_bits()
FUSES = fuses()


@intrinsic
def minimum(_typing: Any, first: Any, second: Any) -> Any:
    """Return ``first if first < second else second`` in every lane, or of two numbers: one instruction, no branch."""
    if not (isinstance(first, VectorType | types.Float) and first == second):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", *arguments), *arguments)

    return first(first, second), generate


@intrinsic
def smaller_cost(_typing: Any, first: Any, second: Any) -> Any:
    """Return the smaller value in every lane, as `minimum` does; none is NaN, at most one of the two is below zero.

    The bits of such numbers are in the order of the numbers, so whole numbers may be compared where that is faster.
    """
    if not (isinstance(first, VectorType) and first == second):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if not COMPARES_BITS:
            return builder.select(builder.fcmp_ordered("<", *arguments), *arguments)
        width = first.element.bitwidth
        whole = ir.VectorType(ir.IntType(width), first.lanes)
        kind = ir.FunctionType(whole, [whole, whole])
        # Named, because LLVM makes a comparison and a choice of two vectors, two instructions, of anything else.
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.smin.v{first.lanes}i{width}")
        smaller = builder.call(function, [builder.bitcast(argument, whole) for argument in arguments])
        return builder.bitcast(smaller, arguments[0].type)

    return first(first, second), generate


@intrinsic
def add_twice(_typing: Any, vector: Any, added: Any) -> Any:
    """Return ``vector + 2 * added`` in every lane.

    Twice a number is exact unless it overflows, so the sum is rounded once however it is computed: in one instruction
    where there is one. Only where twice overflows and `vector` is below zero do the two ways differ: see
    `platform_base.kernels.cells.take_back`.
    """
    if not (isinstance(vector, VectorType) and vector == added):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if not FUSES:
            return builder.fadd(arguments[0], builder.fadd(arguments[1], arguments[1]))
        kind = ir.FunctionType(arguments[0].type, [arguments[0].type] * 3)
        name = f"llvm.fma.v{vector.lanes}f{vector.element.bitwidth}"
        twos = ir.Constant(arguments[0].type, [2.0] * vector.lanes)
        function = cgutils.get_or_insert_function(builder.module, kind, name)
        return builder.call(function, [arguments[1], twos, arguments[0]])

    return vector(vector, added), generate


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
    """Return `chosen` in the lanes where `mask` is true, `other` elsewhere; or one of two numbers, without a branch."""
    vectors = isinstance(mask, MaskType) and isinstance(chosen, VectorType)
    numbers = isinstance(mask, types.Boolean) and isinstance(chosen, types.Number)
    if not ((vectors or numbers) and chosen == other):
        return None

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        # A register holds a truth value as a whole number, of which the lowest bit counts.
        condition = builder.trunc(arguments[0], ir.IntType(1)) if numbers else arguments[0]
        return builder.select(condition, *arguments[1:])

    return chosen(mask, chosen, other), generate


@intrinsic
def absolute(_typing: Any, vector: Any) -> Any:
    """Return the absolute value of every lane."""
    return _unary(vector, "fabs")


@intrinsic
def square_root(_typing: Any, vector: Any) -> Any:
    """Return the correctly rounded square root of every lane."""
    return _unary(vector, "sqrt")


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


def _as_vectors(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    vector = next(operand for operand in signature.args if isinstance(operand, VectorType))
    return [
        value if isinstance(operand, VectorType) else fill_lanes(context, builder, value, vector)
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
