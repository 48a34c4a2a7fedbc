"""How kernels are compiled: once, cached on disk, without Python's lock, with IEEE 754 arithmetic as written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from platform_base.kernels.dispatcher import make_addressed, make_kernel, make_outer

# Without the wrapper for C: only what `compile_for_address` gives is called by address, and that gets one all the same.
_OPTIONS = {"error_model": "numpy", "boundscheck": False, "no_cfunc_wrapper": True}


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile `function` when it is first called, and keep the machine code in Numba's cache directory.

    The function runs without Python's lock, checks no index and raises nothing: division by zero gives what NumPy
    gives. Where Numba finds no directory to write to, every process compiles for itself.

    Args:
        function: Of numbers, arrays and vectors (`platform_base.kernels.vectors`) alone.
    """
    return make_kernel(function, {**_OPTIONS, "nogil": True})


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """As `kernel`, for a long function that one or two kernels call: it is compiled as a part of them.

    A kernel that others call is optimized and made machine code of by itself, and again within each of them, as deep as
    they call each other; compiling a path took a quarter less with its longest functions like this. A short function is
    better off as a `kernel`, and so is one that many call.
    """
    return make_kernel(function, {**_OPTIONS, "nogil": True}, inline=True)


def compile_for_address(function: Callable[..., Any], signature: Any) -> Any:
    """Compile `function` now, and return what holds it; its ``address`` is called with `call_address`.

    Args:
        function: As for `kernel`; arrays arrive as pointers.
        signature: Of C types: ``void``, whole numbers, floats and pointers to them.
    """
    return make_addressed(function, signature, _OPTIONS)


def pointer_to(dtype: str) -> Any:
    """Return the type of a pointer to elements of ``"float64"`` or ``"float32"``, for signatures."""
    return types.CPointer({"float64": types.float64, "float32": types.float32}[dtype])


def compile_for_python(function: Callable[..., Any], signature: Any) -> Callable[..., Any]:
    """Compile a kernel now, for calls from Python that cost next to nothing.

    What `kernel` returns looks at the type of every argument, to find the code for it. Here there is only one, and the
    caller has made sure of the types. An array may be read-only whatever the signature says.

    Args:
        function: As `kernel` returns it.
        signature: Numba's types of the result and the arguments.
    """
    compiled = make_outer(function.py_func, {**_OPTIONS, "nogil": True})  # type: ignore[attr-defined]
    compiled.compile(signature)
    (result,) = compiled.overloads.values()
    entry_point: Callable[..., Any] = result.entry_point
    return entry_point


@intrinsic
def call_address(_typing: Any, address: Any, arguments: Any) -> Any:
    """Call the function at `address` with a tuple of arguments; it returns nothing.

    Nothing is checked: if it was not compiled, with `compile_for_address`, for just these arguments, the process dies.
    """
    if not (isinstance(address, types.Integer) and isinstance(arguments, types.BaseTuple)):
        return None

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        given = [builder.extract_value(values[1], number) for number in range(len(arguments))]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), given)
        return context.get_dummy_value()

    return types.void(address, arguments), generate
