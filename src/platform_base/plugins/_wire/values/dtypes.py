"""NumPy dtypes as plain data, and back without believing a word of it.

A dtype is its ``dtype.str``, or for a structured one ``["fields", names, formats, offsets, itemsize]``, or
for a field that is itself an array ``["array", base, shape]``. Titles, metadata and the wish for alignment
are dropped; names, order, offsets and padding are kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from platform_base.plugins._wire.values.base import DecodeError
from platform_base.plugins._wire.values.remedies import Refusal

MAX_DIMENSIONS = 32
_MAX_FIELDS = 1024
_MAX_NESTING = 6
_SPELLING = re.compile(
    r"[|<>](?:b1|[iu][1248]|f(?:2|4|8|12|16)|c(?:8|16|24|32)|[SUV][0-9]{1,10}"
    r"|[mM]8(?:\[[0-9]{0,10}(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\])?)",
    re.ASCII,
)
_COMMON = {name: np.dtype(name) for name in ("<f8", "<f4", "<i8", "<i4", "<c16")}


def write_dtype(dtype: np.dtype[Any], nesting: int = 0) -> str | list[Any]:
    """Describe a dtype; raises `Refusal` for what has no raw bytes or no name of its own."""
    if dtype.hasobject:
        raise Refusal(f"an array of dtype {dtype} cannot be sent; use a numeric or fixed-width dtype, or a list")
    if dtype.names is None and dtype.subdtype is None:
        spelling = dtype.str
        if spelling not in _COMMON and not _is_spelling(dtype, spelling):
            raise Refusal(f"an array of dtype {dtype} cannot be sent; convert it to a dtype of NumPy itself")
        return spelling
    if nesting >= _MAX_NESTING:
        raise Refusal(f"a structured dtype nested deeper than {_MAX_NESTING} levels cannot be sent; use a flatter one")
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ["array", write_dtype(base, nesting + 1), list(shape)]
    names = list(dtype.names or ())
    fields: Mapping[str, tuple[Any, ...]] = dtype.fields or {}
    if len(names) > _MAX_FIELDS:
        raise Refusal(f"a structured dtype of {len(names)} fields cannot be sent (at most {_MAX_FIELDS}); split it")
    formats = [write_dtype(fields[name][0], nesting + 1) for name in names]
    return ["fields", names, formats, [int(fields[name][1]) for name in names], dtype.itemsize]


def _is_spelling(dtype: np.dtype[Any], spelling: str) -> bool:
    # a dtype from another package (bfloat16) may spell itself as one of NumPy's
    return bool(_SPELLING.fullmatch(spelling)) and np.dtype(spelling) == dtype


def read_dtype(described: str | list[Any], nesting: int = 0) -> np.dtype[Any]:
    """Rebuild a dtype; raises `DecodeError` or a `ValueError` of NumPy for anything but a plain one."""
    if type(described) is str:
        return _COMMON.get(described) or _read_spelling(described)
    if nesting >= _MAX_NESTING:
        raise DecodeError(f"dtype: expected at most {_MAX_NESTING} levels")
    match described:
        case ["array", str() | list() as base, list() as shape]:
            if not all(type(size) is int and size >= 0 for size in shape) or len(shape) > MAX_DIMENSIONS:
                raise DecodeError(f"dtype: expected a shape of whole numbers, got {shape!r:.80}")
            dtype = np.dtype((read_dtype(base, nesting + 1), tuple(shape)))
        case ["fields", list() as names, list() as formats, list() as offsets, int() as itemsize]:
            dtype = _read_fields(names, formats, offsets, itemsize, nesting)
        case _:
            raise DecodeError(f"dtype: expected a spelling, fields or an array, got {described!r:.80}")
    if dtype.hasobject:
        raise DecodeError("dtype: expected no Python objects")
    return dtype


def _read_spelling(spelling: str) -> np.dtype[Any]:
    if not _SPELLING.fullmatch(spelling):
        raise DecodeError(f"dtype: expected a plain one such as '<f8', got {spelling!r:.80}")
    return np.dtype(spelling)


def _read_fields(
    names: list[Any], formats: list[Any], offsets: list[Any], itemsize: int, nesting: int
) -> np.dtype[Any]:
    if not len(names) == len(formats) == len(offsets) <= _MAX_FIELDS:
        raise DecodeError(f"dtype: expected as many names as formats and offsets, at most {_MAX_FIELDS}")
    if not all(type(name) is str for name in names) or not all(type(form) in (str, list) for form in formats):
        raise DecodeError("dtype: expected names of text and formats of dtypes")
    if not all(type(offset) is int and 0 <= offset < 2**31 for offset in [*offsets, itemsize]):
        raise DecodeError("dtype: expected offsets and an item size from 0 to 2147483647")
    nested = [read_dtype(form, nesting + 1) for form in formats]
    return np.dtype({"names": names, "formats": nested, "offsets": offsets, "itemsize": itemsize})
