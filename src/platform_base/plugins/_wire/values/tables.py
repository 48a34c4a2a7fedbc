"""Tables of pyarrow and polars, as Arrow streams.

None of these libraries is imported unless a value of theirs is sent or received.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from msgspec import msgpack

from platform_base.plugins._wire.values.base import DecodeError, Kind, Reader, Writer
from platform_base.plugins._wire.values.remedies import Refusal
from platform_base.plugins._wire.values.streams import arrow, read_stream, write_stream

_ARROW, _BATCH, _POLARS, _POLARS_SERIES = range(48, 52)


def _stream(code: int, table: Any, writer: Writer) -> msgpack.Ext:
    return msgpack.Ext(code, msgpack.encode(write_stream(table, writer)))


def _write_arrow(value: Any, writer: Writer) -> msgpack.Ext:
    return _stream(_ARROW, value, writer)


def _read_arrow(payload: memoryview, reader: Reader) -> Any:
    offset, size = msgpack.decode(payload, type=tuple[int, int])
    return read_stream(offset, size, reader)


def _write_batch(value: Any, writer: Writer) -> msgpack.Ext:
    return _stream(_BATCH, arrow().Table.from_batches([value]), writer)


def _read_batch(payload: memoryview, reader: Reader) -> Any:
    table = _read_arrow(payload, reader)
    batches = table.to_batches()
    if len(batches) > 1:
        raise DecodeError(f"record batch: expected one, got {len(batches)}")
    return batches[0] if batches else arrow().RecordBatch.from_pylist([], schema=table.schema)


def _write_polars(value: Any, writer: Writer) -> msgpack.Ext:
    return _stream(_POLARS, _to_arrow(value), writer)


def _write_polars_series(value: Any, writer: Writer) -> msgpack.Ext:
    return _stream(_POLARS_SERIES, _to_arrow(value.to_frame()), writer)


def _to_arrow(frame: Any) -> Any:
    polars = import_module("polars")
    arrow()
    # newer levels use view types, which few readers know; polars 1.0 has only what is now the oldest
    level = {"compat_level": polars.CompatLevel.oldest()} if hasattr(polars, "CompatLevel") else {}
    for column in frame.clear().get_columns():
        try:
            returned = polars.from_arrow(column.to_frame().to_arrow(**level)).schema
            survives = returned == {column.name: column.dtype}
        except _polars_errors(polars):
            survives = False
        if not survives:  # polars writes Object columns as the addresses of their elements
            refusal = Refusal(f"a polars column of {column.dtype} cannot be sent, Arrow has no such type; cast it")
            raise refusal.within(column.name)
    return frame.to_arrow(**level)


def _read_polars(payload: memoryview, reader: Reader) -> Any:
    table = _read_arrow(payload, reader)
    try:
        polars = import_module("polars")
    except ImportError as error:
        raise DecodeError(f"table: it is one of polars, which is not installed here: {error}") from error
    try:
        return polars.from_arrow(table)
    except _polars_errors(polars) as error:
        raise DecodeError(f"table: polars refused it: {error}") from error


def _read_polars_series(payload: memoryview, reader: Reader) -> Any:
    frame = _read_polars(payload, reader)
    if frame.width != 1:
        raise DecodeError(f"series: expected one column, got {frame.width}")
    return frame.to_series(0)


def _polars_errors(polars: Any) -> tuple[type[BaseException], ...]:
    # a panic in its Rust code arrives as a BaseException
    own: list[type[BaseException]] = [polars.exceptions.PolarsError, polars.exceptions.PanicException]
    return (*own, ValueError, TypeError, NotImplementedError)


TABLES = (
    Kind(
        name="Arrow table",
        foreign=("pyarrow.Table",),
        code=_ARROW,
        write=_write_arrow,
        read=_read_arrow,
        nested=True,
    ),
    Kind(
        name="Arrow record batch",
        foreign=("pyarrow.RecordBatch",),
        code=_BATCH,
        write=_write_batch,
        read=_read_batch,
        nested=True,
    ),
    Kind(
        name="polars frame",
        foreign=("polars.DataFrame",),
        code=_POLARS,
        write=_write_polars,
        read=_read_polars,
        nested=True,
    ),
    Kind(
        name="polars series",
        foreign=("polars.Series",),
        code=_POLARS_SERIES,
        write=_write_polars_series,
        read=_read_polars_series,
        nested=True,
    ),
)
