"""Series and data frames of pandas: columns by their dtypes, index and names restored.

Columns of NumPy's numbers travel as arrays, text and Arrow columns as Arrow streams, the rest as plain
values. The metadata that pyarrow would keep for pandas is not used: it names dtypes and time zones for the
reader to look up.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from msgspec import msgpack

from platform_base.plugins._wire.values.base import DecodeError, Kind, Reader, Writer
from platform_base.plugins._wire.values.columns import read_column, write_column
from platform_base.plugins._wire.values.remedies import Refusal

_SERIES, _FRAME = 56, 57
_REBUILD_ERRORS = (LookupError, NotImplementedError, AttributeError, AssertionError, OSError)


def _write_series(value: Any, writer: Writer) -> msgpack.Ext:
    pandas = import_module("pandas")
    name = writer.value(value.name)
    parts = [name, _write_index(pandas, value.index, writer), write_column(pandas, value.array, writer)]
    return msgpack.Ext(_SERIES, msgpack.encode([*parts, _write_attrs(value, writer)]))


def _read_series(payload: memoryview, reader: Reader) -> Any:
    pandas = _pandas()
    match reader.value(payload):
        case [name, list() as index, list() as column, dict() as attrs]:
            pass
        case _:
            raise DecodeError("series: expected name, index, column and attributes")
    try:
        series = pandas.Series(
            read_column(pandas, column),
            index=_read_index(pandas, index),
            name=name,
            copy=False,
        )
    except _REBUILD_ERRORS as error:
        raise DecodeError(f"series: pandas refused it: {error}") from error
    series.attrs = attrs
    return series


def _write_frame(value: Any, writer: Writer) -> msgpack.Ext:
    pandas = import_module("pandas")
    try:
        labels = _write_index(pandas, value.columns, writer)  # parts are written in the order of reading
    except Refusal as error:
        raise error.within("columns") from None
    index = _write_index(pandas, value.index, writer)
    dtypes = set(value.dtypes)
    columns: list[Any] = []
    matrix = None
    if len(dtypes) == 1 and value.shape[1] > 1 and isinstance(dtype := dtypes.pop(), np.dtype) and dtype.kind in "iufc":
        matrix = writer.value(np.asarray(value.to_numpy()))
    else:
        for position, label in enumerate(value.columns):
            try:
                columns.append(write_column(pandas, value.iloc[:, position].array, writer))
            except Refusal as error:
                raise error.within(label) from None
    return msgpack.Ext(_FRAME, msgpack.encode([labels, index, matrix, columns, _write_attrs(value, writer)]))


def _read_frame(payload: memoryview, reader: Reader) -> Any:
    pandas = _pandas()
    match reader.value(payload):
        case [
            list() as labels,
            list() as index,
            None | np.ndarray() as matrix,
            list() as columns,
            dict() as attrs,
        ]:
            pass
        case _:
            raise DecodeError("frame: expected labels, index, matrix, columns and attributes")
    try:
        rows, names = _read_index(pandas, index), _read_index(pandas, labels)
        if matrix is not None:
            if matrix.dtype.kind not in "iufc" or matrix.ndim != 2 or columns:
                raise DecodeError(f"frame: expected a matrix of numbers, got {matrix.dtype}{matrix.shape}")
            frame = pandas.DataFrame(matrix, index=rows, columns=names, copy=False)
        else:
            series = {at: read_column(pandas, column) for at, column in enumerate(columns)}
            frame = pandas.DataFrame(series, index=rows, copy=False)
            frame.columns = names
    except _REBUILD_ERRORS as error:
        raise DecodeError(f"frame: pandas refused it: {error}") from error
    frame.attrs = attrs
    return frame


def _write_attrs(value: Any, writer: Writer) -> Any:
    try:
        return writer.value(dict(value.attrs))
    except Refusal as error:
        raise error.within("attrs") from None


def _write_index(pandas: ModuleType, index: Any, writer: Writer) -> list[Any]:
    if type(index) is pandas.RangeIndex:
        return ["range", index.start, index.stop, index.step, writer.value(index.name)]
    if type(index) is pandas.MultiIndex:
        levels = [_write_index(pandas, level, writer) for level in index.levels]
        codes = [writer.value(np.asarray(codes)) for codes in index.codes]
        return ["levels", levels, codes, [writer.value(name) for name in index.names]]
    try:
        column = write_column(pandas, index.array, writer)
    except Refusal as error:
        raise error.within("index") from None
    return ["plain", column, writer.value(index.name), _frequency(pandas, index)]


def _frequency(pandas: ModuleType, index: Any) -> str | None:
    if not isinstance(index, (pandas.DatetimeIndex, pandas.TimedeltaIndex)):
        return None
    frequency = index.freq
    if frequency is None or pandas.tseries.frequencies.to_offset(frequency.freqstr) != frequency:
        return None  # holidays, for one, are not in the spelling
    spelling: str = frequency.freqstr
    return spelling


def _read_index(pandas: ModuleType, described: list[Any]) -> Any:
    match described:
        case ["range", int() as start, int() as stop, int() as step, name]:
            return pandas.RangeIndex(start, stop, step, name=name)
        case ["levels", list() as levels, list() as codes, list() as names]:
            if not all(isinstance(level, list) for level in levels):
                raise DecodeError("index: expected each level as an index")
            read = [_read_index(pandas, level) for level in levels]
            return pandas.MultiIndex(levels=read, codes=codes, names=names)
        case ["plain", list() as column, name, None]:
            return pandas.Index(read_column(pandas, column), name=name)
        case ["plain", list() as column, name, str() as spelling]:
            index = pandas.Index(read_column(pandas, column), name=name)
            if not isinstance(index, (pandas.DatetimeIndex, pandas.TimedeltaIndex)):
                raise DecodeError(f"index: expected instants or durations with a frequency, got {index.dtype}")
            index.freq = spelling
            return index
        case _:
            raise DecodeError("index: expected a range, levels or a column")


def _pandas() -> ModuleType:
    try:
        return import_module("pandas")
    except ImportError as error:
        raise DecodeError(f"table: it is one of pandas, which is not installed here: {error}") from error


FRAMES = (
    Kind(
        name="pandas series",
        foreign=("pandas.Series",),
        code=_SERIES,
        write=_write_series,
        read=_read_series,
        nested=True,
    ),
    Kind(
        name="pandas frame",
        foreign=("pandas.DataFrame",),
        code=_FRAME,
        write=_write_frame,
        read=_read_frame,
        nested=True,
    ),
)
