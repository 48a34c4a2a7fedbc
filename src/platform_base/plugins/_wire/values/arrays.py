"""NumPy arrays: a descriptor in the body, the elements inline or in a block of the arena."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import msgpack

from platform_base.plugins._wire.values.base import DecodeError, Kind, Reader, Writer
from platform_base.plugins._wire.values.dtypes import MAX_DIMENSIONS, read_dtype, write_dtype
from platform_base.plugins._wire.values.remedies import Refusal

INLINE_BYTES = 2048
"""Arrays up to this size travel inside the body, bytes."""

_ARRAY = 32
_LARGEST = 2**62
_DOUBTFUL = frozenset("bUV")
_LAST_CODE_POINT = 0x10FFFF


class Descriptor(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True, gc=False):
    """What is said about an array.

    Attributes:
        dtype: As `dtypes` describes it.
        shape: At most 32 lengths.
        fortran: Column-major order.
        place: Offset of its block in the arena; its bytes; or, in a list, the number of the lent arena that it fills.
    """

    dtype: str | list[Any]
    shape: list[int]
    fortran: bool
    place: int | bytes | list[int]


_decode = msgpack.Decoder(Descriptor).decode


def _write(value: np.ndarray[Any, Any], writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_ARRAY, write_array(value, writer))


def _write_memmap(value: np.memmap[Any, Any], writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_ARRAY, write_array(value.view(np.ndarray), writer))


def write_array(value: np.ndarray[Any, Any], writer: Writer) -> bytes:
    """Describe an array of any strides and give it its place; raises `Refusal`."""
    dtype = write_dtype(value.dtype)
    if value.ndim > MAX_DIMENSIONS:
        raise Refusal(f"an array of {value.ndim} dimensions cannot be sent (at most {MAX_DIMENSIONS}); reshape it")
    flags = value.flags
    fortran = flags.f_contiguous and not flags.c_contiguous
    place: int | bytes | list[int]
    if value.nbytes <= INLINE_BYTES:
        place = value.tobytes("F" if fortran else "C")
    elif (flags.c_contiguous or fortran) and (lent := writer.lend(value)) is not None:
        place = [lent]
    elif (flags.c_contiguous or fortran) and (offset := writer.stay(value)) is not None:
        place = offset
    else:
        place = writer.place(value, fortran=fortran)
    return msgpack.encode((dtype, value.shape, fortran, place))


def write_pieces(pieces: Sequence[np.ndarray[Any, Any]], shape: tuple[int, ...], writer: Writer) -> msgpack.Ext:
    """Describe several arrays of one dtype as one of `shape`, their elements one behind the other; raises `Refusal`.

    Args:
        pieces: At least one; of one shape but for the first length, and of at least one dimension.
        shape: Of as many elements.
        writer: Gives them their place.
    """
    first = pieces[0]
    dtype = write_dtype(first.dtype)
    size = math.prod(shape) * first.dtype.itemsize
    length = sum(map(len, pieces))
    place: int | bytes
    if size <= INLINE_BYTES:
        joined = np.empty((length, *first.shape[1:]), first.dtype)
        place = np.concatenate(pieces, out=joined, casting="no").tobytes()
    else:
        place = writer.place_pieces(pieces, length=length, size=size)
    return msgpack.Ext(_ARRAY, msgpack.encode((dtype, shape, False, place)))


def read_array(payload: memoryview, reader: Reader) -> np.ndarray[Any, Any]:
    """Rebuild an array: a view of its block, or an owned copy when it came inline.

    Raises:
        DecodeError: The descriptor is no such thing, asks for more than there is, or the elements are none.
    """
    described = _decode(payload)
    dtype = read_dtype(described.dtype)
    size = _size(described.shape, dtype, reader)
    buffer: memoryview | bytearray | bytes
    if isinstance(described.place, bytes):
        if len(described.place) != size:
            raise DecodeError(f"array: expected {size} bytes inline, got {len(described.place)}")
        buffer, offset = described.place if reader.readonly else bytearray(described.place), 0
    elif isinstance(described.place, list):
        buffer, offset = _lent_memory(described.place, size, reader), 0
    else:
        offset = described.place
        buffer = reader.claim(offset, size)
    order: Any = "F" if described.fortran else "C"
    # NumPy looks through a memoryview to what it shows: only this detour keeps `flags.writeable = True` impossible.
    ground: Any = np.frombuffer(buffer, np.uint8) if reader.readonly and len(buffer) else buffer
    array = np.ndarray(tuple(described.shape), dtype, ground, offset, order=order)
    if dtype.kind in _DOUBTFUL:
        array = sound(array)
    if reader.readonly:
        array.flags.writeable = False
    return array


def _lent_memory(place: list[int], size: int, reader: Reader) -> memoryview:
    if len(place) != 1 or not 0 <= place[0] < len(reader.lent) or size > len(reader.lent[place[0]]):
        raise DecodeError(f"array: expected one of {len(reader.lent)} lent arenas that holds {size} bytes, got {place}")
    return reader.lent[place[0]]


def _size(shape: list[int], dtype: np.dtype[Any], reader: Reader) -> int:
    if len(shape) > MAX_DIMENSIONS:
        raise DecodeError(f"array: expected at most {MAX_DIMENSIONS} dimensions, got {len(shape)}")
    size = dtype.itemsize
    span = size or 1
    for length in shape:
        if length < 0:
            raise DecodeError(f"array: expected lengths from 0 on, got {length}")
        size *= length
        span *= length or 1
    # elements without width, and lengths beside a zero, need no byte and must be bounded all the same
    if size > reader.limits.max_array_bytes or span > (_LARGEST if dtype.itemsize else reader.limits.max_items):
        raise DecodeError(f"array: expected at most {reader.limits.max_array_bytes} bytes, got shape {shape}")
    return size


def sound(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the array with truth values that are 0 or 1, copied only if some were not.

    NumPy counts truth values by adding their bytes and then writes as many elements as it counted: another
    byte than 0 and 1 would make it write out of bounds. Text beyond Unicode makes it raise in odd places.

    Args:
        array: Of any shape and dtype, contiguous in either order.

    Raises:
        DecodeError: Text holds a code point beyond U+10FFFF.
    """
    bare = _bare(array.dtype)
    if bare is None or not array.size:
        return array
    doubtful = _leaves(array.dtype, _reinterpret(array, bare))
    for leaf in doubtful:
        if leaf.dtype.itemsize == 4 and leaf.size and int(leaf.max()) > _LAST_CODE_POINT:
            raise DecodeError(f"array: expected text, got the code point {int(leaf.max()):#x}")
    if all(leaf.dtype.itemsize == 4 or not leaf.size or int(leaf.max()) <= 1 for leaf in doubtful):
        return array
    mended = array.copy("K")
    for leaf in _leaves(mended.dtype, _reinterpret(mended, bare)):
        if leaf.dtype.itemsize == 1:
            np.not_equal(leaf, 0, out=leaf, casting="unsafe")
    return mended


def _reinterpret(array: np.ndarray[Any, Any], bare: np.dtype[Any]) -> np.ndarray[Any, Any]:
    flat = array.reshape(-1, order="A")  # contiguous, hence a view
    return np.ndarray(flat.shape, bare, flat.view(np.uint8))


def _bare(dtype: np.dtype[Any]) -> np.dtype[Any] | None:
    """The same layout with truth values and text as plain integers; ``None`` if there are none."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "U" and dtype.itemsize:
        return np.dtype((np.dtype(np.uint32).newbyteorder(dtype.byteorder), (dtype.itemsize // 4,)))
    if dtype.subdtype is not None:
        base = _bare(dtype.subdtype[0])
        return None if base is None else np.dtype((base, dtype.subdtype[1]))
    if not dtype.names or dtype.fields is None:
        return None
    fields = [dtype.fields[name] for name in dtype.names]
    inner = [(_bare(field[0]), field[1]) for field in fields]
    if all(bare is None for bare, _ in inner):
        return None
    return np.dtype(
        {
            "names": list(dtype.names),
            "formats": [bare or field[0] for (bare, _), field in zip(inner, fields, strict=True)],
            "offsets": [offset for _, offset in inner],
            "itemsize": dtype.itemsize,
        }
    )


def _leaves(dtype: np.dtype[Any], array: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
    if dtype.kind == "b" or (dtype.kind == "U" and dtype.itemsize):
        return [array]
    if dtype.subdtype is not None:
        return _leaves(dtype.subdtype[0], array)
    found: list[np.ndarray[Any, Any]] = []
    if dtype.names and dtype.fields is not None:
        for name in dtype.names:
            found += _leaves(dtype.fields[name][0], array[name])
    return found


ARRAYS = (
    Kind(name="array", types=(np.ndarray,), code=_ARRAY, write=_write, read=read_array, nested=True),
    Kind(name="memory-mapped array", types=(np.memmap,), write=_write_memmap),
)
