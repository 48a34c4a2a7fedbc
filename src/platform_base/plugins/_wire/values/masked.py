"""Masked arrays of NumPy, and the constant that stands for one masked element."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import msgpack

from platform_base.plugins._wire.values.base import DecodeError, Kind, Reader, Writer

_ARRAY, _CONSTANT = 40, 41


def _write(value: np.ma.MaskedArray[Any, Any], writer: Writer) -> msgpack.Ext:
    parts = [writer.value(value.data.view(np.ndarray)), None]  # in the order in which they will be read
    if value.mask is not np.ma.nomask:
        parts[1] = writer.value(np.asarray(value.mask))
    parts += [writer.value(np.asarray(value.fill_value, value.dtype)), bool(value.hardmask)]
    return msgpack.Ext(_ARRAY, msgpack.encode(parts))


def _read(payload: memoryview, reader: Reader) -> np.ma.MaskedArray[Any, Any]:
    match reader.value(payload):
        case [np.ndarray() as data, None | np.ndarray() as mask, np.ndarray() as fill_value, bool() as hard]:
            pass
        case _:
            raise DecodeError("masked array: expected data, mask, fill value and hardness")
    if fill_value.shape != () or fill_value.dtype != data.dtype:
        raise DecodeError(f"masked array: expected one fill value of {data.dtype}")
    if mask is not None and (mask.shape != data.shape or mask.dtype != np.ma.make_mask_descr(data.dtype)):
        raise DecodeError(f"masked array: expected a mask like the data, got {mask.dtype}{mask.shape}")
    parts: dict[str, Any] = {"mask": np.ma.nomask if mask is None else mask, "fill_value": fill_value[()]}
    return np.ma.MaskedArray(data, hard_mask=hard, **parts)


def _write_constant(value: object, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_CONSTANT, b"")


def _read_constant(payload: memoryview, reader: Reader) -> Any:
    return np.ma.masked


MASKED = (
    Kind(name="masked array", types=(np.ma.MaskedArray,), code=_ARRAY, write=_write, read=_read, nested=True),
    Kind(name="masked", types=(type(np.ma.masked),), code=_CONSTANT, write=_write_constant, read=_read_constant),
)
