"""One value of a declared type: string, integer, float or boolean, and nothing that merely looks like it."""

from __future__ import annotations

import math
from typing import Any, Literal, TypeAlias

ScalarType: TypeAlias = Literal["string", "integer", "float", "boolean"]


def convert(value: object, kind: str | None) -> Any:
    """Return `value` as an exact built-in of type `kind`, or None where it does not fit.

    Args:
        value: A Python value. Neither True nor "1" is a number, NaN and infinity are no floats, 1 is one.
        kind: A `ScalarType`, or None for whichever of them it is.

    Example:
        >>> convert(1, "float"), convert(True, "integer")
        (1.0, None)
    """
    if isinstance(value, bool):
        return value if kind in ("boolean", None) else None
    if isinstance(value, str):
        return _text(value) if kind in ("string", None) else None
    if isinstance(value, int):
        if kind == "float":
            return _float(value)
        return int(value) if kind in ("integer", None) else None
    if isinstance(value, float):
        return float(value) if kind in ("float", None) and math.isfinite(value) else None
    return None


def equal(value: object, other: object) -> bool:
    """Compare two scalars; True equals 1 in Python, but not here."""
    return value == other and isinstance(value, bool) == isinstance(other, bool)


def _float(value: int) -> float | None:
    try:
        return float(value)
    except OverflowError:  # beyond the range of a double
        return None


def _text(value: str) -> str | None:
    try:
        return value.encode("utf-8").decode("utf-8")  # an exact str, of a subclass too
    except UnicodeEncodeError:  # half of a surrogate pair: no text that could be sent or stored
        return None
