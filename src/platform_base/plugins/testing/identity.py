"""Whether two values are the same, bit for bit."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

from platform_base.plugins.comparison import Tolerance, compare


def find_difference(first: Any, second: Any, place: str = "values") -> str:
    """Return where two values differ first and how, or the empty string.

    NaN is the same as NaN only with the same bits, and 0.0 is not -0.0. Tables, which have no bits of their own, are
    compared value by value.

    Args:
        first: One value.
        second: The other one.
        place: What it is called.

    Example:
        >>> find_difference({"a": [1.0, 0.0]}, {"a": [1.0, -0.0]})
        'values.a[1]: 0.0, then -0.0'
    """
    if type(first) is not type(second):
        return f"{place}: a {type(first).__name__}, then a {type(second).__name__}"
    if isinstance(first, np.ma.MaskedArray):
        return find_difference(np.ma.getmaskarray(first), np.ma.getmaskarray(second), f"{place} (mask)") or _arrays(
            first.filled(), second.filled(), place
        )
    if isinstance(first, np.ndarray):
        return _arrays(first, second, place)
    if isinstance(first, Mapping):
        return _mappings(first, second, place)
    if isinstance(first, list | tuple):
        if len(first) != len(second):
            return f"{place}: {len(first)} elements, then {len(second)}"
        pairs = enumerate(zip(first, second, strict=True))
        return next(filter(None, (find_difference(a, b, f"{place}[{index}]") for index, (a, b) in pairs)), "")
    return _scalars(first, second, place)


def _arrays(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any], place: str) -> str:
    for what in ("dtype", "shape"):
        before, after = getattr(first, what), getattr(second, what)
        if before != after:
            return f"{place}: {what} {before}, then {after}"
    if first.tobytes() == second.tobytes():
        return ""
    itemsize = first.dtype.itemsize
    left, right = (np.frombuffer(each.tobytes(), np.uint8).reshape(-1, itemsize) for each in (first, second))
    differ = np.flatnonzero((left != right).any(axis=1))
    where = ", ".join(str(int(index)) for index in np.unravel_index(int(differ[0]), first.shape))
    before, after = first.flat[differ[0]], second.flat[differ[0]]
    at = f"{place}[{where}]" if where else place
    return f"{at}: {before!s}, then {after!s} ({differ.size} of {first.size} elements differ)"


def _mappings(first: Mapping[Any, Any], second: Mapping[Any, Any], place: str) -> str:
    if list(first) != list(second):
        return f"{place}: the keys {', '.join(map(str, first))}, then {', '.join(map(str, second))}"
    return next(filter(None, (find_difference(first[key], second[key], f"{place}.{key}") for key in first)), "")


def _scalars(first: Any, second: Any, place: str) -> str:
    if isinstance(first, float):
        same = struct.pack("d", first) == struct.pack("d", second)
    elif isinstance(first, np.generic):
        same = first.tobytes() == second.tobytes()
    elif isinstance(first, complex):
        same = struct.pack("dd", first.real, first.imag) == struct.pack("dd", second.real, second.imag)
    elif isinstance(first, int | str | bytes | None):
        same = first == second
    else:
        return next(iter(compare(second, first, Tolerance(rtol=0.0), place=place).findings), "")
    return "" if same else f"{place}: {_short(first)}, then {_short(second)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
