"""Room to work on the stack: for short series, asking for memory takes longer than computing in it.

An array on the stack has no owner, so handing it on counts no references. It is good until the function that made it
returns: a compiled function makes it for those that it calls, and lets it out no other way.
"""

from __future__ import annotations

from typing import Any

from numba.core import cgutils, types
from numba.core.imputils import impl_ret_borrowed
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array


@intrinsic(prefer_literal=True)
def scratch(_typing: Any, size: Any, dtype: Any) -> Any:
    """Return an uninitialized ``(size,)`` array of `dtype` on the stack.

    `size` is a constant (a global integer).
    """
    if not (isinstance(size, types.IntegerLiteral) and isinstance(dtype, types.DTypeSpec)):
        return None
    line = types.Array(dtype.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        count = context.get_constant(types.intp, size.literal_value)
        # In the entry block: one piece of the stack, however often the function comes by.
        with builder.goto_entry_block():
            data = builder.alloca(context.get_data_type(line.dtype), size=count)
        return build_array(context, builder, line, data, [count])

    return line(size, dtype), generate


@intrinsic
def carve(_typing: Any, room: Any, start: Any, rows: Any, columns: Any) -> Any:
    """Return a ``(rows, columns)`` matrix that lies in the ``(n,)`` array `room` from entry `start` on.

    Nothing is checked. The matrix owns a part in `room` if that is in memory of its own.
    """
    if not (isinstance(room, types.Array) and room.ndim == 1 and room.layout == "C"):
        return None
    kind = types.Array(room.dtype, 2, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place, height, width = (
            context.cast(builder, value, given, types.intp)
            for value, given in zip(arguments[1:], signature.args[1:], strict=True)
        )
        whole = context.make_array(room)(context, builder, arguments[0])
        data = builder.gep(whole.data, [place])
        matrix = build_array(context, builder, kind, data, [height, width], owner=whole.meminfo)
        return impl_ret_borrowed(context, builder, kind, matrix)

    return kind(room, start, rows, columns), generate


def build_array(
    context: Any, builder: Any, kind: Any, data: Any, shape: list[Any], stride: Any = None, owner: Any = None
) -> Any:
    """Return an array, for intrinsics.

    Args:
        context: Numba's.
        builder: Of what is generated.
        kind: Numba's type of the array, of one dimension or two.
        data: Where its elements are.
        shape: Its extents.
        stride: Bytes from one element to the next of the last dimension; ``None`` if there is nothing between them.
        owner: Numba's owner of the memory; ``None`` for none.
    """
    array = context.make_array(kind)(context, builder)
    item = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(kind.dtype)))
    last = item if stride is None else stride
    strides = [builder.mul(shape[1], last), last] if len(shape) == 2 else [last]
    populate_array(array, data=data, shape=cgutils.pack_array(builder, shape),
                   strides=cgutils.pack_array(builder, strides), itemsize=item, meminfo=owner)  # fmt: skip
    return array._getvalue()
