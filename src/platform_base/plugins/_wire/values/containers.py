"""Lists, tuples and dicts, with their exact types; long lists of one number type travel as an array."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import msgpack

from platform_base.plugins._wire.values.arrays import read_array, write_array
from platform_base.plugins._wire.values.base import DecodeError, Kind, Reader, Writer
from platform_base.plugins._wire.values.remedies import Refusal, type_name

PACK_FROM = 64
"""Lists of plain numbers from this length on are packed."""

_SAME_HASH = 64
"""Keys of one dict that may have the same hash; by chance it is two or three."""

_NUMBERS, _TUPLE, _MAPPING = range(16, 19)
_PACKED_TYPES = {float: "d", int: "q"}
_KEY_TYPES = frozenset({str, int, float, bool, type(None), bytes})
_ONLY_TEXT = frozenset({str})


def _write_items(value: Sequence[Any], writer: Writer) -> Any:
    types = set(map(type, value))
    if len(types) == 1 and len(value) >= PACK_FROM:
        packed = _pack(value, _PACKED_TYPES.get(next(iter(types))), writer)
        if packed is not None:
            return packed
    if types <= writer.plain:
        return value
    writer.enter()
    items = []
    for index, item in enumerate(value):
        try:
            items.append(writer.value(item))
        except Refusal as error:
            raise error.within(index) from None
    writer.depth -= 1
    return items


def _pack(value: Sequence[Any], typecode: str | None, writer: Writer) -> msgpack.Ext | None:
    if typecode is None:
        return None
    try:
        numbers = np.frombuffer(array(typecode, value), typecode)
    except OverflowError:  # an integer beyond 64 bits: one by one, then
        return None
    return msgpack.Ext(_NUMBERS, write_array(numbers, writer))


def _read_numbers(payload: memoryview, reader: Reader) -> list[Any]:
    numbers = read_array(payload, reader)
    if numbers.ndim != 1 or numbers.dtype not in (np.float64, np.int64):
        raise DecodeError(f"numbers: expected one dimension of float64 or int64, got {numbers.dtype}{numbers.shape}")
    if numbers.nbytes > reader.limits.max_list_bytes:
        raise DecodeError(
            f"numbers: a list of {numbers.size} numbers, at most {reader.limits.max_list_bytes // 8} are read; "
            "an array has no such limit"
        )
    items: list[Any] = numbers.tolist()
    return items


def _write_tuple(value: tuple[Any, ...], writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(_TUPLE, msgpack.encode(_write_items(value, writer)))


def _read_tuple(payload: memoryview, reader: Reader) -> tuple[Any, ...]:
    items = reader.value(payload)
    if type(items) is not list:
        raise DecodeError(f"tuple: expected a list of its items, got {type(items).__name__}")
    return tuple(items)


def _write_dict(value: dict[Any, Any], writer: Writer) -> Any:
    if not value:
        return value
    if not _ONLY_TEXT.issuperset(map(type, value)) or (writer.careful and not _speakable(value)):
        return _write_mapping(value, writer)
    plain = writer.plain
    writer.enter()
    items = {}
    for key, item in value.items():
        if type(item) in plain:
            items[key] = item
            continue
        try:
            items[key] = writer.value(item)
        except Refusal as error:
            raise error.within(key) from None
    writer.depth -= 1
    return items


def _speakable(keys: dict[str, Any]) -> bool:
    try:
        "".join(keys).encode()
    except UnicodeEncodeError:
        return False
    return True


def _write_mapping(value: dict[Any, Any], writer: Writer) -> msgpack.Ext:
    others = sum(type(key) is not str for key in value)
    if others > writer.limits.max_keys:
        raise Refusal(
            f"a dict with {others} keys that are not text cannot be sent (at most {writer.limits.max_keys}); "
            "send its keys and its values as two arrays"
        )
    writer.enter()
    items = []
    for key, item in value.items():
        if not _is_key(key):
            raise Refusal(
                f"a dict key of type {type_name(key)} cannot be sent; "
                "use str, int, float, bool, None, bytes or tuples of these"
            )
        try:
            items += [writer.value(key), writer.value(item)]
        except Refusal as error:
            raise error.within(key) from None
    writer.depth -= 1
    return msgpack.Ext(_MAPPING, msgpack.encode(items))


def _read_mapping(payload: memoryview, reader: Reader) -> dict[Any, Any]:
    items = reader.value(payload)
    if type(items) is not list or len(items) % 2:
        raise DecodeError("dict: expected a list of keys and values in turn")
    keys = items[::2]
    reader.count_keys(sum(type(key) is not str for key in keys))
    if not all(map(_is_key, keys)):
        raise DecodeError("dict: expected keys of str, int, float, bool, None, bytes or tuples of these")
    # Hashes of numbers are no secret: thousands of keys with the same one would keep the reader busy for seconds.
    if keys and max(Counter(map(hash, keys)).values()) > _SAME_HASH:
        raise DecodeError(f"dict: more than {_SAME_HASH} keys with the same hash")
    return dict(zip(keys, items[1::2], strict=True))


def _is_key(key: object) -> bool:
    if type(key) is tuple:
        return all(map(_is_key, key))
    return type(key) in _KEY_TYPES


CONTAINERS = (
    Kind(name="list", types=(list,), write=_write_items, code=_NUMBERS, read=_read_numbers, nested=True),
    Kind(name="tuple", types=(tuple,), write=_write_tuple, code=_TUPLE, read=_read_tuple, nested=True),
    Kind(name="dict", types=(dict,), write=_write_dict, code=_MAPPING, read=_read_mapping, nested=True),
)
