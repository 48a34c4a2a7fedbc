"""Values in JSON: files, and literals on the command line.

Lists of numbers become arrays, null in them NaN.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from platform_base.cli.errors import InputError
from platform_base.cli.series.base import Selection, unknown_part


class JsonReader:
    """Reads ``.json``; the selector is a way such as ``runs.0.signal``."""

    suffixes: tuple[str, ...] = (".json",)

    def read(self, path: Path, selector: str) -> Selection:
        """Read the document, or the part that the selector leads to; see `base.Reader`."""
        try:
            document = json.loads(path.read_text(encoding="utf-8-sig"))
        except json.JSONDecodeError as error:
            raise InputError(
                f"{path}:{error.lineno}: expected JSON, got {error.msg} at column {error.colno}"
            ) from error
        except (UnicodeDecodeError, RecursionError, ValueError) as error:
            raise InputError(f"{path}: expected JSON in UTF-8, got {error}") from error
        for step in selector.split(".") if selector else ():
            document = _descend(path, document, step, selector)
        return Selection(values=to_series(document), name=f"value {selector!r}" if selector else "")


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


def _descend(path: Path, value: Any, step: str, selector: str) -> Any:
    if isinstance(value, dict):
        if step not in value:
            raise unknown_part(path, "key", step, list(value))
        return value[step]
    if isinstance(value, list) and step.lstrip("-").isdecimal() and -len(value) <= int(step) < len(value):
        return value[int(step)]
    size = f"a list of {len(value)}" if isinstance(value, list) else type(value).__name__
    raise InputError(f"{path}: expected something below {step!r} of {selector!r}, got {size}")
