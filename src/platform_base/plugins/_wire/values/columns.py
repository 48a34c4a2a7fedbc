"""Columns of pandas: one description per family of dtypes, and back by constructors that check."""

from __future__ import annotations

from datetime import timedelta, timezone, tzinfo
from types import ModuleType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from platform_base.plugins._wire.values.base import DecodeError, Writer
from platform_base.plugins._wire.values.remedies import Refusal
from platform_base.plugins._wire.values.streams import arrow

_NUMBERS = "biufcmM"


def write_column(pandas: ModuleType, column: Any, writer: Writer) -> list[Any]:
    """Describe an array of pandas; raises `Refusal` for period, interval, sparse."""
    dtype = column.dtype
    if type(column) is pandas.arrays.NumpyExtensionArray or isinstance(dtype, np.dtype):
        values = np.asarray(column)
        if values.dtype.kind in _NUMBERS:
            return ["numbers", writer.value(values)]
        return ["objects", writer.value(values.tolist())]
    if isinstance(dtype, pandas.CategoricalDtype):
        codes = writer.value(np.asarray(column.codes))
        return ["category", codes, write_column(pandas, dtype.categories.array, writer), bool(dtype.ordered)]
    if isinstance(dtype, pandas.DatetimeTZDtype):
        instants = column.tz_convert(None).to_numpy()
        return ["zoned", writer.value(instants), writer.value(_zone(dtype.tz))]
    if isinstance(dtype, pandas.StringDtype):
        nothing = "NA" if dtype.na_value is pandas.NA else "nan"
        if dtype.storage == "pyarrow":
            return ["text", nothing, _as_table(column, writer)]
        return ["text", nothing, writer.value(column.to_numpy(dtype=object, na_value=None).tolist())]
    if isinstance(dtype, pandas.ArrowDtype):
        return ["arrow", _as_table(column, writer)]
    if isinstance(column, (pandas.arrays.IntegerArray, pandas.arrays.FloatingArray, pandas.arrays.BooleanArray)):
        values = column.to_numpy(dtype=dtype.numpy_dtype, na_value=0)
        return ["masked", writer.value(values), writer.value(np.asarray(column.isna()))]
    raise Refusal(f"a pandas column of dtype {dtype} cannot be sent; convert it to numbers, text or categories")


def read_column(pandas: ModuleType, described: list[Any]) -> Any:
    """Rebuild an array for pandas; raises `DecodeError` or what the constructors of pandas raise."""
    match described:
        case ["numbers", np.ndarray() as values] if values.dtype.kind in _NUMBERS and values.ndim == 1:
            return values
        case ["objects", list() as items]:
            return np.fromiter(items, object, len(items))
        case ["category", np.ndarray() as codes, list() as categories, bool() as ordered]:
            index = pandas.Index(read_column(pandas, categories))
            return pandas.Categorical.from_codes(codes, categories=index, ordered=ordered)
        case ["zoned", np.ndarray() as instants, str() | timedelta() as zone] if instants.dtype.kind == "M":
            return pandas.DatetimeIndex(instants).tz_localize("UTC").tz_convert(_read_zone(zone)).array
        case ["text", "NA" | "nan" as nothing, list() as texts] if set(map(type, texts)) <= {str, type(None)}:
            return pandas.array(texts, dtype=_text_dtype(pandas, "python", nothing))
        case ["text", "NA" | "nan" as nothing, table]:
            return _read_text(pandas, nothing, _only_column(table))
        case ["arrow", table]:
            return pandas.arrays.ArrowExtensionArray(_only_column(table))
        case ["masked", np.ndarray() as values, np.ndarray() as mask] if values.shape == mask.shape:
            return _masked_type(pandas, values)(values, mask)
        case _:
            raise DecodeError(f"column: expected one of a known family, got {described!r:.80}")


def _masked_type(pandas: ModuleType, values: np.ndarray[Any, Any]) -> Any:
    kinds = {"b": "BooleanArray", "i": "IntegerArray", "u": "IntegerArray", "f": "FloatingArray"}
    if values.ndim != 1 or values.dtype.kind not in kinds:
        raise DecodeError(f"column: expected numbers or truth values, got {values.dtype}{values.shape}")
    return getattr(pandas.arrays, kinds[values.dtype.kind])


def _as_table(column: Any, writer: Writer) -> Any:
    return writer.value(arrow().table({"values": column.__arrow_array__()}))


def _only_column(table: Any) -> Any:
    if not isinstance(table, arrow().Table) or table.num_columns != 1:
        raise DecodeError(f"column: expected an Arrow table of one column, got {type(table).__name__}")
    return table.column(0)


def _read_text(pandas: ModuleType, nothing: str, column: Any) -> Any:
    pa = arrow()
    if column.type not in (pa.string(), pa.large_string()):
        raise DecodeError(f"column: expected text, got {column.type}")
    return _text_dtype(pandas, "pyarrow", nothing).__from_arrow__(column)


def _text_dtype(pandas: ModuleType, storage: str, nothing: str) -> Any:
    if nothing == "NA":
        return pandas.StringDtype(storage)
    return pandas.StringDtype(storage, na_value=np.nan)


def _zone(zone: tzinfo) -> str | timedelta:
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)  # zoneinfo, pytz
    if isinstance(name, str):
        return name
    offset = zone.utcoffset(None)
    if offset is None:
        raise Refusal(f"a time zone without a name, {zone!r}, cannot be sent; use zoneinfo.ZoneInfo(...)")
    return offset


def _read_zone(zone: str | timedelta) -> tzinfo:
    # not pandas' own look-up, which opens any file for names such as "dateutil//etc/passwd"
    return ZoneInfo(zone) if isinstance(zone, str) else timezone(zone)
