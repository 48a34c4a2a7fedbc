"""Numbers, text and bytes: what msgpack says by itself, and what it cannot say exactly."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from msgspec import msgpack

from platform_base.plugins._wire.values.arrays import sound
from platform_base.plugins._wire.values.base import DecodeError, Kind, Reader, Writer
from platform_base.plugins._wire.values.dtypes import read_dtype, write_dtype
from platform_base.plugins._wire.values.remedies import Refusal

MAX_INTEGER_BYTES = 2**20
"""Largest integer, bytes: more than any computation here needs, and less than a second of arithmetic."""

_LONG = 1024
_COMPLEX = struct.Struct("<dd")
_NUMPY_TYPES = tuple({np.dtype(code).type for code in np.typecodes["All"] if code != "O"} - {np.str_, np.bytes_})


def _write_int(value: int, writer: Writer) -> Any:
    if -(2**63) <= value < 2**64:
        return value
    size = value.bit_length() // 8 + 1
    if size > MAX_INTEGER_BYTES:
        raise Refusal(f"an integer of {size} bytes cannot be sent (at most {MAX_INTEGER_BYTES}); send a NumPy array")
    return msgpack.Ext(_BIG, value.to_bytes(size, "little", signed=True))


def _read_int(payload: memoryview, reader: Reader) -> int:
    if len(payload) > MAX_INTEGER_BYTES:
        raise DecodeError(f"integer: expected at most {MAX_INTEGER_BYTES} bytes, got {len(payload)}")
    return int.from_bytes(payload, "little", signed=True)


def _write_text(value: str, writer: Writer) -> Any:
    if len(value) < _LONG:
        try:
            value.encode()
        except UnicodeEncodeError:
            return msgpack.Ext(_TEXT, value.encode("utf-8", "surrogatepass"))
        return value
    return _write_long(_LONG_TEXT, value.encode("utf-8", "surrogatepass"), writer)


def _read_text(payload: memoryview, reader: Reader) -> str:
    return str(payload, "utf-8", "surrogatepass")


def _write_bytes(value: bytes, writer: Writer) -> Any:
    return value if len(value) < _LONG else _write_long(_LONG_BYTES, value, writer)


def _write_long(code: int, raw: bytes, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(code, msgpack.encode([writer.place(np.frombuffer(raw, np.uint8)), len(raw)]))


def _read_long_bytes(payload: memoryview, reader: Reader) -> bytes:
    offset, size = msgpack.decode(payload, type=tuple[int, int])
    return bytes(reader.claim(offset, size)[offset : offset + size])


def _read_long_text(payload: memoryview, reader: Reader) -> str:
    return _read_long_bytes(payload, reader).decode("utf-8", "surrogatepass")


def _write_complex(value: complex, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_COMPLEX_CODE, _COMPLEX.pack(value.real, value.imag))


def _read_complex(payload: memoryview, reader: Reader) -> complex:
    return complex(*_COMPLEX.unpack(payload))


def _write_numpy(value: np.generic[Any], writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_NUMPY, msgpack.encode([write_dtype(value.dtype), value.tobytes()]))


def _read_numpy(payload: memoryview, reader: Reader) -> Any:
    described, raw = msgpack.decode(payload, type=tuple[str | list[Any], bytes])
    dtype = read_dtype(described)
    if len(raw) != dtype.itemsize:
        raise DecodeError(f"scalar: expected {dtype.itemsize} bytes of {dtype}, got {len(raw)}")
    return sound(np.ndarray((), dtype, bytearray(raw)))[()]


# NumPy drops trailing zeros of its text elements, so its text scalars travel as what they are: text
def _write_numpy_text(value: np.str_, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_NUMPY_TEXT, value.encode("utf-8", "surrogatepass"))


def _read_numpy_text(payload: memoryview, reader: Reader) -> np.str_:
    return np.str_(_read_text(payload, reader))


def _write_numpy_bytes(value: np.bytes_, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_NUMPY_BYTES, bytes(value))


def _read_numpy_bytes(payload: memoryview, reader: Reader) -> np.bytes_:
    return np.bytes_(bytes(payload))


_BIG, _TEXT, _LONG_TEXT, _LONG_BYTES, _COMPLEX_CODE, _NUMPY, _NUMPY_TEXT, _NUMPY_BYTES = range(1, 9)

SCALARS = (
    Kind(name="integer", types=(int,), code=_BIG, write=_write_int, read=_read_int),
    Kind(name="text", types=(str,), code=_TEXT, write=_write_text, read=_read_text),
    Kind(name="long text", code=_LONG_TEXT, write=_write_text, read=_read_long_text, nested=True),
    Kind(name="bytes", types=(bytes,), code=_LONG_BYTES, write=_write_bytes, read=_read_long_bytes, nested=True),
    Kind(name="complex", types=(complex,), code=_COMPLEX_CODE, write=_write_complex, read=_read_complex),
    Kind(
        name="NumPy scalar",
        types=_NUMPY_TYPES,
        code=_NUMPY,
        write=_write_numpy,
        read=_read_numpy,
        nested=True,
    ),
    Kind(name="NumPy text", types=(np.str_,), code=_NUMPY_TEXT, write=_write_numpy_text, read=_read_numpy_text),
    Kind(
        name="NumPy bytes",
        types=(np.bytes_,),
        code=_NUMPY_BYTES,
        write=_write_numpy_bytes,
        read=_read_numpy_bytes,
    ),
)
