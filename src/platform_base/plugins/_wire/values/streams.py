"""Arrow IPC streams in a block of the arena: making them, and reading those of a sender nobody trusts.

Arrow checks the buffers of a stream against its body, and `validate(full=True)` checks offsets, indices and
text. What it does not bound is expansion: compressed buffers, and types whose length needs no bytes. So the
framing and the record batches' headers are looked at first (Arrow columnar format 1.5, "Encapsulated message
format"; Message.fbs), and only types that take space for each element are let in.
"""

from __future__ import annotations

import struct
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from platform_base.plugins._wire.values.base import DecodeError, Reader, Writer
from platform_base.plugins._wire.values.remedies import Refusal

_MARKER = b"\xff\xff\xff\xff"
_SCHEMA, _DICTIONARY_BATCH, _RECORD_BATCH = 1, 2, 3
_EXTENSION_KEY = b"ARROW:extension:"
_FREE_ROWS = 2**20  # rows that a column without bytes may have in any case
_MAX_NESTING = 32


def arrow() -> ModuleType:
    """Import pyarrow; raises `Refusal` with what to install."""
    try:
        return import_module("pyarrow")
    except ImportError as error:
        raise Refusal("a table travels as an Arrow stream, which needs pyarrow; pip install pyarrow") from error


def write_stream(table: Any, writer: Writer) -> list[int]:
    """Place a pyarrow Table as a stream and return its offset and size, bytes; raises `Refusal`."""
    pa = arrow()
    for field in table.schema:
        reason = _unfit(pa, field)
        if reason:
            raise Refusal(f"an Arrow column of {reason} cannot be sent; cast it to a plain type").within(field.name)
    if _EXTENSION_KEY in table.schema.serialize().to_pybytes():
        raise Refusal("an Arrow schema that names an extension type cannot be sent; cast it to plain types")
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    source = np.frombuffer(sink.getvalue(), np.uint8)
    return [writer.place(source), source.nbytes]


def read_stream(offset: int, size: int, reader: Reader) -> Any:
    """Read a stream back as a pyarrow Table whose columns are views of the arena.

    Raises:
        DecodeError: It is no stream, holds what `write_stream` would not have sent, or tables are not
            allowed.
    """
    if not reader.limits.allow_tables:
        raise DecodeError("table: not allowed by the limits of this call")
    if size > reader.limits.max_array_bytes:
        raise DecodeError(f"table: expected at most {reader.limits.max_array_bytes} bytes, got {size}")
    block = reader.claim(offset, size)[offset : offset + size]
    try:
        pa = arrow()
    except Refusal as error:
        raise DecodeError(f"table: {error.reason}") from error
    try:
        _inspect(block)
        stream = pa.ipc.open_stream(pa.py_buffer(block))
        for field in stream.schema:
            reason = _unfit(pa, field)
            if reason:
                raise DecodeError(f"table: expected plain columns, got {field.name!r} of {reason}")
        table = stream.read_all()
        if table.num_rows > max(_FREE_ROWS, 8 * size):
            raise DecodeError(f"table: expected at most 8 rows per byte, got {table.num_rows} rows in {size} bytes")
        table.validate(full=True)
    except (pa.ArrowException, NotImplementedError, OSError, struct.error, IndexError) as error:
        raise DecodeError(f"table: {error}") from error
    return table


def _unfit(pa: ModuleType, field: Any, nesting: int = 0) -> str:
    """Name what is wrong with a field, or return an empty text."""
    kind = field.type
    types = pa.types
    # a name that is no Unicode, at which polars would panic, makes pyarrow raise here
    labels = (field.name.encode(), *(field.metadata or {}))
    if isinstance(kind, pa.BaseExtensionType) or any(label.startswith(_EXTENSION_KEY) for label in labels):
        return f"extension type {kind}"
    if types.is_timestamp(kind) and kind.tz is not None and not kind.tz.isascii():
        return "instants in a time zone without a name"
    if nesting > _MAX_NESTING:
        return f"more than {_MAX_NESTING} levels"
    if types.is_dictionary(kind):
        return _unfit(pa, pa.field("values", kind.value_type), nesting + 1)
    if types.is_null(kind):
        return "nothing inside another type" if nesting else ""
    if types.is_fixed_size_binary(kind) or types.is_fixed_size_list(kind):
        width = kind.byte_width if types.is_fixed_size_binary(kind) else kind.list_size
        if width == 0:
            return f"{kind}, elements without width"
    if types.is_struct(kind) and kind.num_fields == 0:
        return "structs without fields"
    lists = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    if lists or types.is_struct(kind) or types.is_map(kind):
        inner = [kind.field(index) for index in range(kind.num_fields)]
        return next(filter(None, (_unfit(pa, child, nesting + 1) for child in inner)), "")
    flat = types.is_primitive(kind) or types.is_decimal(kind) or types.is_fixed_size_binary(kind)
    text = types.is_string(kind) or types.is_large_string(kind)
    return "" if flat or text or types.is_binary(kind) or types.is_large_binary(kind) else f"type {kind}"


def _inspect(block: memoryview) -> None:
    """Walk the messages of a stream; raises `DecodeError` for compressed and misplaced ones."""
    position = 0
    expected: tuple[int, ...] = (_SCHEMA,)
    while position < len(block):
        if block[position : position + 4] != _MARKER:
            raise DecodeError("table: expected an Arrow stream with continuation markers")
        (length,) = struct.unpack_from("<i", block, position + 4)
        if length == 0:  # end of stream; what follows is not read by anyone
            return
        start = position + 8
        if length < 0 or start + length > len(block):
            raise DecodeError("table: a message of the stream ends outside it")
        metadata = block[start : start + length]
        message = _Table.root(metadata)
        kind = message.scalar("<B", 1)
        if kind not in expected:
            raise DecodeError(f"table: expected message type {expected}, got {kind}")
        if kind == _SCHEMA:
            if _EXTENSION_KEY in bytes(metadata):
                raise DecodeError("table: expected plain columns, got an extension type")
        else:
            batch = message.table(2) if kind == _RECORD_BATCH else message.table(2).table(1)
            if batch.has(3):
                raise DecodeError("table: expected buffers without compression")
        body_size = message.scalar("<q", 3)
        if body_size < 0:
            raise DecodeError("table: a message of the stream has a negative size")
        position = start + length + body_size
        expected = (_RECORD_BATCH, _DICTIONARY_BATCH)


class _Table:
    """One table of a FlatBuffer: just enough to look at the headers of Arrow messages."""

    __slots__ = ("_at", "_buffer", "_slots", "_vtable")

    def __init__(self, buffer: memoryview, at: int) -> None:
        self._buffer = buffer
        self._at = at
        (back,) = self._unpack("<i", at)
        self._vtable = at - back
        (size,) = self._unpack("<H", self._vtable)
        self._slots = max(0, (size - 4) // 2)

    @classmethod
    def root(cls, buffer: memoryview) -> _Table:
        (at,) = struct.unpack_from("<I", buffer, 0)
        return cls(buffer, at)

    def has(self, slot: int) -> bool:
        return self._offset(slot) != 0

    def scalar(self, form: str, slot: int) -> int:
        offset = self._offset(slot)
        value: int = self._unpack(form, self._at + offset)[0] if offset else 0
        return value

    def table(self, slot: int) -> _Table:
        offset = self._offset(slot)
        if not offset:
            raise DecodeError("table: a message of the stream lacks its header")
        (step,) = self._unpack("<I", self._at + offset)
        return _Table(self._buffer, self._at + offset + step)

    def _offset(self, slot: int) -> int:
        if slot >= self._slots:
            return 0
        offset: int = self._unpack("<H", self._vtable + 4 + 2 * slot)[0]
        return offset

    def _unpack(self, form: str, at: int) -> tuple[Any, ...]:
        if at < 0:  # struct would count from the end
            raise DecodeError("table: a message of the stream points outside itself")
        return struct.unpack_from(form, self._buffer, at)
