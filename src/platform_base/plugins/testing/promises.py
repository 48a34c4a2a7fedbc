"""Whether a result is what the manifest's ``produces`` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from platform_base.core.models import ProcessingResult
from platform_base.plugins._reload.self_test import find_part
from platform_base.plugins.product import Product

_ABSTRACT = {"number": np.number, "floating": np.floating, "integer": np.integer}


def broken_promises(products: Sequence[Product], result: ProcessingResult, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Say, for each promise that a result does not keep, what was promised and what came.

    Args:
        products: What the manifest promises.
        result: What came.
        inputs: What the call was given: shapes refer to them.
    """
    lengths: dict[str, int] = {}
    for product in products:
        if product.at is None:
            continue
        found, value = find_part(result, product.at)
        if product.optional and (not found or value is None):
            continue
        if not found:
            yield f"{product.at}: expected {describe_product(product)}, got nothing there"
            continue
        wrong = _misfit(product, value, inputs, lengths)
        if wrong:
            yield f"{product.at}: expected {describe_product(product)}, got {wrong}"


def describe_product(product: Product) -> str:
    """Say what was promised, such as ``array of float64 with shape (series,)``."""
    kind: str = product.type or ("array" if product.dtype is not None or product.shape is not None else "a value")
    if product.dtype is not None:
        kind += f" of {product.dtype}"
    if isinstance(product.shape, str):
        return f"{kind} with the shape of {product.shape}"
    if product.shape is not None:
        lengths = ", ".join("any" if length is None else str(length) for length in product.shape)
        kind += f" with shape ({lengths}{',' * (len(product.shape) == 1)})"
    return kind


def _misfit(product: Product, value: Any, inputs: Mapping[str, Any], lengths: dict[str, int]) -> str:
    kind = product.type or ("array" if product.dtype is not None or product.shape is not None else None)
    if kind is not None and not _is(kind, value):
        return _show_type(value)
    if kind != "array":
        return ""
    if product.dtype is not None and not _has_dtype(value, product.dtype):
        return f"dtype {value.dtype}"
    wanted = _shape(product.shape, inputs, lengths, value)
    if wanted is None:
        return ""
    fits = len(wanted) == value.ndim and all(a is None or a == b for a, b in zip(wanted, value.shape, strict=False))
    return "" if fits else f"shape {value.shape}"


def _is(kind: str, value: Any) -> bool:
    if kind == "array":
        return isinstance(value, np.ndarray)
    if kind == "table":
        return hasattr(value, "columns") or hasattr(value, "column_names")
    expected: Any = {
        "float": (float, np.floating),
        "integer": (int, np.integer),
        "boolean": (bool, np.bool_),
        "string": str,
        "list": list | tuple,
        "object": dict,
    }[kind]
    return isinstance(value, expected) and not (kind == "integer" and isinstance(value, bool))


def _has_dtype(value: np.ndarray[Any, Any], dtype: str) -> bool:
    if dtype in _ABSTRACT:
        return bool(np.issubdtype(value.dtype, _ABSTRACT[dtype]))
    return bool(value.dtype == np.dtype(dtype))


def _shape(
    promised: Any, inputs: Mapping[str, Any], lengths: dict[str, int], value: np.ndarray[Any, Any]
) -> list[int | None] | None:
    """Return the lengths that were promised, None for those that may be anything; None: nothing was."""
    if promised is None:
        return None
    if isinstance(promised, str):
        return list(_shape_of(inputs[promised])) if promised in inputs else None
    wanted: list[int | None] = []
    for axis, length in enumerate(promised):
        if isinstance(length, str):
            wanted.append(_named_length(length, inputs, lengths, value.shape[axis] if axis < value.ndim else None))
        else:
            wanted.append(length)
    return wanted


def _named_length(name: str, inputs: Mapping[str, Any], lengths: dict[str, int], here: int | None) -> int | None:
    """Return what a name stands for; one that is no input stands for the first length that it meets."""
    source, _, axis = name.partition(".")
    if source in inputs:
        shape = _shape_of(inputs[source])
        number = int(axis or 0)
        return shape[number] if number < len(shape) else -1
    if here is not None:
        lengths.setdefault(name, here)
    return lengths.get(name)


def _shape_of(value: Any) -> tuple[int, ...]:
    try:
        return np.shape(value)
    except ValueError:  # rows of different lengths
        return (len(value),)


def _show_type(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} with shape {value.shape}"
    return "null" if value is None else f"a {type(value).__name__}"
