"""A value in a few words: for tables, for programs, for pages."""

from __future__ import annotations

from typing import Any

import numpy as np

from platform_base.core.plain import plain, shorten


def summarize_value(value: Any) -> dict[str, Any]:
    """Describe a value for a program: ``type``, and for arrays ``dtype``, ``shape``, and their range.

    The range is ``minimum`` and ``maximum`` of what is finite; NaN are counted as ``missing``, infinities, if there are
    any, as ``infinite``. A number or a short text
    stands under ``value``.
    """
    if isinstance(value, np.ndarray) and value.ndim:
        described: dict[str, Any] = {
            "type": "array", "dtype": str(value.dtype), "shape": list(value.shape)
        }  # fmt: skip
        return {**described, **_range(value)} if value.dtype.kind in "biuf" else described
    if isinstance(value, np.ndarray | np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | complex):
        return {"type": type(value).__name__ if value is not None else "null", "value": plain(value)}
    if isinstance(value, str):
        return {"type": "text", "value": shorten(value, 200)}
    if isinstance(value, list | tuple | dict | bytes):
        return {"type": type(value).__name__, "length": len(value)}
    shape = getattr(value, "shape", None)
    table = {"type": type(value).__name__}
    return {**table, "shape": list(shape)} if isinstance(shape, tuple) else table


def _range(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    missing = int(np.isnan(array).sum()) if array.dtype.kind == "f" else 0
    facts = {
        "minimum": plain(finite.min()) if finite.size else None,
        "maximum": plain(finite.max()) if finite.size else None,
        "missing": missing,
    }
    infinite = array.size - finite.size - missing
    return {**facts, "infinite": int(infinite)} if infinite else facts


def show_value(value: Any) -> str:
    """Describe a value for people, on one line."""
    facts = summarize_value(value)
    if "value" in facts:
        number = facts["value"]
        return f"{number:.6g}" if isinstance(number, float) else shorten(number)
    if facts["type"] != "array":
        size = facts.get("length", facts.get("shape", ""))
        return f"{facts['type']} of {size}" if size != "" else facts["type"]
    text = f"{' x '.join(map(str, facts['shape']))} {facts['dtype']}"
    if facts.get("minimum") is not None:
        text += f", from {facts['minimum']:.6g} to {facts['maximum']:.6g}"
    return text + "".join(f", {facts[kind]} {kind}" for kind in ("missing", "infinite") if facts.get(kind))
