"""Any value as what JSON knows, and any text as what can be shown."""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Mapping
from typing import Any

_MAX_LINE = 60
_LOOKED_AT = 16
"""A line is made of at most so many times its length: the rest of a long text is never looked at."""
_MAX_INTEGER_BITS = 14_000
"""Python refuses to write integers of more than 4300 decimal digits (sys.set_int_max_str_digits)."""


def visible(text: object) -> str:
    """Return text whose control characters show instead of steering the terminal; line ends stay.

    Example:
        >>> visible("red \\x1b[31m")
        'red \\\\x1b[31m'
    """
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode("ascii")
        for char in str(text).replace("\t", "    ")
    )


def writable(text: str) -> str:
    """Return text that UTF-8 can hold: halves of surrogate pairs become their escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def shorten(text: object, max_length: int = _MAX_LINE) -> str:
    """Return text on one line of at most `max_length` characters."""
    whole = str(text)
    looked_at = whole[: _LOOKED_AT * max_length]
    line = " ".join(visible(looked_at).split())
    if len(line) <= max_length and len(looked_at) == len(whole):
        return line
    return f"{line[: max_length - 3]}..."


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows.

    Halves of surrogate pairs, which UTF-8 does not know, become their escapes; integers of more than 14000 bits
    hexadecimal text; NaN and infinity null, complex numbers ``{"real", "imag"}``, bytes base64 text, dates ISO 8601
    text, durations seconds, arrays nested lists, masked elements null, tables columns by name, and anything
    else its text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= _MAX_INTEGER_BITS else hex(value)
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {spell_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, complex):
        return {"real": plain(value.real), "imag": plain(value.imag)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    return _plain_array(value)


def spell_key(key: Any) -> str:
    """Return the key of a mapping as JSON knows them: text."""
    try:
        return writable(str(key))
    except ValueError:  # an integer of more digits than Python writes, there or inside
        return writable(str(plain(key)))


def _plain_array(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.ndarray | np.generic):
        if value.dtype.kind in "mM":
            return value.astype(str).tolist()
        if value.dtype.kind == "f":
            value = value.astype(np.float64)  # longdouble would come out as a NumPy scalar again
        return plain(value.tolist())
    return _plain_table(value)


def _plain_table(value: Any) -> Any:
    """Turn tables of libraries that are installed or not, and are not imported here, into columns by name."""
    library, kind = type(value).__module__.partition(".")[0], type(value).__name__
    if library == "pandas" and kind == "DataFrame":
        return plain(value.to_dict(orient="list"))
    if library == "polars" and kind == "DataFrame":
        return plain(value.to_dict(as_series=False))
    if library in ("pandas", "polars") and kind == "Series":
        return plain(value.to_list())
    if library == "pyarrow" and hasattr(value, "to_pydict"):
        return plain(value.to_pydict())
    return visible(value)
