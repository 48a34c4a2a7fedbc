"""Builtin functions of compiled code: Python calls them as it calls ``len``, with nothing of Numba in between.

Numba's own way from Python to compiled code takes longer than comparing two short series does, because it makes an
owner for each array. A function here is handed what Python hands to a builtin, the addresses of its arguments, and
reads and makes the objects itself. Such a function is compiled for the type of what is bound to it (`BoundType`)::

    def enter(bound, arguments, count):
        if has_two_series(bound, arguments, count):
            x, y = get_series(bound, arguments, 0), get_series(bound, arguments, 1)
            if x.size * y.size <= 100:
                return give_float(measure(x, y, *get_options(bound)))
        return hand_on(bound, arguments, count)

    compare = Entry(enter, np.dtype(np.float64), (3, True)).bind(None, beyond, otherwise)

Addresses are whole numbers. What is used of CPython is the calling convention ``METH_FASTCALL`` (PEP 590) and exported
functions, of NumPy the fields of an array and the table of its C API, which both keep for all extension modules;
`find_new_array` tries it first.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import itertools
import struct
import sysconfig
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, models, register_model
from numpy.typing import NDArray

from .compilation import compile_for_address, kernel
from .scratch import build_array

# Where an object says its type, and where an array keeps what, in words of eight bytes.
_HEAD = object.__basicsize__ // 8
_TYPE, _DATA, _NDIM, _SHAPE, _STRIDES, _DTYPE = _HEAD - 1, _HEAD, _HEAD + 1, _HEAD + 2, _HEAD + 3, _HEAD + 5
_INT = 0xFFFFFFFF  # a C int is the lower half of a word

# What is bound to a function, in words: addresses of objects and functions, where the further arguments are and how
# many, the options, and the addresses of the further arguments.
_ARRAY, _ELEMENT, _BEYOND, _OTHERWISE, _NEW_ARRAY, _ARGUMENTS, _COUNT, _OPTIONS = range(8)

# PyArray_New in the table of NumPy's C API, and the numbers of its types.
_NEW_ARRAY_IN_TABLE = 93
_FLOAT64, _INT64 = np.dtype(np.float64).num, np.dtype(np.int64).num

_METH_FASTCALL = 0x80
_WORD = ir.IntType(64)


class BoundType(types.Type):
    """What is bound to a function.

    Attributes:
        element: Type of the samples.
        options: Type of a tuple of numbers, ``None``, matrices and tuples of such.
    """

    def __init__(self, element: Any, options: Any) -> None:
        self.element = element
        self.options = options
        super().__init__(name=f"bound({element}, {options})")


@register_model(BoundType)
class _BoundModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _WORD)


class _Method(ctypes.Structure):
    """A ``PyMethodDef``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("documentation", ctypes.c_char_p),
    )


class _Bound(np.ndarray[Any, Any]):
    """The words that are bound to a function; what they are the addresses of is `kept`."""

    method: _Method
    kept: tuple[Any, ...]


class Entry:
    """How Python gets into one compiled function, with options of its own."""

    def __init__(self, function: Callable[..., Any], dtype: np.dtype[Any], options: tuple[Any, ...]) -> None:
        """Compile `function`.

        Args:
            function: Of what is bound, the address of the arguments' addresses and their number, all of which it hands
                to the functions of this module; it returns what one of those gives that are called ``give_...`` or
                `hand_on`. It must not raise.
            dtype: Of the samples.
            options: What `get_options` gives: numbers, ``None``, C-contiguous matrices and tuples of such.

        Raises:
            ImportError: If this Python or NumPy keeps its objects in another way.
        """
        self._new_array = find_new_array()
        self._dtype, self._options = dtype, options
        self._function = function
        self._compiled = _compile(function, BoundType(numba.from_dtype(dtype), numba.typeof(options)))

    def bind(
        self,
        builtin: Any,
        beyond: Callable[..., Any],
        otherwise: Callable[..., Any],
        arguments: tuple[Any, ...] = (),
    ) -> Callable[..., Any]:
        """Return a builtin function of two arrays.

        Args:
            builtin: One that another entry gave. If its code is the same, it does what this one is asked for from now
                on, and is returned; else, and for ``None``, a new one is.
            beyond: What `hand_on` calls with arguments for which `has_two_series` says yes.
            otherwise: What it calls with others.
            arguments: Objects that must be the further arguments: with others, `has_two_series` says no.
        """
        options = _spell(self._options)
        words = [*map(id, (np.ndarray, self._dtype, beyond, otherwise)), self._new_array]
        words += [_OPTIONS + len(options), len(arguments), *options, *map(id, arguments)]
        kept = self._compiled, self._dtype, self._options, beyond, otherwise, arguments
        if builtin is None or builtin.__self__.method.address != self._compiled.address:
            return self._create(np.array(words, dtype=np.int64).view(_Bound), kept)
        bound: _Bound = builtin.__self__
        before = bound.kept
        bound[:] = np.array(words, dtype=np.int64)
        bound.kept = kept
        del before  # whose addresses were among the words until now
        same: Callable[..., Any] = builtin
        return same

    def _create(self, bound: _Bound, kept: tuple[Any, ...]) -> Callable[..., Any]:
        function = self._function
        documentation = (function.__doc__ or "").encode()
        bound.method = _Method(function.__name__.encode(), self._compiled.address, _METH_FASTCALL, documentation)
        bound.kept = kept
        create = ctypes.pythonapi.PyCFunction_NewEx
        create.restype, create.argtypes = (
            ctypes.py_object,
            (ctypes.POINTER(_Method), ctypes.py_object, ctypes.py_object),
        )
        builtin: Callable[..., Any] = create(ctypes.byref(bound.method), bound, function.__module__)
        return builtin


@functools.cache
def _compile(function: Callable[..., Any], bound: BoundType) -> Any:
    return compile_for_address(function, types.intp(bound, types.intp, types.intp))


def _spell(value: Any) -> list[int]:
    if value is None:
        return []
    if isinstance(value, tuple):
        return [word for item in value for word in _spell(item)]
    if isinstance(value, np.ndarray):
        return [value.ctypes.data, *value.shape]
    return [struct.unpack("q", struct.pack("d", value))[0] if isinstance(value, float) else int(value)]


@functools.cache
def find_new_array() -> int:
    """Return the address of ``PyArray_New``.

    Raises:
        ImportError: If this Python or NumPy keeps its objects in another way than `get_series` reads them.
    """
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise ImportError("short series need a Python with a lock, because what is bound to a function changes")
    probe = np.arange(12.0).reshape(3, 4)[:, 1]
    words = ctypes.cast(id(probe), ctypes.POINTER(ctypes.c_int64))
    extent = [ctypes.cast(words[place], ctypes.POINTER(ctypes.c_int64))[0] for place in (_SHAPE, _STRIDES)]
    found = words[_TYPE], words[_DATA], words[_NDIM] & _INT, *extent, words[_DTYPE]
    expected = id(np.ndarray), probe.ctypes.data, 1, 3, 32, id(probe.dtype)
    if found != expected or probe.dtype is not np.dtype(np.float64):
        raise ImportError("short series need a Python and a NumPy that keep arrays as they did in 2026")
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype, get_pointer.argtypes = ctypes.c_void_p, (ctypes.py_object, ctypes.c_char_p)
    # The capsule of which ``import_array`` of every extension module takes its table.
    capsule = importlib.import_module("numpy._core._multiarray_umath")._ARRAY_API
    table = ctypes.cast(get_pointer(capsule, None), ctypes.POINTER(ctypes.c_int64))
    return table[_NEW_ARRAY_IN_TABLE]


@kernel
def has_two_series(bound: Any, arguments: int, count: int) -> bool:
    """Return whether the arguments are two plain series, and after them the objects that are bound.

    A plain series is an array of one dimension, of native numbers of the type that is bound.
    """
    further = _recall(bound, _COUNT)
    if count != 2 + further:
        return False
    for number in range(2):
        given = _peek(arguments, number)
        # There is one object for each type of native numbers, so it can be told by looking which one it is.
        if _peek(given, _TYPE) != _recall(bound, _ARRAY) or _peek(given, _DTYPE) != _recall(bound, _ELEMENT):
            return False
        if _peek(given, _NDIM) & _INT != 1:
            return False
    same = True
    for number in range(further):
        same &= _peek(arguments, 2 + number) == _recall(bound, _recall(bound, _ARGUMENTS) + number)
    return same


@kernel
def get_series(bound: Any, arguments: int, number: int) -> NDArray[Any]:
    """Return an argument as an array, which is to be read only; `has_two_series` must have said that it is one."""
    given = _peek(arguments, number)
    return _view_line(bound, _peek(given, _DATA), _peek(_peek(given, _SHAPE), 0), _peek(_peek(given, _STRIDES), 0))


@kernel
def hand_on(bound: Any, arguments: int, count: int) -> int:
    """Call what was given for all else, with the same arguments, and return what it returns."""
    place = _BEYOND if has_two_series(bound, arguments, count) else _OTHERWISE
    return _call_python("PyObject_Vectorcall", (_recall(bound, place), arguments, count, 0))


@kernel
def give_float(value: float) -> int:
    """Return a Python number."""
    return _call_python("PyFloat_FromDouble", (value,))


@kernel
def make_matrix(bound: Any, rows: int, columns: int) -> int:
    """Return a new array of float64, its numbers not set; or 0, without memory for it."""
    return _make_array(_recall(bound, _NEW_ARRAY), _recall(bound, _ARRAY), (rows, columns), _FLOAT64)


@kernel
def view_matrix(array: int) -> NDArray[np.float64]:
    """Return what `make_matrix` gave as a matrix to be written."""
    return _view_rows(_peek(array, _DATA), _peek(_peek(array, _SHAPE), 0), _peek(_peek(array, _SHAPE), 1), np.float64)


@kernel
def make_path(bound: Any, path: NDArray[np.int64], start: int) -> int:
    """Return a new array that is equal to ``path[start:]``, ``(k, 2)``; or 0, without memory for it."""
    # Spelled out, because Numba takes seconds to compile a slice and its assignment.
    count = path.shape[0] - start
    array = _make_array(_recall(bound, _NEW_ARRAY), _recall(bound, _ARRAY), (count, 2), _INT64)
    if array != 0:
        made = _view_rows(_peek(array, _DATA), count, 2, np.int64)
        for k in range(count):
            made[k, 0], made[k, 1] = path[start + k, 0], path[start + k, 1]
    return array


@kernel
def discard(array: int) -> None:
    """Do without what `make_matrix` gave."""
    _call_python("Py_DecRef", (array,))


@kernel
def give_both(array: int, value: float) -> int:
    """Return a tuple of a new array and a number; hand on that there was no memory for the array."""
    if array == 0:
        return 0
    pair, number = _call_python("PyTuple_New", (2,)), give_float(value)
    if pair == 0 or number == 0:
        return 0
    _call_python("PyTuple_SetItem", (pair, 0, array))
    _call_python("PyTuple_SetItem", (pair, 1, number))
    return pair


@kernel
def _recall(bound: Any, place: int) -> int:
    return _peek(_peek(bound, _DATA), place)


@intrinsic
def _peek(_typing: Any, address: Any, place: Any) -> Any:
    """Return the word at a place behind an address."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place_in_words = context.cast(builder, values[1], signature.args[1], types.intp)
        return builder.load(builder.gep(builder.inttoptr(values[0], _WORD.as_pointer()), [place_in_words]))

    return types.intp(address, place), generate


@intrinsic
def get_options(_typing: Any, bound: Any) -> Any:
    """Return the options that are bound."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data = builder.load(builder.gep(builder.inttoptr(values[0], _WORD.as_pointer()), [_WORD(_DATA)]))
        words = builder.inttoptr(data, _WORD.as_pointer())
        places = itertools.count(_OPTIONS)

        def read_word() -> Any:
            return builder.load(builder.gep(words, [_WORD(next(places))]))

        def read(kind: Any) -> Any:
            if isinstance(kind, types.NoneType):
                return context.get_dummy_value()
            if isinstance(kind, types.BaseTuple):
                return context.make_tuple(builder, kind, [read(item) for item in kind])
            if isinstance(kind, types.Array):
                elements = builder.inttoptr(read_word(), context.get_data_type(kind.dtype).as_pointer())
                return build_array(context, builder, kind, elements, [read_word() for _ in range(kind.ndim)])
            if isinstance(kind, types.Float):
                return builder.bitcast(read_word(), ir.DoubleType())
            return context.cast(builder, read_word(), types.intp, kind)

        return read(bound.options)

    return (bound.options(bound), generate) if isinstance(bound, BoundType) else None


@intrinsic
def _view_line(_typing: Any, bound: Any, data: Any, size: Any, stride: Any) -> Any:
    line = types.Array(bound.element, 1, "A")

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        _, address, extent, step = values
        elements = builder.inttoptr(address, context.get_data_type(line.dtype).as_pointer())
        return build_array(context, builder, line, elements, [extent], stride=step)

    return line(bound, data, size, stride), generate


@intrinsic
def _view_rows(_typing: Any, data: Any, rows: Any, columns: Any, dtype: Any) -> Any:
    matrix = types.Array(dtype.dtype, 2, "C")

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        elements = builder.inttoptr(values[0], context.get_data_type(matrix.dtype).as_pointer())
        return build_array(context, builder, matrix, elements, list(values[1:3]))

    return matrix(data, rows, columns, dtype), generate


@intrinsic(prefer_literal=True)
def _call_python(_typing: Any, name: Any, arguments: Any) -> Any:
    """Call an exported function of Python, which holds its lock, and return what it returns, an address or nothing."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        given = [builder.extract_value(values[1], number) for number in range(len(arguments))]
        kind = ir.FunctionType(_WORD, [value.type for value in given])
        return builder.call(cgutils.get_or_insert_function(builder.module, kind, name.literal_value), given)

    return types.intp(name, arguments), generate


@intrinsic
def _make_array(_typing: Any, function: Any, array_type: Any, shape: Any, number: Any) -> Any:
    """Call ``PyArray_New`` for an array of two dimensions and a type of that number."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        integer, address = ir.IntType(32), ir.IntType(8).as_pointer()
        kinds = [address, integer, address, integer, address, address, integer, integer, address]
        create = builder.inttoptr(values[0], ir.FunctionType(_WORD, kinds).as_pointer())
        extents = builder.bitcast(cgutils.alloca_once_value(builder, values[2]), address)
        kind_number = builder.trunc(values[3], integer)
        return builder.call(create, [
            builder.inttoptr(values[1], address), integer(2), extents, kind_number,
            address(None), address(None), integer(0), integer(0), address(None),
        ])  # fmt: skip

    return types.intp(function, array_type, shape, number), generate
