"""Values in JSON: files, and literals on the command line.

Lists of numbers become arrays, null in them NaN.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from platform_base.series.base import Contents, Selection, SeriesFile, unknown_part
from platform_base.series.errors import InputError


class JsonReader:
    """Reads ``.json``; the selector is a way such as ``runs.0.signal``."""

    suffixes: tuple[str, ...] = (".json",)

    def read(self, path: SeriesFile, selector: str) -> Selection:
        """Read the document, or the part that the selector leads to; see `base.Reader`."""
        document = _parse(path)
        for step in selector.split(".") if selector else ():
            document = _descend(path, document, step, selector)
        return Selection(values=to_series(document), name=f"value {selector!r}" if selector else "")

    def read_all(self, path: SeriesFile) -> Contents:
        """Read the list that the document is, or each list of numbers in the mapping that it is; see `base.Reader`."""
        document = _parse(path)
        contents = Contents(columns={})
        for name, value in (document if isinstance(document, dict) else {"values": document}).items():
            series = to_series(value)
            if isinstance(series, np.ndarray):
                contents.columns[name] = series
            else:
                contents.left_out[name] = f"{path}: {name!r}: expected a list of numbers, got another value"
        return contents


def _parse(path: SeriesFile) -> Any:
    try:
        return json.loads(path.read().decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise InputError(f"{path}:{error.lineno}: expected JSON, got {error.msg} at column {error.colno}") from error
    except (UnicodeDecodeError, RecursionError, ValueError) as error:
        raise InputError(f"{path}: expected JSON in UTF-8, got {error}") from error


def parse_literal(text: str) -> Any:
    """Read a value that was written on the command line after ``json:``.

    Raises:
        InputError: It is no JSON.
    """
    try:
        return to_series(json.loads(text))
    except (ValueError, RecursionError) as error:
        raise InputError(f"json:{text}: expected JSON, got {error}; quote it for the shell: 'x=json:[1, 2]'") from error


def to_series(value: Any) -> Any:
    """Turn a rectangular list of numbers into an array; return anything else as it is.

    Example:
        >>> to_series([1, None, 3]).tolist()
        [1.0, nan, 3.0]
        >>> to_series(["a", "b"])
        ['a', 'b']
    """
    if not isinstance(value, list) or not value:
        return value
    flat, shape = _flatten(value)
    if flat is None or not {type(each) for each in flat} <= {int, float, type(None)}:
        return value
    if all(each is None for each in flat):
        return value
    kind = np.int64 if all(type(each) is int for each in flat) else np.float64
    try:
        return np.array([np.nan if each is None else each for each in flat], dtype=kind).reshape(shape)
    except OverflowError:  # beyond 64 bits: Python's integers have no such end
        return value


def _flatten(value: list[Any]) -> tuple[list[Any] | None, tuple[int, ...]]:
    """Return the elements and the shape, or None when the rows are not equally long."""
    shape: tuple[int, ...] = ()
    level: list[Any] = [value]
    while level and all(isinstance(each, list) for each in level):
        lengths = {len(each) for each in level}
        if len(lengths) != 1:
            return None, ()
        shape = (*shape, lengths.pop())
        level = [element for each in level for element in each]
    return level, shape


def _descend(path: SeriesFile, value: Any, step: str, selector: str) -> Any:
    if isinstance(value, dict):
        if step not in value:
            raise unknown_part(path, "key", step, list(value))
        return value[step]
    if isinstance(value, list) and step.lstrip("-").isdecimal() and -len(value) <= int(step) < len(value):
        return value[int(step)]
    size = f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
    raise InputError(f"{path}: expected something below {step!r} of {selector!r}, got {size}")
